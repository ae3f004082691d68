"""跨部门需求: asked of a department, answered within 48 hours or taken up to its head at that hour (C-FLOW-07)."""

import re
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
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator, Person, Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.references import unseen
from neiqin.modules.requests import fields
from neiqin.modules.requests.models import (
    ANSWERED,
    ASKED,
    DECLINED,
    DONE,
    LATE,
    MET,
    NUMBERS,
    RUNS,
    VOID,
    WARN_BEFORE,
    DepartmentRequest,
    above,
)

KEY, URL = "requests.departmentrequest", "/requests/departmentrequest/"
VIEW, CREATE, DO = "requests.view", "requests.create", "requests.do"
TOLD = Kind("requests.asked", "跨部门需求", MAIL)
NEWS = Kind("requests.news", "跨部门需求的答复")
DUE = Kind("requests.due", "跨部门需求 48 小时", MAIL)
REQUEST = Shape(fields.REQUEST)
WHY = Field("reason", "原因", required=True, maxlength=300, span=2)
CHUNK = 200
# Words that say it was read, and nothing else.
NOTHING = re.compile(r"(收到|好的?|知道了?|了解|明白|已阅|稍等|马上|ok|嗯|行|在看|谢谢|[，。！!,.、\s])*", re.I)


def _fit(batch: NewBatch[DepartmentRequest]) -> Mapping[int, Refusal]:
    text = Refusal("「哪天要」已经过了，换一天。", "need_on")
    early = {p: text for p, row in batch.rows.items() if row["need_on"] < clock.today()}
    return unseen(REQUEST, batch.rows, batch.by) | early


def _made(batch: NewBatch[DepartmentRequest]) -> None:
    heads = _heads(batch.records)
    _let_in((r.pk, p) for r in batch.records for p in (r.asker_id, heads.get(r.unit_id)) if p)
    names = dict(Unit.objects.filter(pk__in={r.asker_unit_id for r in batch.records}).values_list("pk", "name"))
    tell_each([
        News(r.owner_id, f"{names.get(r.asker_unit_id or 0, '')}的需求：{r.name}",
             f"{clock.local(r.answer_due_at):%m-%d %H:%M} 前答复，{r.need_on} 要。{r.what}"[:200], f"{URL}{r.pk}/",
             TOLD.name, about=(KEY, r.pk), run=batch.run)
        for r in batch.records if r.owner_id != batch.by.id
    ])  # fmt: skip


def _heads(requests: Iterable[DepartmentRequest]) -> dict[int, int]:
    rows = Unit.objects.filter(pk__in={r.unit_id for r in requests}, leader__isnull=False)
    return dict(rows.values_list("pk", "leader_id"))


def _let_in(pairs: Iterable[tuple[int, int]]) -> None:
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=request, person_id=person) for request, person in sorted(set(pairs))],
        ignore_conflicts=True,
    )


create = creating(DepartmentRequest, REQUEST, numbers=NUMBERS, check=_fit, after=_made, label="提需求", may=CREATE)


def _for_department(requests: Batch[DepartmentRequest]) -> None:
    """Who was asked, or the department's head, answers; nobody else."""
    heads = _heads(requests)
    text = "由被找的人或他的部门负责人来办。"
    by = requests.by.id
    requests.refuse({r.pk: text for r in requests if by not in (r.owner_id, heads.get(r.unit_id))})


def _tell(requests: Batch[DepartmentRequest], words: str, text: str) -> None:
    tell_each([
        News(r.asker_id, f"{words}：{r.name}", text[:200], f"{URL}{r.pk}/", NEWS.name, about=(KEY, r.pk),
             run=requests.run)
        for r in requests if r.asker_id and r.asker_id != requests.by.id
    ])  # fmt: skip


def _substantive(requests: Batch[DepartmentRequest], text: str, field: str) -> None:
    """An answer says what will be done, or why not: 「收到」 stops no clock."""
    if NOTHING.fullmatch(text):
        said = f"「{text[:10]}」不算答复。写明能不能办、怎么办，计时才停。"
        requests.refuse(dict.fromkeys(requests.ids, Refusal(said, field)))


def _answered(requests: Batch[DepartmentRequest], text: str) -> None:
    """The first answer stops the 48 hours; at the very hour it is too late, whether or not the worker came round."""
    requests.set(answer=text, answered_at=requests.now)
    requests.set_each("timely", {r.pk: MET if requests.now < r.answer_due_at else LATE for r in requests})
    requests.tell({i: {"note": text[:200]} for i in requests.ids})


@action(DepartmentRequest, "答复", may=DO, from_=ASKED, to=ANSWERED, event="answered", icon="message", primary=True,
        bulk=False, key="A")  # fmt: skip
def answer(
    requests: Batch[DepartmentRequest],
    *,
    text: Annotated[str, Field("text", "答复", "long", required=True, maxlength=1000, span=2, help="怎么办、给什么")],
    promised_on: Annotated[date, Field("promised_on", "哪天给", "date", required=True)],
) -> None:
    """What will be done and by when."""
    _for_department(requests)
    _substantive(requests, text, "text")
    if promised_on < clock.today():
        requests.refuse(dict.fromkeys(requests.ids, Refusal("「哪天给」已经过了，换一天。", "promised_on")))
    later = {r.pk: f"，比要的晚 {(promised_on - r.need_on).days} 天" for r in requests if promised_on > r.need_on}
    _answered(requests, text)
    requests.set(promised_on=promised_on)
    for pk in requests.ids:
        requests.tell({pk: {"note": f"{promised_on} 给{later.get(pk, '')}。{text}"[:200]}})
    _tell(requests, f"答复了，{promised_on:%m-%d} 给", text)


@action(DepartmentRequest, "办不了", may=DO, from_=ASKED, to=DECLINED, event="declined", icon="x", bulk=False)
def decline(requests: Batch[DepartmentRequest], *, reason: Annotated[str, WHY]) -> None:
    """No, and why: an answer too."""
    _for_department(requests)
    _substantive(requests, reason, "reason")
    _answered(requests, reason)
    _tell(requests, "办不了", reason)


@action(DepartmentRequest, "转给同事", may=DO, from_=(ASKED, ANSWERED), event="passed_on", icon="share", bulk=False)
def pass_on(
    requests: Batch[DepartmentRequest],
    *,
    to: Annotated[int, Field("to", "转给谁", "person", ref="people.person", required=True)],
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2)] = "",
) -> None:
    """Another of the department answers; the 48 hours go on."""
    _for_department(requests)
    units = {u.pk: u for u in Unit.objects.all()}
    person = Person.objects.filter(pk=to, left_on=None).first()
    inside = above(person.unit_id, units) if person else ()
    text = Refusal("只能转给同一个部门的人。要换部门，请提出人撤回重提。", "to")
    requests.refuse({r.pk: text for r in requests if r.unit_id not in inside})
    if person is None:
        return
    _let_in((r.pk, r.owner_id) for r in requests)
    requests.set(owner_id=person.pk)
    requests.tell({i: {"note": f"{person.name}{'，' + note if note else ''}"} for i in requests.ids})
    tell_each([
        News(person.pk, f"转给你的需求：{r.name}", note, f"{URL}{r.pk}/", TOLD.name, about=(KEY, r.pk),
             run=requests.run)
        for r in requests if person.pk != requests.by.id
    ])  # fmt: skip


@action(DepartmentRequest, "办结", may=DO, from_=ANSWERED, to=DONE, event="done", icon="circle-check", primary=True,
        bulk=False)  # fmt: skip
def finish(
    requests: Batch[DepartmentRequest],
    *,
    result: Annotated[str, Field("result", "结果", "long", required=True, maxlength=1000, span=2)],
) -> None:
    """What was asked for is there."""
    _for_department(requests)
    requests.set(result=result, done_at=requests.now)
    requests.tell({i: {"note": result[:200]} for i in requests.ids})
    _tell(requests, "办好了", result)


@action(DepartmentRequest, "撤回", may=VIEW, from_=(ASKED, ANSWERED), to=VOID, event="voided", icon="circle-x",
        danger=True, bulk=False)  # fmt: skip
def void(requests: Batch[DepartmentRequest], *, reason: Annotated[str, WHY]) -> None:
    """By who asked; of what was not answered yet nothing counts, late or not stays as it is."""
    requests.refuse({r.pk: "不是你提的，由提出人撤回。" for r in requests if r.asker_id != requests.by.id})
    requests.tell({i: {"reason": reason} for i in requests.ids})
    tell_each([
        News(r.owner_id, f"需求撤回：{r.name}", reason, f"{URL}{r.pk}/", NEWS.name, about=(KEY, r.pk), run=requests.run)
        for r in requests if r.owner_id != requests.by.id
    ])  # fmt: skip


@action(DepartmentRequest, "提醒快到 48 小时", may=DO, from_=ASKED, event="warned", button=False, bulk=False,
        icon="clock")  # fmt: skip
def warn(requests: Batch[DepartmentRequest]) -> None:
    """Twelve hours are left: who is to answer hears of it, once."""
    requests.set(warned=True)
    tell_each([
        News(r.owner_id, f"还有 {_left(r)} 小时要答复：{r.name}",
             f"{clock.local(r.answer_due_at):%m-%d %H:%M} 满 48 小时，到时上报部门负责人。", f"{URL}{r.pk}/",
             DUE.name, about=(KEY, r.pk), run=requests.run, key=f"warn-{r.pk}")
        for r in requests
    ])  # fmt: skip


def _left(request: DepartmentRequest) -> int:
    return max(round((request.answer_due_at - clock.now()).total_seconds() / 3600), 1)


@action(DepartmentRequest, "48 小时没有答复，上报", may=DO, from_=ASKED, event="escalated", button=False, bulk=False,
        icon="flag")  # fmt: skip
def escalate(requests: Batch[DepartmentRequest]) -> None:
    """The time is over: the head of the department hears of it, in quiet hours too; where the head himself has not
    answered, also the head above. It counts as late whatever comes."""
    requests.set(timely=LATE, escalated_at=requests.now)
    units = {u.pk: u for u in Unit.objects.all()}
    news = []
    for one in requests:
        up = [h for u in above(one.unit_id, units) if (h := units[u].leader_id)]
        heads = up[:1] if one.owner_id not in up[:1] else list(dict.fromkeys(up))[:2]
        _let_in((one.pk, head) for head in heads)
        asked = f"{one.asker.name} {clock.local(one.created_at):%m-%d %H:%M} 提出" if one.asker else ""
        news += [
            News(person, f"48 小时没有答复：{one.name}", f"{units[one.unit_id].name}，{asked}。{one.need_on} 要。",
                 f"{URL}{one.pk}/", DUE.name, urgent=True, about=(KEY, one.pk), run=requests.run, key=f"late-{one.pk}")
            for person in dict.fromkeys((*heads, one.owner_id, one.asker_id)) if person
        ]  # fmt: skip
    tell_each(news)


def every_minute() -> int:
    """Warn of what is near, take up what is over. Gives how many."""
    now = clock.now()
    rows = DepartmentRequest.objects.filter(state=ASKED, timely=RUNS).order_by("pk")
    over = list(rows.filter(answer_due_at__lte=now).values_list("pk", flat=True))
    near = rows.filter(answer_due_at__gt=now, answer_due_at__lte=now + WARN_BEFORE, warned=False)
    soon = list(near.values_list("pk", flat=True))
    for verb, ids in ((escalate, over), (warn, soon)):
        _each(verb, ids)
    return len(over) + len(soon)


def _each(verb: Any, ids: Sequence[int]) -> None:
    for start in range(0, len(ids), CHUNK):
        perform(verb, ids[start : start + CHUNK], by=SYSTEM, source="worker")
