"""Random sequences of actions against a simple model: same states, owners, versions, events; true time travel."""

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from neiqin.kernel.actions import gate, seals
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform, perform_held, preview
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Contact, Customer
from tests import factories
from tests.effort import tries
from tests.faults.replay import assert_time_travel_is_true

CITIES = st.sampled_from(["苏州", "昆山", "太仓"])
SOME = st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True)


@dataclass
class Known:
    """What the model knows of a customer."""

    owner: int
    state: str = "active"
    city: str = ""
    version: int = 1
    events: int = 1


@dataclass
class Office:
    """The model: customers by id, and calls that can be repeated."""

    customers: dict[int, Known] = field(default_factory=dict)
    asked: list = field(default_factory=list)
    held: list = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """`people` and `hold` are set by the test."""

    people: tuple = ()
    hold = False

    def __init__(self):
        super().__init__()
        self.model = Office()
        self.numbered = Customer.objects.count()

    def some(self, picks):
        ids = list(self.model.customers)
        return list(dict.fromkeys(ids[p % len(ids)] for p in picks))

    def do(self, action, ids=(), *, who, key=False, **kw):
        name = f"k{len(self.model.asked)}-{self.numbered}-{min(self.model.customers, default=0)}" if key else None
        call = {"by": self.people[who], "key": name, **kw}
        outcome = perform(action, ids, **call)
        if key:
            self.model.asked.append((action, ids, call, outcome))
        return outcome

    def changed(self, ids):
        for i in ids:
            self.model.customers[i].version += 1
            self.model.customers[i].events += 1

    @rule(count=st.integers(1, 3), who=st.integers(0, 1), key=st.booleans())
    def create(self, count, who, key):
        outcome = self.do(actions.create, who=who, key=key, rows=[factories.customer_row() for _ in range(count)])
        assert (len(outcome.done), outcome.refused) == (count, {})
        self.model.customers |= {i: Known(self.people[who].id) for i in outcome.done}

    @precondition(lambda self: self.model.customers)
    @rule(picks=SOME, city=CITIES, who=st.integers(0, 1), key=st.booleans())
    def edit(self, picks, city, who, key):
        ids = self.some(picks)
        different = [i for i in ids if self.model.customers[i].city != city]
        outcome = self.do(actions.edit, ids, who=who, key=key, params={"city": city})
        assert sorted(outcome.done) == sorted(ids)
        self.changed(different)  # the others are as they should be already
        for i in ids:
            self.model.customers[i].city = city

    @precondition(lambda self: self.model.customers)
    @rule(picks=SOME, to=st.integers(0, 1), who=st.integers(0, 1), key=st.booleans())
    def hand_over(self, picks, to, who, key):
        ids, new = self.some(picks), self.people[to].id
        theirs = [i for i in ids if self.model.customers[i].owner != new]
        outcome = self.do(actions.hand_over, ids, who=who, key=key, params={"to": new})
        assert sorted(outcome.done) == sorted(theirs)
        assert set(outcome.refused) == set(ids) - set(theirs)
        self.changed(theirs)
        for i in theirs:
            self.model.customers[i].owner = new

    @precondition(lambda self: self.model.customers)
    @rule(picks=SOME, back=st.booleans(), who=st.integers(0, 1), key=st.booleans(), look=st.booleans())
    def deactivate_or_reactivate(self, picks, back, who, key, look):
        ids = self.some(picks)
        from_, to = ("inactive", "active") if back else ("active", "inactive")
        action, params = (actions.reactivate, {}) if back else (actions.deactivate, {"reason": "x"})
        fit = sorted(i for i in ids if self.model.customers[i].state == from_)
        if look:
            found = preview(action, ids, by=self.people[who], params=params)
            assert sorted(found.done) == fit
            assert {c.row for c in found.changes} == set(fit)
        outcome = self.do(action, ids, who=who, key=key, params=params)
        assert sorted(outcome.done) == fit
        assert {r.code for r in outcome.refused.values()} <= {"state"}
        self.changed(fit)
        for i in fit:
            self.model.customers[i].state = to

    @precondition(lambda self: self.model.customers)
    @rule(picks=SOME, to=st.integers(0, 1), who=st.integers(0, 1))
    def only_look(self, picks, to, who):
        preview(actions.hand_over, self.some(picks), by=self.people[who], params={"to": self.people[to].id})
        preview(actions.create, by=self.people[who], rows=[factories.customer_row()])

    @precondition(lambda self: self.model.customers)
    @rule(picks=SOME, to=st.integers(0, 1), who=st.integers(0, 1))
    def ask_for_what_is_held(self, picks, to, who):
        ids, new = self.some(picks), self.people[to].id
        type(self).hold = True
        outcome = self.do(actions.hand_over, ids, who=who, params={"to": new})
        type(self).hold = False
        assert outcome.held
        assert outcome.done == []
        self.model.held.append((outcome.held, new, {i: self.model.customers[i].version for i in ids}))
        for i in ids:
            self.model.customers[i].events += 1  # that it is held is told

    @precondition(lambda self: self.model.held)
    @rule(pick=st.integers(0, 5))
    def perform_what_was_held(self, pick):
        held, new, versions = self.model.held.pop(pick % len(self.model.held))
        known = self.model.customers
        fit = [i for i, v in versions.items() if known[i].version == v and known[i].owner != new]
        outcome = perform_held(held, actor_of=actor_of)
        assert sorted(outcome.done) == sorted(fit)
        assert {i for i, r in outcome.refused.items() if r.code == "stale"} == {
            i for i, v in versions.items() if known[i].version != v
        }
        again = perform_held(held, actor_of=actor_of)
        assert (again.repeated, again.done, again.refused) == (True, outcome.done, outcome.refused)
        self.changed(fit)
        for i in fit:
            known[i].owner = new

    @precondition(lambda self: self.model.asked)
    @rule(pick=st.integers(0, 20))
    def ask_again_with_the_same_key(self, pick):
        action, ids, call, first = self.model.asked[pick % len(self.model.asked)]
        again = perform(action, ids, **call)
        assert (again.repeated, again.run, again.done, again.refused) == (True, first.run, first.done, first.refused)

    @invariant()
    def the_database_is_as_the_model_says(self):
        ids = list(self.model.customers)
        found = Customer.objects.filter(pk__in=ids).values_list("pk", "owner_id", "state", "city", "version")
        expected = {i: (k.owner, k.state, k.city, k.version) for i, k in self.model.customers.items()}
        assert {pk: rest for pk, *rest in found} == {i: list(v) for i, v in expected.items()}
        assert Customer.objects.count() == self.numbered + len(ids)

    def teardown(self):
        for i, known in self.model.customers.items():
            assert Event.objects.filter(model="customers.customer", record_id=i).count() == known.events


@pytest.fixture
def machine(own_database):
    position = factories.rep_position("all")
    Machine.people = (factories.actor("周启明", position_=position), factories.actor("何雨桐", position_=position))
    away = gate.keep(lambda *_: gate.Word(gate.Hold("要经理同意")) if Machine.hold else None)
    yield Machine
    away()


def test_whatever_is_done_in_whatever_order_the_records_are_as_a_simple_model_says(machine):
    run_state_machine_as_test(
        machine,
        settings=tries(12, stateful_step_count=20),
    )  # fmt: skip
    assert Customer.objects.count() > 50
    numbers = sorted(Customer.objects.values_list("number", flat=True))
    assert numbers == [f"KH{i:06d}" for i in range(1, len(numbers) + 1)]
    assert_time_travel_is_true()
    for customer in Customer.objects.all():
        told = Event.objects.filter(record_id=customer.pk).exclude(name__endswith=".held").count()
        assert customer.version == told
    assert Contact.objects.count() == Customer.objects.count()
    runs = set(Run.objects.values_list("id", flat=True))
    assert set(Event.objects.values_list("run_id", flat=True)) <= runs
    assert set(Change.objects.values_list("run_id", flat=True)) <= runs
    assert seals.verify()["ok"]
