"""Warnings from the customer's own past while an order is typed: a quantity far from what is usual, the same order a
moment ago. A warning that was passed over three times says nothing any more."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.resources.pages.beside import BESIDE
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.customers.models import Customer
from neiqin.modules.habits.models import QUANTITY, TWICE, PassedOver
from neiqin.modules.orders.entering import Row
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import VOID

ORDER, NAME = "orders.order", "hinted"
ENOUGH = 4  # lines of the past from which something is usual
FAR = 3  # times beyond the usual range
USELESS = 3
LATELY = timedelta(hours=24)
MONTHS = 24
_USUAL = """
SELECT l.product_id, l.unit_name, count(*), percentile_disc(0.1) WITHIN GROUP (ORDER BY l.quantity),
       percentile_disc(0.9) WITHIN GROUP (ORDER BY l.quantity)
FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
WHERE o.customer_id = %s AND o.doc_date >= %s AND o.state <> %s AND NOT l.is_gift AND l.product_id = ANY(%s)
GROUP BY l.product_id, l.unit_name
"""


class Usual(NamedTuple):
    """Between which quantities nine of ten lines lie, and how many lines there were."""

    lines: int
    least: Decimal
    most: Decimal

    def far(self, quantity: Decimal) -> bool:
        return self.lines >= ENOUGH and (quantity > self.most * FAR or quantity * FAR < self.least)


def usual(customer: int, products: Iterable[int]) -> Mapping[tuple[int, str], Usual]:
    """(product, unit) -> what this customer usually orders, of the last two years; one query."""
    with connection.cursor() as cursor:
        since = clock.today() - timedelta(days=30 * MONTHS)
        cursor.execute(_USUAL, [customer, since, VOID, list(products)])
        return {(p, unit): Usual(n, least, most) for p, unit, n, least, most in cursor.fetchall()}


def advise(order: Order, rows: Sequence[Row], customer: Customer | None) -> None:
    """Warn on the rows; `hints` of each row say what was warned of, for `keep`."""
    lines = [(row, row.line) for row in rows if row.line is not None and row.line.product_id and not row.line.is_gift]
    if customer is None or not lines:
        return
    muted = _muted(customer.pk)
    known = usual(customer.pk, {line.product_id for _, line in lines})
    for row, line in lines:
        found = known.get((line.product_id, line.unit_name))
        if found is None or not found.far(line.quantity) or (line.product_id, QUANTITY) in muted:
            continue
        between = plain(found.least) if found.least == found.most else f"{plain(found.least)} 到 {plain(found.most)}"
        row.warn("quantity", f"这家通常订 {between} {line.unit_name}，这次 {plain(line.quantity)}，核对一下。")
        row.hints.append(f"{QUANTITY}:{line.product_id}")
    if (None, TWICE) not in muted and (same := _same(customer.pk, order, [line for _, line in lines])):
        minutes = max(int((clock.now() - same.created_at).total_seconds() // 60), 1)
        ago = f"{minutes} 分钟前" if minutes < 60 else f"{minutes // 60} 小时前"
        lines[0][0].warn("product", f"{ago}有一张一样的订单（{same.number or same.name}），是不是录重了？")
        lines[0][0].hints.append(f"{TWICE}:")


def _muted(customer: int) -> set[tuple[int | None, str]]:
    rows = PassedOver.objects.filter(customer_id=customer, times__gte=USELESS)
    return set(rows.values_list("product_id", "kind"))


def _same(customer: int, order: Order, lines: Sequence[Any]) -> Order | None:
    """An order of this customer of the last day with the very same products and quantities."""
    recent = Order.objects.filter(customer_id=customer, created_at__gte=clock.now() - LATELY).exclude(state=VOID)
    recent = recent.exclude(pk=order.pk) if order.pk else recent
    newest = list(recent.order_by("-created_at")[:20])
    goods: dict[int, Counter[tuple[int, Decimal]]] = {}
    for line in OrderLine.objects.filter(order__in=newest, product__isnull=False, is_gift=False):
        goods.setdefault(line.order_id, Counter())[line.product_id or 0, line.quantity] += 1
    wanted = Counter((line.product_id, line.quantity) for line in lines)
    return next((o for o in newest if goods.get(o.pk) == wanted), None)


class PassedBy:
    """Plugged in by the manifest: what stood as a warning when an order was saved was passed over."""

    def plug(self) -> None:
        if not any(isinstance(b, PassedBy) for b in BESIDE):
            BESIDE.append(self)

    def given(self, posted: Any) -> bool:
        return bool(posted.get(NAME))

    def keep(self, posted: Any, resource: Resource, record_id: int, by: Any) -> None:
        if resource.key != ORDER:
            return
        customer = Order.objects.values_list("customer_id", flat=True).get(pk=record_id)
        products = set(OrderLine.objects.filter(order_id=record_id).values_list("product_id", flat=True))
        for kind, product in _hints(posted):
            if product is None or product in products:
                _passed(customer, product, kind)

    def begun(self, asked: Any, resource: Resource, person: Any) -> dict[str, Any]:
        return {}

    def above(self, posted: Any, resource: Resource, person: Any) -> list[Bag]:
        return []

    def shown(self, posted: Any, resource: Resource, record: Any, person: Any) -> list[Bag]:
        return []


def _passed(customer: int, product: int | None, kind: str) -> None:
    """Once more; an upsert, as two may save at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO habits_passedover (customer_id, product_id, kind, times, last_at) VALUES (%s, %s, %s, 1, %s) "
            "ON CONFLICT (customer_id, product_id, kind) DO UPDATE SET times = habits_passedover.times + 1, "
            "last_at = EXCLUDED.last_at",
            [customer, product, kind, clock.now()],
        )


def _hints(posted: Any) -> set[tuple[str, int | None]]:
    found: set[tuple[str, int | None]] = set()
    for text in posted.getlist(NAME)[:50]:
        kind, _, product = text.partition(":")
        if kind == TWICE:
            found.add((TWICE, None))
        elif kind == QUANTITY and product.isascii() and product.isdecimal() and len(product) < 19:
            found.add((QUANTITY, int(product)))
    return found
