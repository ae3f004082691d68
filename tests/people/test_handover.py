"""Hand-over packages: what one has goes to others, each record through its own action; and comes back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people import leaving
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.handover import actions, moving, sharing
from neiqin.kernel.people.handover.models import Item, Package, Signature
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers.actions import hand_over
from neiqin.modules.customers.models import Customer, FollowUp
from tests import factories
from tests.effort import tries
from tests.stranger.models import Sample

LEADER = {f"customers_{r}": "below" for r in ("view", "hand_over")} | {
    "handover_view": "below",
    "handover_create": "below",
}


@pytest.fixture
def lead(office):
    """The manager over both teams, who may hand over."""
    return actor_of(factories.person("陆经理", unit_=office.top, position_=factories.position(
        "经理", people_view="all", stranger_view="below", stranger_edit="below", **LEADER)).pk)  # fmt: skip


def customers(office, count, **values):
    return [factories.customer(office.as_("zhou"), **values).pk for _ in range(count)]


def carry_out(package, by):
    outcome = perform(actions.hand, [package.pk], by=by)
    assert not outcome.refused, outcome.refused
    drain()
    package.refresh_from_db()
    return package


def owners(ids):
    return dict(Customer.objects.filter(pk__in=ids).values_list("pk", "owner_id"))


def counts(package):
    return sorted(package.items.values_list("kind", "state", "taker_id", "reason"))


def test_what_he_has_goes_to_two_in_turn_with_its_follow_ups(office, lead):
    ids = customers(office, 4)
    call = factories.followup(Customer.objects.get(pk=ids[0]))
    other = factories.customer(office.as_("he")).pk
    package = carry_out(factories.package(office.zhou, office.he, office.lu), lead)
    assert package.state == "handed"
    assert owners(ids) == {ids[0]: office.he.pk, ids[1]: office.lu.pk, ids[2]: office.he.pk, ids[3]: office.lu.pk}
    assert owners([other]) == {other: office.he.pk}
    assert FollowUp.objects.get(pk=call.pk).owner_id == office.he.pk
    handed = Event.objects.filter(name="customers.customer.handed_over", record_id__in=ids)
    assert {e.data["note"] for e in handed} == {f"交接 {package.number}"}
    assert Event.objects.get(name="handover.package.handed", record_id=package.pk).data["note"] == "交出 4 条"


def test_who_takes_an_area_or_a_kind_gets_it_and_the_rest_goes_to_the_others(office, lead):
    jiangsu, zhejiang = customers(office, 2, province="江苏省", city="无锡市"), customers(office, 1, province="浙江省")
    lent = Sample.objects.create(name="样品轴承", owner=office.zhou, unit=office.east, **factories.stamps())
    takers = [
        {"person": office.he.pk, "part": "无锡"},
        {"person": office.lu.pk},
        {"person": office.hr.pk, "kind": "stranger.sample"},
    ]
    carry_out(factories.package(office.zhou, takers=takers), lead)
    assert owners(jiangsu) == dict.fromkeys(jiangsu, office.he.pk)
    assert owners(zhejiang) == dict.fromkeys(zhejiang, office.lu.pk)
    lent.refresh_from_db()
    assert lent.owner_id == office.hr.pk


def test_a_kind_nobody_takes_stays(office, lead):
    ids = customers(office, 2)
    package = carry_out(
        factories.package(office.zhou, takers=[{"person": office.he.pk, "kind": "stranger.sample"}]), lead
    )
    assert owners(ids) == dict.fromkeys(ids, office.zhou.pk)
    assert (package.state, counts(package)) == ("handed", [])


def test_what_is_refused_stays_with_its_reason_and_is_tried_again(office, lead):
    ids = customers(office, 2)
    Customer.objects.filter(pk=ids[0]).update(level="key")
    package = carry_out(factories.package(office.zhou, office.he), lead)
    text = "重点客户由销售经理或总监负责，何雨桐是销售代表，换一位接手人。"
    assert package.state == "partly"
    assert owners(ids) == {ids[0]: office.zhou.pk, ids[1]: office.he.pk}
    assert counts(package) == [
        ("customers.customer", "given", office.he.pk, ""),
        ("customers.customer", "refused", office.he.pk, text),
    ]
    Customer.objects.filter(pk=ids[0]).update(level="ordinary")
    assert carry_out(package, lead).state == "handed"
    assert owners(ids) == dict.fromkeys(ids, office.he.pk)
    assert package.items.count() == 2


def test_the_rights_of_who_says_so_hold_for_each_record(office):
    """Who may make packages everywhere but hand customers over only in the south moves nothing of the east."""
    ids = customers(office, 2)
    position = factories.position(
        "经理", people_view="all", handover_view="all", handover_create="all", customers_view="all",
        customers_hand_over="own",
    )  # fmt: skip
    by = actor_of(factories.person("外组经理", unit_=office.south, position_=position).pk)
    package = carry_out(factories.package(office.zhou, office.he), by)
    assert owners(ids) == dict.fromkeys(ids, office.zhou.pk)
    assert {reason for *_, reason in counts(package)} == {"你可以看这条记录，但没有「移交」它的权限。"}


def test_who_may_hand_nothing_over_cannot_start_and_a_stranger_s_package_is_not_made(office):
    package = factories.package(office.zhou, office.he)
    hr = actor_of(factories.person("人事", unit_=office.top, position_=factories.position(
        "人事", people_view="all", handover_view="all", handover_create="all")).pk)  # fmt: skip
    assert perform(actions.hand, [package.pk], by=hr).refused[package.pk].text.startswith("你没有移交记录的权限")
    own = factories.position("代表", people_view="all", handover_view="own", handover_create="own")
    rep = actor_of(factories.person("小代表", unit_=office.south, position_=own).pk)
    row = {"owner": office.zhou.pk, "reason": "休假", "takers": [{"person": office.he.pk}]}
    assert perform(actions.create, by=rep, rows=[row]).refused[0].text == "你不能替周启明办交接，由他的上级来办。"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"takers": [{"person": "zhou"}]}, "接手人不能是交出人，换一位。"),
        ({"return_on": "2020-01-01"}, "「归还日期」要晚于今天。"),
    ],
)
def test_a_package_that_makes_no_sense_is_refused(office, lead, values, text):
    takers = [{"person": getattr(office, str(t["person"]), None).pk} for t in values.pop("takers", [{"person": "he"}])]
    row = {"owner": office.zhou.pk, "reason": "休假", "takers": takers} | values
    assert perform(actions.create, by=lead, rows=[row]).refused[0].text == text


def test_it_comes_back_on_the_day_but_not_what_was_handed_on(office, lead, monkeypatch):
    ids = customers(office, 4)
    day = clock.today() + timedelta(days=7)
    package = carry_out(factories.package(office.zhou, office.he, return_on=day), lead)
    perform(hand_over, [ids[1]], by=SYSTEM, params={"to": office.lu.pk})
    for to in (office.lu, office.he):  # away and back again: handed on all the same
        perform(hand_over, [ids[2]], by=SYSTEM, params={"to": to.pk})
    moving.due_back()
    assert Package.objects.get(pk=package.pk).state == "handed"
    monkeypatch.setattr(clock, "today", lambda: day)
    assert moving.due_back() == 1
    drain()
    assert moving.due_back() == 0
    package.refresh_from_db()
    assert package.state == "returned"
    assert owners(ids) == {ids[0]: office.zhou.pk, ids[1]: office.lu.pk, ids[2]: office.he.pk, ids[3]: office.zhou.pk}
    kept = package.items.filter(state="kept").order_by("record_id")
    assert [(i.record_id, i.reason) for i in kept] == [
        (i, "交接以后又换过负责人，留在现在的负责人那里。") for i in ids[1:3]
    ]
    assert Event.objects.get(name="handover.package.returned").data["note"] == "归还 2 条，没有归还 2 条"


def test_what_nobody_can_take_back_is_told(office, lead):
    ids = customers(office, 1)
    package = carry_out(factories.package(office.zhou, office.he), lead)
    perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"))
    perform(actions.give_back, [package.pk], by=lead)
    drain()
    assert owners(ids) == {ids[0]: office.he.pk}
    assert package.items.get().reason == "接手人不存在或已离职，换一位。"


def test_a_killed_job_goes_on_and_takes_nothing_that_has_gone_elsewhere(office, lead, monkeypatch):
    ids = customers(office, 5)
    package = factories.package(office.zhou, office.he)
    monkeypatch.setattr(moving, "CHUNK", 2)
    perform(actions.hand, [package.pk], by=lead)
    hand, calls = moving._hand, []

    def dying(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        hand(*args)

    monkeypatch.setattr(moving, "_hand", dying)
    with pytest.raises(KeyboardInterrupt):
        moving.carry_out(package=package.pk)
    assert sorted(owners(ids).values()) == sorted([office.he.pk] * 2 + [office.zhou.pk] * 3)
    perform(hand_over, [ids[4]], by=SYSTEM, params={"to": office.lu.pk})
    monkeypatch.setattr(moving, "_hand", hand)
    moving.carry_out(package=package.pk)
    moving.carry_out(package=package.pk)
    assert owners(ids) == dict.fromkeys(ids[:4], office.he.pk) | {ids[4]: office.lu.pk}
    assert package.items.filter(state="given").count() == 4


def test_naming_a_successor_at_leaving_makes_the_package_once(office, lead, client):
    ids = customers(office, 2)
    outcome = perform(leaving.leave, [office.zhou.pk], by=office.as_("hr"), params={"successor": office.he.pk})
    left = list(Event.objects.filter(run_id=outcome.run))
    moving.of_leavers(left)
    moving.of_leavers(left)
    package = Package.objects.get(owner=office.zhou)
    assert (package.state, package.reason, package.name) == ("draft", "离职", "周启明的交接")
    assert owners(ids) == dict.fromkeys(ids, office.zhou.pk)
    factories.sign_in(client, type(office.zhou).objects.get(pk=lead.id))
    assert "交出周启明的交接" in client.get("/").text
    page = client.get(f"/people/person/{office.zhou.pk}/").text
    assert f"/handover/begin/?id={office.zhou.pk}" in page
    sent = client.get(f"/handover/begin/?id={office.zhou.pk}")
    assert 'value="周启明"' in client.get(sent["Location"]).text


def test_giver_and_taker_sign_on_the_screen_and_nobody_else(office, lead, client):
    customers(office, 2, name="无锡开源机械有限公司")[:0]
    package = factories.package(office.zhou, office.he)
    own = {"people_view": "all", "handover_view": "own"}
    for name in ("zhou", "he", "lu"):
        who = getattr(office, name)
        for permission, scope in own.items():
            factories.Grant.objects.get_or_create(
                role=who.position.roles.get().role,
                permission=permission.replace("_", ".", 1),
                defaults={"scope": scope},
            )
    factories.sign_in(client, office.he)
    address = f"/handover/package/{package.pk}/"
    assert client.get(address).status_code == 200
    carry_out(package, lead)
    assert "签收周启明的交接" in client.get("/").text
    client.post(f"{address}sign/", {"request_key": "a"})
    assert "签收周启明的交接" not in client.get("/").text
    assert list(Signature.objects.values_list("person_id", flat=True)) == [office.he.pk]
    again = client.post(f"{address}sign/", {"request_key": "b"})
    assert "你已经签收过" in again.text
    perform(actions.sign, [package.pk], by=office.as_("zhou"))
    assert perform(actions.sign, [package.pk], by=lead).refused[package.pk].text == "只由交出人和接手人签收。"
    assert factories.sign_in(type(client)(), office.lu).get(address).status_code == 404


def test_the_page_says_before_and_after_what_goes_where(office, lead, client):
    customers(office, 3)
    package = factories.package(office.zhou, office.he)
    factories.sign_in(client, type(office.zhou).objects.get(pk=lead.id))
    address = f"/handover/package/{package.pk}/"
    assert "会交什么" in client.get(address).text
    assert sharing.shares(package)["customers.customer"].keys() == {office.he.pk}
    carry_out(package, lead)
    page = client.get(address).text
    assert "交接结果" in page
    assert "交接清单" in page
    assert page.count("/customers/customer/") >= 3


def test_the_list_is_printed_with_a_line_for_each_signature(office, lead):
    from neiqin.kernel.printing.forms import FORMS, as_pdf, sheets_of
    from neiqin.kernel.resources.resource import site

    name = "无锡开源机械有限公司"
    factories.customer(office.as_("zhou"), name)
    package = carry_out(factories.package(office.zhou, office.he), lead)
    form = FORMS["handover.list"]
    (sheet,) = sheets_of(form, site().resources["handover.package"], [package], lead)
    assert sheet["rows"] == [["客户", name, "何雨桐", "已交", ""]]
    assert sheet["sign"] == [("交出人 周启明", ""), ("接手人 何雨桐", "")]
    assert as_pdf(form.template, "A4", "交接清单", [sheet], lead).startswith(b"%PDF-")


@tries(15)
@given(data=st.data())
def test_nothing_is_lost_nobody_has_it_twice_and_return_gives_back_what_did_not_move(db, data):
    """Whatever is moved between hand-over and return: each record has one owner, and only untouched ones go back."""
    unit_, position_ = factories.unit(), factories.rep_position()
    giver, *others = (factories.person(n, unit_=unit_, position_=position_) for n in ("甲", "乙", "丙"))
    made = [
        Sample.objects.create(name=name, owner=giver, unit=unit_, **factories.stamps()).pk
        for name in data.draw(st.lists(st.sampled_from(("件", "急件")), min_size=1, max_size=6))
    ]
    urgent = set(Sample.objects.filter(pk__in=made, name="急件").values_list("pk", flat=True))
    package = factories.package(giver, *others[: data.draw(st.integers(1, 2))])
    carry_out(package, SYSTEM)
    after = dict(Sample.objects.filter(pk__in=made).values_list("pk", "owner_id"))
    assert after.keys() == set(made)
    assert {pk for pk, owner in after.items() if owner == giver.pk} == urgent
    assert {i.record_id: i.taker_id for i in package.items.filter(state="given")} == {
        pk: owner for pk, owner in after.items() if pk not in urgent
    }
    from tests.stranger.resources import hand_over as move

    touched = set(data.draw(st.lists(st.sampled_from(made), unique=True)))
    moved = set(perform(move, sorted(touched), by=SYSTEM, params={"to": data.draw(st.sampled_from(others)).pk}).done)
    between = dict(Sample.objects.filter(pk__in=made).values_list("pk", "owner_id"))
    perform(actions.give_back, [package.pk], by=SYSTEM)
    drain()
    really = {pk for pk in moved if between[pk] != after[pk]}
    final = dict(Sample.objects.filter(pk__in=made).values_list("pk", "owner_id"))
    assert final == {pk: between[pk] if pk in really else giver.pk for pk in made}
    assert Item.objects.filter(package=package).count() == len(made)
