"""What `make demo` does on real order files, and says of it, against the files themselves."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP
from decimal import Decimal as D
from itertools import pairwise

import pytest

from neiqin import demo
from neiqin.demo import morning
from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.approvals.models import Request, Task
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Delivery, Order, OrderLine, Part
from neiqin.modules.quotes.models import Quote
from neiqin.modules.returns.models import Ticket
from neiqin.modules.stock.models import Stock

pytestmark = pytest.mark.django_db


def rows(name):
    with (morning.HERE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


KEEPERS = {"Beverages": "侯志强", "Condiments": "侯志强", "Seafood": "任天翔", "Meat/Poultry": "任天翔"}


class Files:
    """The order files reckoned by hand: amounts by order, whose decision each is, how old, shipped or not."""

    def __init__(self):
        self.amount, self.factor, self.lines = defaultdict(D), defaultdict(lambda: D(1)), 0
        kinds = {r["categoryID"]: r["categoryName"] for r in rows("categories")}
        kinds = {r["productID"]: kinds[r["categoryID"]] for r in rows("products")}
        self.keepers = defaultdict(set)
        for r in rows("order_details"):
            deal = D(r["unitPrice"]) * (1 - D(r["discount"]))
            self.amount[r["orderID"]] += (deal * int(r["quantity"])).quantize(D("0.01"), ROUND_HALF_UP)
            self.factor[r["orderID"]] = min(self.factor[r["orderID"]], 1 - D(r["discount"]))
            self.lines += 1
            self.keepers[r["orderID"]].add(KEEPERS.get(kinds[r["productID"]], "马大勇"))
        self.head = {r["orderID"]: r for r in rows("orders")}
        newest = max(r["orderDate"] for r in self.head.values())[:10]
        edge = str(date.fromisoformat(newest) - timedelta(days=14))
        self.young = {n for n, r in self.head.items() if r["orderDate"][:10] >= edge}
        self.asked = {n for n, f in self.factor.items() if f < D("0.95")}
        self.waiting = set(sorted(self.asked & self.young, key=int)[:-2])  # the two newest were on the phone
        self.shipped = {n for n, r in self.head.items() if r["shippedDate"] != "NULL"} - self.waiting

    def five_more(self, order):
        """What the order comes to with five more of its first line."""
        first, *rest = [r for r in rows("order_details") if r["orderID"] == order]
        worth = [(D(r["unitPrice"]) * (1 - D(r["discount"])), int(r["quantity"])) for r in (first, *rest)]
        worth[0] = (worth[0][0], worth[0][1] + 5)
        return sum(((price * n).quantize(D("0.01"), ROUND_HALF_UP) for price, n in worth), D(0))

    def total(self, numbers):
        return sum((self.amount[n] for n in numbers), D(0))


def late_of(files, every):
    return {
        n
        for n in every - files.shipped - files.waiting
        if morning._moved(files.head[n]["requiredDate"]) < clock.today()
    }


def test_the_morning_does_what_the_files_say(settings, tmp_path):
    settings.FILES = tmp_path
    demo.organise()
    found, files = morning.run(), Files()
    every = set(files.head)
    assert (len(every), files.lines) == (270, 691)
    chat = Order.objects.get(customer_po="", name="Around the Horn")  # three lines out of a message, at list prices
    prices = {r["productName"]: D(r["unitPrice"]) for r in rows("products")}
    said = 12 * prices["Chai"] + 3 * prices["Queso Cabrales"] + 2 * prices["Tofu"]
    assert (chat.name, chat.amount, OrderLine.objects.filter(order=chat).count()) == ("Around the Horn", said, 3)
    quoted = Order.objects.get(customer_po="", name="Bottom-Dollar Markets")
    offered = 10 * prices["Chai"] + 5 * prices["Chang"]
    assert (quoted.amount, Quote.objects.get().amount, Quote.objects.get().state) == (offered, offered, "accepted")
    assert OrderLine.objects.count() == 691 + 3 + 2
    # of the newest order that has gone out one piece of its first line came back
    back = max(files.shipped, key=int)
    first = next(r for r in rows("order_details") if r["orderID"] == back)
    whole = (D(first["unitPrice"]) * (1 - D(first["discount"])) * int(first["quantity"])).quantize(
        D("0.01"), ROUND_HALF_UP
    )
    ticket = Ticket.objects.get()
    assert (ticket.order.customer_po, ticket.state) == (back, "settled")
    assert ticket.credit == (whole / int(first["quantity"])).quantize(D("0.01"), ROUND_HALF_UP)
    assert Customer.objects.count() == len({r["customerID"] for r in files.head.values()}) == 81
    # the customer of the newest order at full price that is with the departments wants five more of its first line
    handed = max(every - files.shipped - files.asked - late_of(files, every), key=int)
    more = files.five_more(handed)
    assert f"→ {more:,.2f}" in next(s["note"] for s in found["steps"] if s["label"].startswith("客户来电变更"))
    files.amount[handed] = more
    assert found["orders"] == {"count": 270, "amount": files.total(every)}
    assert dict(Order.objects.exclude(customer_po="").values_list("customer_po", "amount")) == files.amount
    assert Order.objects.get(revision=2).customer_po == handed
    steps = [(s["label"].partition("：")[0].partition("（")[0], s["count"]) for s in found["steps"]]
    agreed = files.asked - files.waiting
    late = late_of(files, every)
    notes = {s["label"]: s["note"] for s in found["steps"]}
    with_departments = set(Part.objects.values_list("order__customer_po", flat=True))
    assert with_departments <= every - files.shipped - files.waiting - late
    assert steps == [
        ("建档", 77), ("采购入库", len({r["productID"] for r in rows("order_details")})), ("导入客户文件", 81),
        ("导入订单文件", 270), ("核对、提交", 270), ("登记客户确认", 270),
        ("审核", len(every - files.asked)), ("审批", len(agreed)),
        ("分配", len(every - files.waiting)),
        ("移交采购、仓储、物流", len(with_departments)), ("客户来电变更", 1), ("聊天下单", 3),
        ("发货、登记签收", len(files.shipped)), ("退货", 1), ("报价", 1), ("日报", 4),
    ], list(notes.items())[8:11]  # fmt: skip
    assert found["waiting"] == len(files.waiting) == Request.objects.filter(state="open").count()
    open_ = every - files.shipped - files.waiting
    assert found["by_state"] == {
        "executing": {"count": len(files.shipped), "amount": files.total(files.shipped)},
        "approved": {"count": len(open_), "amount": files.total(open_)},
        "submitted": {"count": len(files.waiting), "amount": files.total(files.waiting)},
    }
    today = {n["label"]: (n["count"], n["amount"]) for n in found["daily"]}
    newest = max(r["shippedDate"] for r in files.head.values() if r["shippedDate"] != "NULL")
    out = [n for n in files.shipped if files.head[n]["shippedDate"] == newest]
    assert today == {
        "收单": (272, files.total(every) + said + offered),
        "审核": (270 - len(files.waiting), files.total(every - files.waiting)),
        "发货": (len(out), files.total(out)), "现在超期": (len(late), files.total(late)),
    }  # fmt: skip
    # whose the table says they are, where it is one person; else one of those it names
    held = dict(Order.objects.filter(assigned_to__isnull=False).values_list("customer_po", "assigned_to__name"))
    held.pop("", None)
    assert set(held) == every - files.waiting
    assert [n for n, who in held.items() if who not in files.keepers[n]] == []
    alone = {n for n in held if len(files.keepers[n]) == 1}
    by_table = Order.objects.filter(assigned_why__contains="《订单分配》第 2 版").values_list("customer_po", flat=True)
    assert set(by_table) == alone
    # everybody did his own work: nobody decided on what he had asked for, and each step was one after the other
    assert not Task.objects.filter(state="agreed", person__name="林知夏").exists()
    days = list(Delivery.objects.order_by("shipped_on").values_list("shipped_on", flat=True))
    assert all(a <= b for a, b in pairwise(days))
    assert days[-1] == clock.today()
    assert Part.objects.exists()
    # what was bought for the orders and has not been shipped lies in the warehouse
    left = defaultdict(D)
    for r in rows("order_details"):
        left[f"NW{int(r['productID']):02}"] += D(0) if r["orderID"] in files.shipped else D(r["quantity"])
    left[f"NW{int(first['productID']):02}"] += 1
    assert dict(Stock.objects.values_list("code", "on_hand")) == left

    # a second one changes nothing
    events = Event.objects.count()
    again = morning.run()
    assert again == found | {"steps": []}
    assert Event.objects.count() == events
