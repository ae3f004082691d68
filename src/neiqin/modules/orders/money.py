"""What an order or a quote costs: prices and units from the catalog, the discount shared, sums (practice.md 3.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from neiqin.modules.catalog.models import Product
from neiqin.modules.catalog.pricing import Ask, candidates
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import amounts

Read = Callable[[Any, Collection[int]], Mapping[int, Any]]  # Batch.read
PRICED = (
    "item_name", "spec", "unit_name", "tax_rate", "price", "price_rule", "list_price", "off", "gross", "net", "tax",
)  # fmt: skip


def price(
    pairs: Sequence[tuple[Any, Any]], customers: Mapping[int, Customer] | None = None, read: Read | None = None
) -> None:
    """Fill in what the product says, prices where there are none, and the list prices; four queries for any number.
    pairs: of a document (an order, a quote) and one of its lines; customers: those of the documents, if they have been
    read already; read: a run's, which has the products looked at before. A line whose price follows from the list price
    says so itself (`settle`)."""
    wanted = {line.product_id for _, line in pairs if line.product_id}
    products: Mapping[int, Product] = read(Product, wanted) if read else Product.objects.in_bulk(wanted)
    for _, line in pairs:
        if product := products.get(line.product_id or 0):
            line.item_name = line.item_name or product.name
            line.spec, line.unit_name = line.spec or product.spec, line.unit_name or product.unit_name
            line.tax_rate = line.tax_rate or product.tax_rate
        line.tax_rate = line.tax_rate or "0.13"
    known = [(order, line) for order, line in pairs if line.product_id in products]
    if customers is None:
        customers = Customer.objects.in_bulk({order.customer_id for order, _ in known})
    asks = [_ask(o, x, customers[o.customer_id], products[x.product_id or 0].unit_name) for o, x in known]
    for _, line in pairs:
        line.price_rule = "赠品" if line.is_gift else "手工定价" if line.price is not None else ""
        line.price = Decimal(0) if line.is_gift else line.price
    for (_, line), found in zip(known, candidates(asks), strict=True):
        standard = next((f.price for f in found if f.kind == "standard"), None)
        line.list_price = standard if standard is not None else found[0].price if found else None
        if found and not line.is_gift and line.price in (None, found[0].price):
            line.price, line.price_rule = found[0].price, found[0].why[:200]
    for _, line in pairs:
        line.settle()


def _ask(order: Any, line: Any, customer: Customer, base_unit: str) -> Ask:
    unit = "" if line.unit_name == base_unit else line.unit_name
    return Ask(
        line.product_id or 0, line.quantity, order.doc_date, unit, customer.pk, customer.price_level, order.region,
        order.channel,
    )  # fmt: skip


def price_new(
    pairs: Sequence[tuple[Any, list[dict[str, Any]]]],
    line_of: Callable[[dict[str, Any]], Any],
    customers: Mapping[int, Customer],
    read: Read,
    columns: Sequence[str] = PRICED,
) -> None:
    """Price the rows of new documents before anything is written, so that each is written once: what was found stands
    in the rows, and the sums on the documents. line_of: an unsaved line of a row; columns: what is taken from it."""
    made = [(order, row, line_of(row)) for order, rows in pairs for row in rows]
    price([(order, line) for order, _, line in made], customers, read)
    lines: dict[int, list[Any]] = defaultdict(list)
    for order, _, line in made:
        lines[id(order)].append(line)
    for order, _ in pairs:
        share(order, lines[id(order)])
    for _, row, line in made:
        row |= {name: getattr(line, name) for name in columns}


def share(order: Any, lines: Sequence[Any]) -> list[Any]:
    """Share the discount over the lines and add them up on the document; the lines whose money changed by it."""
    grosses = [amounts.fen(line.quantity * (line.price or 0)) for line in lines]
    moved = []
    for line, off in zip(lines, amounts.share(order.order_discount, grosses), strict=True):
        before, line.off = (line.off, line.gross), off
        line.reckon()
        if before != (line.off, line.gross):
            moved.append(line)
    order.amount = sum((x.gross for x in lines), Decimal(0))
    order.net, order.tax = sum((x.net for x in lines), Decimal(0)), sum((x.tax for x in lines), Decimal(0))
    return moved
