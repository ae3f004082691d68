"""Random walks over quotes, one after the other and several people at once: never more in orders than was quoted, one
version that holds, no number twice."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.quotes import actions, drafting, pushing
from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine
from tests import factories
from tests.effort import tries
from tests.faults.threads import at_once

STEPS = st.tuples(
    st.sampled_from([
        "send", "send", "accept", "accept", "push", "push", "push", "void_order", "refuse", "renew", "renew", "void",
        "end", "edit",
    ]),
    st.integers(0, 2), st.integers(1, 8),
)  # fmt: skip
PARAMS = {"accept": {"how": "call", "proof": "x"}, "refuse": {"reason": "x"}, "void": {"reason": "x"}, "send": {}}
LINES = (
    {"item_name": "轴承", "quantity": "10", "price": "19.99"},
    {"item_name": "油封", "quantity": "4", "price": "2.35"},
)


def assert_sound() -> None:
    for quote in Quote.objects.all():
        gone, lines = pushing.taken([quote.pk]), list(QuoteLine.objects.filter(quote=quote))
        assert quote.amount == sum(x.gross for x in lines) == sum(x.net + x.tax for x in lines)
        for line in lines:
            assert D(0) <= gone.get(line.pk, D(0)) <= line.quantity, "never more in orders than was quoted"
        came = Pushed.objects.filter(quote=quote).exclude(order__state="void")
        if came.exists():
            assert quote.state == "accepted", "what came of a quote keeps it as it is"
            whole = sum(OrderLine.objects.filter(pk__in=came.values("order_line")).values_list("gross", flat=True))
            assert whole <= quote.amount + D("0.05")
    for head in Quote.objects.filter(first=None):
        versions = list(actions.versions_of([head.pk]).order_by("edition"))
        assert [q.edition for q in versions] == list(range(1, len(versions) + 1))
        assert sum(q.state in ("sent", "accepted", "refused") for q in versions) <= 1, "one version is the last word"
        assert sum(q.state == "draft" for q in versions) <= 1
        assert [q.number for q in versions[1:]] == [f"{head.number}-V{q.edition}" for q in versions[1:]]


def step(verb: str, which: int, quantity: int) -> None:
    quotes = list(Quote.objects.order_by("-pk"))
    quote = quotes[which % len(quotes)]
    if verb == "push":
        line = QuoteLine.objects.filter(quote=quote).order_by("pk")[which % 2]
        params = {"lines": [{"quote_line": line.pk, "quantity": str(quantity)}]} if quantity < 8 else {}
        outcome = perform(pushing.push_down, [quote.pk], by=SYSTEM, params=params)
        assert not (outcome.done and quote.over), "nothing is pushed down after the last day"
    elif verb == "void_order":
        for order in Order.objects.exclude(state="void").order_by("pk")[:1]:
            perform(orders.void, [order.pk], by=SYSTEM, params={"reason": "x"})
    elif verb == "renew":
        perform(drafting.renew, [quote.pk], by=SYSTEM)
    elif verb == "end":
        day = clock.today() - timedelta(days=1 if quantity % 2 else -5)
        Quote.objects.filter(pk=quote.pk).update(valid_until=day, doc_date=day)
    elif verb == "edit":
        line = QuoteLine.objects.filter(quote=quote).order_by("pk")[0]
        changed = {"lines": [{"id": line.pk, "quantity": str(quantity)}], "order_discount": str(quantity)}
        perform(actions.edit, [quote.pk], by=SYSTEM, params=changed)
    else:
        outcome = perform(getattr(actions, verb), [quote.pk], by=SYSTEM, params=PARAMS[verb])
        assert not (verb == "accept" and outcome.done and quote.over), "nothing is accepted after the last day"


@pytest.mark.django_db
@tries(8)
@given(steps=st.lists(STEPS, min_size=6, max_size=25))
def test_whatever_happens_to_a_quote_it_stays_sound(steps):
    factories.quote(None, *LINES, order_discount="3.33")
    for one in [("send", 0, 1), ("accept", 0, 1), *steps]:
        step(*one)
        assert_sound()
    assert set(Counter(Quote.objects.values_list("number", flat=True)).values()) == {1}


def test_eight_who_push_the_same_quote_down_at_once_never_order_more_than_was_quoted(own_database):
    quote = factories.accepted(factories.quote(None, *LINES))
    at_once(*[lambda n=n: [step("push", which, n) for which in (0, 1)] for n in (3, 4, 5, 2, 3, 8, 1, 2)])
    assert_sound()
    lines = {x.pk: x.quantity for x in QuoteLine.objects.filter(quote=quote)}
    assert pushing.taken([quote.pk]) == lines, "the one who asked for all that remains got it, or others had it"
    assert set(Counter(Order.objects.values_list("number", flat=True)).values()) == {1}


def test_of_two_who_push_all_of_it_down_at_once_one_gets_it(own_database):
    quote = factories.accepted(factories.quote())
    outcomes = at_once(*[lambda: perform(pushing.push_down, [quote.pk], by=SYSTEM, params={})] * 2)
    assert sorted(len(o.done) for o in outcomes) == [0, 1]
    assert Order.objects.count() == 1
    assert_sound()


def test_of_a_new_version_and_an_acceptance_at_once_one_counts(own_database):
    for _ in range(4):
        quote = factories.quote()
        perform(actions.send, [quote.pk], by=SYSTEM)
        perform(drafting.renew, [quote.pk], by=SYSTEM)
        newer = Quote.objects.latest("pk")
        at_once(
            lambda q=quote: perform(actions.accept, [q.pk], by=SYSTEM, params=PARAMS["accept"]),
            lambda q=newer: perform(actions.send, [q.pk], by=SYSTEM),
        )
        states = (Quote.objects.get(pk=quote.pk).state, Quote.objects.get(pk=newer.pk).state)
        assert states in (("accepted", "draft"), ("replaced", "sent"))


def test_of_several_who_begin_a_new_version_at_once_one_does(own_database):
    quote = factories.quote()
    perform(actions.send, [quote.pk], by=SYSTEM)
    at_once(*[lambda: perform(drafting.renew, [quote.pk], by=SYSTEM)] * 6)
    assert list(Quote.objects.order_by("edition").values_list("edition", flat=True)) == [1, 2]
    assert_sound()
