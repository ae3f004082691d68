"""Cross-department projects through the screens: set up, amber when a milestone is late, told about, ended."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.projects import looking, projects
from neiqin.modules.projects.models import Milestone, Project, Week
from neiqin.modules.tasks import tasks
from neiqin.modules.tasks.models import AssignedTask
from tests import factories

pytestmark = pytest.mark.django_db
TODAY = "2026-11-25T02:00:00Z"


@pytest.fixture
def house():
    """A leader, one of another department who takes part, one who does not."""
    own = {f"projects_{r}": "own" for r in ("view", "create", "edit")}
    own |= {f"tasks_{r}": "own" for r in ("view", "create", "do")} | {"tasks_create": "all"}
    position = factories.position("经理", **own)
    found = SimpleNamespace(**{
        name: factories.person(label, unit_=factories.unit(unit), position_=position)
        for name, label, unit in (
            ("boss", "陆建国", "销售部"), ("store", "冯师傅", "仓储部"), ("other", "外人", "行政部"),
        )
    })  # fmt: skip
    found.at = lambda who: factories.sign_in(Client(), who)
    return found


def text(answer) -> str:
    return answer.content.decode()


def day(days: int) -> str:
    return str(clock.today() + timedelta(days=days))


def set_up(house, **values) -> Project:
    form = {
        "name": "华东仓搬迁", "owner": house.boss.pk, "start_on": day(0), "due_on": day(30), "goal": "搬完，不停发货",
        "milestones-0-name": "签好租约", "milestones-0-due_on": day(10), "milestones-0-person": house.store.pk,
        "members-0-person": house.store.pk, "members-0-part": "盘点和搬货", "request_key": "p",
    }  # fmt: skip
    answer = house.at(house.boss).post(f"{projects.URL}new/", form | values)
    assert answer.status_code == 302, text(answer)
    return Project.objects.get()


@pytest.mark.clause("C-FLOW-14")
def test_a_task_given_on_the_phone_is_answered_and_confirmed_and_a_project_with_a_late_milestone_is_amber(house):
    with time_machine.travel(TODAY, tick=False):
        project = set_up(house)
        form = {"name": "量好新仓的货架", "owner": house.store.pk, "due_on": day(3), "wanted": "尺寸表",
                "weight": "high", "project": project.pk, "request_key": "t"}  # fmt: skip
        phone = house.at(house.boss)
        phone.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile"
        assert phone.post(f"{tasks.URL}new/", form).status_code == 302
        task = AssignedTask.objects.get()
        assert (task.state, task.project_id) == ("asked", project.pk)
        assert "签收：量好新仓的货架" in text(house.at(house.store).get("/"))
        house.at(house.store).post(f"{tasks.URL}{task.pk}/accept/", {})
        house.at(house.store).post(f"{tasks.URL}{task.pk}/hand_in/", {"result": "尺寸表在附件里"})
        assert AssignedTask.objects.get().state == "handed_in", "done waits for the leader's confirmation"
        assert "确认办结：量好新仓的货架" in text(house.at(house.boss).get("/"))
        house.at(house.boss).post(f"{tasks.URL}{task.pk}/confirm/", {})
        assert AssignedTask.objects.get().state == "done"
        assert 'data-light="ok"' in text(house.at(house.boss).get(looking.BOARD))
    with time_machine.travel("2026-12-08T02:00:00Z", tick=False):
        house.at(house.store).post(f"{projects.URL}{project.pk}/tell/", {"text": "房东还没盖章"})
        board = text(house.at(house.boss).get(looking.BOARD))
        for said in ('data-light="warn"', "黄", "里程碑「签好租约」晚 3 天", "0/1", "12-08 房东还没盖章"):
            assert said in board
        assert "里程碑「签好租约」晚 3 天" in text(house.at(house.boss).get(projects.URL)), "on the list too"
        assert "里程碑：签好租约" in text(house.at(house.store).get("/"))
        line = Milestone.objects.get()
        change = {"milestones-0-id": line.pk, "milestones-0-name": line.name, "milestones-0-due_on": str(line.due_on),
                  "milestones-0-done_on": day(0), "version": project.version}  # fmt: skip
        form = {"name": project.name, "start_on": str(project.start_on), "due_on": str(project.due_on),
                "goal": project.goal}  # fmt: skip
        answer = house.at(house.boss).post(f"{projects.URL}{project.pk}/edit/", form | change)
        assert answer.status_code == 302, text(answer)
        assert 'data-light="ok"' in text(house.at(house.boss).get(looking.BOARD))


def test_the_light_is_worked_out_for_all_at_once(house, django_assert_num_queries):
    with time_machine.travel(TODAY, tick=False):
        plain = factories.project()
        risky = factories.project(risks=[{"text": "租约谈不拢", "level": "high"}])
        safe = factories.project(risks=[{"text": "租约谈不拢", "level": "high", "closed": True}])
        ids = [plain.pk, risky.pk, safe.pk]
        with django_assert_num_queries(1):
            found = projects.lights(ids)
        assert [found[i] for i in ids] == [("ok", "按计划"), ("bad", "高风险：租约谈不拢"), ("ok", "按计划")]
    with time_machine.travel("2026-12-03T02:00:00Z", tick=False):
        assert projects.lights([plain.pk])[plain.pk] == ("warn", "8 天没有说过情况")
        assert perform(projects.tell, [plain.pk], by=SYSTEM, params={"text": "在找仓"}).done
        assert projects.lights([plain.pk])[plain.pk] == ("ok", "按计划")
    with time_machine.travel("2026-12-26T02:00:00Z", tick=False):
        assert projects.lights([plain.pk])[plain.pk] == ("bad", "超期 1 天")


def test_it_ends_when_every_milestone_is_reached_and_has_no_light_then(house):
    project = set_up(house)
    outcome = perform(projects.finish, [project.pk], by=actor_of(house.boss.pk))
    assert outcome.refused[project.pk].text == "里程碑「签好租约」还没有到达，先填「到达了」。"
    Milestone.objects.update(done_on=clock.today())
    assert perform(projects.finish, [project.pk], by=actor_of(house.boss.pk)).done
    assert (Project.objects.get().state, projects.lights([project.pk])) == ("done", {})
    assert "没有在做的项目" in text(house.at(house.boss).get(looking.BOARD))


def test_members_hear_of_it_and_see_it_and_nobody_else_does(house):
    project = set_up(house)
    assert Notice.objects.filter(person=house.store).latest("pk").title == "你在项目里：华东仓搬迁"
    assert house.at(house.store).get(f"{projects.URL}{project.pk}/").status_code == 200
    assert house.at(house.other).get(f"{projects.URL}{project.pk}/").status_code == 404
    assert "华东仓搬迁" not in text(house.at(house.other).get(looking.BOARD))
    refused = perform(projects.stop, [project.pk], by=actor_of(house.other.pk), params={"reason": "x"}).refused
    assert project.pk in refused
    assert Week.objects.count() == 0


def test_what_is_wrong_is_said(house):
    form = {"name": "x", "owner": house.boss.pk, "start_on": day(5), "due_on": day(0), "goal": "x",
            "milestones-0-name": "a", "milestones-0-due_on": day(1)}  # fmt: skip
    answer = text(house.at(house.boss).post(f"{projects.URL}new/", form))
    assert "「要完成」早于「开始」，改其中一个。" in answer
    assert not Project.objects.exists()
