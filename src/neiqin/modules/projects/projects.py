"""项目: set up, changed, told about each week, brought to an end; its light is worked out whenever it is looked at."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator
from neiqin.kernel.resources.references import unseen
from neiqin.kernel.resources.resource import Mark
from neiqin.modules.projects import fields
from neiqin.modules.projects.models import (
    DONE,
    HIGH,
    NUMBERS,
    RUNNING,
    STOPPED,
    Member,
    Milestone,
    Project,
    Risk,
    Week,
)

KEY, URL = "projects.project", "/projects/project/"
VIEW, EDIT = "projects.view", "projects.edit"
TOLD = Kind("projects.member", "跨部门项目", MAIL)
LINES = (
    Lines("milestones", "里程碑", Milestone, "project", fields.MILESTONE, 1, "加里程碑"),
    Lines("members", "成员", Member, "project", fields.MEMBER, 0, "加成员"),
    Lines("risks", "风险", Risk, "project", fields.RISK, 0, "加风险"),
)
PROJECT = Shape(fields.PROJECT, LINES)
RED, AMBER, GREEN = "bad", "warn", "ok"
WORDS = {RED: "红", AMBER: "黄", GREEN: "绿"}
QUIET = 7  # days without a word


class Light(NamedTuple):
    """How a project stands: red, amber or green, and why in a sentence."""

    tone: str
    why: str


def lights(ids: Sequence[int]) -> dict[int, Light]:
    """project -> its light today, of those that run; one query for any number. Red: past its day, or with a high risk.
    Amber: a milestone is late, or nobody has said for a week how it stands."""
    today = clock.today()
    late = Milestone.objects.filter(project=OuterRef("pk"), done_on=None, due_on__lt=today).order_by("due_on", "pk")
    high = Risk.objects.filter(project=OuterRef("pk"), closed=False, level=HIGH).order_by("pk")
    said = Week.objects.filter(project=OuterRef("pk")).order_by("-pk")
    rows = Project.objects.filter(pk__in=ids, state=RUNNING).annotate(
        milestone=Subquery(late.values("name")[:1]), since=Subquery(late.values("due_on")[:1]),
        risk=Subquery(high.values("text")[:1]), said_at=Coalesce(Subquery(said.values("at")[:1]), F("created_at")),
    )  # fmt: skip
    found = {}
    for pk, *told in rows.values_list("pk", "due_on", "risk", "milestone", "since", "said_at"):
        found[pk] = _light(today, *told)
    return found


def _light(today: date, due: date, risk: str | None, milestone: str | None, since: date, said_at: datetime) -> Light:
    if due < today:
        return Light(RED, f"超期 {(today - due).days} 天")
    if risk:
        return Light(RED, f"高风险：{risk}")
    if milestone:
        return Light(AMBER, f"里程碑「{milestone}」晚 {(today - since).days} 天")
    quiet = (today - clock.local(said_at).date()).days
    return Light(AMBER, f"{quiet} 天没有说过情况") if quiet > QUIET else Light(GREEN, "按计划")


def marks(ids: Sequence[int]) -> dict[int, Mark]:
    """What is red or amber says so wherever it is listed."""
    return {pk: Mark(light.why, light.why, light.tone) for pk, light in lights(ids).items() if light.tone != GREEN}


def _fit(batch: NewBatch[Project]) -> Mapping[int, Refusal]:
    backwards = {
        p: Refusal("「要完成」早于「开始」，改其中一个。", "due_on")
        for p, row in batch.rows.items() if row["due_on"] < row["start_on"]
    }  # fmt: skip
    return unseen(PROJECT, batch.rows, batch.by) | backwards


def _still_fit(batch: Batch[Project], changes: Changes) -> Mapping[int, Refusal]:
    problems = unseen(PROJECT, changes, batch.by)
    for project in batch:
        start = changes[project.pk].get("start_on") or project.start_on
        if (changes[project.pk].get("due_on") or project.due_on) < start:
            problems.setdefault(project.pk, Refusal("「要完成」早于「开始」，改其中一个。", "due_on"))
    return problems


def _changed(batch: Batch[Project], changes: Changes) -> None:
    _let_in(batch)


def _let_in(batch: Batch[Project]) -> None:
    """Members see the project, and those who are new hear of it."""
    projects = {p.pk: p for p in batch}
    rows = Member.objects.filter(project__in=projects).values_list("project_id", "person_id")
    leads = {(pk, person) for pk, person in Milestone.objects.filter(project__in=projects).values_list(
        "project_id", "person_id") if person}  # fmt: skip
    wanted = set(rows) | leads
    known = set(Collaborator.objects.filter(model=KEY, record_id__in=projects).values_list("record_id", "person_id"))
    fresh = sorted(wanted - known)
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=project, person_id=person) for project, person in fresh],
        ignore_conflicts=True,
    )
    tell_each([
        News(person, f"你在项目里：{projects[pk].name}", f"{projects[pk].due_on} 前。{projects[pk].goal}"[:200],
             f"{URL}{pk}/", TOLD.name, about=(KEY, pk), run=batch.run)
        for pk, person in fresh if person != batch.by.id
    ])  # fmt: skip


create = creating(Project, PROJECT, numbers=NUMBERS, check=_fit, after=_let_in, label="立项")
edit = editing(Project, PROJECT, check=_still_fit, after=_changed, label="修改项目", from_=frozenset({RUNNING}))


@action(Project, "说一周情况", may=VIEW, from_=RUNNING, event="told", icon="message", primary=True, bulk=False)
def tell(
    projects: Batch[Project],
    *,
    text: Annotated[
        str, Field("text", "本周情况", required=True, maxlength=500, span=2, help="做了什么，卡在哪里，下周做什么")
    ],
) -> None:
    """How it stands this week; whoever takes part may say it."""
    Week.objects.bulk_create(Week(project=p, person_id=projects.by.id, at=projects.now, text=text) for p in projects)
    projects.tell({i: {"note": text[:200]} for i in projects.ids})
    projects.unchanged_but_told()


@action(Project, "完成", may=EDIT, from_=RUNNING, to=DONE, event="done", icon="circle-check", bulk=False)
def finish(projects: Batch[Project]) -> None:
    """Every milestone has been reached."""
    open_ = dict(
        Milestone.objects.filter(project__in=projects.ids, done_on=None)
        .order_by("-due_on")
        .values_list("project_id", "name")
    )
    projects.refuse({pk: f"里程碑「{name}」还没有到达，先填「到达了」。" for pk, name in open_.items()})
    projects.set(ended_on=clock.today())


@action(Project, "中止", may=EDIT, from_=RUNNING, to=STOPPED, event="stopped", icon="circle-x", danger=True, bulk=False)
def stop(
    projects: Batch[Project], *, reason: Annotated[str, Field("reason", "原因", required=True, maxlength=200)]
) -> None:
    """It is not wanted any more."""
    projects.set(ended_on=clock.today())
    projects.tell({i: {"reason": reason} for i in projects.ids})


def standing(project: Any) -> Light | None:
    """The light of one project; None once it has ended."""
    return lights([project.pk]).get(project.pk)
