"""What the table of approval routes is asked about an order that is to be audited: price level, discount, credit."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from neiqin.kernel import clock
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.approvals.declare import Asks
from neiqin.modules.catalog import policy
from neiqin.modules.catalog.models import Product
from neiqin.modules.catalog.pricing import PROMOTED
from neiqin.modules.customers import fields as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import actions, credit
from neiqin.modules.orders.models import Order, OrderLine


class Line(Protocol):
    """What is looked at of an order's line."""

    @property
    def product_id(self) -> int | None: ...

    @property
    def quantity(self) -> Decimal: ...

    @property
    def price(self) -> Decimal | None: ...

    @property
    def list_price(self) -> Decimal | None: ...

    @property
    def off(self) -> Decimal: ...

    @property
    def gross(self) -> Decimal: ...

    @property
    def price_rule(self) -> str: ...


class _Read(NamedTuple):
    """A line as it is read: ten thousand orders are looked at at once, and records would take four times as long."""

    order_id: int
    product_id: int | None
    quantity: Decimal
    price: Decimal | None
    list_price: Decimal | None
    off: Decimal
    gross: Decimal
    price_rule: str


class _Order(NamedTuple):
    pk: int
    customer_id: int
    amount: Decimal


def of_orders(ids: list[int]) -> dict[int, dict[str, Any]]:
    """order -> amount, the strictest price level of its lines, the weighted discount, how far over the limit; a
    constant number of queries."""
    orders = {row[0]: _Order(*row) for row in Order.objects.filter(pk__in=ids).values_list(*_Order._fields)}
    lines: dict[int, list[_Read]] = defaultdict(list)
    for row in OrderLine.objects.filter(order_id__in=ids, is_gift=False).order_by("pk").values_list(*_Read._fields):
        lines[row[0]].append(_Read(*row))
    judged = judge(list(orders), lines)
    owed = credit.with_orders([(o.pk, o.customer_id, o.amount) for o in orders.values()])
    levels = dict(Customer.objects.filter(pk__in={o.customer_id for o in orders.values()}).values_list("pk", "level"))
    found = {}
    for pk, order in orders.items():
        worst = policy.strictest(judged[pk])
        found[pk] = {
            "amount": order.amount,
            "level": customers.level.choice(levels.get(order.customer_id, "")).label or "无",
            "factor": policy.weighted(priced(lines[pk], {})),
            "price_level": worst.level if worst else policy.LEVELS[0],
            "over_credit": owed[pk].percent if owed[pk].locked else Decimal(0),
        }
    return found


def judge(orders: Collection[int], lines: Mapping[int, Sequence[Line]]) -> dict[int, list[policy.Judged]]:
    """order or quote -> whose decision each of its lines is. orders: their ids."""
    products = Product.objects.filter(pk__in={x.product_id for found in lines.values() for x in found if x.product_id})
    today = clock.today()
    floors = policy.floors(
        {pk: (cost, own) for pk, cost, own in products.values_list("pk", "cost", "floor_price")}, today
    )
    asked = [(o, one) for o in orders for one in priced(lines.get(o, ()), floors)]
    said = policy.judge([one for _, one in asked], today) if asked else []
    found: dict[int, list[policy.Judged]] = {o: [] for o in orders}
    for (order, _), one in zip(asked, said, strict=True):
        found[order].append(one)
    return found


def priced(lines: Sequence[Line], floors: Mapping[int, Decimal | None]) -> list[policy.Priced]:
    """The lines as the price policy looks at them; the discount of the whole order counts. A promotion's price has
    been agreed on by three departments and is what further discounts are measured against (C-LEAD-15)."""
    return [
        policy.Priced(x.gross / x.quantity if x.off else x.price or Decimal(0), _reference(x),
                      floors.get(x.product_id or 0), x.quantity)
        for x in lines
    ]  # fmt: skip


def _reference(line: Line) -> Decimal | None:
    return line.price if line.price_rule.startswith(PROMOTED) else line.list_price


def _measures(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    return of_orders(list(rows))


def facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at first: the lines below floor or list price, the customer's limit, what was before."""
    order = Order.objects.filter(Order.visible_to(person), pk=record).first()
    if order is None:
        return []
    lines = list(OrderLine.objects.filter(order=order, is_gift=False).order_by("pk"))
    judged = judge([order.pk], {order.pk: lines})[order.pk]
    found = [("客户", order.name), ("业务员", order.owner.name), ("明细", f"{len(lines)} 行")]
    for line, one in sorted(zip(lines, judged, strict=True), key=lambda p: p[1].factor):
        if one.level != policy.LEVELS[0]:
            below = "，低于底价" if one.below_floor else ""
            found.append((f"{one.factor * 100:.1f} 折{below}", f"{line.item_name} {line.price:.2f}，标准价 "
                          f"{line.list_price or 0:.2f}，要{one.level}批（{one.rule}）"))  # fmt: skip
    owed = credit.with_orders([(order.pk, order.customer_id, order.amount)])[order.pk]
    if owed.limit is not None and person.may(customers.CREDIT):
        over = f"，超 {owed.over:,.2f}（{owed.percent}%）" if owed.over else "，没有超"
        found.append(("信用额度", f"{owed.limit:,.2f}，加上这单占用 {owed.exposure:,.2f}{over}"))
    before = Order.objects.filter(customer_id=order.customer_id, state__in=("approved", "executing", "closed"))
    count = before.exclude(pk=order.pk).count()
    found.append(("以前的订单", f"{count} 单"))
    return found


ASKS = [Asks(actions.approve.code, _measures, "订单·审核", facts)]
