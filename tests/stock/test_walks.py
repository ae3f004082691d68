"""Random walks through warehouses and deliveries, one after the other and eight at once: what lies there is always the
sum of its movements, never below zero, and what has gone out equals the deliveries."""

from decimal import Decimal as D

import pytest
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders import delivering
from neiqin.modules.orders.models import Delivery, DeliveryLine
from neiqin.modules.stock import actions
from neiqin.modules.stock.models import Entry, Movement, Stock, Warehouse
from tests import factories
from tests.effort import tries
from tests.faults.threads import at_once

KINDS = ("bought", "used", "transfer", "count")
STEPS = st.tuples(
    st.sampled_from([*KINDS, "ship", "ship", "void delivery", "void entry"]), st.integers(0, 1), st.integers(1, 12)
)


class Place:
    """Two warehouses, a product sold in pieces and boxes of six, an order of 20 pieces and one of 4 boxes."""

    def __init__(self):
        self.product = factories.product(units=[{"name": "箱", "factor": "6"}])
        self.warehouses = [factories.warehouse(main=True), factories.warehouse("苏州仓")]
        line = {"product": self.product.pk, "price": "20"}
        self.orders = [
            factories.approved(factories.order(None, line | {"quantity": "20"})),
            factories.approved(factories.order(None, line | {"quantity": "4", "unit_name": "箱"})),
        ]
        factories.stocked(self.product, 15, self.warehouses[0])

    def step(self, verb, which, quantity):
        if verb in KINDS:
            here, there = self.warehouses[which], self.warehouses[1 - which]
            more = {"to": there.pk} if verb == "transfer" else {}
            row = factories.entry_row(here, (self.product, quantity), kind=verb, **more)
            perform(actions.create_entry, by=SYSTEM, rows=[row])
        elif verb == "ship":
            order = self.orders[which]
            goods = [{"order_line": order.lines.get().pk, "quantity": str(quantity)}]
            place = self.warehouses[quantity % 2].pk
            perform(delivering.create, by=SYSTEM, rows=[{"order": order.pk, "lines": goods, "warehouse": place}])
        else:
            model, void = {"void delivery": (Delivery, delivering.void), "void entry": (Entry, actions.void)}[verb]
            made = list(model.objects.order_by("pk").values_list("pk", flat=True))
            if made:
                perform(void, [made[quantity % len(made)]], by=SYSTEM, params={"reason": "x"})

    def assert_sound(self):
        sums = Movement.objects.values_list("warehouse_id", "product_id").annotate(Sum("quantity")).order_by()
        moved = {(w, p): q for w, p, q in sums}
        for w, p, there in Stock.objects.values_list("warehouse_id", "product_id", "on_hand"):
            assert there == moved.get((w, p), 0), "what lies there is the sum of its movements"
            assert there >= 0
        assert moved.keys() <= set(Stock.objects.values_list("warehouse_id", "product_id"))
        for warehouse in self.warehouses:
            alive = DeliveryLine.objects.filter(delivery__warehouse=warehouse).exclude(delivery__state="void")
            factor = {"箱": D(6)}
            out = sum((x.quantity * factor.get(x.order_line.unit_name, D(1)) for x in alive), D(0))
            taken = Movement.objects.filter(model="orders.delivery", warehouse=warehouse)
            assert -(taken.aggregate(Sum("quantity"))["quantity__sum"] or D(0)) == out, "deliveries took what they say"
        for entry in Entry.objects.filter(state="void"):
            by = Movement.objects.filter(model="stock.entry", record=entry.pk)
            assert not by.aggregate(Sum("quantity"))["quantity__sum"], "what was voided has moved nothing in the end"


@pytest.mark.django_db
@tries(12)
@given(steps=st.lists(STEPS, min_size=4, max_size=20))
def test_whatever_is_written_down_what_lies_there_is_the_sum_of_its_movements(steps):
    place = Place()
    for one in steps:
        place.step(*one)
        place.assert_sound()


def test_eight_people_who_ship_move_and_count_at_once_leave_the_books_right(own_database):
    place = Place()
    works = [("ship", 0, 3), ("ship", 1, 1), ("ship", 0, 4), ("transfer", 0, 5), ("used", 1, 2), ("count", 0, 9),
             ("transfer", 1, 2), ("bought", 1, 6)]  # fmt: skip
    at_once(*[lambda w=w: [place.step(*w) for _ in range(4)] for w in works])
    place.assert_sound()
    assert Delivery.objects.exists()
    numbers = list(Entry.objects.values_list("number", flat=True))
    assert len(numbers) == len(set(numbers))


def test_eight_who_take_the_last_ten_at_once_take_ten(own_database):
    bearing, place = factories.product(), factories.warehouse()
    factories.stocked(bearing, 10, place)
    line = {"product": bearing.pk, "quantity": "5", "price": "20"}
    orders = [factories.approved(factories.order(None, line)) for _ in range(8)]
    results = at_once(*[lambda o=o: perform(delivering.create, by=SYSTEM, rows=[
        {"order": o.pk, "lines": [{"order_line": o.lines.get().pk, "quantity": "3"}]}]) for o in orders])  # fmt: skip
    assert sum(len(r.done) for r in results) == 3
    assert {x.text for r in results for x in r.refused.values()} == {"主仓的「深沟球轴承」只有 1 个，不够。"}
    assert Stock.objects.get().on_hand == 1


def test_two_who_count_what_never_lay_there_book_it_once(own_database):
    bearing, place = factories.product(), factories.warehouse()
    row = factories.entry_row(place, (bearing, 20), kind="count")
    at_once(*[lambda: perform(actions.create_entry, by=SYSTEM, rows=[row]) for _ in range(4)])
    assert Stock.objects.get().on_hand == 20
    assert Warehouse.objects.count() == 1
