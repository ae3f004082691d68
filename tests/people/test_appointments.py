"""Transfers, second positions, helping, delegating: dates decide, and rights follow at once."""

import re
from datetime import timedelta

import pytest

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Change
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people import actions, appointments, helping
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Appointment, Delegation, Person, UnitPlace, WorksFor
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers.models import Customer
from tests import factories

TODAY = clock.today()


def days(number):
    return TODAY + timedelta(days=number)


def sees(person, record):
    """Does the person see the customer now?"""
    return Customer.objects.filter(Customer.visible_to(actor_of(person.pk)), pk=record.pk).exists()


def later(monkeypatch, number):
    """Time goes on by some days."""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=number))


def test_a_new_person_comes_with_a_first_appointment(office):
    row = {"name": "苏念慈", "staff_no": "HC9", "unit": office.east.pk, "position": office.rep.pk}
    made = Person.objects.get(pk=perform(actions.create_person, by=office.as_("hr"), rows=[row]).done[0])
    assert made.pinyin.startswith("su")
    assert list(made.appointments.values_list("unit_id", "position_id", "from_on", "until_on", "main")) == [
        (office.east.pk, office.rep.pk, TODAY, None, True)
    ]


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"staff_no": None}, "staff_no", "「工号」{taken} 已经用了，换一个。"),
        ({"unit": 10**9}, "unit", "「部门」不存在，重新选。"),
        ({"position": 10**9}, "position", "「岗位」不存在，重新选。"),
    ],
)
def test_a_new_person_with_a_taken_number_or_a_wrong_place_is_refused(office, change, field, text):
    row = {"name": "苏念慈", "staff_no": "HC9", "unit": office.east.pk, "position": office.rep.pk} | change
    row["staff_no"] = row["staff_no"] or office.zhou.staff_no
    count = Person.objects.count()
    refusal = perform(actions.create_person, by=office.as_("hr"), rows=[row]).refused[0]
    assert (refusal.field, refusal.text) == (field, text.format(taken=office.zhou.staff_no))
    assert Person.objects.count() == count


def test_a_transfer_today_moves_the_person_and_what_she_owns(office):
    record = factories.customer(office.as_("zhou"))
    assert sees(office.lu, record)
    sales, other = factories.unit("渠道部"), factories.customer(office.as_("he"))
    outcome = perform(
        appointments.transfer,
        [office.zhou.pk],
        by=office.as_("hr"),
        params={"unit": sales.pk, "position": office.rep.pk},
    )
    office.zhou.refresh_from_db()
    record.refresh_from_db()
    other.refresh_from_db()
    assert not outcome.refused
    assert (office.zhou.unit_id, record.unit_id, record.version, other.unit_id) == (
        sales.pk,
        sales.pk,
        1,
        office.south.pk,
    )
    spans = Appointment.objects.filter(person=office.zhou).order_by("id").values_list("unit_id", "until_on")
    assert list(spans) == [(office.east.pk, TODAY), (sales.pk, None)]
    assert not sees(office.lu, record)
    assert Change.objects.filter(run_id=outcome.run, tbl="customers_customer", row_id=record.pk).count() == 1


def test_a_transfer_for_a_later_day_comes_true_on_that_day_once(office, monkeypatch):
    record = factories.customer(office.as_("zhou"))
    perform(
        appointments.transfer,
        [office.zhou.pk],
        by=office.as_("hr"),
        params={"unit": office.south.pk, "position": office.rep.pk, "from_on": days(3)},
    )
    assert appointments.settle_appointments() == 0
    office.zhou.refresh_from_db()
    assert office.zhou.unit_id == office.east.pk
    later(monkeypatch, 3)
    assert appointments.settle_appointments() == 1
    assert appointments.settle_appointments() == 0
    office.zhou.refresh_from_db()
    record.refresh_from_db()
    assert (office.zhou.unit_id, record.unit_id) == (office.south.pk, office.south.pk)


def test_a_second_plan_replaces_the_first(office):
    for unit, day in ((office.south, 3), (office.top, 5)):
        perform(
            appointments.transfer,
            [office.zhou.pk],
            by=office.as_("hr"),
            params={"unit": unit.pk, "position": office.rep.pk, "from_on": days(day)},
        )
    spans = Appointment.objects.filter(person=office.zhou).order_by("id").values_list("unit_id", "from_on", "until_on")
    assert list(spans)[1:] == [(office.south.pk, days(3), days(5)), (office.top.pk, days(5), None)]


def test_a_transfer_into_the_past_or_to_the_same_place_is_refused(office):
    for params, field in (
        ({"from_on": days(-1), "unit": office.south.pk}, "from_on"),
        ({"unit": office.east.pk}, "unit"),
    ):
        outcome = perform(
            appointments.transfer, [office.zhou.pk], by=office.as_("hr"), params={"position": office.rep.pk} | params
        )
        assert outcome.refused[office.zhou.pk].field == field
    assert Appointment.objects.filter(person=office.zhou).count() == 1


def test_nobody_appoints_himself_or_gives_rights_he_may_not_give(office):
    for who, position in ((office.hr, office.rep), (office.zhou, office.root_position)):
        outcome = perform(
            appointments.transfer,
            [who.pk],
            by=office.as_("hr"),
            params={"unit": office.east.pk, "position": position.pk},
        )
        assert list(outcome.refused) == [who.pk]
    assert Appointment.objects.filter(person__in=[office.hr, office.zhou]).count() == 2
    done = perform(
        appointments.transfer,
        [office.zhou.pk],
        by=office.as_("root"),
        params={"unit": office.east.pk, "position": office.root_position.pk},
    )
    assert done.done == [office.zhou.pk]


def test_a_second_position_adds_its_rights_until_it_ends(office, monkeypatch):
    record = factories.customer(office.as_("he"))
    perform(
        appointments.appoint,
        [office.zhou.pk],
        by=office.as_("hr"),
        params={"unit": office.south.pk, "position": office.manager.pk, "until_on": days(2)},
    )
    assert sees(office.zhou, record)
    later(monkeypatch, 2)
    assert not sees(office.zhou, record)


def test_a_second_position_is_ended_today(office):
    record = factories.customer(office.as_("he"))
    params = {"unit": office.south.pk, "position": office.manager.pk}
    perform(appointments.appoint, [office.zhou.pk], by=office.as_("hr"), params=params)
    perform(appointments.dismiss, [office.zhou.pk], by=office.as_("hr"), params={"position": office.manager.pk})
    assert not sees(office.zhou, record)
    refused = perform(
        appointments.dismiss, [office.zhou.pk], by=office.as_("hr"), params={"position": office.manager.pk}
    )
    assert refused.refused[office.zhou.pk].text == "没有兼任这个岗位。"


def test_an_assistant_sees_and_creates_for_whom_she_works(office):
    record = factories.customer(office.as_("he"))
    assert not sees(office.zhou, record)
    perform(helping.assist, [office.zhou.pk], by=office.as_("hr"), params={"person": office.he.pk})
    assert sees(office.zhou, record)
    perform(helping.stop_assisting, [office.zhou.pk], by=office.as_("hr"), params={"person": office.he.pk})
    assert not sees(office.zhou, record)
    assert WorksFor.objects.count() == 0


def test_a_delegation_holds_only_within_its_days(office, monkeypatch):
    record = factories.customer(office.as_("he"))
    outcome = perform(
        helping.delegate_mine,
        [office.he.pk],
        by=office.as_("he"),
        params={"taker": office.zhou.pk, "what": "all", "from_on": days(1), "until_on": days(3), "reason": "休年假"},
    )
    assert not outcome.refused
    seen = []
    for _ in range(4):
        seen.append(sees(office.zhou, record))
        later(monkeypatch, 1)
    assert seen == [False, True, True, False]


def test_only_rights_one_has_are_delegated_and_only_ones_own(office):
    def problem(action, who, by, **params):
        given = {"taker": office.hr.pk, "what": "all", "until_on": days(3)} | params
        return perform(action, [who.pk], by=office.as_(by), params=given).refused[who.pk].text

    assert (
        problem(helping.delegate_mine, office.zhou, "zhou", what="people.rights")
        == "周启明自己没有这项权限，不能委托。"
    )
    assert problem(helping.delegate_mine, office.he, "zhou") == "只能委托自己的权限。"
    assert problem(helping.delegate_mine, office.zhou, "zhou", taker=office.zhou.pk) == "不能委托给自己，换一位。"
    assert problem(helping.delegate, office.lu, "hr") == "不能把别人的权限委托给自己。"
    assert (
        problem(helping.delegate, office.root, "hr", taker=office.zhou.pk)
        == "这个人能改权限，要由有「改权限」的人来办。"
    )
    assert problem(helping.delegate_mine, office.zhou, "zhou", until_on=TODAY) == "「到哪天止」要晚于「从哪天起」。"
    assert Delegation.objects.count() == 0


def test_one_module_can_be_delegated_and_recalled(office):
    perform(
        helping.delegate_mine,
        [office.lu.pk],
        by=office.as_("lu"),
        params={"taker": office.zhou.pk, "what": "customers.*", "until_on": days(9)},
    )
    assert Delegation.objects.get().permissions == ["customers.view", "customers.edit"]
    record = factories.customer(office.as_("he"))
    assert sees(office.zhou, record)
    perform(helping.recall_mine, [office.lu.pk], by=office.as_("lu"), params={"taker": office.zhou.pk})
    assert not sees(office.zhou, record)


def test_a_unit_moves_in_the_dated_tree_and_never_under_itself(office):
    actor = office.as_("hr")
    made = perform(
        actions.create_unit, by=actor, rows=[{"name": "苏南组", "code": "SN", "parent": office.east.pk}]
    ).done[0]
    UnitPlace.objects.filter(unit_id=made).update(from_on=days(-9))
    refused = perform(actions.edit_unit, [office.east.pk], by=actor, params={"parent": made})
    assert refused.refused[office.east.pk].field == "parent"
    perform(actions.edit_unit, [made], by=actor, params={"parent": office.south.pk})
    places = UnitPlace.objects.filter(unit_id=made).order_by("id").values_list("above_id", "from_on", "until_on")
    assert list(places) == [(office.east.pk, days(-9), TODAY), (office.south.pk, TODAY, None)]


def test_system_settles_everybody_in_one_go(office, monkeypatch):
    people = [office.zhou.pk, office.he.pk]
    perform(
        appointments.transfer,
        people,
        by=SYSTEM,
        params={"unit": office.top.pk, "position": office.rep.pk, "from_on": days(1)},
    )
    later(monkeypatch, 1)
    assert appointments.settle_appointments() == 2
    assert set(Person.objects.filter(pk__in=people).values_list("unit_id", flat=True)) == {office.top.pk}


def test_the_preview_of_a_transfer_tells_lines_from_the_person(office, client):
    factories.customer(office.as_("zhou"))
    factories.sign_in(client, office.hr)
    address = f"/people/person/{office.zhou.pk}/transfer/"
    page = client.post(f"{address}?preview=1", {"unit": office.south.pk, "position": office.rep.pk}).text
    changes = re.findall(r"<li>(.*?)</li>", re.sub(r"</?(span|b|s)[^>]*>", "", page))
    assert "任职 部门 华南组" in changes
    assert "部门 华东组 → 华南组" in changes
    assert not any("客户" in change for change in changes)
    office.zhou.refresh_from_db()
    assert office.zhou.unit_id == office.east.pk


def test_people_and_units_are_found_by_initials_and_full_pinyin(office, client):
    perform(actions.create_unit, by=office.as_("hr"), rows=[{"name": "苏南组", "code": "SN"}])
    factories.sign_in(client, office.hr)
    for typed in ("snz", "sunan", "苏南", "SN"):
        found = client.get("/people/unit/pick/", {"q": typed}).json()["items"]
        assert [item["label"] for item in found] == ["苏南组"], typed


def test_the_api_takes_less_for_an_edit_than_for_a_new_person(office, client):
    factories.api(client, office.hr)
    body = {"name": "苏念慈", "staff_no": "HC9", "unit": office.east.pk, "position": office.rep.pk}
    made = client.post("/api/v1/people", body, content_type="application/json")
    assert made.status_code == 201
    address = f"/api/v1/people/{made.json()['id']}"
    headers = {"HTTP_IF_MATCH": made["ETag"]}
    moved = client.patch(address, {"unit": office.south.pk}, content_type="application/json", **headers)
    assert moved.status_code == 422
    named = client.patch(address, {"name": "苏慈"}, content_type="application/json", **headers)
    assert (named.status_code, named.json()["name"]) == (200, "苏慈")
