"""What runs inside a measured process at the order desk; `bench.inside` answers with it."""

import json
import resource
import time
from typing import Any
from urllib.parse import urlencode

from bench.inside import _headers as api_headers
from bench.inside import _milliseconds as milliseconds
from bench.inside import _prepared as prepared
from bench.inside import _publish as publish


def _catalog() -> tuple[list[int], list[Any]]:
    """Five hundred products with a standard price, and two thousand customers of reps."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.resources.resource import site
    from neiqin.modules.catalog import actions as catalog
    from neiqin.modules.catalog.models import Product
    from neiqin.modules.customers.models import Customer

    site()
    products = list(Product.objects.order_by("pk").values_list("pk", flat=True)[:500])
    if not products:
        kinds = perform(catalog.create_category, by=SYSTEM, rows=[{"code": "C1", "name": "轴承"}]).done
        products = perform(
            catalog.create_product,
            by=SYSTEM,
            rows=[{"code": f"B-{i}", "name": f"轴承 {i}", "unit_name": "个", "category": kinds[0]} for i in range(500)],
        ).done
        prices = [{"product": p, "price": "100"} for p in products]
        lists = [{"name": "标准价", "kind": "standard", "from_on": "2020-01-01", "rows": prices}]
        perform(catalog.activate, perform(catalog.create_list, by=SYSTEM, rows=lists).done, by=SYSTEM)
    return products, list(Customer.objects.filter(owner__isnull=False, state="active").order_by("pk")[:2000])


def _row(i: int, products: list[int], customers: list[Any], **more: Any) -> dict[str, Any]:
    lines = [{"product": products[(i * 3 + k) % 500], "quantity": str(k + 1)} for k in range(3)]
    customer = customers[i % len(customers)].pk
    return {"customer": customer, "lines": lines, "consignee": "仓库", "address": "园区"} | more


def order_requests(n: int, start: int, login: str) -> list[dict[str, Any]]:
    """Prepared requests that make n orders of three lines through the API."""
    products, customers = _catalog()
    headers, found = api_headers(True, login), []
    for i in range(start, start + n):
        body = json.dumps(_row(i, products, customers))
        found.append(prepared("/api/v1/orders", body, headers | {"Idempotency-Key": f"bench-order-{i}"}))
    return found


def orders_file(rows: int, items: int, first: int) -> dict[str, Any]:
    """Take a platform's file of so many rows in, so many rows an order. Seconds, orders, and the megabytes this
    process has held at most, before and after."""
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.rules.models import Table
    from neiqin.modules.orders import taking

    _, customers = _catalog()
    if not Table.objects.get(code="platform_customers").versions.filter(number__gt=1).exists():
        _send_to(customers[0].name)
    content = _file(first, rows, items)
    before = _peak()
    begun = time.perf_counter()
    took = taking.take(content, "jd.csv", SYSTEM)
    seconds = time.perf_counter() - begun
    if took.made != -(-rows // items):
        raise RuntimeError(f"{took.made} taken: {took.problems[:3]}")
    return {"seconds": seconds, "orders": took.made, "before": before, "peak": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _send_to(customer: str) -> None:
    """All platforms' orders are kept under this customer."""
    import orjson

    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.rules import actions as rules
    from neiqin.kernel.rules.models import Table

    table = Table.objects.get(code="platform_customers")
    content = orjson.dumps({"rows": [["其他", customer]], "examples": [["京东", customer]]}).decode()
    perform(rules.draft, [table.pk], by=SYSTEM, params={"content": content})
    publish(table)


def _file(first: int, rows: int, items: int) -> bytes:
    """A file as 京东 gives it."""
    head = "订单号,商品名称,订购数量,下单时间,京东价,结算金额,订单状态,客户姓名,客户地址,联系电话,付款确认时间,货号"
    body = "\n".join(
        f"{first + i // items},轴承,2,2026-11-20 09:00:00,100.00,{200 * items}.00,等待出库,王*,北京市,139****0001,,"
        f"B-{i % 500}"
        for i in range(rows)
    )
    return f"{head}\n{body}\n".encode()


def _under_way(lines: int) -> int:
    """An order of so many lines, audited and handed over to the departments."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.orders import actions, confirming, parts

    products, customers = _catalog()
    given = [{"product": products[k % 500], "quantity": str(k % 50 + 2)} for k in range(lines)]
    row = _row(0, products, customers, source="api", lines=given, required_on="2099-12-01")
    made = perform(actions.create, by=SYSTEM, rows=[row]).done
    for verb, params in (
        (actions.submit, {}), (confirming.confirm, {"means": "contract", "proof": "x"}), (actions.approve, {}),
        (parts.hand_over, {}),
    ):  # fmt: skip
        if not perform(verb, made, by=SYSTEM, params=params).done:
            raise RuntimeError(f"{verb.code} refused")
    return int(made[0])


def _twice(order: int) -> dict[int, str]:
    """Line -> twice what is ordered of it."""
    from neiqin.modules.orders.models import OrderLine

    return {x.pk: str(x.quantity * 2) for x in OrderLine.objects.filter(order_id=order).order_by("pk")}


def changes_impact(n: int, lines: int) -> list[float]:
    """Milliseconds of n looks at what it would cause to double every line of an order that is with the departments."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.changes import changing, impact
    from neiqin.modules.changes.models import Change

    order = _under_way(lines)
    twice = [{"order_line": line, "quantity": quantity} for line, quantity in _twice(order).items()]
    asked = {"order": order, "said_by": "x", "reason": "x", "lines": twice}
    change = Change.objects.get(pk=perform(changing.create, by=SYSTEM, rows=[asked]).done[0])

    def look() -> None:
        of_it = changing.lines_of([change.pk])[change.pk]
        if impact.of(change, changing.head_of(change), of_it, SYSTEM).problem:
            raise RuntimeError("it cannot be done")

    return [milliseconds(look) for _ in range(n)]


def change_looks(n: int, lines: int, login: str, shipped: bool) -> list[dict[str, Any]]:
    """Requests as the page 变更 sends them while one types: every line of an order doubled, with stock.
    shipped: one of each line has gone out, in two deliveries."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.orders import delivering

    _in_stock()
    order = _under_way(lines)
    twice = _twice(order)
    for some in (list(twice)[::2], list(twice)[1::2]) if shipped else ():
        goods = [{"order_line": line, "quantity": "1"} for line in some]
        if not perform(delivering.create, by=SYSTEM, rows=[{"order": order, "lines": goods}]).done:
            raise RuntimeError("not shipped")
    given = {f"quantity-{line}": quantity for line, quantity in twice.items()}
    body = urlencode({"id": order, "said_by": "x", "reason": "x", **given})
    return [prepared("/changes/look/", body, api_headers(False, login))] * n


def _in_stock() -> None:
    """A thousand of each product in one warehouse."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.stock import actions as stock
    from neiqin.modules.stock.models import Warehouse

    products, _ = _catalog()
    if not Warehouse.objects.exists():
        (place,) = perform(stock.create_warehouse, by=SYSTEM, rows=[{"code": "W1", "name": "主仓", "main": True}]).done
        goods = [{"product": p, "quantity": "1000", "unit_name": "个"} for p in products]
        entry = {"kind": "bought", "warehouse": place, "lines": goods}
        if not perform(stock.create_entry, by=SYSTEM, rows=[entry]).done:
            raise RuntimeError("nothing in stock")


def quote_saves(n: int, lines: int, login: str) -> list[dict[str, Any]]:
    """Requests of the form that make n quotes of so many lines, a third of them at a price of their own."""
    from datetime import timedelta

    from neiqin.kernel import clock

    products, customers = _catalog()
    until, headers, found = clock.today() + timedelta(days=30), api_headers(False, login), []
    for i in range(n):
        values = {"customer": customers[i].pk, "valid_until": until, "request_key": f"bench-quote-{lines}-{i}"}
        for k in range(lines):
            row = {"product": products[(i + k) % 500], "quantity": k % 50 + 2, "price": "" if k % 3 else "97"}
            values |= {f"lines-{k}-{name}": value for name, value in row.items()}
        found.append(prepared("/quotes/quote/new/", urlencode(values), headers))
    return found


def orders_desk(n: int, many: int) -> dict[str, Any]:
    """Milliseconds of n orders and n decisions; seconds for many orders, and for all of them audited at once."""
    import orjson

    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.approvals import actions as approvals
    from neiqin.kernel.approvals.models import Request, Task
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.rules import actions as rules
    from neiqin.kernel.rules.models import Table
    from neiqin.modules.orders import actions
    from neiqin.modules.orders.models import Order

    products, customers = _catalog()

    def row(i: int, **more: Any) -> dict[str, Any]:
        return _row(i, products, customers, **more)

    clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="supervisor"))
    create = [milliseconds(lambda i=i: perform(actions.create, by=clerk, rows=[row(i)])) for i in range(n)]
    begun, made = time.perf_counter(), []
    for start in range(0, many, 500):
        rows = [row(i, source="api") for i in range(start, start + 500)]
        made += perform(actions.create, by=SYSTEM, rows=rows).done
    many_s = time.perf_counter() - begun
    perform(actions.submit, made, by=SYSTEM, params={})
    begun = time.perf_counter()
    done = perform(actions.approve, made, by=clerk).done
    approve = time.perf_counter() - begun
    if len(done) != many:
        raise RuntimeError(f"{len(done)} of {many} approved")

    table = Table.objects.get(code="approvals")
    last = ["其他", *[""] * 8, "不用审批", "8", "一般", "无"]
    first = ["订单·作废", *[""] * 8, "销售总监", "8", "一般", "无"]
    example = ["x", "无", "0", "x", "无", "1", "无", "0", "否", *last[9:]]
    content = orjson.dumps({"rows": [first, last], "examples": [example]}).decode()
    perform(rules.draft, [table.pk], by=SYSTEM, params={"content": content})
    publish(table)
    decide = []
    for pk in made[:n]:
        perform(actions.void, [pk], by=clerk, params={"reason": "x"})
        request = Request.objects.latest("pk")
        who = actor_of(Task.objects.filter(request=request, state="open").values_list("person_id", flat=True)[0])
        decide.append(milliseconds(lambda r=request.pk, w=who: perform(approvals.agree, [r], by=w)))
    if Order.objects.filter(pk__in=made[:n], state="void").count() != n:
        raise RuntimeError("not every decision was carried out")
    return {
        "create": create, "many": many / many_s, "many_s": many_s, "approve": approve, "decide": decide,
    }  # fmt: skip


# A row of an order as it is, with what differs from order to order.
_FILL = """
INSERT INTO orders_order ({names}) SELECT {values}
FROM orders_order t CROSS JOIN generate_series(1, {n}) AS g (i)
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, name, owner_id, unit_id
      FROM customers_customer WHERE owner_id IS NOT NULL AND state = 'active') c
  ON c.place = g.i % (SELECT count(*) FROM customers_customer WHERE owner_id IS NOT NULL AND state = 'active')
WHERE t.id = (SELECT min(id) FROM orders_order)
"""
_PROGRESS = """
INSERT INTO orders_progress (order_id, shipped, invoiced, collected, returned, links)
SELECT id, 0, 0, 0, 0, 0 FROM orders_order o WHERE NOT EXISTS (SELECT FROM orders_progress WHERE order_id = o.id)
"""
_OTHER = {
    "id": "nextval(pg_get_serial_sequence('orders_order', 'id'))", "subject": "gen_random_uuid()",
    "number": "'BX' || lpad(g.i::text, 8, '0')", "customer_id": "c.id", "name": "c.name", "owner_id": "c.owner_id",
    "unit_id": "c.unit_id", "amount": "(g.i::bigint * 7919 % 100000)::numeric / 7",
    "doc_date": "current_date - (g.i % 730)::int",
    "state": "(ARRAY['draft', 'submitted', 'approved', 'executing', 'closed', 'closed', 'closed', 'closed'])"
             "[1 + g.i % 8]",
    "required_on": "current_date - (g.i % 730)::int + 14",
}  # fmt: skip


def orders_filling(n: int) -> list[str]:
    """Makes one order; gives the statements that make n of it, for who may write without history."""
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.modules.customers.models import Customer
    from neiqin.modules.orders import actions
    from neiqin.modules.orders.models import Order

    customer = Customer.objects.filter(owner__isnull=False, state="active").order_by("pk")[0]
    row = {"customer": customer.pk, "lines": [{"item_name": "轴承", "quantity": "1", "price": "10"}]}
    perform(actions.create, by=SYSTEM, rows=[row | {"consignee": "仓库", "address": "园区"}])
    names = [f.column for f in Order._meta.concrete_fields]
    values = ", ".join(_OTHER.get(name, f't."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    return [_FILL.format(names=listed, values=values, n=n), _PROGRESS]
