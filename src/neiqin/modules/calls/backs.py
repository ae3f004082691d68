"""回电: promised in a call, reminded of in working time, told to the manager at its limit, closed with its delay
(C-OFF-12)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines import calendar, watch
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.deadlines.watch import Reminder
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, done, tell_each
from neiqin.kernel.people.models import Collaborator, Person, Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules.decide import decide
from neiqin.modules.calls import fields
from neiqin.modules.calls import states as s
from neiqin.modules.calls.models import CallBack
from neiqin.modules.customers.fields import LEVELS
from neiqin.modules.customers.models import Customer

KEY, URL = "calls.callback", "/calls/callback/"
DO = "calls.do"
ASKED = Kind("calls.callback", "请你回电", MAIL)
OVER = Kind("calls.callback_late", "回电到点没有打", MAIL)
NOBODY = "没登记"
SHARES = {"过半": 0.5, "到点": 1.0, "超一半": 1.5, "超一倍": 2.0}
ROW = Shape((
    Field("call", "来电", "number", required=True), Field("owner", "谁回电", "number", required=True),
    Field("promised_by", "谁答应的", "number"), Field("minutes", "分钟", "number", required=True),
    Field("promised_at", "答应的时间", "moment", required=True), Field("need", "对方要什么", "long"),
    fields.other.but(name="phone"), fields.who,
))  # fmt: skip
WHY = Field("reason", "原因", required=True, maxlength=200, span=2)


class Promise(NamedTuple):
    """Within how many working minutes, and at which share of them the manager hears of it."""

    minutes: int
    told: float


def promises(asked: Mapping[int, tuple[str, int | None]]) -> dict[int, Promise]:
    """id -> what the table 《回电承诺》 says for a topic and a customer, both may be missing."""
    levels = dict(Customer.objects.filter(pk__in={c for _, c in asked.values() if c}).values_list("pk", "level"))
    rows = [
        {
            "topic": label_of(s.TOPICS, topic or "other"),
            "customer": label_of(LEVELS, levels[c]) if c in levels else NOBODY,
        }
        for topic, c in asked.values()
    ]
    made = decide("call_promises", rows, clock.today())
    return {
        i: Promise(max(1, int(Decimal(d.outputs["hours"]) * 60)), SHARES[d.outputs["told"]])
        for i, d in zip(asked, made, strict=True)
    }


def until(now: datetime, minutes: int) -> datetime:
    """The moment that many working minutes later."""
    return calendar.current().add_working_time(now, minutes)


def working_minutes(now: datetime, moment: datetime) -> int:
    """Of working time until then, at least one."""
    return max(1, int(calendar.current().working_time_between(now, moment) / timedelta(minutes=1)))


@action(CallBack, "答应回电", may=DO, event="created", creates=True, shape=ROW, button=False, bulk=False, icon="phone")
def promise(batch: NewBatch[CallBack]) -> None:
    """Call-backs for persons who see the call too from now on. Done by the system, when a call asks for it."""
    insert(batch, CallBack, ROW)
    Collaborator.objects.bulk_create(
        [Collaborator(model="calls.call", record_id=b.call_id, person_id=b.owner_id) for b in batch.records]
        + [Collaborator(model=KEY, record_id=b.pk, person_id=b.promised_by_id) for b in batch.records
           if b.promised_by_id],
        ignore_conflicts=True,
    )  # fmt: skip
    tell_each([
        News(b.owner_id, b.headline, f"{clock.local(b.promised_at):%m-%d %H:%M} 前。{b.need}"[:200], f"{URL}{b.pk}/",
             ASKED.name, about=(KEY, b.pk), run=batch.run)
        for b in batch.records if b.owner_id != b.promised_by_id
    ])  # fmt: skip


def ask(rows: Sequence[dict[str, Any]]) -> None:
    """Make call-backs, in the caller's transaction."""
    perform(promise, rows=list(rows), by=SYSTEM, parsed=True)


def _by_own(backs: Batch[CallBack]) -> None:
    """Who is to call, or somebody who works for him or leads him."""
    scope = backs.by.scope(DO)
    text = "这个电话不是你来回，由负责回电的人记结果。"
    backs.refuse({b.pk: text for b in backs if scope is None or not scope.covers(b.owner_id, b.unit_id)})


@action(CallBack, "回好了", may=DO, from_=s.WAITING, to=s.CALLED, event="called", icon="circle-check", primary=True,
        bulk=False, key="H")  # fmt: skip
def call_back(
    backs: Batch[CallBack],
    *,
    result: Annotated[str, Field("result", "怎么答复的", "long", required=True, maxlength=1000, span=2)],
    called_at: Annotated[Any, Field("called_at", "什么时候打的", "moment", help="空着就是刚才")] = None,
) -> None:
    """The caller has an answer: result and delay are kept, the promise is closed, and with it the question."""
    _by_own(backs)
    at = called_at or backs.now
    if at > backs.now + timedelta(minutes=5):
        backs.refuse(dict.fromkeys(backs.ids, Refusal("「什么时候打的」还没到。", "called_at")))
    early = Refusal("「什么时候打的」比来电还早。", "called_at")
    backs.refuse({b.pk: early for b in backs if at < b.created_at - timedelta(hours=12)})
    backs.set(result=result, done_at=at)
    backs.set_each("delay_minutes", {b.pk: delay(b.promised_at, at) for b in backs})
    backs.tell({b.pk: {"note": f"{late_words(delay(b.promised_at, at))}，{result}"[:200]} for b in backs})
    done(KEY, backs.ids)


def delay(promised: datetime, at: datetime) -> int:
    """Whole minutes later than promised, begun ones counted when late; negative for earlier."""
    seconds = (at - promised).total_seconds()
    return int(-(-seconds // 60)) if seconds > 0 else int(seconds // 60) if seconds % 60 == 0 else int(seconds / 60)


def late_words(minutes: int) -> str:
    if minutes <= 0:
        return "按时回电"
    hours, rest = divmod(minutes, 60)
    return f"晚了 {hours} 小时 {rest} 分" if hours else f"晚了 {rest} 分钟"


@action(CallBack, "没打通", may=DO, from_=s.WAITING, event="tried", icon="phone", bulk=False)
def tried(
    backs: Batch[CallBack], *, note: Annotated[str, Field("note", "怎么没打通", maxlength=100, span=2)] = ""
) -> None:
    """Nobody answered: the promise stays open."""
    _by_own(backs)
    backs.set_each("tries", {b.pk: b.tries + 1 for b in backs})
    backs.tell({i: {"note": note} for i in backs.ids if note})


@action(CallBack, "转给别人回", may=DO, from_=s.WAITING, event="handed_on", icon="share", bulk=False)
def hand_on(
    backs: Batch[CallBack],
    *,
    to: Annotated[int, Field("to", "谁回电", "person", ref="people.person", required=True)],
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2)] = "",
) -> None:
    """Another calls; what was promised stays promised."""
    _by_own(backs)
    person = Person.objects.filter(pk=to, left_on=None).first()
    if person is None:
        backs.refuse(dict.fromkeys(backs.ids, Refusal("「谁回电」已离职，换一位。", "to")))
        return
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=b.pk, person_id=b.owner_id) for b in backs]
        + [Collaborator(model="calls.call", record_id=b.call_id, person_id=to) for b in backs],
        ignore_conflicts=True,
    )
    backs.set(owner_id=person.pk, unit_id=person.unit_id)
    backs.tell({i: {"note": f"{person.name}{'，' + note if note else ''}"} for i in backs.ids})
    tell_each([
        News(person.pk, b.headline, f"{clock.local(b.promised_at):%m-%d %H:%M} 前。{note or b.need}"[:200],
             f"{URL}{b.pk}/", ASKED.name, about=(KEY, b.pk), run=backs.run)
        for b in backs if person.pk != backs.by.id
    ])  # fmt: skip


@action(CallBack, "不用回了", may=DO, from_=s.WAITING, to=s.VOID, event="voided", icon="circle-x", danger=True,
        bulk=False)  # fmt: skip
def void(backs: Batch[CallBack], *, reason: Annotated[str, WHY]) -> None:
    """The caller has called again, or wrote."""
    _by_own(backs)
    backs.tell({i: {"reason": reason} for i in backs.ids})
    done(KEY, backs.ids)


@action(CallBack, "上报经理", may=DO, from_=s.WAITING, event="told_up", button=False, bulk=False, icon="flag")
def tell_up(backs: Batch[CallBack]) -> None:
    """The time is over and nobody has called: the head of the unit hears of it, in quiet hours too; of a head's own
    call-back the head above."""
    backs.set(told_at=backs.now)
    heads = _heads(backs)
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=i, person_id=head) for i, head in heads.items()], ignore_conflicts=True
    )
    names = dict(Person.objects.filter(pk__in={b.owner_id for b in backs}).values_list("pk", "name"))
    tell_each([
        News(heads[b.pk], f"到点没有回电：{b.headline.removeprefix('回电：')}",
             f"{names[b.owner_id]}答应 {clock.local(b.promised_at):%m-%d %H:%M} 前回电。{b.need}"[:200],
             f"{URL}{b.pk}/", OVER.name, urgent=True, about=(KEY, b.pk), run=backs.run, key=f"callback-{b.pk}")
        for b in backs if b.pk in heads
    ])  # fmt: skip


def _heads(backs: Iterable[CallBack]) -> dict[int, int]:
    units = {u.pk: u for u in Unit.objects.all()}
    found = {}
    for back in backs:
        unit: Unit | None = units.get(back.unit_id)
        while unit is not None and unit.leader_id in (None, back.owner_id):
            unit = units.get(unit.parent_id or 0)
        if unit is not None and unit.leader_id:
            found[back.pk] = unit.leader_id
    return found


def allowed(happened: Happened) -> Mapping[int, int]:
    """The working minutes until the promised moment."""
    return dict(CallBack.objects.filter(pk__in=happened.ids).values_list("pk", "minutes"))


CLOCK = Clock("calls.callback", "回电", on=f"{KEY}.created", until=(f"{KEY}.called",), cancel=(f"{KEY}.voided",),
              allowed=allowed)  # fmt: skip


class Escalating:
    """Plugged in by the manifest: the manager hears of a call-back at the share of its time that the table names."""

    def plug(self) -> None:
        watch.on_reminder(of_reminders)


def of_reminders(reminders: Sequence[Reminder]) -> None:
    """Those of call-backs whose share has come, once each."""
    mine = {r.record_id: r.share for r in reminders if r.kind == CLOCK.name}
    rows = CallBack.objects.filter(pk__in=mine, state=s.WAITING, told_at=None)
    asked = {b.pk: (b.topic, b.customer_id) for b in rows}
    due = [i for i, p in promises(asked).items() if mine[i] >= p.told] if asked else []
    if due:
        perform(tell_up, sorted(due), by=SYSTEM, source="worker")
