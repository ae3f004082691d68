"""What is looked for after a kill is found where it is: each sentence is made true on purpose at a sound desk."""

import pytest
from django.db import connection, transaction

from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.scope import SYSTEM, Actor
from neiqin.modules.changes import changing
from neiqin.modules.orders import actions, confirming
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.quotes import actions as quotes
from neiqin.modules.quotes import drafting, pushing
from neiqin.modules.quotes.models import Quote
from neiqin.modules.returns import inspecting
from tests import factories
from tests.faults import around_inside, orders_inside

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
    ("performed without the consent that was waited for",
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
PUSHED, CHANGED = "(SELECT order_line_id FROM quotes_pushed)", "(SELECT order_line_id FROM changes_changeline)"
AROUND = [
    ("quote numbers out of order", "UPDATE quotes_quote SET number = replace(number, '-0001', '-0002')"),
    ("quotes with two numbers", "UPDATE quotes_quote SET number = number || '9'"),
    ("versions of a quote with a gap or a number of another", "UPDATE quotes_quote SET edition = 3 WHERE edition = 2"),
    ("quotes of which two versions are the last word",
     "UPDATE quotes_quote SET state = 'sent' WHERE state = 'replaced'"),
    ("quotes without their two lines",
     "DELETE FROM quotes_quoteline WHERE id = (SELECT min(id) FROM quotes_quoteline)"),
    ("quotes that are not the sum of their lines", "UPDATE quotes_quote SET amount = amount + 0.01"),
    ("more pushed down than was quoted", f"UPDATE orders_orderline SET quantity = 99 WHERE id IN {PUSHED}"),
    ("pushed down from a quote that the customer has not accepted",
     "UPDATE quotes_quote SET state = 'sent' WHERE state = 'accepted'"),
    ("orders of a quote with lines that are not the quote's",
     f"UPDATE orders_orderline SET price = price + 1 WHERE id IN {PUSHED}"),
    ("quotes pushed down without saying so, or the other way round", """UPDATE quotes_pushed
        SET order_id = (SELECT min(id) FROM orders_order) WHERE id = (SELECT min(id) FROM quotes_pushed)"""),
    ("states of quotes that are not what happened",
     "UPDATE quotes_quote SET state = 'refused' WHERE state = 'accepted'"),
    ("steps of a quote taken twice", "quotes.quote.accepted"),
    ("versions of quotes that are not the number of their events", "UPDATE quotes_quote SET version = version + 1"),
    ("change numbers out of order", "UPDATE changes_change SET number = replace(number, '-0001', '-0002')"),
    ("changes with two numbers", "UPDATE changes_change SET number = replace(number, '-0001', '-0002')"),
    ("orders whose version is not the number of their changes", "UPDATE orders_order SET revision = revision + 1"),
    ("changes of a version that another has changed already", "UPDATE changes_change SET base = 2"),
    ("lines that are not what their order's last change of them says",
     f"UPDATE orders_orderline SET quantity = quantity + 1 WHERE id IN {CHANGED}"),
    ("orders with lines that nobody entered or took out",
     """DELETE FROM orders_orderline WHERE id = (SELECT max(id) FROM orders_orderline
        WHERE order_id = (SELECT order_id FROM changes_change))"""),
    ("changes that hold without the amount that their order came to",
     "UPDATE changes_change SET new_amount = new_amount + 1"),
    ("changes of the amount that 财务 need not know, or twice", "DELETE FROM changes_knowing"),
    ("states of changes that are not what happened", "UPDATE changes_change SET state = 'withdrawn'"),
    ("steps of a change taken twice", "changes.change.applied"),
    ("versions of changes that are not the number of their events",
     "UPDATE changes_change SET version = version + 1"),
    ("return numbers out of order", "UPDATE returns_ticket SET number = replace(number, '-0001', '-0007')"),
    ("returns with two numbers", "UPDATE returns_ticket SET number = replace(number, '-0001', '-0007')"),
    ("more to come back than was shipped", "UPDATE returns_ticketline SET quantity = 9, accepted = 9"),
    ("more booked as returned than was delivered", "UPDATE orders_returnline SET quantity = 9"),
    ("returns whose order was told something else", "UPDATE returns_ticketline SET accepted = 0"),
    ("bookings of returns that no return has made, or two", "UPDATE returns_ticket SET returned_id = NULL"),
    ("returned goods that are not back in stock, or twice", "UPDATE returns_ticketline SET good = 0"),
    ("bad goods where good ones lie, or the other way round", "UPDATE stock_warehouse SET bad = NOT bad"),
    ("money back that is not what was accepted", "UPDATE returns_ticket SET credit = credit + 1"),
    ("more money back than a line of an order cost all the time", "UPDATE returns_ticketline SET credit = 999"),
    ("exchanges settled without the order of what goes out, or the other way round",
     "UPDATE returns_ticket SET sent_again_id = NULL"),
    ("states of returns that are not what happened",
     "UPDATE returns_ticket SET state = 'asked' WHERE state = 'settled'"),
    ("steps of a return taken twice", "returns.ticket.inspected"),
    ("versions of returns that are not the number of their events",
     "UPDATE returns_ticket SET version = version + 1"),
]  # fmt: skip
EVENT = "INSERT INTO actions_event (run_id, name, model, record_id) SELECT %s, name, model, record_id "


def never(*names: str) -> set[str]:
    """Which of the sentences are true; names: of these only."""
    found = set()
    with connection.cursor() as cursor:
        for name in names or orders_inside.NEVER:
            cursor.execute(orders_inside.NEVER[name])
            if cursor.fetchall():
                found.add(name)
    return found


def whoever(name: str) -> Actor:
    return actor_of(Person.objects.get(name=name).pk)


@pytest.fixture
def desk():
    """Three orders of three lines: one in part out, one approved by the manager, one that waits for him."""
    known = orders_inside.people()
    clerk, manager = whoever("林知夏"), whoever("陆建国")
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


@pytest.fixture
def around(desk):
    """Of the order that is out in part: a change that holds, goods taken back for money and in exchange; and a quote in
    two versions, the second accepted and pushed down in part."""
    clerk, manager = whoever("林知夏"), whoever("陆建国")

    def do(action, pk, **params):
        assert perform(action, [pk], by=clerk, params=params).done == [pk]

    first = Order.objects.order_by("pk").first()
    line = first.lines.order_by("pk").first()
    change = factories.change(first, by=clerk, lines=[{"order_line": line.pk, "quantity": "6"}])
    do(changing.pass_on, change.pk)
    do(changing.agree, change.pk, means="contract", proof="KJ")
    do(changing.apply, change.pk)
    factories.shipped(first, 3, 1)
    for kind, good, bad in (("refund", "2", "1"), ("exchange", "1", "0")):
        ticket = factories.ticket(first, int(good) + int(bad), by=clerk, kind=kind)
        (request,) = Request.objects.filter(model="returns.ticket", state="open")
        assert perform(approvals.agree, [request.pk], by=manager).done
        came = {"order_line": line.pk, "good": good, "bad": bad, "accepted": str(int(good) + int(bad))}
        assert perform(inspecting.inspect, [ticket.pk], by=clerk, rows=[{"lines": [came]}]).done
        do(inspecting.settle, ticket.pk, invoice_way="reduced")
    goods = OrderLine.objects.values_list("product", flat=True)[:2]
    rows = [{"product": p, "quantity": "4", "price": "100"} for p in goods]
    quote = factories.quote(first.customer, *rows, by=clerk)
    do(quotes.send, quote.pk)
    do(drafting.renew, quote.pk)
    second = factories.accepted(Quote.objects.latest("pk"))
    goods = [{"quote_line": x.pk, "quantity": "3"} for x in second.lines.all()]
    do(pushing.push_down, second.pk, lines=goods)
    assert never() == set()


def test_what_should_never_be_around_orders_is_found_where_it_is(around):
    """All of them on one desk: each is undone before the next."""
    assert {name for name, _ in AROUND} | {"runs of quotes, changes or returns without an event"} == set(
        around_inside.NEVER
    )
    missed = []
    for name, statement in AROUND:
        point = transaction.savepoint()
        run = history.begin("test", by=SYSTEM, source="test")
        with connection.cursor() as cursor:
            if statement.startswith(("UPDATE", "DELETE")):
                cursor.execute(statement)
            else:
                cursor.execute(f"{EVENT} FROM actions_event WHERE name = %s", [run, statement])
        missed += {name} - never(name)
        transaction.savepoint_rollback(point)
    assert missed == []
    assert never() == set()
