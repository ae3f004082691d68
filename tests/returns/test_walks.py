"""Whatever is asked for, inspected and taken back again, in whatever order or at once: never more than was shipped,
stock is its movements, and credit is what was accepted at its price."""

from decimal import Decimal as D

import pytest
from django.db.models import Sum

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders.models import ReturnLine
from neiqin.modules.returns import asking, inspecting
from neiqin.modules.returns.models import KINDS, PAID_BACK, Ticket, TicketLine
from neiqin.modules.stock.models import Movement, Stock
from tests import factories
from tests.faults.threads import at_once

# (verb, kind of a new ticket or which ticket, quantity)
WALK = (
    ("ask", 0, 3), ("inspect", 0, 3), ("approve", 0, 1), ("ask", 1, 2), ("inspect", 0, 3), ("inspect", 0, 1),
    ("approve", 1, 1), ("ask", 2, 4), ("ask", 3, 5), ("approve", 2, 1), ("settle", 0, 1), ("refuse", 0, 1),
    ("inspect", 2, 4), ("ask", 4, 1), ("withdraw", 3, 1), ("ask", 0, 2), ("settle", 1, 1), ("settle", 2, 1),
)  # fmt: skip


class Counter:
    """Ten bearings shipped at 20 yuan, and warehouses for good and bad ones."""

    def __init__(self):
        self.bearing = factories.product()
        self.main, self.bad = factories.warehouse(main=True), factories.warehouse("不良品仓", bad=True)
        factories.stocked(self.bearing, 30, self.main)
        line = {"product": self.bearing.pk, "quantity": "10", "price": "20"}
        self.order = factories.shipped(factories.approved(factories.order(None, line)), 10).order
        self.line = self.order.lines.get()

    def ask(self, quantity, kind="refund"):
        row = {"order": self.order.pk, "kind": kind, "reason": "customer",
               "lines": [{"order_line": self.line.pk, "quantity": str(quantity)}]}  # fmt: skip
        return perform(asking.create, by=SYSTEM, rows=[row])

    def step(self, verb, which, quantity):
        if verb == "ask":
            self.ask(quantity, KINDS[which].value)
            return
        made = list(Ticket.objects.order_by("pk").values_list("pk", flat=True))
        if not made:
            return
        pk = [made[which % len(made)]]
        if verb == "inspect":
            found = {"order_line": self.line.pk, "good": str(quantity // 2), "bad": str(quantity - quantity // 2)}
            perform(inspecting.inspect, pk, by=SYSTEM, rows=[{"lines": [found]}])
        else:
            known = {"approve": asking.approve, "settle": inspecting.settle, "refuse": asking.refuse,
                     "withdraw": asking.withdraw}  # fmt: skip
            params = {"settle": {"invoice_way": "reduced"}, "approve": {}}.get(verb, {"reason": "x"})
            perform(known[verb], pk, by=SYSTEM, params=params)

    def assert_sound(self):
        booked = ReturnLine.objects.exclude(returned__state="void").aggregate(Sum("quantity"))["quantity__sum"] or D(0)
        left = asking.left_of([self.line.pk])[self.line.pk]
        under_way = TicketLine.objects.filter(ticket__state__in=("asked", "awaited"))
        waiting = under_way.aggregate(Sum("quantity"))["quantity__sum"] or D(0)
        assert booked + waiting + left <= 10, "never more than was shipped"
        for line in TicketLine.objects.select_related("ticket"):
            paid = line.ticket.kind in PAID_BACK
            assert line.credit == (line.accepted * 20 if paid else 0)
            assert line.accepted <= line.good + line.bad + line.scrap or line.ticket.kind in ("money", "again")
        for ticket in Ticket.objects.all():
            assert ticket.credit == sum((x.credit for x in ticket.lines.all()), D(0))
        back = TicketLine.objects.filter(ticket__kind__in=("refund", "exchange"))
        for place, column, before in ((self.main, "good", 20), (self.bad, "bad", 0)):
            there = Stock.objects.filter(warehouse=place).aggregate(Sum("on_hand"))["on_hand__sum"] or D(0)
            moved = Movement.objects.filter(warehouse=place).aggregate(Sum("quantity"))["quantity__sum"] or D(0)
            assert there == moved == before + (back.aggregate(n=Sum(column))["n"] or D(0))


@pytest.mark.django_db
def test_whatever_happens_quantities_stock_and_credit_agree():
    counter = Counter()
    for one in WALK:
        counter.step(*one)
        counter.assert_sound()
    assert Ticket.objects.count() >= 4


def test_eight_at_once_never_ask_for_more_than_was_shipped(own_database):
    counter = Counter()
    results = at_once(*[lambda: counter.ask(3) for _ in range(8)])
    assert sum(len(r.done) for r in results) == 3
    assert {x.text for r in results for x in r.refused.values()} == {
        "「深沟球轴承」发了、还没退换的只有 1 个，改小数量。"
    }
    counter.assert_sound()
    numbers = list(Ticket.objects.values_list("number", flat=True))
    assert len(set(numbers)) == 3


def test_two_who_inspect_the_same_at_once_move_its_stock_once(own_database):
    counter = Counter()
    ticket = counter.ask(4).done
    assert perform(asking.approve, ticket, by=SYSTEM).done
    row = {"lines": [{"order_line": counter.line.pk, "good": "3", "bad": "1"}]}
    results = at_once(*[lambda: perform(inspecting.inspect, ticket, by=SYSTEM, rows=[row]) for _ in range(4)])
    assert sum(len(r.done) for r in results) == 1
    assert Ticket.objects.get().credit == 60
    counter.assert_sound()
