"""The order desk of the demo company: a catalog, its prices, five weeks of orders, and work left over for today.

Everything goes through the actions of the house; days are relative to today, amounts are the same every time.
"""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Sum

from neiqin.demo import changes, giving_back
from neiqin.kernel import clock
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog import actions as catalog
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers import fields as customer_fields
from neiqin.modules.customers.models import Address, Customer
from neiqin.modules.orders import actions, confirming, delivering
from neiqin.modules.orders.models import Order, OrderLine, shipped_of
from neiqin.modules.orders.states import APPROVED, SUBMITTED
from neiqin.modules.stock import actions as stock
from neiqin.modules.stock.models import Warehouse

HERE = Path(__file__).resolve().parent
DAYS = 35
CARRIERS = (("顺丰", "SF1{:012d}"), ("德邦", "DPK{:012d}"), ("中通", "78{:012d}"))
CHUNK = 60


def open_desk() -> dict[str, int]:
    """Fill catalog and desk unless they are; how many of what there are."""
    if not Product.objects.exists():
        products = _catalog()
        customers = _buyers()
        _orders(products, customers)
    return {"products": Product.objects.count(), "orders": Order.objects.count()}


def _catalog() -> list[Product]:
    told = json.loads((HERE / "catalog.json").read_text())
    kinds = [{"code": code, "name": name} for code, name in told["categories"].items()]
    made = _made(catalog.create_category, kinds)
    ids = dict(zip(told["categories"], made, strict=True))
    rows = [
        {"code": code, "name": name, "spec": spec, "category": ids[kind], "unit_name": unit, "cost": cost}
        for code, name, spec, kind, unit, _, cost in told["products"]
    ]
    products = _made(catalog.create_product, rows)
    prices = [Decimal(row[5]) for row in told["products"]]
    first = date(clock.today().year, 1, 1) if clock.today().month > 1 else clock.today() - timedelta(days=60)
    lists = [
        {"name": f"{first.year} 年标准价", "kind": "standard", "from_on": str(first),
         "rows": _rows(products, prices, "1")},
        {"name": f"{first.year} 年 A 级客户价", "kind": "level", "level": "a", "from_on": str(first),
         "rows": _rows(products, prices, "0.96")},
        {"name": "轴承秋季促销", "kind": "promotion", "from_on": str(clock.today() - timedelta(days=20)),
         "until_on": str(clock.today() + timedelta(days=10)),
         "rows": _rows(products[:4], prices, "0.95")},
    ]  # fmt: skip
    perform(catalog.activate, _made(catalog.create_list, lists), by=SYSTEM, source="demo")
    return list(Product.objects.order_by("pk"))


def _rows(products: Sequence[int], prices: Sequence[Decimal], factor: str) -> list[dict[str, Any]]:
    return [{"product": p, "price": f"{a * Decimal(factor):.2f}"} for p, a in zip(products, prices, strict=False)]


def _made(action: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    made: list[int] = []
    for start in range(0, len(rows), CHUNK):
        outcome = perform(action, by=SYSTEM, rows=rows[start : start + CHUNK], source="demo")
        if outcome.refused:
            raise ValueError(f"demo data refused: {outcome.refused}")
        made += outcome.done
    return made


def _buyers() -> list[Customer]:
    """Who buys: customers with an owner, a limit and an address."""
    reached = Address.objects.values("customer_id")
    rows = Customer.objects.filter(state="active", owner__isnull=False, credit_limit__gt=0, pk__in=reached)
    return list(rows.exclude(level=customer_fields.PROSPECT).order_by("pk")[:60])


def _orders(products: list[Product], customers: list[Customer]) -> None:
    """About four orders a working day, each a little further along the older it is."""
    today = clock.today()
    rows: list[tuple[int, dict[str, Any]]] = []
    for ago in range(DAYS, -1, -1):
        day = today - timedelta(days=ago)
        if day.weekday() < 5 or ago == 0:
            rows += [(ago, _order(len(rows) + n, day, products, customers)) for n in range(4 if ago else 9)]
    made = _made(actions.create, [row for _, row in rows])
    ages = {pk: ago for pk, (ago, _) in zip(made, rows, strict=True)}
    amounts = dict(Order.objects.filter(pk__in=made).values_list("pk", "amount"))
    paper = REGISTRY["orders.order.edit_rows"]
    for start in range(0, len(made), CHUNK):
        some = made[start : start + CHUNK]
        perform(paper, some, by=SYSTEM, rows=[{"paper_total": str(amounts[pk])} for pk in some], source="demo")
    submitted = [pk for n, pk in enumerate(made) if ages[pk] > 0 or n % 3]
    _done(actions.submit, submitted, checked=True)
    agreed = [pk for n, pk in enumerate(submitted) if ages[pk] > 1 or n % 2]
    _done(confirming.confirm, agreed, means="contract", proof="框架合同 KJ-2026-018")
    audited = [pk for pk in submitted if ages[pk] > 0]
    _done(actions.approve, audited)
    ready = set(agreed)
    _stock(made, today - timedelta(days=DAYS))
    _ship([pk for pk in audited if ages[pk] > 3 and pk in ready], ages)
    _leave_work()


def warehouse() -> Warehouse:
    """Where the house ships from; made with a second one, unless they are there."""
    if not Warehouse.objects.exists():
        rows = (("CK01", "昆山总仓", "昆山市前进中路 188 号", "true"),
                ("CK02", "苏州配件仓", "苏州市相城区澄阳路 66 号", ""))  # fmt: skip
        _made(stock.create_warehouse, [dict(zip(("code", "name", "place", "main"), r, strict=True)) for r in rows])
    return Warehouse.objects.get(main=True)


def _stock(orders: Sequence[int], day: date) -> None:
    """What lies in the first warehouse: what is ordered and a fifth more, but of every sixth product just
    so much, so that the next order comes short."""
    wanted = OrderLine.objects.filter(order__in=orders, product__isnull=False).values_list("product_id")
    sums = list(wanted.annotate(Sum("quantity")).order_by("product_id"))
    lines = [
        {"product": p, "quantity": str(int(q if n % 6 == 5 else q * Decimal("1.2")))} for n, (p, q) in enumerate(sums)
    ]
    row = {"kind": "opening", "warehouse": warehouse().pk, "done_on": str(day), "source": "启用盘点表", "lines": lines}
    _made(stock.create_entry, [row])


def _done(action: Any, ids: Sequence[int], **params: Any) -> None:
    for start in range(0, len(ids), CHUNK):
        outcome = perform(action, ids[start : start + CHUNK], by=SYSTEM, params=params, source="demo")
        if outcome.refused:
            raise ValueError(f"demo data refused: {outcome.refused}")


def _order(n: int, day: date, products: list[Product], customers: list[Customer]) -> dict[str, Any]:
    customer = customers[n * 7 % len(customers)]
    lines = [
        {"product": products[(n * 5 + k * 11) % len(products)].pk, "quantity": str((n * 3 + k * 7) % 18 * 2 + 2)}
        for k in range(1 + n % 4)
    ]
    return {
        "customer": customer.pk, "doc_date": str(day), "required_on": str(day + timedelta(days=5 + n % 7)),
        "customer_po": f"PO{day:%m%d}{n % 90 + 10}" if n % 3 else "", "lines": lines, "consignee": "仓库",
        "consignee_phone": f"0512-6588{n % 9000 + 1000}", "address": customer.address,
    }  # fmt: skip


def _ship(ids: Sequence[int], ages: dict[int, int]) -> None:
    """The older ones are out, one in nine only in part, and most of them signed for."""
    rows: list[dict[str, Any]] = []
    lines = list(OrderLine.objects.filter(order_id__in=ids).order_by("order_id", "pk"))
    orders = {o.pk: o for o in Order.objects.filter(pk__in=ids)}
    for n, pk in enumerate(ids):
        mine = [x for x in lines if x.order_id == pk]
        part = n % 9 == 4
        carrier, pattern = CARRIERS[n % len(CARRIERS)]
        out = min(orders[pk].doc_date + timedelta(days=3 + n % 3), clock.today())
        rows.append({
            "order": pk, "shipped_on": str(out), "carrier": carrier, "waybill": pattern.format(61_000_000 + n * 37),
            "packages": 1 + n % 4,
            "lines": [{"order_line": x.pk, "quantity": str(x.quantity / 2 if part else x.quantity)} for x in mine],
        })  # fmt: skip
    made = _made(delivering.create, rows)
    for delivery, row in zip(made, rows, strict=True):
        signed = date.fromisoformat(row["shipped_on"]) + timedelta(days=2)
        if signed <= clock.today():
            _done(delivering.sign, [delivery], signed_on=str(signed), signed_by="仓库")


def _leave_work() -> None:
    """For today: two orders that wait for the manager, one that the rep has to explain, one that is to be changed."""
    clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="linzhixia"))
    seen = Order.objects.filter(Order.visible_to(clerk), state=SUBMITTED).order_by("pk")
    cheap = OrderLine.objects.filter(order__in=seen, list_price__isnull=False, price__gt=0).order_by("pk")
    waiting = list(dict.fromkeys(cheap.values_list("order_id", flat=True)))[:3]
    for pk, factor in zip(waiting, ("0.92", "0.88"), strict=False):
        lines = [
            {"id": x.pk, "price": f"{(x.list_price or Decimal(0)) * Decimal(factor):.2f}"}
            for x in OrderLine.objects.filter(order_id=pk, list_price__isnull=False)
        ]
        _done(actions.send_back, [pk], reason="客户要年度价")
        perform(actions.edit, [pk], by=clerk, params={"lines": lines}, source="demo")
        total = Order.objects.values_list("amount", flat=True).get(pk=pk)
        perform(actions.edit, [pk], by=clerk, params={"paper_total": str(total)}, source="demo")
        perform(actions.submit, [pk], by=clerk, params={"checked": True}, source="demo")
        perform(actions.approve, [pk], by=clerk, source="demo")
    changes.leave_one(clerk)
    giving_back.leave_one(clerk)
    for pk in waiting[2:3]:
        perform(actions.doubt, [pk], by=clerk, params={"text": "数量比上次多三倍，是不是多写了一个零"}, source="demo")


def report() -> dict[str, Any]:
    """What the desk has: orders by state with amounts, what is out, what is late; for `make demo`."""
    today = clock.today()
    found: dict[str, Any] = {}
    for order in Order.objects.all():
        one = found.setdefault(order.state, {"count": 0, "amount": Decimal(0)})
        one["count"] += 1
        one["amount"] += order.amount
    open_ = Order.objects.filter(state__in=(APPROVED, "executing"))
    late = open_.filter(required_on__lt=today, progress__shipped__lt=100).count()
    lines = OrderLine.objects.values_list("pk", flat=True)
    return {"by_state": found, "late": late, "shipped_lines": len(shipped_of(list(lines)))}
