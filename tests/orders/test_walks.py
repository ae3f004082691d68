"""Random walks at the order desk, one after the other and eight at once: never more out than ordered and the tolerance,
what is rolled up equals its deliveries, no number twice."""

from collections import Counter
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import actions, booking, delivering
from neiqin.modules.orders.models import Delivery, DeliveryLine, Invoicing, Order, OrderLine, Progress, shipped_of
from tests import factories
from tests.approvals.office import Office, publish, row
from tests.effort import tries
from tests.faults.threads import at_once

STEPS = st.tuples(
    st.sampled_from(["ship", "ship", "sign", "void", "unapprove", "approve", "close", "doubt", "explain"]),
    st.integers(0, 1), st.integers(1, 12),
)  # fmt: skip


def fresh_order(tolerance="0") -> Order:
    product = factories.product(tolerance=tolerance)
    factories.price_list({product: 20})
    lines = [{"product": product.pk, "quantity": "10"}, {"item_name": "油封", "quantity": "4", "price": "2"}]
    return factories.approved(factories.order(None, *lines))


def assert_sound(order: Order, tolerance=D(0)) -> None:
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    gone = shipped_of([x.pk for x in lines])
    for line in lines:
        allowed = line.quantity * (1 + (tolerance if line.product_id else D(0)) / 100)
        assert D(0) <= gone.get(line.pk, D(0)) <= allowed, "never more than ordered and the tolerance"
    out = sum(min(gone.get(x.pk, D(0)), x.quantity) * x.price for x in lines)
    whole = sum(x.quantity * x.price for x in lines)
    progress, state = Progress.objects.get(order=order), Order.objects.get(pk=order.pk).state
    assert progress.shipped == (100 * out / whole).quantize(D("0.1"), "ROUND_HALF_UP")
    if state in ("approved", "executing"):
        assert (state == "executing") == (progress.shipped > 0)
    assert order.amount == sum(x.gross for x in lines) == sum(x.net + x.tax for x in lines)


def step(order: Order, verb: str, which: int, quantity: int) -> None:
    line = OrderLine.objects.filter(order=order).order_by("pk")[which]
    if verb == "ship":
        given = {"order": order.pk, "lines": [{"order_line": line.pk, "quantity": str(quantity)}]}
        perform(delivering.create, by=SYSTEM, rows=[given])
    elif verb in ("sign", "void"):
        made = list(Delivery.objects.filter(order=order).order_by("pk").values_list("pk", flat=True))
        if made:
            action = delivering.sign if verb == "sign" else delivering.void
            params = {"signed_on": str(clock.today())} if verb == "sign" else {"reason": "x"}
            perform(action, [made[quantity % len(made)]], by=SYSTEM, params=params)
    else:
        action = getattr(actions, verb)
        perform(action, [order.pk], by=SYSTEM, params={f.name: "x" for f in action.shape.fields})


@pytest.mark.django_db
@tries(20)
@given(steps=st.lists(STEPS, min_size=4, max_size=20), tolerance=st.sampled_from(["0", "10"]))
def test_whatever_happens_to_an_order_its_quantities_stay_sound(steps, tolerance):
    order = fresh_order(tolerance)
    for one in steps:
        step(order, *one)
        assert_sound(order, D(tolerance))


def test_eight_people_who_ship_the_same_order_at_once_never_ship_too_much(own_database):
    order = fresh_order()
    at_once(*[lambda q=q: [step(order, "ship", which, q) for which in (0, 1)] for q in (3, 4, 5, 2, 3, 4, 1, 2)])
    assert_sound(order)
    assert DeliveryLine.objects.filter(delivery__order=order).exists()
    numbers = Counter(Delivery.objects.values_list("number", flat=True))
    assert set(numbers.values()) == {1}, "no number twice"


def test_eight_who_invoice_the_same_order_at_once_never_invoice_too_much(own_database):
    order = factories.approved(factories.order())
    rows = [{"order": order.pk, "number": f"N{n}", "amount": "60", "issued_on": str(clock.today())} for n in range(8)]
    at_once(*[lambda row=row: perform(booking.invoice, by=SYSTEM, rows=[row]) for row in rows])
    assert Invoicing.objects.count() == 3
    assert Progress.objects.get(order=order).invoiced == 90


def test_eight_orders_at_once_have_eight_numbers(own_database):
    customer = factories.customer()
    at_once(*[lambda: [factories.order(customer) for _ in range(3)] for _ in range(8)])
    numbers = sorted(Order.objects.values_list("number", flat=True))
    assert [int(n.rsplit("-", 1)[1]) for n in numbers] == list(range(1, 25)), "and none is left out"


def test_of_several_who_decide_at_once_one_counts_and_it_is_done_once(own_database):
    office = Office()
    other = factories.person("程望舒", unit_=office.team, position_=office.manager.position)
    publish(row("客户·停用", "销售经理"))
    made = [office.customer() for _ in range(4)]
    for customer in made:
        params = {"reason": "不再合作"}
        assert perform(customers.deactivate, [customer.pk], by=actor_of(office.rep.pk), params=params).held
    ids = list(Request.objects.order_by("pk").values_list("pk", flat=True))

    def decide(who):
        return lambda: [perform(approvals.agree, [i], by=actor_of(who.pk)).done for i in ids]

    def refuse(who):
        return lambda: [perform(approvals.refuse, [i], by=actor_of(who.pk), params={"opinion": "x"}).done for i in ids]

    at_once(*[decide(office.manager), decide(other), refuse(office.manager), refuse(other)] * 2)
    for request in Request.objects.all():
        decided = Task.objects.filter(request=request, state__in=("agreed", "refused"))
        assert decided.count() == 1, "nobody decides twice, and one decision counts"
        assert not Task.objects.filter(request=request, state__in=("open", "waiting")).exists()
        state = Customer.objects.get(pk=request.record_id).state
        assert (request.state, state) in (("done", "inactive"), ("returned", "active"))
        assert Customer.objects.get(pk=request.record_id).version == (2 if state == "inactive" else 1)
