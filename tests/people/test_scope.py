"""Who sees what, in random organisations: condition, list pages and the explanation in words agree for everybody."""

from datetime import date, timedelta

from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Appointment, Collaborator, Delegation, Person, WorksFor
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer as customers
from tests import factories
from tests.effort import tries

UNITS, POSITIONS, PEOPLE, RECORDS = 5, 5, 6, 7
DAYS = st.sampled_from([(-9, None), (-9, 1), (-9, 0), (0, None), (1, None), (0, 1)])
SCOPES = st.sampled_from(["", "own", "unit", "below", "all"])
person = st.integers(0, PEOPLE - 1)
unit = st.integers(0, UNITS - 1)
position = st.integers(0, POSITIONS - 1)

organisations = st.fixed_dictionaries(
    {
        "tree": st.tuples(*(st.integers(-1, n - 1) for n in range(UNITS))),
        "scopes": st.lists(SCOPES, min_size=POSITIONS, max_size=POSITIONS),
        "people": st.lists(st.tuples(unit, position), min_size=PEOPLE, max_size=PEOPLE),
        "left": st.sets(person, max_size=2),
        "more": st.lists(st.tuples(person, unit, position, DAYS), max_size=4),
        "helps": st.lists(st.tuples(person, person, DAYS), max_size=4),
        "delegations": st.lists(
            st.tuples(person, person, DAYS, st.sampled_from([[], ["customers.view"], ["customers.edit"]])), max_size=4
        ),
        "shared": st.sets(st.tuples(person, st.integers(0, RECORDS - 1)), max_size=4),
        "owners": st.lists(person, min_size=RECORDS, max_size=RECORDS),
    }
)


def build(plan):
    """The organisation of a plan: people and records."""
    today = clock.today()

    def days(span):
        return {
            "from_on": today + timedelta(days=span[0]),
            "until_on": None if span[1] is None else today + timedelta(days=span[1]),
        }

    units = []
    for above in plan["tree"]:
        units.append(factories.unit("组", units[above] if above >= 0 else None))
    positions = [factories.position("岗", **({"customers_view": s} if s else {})) for s in plan["scopes"]]
    people = [
        factories.person(f"人{n}", unit_=units[u], position_=positions[p]) for n, (u, p) in enumerate(plan["people"])
    ]
    for who, u, p, span in plan["more"]:
        if span[1] is None or span[1] > span[0]:
            Appointment.objects.create(
                person=people[who], unit=units[u], position=positions[p], main=False, **days(span)
            )
    _hand_over(plan, people, days)
    records = _records(plan, people)
    Person.objects.filter(pk__in=[people[n].pk for n in plan["left"]]).update(left_on=today)
    return [p for n, p in enumerate(people) if n not in plan["left"]], records


def _hand_over(plan, people, days):
    for who, boss, span in plan["helps"]:
        if who != boss:
            WorksFor.objects.create(assistant=people[who], person=people[boss], **days(span))
    for giver, taker, span, permissions in plan["delegations"]:
        if giver != taker:
            spanned = days(span) | {"until_on": days(span)["until_on"] or date(2199, 1, 1)}
            Delegation.objects.create(giver=people[giver], taker=people[taker], permissions=permissions, **spanned)


def _records(plan, people):
    stamps = factories.stamps()
    records = Customer.objects.bulk_create(
        Customer(name=f"客户{n}", owner=people[o], unit=people[o].unit, **stamps) for n, o in enumerate(plan["owners"])
    )
    for who, n in plan["shared"]:
        Collaborator.objects.create(model="customers.customer", record_id=records[n].pk, person=people[who])
    return records


@tries(15)
@given(plan=organisations)
def test_condition_pages_and_explanation_agree_for_everybody(db, plan):
    with transaction.atomic():
        people, records = build(plan)
        ids = [r.pk for r in records]
        explained = {r.pk: {p for p, _, reasons in Customer.objects.get(pk=r.pk).explain() if reasons} for r in records}
        for someone in people:
            actor = actor_of(someone.pk)
            visible = set(Customer.objects.filter(Customer.visible_to(actor), pk__in=ids).values_list("pk", flat=True))
            told = {pk for pk, seers in explained.items() if someone.pk in seers}
            paged = (
                set(Listing(customers, actor, Query()).page([]).ids) & set(ids)
                if actor.may("customers.view")
                else set()
            )
            assert (paged, told) == (visible, visible), someone.name
        here = {p.pk for p in people}
        assert all(seers <= here for seers in explained.values())
        transaction.set_rollback(True)


def test_the_explanation_names_owner_helper_manager_and_delegate(office):
    factories.works_for(assistant := factories.person("林知夏", unit_=office.top, position_=office.rep), office.zhou)
    stand_in = factories.person("孟庆阳", unit_=office.south, position_=factories.position("闲职"))
    today = clock.today()
    factories.delegation(office.lu, stand_in, today, today + timedelta(days=3))
    record = factories.customer(actor_of(office.zhou.pk))
    assert [(name, reasons) for _, name, reasons in record.explain()] == [
        ("周启明", ["是负责人"]),
        ("孟庆阳", [f"陆建国委托代办，{today + timedelta(days=3):%m-%d} 止"]),
        ("林知夏", ["协助负责人周启明"]),
        ("陆建国", ["岗位「销售经理」的角色「销售经理」能看本部门及下级，这条记录在「华东组」"]),
    ]
    assert assistant.pk in {p for p, _, _ in record.explain()}
