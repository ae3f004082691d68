"""Random walks of asking, checking, changing and withdrawing: a held run is done at most once, never by its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.actions.models import Event, Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.checks import second
from neiqin.kernel.checks.models import Second
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers import actions
from tests import factories
from tests.effort import tries

LIMITS = st.integers(1_000_000, 1_000_003)
STEPS = st.tuples(st.sampled_from(["ask", "enter", "enter", "refuse", "withdraw", "edit"]), st.integers(0, 2), LIMITS)
NAMES = ("林知夏", "周敏", "沈磊")


class Walk:
    """A customer, three people, and what a simple model knows: who asked for what when, the limit, changes so far."""

    def __init__(self):
        unit, position = factories.unit(), factories.rep_position("unit")
        self.people = [factories.person(n, unit_=unit, position_=position).pk for n in NAMES]
        self.customer = factories.customer(actor_of(self.people[0]), credit_limit="1000000")
        self.asked: dict[int, tuple[int, int, int]] = {}
        self.limit, self.changed = 1_000_000, 0

    def edit(self, who, **changes):
        return perform(actions.edit, [self.customer.pk], by=actor_of(self.people[who]), params=changes)

    def step(self, verb, who, value):
        if verb == "ask":
            outcome = self.edit(who, credit_limit=str(value))
            assert bool(outcome.held) == (value != self.limit)
            if outcome.held:
                self.asked[Second.objects.latest("pk").pk] = (self.people[who], value, self.changed)
        elif verb == "edit":
            assert self.edit(who, city=f"昆山{self.changed}").done
            self.changed += 1
        elif self.asked:
            self.check(verb, who, value)

    def check(self, verb, who, value):
        one = Second.objects.get(pk=max(self.asked))
        first, wanted, version = self.asked[one.pk]
        if one.state != "open" or (self.people[who] == first) != (verb == "withdraw"):
            with pytest.raises(second.Closed):
                self.call(verb, one.pk, who, value)
            return
        typed = "different" if value != wanted else "failed" if version != self.changed else "done"
        expected = {"refuse": "refused", "withdraw": "withdrawn"}.get(verb, typed)
        assert self.call(verb, one.pk, who, value).state == expected
        if expected == "done":
            self.limit, self.changed = wanted, self.changed + 1

    def call(self, verb, number, who, value):
        by = actor_of(self.people[who])
        if verb == "enter":
            return second.enter(number, by, {"credit_limit": str(value)})
        return second.withdraw(number, by) if verb == "withdraw" else second.refuse(number, by, "没有批件")

    def assert_all_is_told(self):
        self.customer.refresh_from_db()
        assert self.customer.credit_limit == self.limit
        for one in Second.objects.filter(pk__in=self.asked):
            assert (one.state == "open") == (Held.objects.get(pk=one.held_id).closed_at is None)
            assert one.checker_id != one.person_id
        edited = Event.objects.filter(name="customers.customer.edited", record_id=self.customer.pk)
        assert edited.count() == self.changed


@pytest.mark.django_db
@tries(15)
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
def test_every_held_run_is_open_or_finished_done_exactly_once_and_never_by_its_own(steps):
    walk = Walk()
    for step in steps:
        walk.step(*step)
    walk.assert_all_is_told()
