"""Which price holds, and why: 合同协议价 > 客户专价 > 促销价 > 客户等级价 > 标准价, within a kind the latest list,
within a list the largest quantity that is reached (practice.md 3.11, C-LEAD-11)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.db import connection

from neiqin.kernel.fields.formats.number import plain
from neiqin.modules.catalog.models import KINDS, NEVER, PROMOTION, STANDARD, ProductUnit

RANK = {kind.value: n for n, kind in enumerate(KINDS)}
LABEL = {kind.value: kind.label for kind in KINDS}
PROMOTED = f"{LABEL[PROMOTION]}《"  # how the words of a promotion's price begin
PRICE = Decimal("0.000001")
_ROWS = """
SELECT r.product_id, r.id, r.unit_name, r.min_quantity, r.price, l.id, l.name, l.kind, l.customer_id, l.level, l.region,
l.channel, l.from_on, l.until_on
FROM catalog_pricerow r JOIN catalog_pricelist l ON l.id = r.price_list_id
WHERE r.product_id = ANY(%s) AND l.from_on <= %s AND (l.until_on IS NULL OR l.until_on >= %s) AND l.state <> ALL(%s)
"""


class Ask(NamedTuple):
    """Who buys how much of what on which day. unit: "" for the product's own; level: the customer's price level."""

    product: int
    quantity: Decimal
    on: date
    unit: str = ""
    customer: int | None = None
    level: str = ""
    region: str = ""
    channel: str = ""


class Found(NamedTuple):
    """A price incl. tax of one unit asked for, and the row that gave it. why: in words, for whoever wants to know."""

    price: Decimal
    list_id: int
    list_name: str
    kind: str
    from_on: date
    row_id: int
    min_quantity: Decimal
    why: str


class _Row(NamedTuple):
    id: int
    unit: str
    least: Decimal
    price: Decimal
    list_id: int
    list_name: str
    kind: str
    customer: int | None
    level: str
    region: str
    channel: str
    from_on: date
    until_on: date | None


def prices(asks: Sequence[Ask]) -> list[Found | None]:
    """The price of each ask, in order; None where no list has one. At most two queries for any number."""
    return [found[0] if found else None for found in candidates(asks)]


def standard_prices(asks: Sequence[Ask]) -> list[Decimal | None]:
    """The list prices that discounts are measured against: the standard price of the day."""
    return [next((f.price for f in found if f.kind == STANDARD), None) for found in candidates(asks)]


def candidates(asks: Sequence[Ask]) -> list[list[Found]]:
    """All prices that would fit each ask, the one that holds first."""
    products = {a.product for a in asks}
    days = [a.on for a in asks]
    if not products:
        return [[] for _ in asks]
    rows = _rows(products, min(days), max(days))
    factors = _factors({a.product for a in asks if a.unit})
    return [_fitting(ask, rows.get(ask.product, ()), factors.get((ask.product, ask.unit))) for ask in asks]


def _factors(products: set[int]) -> dict[tuple[int, str], Decimal]:
    """(product, unit) -> how many of the product's own unit."""
    units = ProductUnit.objects.filter(product_id__in=products) if products else ProductUnit.objects.none()
    return {(p, n): f for p, n, f in units.values_list("product_id", "name", "factor")}


def _rows(products: set[int], first: date, last: date) -> dict[int, list[_Row]]:
    found = defaultdict[int, list[_Row]](list)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(products), last, first, list(NEVER)])
        for product, *values in cursor.fetchall():
            found[product].append(_Row(*values))
    return found


def _fitting(ask: Ask, rows: Sequence[_Row], factor: Decimal | None) -> list[Found]:
    fits = [r for r in rows if _fits(ask, r, factor)]
    # A row of the very unit goes before one of the base unit times the factor.
    fits.sort(key=lambda r: (RANK[r.kind], -r.from_on.toordinal(), -r.list_id, r.unit != ask.unit, -r.least))
    found = []
    for row in fits:
        price = row.price if row.unit == ask.unit else row.price * (factor or 1)
        why = f"{LABEL[row.kind]}《{row.list_name}》{row.from_on:%Y-%m-%d} 起"
        if row.least:
            why += f"，满 {plain(row.least)}"
        if row.unit != ask.unit:
            why += f"，每{ask.unit}按 {factor:f} 倍折算"
        found.append(Found(
            price.quantize(PRICE, ROUND_HALF_UP), row.list_id, row.list_name, row.kind, row.from_on, row.id, row.least,
            why,
        ))  # fmt: skip
    return found


def _fits(ask: Ask, row: _Row, factor: Decimal | None) -> bool:
    base = row.unit == "" and ask.unit != ""
    if row.unit != ask.unit and not (base and factor):
        return False
    quantity = ask.quantity * (factor or 1) if base else ask.quantity
    return (
        row.from_on <= ask.on
        and (row.until_on is None or row.until_on >= ask.on)
        and row.least <= quantity
        and row.customer in (None, ask.customer)
        and row.level in ("", ask.level)
        and row.region in ("", ask.region)
        and row.channel in ("", ask.channel)
    )
