"""The main job of `make demo`: a morning at the order desk on real order files (northwind/README.md).

The files come in through the importer, and everything else is done by the people whose work it is, through the gate:
what price policy asks for goes to the approvers. Days are moved so that the newest order is of today; numbers, amounts,
discounts, and who was shipped when, are the files'.
"""

import csv
import io
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from django.db.models import Count, Sum

from neiqin.demo import changes, chats, giving_back, offers
from neiqin.demo.desk import warehouse
from neiqin.kernel import clock
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import OPEN, Request, Task
from neiqin.kernel.exchange import reading, working
from neiqin.kernel.exchange.models import DONE, READY, WRITING, Import
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.files import store
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules import actions as rules
from neiqin.kernel.rules.models import Table
from neiqin.modules.catalog import actions as catalog
from neiqin.modules.catalog.models import Product
from neiqin.modules.orders import actions, assigning, confirming, delivering, parts
from neiqin.modules.orders.daily import daily
from neiqin.modules.orders.models import Delivery, Order, OrderLine
from neiqin.modules.orders.states import ALIVE, APPROVED, DRAFT, SUBMITTED
from neiqin.modules.stock import actions as stock
from neiqin.modules.stock.models import Entry

HERE = Path(__file__).parent / "northwind"
REPS = ("周启明", "何雨桐", "郑可", "沈亦舟")
# Who looks after which kind of product, in the table 《订单分配》.
KEEPERS = (("Beverages、Condiments", "侯志强"), ("Seafood、Meat/Poultry", "任天翔"), ("", "马大勇"))
# The files have telephone numbers without those of the countries (ITU-T E.164).
DIALLED = {
    "Argentina": 54, "Austria": 43, "Belgium": 32, "Brazil": 55, "Canada": 1, "Denmark": 45, "Finland": 358,
    "France": 33,
    "Germany": 49, "Ireland": 353, "Italy": 39, "Mexico": 52, "Norway": 47, "Poland": 48, "Portugal": 351, "Spain": 34,
    "Sweden": 46, "Switzerland": 41, "UK": 44, "USA": 1, "Venezuela": 58,
}  # fmt: skip
SHIPLOAD = "外贸订单备货"
LEFT = 14  # days: what is younger and waits for an approver is left to him, but for the two on the phone
PHONE = 2
CHUNK = 100


def run() -> dict[str, Any]:
    """Do it unless it is done; gives the steps with counts, amounts incl. tax and seconds, and how the desk stands."""
    numbers = [row["orderID"] for row in _rows("orders")]
    steps = [] if Order.objects.filter(customer_po__in=numbers).exists() else _morning()
    orders = Order.objects.filter(customer_po__in=numbers)
    by_state = orders.values_list("state").annotate(Count("pk"), Sum("amount"))
    return {
        "steps": steps,
        "orders": orders.aggregate(count=Count("pk"), amount=Sum("amount")),
        "by_state": {state: {"count": n, "amount": amount} for state, n, amount in by_state},
        "waiting": Request.objects.filter(model="orders.order", record_id__in=orders, state=OPEN).count(),
        "daily": [
            {"label": n.label, "count": n.count, "amount": n.amount}
            for n in daily(_person("linzhixia"), clock.today()).numbers
        ],
    }  # fmt: skip


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [{k: "" if v == "NULL" else v for k, v in row.items()} for row in csv.DictReader(file)]


def _person(login: str) -> Any:
    return actor_of(Login.objects.values_list("person_id", flat=True).get(username=login))


class Log:
    """What was done, step by step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    @contextmanager
    def step(self, label: str) -> Any:
        """A step with its time; what it did is filled in inside."""
        begun, one = time.perf_counter(), {"label": label, "count": 0, "note": ""}
        yield one
        self.steps.append(one | {"seconds": round(time.perf_counter() - begun, 2)})


def _morning() -> list[dict[str, Any]]:
    clerk, log = _person("linzhixia"), Log()
    with log.step("建档：产品、价目表、分配规则") as one:
        one["count"] = _catalog()
        _keepers()
    with log.step("采购入库：文件里订的货") as one:
        one |= _bought(_person("houzhiqiang"))
    with log.step("导入客户文件") as one:
        one |= _imported("customers.customer", "客户.csv", _customers(), clerk)
    heads, lines = _orders()
    with log.step("导入订单文件（主表加明细）") as one:
        one |= _imported("orders.order", "订单.csv", reading.join(heads, "订单.csv", lines, "明细.csv"), clerk)
    mine = Order.objects.filter(customer_po__in=[r["orderID"] for r in _rows("orders")]).order_by("pk")
    with log.step("核对、提交") as one:
        one |= _done(actions.submit, mine.filter(state=DRAFT), clerk)
    with log.step("登记客户确认（框架合同）") as one:
        one |= _done(confirming.confirm, mine.filter(state=SUBMITTED), clerk, means="contract", proof="年度框架合同")
    with log.step("审核：价格和信用在权限内的直接通过，其余送审批") as one:
        one |= _done(actions.approve, mine.filter(state=SUBMITTED), clerk)
    with log.step("审批：经理、总监、公司领导逐级批") as one:
        one |= _decided(mine)
    with log.step("分配：一个人合适的按规则表直接分，几个人合适的内勤选") as one:
        one |= _assigned(mine, clerk)
    with log.step("移交采购、仓储、物流") as one:
        unshipped = {r["orderID"] for r in _rows("orders") if not r["shippedDate"]}
        waiting = mine.filter(state=APPROVED, customer_po__in=unshipped, required_on__gte=clock.today())
        one |= _done(parts.hand_over, waiting, clerk)
    with log.step("客户来电变更：预览影响，部门评估，客户同意，执行") as one:
        one |= changes.change_one(mine, clerk)
    with log.step("聊天下单：粘贴，认出，补好，录成订单") as one:
        one |= chats.take_one(clerk)
    with log.step("发货、登记签收") as one:
        one |= _shipped(mine)
    with log.step("退货：登记，审批，收货验货，结清") as one:
        one |= giving_back.give_one_back(mine, clerk, _person("houzhiqiang"))
    with log.step("报价：报出，客户接受，下推订单") as one:
        one |= offers.quote_one(clerk)
    with log.step("日报") as one:
        one["count"] = len(daily(clerk, clock.today()).numbers)
    return log.steps


def _catalog() -> int:
    """Products with their list prices, which are those of the orders."""
    products = _rows("products")
    if Product.objects.filter(code=_code(products[0]["productID"])).exists():  # stopped halfway before
        return len(products)
    kinds = _rows("categories")
    made = perform(catalog.create_category, by=SYSTEM, source="demo", rows=[
        {"code": f"NW-{k['categoryID']}", "name": k["categoryName"]} for k in kinds
    ]).done  # fmt: skip
    ids = dict(zip((k["categoryID"] for k in kinds), made, strict=True))
    goods = perform(catalog.create_product, by=SYSTEM, source="demo", rows=[
        {"code": _code(p["productID"]), "name": p["productName"], "spec": p["quantityPerUnit"],
         "category": ids[p["categoryID"]], "unit_name": "件"}
        for p in products
    ]).done  # fmt: skip
    first = _moved(min(r["orderDate"] for r in _rows("orders")))
    prices = {
        "name": "外贸标准价", "kind": "standard", "from_on": str(first),
        "rows": [{"product": pk, "price": p["unitPrice"]} for pk, p in zip(goods, products, strict=True)],
    }  # fmt: skip
    perform(
        catalog.activate, perform(catalog.create_list, by=SYSTEM, rows=[prices], source="demo").done,
        by=SYSTEM, source="demo",
    )  # fmt: skip
    return len(goods)


def _bought(keeper: Any) -> dict[str, Any]:
    """As much of each product as all orders of the files want, in the warehouse from which they are shipped."""
    wanted = defaultdict[str, Decimal](Decimal)
    for one in _rows("order_details"):
        wanted[_code(one["productID"])] += Decimal(one["quantity"])
    place = warehouse()
    if Entry.objects.filter(source=SHIPLOAD).exists():
        return {"count": 0}
    ids = dict(Product.objects.filter(code__in=wanted).values_list("code", "pk"))
    lines = [{"product": ids[code], "quantity": str(quantity)} for code, quantity in sorted(wanted.items())]
    row = {
        "kind": "bought", "warehouse": place.pk, "source": SHIPLOAD,
        "done_on": str(_moved(min(r["orderDate"] for r in _rows("orders")))),
        "lines": lines,
    }  # fmt: skip
    outcome = perform(stock.create_entry, by=keeper, rows=[row], source="demo")
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    return {"count": len(lines), "note": f"{plain(sum(wanted.values(), Decimal(0)))} 件，{place.name}"}


def _code(product: str) -> str:
    return f"NW{int(product):02}"


def _keepers() -> None:
    """Who does what, written into the table as staff would, in force since before the first order."""
    table = Table.objects.get(code="order_assignment")
    if table.versions.count() > 1:
        return
    rows = [["", kind, name] for kind, name in KEEPERS[:-1]] + [["其他", "", KEEPERS[-1][1]]]
    content = orjson.dumps({"rows": rows, "examples": [["无", "Seafood", "任天翔"]]}).decode()
    perform(rules.draft, [table.pk], by=SYSTEM, params={"content": content}, source="demo")
    newest = table.versions.latest("number").pk
    first = _moved(min(r["orderDate"] for r in _rows("orders")))
    outcome = perform(rules.publish, [newest], by=SYSTEM, params={"from_on": str(first)}, source="demo")
    if outcome.refused:
        raise ValueError(f"《订单分配》: {outcome.refused}")


def _moved(moment: str) -> date:
    """A day of the files, as far back from today as it was from the newest order."""
    newest = max(r["orderDate"] for r in _rows("orders"))[:10]
    return clock.today() - (date.fromisoformat(newest) - date.fromisoformat(moment[:10]))


def _text(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _customers() -> bytes:
    rows = (
        (r["companyName"], REPS[n % len(REPS)], r["city"], r["contactName"], r["contactTitle"],
         f"+{DIALLED[r['country']]} {r['phone'].lstrip('0')}")
        for n, r in enumerate(_rows("customers"))
    )  # fmt: skip
    return _text(("客户名称", "业务员", "市", "联系人", "联系人职务", "联系人电话"), rows)


def _orders() -> tuple[bytes, bytes]:
    names = {r["customerID"]: r["companyName"] for r in _rows("customers")}
    heads = (
        (r["orderID"], names[r["customerID"]], f"{_moved(r['orderDate'])}", f"{_moved(r['requiredDate'])}",
         r["shipName"], f"{r['shipCountry']} {r['shipCity']} {r['shipAddress']}", r["freight"])
        for r in _rows("orders")
    )  # fmt: skip
    lines = (
        (r["orderID"], _code(r["productID"]), r["quantity"], r["unitPrice"], r["discount"])
        for r in _rows("order_details")
    )
    return (
        _text(("订单号", "客户", "下单日期", "要求交期", "收货人", "收货地址", "运费"), heads),
        _text(("订单号", "产品编码", "数量", "单价", "让利率"), lines),
    )


def _imported(kind: str, name: str, body: bytes, by: Any) -> dict[str, Any]:
    """Read, check and write a file as its person would; raises ValueError where a person would have to look."""
    imp = Import.objects.create(
        resource=kind, person_id=by.id, file=store.keep([body], name, by=by), mode="new", created_at=clock.now()
    )
    working.work(import_id=imp.pk)
    imp.refresh_from_db()
    if imp.state != READY:
        raise ValueError(f"{name}: {imp.state} {imp.sentence} {imp.mapping}")
    Import.objects.filter(pk=imp.pk).update(state=WRITING)
    working.work(import_id=imp.pk)
    imp.refresh_from_db()
    if imp.state != DONE:
        raise ValueError(f"{name}: {imp.sentence}")
    bad = imp.counts.get("bad", 0)
    return {"count": imp.counts.get("new", 0), "note": f"{bad} 条有错，没有导入" if bad else ""}


def _done(action: Action, orders: Any, by: Any, **params: Any) -> dict[str, Any]:
    ids, done, said = list(orders.values_list("pk", flat=True)), 0, Counter[str]()
    for start in range(0, len(ids), CHUNK):
        outcome = perform(action, ids[start : start + CHUNK], by=by, params=params, source="demo")
        done += len(outcome.done)
        said.update("送审批" if r.code == "held" else r.text for r in outcome.refused.values())
    return {"count": done, "note": "，".join(f"{n} 单{text}" for text, n in said.most_common(3))}


def _decided(orders: Any) -> dict[str, Any]:
    """The approvers go through what waits, step by step; the newest are left for today, but for two on the phone."""
    young = clock.today() - timedelta(days=LEFT)
    ids = list(orders.filter(doc_date__gte=young).order_by("-pk").values_list("pk", flat=True))
    asked = Request.objects.filter(model="orders.order", record_id__in=orders, state=OPEN)
    phone = list(asked.filter(record_id__in=ids).order_by("-record_id")[:PHONE].values_list("pk", flat=True))
    mine = set(asked.exclude(record_id__in=ids).values_list("pk", flat=True)) | set(phone)
    decisions = 0
    while True:
        turns = Task.objects.filter(request_id__in=mine, state=Task.State.OPEN, request__state=OPEN)
        by_person: Mapping[int, list[int]] = defaultdict(list)
        for request, person in turns.order_by("pk").values_list("request_id", "person_id"):
            if request not in by_person[person]:
                by_person[person].append(request)
        if not by_person:
            break
        seen: set[int] = set()
        for person, requests in by_person.items():
            actor = actor_of(person)
            for request in requests:
                if request not in seen:  # of several who may, the first
                    seen.add(request)
                    perform(approvals.agree, [request], by=actor, params={"opinion": "同意"}, source="demo")
                    decisions += 1
    agreed = Request.objects.filter(pk__in=mine).exclude(state=OPEN).count()
    left = asked.count()
    return {"count": agreed, "note": f"共 {decisions} 个决定，其中手机上批 {len(phone)} 单；留 {left} 单等今天批"}


def _assigned(orders: Any, by: Any) -> dict[str, Any]:
    """What approval has left, since several fit: to who has the fewest open orders, with the reason."""
    alive = orders.filter(state__in=ALIVE)
    alone = alive.exclude(assigned_to=None).count()
    chosen: dict[int, list[int]] = defaultdict(list)
    for order, people in assigning.proposed(list(alive.filter(assigned_to=None))).items():
        chosen[people[0][0]].append(order)
    for person, ids in chosen.items():
        why = {"to": person, "why": "几类货，手上单数最少"}
        perform(assigning.assign, ids, by=by, params=why, source="demo")
    return {"count": alive.exclude(assigned_to=None).count(), "note": f"其中 {alone} 单直接分"}


def _shipped(orders: Any) -> dict[str, Any]:
    """What the files say was shipped, of what may be; the forwarders' names are theirs. Old ones are signed for."""
    firms = {r["shipperID"]: r["companyName"] for r in _rows("shippers")}
    source = {r["orderID"]: r for r in _rows("orders") if r["shippedDate"]}
    ready = {o.customer_po: o for o in orders.filter(state__in=ALIVE, customer_po__in=source)}
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=ready.values()).order_by("pk"):
        lines[line.order_id].append(line)
    rows = [
        {
            "order": order.pk,
            "shipped_on": str(_moved(source[po]["shippedDate"])),
            "carrier": firms[source[po]["shipVia"]],
            "waybill": f"NW{po}",
            "lines": [{"order_line": x.pk, "quantity": str(x.quantity)} for x in lines[order.pk]],
        }
        for po, order in ready.items()
    ]
    keeper = _person("houzhiqiang")
    made: list[int] = []
    for start in range(0, len(rows), CHUNK):
        outcome = perform(delivering.create, by=keeper, rows=rows[start : start + CHUNK], source="demo")
        if outcome.refused:
            raise ValueError(f"demo data refused: {outcome.refused}")
        made += outcome.done
    days: dict[date, list[int]] = defaultdict(list)
    for delivery in Delivery.objects.filter(pk__in=made):
        days[delivery.shipped_on + timedelta(days=3)].append(delivery.pk)
    signed = {day: ids for day, ids in days.items() if day <= clock.today()}
    for day, ids in signed.items():
        perform(delivering.sign, ids, by=keeper, params={"signed_on": str(day), "signed_by": "收货处"}, source="demo")
    return {"count": len(made), "note": f"{sum(map(len, signed.values()))} 单已签收"}
