"""The one way goods move: stocks are locked in one order, looked at, and changed together with their movements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Sum

from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.fields.formats.number import plain
from neiqin.modules.catalog.models import Product, ProductUnit
from neiqin.modules.stock.models import OPEN, Movement, Stock, Warehouse

Place = tuple[int, int]  # warehouse, product


@dataclass(frozen=True)
class Move:
    """quantity: in the base unit, more than zero comes in; record: of the document that says so."""

    place: Place
    quantity: Decimal
    record: int


class Shelves:
    """What lies at these places, and what is left of it as one takes: for checks before anything is written.

    lock: hold the stocks until the transaction ends, so that what was seen stays true.
    """

    def __init__(self, places: Iterable[Place], *, lock: bool) -> None:
        wanted = sorted(set(places))
        rows = Stock.objects.filter(
            warehouse__in={w for w, _ in wanted}, product__in={p for _, p in wanted}
        ).order_by("warehouse_id", "product_id")  # fmt: skip
        rows = rows.select_for_update(no_key=True) if lock else rows
        self._left = defaultdict[Place, Decimal](Decimal)
        self._left |= {(w, p): q for w, p, q in rows.values_list("warehouse_id", "product_id", "on_hand")}

    def left(self, place: Place) -> Decimal:
        """In the base unit."""
        return self._left[place]

    def short(self, wanted: Mapping[Place, Decimal]) -> Place | None:
        """The first place where there is not as much."""
        return next(
            (place for place, quantity in wanted.items() if quantity > 0 and self._left[place] < quantity), None
        )

    def take(self, wanted: Mapping[Place, Decimal]) -> None:
        """Less than zero puts back."""
        for place, quantity in wanted.items():
            self._left[place] -= quantity


class Short(NamedTuple):
    """That there is not enough of a product for somebody, in a sentence."""

    product: int
    text: str


def in_turn(wanted: Mapping[int, Mapping[Place, Decimal]], *, lock: bool) -> dict[int, Short]:
    """Who gets what he wants when all are served in order, key -> place -> how much; those that come short, who leave
    all of theirs for the next."""
    shelves = Shelves({place for needs in wanted.values() for place in needs}, lock=lock)
    short: dict[int, tuple[Place, Decimal]] = {}
    for key, needs in wanted.items():
        if place := shelves.short(needs):
            short[key] = place, shelves.left(place)
        else:
            shelves.take(needs)
    if not short:
        return {}
    warehouses = Warehouse.objects.in_bulk({place[0] for place, _ in short.values()})
    products = Product.objects.in_bulk({place[1] for place, _ in short.values()})
    found = {}
    for key, ((warehouse, product), left) in short.items():
        what = products[product]
        text = f"{warehouses[warehouse].name}的「{what.name}」只有 {plain(left)} {what.unit_name}，不够。"
        found[key] = Short(product, text)
    return found


def counted(products: Collection[int]) -> set[int]:
    """Those of the products whose stock is kept: what has once been put into a warehouse."""
    return set(Stock.objects.filter(product__in=products).values_list("product_id", flat=True))


def main_warehouse() -> Warehouse | None:
    """Where goods are shipped from when nothing is said: the main one, or the only one."""
    found = list(Warehouse.objects.filter(state=OPEN, bad=False).order_by("-main", "pk")[:2])
    return found[0] if found and (found[0].main or len(found) == 1) else None


def factors(pairs: Collection[tuple[int, str]]) -> dict[tuple[int, str], Decimal]:
    """(product, name of a unit) -> how many base units one is; "" is the base unit, an unknown unit is left out."""
    products = {product for product, _ in pairs}
    base = dict(Product.objects.filter(pk__in=products).values_list("pk", "unit_name"))
    others = ProductUnit.objects.filter(product__in=products).values_list("product_id", "name", "factor")
    known = {(p, n): f for p, n, f in others if f > 0}
    known |= {(p, n): Decimal(1) for p, name in base.items() for n in ("", name)}
    return {pair: known[pair] for pair in pairs if pair in known}


_OPENED = """
INSERT INTO stock_stock (warehouse_id, product_id, name, code, on_hand, version, created_at, updated_at)
SELECT v.w, p.id, p.name, p.code, 0, 1, %s, %s
FROM unnest(%s::bigint[], %s::bigint[]) AS v (w, p) JOIN catalog_product p ON p.id = v.p
ORDER BY v.w, p.id ON CONFLICT DO NOTHING
"""
_CHANGED = """
UPDATE stock_stock s SET on_hand = s.on_hand + v.quantity, version = s.version + 1, updated_at = %s
FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) AS v (w, p, quantity)
WHERE s.warehouse_id = v.w AND s.product_id = v.p
"""


def open_places(places: Collection[Place], now: datetime) -> None:
    """Places where nothing ever lay get their stock of zero, so that it can be locked."""
    with connection.cursor() as cursor:
        cursor.execute(_OPENED, [now, now, [w for w, _ in places], [p for _, p in places]])


def move(moves: Sequence[Move], model: str, *, now: datetime, run: int, by: Any) -> None:
    """Write movements of documents of `model` and the stocks they make, in four statements. The caller has checked
    with Shelves that nothing goes below zero; the database refuses it all the same."""
    moves = [m for m in moves if m.quantity]
    if not moves:
        return
    sums = defaultdict[Place, Decimal](Decimal)
    for one in moves:
        sums[one.place] += one.quantity
    places = sorted(sums)
    warehouses, products = [w for w, _ in places], [p for _, p in places]
    open_places(places, now)
    Shelves(places, lock=True)
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [now, warehouses, products, [sums[p] for p in places]])
    Movement.objects.bulk_create(
        Movement(warehouse_id=m.place[0], product_id=m.place[1], quantity=m.quantity, model=model, record=m.record,
                 at=now, run=run, person=by.id)
        for m in moves
    )  # fmt: skip


def of_products(happened: Happened) -> None:
    """Stocks are called what their products are called."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE stock_stock s SET name = p.name, code = p.code, version = s.version + 1 FROM catalog_product p "
            "WHERE p.id = s.product_id AND p.id = ANY(%s) AND (s.name, s.code) IS DISTINCT FROM (p.name, p.code)",
            [happened.ids],
        )


def moved(model: str, records: Collection[int]) -> list[Move]:
    """What these documents have moved together, what was taken back taken off."""
    rows = Movement.objects.filter(model=model, record__in=records).values_list("record", "warehouse_id", "product_id")
    sums = rows.annotate(Sum("quantity")).order_by("record", "warehouse_id", "product_id")
    return [Move((w, p), quantity, record) for record, w, p, quantity in sums if quantity]


def back(moves: Iterable[Move]) -> list[Move]:
    """The same the other way round."""
    return [Move(m.place, -m.quantity, m.record) for m in moves]
