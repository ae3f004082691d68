"""Shipping against orders, and the customer's receipt (C-ORD-11)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.resources.references import unseen
from neiqin.modules.orders import fields, parts, stocking
from neiqin.modules.orders.models import SHIP, Delivery, DeliveryLine, Order, OrderLine, ReturnLine, shipped_of
from neiqin.modules.orders.states import ALIVE, SHIPPED, SIGNED, VOID

NUMBERS = Numbers("number", Pattern("FH", by_day=True))
GOODS = Lines("lines", "发货明细", DeliveryLine, "delivery", fields.GOODS, 1, "加一行")
DELIVERY = Shape(fields.DELIVERY, (GOODS,))
TOLD = Kind("orders.shipped", "订单发货", MAIL)


def _fit(batch: NewBatch[Delivery]) -> Mapping[int, Refusal]:
    """Approved, confirmed, not held, never more than is open and the tolerance (practice.md 2.7), and never more than
    lies there. The orders are locked first, in id order, then the stocks: two who ship the same come one after the
    other."""
    problems = unseen(DELIVERY, batch.rows, batch.by)
    ids = sorted({row["order"] for p, row in batch.rows.items() if p not in problems})
    rows = Order.objects.filter(pk__in=ids).order_by("pk")
    if batch.locks:
        rows = rows.select_for_update(no_key=True, of=("self",))
    orders = {o.pk: o for o in rows}
    lines = {x.pk: x for x in OrderLine.objects.filter(order_id__in=ids).select_related("product")}
    gone = defaultdict[int, Decimal](Decimal, shipped_of(lines))
    old = parts.not_confirmed_by(ids, batch.by.id)
    told = parts.stopped(old, batch)
    stale = {order.pk: told[part.pk] for part, order in old}
    for position, row in batch.rows.items():
        if position not in problems:
            refusal = (
                stale.get(row["order"])
                or _unready(orders[row["order"]], row["shipped_on"])
                or _too_much(row, lines, gone)
            )
            if refusal:
                problems[position] = refusal
    return problems | stocking.short(batch, problems, lines)


def _unready(order: Order, shipped_on: date | None) -> Refusal | None:
    if order.state not in ALIVE:
        label = label_of(Order.STATES, order.state)
        return Refusal(f"{order.number}{label}，审核以后才能发货。", "order")
    if order.hold:
        return Refusal(f"{order.number}挂起中：{order.hold}。", "order")
    if order.confirmed_at is None:
        return Refusal(f"{order.number}客户还没有确认，登记确认或发链接以后再发货。", "order")
    if shipped_on and shipped_on > clock.today():
        return Refusal("「发货日期」还没到。", "shipped_on")
    return None


def _too_much(row: Mapping[str, Any], lines: Mapping[int, OrderLine], gone: dict[int, Decimal]) -> Refusal | None:
    for n, one in enumerate(row["lines"]):
        line = lines.get(one["order_line"])
        if line is None or line.order_id != row["order"]:
            return Refusal(f"「第 {n + 1} 行」不是这张订单的。", f"lines-{n}-order_line")
        if one["quantity"] <= 0:
            return Refusal(f"「第 {n + 1} 行的数量」要大于 0。", f"lines-{n}-quantity")
        tolerance = line.product.tolerance if line.product else Decimal(0)
        most = line.quantity * (1 + tolerance / 100)
        if gone[line.pk] + one["quantity"] > most:
            left = max(line.quantity - gone[line.pk], Decimal(0))
            text = f"「{line.item_name}」订 {plain(line.quantity)}，已发 {plain(gone[line.pk])}，最多再发 {plain(left)}"
            more = f"（容差 {plain(tolerance)}%）" if tolerance else ""
            return Refusal(f"{text}{more}。", f"lines-{n}-quantity")
        gone[line.pk] += one["quantity"]
    return None


create = creating(Delivery, DELIVERY, numbers=NUMBERS, check=_fit, label="发货", may=SHIP)


@action(Delivery, "签收", may=SHIP, from_=SHIPPED, to=SIGNED, event="signed", icon="checkbox", primary=True)
def sign(
    deliveries: Batch[Delivery],
    *,
    signed_on: Annotated[date, Field("signed_on", "签收日期", "date", required=True)],
    signed_by: Annotated[str, Field("signed_by", "签收人", maxlength=40)] = "",
    difference: Annotated[str, Field("difference", "差异", maxlength=200, help="短少、破损、拒收写在这里")] = "",
) -> None:
    """The customer has it."""
    deliveries.refuse({
        d.pk: Refusal(f"早于发货日期 {d.shipped_on}。", "signed_on") for d in deliveries if signed_on < d.shipped_on
    })  # fmt: skip
    if signed_on > clock.today():
        deliveries.refuse(dict.fromkeys(deliveries.ids, Refusal("「签收日期」还没到。", "signed_on")))
    deliveries.set(signed_on=signed_on, signed_by=signed_by, difference=difference)
    deliveries.tell({i: {"note": difference} for i in deliveries.ids if difference})


@action(Delivery, "作废", may=SHIP, from_=SHIPPED, to=VOID, event="voided", icon="circle-x", danger=True)
def void(deliveries: Batch[Delivery], *, reason: Annotated[str, Field("reason", "原因", required=True)]) -> None:
    """It did not go out; its goods are open again."""
    back = ReturnLine.objects.filter(delivery_line__delivery__in=deliveries.ids).exclude(returned__state=VOID)
    numbers = dict(back.values_list("delivery_line__delivery_id", "returned__number"))
    deliveries.refuse({i: f"已经登记退货（{number}），先作废退货登记。" for i, number in numbers.items()})
    deliveries.tell({i: {"reason": reason} for i in deliveries.ids})


_ROLL = """
UPDATE orders_progress p SET shipped = r.shipped, shipped_on = r.shipped_on, signed_on = r.signed_on
FROM (
  SELECT l.order_id,
    CASE WHEN sum(l.quantity) > 0
      THEN least(round(100 * sum(least(coalesce(d.quantity, 0), l.quantity) * w.weight)
                       / nullif(sum(l.quantity * w.weight), 0), 1), 100) ELSE 0 END AS shipped,
    max(d.shipped_on) AS shipped_on,
    CASE WHEN bool_and(coalesce(d.signed, 0) >= l.quantity) THEN max(d.signed_on) END AS signed_on
  FROM orders_orderline l
  CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(l.price, 0) > 0 THEN l.price ELSE 0.000001 END AS weight) w
  LEFT JOIN LATERAL (
    SELECT sum(g.quantity) AS quantity, max(v.shipped_on) AS shipped_on, max(v.signed_on) AS signed_on,
      sum(g.quantity) FILTER (WHERE v.state = 'signed') AS signed
    FROM orders_deliveryline g JOIN orders_delivery v ON v.id = g.delivery_id AND v.state <> 'void'
    WHERE g.order_line_id = l.id) d ON true
  WHERE l.order_id = ANY(%s) GROUP BY l.order_id) r
WHERE p.order_id = r.order_id
"""


def of_deliveries(happened: Happened) -> None:
    """How far the orders are, their timelines, and the reps."""
    roll(Delivery.objects.filter(pk__in=happened.ids).values_list("order_id", flat=True))
    _say(happened)


def roll(ids: Iterable[int]) -> None:
    """How far these orders are, in one statement; those that have something out are in execution, the others not."""
    orders = sorted(set(ids))
    with connection.cursor() as cursor:
        cursor.execute(_ROLL, [orders])
        cursor.execute(
            "UPDATE orders_order o SET state = CASE WHEN p.shipped > 0 THEN 'executing' ELSE 'approved' END "
            "FROM orders_progress p WHERE p.order_id = o.id AND o.id = ANY(%s) "
            "AND o.state IN ('approved', 'executing')",
            [orders],
        )


def _say(happened: Happened) -> None:
    """On the orders' timelines, and to the reps."""
    if happened.preview:
        return
    rows = list(Delivery.objects.filter(pk__in=happened.ids).select_related("order"))
    words = {"created": "发货", "signed": "客户签收", "voided": "作废发货单"}[happened.name.rsplit(".", 1)[-1]]
    told = [
        (f"orders.order.{happened.name.rsplit('.', 1)[-1]}_delivery", d.order_id, None, None,
         {"words": f"{words} {d.carrier} {d.waybill}".strip()})
        for d in rows
    ]  # fmt: skip
    history.add_events(happened.run, "orders.order", told)
    tell_each([
        News(d.owner_id, f"{words}：{d.order.number} {d.name}", f"{d.carrier} {d.waybill}".strip(),
             f"/orders/order/{d.order_id}/", TOLD.name, about=("orders.order", d.order_id), run=happened.run)
        for d in rows if d.owner_id != happened.by.id
    ])  # fmt: skip


def late(order: Order, lines: Sequence[OrderLine], signed_on: date | None) -> bool:
    """Whether the whole of it came after the day it was promised for; the lines' own days go first."""
    due = max((x.promised_on for x in lines if x.promised_on), default=order.required_on)
    return due is not None and signed_on is not None and signed_on > due
