"""The public pool: what falls into it and when, who may take what out, and that nobody has more than he may."""

from datetime import date, timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.resource import site
from neiqin.kernel.rules.models import Table, Version
from neiqin.modules.customers import actions, fields
from neiqin.modules.customers.models import Customer, FollowUp, Pooled, PoolNight, PoolUse, Standing
from neiqin.modules.pool import pool
from tests import factories
from tests.effort import tries
from tests.exchange.test_import import folder, good, workbook  # noqa: F401 - folder is a fixture

pytestmark = pytest.mark.django_db
POOL = "/customers/pooled/"
RIGHTS = ("view", "create", "edit", "follow", "release", "hand_over", "confirm_level", "profile", "contacts")


@pytest.fixture
def unit():
    return factories.unit("销售一部")


def rep_of(unit_, name="周启明", **more):
    own = {f"customers_{right}": "own" for right in RIGHTS}
    position = factories.position("业务员", **own | {"customers_claim": "unit"} | more)
    return factories.person(name, unit_=unit_, position_=position)


def manager_of(unit_, name="陆建国"):
    below = {f"customers_{right}": "below" for right in (*RIGHTS, "claim", "pool_manage")}
    return factories.person(
        name, unit_=unit_, position_=factories.position("销售经理", owns_key_customers=True, **below)
    )


def of(person, name="", **values):
    return factories.customer(factories.actors_of(person.pk), name, **values)


def acting(person):
    return factories.actors_of(person.pk)


def take(person, *records, action=pool.claim, **params):
    return perform(action, [r.pk for r in records], by=acting(person), params=params)


def aged(record, days, **columns):
    """The customer as if it had been its owner's, untouched, for so many days."""
    Standing.objects.filter(customer=record).update(owned_since=clock.now() - timedelta(days=days), **columns)


def rule(code, *rows):
    """The table as the company has it."""
    table = Table.objects.get(code=code)
    old = Version.objects.filter(table=table)
    number = old.count() + 1
    old.update(until_on=date(2020, 1, 2))
    Version.objects.create(
        table=table, number=number, state="active", from_on=date(2020, 1, 3), rows=[list(r) for r in rows],
        examples=[], published_at=clock.now(), **factories.stamps(),
    )  # fmt: skip


def night(day=None):
    pool.nightly(day=(day or clock.today()).isoformat())


# Giving up and claiming


def test_who_gives_a_customer_up_has_it_no_longer_and_a_colleague_takes_it_with_its_follow_ups(unit, client):
    zhou, he = rep_of(unit), rep_of(unit, "何雨桐")
    record = of(zhou, "澄江精密机械（昆山）有限公司", contacts=[{"name": "潘工", "mobile": "13912345678"}])
    call = factories.followup(record, next_on=clock.today())

    answer = factories.sign_in(client, zhou).post(f"/customers/customer/{record.pk}/release/", {"reason": "改做代理了"})

    assert answer.status_code == 200
    record.refresh_from_db()
    call.refresh_from_db()
    assert (record.owner_id, record.unit_id, call.owner_id, call.unit_id) == (None, unit.pk, None, unit.pk)
    standing = Standing.objects.get(customer=record)
    assert (standing.owner_id, standing.pooled_why, standing.next_on) == (zhou.pk, "改做代理了", None)
    assert client.get(f"/customers/customer/{record.pk}/").status_code == 404
    assert record.name not in client.get("/customers/customer/").content.decode()

    desk = factories.sign_in(Client(), he)
    listed = desk.get(POOL).content.decode()
    card = desk.get(f"{POOL}{record.pk}/").content.decode()
    for shown in ("澄江精密机械", "周启明", "改做代理了"):
        assert shown in listed
        assert shown in card
    for hidden in ("139****5678", "13912345678", "潘工"):
        assert hidden not in listed + card
    api = factories.api(Client(), he).get(f"/api/v1/pool/{record.pk}").json()
    assert not {"contacts", "addresses", "address"} & api.keys()

    assert desk.post(f"{POOL}do/claim/", {"id": record.pk}).status_code == 200

    record.refresh_from_db()
    call.refresh_from_db()
    standing.refresh_from_db()
    assert (record.owner_id, call.owner_id, call.author_id) == (he.pk, he.pk, zhou.pk)
    assert (standing.owner_id, standing.pooled_at, standing.pooled_why, standing.next_on) == (he.pk, None, "", None)
    page = desk.get(f"/customers/customer/{record.pk}/").content.decode()
    assert "139****5678" in page
    assert desk.get(f"{POOL}{record.pk}/").url == f"/customers/customer/{record.pk}/", "its old address leads on"


def test_a_rep_finds_customers_of_the_pool_nowhere_but_there(unit, client):
    he = rep_of(unit, "何雨桐")
    record = factories.pooled(of(rep_of(unit), "澄江精密机械（昆山）有限公司"))
    desk, token = factories.sign_in(client, he), factories.api(Client(), he)
    for address in ("/customers/customer/?q=澄江", "/customers/customer/pick/?q=澄江", "/search/?q=cjjm", "/"):
        assert record.name not in desk.get(address).content.decode(), address
        assert "澄江精密" not in desk.get(address).content.decode(), address
    assert token.get("/api/v1/customers").json()["items"] == []
    assert desk.get(f"/customers/customer/{record.pk}/").status_code == 404
    assert record.name in desk.get(f"{POOL}?q=澄江").content.decode()


def test_a_manager_sees_them_in_her_list_as_the_pools_and_another_units_rep_not_at_all(unit, client):
    record = factories.pooled(of(rep_of(unit), "澄江精密机械（昆山）有限公司"))
    page = factories.sign_in(client, manager_of(unit)).get("/customers/customer/?f=owner:empty:").content.decode()
    assert record.name in page
    assert "公海</td>" in page
    stranger = factories.sign_in(Client(), rep_of(factories.unit("销售二部"), "郑可"))
    assert record.name not in stranger.get(POOL).content.decode()
    assert stranger.get(f"{POOL}{record.pk}/").status_code == 404


def test_who_types_a_name_that_is_in_the_pool_is_told_so(unit, client):
    factories.pooled(of(rep_of(unit), "澄江精密机械（昆山）有限公司", uscc="91320594MA1AB2CD3G"))
    desk = factories.sign_in(client, rep_of(unit, "何雨桐"))
    finding.mend(site().resources["customers.customer"])
    told = desk.post("/customers/customer/nearby/", {"name": "澄江精密机械（昆山）有限公司"}).content.decode()
    assert "（KH000001，公海）" in told
    row = factories.customer_row("新的", uscc="91320594MA1AB2CD3G")
    refused = perform(actions.create, by=SYSTEM, rows=[row | {"owner": rep_of(unit).pk}]).refused
    assert "在公海里" in refused[0].text


def test_of_two_who_claim_at_once_the_second_gets_a_sentence(unit):
    record = factories.pooled(of(rep_of(unit)))
    he, zheng = rep_of(unit, "何雨桐"), rep_of(unit, "郑可")
    assert take(he, record).done == [record.pk]
    assert take(zheng, record).refused[record.pk].text == "已经不在公海里：刚被别人领走，或不在你能看到的公海里。"
    record.refresh_from_db()
    assert record.owner_id == he.pk


def test_nobody_holds_more_than_the_table_says_whether_claimed_or_assigned(unit):
    rule("customers.pool_limits", ("其他", "2", "10", "50", "30"))
    he, boss = rep_of(unit, "何雨桐"), manager_of(unit)
    of(he)
    first, second, third = (factories.pooled(of(rep_of(unit))) for _ in range(3))
    outcome = take(he, first, second)
    assert outcome.done == [first.pk]
    assert outcome.refused[second.pk].text == "何雨桐名下有 1 家，最多 2 家。先放掉几家。"
    assert "何雨桐名下有 2 家" in take(boss, third, action=pool.assign, to=he.pk).refused[third.pk].text
    assert Customer.objects.filter(owner=he).count() == 2


def test_a_day_has_its_claims_and_tomorrow_has_new_ones(unit):
    rule("customers.pool_limits", ("其他", "200", "1", "50", "30"))
    he = rep_of(unit, "何雨桐")
    first, second = (factories.pooled(of(rep_of(unit))) for _ in range(2))
    assert take(he, first).done == [first.pk]
    assert take(he, second).refused[second.pk].text == "一天最多领 1 家，今天已领 1 家，明天再领。"
    PoolUse.objects.update(day=clock.today() - timedelta(days=1))
    assert take(he, second).done == [second.pk]


def test_who_has_just_lost_a_customer_cannot_take_it_back_until_he_has_cooled_down(unit):
    zhou = rep_of(unit)
    record = factories.pooled(of(zhou))
    free = clock.today() + timedelta(days=30)
    assert take(zhou, record).refused[record.pk].text == f"前不久还在你名下，{free:%m-%d} 起才能再领。"
    Standing.objects.update(pooled_at=clock.now() - timedelta(days=30))
    assert take(zhou, record).done == [record.pk]


@pytest.mark.clause("C-CUS-11")
def test_a_key_customer_is_claimed_by_or_assigned_to_a_manager_only(unit, client):
    record = of(boss := manager_of(unit))
    perform(actions.confirm_level, [record.pk], by=SYSTEM, params={"level": fields.KEY})
    factories.pooled(record)
    he = rep_of(unit, "何雨桐")
    answer = factories.sign_in(client, he).post(f"{POOL}{record.pk}/claim/", {})
    assert "重点客户由销售经理或总监负责，何雨桐是业务员。" in answer.content.decode()
    assert take(boss, record, action=pool.assign, to=he.pk).refused
    other = manager_of(unit, "许曼")
    assert take(boss, record, action=pool.assign, to=other.pk).done == [record.pk]
    record.refresh_from_db()
    assert record.owner_id == other.pk


def test_a_customer_in_the_pool_becomes_key_only_together_with_a_manager(unit):
    record, boss = factories.pooled(of(rep_of(unit))), manager_of(unit)
    refused = take(boss, record, action=actions.confirm_level, level="key").refused
    assert "在公海里，没有负责人。" in refused[record.pk].text
    assert take(boss, record, action=actions.confirm_level, level="key", owner=boss.pk).done
    assert take(boss, factories.pooled(of(rep_of(unit))), action=actions.hand_over, to=boss.pk).refused


def test_cards_of_the_pool_are_counted_by_the_day_and_opening_one_twice_is_once(unit, client):
    rule("customers.pool_limits", ("其他", "200", "10", "1", "30"))
    first, second = (factories.pooled(of(rep_of(unit))) for _ in range(2))
    he = rep_of(unit, "何雨桐")
    desk = factories.sign_in(client, he)
    assert [desk.get(f"{POOL}{r.pk}/").status_code for r in (first, first)] == [200, 200]
    refused = desk.get(f"{POOL}{second.pk}/")
    assert refused.status_code == 403
    assert "公海客户一天最多看 1 家，今天看满了。" in refused.content.decode()
    assert factories.api(Client(), he).get(f"/api/v1/pool/{second.pk}").status_code == 403
    printed = {
        r: desk.post("/print/", {"kind": "customers.pooled", "id": r.pk, "form": "record"}) for r in (first, second)
    }
    assert [a.status_code for a in printed.values()] == [200, 422]  # paper is no way round it
    assert "今天看满了" in printed[second].content.decode()


# The night


def test_the_night_takes_what_nobody_followed_up_and_says_why(unit):
    zhou = rep_of(unit)
    forgotten, called, fresh, off = of(zhou), of(zhou), of(zhou), of(zhou)
    for record in (forgotten, called, off):
        aged(record, 30)
    factories.followup(called)
    perform(actions.deactivate, [off.pk], by=SYSTEM, params={"reason": "停产"})
    night()
    assert list(Pooled.objects.values_list("pk", flat=True)) == [forgotten.pk]
    assert Standing.objects.get(customer=forgotten).pooled_why == "30 天没有跟进"
    event = Event.objects.get(name="customers.customer.fell_into_pool")
    assert (event.record_id, event.data["reason"]) == (forgotten.pk, "30 天没有跟进")
    assert set(Customer.objects.filter(owner=zhou)) == {called, fresh, off}
    assert PoolNight.objects.get().fell == 1


def test_done_again_the_night_takes_nothing_more(unit):
    aged(of(rep_of(unit)), 90)
    night()
    night()
    assert Event.objects.filter(name="customers.customer.fell_into_pool").count() == 1
    pool.every_hour()
    assert drain() == 0, "this day's night is over"
    PoolNight.objects.all().delete()
    pool.every_hour()
    pool.every_hour()
    assert drain() == 1


def test_a_follow_up_between_looking_and_taking_keeps_the_customer(unit):
    record = of(rep_of(unit))
    aged(record, 90)
    factories.followup(record)
    assert perform(pool.fall, [record.pk], by=SYSTEM, params={"on": clock.today().isoformat()}).run
    assert not Pooled.objects.exists()
    assert not Event.objects.filter(name="customers.customer.fell_into_pool").exists()


def test_who_has_just_claimed_is_protected_and_days_without_a_deal_count_too(unit):
    rule("customers.pool", ("其他", "", "10", "20", "15", "3"))
    zhou = rep_of(unit)
    protected, undealt, dealt = of(zhou), of(zhou), of(zhou)
    aged(protected, 14)
    for record, day in ((undealt, None), (dealt, clock.today())):
        aged(record, 25, dealt_on=day)
        factories.followup(record)
    assert [(d.customer, d.why) for d in pool.due(clock.today())] == [(undealt.pk, "20 天没有成交")]
    assert [d.customer for d in pool.due(clock.today() + timedelta(days=1))] == [protected.pk, undealt.pk]


def test_levels_and_units_have_rules_of_their_own(unit):
    rule("customers.pool", ("重点", "销售一部", "90", "0", "0", "3"), ("其他", "", "5", "0", "0", "3"))
    here, there = of(rep_of(unit)), of(rep_of(factories.unit("销售二部")))
    key = of(manager_of(unit))
    perform(actions.confirm_level, [key.pk], by=SYSTEM, params={"level": fields.KEY})
    for record in (here, there, key):
        aged(record, 6)
    assert [d.customer for d in pool.due(clock.today())] == [here.pk, there.pk]


def test_the_owner_is_reminded_once_and_sees_it_on_the_workbench_and_the_page_before(unit, client):
    zhou = rep_of(unit)
    record = of(zhou, "澄江精密机械（昆山）有限公司")
    aged(record, 27)
    night()
    night()
    notice = Notice.objects.get(person_id=zhou.pk, kind=pool.SOON.name)
    assert notice.title == f"1 家客户快回公海，最早 {clock.today() + timedelta(days=3):%m-%d}"
    desk = factories.sign_in(client, zhou)
    assert "1 家客户快回公海" in desk.get("/").content.decode()
    page = desk.get(pool.PAGE).content.decode()
    assert "今晚没有客户回公海。" in page
    assert record.name in page


def test_the_page_before_says_exactly_what_the_night_then_does(unit, client):
    zhou, he = rep_of(unit), rep_of(unit, "何雨桐")
    for person, days in ((zhou, 29), (zhou, 40), (he, 29), (he, 28)):
        aged(of(person), days)
    foreign = of(rep_of(factories.unit("销售二部")))
    aged(foreign, 90)
    page = factories.sign_in(client, manager_of(unit)).get(pool.PAGE).content.decode()
    assert "今晚将有 3 家回公海。" in page
    assert foreign.name not in page
    told = {d.customer for d in pool.due(clock.today() + timedelta(days=1))}
    night(clock.today() + timedelta(days=1))
    assert set(Pooled.objects.values_list("pk", flat=True)) == told
    assert len(told) == 4


def test_a_preview_of_giving_up_shows_it_and_keeps_nothing(unit):
    zhou = rep_of(unit)
    record = of(zhou)
    outcome = preview(pool.release, [record.pk], by=acting(zhou), params={"reason": "x"})
    assert [c.after.get("owner_id", "-") for c in outcome.changes if c.table == "customers_customer"] == [None]
    record.refresh_from_db()
    assert record.owner_id == zhou.pk


# Into the pool from a file


def test_a_file_can_go_straight_into_the_pool(client, unit, folder):  # noqa: F811
    from django.core.files.uploadedfile import SimpleUploadedFile

    from neiqin.kernel.exchange.models import Import

    clerk = factories.person(
        "林知夏", unit_=unit,
        position_=factories.position(
            "内勤", customers_view="all", customers_create="all", customers_edit="all", exchange_import="all",
            customers_credit="all", customers_contacts="all", customers_profile="all", customers_preferences="all",
        ),
    )  # fmt: skip
    desk = factories.sign_in(client, clerk)
    file = SimpleUploadedFile("线索.xlsx", workbook([good(1), good(2)]))
    desk.post("/imports/upload/", {"kind": "customers.customer", "mode": "pool", "file": file})
    drain()
    made = Import.objects.get()
    desk.post(f"/imports/{made.pk}/start/")
    drain()
    assert list(Pooled.objects.values_list("owner_id", "unit_id")) == [(None, unit.pk)] * 2
    assert Standing.objects.exclude(pooled_at=None).count() == 2
    he = rep_of(unit, "何雨桐")
    assert len(take(he, *Pooled.objects.all()).done) == 2


# Whatever is done, in whatever order


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("claim", "release", "assign", "night", "hand_over", "follow", "key")),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    max_size=14,
)


HOLD = 3


def do(step, record, person, boss):
    """One step; most of them may be refused."""
    as_system = {
        "release": (pool.release, {"reason": "x"}),
        "hand_over": (actions.hand_over, {"to": person.pk}),
        "key": (actions.confirm_level, {"level": fields.KEY}),
    }
    if step == "claim":
        take(person, record)
    elif step == "assign":
        take(boss, record, action=pool.assign, to=person.pk)
    elif step == "night":
        aged(record, 100)
        night()
    elif step in as_system:
        action, params = as_system[step]
        perform(action, [record.pk], by=SYSTEM, params=params)
    elif Customer.objects.filter(pk=record.pk).exclude(owner=None).exists():
        factories.followup(Customer.objects.get(pk=record.pk))


def check_whole(customer, unit_):
    """Its standing, its level and its follow-ups agree with whose it is."""
    standing = Standing.objects.get(customer=customer)
    assert (standing.pooled_at is None) == (customer.owner_id is not None)
    assert customer.owner_id in (None, standing.owner_id)
    assert customer.unit_id == unit_.pk
    assert not (customer.level == fields.KEY and customer.owner and not customer.owner.position.owns_key_customers)
    owners = set(FollowUp.objects.filter(customer=customer).values_list("owner_id", "unit_id"))
    assert owners <= {(customer.owner_id, customer.unit_id)}


@tries(12)
@given(steps=STEPS)
def test_no_order_of_steps_breaks_a_cap_a_rule_or_leaves_follow_ups_behind(steps):
    if not Version.objects.filter(table__code="customers.pool_limits", number=2).exists():
        rule("customers.pool_limits", ("其他", f"{HOLD}", "99", "50", "0"))
    unit_ = factories.unit()
    people = [rep_of(unit_), rep_of(unit_, "何雨桐"), manager_of(unit_)]
    records = [of(people[n // 2]) for n in range(4)]
    for step, which, who in steps:
        held = {p.pk: Customer.objects.filter(owner=p).count() for p in people}
        do(step, records[which], people[who], people[2])
        for p in people if step in ("claim", "assign") else ():
            assert Customer.objects.filter(owner=p).count() <= max(HOLD, held[p.pk])
        for customer in Customer.objects.filter(pk__in=[r.pk for r in records]).select_related("owner__position"):
            check_whole(customer, unit_)
