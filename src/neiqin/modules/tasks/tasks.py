"""交办: told, taken or answered, reported, handed in, confirmed or sent back; what is late goes to who asked for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator, Person
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.references import unseen
from neiqin.modules.tasks import fields
from neiqin.modules.tasks.models import (
    ANSWERED,
    ASKED,
    DOING,
    DONE,
    HANDED_IN,
    NUMBERS,
    OPEN,
    RATINGS,
    URGENT,
    VOID,
    AssignedTask,
    Helper,
    Report,
)

KEY, URL = "tasks.assignedtask", "/tasks/assignedtask/"
VIEW, CREATE, DO = "tasks.view", "tasks.create", "tasks.do"
ASK = Kind("tasks.asked", "交办事项", MAIL)
NEWS = Kind("tasks.news", "交办事项的进展")
LATE = Kind("tasks.late", "交办事项超期", MAIL)
TASK = Shape(fields.TASK, (Lines("helpers", "协办", Helper, "task", fields.HELPER, 0, "加协办人"),))
WHY = Field("reason", "原因", required=True, maxlength=200)
CHUNK = 200


def _fit(batch: NewBatch[AssignedTask]) -> Mapping[int, Refusal]:
    early = {
        p: Refusal("「时限」已经过了。", "due_on") for p, row in batch.rows.items() if row["due_on"] < clock.today()
    }
    return unseen(TASK, batch.rows, batch.by) | early


def _made(batch: NewBatch[AssignedTask]) -> None:
    _let_in(batch.records)
    _ask(batch.records, batch)


def _let_in(tasks: Sequence[AssignedTask]) -> None:
    """Who asked and who helps see the task."""
    helpers = Helper.objects.filter(task__in=[t.pk for t in tasks]).values_list("task_id", "person_id")
    pairs = {(t.pk, t.assigner_id) for t in tasks if t.assigner_id} | set(helpers)
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=task, person_id=person) for task, person in sorted(pairs)],
        ignore_conflicts=True,
    )


def _ask(tasks: Iterable[AssignedTask], batch: Any) -> None:
    told = [
        News(t.owner_id, f"交办：{t.name}", f"{t.due_on} 前。{t.wanted}"[:200], f"{URL}{t.pk}/", ASK.name,
             urgent=t.weight == URGENT, about=(KEY, t.pk), run=batch.run)
        for t in tasks if t.owner_id != batch.by.id
    ]  # fmt: skip
    tell_each(told)


create = creating(AssignedTask, TASK, numbers=NUMBERS, check=_fit, after=_made, label="交办", may=CREATE)


def _by_doer(tasks: Batch[AssignedTask]) -> None:
    tasks.refuse({t.pk: "这件事不是交给你的，由承办人来办。" for t in tasks if t.owner_id != tasks.by.id})


def _by_assigner(tasks: Batch[AssignedTask]) -> None:
    tasks.refuse({t.pk: "不是你交办的，由交办人来定。" for t in tasks if t.assigner_id != tasks.by.id})


def _tell_assigner(tasks: Batch[AssignedTask], words: str, text: str = "") -> None:
    _tell(tasks, {t.pk: t.assigner_id for t in tasks}, NEWS, words, text)


def _tell_doer(tasks: Batch[AssignedTask], words: str, text: str = "") -> None:
    _tell(tasks, {t.pk: t.owner_id for t in tasks}, ASK, words, text)


def _tell(tasks: Batch[AssignedTask], whom: Mapping[int, int | None], kind: Kind, words: str, text: str) -> None:
    """task -> person; nobody is told of what he did himself."""
    tell_each([
        News(to, f"{words}：{t.name}", text, f"{URL}{t.pk}/", kind.name, about=(KEY, t.pk), run=tasks.run)
        for t in tasks if (to := whom[t.pk]) and to != tasks.by.id
    ])  # fmt: skip


@action(AssignedTask, "签收", may=DO, from_=ASKED, to=DOING, event="accepted", icon="check", primary=True, key="S")
def accept(tasks: Batch[AssignedTask]) -> None:
    """He will do it by then."""
    _by_doer(tasks)
    _tell_assigner(tasks, "已签收")


@action(AssignedTask, "办不了，说明情况", may=DO, from_=(ASKED, DOING), to=ANSWERED, event="answered",
        icon="message", bulk=False)  # fmt: skip
def answer(tasks: Batch[AssignedTask], *, reason: Annotated[str, WHY]) -> None:
    """It goes back to who asked, with the reason: he gives it to another, gives more time, or drops it."""
    _by_doer(tasks)
    tasks.tell({i: {"reason": reason} for i in tasks.ids})
    _tell_assigner(tasks, "办不了", reason)


@action(AssignedTask, "汇报", may=DO, from_=DOING, event="reported", icon="chart-bar", bulk=False)
def report(
    tasks: Batch[AssignedTask],
    *,
    progress: Annotated[int, Field("progress", "进度 %", "number", min=0, max=100, required=True)],
    text: Annotated[str, Field("text", "说明", required=True, maxlength=300, span=2)],
) -> None:
    """How far it is. Who asked is told; the reports stay."""
    _by_doer(tasks)
    _log(tasks, progress, text)
    tasks.set(progress=progress)
    tasks.tell({i: {"note": f"{progress}%，{text}"} for i in tasks.ids})
    _tell_assigner(tasks, f"进度 {progress}%", text)


def _log(tasks: Batch[AssignedTask], progress: int, text: str) -> None:
    Report.objects.bulk_create(
        Report(task=t, person_id=tasks.by.id, at=tasks.now, progress=progress, text=text) for t in tasks
    )


@action(AssignedTask, "申请办结", may=DO, from_=DOING, to=HANDED_IN, event="handed_in", icon="send", primary=True,
        bulk=False)  # fmt: skip
def hand_in(
    tasks: Batch[AssignedTask],
    *,
    result: Annotated[str, Field("result", "结果", "long", required=True, maxlength=1000, span=2)],
) -> None:
    """What has come out; it is done when who asked says so."""
    _by_doer(tasks)
    _log(tasks, 100, result[:300])
    tasks.set(result=result, progress=100)
    tasks.tell({i: {"note": result[:200]} for i in tasks.ids})
    _tell_assigner(tasks, "请确认办结", result[:200])


@action(AssignedTask, "确认办结", may=VIEW, from_=HANDED_IN, to=DONE, event="confirmed", icon="circle-check",
        primary=True)  # fmt: skip
def confirm(
    tasks: Batch[AssignedTask], *, rating: Annotated[str, Field("rating", "评价", "choice", choices=RATINGS)] = ""
) -> None:
    """Who asked has what he wanted."""
    _by_assigner(tasks)
    tasks.set(rating=rating, done_at=tasks.now)
    _tell_doer(tasks, "已确认办结")


@action(AssignedTask, "退回再办", may=VIEW, from_=HANDED_IN, to=DOING, event="sent_back", icon="arrow-back-up",
        bulk=False)  # fmt: skip
def send_back(tasks: Batch[AssignedTask], *, reason: Annotated[str, WHY]) -> None:
    """Not yet what was wanted."""
    _by_assigner(tasks)
    tasks.tell({i: {"reason": reason} for i in tasks.ids})
    _tell_doer(tasks, "退回再办", reason)


@action(AssignedTask, "改派、改时限", may=VIEW, from_=(ASKED, DOING, ANSWERED), to=ASKED, event="reassigned",
        icon="user-check", bulk=False)  # fmt: skip
def reassign(
    tasks: Batch[AssignedTask],
    *,
    to: Annotated[int, fields.owner.but(name="to", list=False, filter=False, role="")],
    until: Annotated[date, fields.due_on.but(name="until", list=False, filter=False, role="")],
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2)] = "",
) -> None:
    """To another, or with more time; it is to be taken again."""
    _by_assigner(tasks)
    person, scope = Person.objects.filter(pk=to, left_on=None).first(), tasks.by.scope(CREATE)
    if person is None or scope is None or not scope.covers(person.pk, person.unit_id):
        tasks.refuse(dict.fromkeys(tasks.ids, Refusal("这个人不在你能交办的范围里，换一位。", "to")))
    elif until < clock.today():
        tasks.refuse(dict.fromkeys(tasks.ids, Refusal("「时限」已经过了。", "until")))
    else:
        tasks.set(owner_id=person.pk, unit_id=person.unit_id, due_on=until, told_late=False)
        for task in tasks:
            task.owner_id, task.due_on = person.pk, until
    tasks.tell({i: {"note": note} for i in tasks.ids if note})
    _ask(tasks, tasks)


@action(AssignedTask, "取消", may=VIEW, from_=OPEN, to=VOID, event="voided", icon="circle-x", danger=True)
def void(tasks: Batch[AssignedTask], *, reason: Annotated[str, WHY]) -> None:
    """It need not be done any more."""
    _by_assigner(tasks)
    tasks.tell({i: {"reason": reason} for i in tasks.ids})
    _tell_doer(tasks, "交办取消", reason)


@action(AssignedTask, "标记超期", may=DO, from_=OPEN, event="late", button=False, bulk=False, icon="clock")
def mark_late(tasks: Batch[AssignedTask]) -> None:
    """Over its day and not done: who does it, who asked, and the leader of the doer's unit hear of it, once for a
    day."""
    tasks.set(told_late=True)
    leaders = dict(Person.objects.filter(pk__in=[t.owner_id for t in tasks]).values_list("pk", "unit__leader_id"))
    news = []
    for task in tasks:
        days = (clock.today() - task.due_on).days
        people = dict.fromkeys(p for p in (task.owner_id, task.assigner_id, leaders.get(task.owner_id)) if p)
        news += [
            News(p, f"交办超期 {days} 天：{task.name}", f"时限 {task.due_on}", f"{URL}{task.pk}/", LATE.name,
                 about=(KEY, task.pk), run=tasks.run, key=f"late-{task.pk}-{task.due_on}")
            for p in people
        ]  # fmt: skip
    tell_each(news)


def every_hour() -> int:
    """Find what is over its day and has not been told. Gives how many."""
    rows = AssignedTask.objects.filter(state__in=OPEN, told_late=False, due_on__lt=clock.today())
    ids = sorted(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        perform(mark_late, ids[start : start + CHUNK], by=SYSTEM, source="worker")
    return len(ids)
