"""The preview never lies: what a change says it would do is what it does (over random orders, changes and states); and
random walks of changes, shipments and invoices leave every order sound."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.history import changes_of
from neiqin.kernel.actions.models import Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.changes import changing, departments, impact
from neiqin.modules.changes.models import PLACE, Assessment, Change, Knowing
from neiqin.modules.orders import booking, delivering, parts
from neiqin.modules.orders.models import Invoicing, Order, OrderLine, Part, Progress, shipped_of
from tests import factories
from tests.effort import tries
from tests.orders.test_walks import assert_sound

pytestmark = pytest.mark.django_db
QUIET = tries(10)
# What differs by its nature from one doing to the next.
MOVING = {"updated_at", "created_at", "applied_at", "id"}

LINE = st.tuples(
    st.integers(0, 2), st.sampled_from(["quantity", "price", "promised_on", "gone", "new"]), st.integers(0, 30)
)
HEAD = st.fixed_dictionaries({
    "required_on": st.one_of(st.just(""), st.integers(5, 60).map(lambda n: str(clock.today() + timedelta(days=n)))),
    "address": st.sampled_from(["", "", "太仓市港区路8号"]),
    "whole": st.sampled_from(["", "", "", "", "on"]),
})  # fmt: skip
STATE = st.fixed_dictionaries({
    "handed": st.booleans(), "shipped": st.integers(0, 10), "invoiced": st.sampled_from([0, 0, 50, 200]),
    "reported": st.sampled_from([0, 40, 100]),
})  # fmt: skip


def fresh_order() -> Order:
    product = factories.product()
    factories.price_list({product: 20})
    lines = [{"product": product.pk, "quantity": "10"}, {"item_name": "油封", "quantity": "4", "price": "2"},
             {"item_name": "运费", "quantity": "1", "price": "30"}]  # fmt: skip
    return factories.approved(factories.order(None, *lines, required_on=str(clock.today() + timedelta(days=30))))


def brought_to(order: Order, state) -> None:
    """Handed over, reported, shipped and invoiced as far as the state says."""
    if state["handed"]:
        perform(parts.hand_over, [order.pk], by=SYSTEM)
        if state["reported"]:
            part = Part.objects.filter(order=order).order_by("pk")[0]
            perform(parts.report, [part.pk], by=SYSTEM, params={"progress": str(state["reported"])})
    if state["shipped"]:
        factories.shipped(order, state["shipped"])
    if state["invoiced"]:
        factories.invoiced(order, state["invoiced"])


def rows_of(order: Order, lines) -> list[dict[str, str]]:
    """The lines of a change; of several words about one line the last holds."""
    ids, found = list(order.lines.order_by("pk").values_list("pk", flat=True)), {}
    for n, (which, what, number) in enumerate(lines):
        if what == "new":
            found[-n - 1] = {"item_name": f"加项{n}", "quantity": str(number + 1), "price": "3.5"}
            continue
        row = found.setdefault(which, {"order_line": str(ids[which])})
        if what == "gone":
            row["quantity"] = "0"
        elif what == "promised_on":
            row["promised_on"] = str(clock.today() + timedelta(days=number))
        else:
            row[what] = str(number)
    return list(found.values())


def told(rows, order: Order):
    """The changes of the order's own rows, as far as they are not moments or numbers given out anew."""
    new = [r.row for r in rows if r.op == "I" and r.table == OrderLine._meta.db_table]
    names = {pk: f"new{n}" for n, pk in enumerate(new)}
    return sorted(
        (r.table, r.op, str(names.get(r.row, r.row)), shown(r.before), shown(r.after))
        for r in rows if r.table.startswith("orders_")
    )  # fmt: skip


def shown(values):
    """What is sealed is another text each time it is sealed."""
    return sorted((k, "sealed" if k in PLACE else str(v)) for k, v in values.items() if k not in MOVING)


@QUIET
@given(st.lists(LINE, max_size=4), HEAD, STATE)
def test_what_is_previewed_is_what_is_done(lines, head, state):
    order = fresh_order()
    brought_to(order, state)
    row = {"order": order.pk, "said_by": "潘工", "reason": "x", "lines": rows_of(order, lines)}
    made = perform(changing.create, by=SYSTEM, rows=[row | head])
    if made.refused:
        assert not Change.objects.filter(order=order).exists()
        return
    change = Change.objects.get(pk=made.done[0])
    assert perform(changing.pass_on, [change.pk], by=SYSTEM).done
    Assessment.objects.filter(change=change).update(state="answered")
    assert perform(changing.agree, [change.pk], by=SYSTEM, params={"means": "contract", "proof": "KJ"}).done
    ahead = impact.of(change, changing.head_of(change), changing.lines_of([change.pk])[change.pk], SYSTEM)
    before = list(OrderLine.objects.filter(order=order).order_by("pk").values_list("pk", "quantity", "price"))
    still = {p.department for p in departments.still_open(order.pk)}
    outcome = perform(changing.apply, [change.pk], by=SYSTEM)
    if ahead.problem:
        assert outcome.refused[change.pk].text == f"订单不能这样改：{ahead.problem}"
        after = list(OrderLine.objects.filter(order=order).order_by("pk").values_list("pk", "quantity", "price"))
        assert (after, Order.objects.get(pk=order.pk).revision) == (before, 1)
        return
    assert outcome.done == [change.pk], outcome.refused
    verb = changing.deed_of(change, {}, [])[0].code if change.whole else "orders.order.revise"
    run = Run.objects.filter(action__in=[verb, "orders.order.void", "orders.order.close"]).latest("pk")
    one, other = told(changes_of(run.pk), order), told(ahead.rows, order)
    assert one == other, [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    new = Order.objects.get(pk=order.pk)
    if not change.whole:
        assert new.revision == 2
        assert f"{new.amount:,.2f}" in next(words for about, _, words in ahead.aspects if about == "金额")
        assert_sound_after(new)
        assert still <= set(Knowing.objects.filter(change=change).values_list("department", flat=True))


def assert_sound_after(order: Order) -> None:
    assert_sound(order)
    lines = list(OrderLine.objects.filter(order=order))
    gone = shipped_of([x.pk for x in lines])
    assert all(x.quantity >= gone.get(x.pk, D(0)) for x in lines), "no line below what is shipped"
    billed = sum(Invoicing.objects.filter(order=order).exclude(state="void").values_list("amount", flat=True))
    assert billed <= order.amount, "no order below what is invoiced"
    progress = Progress.objects.get(order=order)
    assert progress.invoiced == (min(int(1000 * billed / order.amount), 1000) / D(10) if order.amount else 0)
    for part in Part.objects.filter(order=order):
        assert part.seen_revision <= order.revision


STEP = st.tuples(st.sampled_from(["change", "change", "ship", "invoice", "void", "know", "finish"]), LINE)


@QUIET
@given(st.lists(STEP, min_size=3, max_size=8))
def test_changes_shipments_and_invoices_in_any_order_leave_the_order_sound(steps):
    order = fresh_order()
    perform(parts.hand_over, [order.pk], by=SYSTEM)
    position = factories.position("仓储", changes_view="all", changes_answer="all")
    KNOWS["who"] = factories.person("冯师傅", position_=position).pk
    for verb, (which, what, number) in steps:
        lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
        DO[verb](order, lines[which % len(lines)], what, number)
        assert_sound_after(Order.objects.get(pk=order.pk))


KNOWS = {}


def change_it(order, line, what, number):
    row = {"order_line": line.pk, "quantity": str(number)}
    if what == "new":
        row = {"item_name": "加项", "quantity": str(number + 1), "price": "2"}
    given_ = {"order": order.pk, "said_by": "潘工", "reason": "x", "lines": [row]}
    for change in perform(changing.create, by=SYSTEM, rows=[given_]).done:
        perform(changing.pass_on, [change], by=SYSTEM)
        Assessment.objects.filter(change=change).update(state="answered")
        perform(changing.agree, [change], by=SYSTEM, params={"means": "contract", "proof": "KJ"})
        if perform(changing.apply, [change], by=SYSTEM).refused:
            perform(changing.withdraw, [change], by=SYSTEM, params={"reason": "做不了"})


def ship_it(order, line, what, number):
    given_ = {"order": order.pk, "lines": [{"order_line": line.pk, "quantity": str(number or 1)}]}
    perform(delivering.create, by=SYSTEM, rows=[given_])


def invoice_it(order, line, what, number):
    row = {"order": order.pk, "number": f"26{Invoicing.objects.count():018}", "amount": str(number + 1)}
    perform(booking.invoice, by=SYSTEM, rows=[row | {"issued_on": str(clock.today())}])


def void_it(order, line, what, number):
    invoices = list(Invoicing.objects.filter(order=order).values_list("pk", flat=True))
    if invoices:
        perform(booking.void_invoice, invoices[:1], by=SYSTEM, params={"reason": "x"})


def know_it(order, line, what, number):
    for one in Knowing.objects.filter(change__order=order, state="waiting")[:1]:
        Knowing.objects.filter(pk=one.pk).update(owner=KNOWS["who"])
        assert perform(departments.know, [one.pk], by=factories.actors_of(KNOWS["who"])).done


def finish_it(order, line, what, number):
    for part in Part.objects.filter(order=order)[:1]:
        stale = part.seen_revision < Order.objects.get(pk=order.pk).revision
        done = perform(parts.finish, [part.pk], by=SYSTEM).done
        assert not (stale and done), "nobody reports by an old version"


DO = {
    "change": change_it, "ship": ship_it, "invoice": invoice_it, "void": void_it, "know": know_it, "finish": finish_it,
}  # fmt: skip
