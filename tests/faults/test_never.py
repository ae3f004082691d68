"""What is looked for after a kill is found where it is: each sentence is made true on purpose at a sound desk."""

import pytest
from django.db import connection

from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders import actions, confirming
from neiqin.modules.orders.models import Order, OrderLine
from tests import factories
from tests.faults import orders_inside

pytestmark = pytest.mark.django_db
OPEN, DONE = "(SELECT max(id) FROM approvals_request)", "(SELECT min(id) FROM approvals_request)"
WRONG = [
    ("order numbers out of order", "UPDATE orders_order SET number = replace(number, '-0003', '-0004')"),
    ("delivery numbers out of order", "UPDATE orders_delivery SET number = replace(number, '-0001', '-0002')"),
    ("orders with two numbers", "UPDATE orders_order SET number = replace(number, '-0003', '-0004')"),
    ("orders without their three lines",
     "DELETE FROM orders_orderline WHERE id = (SELECT max(id) FROM orders_orderline)"),
    ("orders that are not the sum of their lines", "UPDATE orders_order SET amount = amount + 0.01"),
    ("versions of orders that are not the number of their events", "UPDATE orders_order SET version = version + 1"),
    ("orders that are approved without having been so, or the other way round",
     "UPDATE orders_order SET state = 'approved' WHERE state = 'submitted'"),
    ("open requests without an open task or node",
     "UPDATE approvals_task SET state = 'others' WHERE state = 'open'"),
    ("finished requests with an open task", f"UPDATE approvals_request SET state = 'ended' WHERE id = {OPEN}"),
    ("finished requests with an open node", f"UPDATE approvals_request SET state = 'ended' WHERE id = {OPEN}"),
    ("seats decided by two", f"""INSERT INTO approvals_task (request_id, node_id, seat, person_id, label, way, state,
        opinion, opened_at) SELECT request_id, node_id, seat, person_id, label, way, state, opinion, opened_at
        FROM approvals_task WHERE request_id = {DONE} AND state = 'agreed'"""),
    ("approved requests not performed exactly once", f"UPDATE approvals_request SET state = 'done' WHERE id = {OPEN}"),
    ("orders performed without the consent that they waited for",
     f"UPDATE approvals_request SET state = 'ended' WHERE id = {DONE}"),
    ("held runs that are closed though they wait, or the other way round",
     f"UPDATE approvals_request SET state = 'done' WHERE id = {OPEN}"),
    ("more out than ordered and the tolerance", "UPDATE orders_deliveryline SET quantity = quantity * 3"),
    ("deliveries without their two lines",
     "DELETE FROM orders_deliveryline WHERE id = (SELECT max(id) FROM orders_deliveryline)"),
    ("orders in execution with nothing out, or the other way round",
     "UPDATE orders_order SET state = 'approved' WHERE state = 'executing'"),
    ("percent shipped that is not what has gone out", "UPDATE orders_progress SET shipped = shipped + 1"),
    ("stocks that are not the sum of their movements", "UPDATE stock_stock SET on_hand = on_hand + 1"),
    ("deliveries whose goods have not left the warehouse, or twice",
     "UPDATE orders_deliveryline SET quantity = quantity + 1"),
    ("orders without their progress", "DELETE FROM orders_progress WHERE shipped = 0"),
]  # fmt: skip


def never() -> set[str]:
    """Which of the sentences are true."""
    found = set()
    with connection.cursor() as cursor:
        for name, statement in orders_inside.NEVER.items():
            cursor.execute(statement)
            if cursor.fetchall():
                found.add(name)
    return found


@pytest.fixture
def desk():
    """Three orders of three lines: one in part out, one approved by the manager, one that waits for him."""
    known = orders_inside.people()
    clerk = actor_of(Person.objects.get(name="林知夏").pk)
    manager = actor_of(Person.objects.get(name="陆建国").pk)
    for last in ("100", "93", "93"):
        lines = [{"product": p, "quantity": "4", "price": "100"} for p in known["products"][:3]]
        lines[-1]["price"] = last
        row = {
            "customer": known["customers"][0],
            "source": "api",
            "consignee": "潘工",
            "address": "昆山",
            "lines": lines,
        }
        (number,) = perform(actions.create, by=clerk, rows=[row]).done
        perform(actions.submit, [number], by=clerk)
        perform(confirming.confirm, [number], by=clerk, params={"means": "contract", "proof": "KJ"})
        perform(actions.approve, [number], by=clerk)
    assert perform(approvals.agree, [Request.objects.order_by("pk").first().pk], by=manager).done
    first = Order.objects.order_by("pk").first()
    factories.shipped(first, 2, 1)
    assert OrderLine.objects.count() == 9
    assert sorted(Order.objects.values_list("state", flat=True)) == ["approved", "executing", "submitted"]
    assert never() == set()


@pytest.mark.parametrize(("name", "statement"), WRONG)
def test_what_should_never_be_is_found_where_it_is(desk, name, statement):
    history.begin("test", by=SYSTEM, source="test")
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert name in never()
