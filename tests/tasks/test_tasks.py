"""交办: taken or answered, reported, handed in, confirmed or sent back, and late told to who asked (C-FLOW-14 without
its projects, so that it is not marked as proven)."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.tasks import tasks
from neiqin.modules.tasks.models import AssignedTask, Report
from tests import factories

pytestmark = pytest.mark.django_db
LIST = tasks.URL


@pytest.fixture
def office():
    """A manager and two of his people, and somebody of another unit."""
    team = factories.unit("华东组")
    doing = {f"tasks_{r}": "own" for r in ("view", "create", "do")}
    boss = factories.person("陆建国", unit_=team, position_=factories.position(
        "销售经理", **doing | {"tasks_view": "below", "tasks_create": "below"}))  # fmt: skip
    clerk = factories.position("销售助理", **doing)
    found = SimpleNamespace(
        boss=boss, lin=factories.person("林知夏", unit_=team, position_=clerk),
        he=factories.person("何雨桐", unit_=team, position_=clerk), other=factories.person("外人", position_=clerk),
    )  # fmt: skip
    found.at = lambda who: factories.sign_in(Client(), who)
    return found


def asked(office, **values):
    return factories.task(office.lin, by=actor_of(office.boss.pk), **values)


def do(who, verb, task, **params):
    """What was refused, "" for nothing."""
    outcome = perform(getattr(tasks, verb), [task.pk], by=actor_of(who.pk), params=params)
    task.refresh_from_db()
    return next((r.text for r in outcome.refused.values()), "")


def told(who):
    return list(Notice.objects.filter(person=who).order_by("pk").values_list("title", flat=True))


def test_a_task_given_on_the_screen_is_taken_reported_handed_in_and_confirmed(office):
    boss, lin = office.at(office.boss), office.at(office.lin)
    form = {"name": "整理展会名单", "owner": str(office.lin.pk), "due_on": str(clock.today() + timedelta(days=4)),
            "wanted": "周五前名单发给我", "weight": "high", "helpers-0-person": str(office.he.pk),
            "request_key": "k"}  # fmt: skip
    assert boss.post(f"{LIST}new/", form).status_code == 302
    task = AssignedTask.objects.get()
    assert (task.state, task.assigner, task.owner) == ("asked", office.boss, office.lin)
    assert "签收：整理展会名单" in lin.get("/").text
    lin.post(f"{LIST}do/accept/", {"id": task.pk})
    lin.post(f"{LIST}do/report/", {"id": task.pk, "progress": "60", "text": "还差两家"})
    assert "确认办结" not in boss.get("/").text
    lin.post(f"{LIST}do/hand_in/", {"id": task.pk, "result": "名单在共享盘"})
    task.refresh_from_db()
    assert (task.state, task.progress, task.done_at) == ("handed_in", 100, None), "done waits for who asked"
    assert "确认办结：整理展会名单" in boss.get("/").text
    page = boss.get(f"{LIST}{task.pk}/").text
    assert "等陆建国确认办结。" in page
    assert "还差两家" in page
    boss.post(f"{LIST}do/confirm/", {"id": task.pk, "rating": "good"})
    task.refresh_from_db()
    assert (task.state, task.rating, task.result) == ("done", "good", "名单在共享盘")
    assert list(Report.objects.values_list("progress", "person__name")) == [(60, "林知夏"), (100, "林知夏")]
    assert told(office.lin) == ["交办：整理展会名单", "已确认办结：整理展会名单"]
    assert told(office.boss) == [
        "已签收：整理展会名单", "进度 60%：整理展会名单", "请确认办结：整理展会名单",
    ]  # fmt: skip


def test_who_cannot_do_it_answers_and_it_is_given_to_another(office):
    task = asked(office)
    assert do(office.lin, "answer", task, reason="下周出差") == ""
    assert task.state == "answered"
    assert "承办人办不了：整理展会名单" in office.at(office.boss).get("/").text
    later = str(clock.today() + timedelta(days=7))
    assert do(office.boss, "reassign", task, to=office.other.pk, until=later) == "这个人不在你能交办的范围里，换一位。"
    assert do(office.boss, "reassign", task, to=office.he.pk, until="2020-01-01") == "「时限」已经过了。"
    assert do(office.boss, "reassign", task, to=office.he.pk, until=later) == ""
    assert (task.state, task.owner, str(task.due_on)) == ("asked", office.he, later)
    assert do(office.he, "accept", task) == ""


def test_what_is_not_yet_wanted_goes_back_and_stays_with_who_does_it(office):
    task = asked(office)
    do(office.lin, "accept", task)
    do(office.lin, "hand_in", task, result="好了")
    assert do(office.boss, "send_back", task, reason="缺电话") == ""
    assert (task.state, task.owner) == ("doing", office.lin)
    assert told(office.lin)[-1] == "退回再办：整理展会名单"


def test_each_does_only_his_own_part_of_it(office):
    task = asked(office, helpers=[{"person": office.he.pk}])
    assert do(office.boss, "accept", task) == "这件事不是交给你的，由承办人来办。"
    do(office.lin, "accept", task)
    assert do(office.he, "report", task, progress=10, text="我") == "这件事不是交给你的，由承办人来办。"
    do(office.lin, "hand_in", task, result="好了")
    for who in (office.lin, office.he):
        assert do(who, "confirm", task) == "不是你交办的，由交办人来定。"
        assert do(who, "void", task, reason="x") == "不是你交办的，由交办人来定。"
    assert task.state == "handed_in"
    assert office.at(office.he).get(f"{LIST}{task.pk}/").status_code == 200, "who helps sees it"
    assert office.at(office.other).get(f"{LIST}{task.pk}/").status_code == 404


def test_nobody_is_given_work_by_who_may_not_or_for_a_day_that_is_over(office):
    def said(by, owner, due_on=None):
        row = {"name": "x", "owner": owner.pk, "due_on": str(due_on or clock.today()), "wanted": "y"}
        return next((r.field for r in perform(tasks.create, by=actor_of(by.pk), rows=[row]).refused.values()), "")

    assert said(office.lin, office.boss) == "owner"
    assert said(office.boss, office.other) == "owner"
    assert said(office.boss, office.lin, clock.today() - timedelta(days=1)) == "due_on"
    assert said(office.lin, office.lin) == "", "one notes down one's own"


def test_what_is_over_its_day_is_told_once_to_who_does_it_and_who_asked(office):
    with time_machine.travel("2026-11-25 09:00+08:00", tick=False):
        task = asked(office)
        done = asked(office, name="已办的")
        for verb, params in (("accept", {}), ("hand_in", {"result": "好"})):
            do(office.lin, verb, done, **params)
        do(office.boss, "confirm", done)
        assert tasks.every_hour() == 0
    with time_machine.travel("2026-11-27 09:00+08:00", tick=False):
        assert (tasks.every_hour(), tasks.every_hour()) == (1, 0)
        title = "交办超期 2 天：整理展会名单"
        assert (told(office.lin)[-1], told(office.boss)[-1]) == (title, title)
        assert "超期 2 天。" in office.at(office.lin).get(f"{LIST}{task.pk}/").text
        do(office.boss, "reassign", task, to=office.lin.pk, until="2026-11-28")
    with time_machine.travel("2026-11-30 09:00+08:00", tick=False):
        assert tasks.every_hour() == 1, "another day is another promise"
