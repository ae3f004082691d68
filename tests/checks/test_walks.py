"""Random walks of asking, checking, changing and withdrawing: a held run is performed at most once, never by its own."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neiqin.kernel.actions.models import Event, Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.checks import second
from neiqin.kernel.checks.models import Second
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer
from tests import factories

LIMITS = st.integers(1_000_000, 1_000_003)
STEPS = st.tuples(st.sampled_from(["ask", "enter", "enter", "refuse", "withdraw", "edit"]), st.integers(0, 2), LIMITS)


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)  # fmt: skip
@given(walk=st.lists(STEPS, min_size=5, max_size=25))
def test_every_held_run_is_open_or_finished_done_exactly_once_and_never_by_its_own(walk):
    unit, position = factories.unit(), factories.rep_position("unit")
    people = [factories.person(n, unit_=unit, position_=position).pk for n in ("林知夏", "周敏", "沈磊")]
    customer = factories.customer(actor_of(people[0]), credit_limit="1000000")
    edits = Event.objects.filter(name="customers.customer.edited", record_id=customer.pk)
    own, asked, limit, moved = 0, {}, 1_000_000, 0
    for verb, who, value in walk:
        by = actor_of(people[who])
        newest = Second.objects.filter(pk__in=asked).order_by("-pk").first()
        if verb == "ask":
            outcome = perform(actions.edit, [customer.pk], by=by, params={"credit_limit": str(value)})
            if outcome.held:
                asked[Second.objects.latest("pk").pk] = (people[who], value, moved)
            continue
        if verb == "edit":
            before = edits.count()
            perform(actions.edit, [customer.pk], by=by, params={"city": f"昆山{moved}"})
            moved, own = moved + 1, own + edits.count() - before
            continue
        if newest is None:
            continue
        first, wanted, version = asked[newest.pk]
        call = {
            "enter": lambda n=newest, b=by, v=value: second.enter(n.pk, b, {"credit_limit": str(v)}),
            "refuse": lambda n=newest, b=by: second.refuse(n.pk, b, "没有批件"),
            "withdraw": lambda n=newest, b=by: second.withdraw(n.pk, b),
        }[verb]
        allowed = newest.state == "open" and (people[who] == first) == (verb == "withdraw")
        if not allowed:
            with pytest.raises(second.Closed):
                call()
            continue
        state = call().state
        expected = {"refuse": "refused", "withdraw": "withdrawn"}.get(verb) or (
            "different" if value != wanted else "failed" if version != moved else "done"
        )
        assert state == expected
        if state == "done":
            moved, own, limit = moved + (wanted != limit), own + (wanted != limit), wanted
        customer.refresh_from_db()
        assert customer.credit_limit == limit
    for one in Second.objects.filter(pk__in=asked):
        assert (one.state == "open") == (Held.objects.get(pk=one.held_id).closed_at is None)
        assert one.checker_id != one.person_id
    assert edits.count() == own
