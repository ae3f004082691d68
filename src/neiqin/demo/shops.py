"""Orders of web shops in the demo company: some must go today, some are out and wait to be told to their platform."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.shape import parse
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import actions, delivering, taking
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.shipback import layouts

SHOP = "网店散客（演示）"
CONTACT = {"name": "网店", "email": "shop@hengchuan.example"}
# (platform, number, hours since it was paid, waybill of what is out)
SOLD = (
    ("拼多多", "261126-480013577", 45, ""),
    ("京东", "288031760025", 26, ""),
    ("京东", "288031760411", 3, ""),
    ("抖店", "6938471120053", 40, "YT2601185530017"),
    ("拼多多", "261126-480020911", 30, "JT5301226600871"),
    ("拼多多", "261127-480031186", 20, "SF3105566120034"),
)


def sell() -> None:
    """Fill it unless it is there; through the actions of the house, relative to now."""
    if Order.objects.exclude(platform_number="").exists():
        return
    clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="linzhixia"))
    owner = Login.objects.values_list("person_id", flat=True).get(username="zhouqiming")
    known = Customer.objects.filter(name=SHOP).values_list("pk", flat=True).first()
    shop = known or _done(customers.create, rows=[{"name": SHOP, "owner": owner, "contacts": [CONTACT]}])[0]
    products = list(Product.objects.order_by("pk")[: len(SOLD)])
    rows = [_row(shop, n, sold, product) for n, (sold, product) in enumerate(zip(SOLD, products, strict=False))]
    made = _done(taking.take_in, by=clerk, rows=rows, parsed=True)
    _done(actions.submit, made, params={"checked": True})
    _done(actions.approve, made)
    _ship(made)


def _row(shop: int, n: int, sold: tuple[str, str, int, str], product: Product) -> dict[str, Any]:
    channel, number, hours, _ = sold
    paid, quantity, price = clock.now() - timedelta(hours=hours), 2 + n % 3, 19 + n * 7
    row = {
        "customer": shop, "channel": channel, "platform_number": number, "consignee": "张*",
        "address": "江苏省昆山市**路", "placed_at": (paid - timedelta(minutes=5)).isoformat(),
        "paid_at": paid.isoformat(), "confirmed_at": paid.isoformat(), "confirmed_by": "paid",
        "paper_total": str(quantity * price),
        "lines": [{"item_name": product.name, "quantity": str(quantity), "price": str(price)}],
    }  # fmt: skip
    return parse(taking.TAKEN, row)


def _ship(orders: list[int]) -> None:
    rows = []
    for pk, (_, _, _, waybill) in zip(orders, SOLD, strict=False):
        if waybill:
            goods = OrderLine.objects.filter(order=pk).values_list("pk", "quantity")
            lines = [{"order_line": str(line), "quantity": str(quantity)} for line, quantity in goods]
            rows.append({"order": str(pk), "carrier": layouts.guessed(waybill), "waybill": waybill, "lines": lines})
    _done(delivering.create, rows=rows)


def _done(action: Any, ids: Sequence[int] = (), by: Any = SYSTEM, **given: Any) -> list[int]:
    outcome = perform(action, ids, by=by, source="demo", **given)
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    return list(outcome.done)
