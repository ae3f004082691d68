"""Clocks run by events, stand still while held, remind, and follow the calendar when it changes."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.deadlines import actions, watch
from neiqin.kernel.deadlines.clocks import Clock as Kind
from neiqin.kernel.deadlines.models import Clock, Day, Moved, Office
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources import timeline
from neiqin.kernel.resources.resource import site
from tests import factories
from tests.stranger import clocks as verbs
from tests.stranger.models import Sample

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def now(monkeypatch, db):
    site()

    def set_to(text: str) -> datetime:
        moment = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return set_to


@pytest.fixture
def sample(now) -> int:
    now("2026-09-18 16:00")
    return factories.MAKERS["stranger.sample"]().pk


def do(verb, *ids: int, **params: object):
    outcome = perform(verb, ids, by=SYSTEM, params=params)
    assert not outcome.refused
    return outcome


def clock_of(sample: int, kind: str = "stranger.give_back") -> Clock:
    return Clock.objects.filter(record_id=sample, kind=kind).order_by("-id")[0]


def local(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%m-%d %H:%M}"


def test_an_event_starts_the_clock_in_the_same_run_for_the_owner(sample):
    outcome = do(verbs.lend, sample)
    owner = Sample.objects.get(pk=sample)
    found = clock_of(sample)
    assert (found.state, local(found.due_at), local(found.next_at)) == ("running", "09-20 16:00", "09-20 11:00")
    assert (found.person_id, found.unit_id) == (owner.owner_id, owner.unit_id)
    assert Run.objects.get(pk=outcome.run).action == "stranger.sample.lend"
    do(verbs.lend, sample)
    assert Clock.objects.count() == 1


def test_a_preview_starts_nothing(sample):
    preview(verbs.lend, [sample], by=SYSTEM)
    assert Clock.objects.count() == 0


def test_it_ends_met_until_the_due_moment_and_late_after_it(sample, now):
    other = factories.MAKERS["stranger.sample"]().pk
    lost = factories.MAKERS["stranger.sample"]().pk
    do(verbs.lend, sample, other, lost)
    now("2026-09-20 16:00")
    do(verbs.give_back, sample)
    do(verbs.lose, lost)
    now("2026-09-20 16:01")
    do(verbs.give_back, other)
    states = {c.record_id: c.state for c in Clock.objects.filter(kind="stranger.give_back")}
    assert states == {sample: "met", other: "late", lost: "dropped"}
    do(verbs.lend, sample)
    assert clock_of(sample).state == "running"


def test_while_held_it_stands_still_and_the_due_moment_moves_by_working_time(sample, now):
    do(verbs.lend, sample)
    now("2026-09-18 17:00")
    do(verbs.wait, sample, note="等客户确认型号")
    held = clock_of(sample)
    assert (held.state, held.reason, held.next_at) == ("held", "等客户确认型号", None)
    now("2026-09-25 10:00")  # 中秋: no working time; Monday to Thursday before it were worked
    assert watch.remind() == 0
    now("2026-09-28 10:00")
    do(verbs.go_on, sample)
    found = clock_of(sample)
    # One hour was used; seven are left from Monday 10:00.
    assert (found.state, local(found.due_at), found.reason) == ("running", "09-28 18:00", "")
    now("2026-09-28 10:30")
    do(verbs.wait, sample)
    now("2026-09-30 10:00")
    do(verbs.give_back, sample)
    assert clock_of(sample).state == "met"


def test_working_days_end_with_the_office_and_a_rule_may_give_the_minutes(sample, now):
    now("2026-09-30 09:00")
    do(verbs.give_back, sample)
    assert local(clock_of(sample, "stranger.check").due_at) == "10-10 18:00"
    other = factories.MAKERS["stranger.sample"]().pk
    do(verbs.go_on, sample, other)
    assert list(Clock.objects.filter(kind="stranger.thank").values_list("record_id", "minutes", "person_id")) == [
        (sample, 60, None)
    ]


def test_somebody_is_reminded_once_at_each_share_and_the_record_tells_it(sample, now, monkeypatch):
    heard = []
    monkeypatch.setattr(watch, "LISTENERS", [heard.extend])
    do(verbs.lend, sample)
    assert watch.remind() == 0
    now("2026-09-20 11:00")
    assert (watch.remind(), watch.remind()) == (1, 0)
    now("2026-09-20 16:00")
    assert watch.remind() == 1
    now("2026-09-22 18:00")  # 150 and 200 % passed while the worker was away: only the higher is told
    assert (watch.remind(), watch.remind()) == (1, 0)
    assert [(r.share, r.person_id) for r in heard] == [(s, clock_of(sample).person_id) for s in (0.5, 1.0, 2.0)]
    assert clock_of(sample).next_at is None
    events = Event.objects.filter(name=watch.REMINDED, record_id=sample).order_by("id")
    assert [e.data["words"] for e in events] == [
        "「归还样品」用了 50% 的时间，期限 09-20 16:00",
        "「归还样品」到期了，期限 09-20 16:00",
        "「归还样品」超时，用了 200%，期限 09-20 16:00",
    ]
    items, _ = timeline.of(site().resources["stranger.sample"], Sample.objects.get(pk=sample), SYSTEM)
    assert items[0].text == "「归还样品」超时，用了 200%，期限 09-20 16:00"
    assert Run.objects.get(pk=events[0].run_id).source == "worker"


def test_a_listener_that_fails_leaves_everybody_untold(sample, now, monkeypatch):
    def fail(_reminders):
        raise OSError

    do(verbs.lend, sample)
    now("2026-09-20 11:00")
    monkeypatch.setattr(watch, "LISTENERS", [fail])
    with pytest.raises(OSError), transaction.atomic():
        watch.remind()
    monkeypatch.setattr(watch, "LISTENERS", [])
    assert watch.remind() == 1


def test_who_took_over_is_reminded_and_not_who_lent_it(sample, now):
    do(verbs.lend, sample)
    heir = factories.person("何雨桐")
    Sample.objects.filter(pk=sample).update(owner=heir, unit=heir.unit)
    now("2026-09-20 11:00")
    watch.remind()
    assert (clock_of(sample).person_id, clock_of(sample).unit_id) == (heir.pk, heir.unit_id)


def test_importing_a_year_moves_open_deadlines_tells_of_them_and_leaves_the_closed_ones(sample, now, monkeypatch):
    heard = []
    monkeypatch.setattr(watch, "TOLD", [heard.extend])
    now("2026-12-31 17:00")
    closed = factories.MAKERS["stranger.sample"]().pk
    do(verbs.lend, sample, closed)
    do(verbs.give_back, closed)
    check = clock_of(closed, "stranger.check")
    assert local(clock_of(sample).due_at) == "01-01 17:00"  # 2027 is not published: Friday counts as worked
    version = Office.objects.get().version
    table = "2027-01-01,法定假日,元旦,是\n2027-01-02,法定假日,元旦\n2027-01-03,法定假日,元旦\n2027-01-10,调休上班,元旦"
    outcome = do(actions.import_year, Office.objects.get().pk, year="2027", table=table, source="国办发明电〔2026〕9号")
    assert local(clock_of(sample).due_at) == "01-04 17:00"
    assert clock_of(closed).state == "met"
    moved = {m.clock_id: (local(m.old_due), local(m.new_due)) for m in Moved.objects.filter(run_id=outcome.run)}
    assert moved == {
        clock_of(sample).pk: ("01-01 17:00", "01-04 17:00"),
        check.pk: ("01-05 18:00", "01-06 18:00"),
    }
    assert {m.clock_id for m in heard} == set(moved)
    office = Office.objects.get()
    assert office.version == version + 1
    assert Day.objects.filter(date__year=2027).count() == 365
    assert Event.objects.get(run_id=outcome.run).data == {"note": "2027 年，2 个期限随之移动", "moved": 2}
    again = do(actions.import_year, office.pk, year="2027", table=table)
    assert again.done == [office.pk]
    assert Office.objects.get().version == version + 1


def test_a_deadline_moved_behind_a_reminder_is_reminded_again(sample, now):
    do(verbs.lend, sample)
    now("2026-09-20 11:00")
    watch.remind()
    do(actions.set_hours, Office.objects.get().pk, hours="09:00-10:00")
    found = clock_of(sample)
    assert (found.told, local(found.due_at), local(found.next_at)) == (0, "09-30 10:00", "09-23 10:00")


def test_a_wrong_table_changes_nothing(sample, now):
    do(verbs.lend, sample)
    before = clock_of(sample).due_at
    office = Office.objects.get()
    outcome = perform(actions.import_year, [office.pk], by=SYSTEM, params={"year": "2026", "table": "2026-09-18,休假"})
    assert outcome.refused[office.pk].text.startswith("第 1 行：类型里没有「休假」")
    outcome = perform(actions.set_hours, [office.pk], by=SYSTEM, params={"hours": "9-5"})
    assert outcome.refused[office.pk].field == "hours"
    assert Office.objects.get().version == office.version
    assert clock_of(sample).due_at == before


def test_many_records_cost_as_many_queries_as_few(now, django_assert_num_queries):
    now("2026-09-18 16:00")
    few = [factories.MAKERS["stranger.sample"]().pk for _ in range(2)]
    many = [factories.MAKERS["stranger.sample"]().pk for _ in range(30)]

    def count(verb, ids) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(
            connection,
        ) as caught:
            do(verb, *ids)
        return len(caught)

    for verb in (verbs.lend, verbs.wait, verbs.go_on, verbs.give_back):
        assert count(verb, few) == count(verb, many)


def test_a_declaration_that_makes_no_sense_is_a_mistake(db):
    site()
    with pytest.raises(ValueError, match="declared twice"):
        verbs.CLOCKS[0].plug()
    with pytest.raises(ValueError, match="needs one of"):
        Kind("stranger.x", "x", on="stranger.sample.lent", until=()).plug()


def test_the_page_shows_the_year_and_takes_a_new_one(sample, now, client):
    now("2026-11-20 10:00")
    admin = factories.person(position_=factories.position("管理员", deadlines_manage="all"))
    factories.sign_in(client, admin)
    page = client.get("/deadlines/calendar/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "2026 年 248 个工作日。" in text
    assert 'data-kind="shifted" title="调休上班，国庆节">10<sup>班</sup>' in text
    unpublished = client.get("/deadlines/calendar/?year=2027").content.decode()
    assert "2027 日历未维护" in unpublished
    wrong = client.post("/deadlines/calendar/?year=2027", {"do": "import", "table": "2027-13-01,法定假日"})
    assert wrong.status_code == 422
    assert "第 1 行" in wrong.content.decode()
    done = client.post("/deadlines/calendar/?year=2027", {"do": "import", "table": "2027-01-01,法定假日,元旦,是"})
    assert done.status_code == 302
    assert "2027 日历未维护" not in client.get("/deadlines/calendar/?year=2027").content.decode()
    hours = client.post("/deadlines/calendar/", {"do": "hours", "hours": "8:30-17:30"})
    assert hours.status_code == 302
    assert Office.objects.get().hours == "08:30-17:30"


def test_from_november_on_the_workbench_asks_for_the_next_year(now):
    admin = factories.person(position_=factories.position("管理员", deadlines_manage="all"))
    now("2026-10-31 10:00")
    assert "日历未维护" not in factories.sign_in(Client(), admin).get("/").content.decode()
    now("2026-11-01 10:00")
    page = factories.sign_in(Client(), admin).get("/").content.decode()
    assert "2027 日历未维护，先按周一到周五上班算" in page
    assert "日历未维护" not in factories.sign_in(Client(), factories.person()).get("/").content.decode()


def test_the_page_is_for_those_who_may(now, client):
    now("2026-11-20 10:00")
    factories.sign_in(client, factories.person())
    assert client.get("/deadlines/calendar/").status_code == 403
