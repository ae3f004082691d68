"""What this customer paid for a product before, and what it was offered: the last price and the last five deals beside
a line, of the orders and quotes that the person may see."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import IN_FORCE
from neiqin.modules.quotes.models import Quote, QuoteLine
from neiqin.modules.quotes.states import OUT

SHOWN = 5


@dataclass(frozen=True)
class Deal:
    """One line of an order (sold) or a quote. price: incl. tax of one unit."""

    on: date
    price: Decimal
    quantity: Decimal
    unit: str
    number: str
    url: str
    sold: bool


def deals(customer: int, products: Iterable[int], person: Any, besides: int = 0) -> dict[int, list[Deal]]:
    """product -> its last deals, the newest first, at most five; two queries for any number of products. besides: a
    quote that is not counted."""
    wanted = set(products)
    found: dict[int, list[Deal]] = defaultdict(list)
    if wanted and person.may("orders.view"):
        rows = OrderLine.objects.filter(
            order__in=Order.objects.filter(Order.visible_to(person), customer_id=customer, state__in=IN_FORCE),
            is_gift=False,
        )
        _read(rows, "order", "/orders/order/", wanted, found)
    if wanted and person.may("quotes.view"):
        seen = Quote.objects.filter(Quote.visible_to(person), customer_id=customer, state__in=OUT).exclude(pk=besides)
        _read(QuoteLine.objects.filter(quote__in=seen.values("pk")), "quote", "/quotes/quote/", wanted, found)
    return {product: sorted(those, key=lambda d: d.on, reverse=True)[:SHOWN] for product, those in found.items()}


def _read(rows: Any, parent: str, url: str, products: set[int], found: dict[int, list[Deal]]) -> None:
    newest = Window(RowNumber(), "product_id", [F(f"{parent}__doc_date").desc(), F("pk").desc()])
    rows = rows.filter(product__in=products, price__isnull=False).annotate(n=newest).filter(n__lte=SHOWN)
    columns = (
        "product_id",
        f"{parent}__doc_date",
        "price",
        "quantity",
        "unit_name",
        f"{parent}__number",
        f"{parent}_id",
    )
    for product, on, price, quantity, unit, number, pk in rows.values_list(*columns):
        found[product].append(Deal(on, price, quantity, unit, number, f"{url}{pk}/", parent == "order"))


def last_sold(those: Iterable[Deal]) -> Deal | None:
    """The newest that was sold, else the newest that was offered."""
    listed = list(those)
    return next((d for d in listed if d.sold), listed[0] if listed else None)
