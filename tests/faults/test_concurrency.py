"""People at the same records in the same moment: no deadlock is seen, nothing is lost, done twice or numbered twice."""

from functools import partial

import pytest
from django.db import connection

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.effects import EFFECTS
from neiqin.kernel.actions.models import Event, Request, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import RefuseLate
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Contact, Customer
from tests import factories
from tests.exchange.test_at_once import uscc
from tests.faults.replay import assert_time_travel_is_true
from tests.faults.threads import at_once

CREATED, DEACTIVATED, EDITED = (f"customers.customer.{name}" for name in ("created", "deactivated", "edited"))


@pytest.fixture
def office(own_database):
    """Two clerks who may do everything with all customers."""
    position = factories.rep_position("all")
    return factories.actor("周启明", position_=position), factories.actor("何雨桐", position_=position)


@pytest.fixture
def effect():
    """effect(event, function): for this test only."""
    set_ = []

    def on(event, function):
        EFFECTS[event] = [function]
        set_.append(event)

    yield on
    for event in set_:
        del EFFECTS[event]


def made(by, count):
    return perform(actions.create, by=by, rows=[factories.customer_row() for _ in range(count)]).done


def whole():
    """What must hold whatever happened."""
    assert_time_travel_is_true()
    for customer in Customer.objects.all():
        changed = Event.objects.filter(record_id=customer.pk).exclude(name=CREATED).count()
        assert customer.version == 1 + changed
        assert Contact.objects.filter(customer=customer).exists()
    numbers = sorted(Customer.objects.values_list("number", flat=True))
    assert numbers == [f"KH{i:06d}" for i in range(1, len(numbers) + 1)]
    assert seals.verify()["ok"]


def test_two_bulk_runs_over_the_same_records_in_opposite_order(office):
    ann, bob = office
    ids = made(ann, 200)
    for number in range(30):
        one, two = at_once(
            lambda n=number: perform(actions.edit, ids, by=ann, params={"city": f"a{n}"}),
            lambda n=number: perform(actions.edit, ids[::-1], by=bob, params={"industry": f"b{n}"}),
        )
        assert (sorted(one.done), sorted(two.done), one.refused, two.refused) == (ids, ids, {}, {})
    runs = Run.objects.filter(action="customers.customer.edit").values_list("id", flat=True)
    assert len(runs) == 60
    for run in runs:
        assert sorted(Event.objects.filter(run_id=run).values_list("record_id", flat=True)) == ids
    assert set(Customer.objects.values_list("city", "industry", "version")) == {("a29", "b29", 61)}
    whole()


def test_a_deadlock_that_effects_bring_about_is_tried_again_and_reaches_nobody(office, effect):
    ann, bob = office
    one, two = made(ann, 2)
    other = {one: two, two: one}
    tries = []

    def cross(happened):
        tries.append(happened.ids)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.1)")
            cursor.execute(
                "UPDATE customers_customer SET remark = remark || 'x' WHERE id = %s", [other[happened.ids[0]]]
            )

    effect(DEACTIVATED, cross)
    for _ in range(3):
        found = at_once(
            lambda: perform(actions.deactivate, [one], by=ann, params={"reason": "x"}),
            lambda: perform(actions.deactivate, [two], by=bob, params={"reason": "x"}),
        )
        assert [f.done for f in found] == [[one], [two]]
        perform(actions.reactivate, [one, two], by=ann)
    assert len(tries) > 6  # it did deadlock
    assert set(Customer.objects.values_list("remark", flat=True)) == {"xxx"}
    assert Event.objects.filter(name=DEACTIVATED).count() == 6
    whole()


def test_two_clerks_edit_different_fields_of_one_customer_at_once_and_both_are_kept(office):
    ann, bob = office
    for _ in range(10):
        (one,) = made(ann, 1)
        found = at_once(
            lambda i=one: perform(actions.edit, [i], by=ann, params={"city": "昆山"}, versions={i: 1}),
            lambda i=one: perform(actions.edit, [i], by=bob, params={"industry": "水泵"}, versions={i: 1}),
        )
        assert [f.done for f in found] == [[one], [one]]
        customer = Customer.objects.get(pk=one)
        assert (customer.city, customer.industry, customer.version) == ("昆山", "水泵", 3)
    whole()


def test_two_clerks_edit_the_same_field_at_once_and_the_second_is_asked(office):
    ann, bob = office
    for _ in range(10):
        (one,) = made(ann, 1)
        found = at_once(
            lambda i=one: perform(actions.edit, [i], by=ann, params={"city": "昆山"}, versions={i: 1}),
            lambda i=one: perform(actions.edit, [i], by=bob, params={"city": "太仓"}, versions={i: 1}),
        )
        winner = 0 if found[0].done else 1
        cities = ["昆山", "太仓"]
        assert (found[winner].done, found[1 - winner].done) == ([one], [])
        assert found[1 - winner].refused[one].code == "conflict"
        assert found[1 - winner].refused[one].data == [
            {"name": "city", "label": "城市", "base": "", "theirs": cities[winner], "mine": cities[1 - winner]}
        ]
        customer = Customer.objects.get(pk=one)
        assert (customer.city, customer.version) == (cities[winner], 2)
    whole()


def test_the_same_field_asks_also_when_the_other_edit_was_of_thousands(office):
    ann, bob = office
    common = {"owner_id": ann.id, "unit_id": ann.unit_id} | factories.stamps()
    many = Customer.objects.bulk_create(Customer(name=f"无锡{n}泵业", **common) for n in range(6000))
    ids = [c.pk for c in many]
    assert len(perform(actions.edit, ids, by=ann, params={"city": "昆山"}).done) == 6000
    for one in (ids[0], ids[-1]):
        asked = perform(actions.edit, [one], by=bob, params={"city": "太仓"}, versions={one: 1})
        assert asked.refused[one].code == "conflict"
        merged = perform(actions.edit, [one], by=bob, params={"industry": "水泵"}, versions={one: 1})
        assert merged.done == [one]
    assert set(Customer.objects.values_list("city", flat=True)) == {"昆山"}


@pytest.mark.parametrize("refused", [False, True])
def test_the_same_request_from_eight_threads_has_one_effect_and_eight_equal_answers(office, effect, refused):
    ann, _ = office

    def refuse(happened):
        raise RefuseLate(dict.fromkeys(happened.ids, "这家在黑名单上。"))

    if refused:
        effect(CREATED, refuse)
    for number in range(8):
        row = [factories.customer_row()]
        found = at_once(
            *[lambda r=row, n=number: perform(actions.create, by=ann, rows=r, key=f"k{n}") for _ in range(8)]
        )
        assert [f.repeated for f in found].count(False) == 1
        assert len({(f.run, *f.done) for f in found}) == 1
        assert all(f.refused == found[0].refused for f in found)
        assert len(found[0].done) == (0 if refused else 1)
    assert Customer.objects.count() == (0 if refused else 8)
    assert Request.objects.count() == Run.objects.filter(action="customers.customer.create").count() == 8
    whole()


def test_eight_threads_create_customers_and_no_number_is_missing_or_given_twice(office, effect):
    ann, _ = office

    def refuse(happened):
        bad = Customer.objects.filter(pk__in=happened.ids, city="黑").values_list("pk", flat=True)
        if bad:
            raise RefuseLate(dict.fromkeys(bad, "这家在黑名单上。"))

    effect(CREATED, refuse)

    def create_ten():
        return [
            perform(actions.create, by=ann, rows=[
                factories.customer_row(city="黑" if (n + p) % 4 == 0 else "") for p in range(2)])
            for n in range(10)
        ]  # fmt: skip

    found = [outcome for outcomes in at_once(*[create_ten] * 8) for outcome in outcomes]
    assert sum(len(f.done) for f in found) == Customer.objects.count() == 120
    assert {r.text for f in found for r in f.refused.values()} == {"这家在黑名单上。"}
    assert {p for f in found for p in f.refused} == {0, 1}
    whole()


def test_an_effect_that_always_refuses_a_record_it_was_not_given_is_an_error_not_a_loop(office, effect):
    ann, _ = office

    def broken(happened):
        raise RefuseLate({10**9: "x"})

    effect(CREATED, broken)
    effect(DEACTIVATED, broken)
    with pytest.raises(RefuseLate):
        made(ann, 1)
    assert Customer.objects.count() == 0
    del EFFECTS[CREATED][:]
    ids = made(ann, 1)
    with pytest.raises(RefuseLate):
        perform(actions.deactivate, ids, by=ann, params={"reason": "x"})


def test_a_shared_limit_holds_however_many_use_it_up_at_once(office, effect):
    ann, bob = office
    ids = made(ann, 20)
    limit = 7

    def at_most(happened):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM people_unit WHERE id = %s FOR UPDATE", [ann.unit_id])
        used = Customer.objects.filter(state="inactive").exclude(pk__in=happened.ids).count()
        if over := happened.ids[max(0, limit - used) :]:
            raise RefuseLate(dict.fromkeys(over, "停用名额用完了。"))

    effect(DEACTIVATED, at_most)
    found = at_once(
        *[
            lambda part=ids[n::4], by=by: perform(actions.deactivate, part, by=by, params={"reason": "x"})
            for n, by in enumerate((ann, bob, ann, bob))
        ]
    )
    assert sum(len(f.done) for f in found) == Customer.objects.filter(state="inactive").count() == limit
    assert sum(len(f.refused) for f in found) == 13
    assert {r.text for f in found for r in f.refused.values()} == {"停用名额用完了。"}
    assert Event.objects.filter(name=DEACTIVATED).count() == limit
    whole()


def test_hand_over_and_edit_of_the_same_records_by_four_people_at_once(office):
    ann, bob = office
    ids = made(ann, 30)
    works = [
        lambda: perform(actions.hand_over, ids, by=ann, params={"to": bob.id}),
        lambda: perform(actions.hand_over, ids[::-1], by=bob, params={"to": ann.id}),
        lambda: perform(actions.edit, ids[10:] + ids[:10], by=ann, params={"city": "昆山"}),
        lambda: perform(actions.deactivate, ids[::2] + ids[1::2], by=bob, params={"reason": "x"}),
    ]
    for _ in range(10):
        at_once(*works)
        perform(actions.reactivate, ids, by=ann)
        perform(actions.edit, ids, by=ann, params={"city": ""})
    assert Event.objects.filter(name=EDITED).count() == 600
    whole()


def test_two_people_with_the_same_registry_code_get_one_file_and_one_sentence(office):
    for code in (uscc(n) for n in range(5)):
        rows = [factories.customer_row(uscc=code)]
        said = at_once(*(partial(perform, actions.create, by=clerk, rows=rows) for clerk in office))
        assert sorted(len(outcome.done) for outcome in said) == [0, 1]
        (refusal,) = [r for outcome in said for r in outcome.refused.values()]
        assert refusal.field == "uscc"
        assert Customer.objects.filter(uscc=code).count() == 1
