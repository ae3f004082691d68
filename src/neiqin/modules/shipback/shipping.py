"""Waybills of a file become deliveries of their orders, through the ordinary action; what went out before without a
number gets it (C-ORD-11)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Shape
from neiqin.modules.orders import delivering
from neiqin.modules.orders.models import SHIP, Delivery, Order, OrderLine, shipped_of
from neiqin.modules.orders.states import SHIPPED, SIGNED, VOID
from neiqin.modules.shipback.waybills import Waybill, read_waybills

CHUNK = 100
NUMBER = Shape((Field("carrier", "承运商", maxlength=40), Field("waybill", "运单号", "code", maxlength=60)))


@dataclass
class Shipped:
    """What became of a file: deliveries made, older ones that got their number, orders that were shipped with this
    number already, those that wait for an approval; guessed: carriers by the shape of the number."""

    made: int = 0
    numbered: int = 0
    repeated: int = 0
    held: int = 0
    guessed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        parts = [f"发货 {self.made} 单"]
        parts += [f"给发过的补单号 {self.numbered} 单"] if self.numbered else []
        parts += [f"早就发过 {self.repeated} 单"] if self.repeated else []
        parts += [f"等审批 {self.held} 单"] if self.held else []
        return "，".join(parts)


@action(Delivery, "补运单号", may=SHIP, from_=(SHIPPED, SIGNED), event="numbered", each=True, shape=NUMBER,
        button=False, bulk=False, icon="truck-delivery")  # fmt: skip
def number(deliveries: Batch[Delivery]) -> None:
    """Deliveries that went out before their number was known; one that has a number keeps it."""
    deliveries.refuse({d.pk: f"已有运单号 {d.waybill}。" for d in deliveries if d.waybill})
    deliveries.set_each("waybill", {d.pk: deliveries.rows[d.pk]["waybill"] for d in deliveries})
    deliveries.set_each("carrier", {d.pk: deliveries.rows[d.pk]["carrier"] or d.carrier for d in deliveries})
    deliveries.tell({d.pk: {"note": f"{deliveries.rows[d.pk]['waybill']}"} for d in deliveries})


def take(content: bytes, name: str, by: Any) -> Shipped:
    """Bring a file in. Raises Unreadable for one without waybills. Killed in between, the same file goes on where it
    was: what is shipped with a number is not shipped with it again."""
    reading = read_waybills(content, name)
    done = Shipped(problems=reading.problems, notes=reading.notes)
    done.guessed = [f"第 {w.rows[0]} 行：{w.text} 按单号猜是{w.carrier}。" for w in reading.found if w.guessed]
    for start in range(0, len(reading.found), CHUNK):
        _chunk(reading.found[start : start + CHUNK], by, done)
    return done


def _chunk(found: Sequence[Waybill], by: Any, done: Shipped) -> None:
    orders = _orders(found, by, done)
    before: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in Delivery.objects.filter(order__in=orders.values()).exclude(state=VOID).order_by("pk"):
        before[delivery.order_id].append(delivery)
    left = _open([o.pk for o in orders.values()])
    rows, asked, late = [], [], dict[int, Waybill]()
    for one in found:
        if (order := orders.get(one.rows[0])) is None:
            continue
        there = before[order.pk]
        bare = next((d for d in there if not d.waybill and d.pk not in late), None)
        if any(set(one.waybills) <= set(d.waybill.split(",")) for d in there):
            done.repeated += 1
        elif bare is not None and not left.get(order.pk):
            late[bare.pk] = one
        elif not left.get(order.pk):
            done.problems.append(f"{_where(one)}：{order.number}已经发完，没有要发的货。")
        else:
            rows.append(_row(order, one, left.pop(order.pk)))
            asked.append(one)
    _ship(rows, asked, by, done)
    _number(late, by, done)


def _where(one: Waybill) -> str:
    return f"第 {one.rows[0]} 行 {one.number}"


def _orders(found: Sequence[Waybill], by: Any, done: Shipped) -> dict[int, Order]:
    """first row -> the order with this number, ours or the platform's, among those this person may ship."""
    numbers = {w.number for w in found}
    seen = Order.objects.filter(Order.visible_to(by, SHIP)).filter(
        Q(number__in=numbers) | Q(platform_number__in=numbers)
    )
    named: dict[str, list[Order]] = defaultdict(list)
    for order in seen.order_by("pk"):
        for said in {order.number, order.platform_number} & numbers:
            named[said].append(order)
    answer = {}
    for one in found:
        mine = named[one.number]
        if len(mine) == 1:
            answer[one.rows[0]] = mine[0]
        elif mine:
            done.problems.append(f"{_where(one)}：{'、'.join(o.number for o in mine)} 都是这个号，写上我方订单号再传。")
        else:
            done.problems.append(f"{_where(one)}：没有这张订单，或不在你能发货的范围里。核对订单号，没取进来的先取单。")
    return answer


def _open(orders: Sequence[int]) -> dict[int, list[dict[str, str]]]:
    """order -> what of it has not gone out, as goods of a delivery."""
    lines = list(OrderLine.objects.filter(order__in=orders).order_by("pk"))
    gone = shipped_of([x.pk for x in lines])
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    for line in lines:
        if (left := line.quantity - gone.get(line.pk, Decimal(0))) > 0:
            found[line.order_id].append({"order_line": str(line.pk), "quantity": plain(left)})
    return found


def _row(order: Order, one: Waybill, goods: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "order": str(order.pk), "carrier": one.carrier, "waybill": one.text, "lines": goods,
        "shipped_on": str(one.shipped_on or clock.today()), "packages": str(len(one.waybills)),
    }  # fmt: skip


def _ship(rows: Sequence[Mapping[str, Any]], asked: Sequence[Waybill], by: Any, done: Shipped) -> None:
    if not rows:
        return
    outcome = perform(delivering.create, rows=rows, by=by, source="file", seconds=30)
    done.made += len(outcome.done)
    done.held += len(rows) - len(outcome.done) - len(outcome.refused) if outcome.held else 0
    done.problems += [f"{_where(asked[p])}：{refusal.text}" for p, refusal in sorted(outcome.refused.items())]


def _number(late: Mapping[int, Waybill], by: Any, done: Shipped) -> None:
    if not late:
        return
    ids = sorted(late)
    given = [{"carrier": late[i].carrier, "waybill": late[i].text} for i in ids]
    outcome = perform(number, ids, rows=given, by=by, source="file")
    done.numbered += len(outcome.done)
    done.problems += [f"{_where(late[i])}：{refusal.text}" for i, refusal in sorted(outcome.refused.items())]
