"""An order under way is made anew: never below what is shipped or invoiced, and each time it is a version of its own
(C-ORD-13, C-ORD-14). Who may ask for it, and what has to be on file first, is the document's of `modules.changes`."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.records import Changes, change
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Shape
from neiqin.modules.orders import booking, delivering, fields, parts, telling
from neiqin.modules.orders.actions import EDIT, LINES, settle, unfit_rows
from neiqin.modules.orders.models import Invoicing, Order, OrderLine, shipped_of
from neiqin.modules.orders.states import ALIVE, VOID

MOVABLE = ("required_on", "consignee", "consignee_phone", "address")
REVISED = Shape(tuple(f for f in fields.HEAD if f.name in MOVABLE), (LINES,))
STAYS = "至少要留一行；整单不要了，用「取消整单」。"


@action(
    Order, "改成新版本", may=EDIT, from_=ALIVE, event="revised", each=True, partial=True, shape=REVISED, button=False,
    bulk=False, icon="edit",
)  # fmt: skip
def revise(orders: Batch[Order]) -> None:
    """The orders become what `rows` say, and their next version. It says what was agreed with the customer, so that it
    need not be confirmed again."""
    before = {o.pk: (o.required_on, o.amount) for o in orders}
    wanted = _wanted(orders.ids)
    change(orders, REVISED, orders.rows, _floors, lambda batch, _: settle(batch))
    _not_below_invoices(orders)
    orders.set_each("revision", {o.pk: o.revision + 1 for o in orders})
    now = _wanted(orders.ids)
    orders.tell({
        o.pk: {
            "note": f"第 {o.revision + 1} 版，价税合计 {before[o.pk][1]:,.2f} → {o.amount:,.2f}",
            "from": _day(before[o.pk][0]), "to": _day(o.required_on), "grown": grown(wanted[o.pk], now[o.pk]),
        }
        for o in orders
    })  # fmt: skip


def _day(day: Any) -> str:
    return day.isoformat() if day else ""


def _wanted(ids: list[int]) -> dict[int, dict[int, Decimal]]:
    """order -> line -> quantity."""
    found = defaultdict[int, dict[int, Decimal]](dict)
    for pk, order, quantity in OrderLine.objects.filter(order_id__in=ids).values_list("pk", "order_id", "quantity"):
        found[order][pk] = quantity
    return found


def grown(before: Mapping[int, Decimal], after: Mapping[int, Decimal]) -> int:
    """Of how much of the new quantities the old ones are, in percent; 0 where no line has become more."""
    if all(quantity <= before.get(line, Decimal(0)) for line, quantity in after.items()):
        return 0
    return max(1, int(100 * sum(before.values()) / sum(after.values())))


def _floors(orders: Batch[Order], changes: Changes) -> Mapping[int, Refusal]:
    """No line below what has been shipped of it, and at least one line."""
    lines = {x.pk: x for x in OrderLine.objects.filter(order_id__in=orders.ids)}
    gone = shipped_of(lines)
    kept = defaultdict[int, set[int]](set)
    for known in lines.values():
        kept[known.order_id].add(known.pk)
    problems = unfit_rows(orders, changes)
    for order, row in changes.items():
        for n, one in enumerate(row.get("lines") or ()):
            line = lines.get(one.get("id") or 0)
            if refusal := _too_little(n, one, line, gone.get(line.pk, Decimal(0)) if line else Decimal(0)):
                problems.setdefault(order, refusal)
            if one.get("delete") and line:
                kept[order].discard(line.pk)
            elif not line:
                kept[order].add(-n - 1)
        if not kept[order]:
            problems.setdefault(order, Refusal(STAYS, "lines"))
    return problems


def _too_little(n: int, one: Mapping[str, Any], line: OrderLine | None, gone: Decimal) -> Refusal | None:
    if line is None or not gone:
        return None
    if one.get("delete") or ("quantity" in one and one["quantity"] < gone):
        text = f"「{line.item_name}」已发 {plain(gone)}{line.unit_name}，不能改到比这更少。"
        return Refusal(text, f"lines-{n}-quantity")
    if one.get("product") not in (None, line.product_id) or one.get("unit_name") not in (None, line.unit_name):
        return Refusal(
            f"「{line.item_name}」已经发过货，不能换产品或单位：没发的改小，另加一行。", f"lines-{n}-product"
        )
    return None


def _not_below_invoices(orders: Batch[Order]) -> None:
    """Known only when the lines have their prices: the whole is done again without these orders."""
    alive = Invoicing.objects.filter(order_id__in=orders.ids).exclude(state=VOID)
    billed = dict(alive.values_list("order_id").annotate(Sum("amount")))
    problems = {
        o.pk: Refusal(f"已经开票 {billed[o.pk]:,.2f}，改后只有 {o.amount:,.2f}：先作废或红冲发票。", "lines")
        for o in orders if billed.get(o.pk, Decimal(0)) > o.amount
    }  # fmt: skip
    if problems:
        raise RefuseLate(problems)


def of_revised(happened: Happened) -> None:
    """How far the orders are is another part of them now, the departments' dates move, and the customer is told."""
    parts.of_revised(happened)
    delivering.roll(happened.ids)
    booking.roll(happened.ids)
    telling.of_revised(happened)
