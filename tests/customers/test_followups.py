"""Follow-ups: written down in seconds, owned by whom the customer belongs to, remembered when the next step is due."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer, FollowUp, Standing
from neiqin.modules.followups import followups
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/customers/follow/"


@pytest.fixture
def rep():
    return factories.person("周启明")


@pytest.fixture
def desk(client, rep):
    return factories.sign_in(client, rep)


@pytest.fixture
def mine(rep):
    return factories.customer(factories.actors_of(rep.pk), "澄江精密机械（昆山）有限公司")


def said(*customers, **values):
    return {
        "id": [c.pk for c in customers],
        "way": "phone",
        "contact": "潘工",
        "content": "深沟球轴承要 200 套，下周给报价",
        "happened_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
        "next_on": f"{clock.today() + timedelta(days=3)}",
        "next_what": "送报价单",
    } | values


def test_a_rep_writes_down_a_call_and_the_customer_knows_when_it_was_and_what_comes_next(desk, rep, mine):
    page = desk.get(f"{PAGE}?id={mine.pk}").content.decode()
    assert 'name="contact" value="潘工" checked' in page, "the only contact is chosen already"

    answer = desk.post(PAGE, said(mine))

    call = FollowUp.objects.get()
    assert "记好了 1 家。" in answer.content.decode()
    assert (call.customer_id, call.author_id, call.owner_id, call.unit_id) == (mine.pk, rep.pk, rep.pk, rep.unit_id)
    assert (call.way, factories.names_of(call, column="contact"), call.late) == ("phone", ["潘工"], False)
    standing = Standing.objects.get(customer=mine)
    assert (standing.followed_at, standing.next_on, standing.next_what) == (
        call.happened_at,
        clock.today() + timedelta(days=3),
        "送报价单",
    )
    mine.refresh_from_db()
    assert mine.version == 1, "an open form of the customer does not go stale"
    assert "深沟球轴承要 200 套" in desk.get(f"/customers/customer/{mine.pk}/").content.decode()


def test_the_quick_days_spare_the_date(desk, mine):
    tomorrow = clock.today() + timedelta(days=1)
    desk.post(PAGE, said(mine, next_on="", quick=tomorrow.isoformat()))
    assert FollowUp.objects.get().next_on == tomorrow


def test_what_is_missing_or_impossible_is_said_by_field_and_nothing_is_kept(desk, mine):
    for field, values, sentence in (
        ("way", {"way": ""}, "「方式」没有填。"),
        ("content", {"content": ""}, "「内容」没有填。"),
        ("happened_at", {"happened_at": "2999-01-01T09:00", "next_on": ""}, "还没到"),
        ("next_on", {"next_on": "2020-01-01"}, "比这次还早"),
    ):
        answer = desk.post(PAGE, said(mine, **values))
        assert answer.status_code == 422, field
        assert sentence in answer.content.decode(), field
        assert "深沟球轴承" in answer.content.decode() or field == "content", "what was typed is still there"
    assert not FollowUp.objects.exists()
    assert Standing.objects.get(customer=mine).followed_at is None


def test_several_customers_get_a_follow_up_each_and_foreign_ones_none(desk, rep, mine):
    other = factories.customer(factories.actors_of(rep.pk))
    foreign = factories.customer(factories.actor("何雨桐"))
    desk.post(PAGE, said(mine, other, foreign))
    assert sorted(FollowUp.objects.values_list("customer_id", flat=True)) == sorted([mine.pk, other.pk])
    assert Client().get(f"{PAGE}?id={mine.pk}").status_code == 302
    assert desk.get(f"{PAGE}?id={foreign.pk}").status_code == 404


def test_an_assistant_writes_it_down_and_it_belongs_to_the_rep(client, rep, mine):
    lin = factories.person("林知夏")
    factories.works_for(lin, rep)
    factories.sign_in(client, lin).post(PAGE, said(mine))
    call = FollowUp.objects.get()
    assert (call.author_id, call.owner_id) == (lin.pk, rep.pk)


def test_follow_ups_move_with_the_customer(rep, mine):
    call = factories.followup(mine)
    left = factories.followup(factories.customer(factories.actors_of(rep.pk)))
    heir = factories.person("何雨桐")
    perform(actions.hand_over, [mine.pk], by=SYSTEM, params={"to": heir.pk})
    call.refresh_from_db()
    left.refresh_from_db()
    assert (call.owner_id, call.unit_id, call.author_id, call.version) == (heir.pk, heir.unit_id, rep.pk, 1)
    assert left.owner_id == rep.pk
    assert Standing.objects.get(customer=mine).owner_id == heir.pk


def test_more_than_three_days_later_it_counts_as_entered_late(desk, mine):
    long_ago = clock.local(clock.now() - timedelta(days=4))
    desk.post(PAGE, said(mine, happened_at=f"{long_ago:%Y-%m-%dT%H:%M}"))
    assert FollowUp.objects.get().late is True


def test_an_older_one_entered_afterwards_does_not_hide_the_last(mine):
    last = factories.followup(mine, next_on=clock.today())
    factories.followup(mine, happened_at=clock.now() - timedelta(days=9), next_on="")
    standing = Standing.objects.get(customer=mine)
    assert (standing.followed_at, standing.next_on) == (last.happened_at, clock.today())


def test_the_author_puts_it_right_for_a_day_and_afterwards_only_who_may_correct(desk, rep, mine):
    call = factories.followup(mine)
    address = f"/customers/followup/{call.pk}/edit/"
    assert desk.post(address, {"partial": "1", "version": 1, "content": "改过"}).status_code == 302
    FollowUp.objects.update(created_at=clock.now() - timedelta(days=2))
    refused = desk.post(address, {"partial": "1", "version": 2, "content": "又改"})
    assert "录入超过一天" in refused.content.decode()
    boss = factories.position("主管", customers_view="all", customers_follow="all", customers_correct_followup="all")
    chief = factories.sign_in(Client(), factories.person("方静怡", position_=boss))
    assert chief.post(address, {"partial": "1", "version": 2, "content": "更正"}).status_code == 302
    call.refresh_from_db()
    assert (call.content, call.headline, call.author_id, call.customer_id) == ("更正", "更正", rep.pk, mine.pk)


def test_somebody_elses_fresh_follow_up_cannot_be_rewritten_either(client, rep, mine):
    call = factories.followup(mine)
    lin = factories.person("林知夏")
    factories.works_for(lin, rep)
    answer = factories.sign_in(client, lin).post(
        f"/customers/followup/{call.pk}/edit/", {"partial": "1", "version": 1, "content": "改"}
    )
    assert "只有能更正跟进记录的人才能改" in answer.content.decode()


def test_the_workbench_says_whom_to_call_today_and_who_has_been_waiting(desk, rep, mine):
    waiting = factories.customer(factories.actors_of(rep.pk), "宁波甬泰注塑科技有限公司")
    later = factories.customer(factories.actors_of(rep.pk), "无锡梁清水泵制造有限公司")
    foreign = factories.customer(factories.actor("何雨桐"), "苏州恒昌电气成套设备有限公司")
    today = clock.today()
    long_ago = clock.now() - timedelta(days=5)
    for record, on in ((mine, today), (foreign, today), (later, today + timedelta(days=1))):
        factories.followup(record, next_on=on, next_what="送报价单")
    factories.followup(waiting, happened_at=long_ago, next_on=today - timedelta(days=2))
    page = desk.get("/").content.decode()
    for text in (mine.name, "今天该跟进", "送报价单", waiting.name, "过了 2 天"):
        assert text in page
    assert later.name not in page.split("最近办过")[0]
    assert foreign.name not in page


def test_customers_without_a_next_step_are_counted_after_three_working_days(desk, rep, mine):
    assert "没有下一步" not in desk.get("/").content.decode()
    ann = factories.actors_of(rep.pk)
    assert followups.aimless.read(ann).value == 0, "just come"
    Standing.objects.update(owned_since=clock.now() - timedelta(days=30))
    reading = followups.aimless.read(ann)
    assert reading.value == 1
    assert "1 家客户没有下一步" in desk.get("/").content.decode()
    assert mine.name in desk.get(reading.url).content.decode()
    factories.followup(mine, next_on=clock.today() + timedelta(days=9))
    assert followups.aimless.read(ann).value == 0


def test_lists_know_the_last_follow_up_and_can_be_narrowed_by_the_next(desk, rep, mine):
    factories.customer(factories.actors_of(rep.pk), "宁波甬泰注塑科技有限公司")
    factories.followup(mine, next_on=clock.today())
    page = desk.get(f"/customers/customer/?f=next_on:to:{clock.today()}").content.decode()
    assert mine.name in page
    assert "甬泰" not in page
    assert Event.objects.filter(name="customers.followup.created").count() == 1


def test_a_hundred_new_customers_get_their_standing_in_one_statement(django_assert_max_num_queries):
    ann = factories.actor()
    rows = [factories.customer_row(owner=ann.id) for _ in range(100)]
    with django_assert_max_num_queries(40):
        perform(actions.create, by=SYSTEM, rows=rows)
    assert Standing.objects.filter(owner_id=ann.id, followed_at=None).count() == Customer.objects.count() == 100


def test_a_day_without_a_time_is_its_midnight_on_the_companys_clock():
    moment = followups.happened_at.parse("2026-11-20")
    assert moment == datetime(2026, 11, 20, tzinfo=clock.zone())
    assert followups.happened_at.parse("2026/11/20 09:30") == datetime(2026, 11, 20, 9, 30, tzinfo=clock.zone())


@pytest.mark.parametrize(
    ("given", "status", "kept"),
    [
        ("2026-11-20T23:29:05+20:07", 200, "2026-11-20T03:22:05+00:00"),
        ("2026-11-20T09:30:00", 200, "2026-11-20T01:30:00+00:00"),
        ("0001-01-01T00:00:00+08:00", 422, None),
        ("9999-12-31T23:59:59-12:00", 422, None),
    ],
)
def test_a_moment_of_any_time_zone_is_kept_as_the_same_in_utc_and_the_ends_of_the_calendar_are_refused(
    rep, mine, given, status, kept
):
    record = factories.followup(mine)
    api = factories.api(Client(), rep)
    answer = api.patch(f"/api/v1/followups/{record.pk}", {"happened_at": given}, content_type="application/json")
    assert answer.status_code == status, answer.content.decode()
    before, record.happened_at = record.happened_at, FollowUp.objects.get(pk=record.pk).happened_at
    assert record.happened_at == (datetime.fromisoformat(kept) if kept else before)
    assert kept or "年份" in answer.json()["message"]
