"""电话: taken down, handed over, followed until the caller has an answer (C-OFF-10, C-OFF-11)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator, Person, Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import index_many
from neiqin.kernel.resources.references import unseen
from neiqin.kernel.rules.decide import decide
from neiqin.modules.calls import backs, fields, knowing
from neiqin.modules.calls import states as s
from neiqin.modules.calls.models import NUMBERS, Call, CallBack, Extension
from neiqin.modules.customers.models import Contact, Customer
from neiqin.modules.customers.moving import take_along
from neiqin.modules.orders.parts import holders

KEY, URL = "calls.call", "/calls/call/"
VIEW, CREATE, DO, REVEAL = "calls.view", "calls.create", "calls.do", "calls.reveal"
PASSED = Kind("calls.passed", "转给你的电话", MAIL)
CALL = Shape(fields.CALL)
OWNER = "负责人"  # of the customer, in 《来电转给谁》
UNANSWERED = (s.MISSED, s.BARE, s.OPEN)


def fit(batch: NewBatch[Call]) -> Mapping[int, Refusal]:
    """The number as it is stored; a call is somebody's, by default of who writes it down."""
    problems = dict(unseen(CALL, batch.rows, batch.by))
    for position, row in batch.rows.items():
        row["answerer"] = row["answerer"] or batch.by.id
        try:
            row["other"] = knowing.canonical(row["other"])
        except BadFormat as error:
            problems[position] = Refusal(f"「对方号码」{error}", "other")
        if not (row["other"] or row["who"] or row["customer"]):
            problems.setdefault(position, Refusal("号码、谁打来的、客户，至少写一样。", "who"))
        if row["result"] and not row["need"]:
            problems.setdefault(position, Refusal("写了答复，也写对方要什么。", "need"))
        if row["need"] and not row["topic"]:
            problems.setdefault(position, Refusal("「事由」没有选。", "topic"))
    return problems


def made(batch: NewBatch[Call]) -> None:
    """Numbers of people nobody knows stay findable; who took the call and whose customer it is see it."""
    subjects = {c.subject for c in batch.records}
    theirs = set(Contact.objects.filter(subject__in=subjects).values_list("subject", flat=True))
    index_many([
        (c.subject, "other", batch.rows[batch.positions[c.pk]]["other"])
        for c in batch.records if c.subject not in theirs and batch.rows[batch.positions[c.pk]]["other"]
    ])  # fmt: skip
    owners = dict(Customer.objects.filter(pk__in={c.customer_id for c in batch.records}).values_list("pk", "owner_id"))
    let_in((c.pk, p) for c in batch.records for p in (c.answerer_id, owners.get(c.customer_id or 0)) if p)


def let_in(pairs: Iterable[tuple[int, int]]) -> None:
    """(call, person): these see the call."""
    rows = [Collaborator(model=KEY, record_id=call, person_id=person) for call, person in sorted(set(pairs))]
    Collaborator.objects.bulk_create(rows, ignore_conflicts=True)


create = creating(Call, CALL, numbers=NUMBERS, check=fit, after=made, label="记电话", may=CREATE)
create_extension = creating(Extension, Shape(fields.EXTENSION), label="加分机", may="calls.extensions")
edit_extension = editing(Extension, Shape(fields.EXTENSION), label="改分机", may="calls.extensions")


@action(Call, "看完整号码", may=REVEAL, event="revealed", icon="eye", bulk=False)
def reveal(
    calls: Batch[Call],
    *,
    reason: Annotated[str, Field("reason", "为什么要看", required=True, maxlength=100, help="会记在操作日志里")],
) -> None:
    """The number is shown once, in full, and the log says for what."""
    calls.tell({i: {"reason": reason} for i in calls.ids})
    calls.unchanged_but_told()


@action(CallBack, "看完整号码", may=REVEAL, event="revealed", icon="eye", bulk=False)
def reveal_back(
    backs: Batch[CallBack],
    *,
    reason: Annotated[str, Field("reason", "为什么要看", required=True, maxlength=100, help="会记在操作日志里")],
) -> None:
    """As of the call."""
    backs.tell({i: {"reason": reason} for i in backs.ids})
    backs.unchanged_but_told()


@action(Call, "记内容", may=DO, from_=UNANSWERED, event="written_down", icon="edit", primary=True, bulk=False, key="W",
        offered=lambda call: call.state in (s.MISSED, s.BARE))  # fmt: skip
def write_down(
    calls: Batch[Call],
    *,
    topic: Annotated[str, fields.topic.but(required=True)],
    need: Annotated[str, fields.need.but(required=True)],
    result: Annotated[str, fields.result] = "",
) -> None:
    """What the caller wanted, of a call that only the telephone system knows of."""
    calls.set(topic=topic, need=need, result=result, resolved_at=calls.now if result else None)
    calls.set_each("state", {c.pk: s.DONE if result else s.OPEN for c in calls})
    names = dict(
        Customer.objects.filter(pk__in=[c.customer_id for c in calls if c.customer_id]).values_list("pk", "name")
    )
    for call in calls:
        call.topic = topic
        call.title(names.get(call.customer_id or 0, ""))
    calls.set_each("headline", {c.pk: c.headline for c in calls})


@action(Call, "已答复", may=DO, from_=(*UNANSWERED, s.PASSED), to=s.DONE, event="answered", icon="circle-check",
        primary=True, bulk=False, key="A", offered=lambda call: call.state in (s.OPEN, s.PASSED))  # fmt: skip
def answer(calls: Batch[Call], *, result: Annotated[str, fields.result.but(required=True, help="")]) -> None:
    """The caller has his answer."""
    calls.set(result=result, resolved_at=calls.now)
    calls.tell({i: {"note": result[:200]} for i in calls.ids})


@action(Call, "转接", may=DO, from_=UNANSWERED, to=s.PASSED, event="passed", icon="share", bulk=False, key="T")
def transfer(
    calls: Batch[Call],
    *,
    to: Annotated[int | None, Field("to", "转给谁", "person", ref="people.person")] = None,
    unit: Annotated[
        int | None, Field("unit", "转给部门", "unit", ref="people.unit", help="没写人就找部门负责人")
    ] = None,
    need: Annotated[str, fields.need.but(help="空着就用已经记下的")] = "",
) -> None:
    """To a person, or to a department, where its head answers for it."""
    department = Unit.objects.filter(pk=unit or 0).first()
    person = Person.objects.filter(pk=to or (department.leader_id if department else None) or 0, left_on=None).first()
    if person is None:
        text = f"{department.name}没有负责人，写上「转给谁」。" if department else "转给谁、转给部门，写一样。"
        calls.refuse(dict.fromkeys(calls.ids, Refusal(text, "to")))
        return
    missing = Refusal("「对方要什么」没有填，写给接的人看。", "need")
    calls.refuse({c.pk: missing for c in calls if not (need or c.need)})
    calls.set(passed_to_id=person.pk, passed_unit_id=department.pk if department else person.unit_id,
              passed_at=calls.now, transfer="")  # fmt: skip
    calls.set_each("need", {c.pk: need or c.need for c in calls})
    let_in((i, person.pk) for i in calls.ids)
    calls.tell({i: {"note": person.name} for i in calls.ids})
    tell_each([
        News(person.pk, f"转给你的电话：{c.headline}", (need or c.need)[:200], f"{URL}{c.pk}/", PASSED.name,
             urgent=True, about=(KEY, c.pk), run=calls.run)
        for c in calls if person.pk != calls.by.id
    ])  # fmt: skip


@action(Call, "对方接了", may=DO, from_=s.PASSED, to=s.OPEN, event="taken", icon="check", primary=True, bulk=False,
        key="Y")  # fmt: skip
def taken(calls: Batch[Call]) -> None:
    """The other has the caller on the line: from now on the question is his, until he has answered it."""
    people = Person.objects.in_bulk([c.passed_to_id for c in calls if c.passed_to_id])
    let_in((c.pk, c.owner_id) for c in calls)
    calls.set(transfer=s.TAKEN)
    calls.set_each("owner_id", {c.pk: c.passed_to_id for c in calls})
    calls.set_each("unit_id", {c.pk: people[c.passed_to_id].unit_id for c in calls if c.passed_to_id})


@action(Call, "没人接，请他回电", may=DO, from_=s.PASSED, to=s.BACK, event="not_taken", icon="phone", bulk=False,
        key="N")  # fmt: skip
def not_taken(
    calls: Batch[Call],
    *,
    within: Annotated[
        Decimal | None, Field("within", "几个工作小时内", "quantity", min=0, help="空着按《回电承诺》")
    ] = None,
) -> None:
    """A call-back of whom it was passed to, with what the caller wants."""
    calls.set(transfer=s.NOT_TAKEN)
    _promise(calls, {c.pk: c.passed_to_id for c in calls}, within, None, {})


@action(Call, "答应回电", may=DO, from_=UNANSWERED, to=s.BACK, event="promised", icon="phone", bulk=False, key="B")
def promise(
    calls: Batch[Call],
    *,
    to: Annotated[
        int | None, Field("to", "谁回电", "person", ref="people.person", help="空着就是这个电话的负责人")
    ] = None,
    within: Annotated[
        Decimal | None, Field("within", "几个工作小时内", "quantity", min=0, help="空着按《回电承诺》")
    ] = None,
    at: Annotated[datetime | None, Field("at", "或者说好的时间", "moment")] = None,
    who: Annotated[str, fields.who.but(label="找谁", help="空着就是来电的人")] = "",
    phone: Annotated[str, fields.other.but(label="回电号码", help="空着就是来电号码")] = "",
    need: Annotated[str, fields.need.but(help="空着就用已经记下的")] = "",
) -> None:
    """Who will call, at which number, by when; the responsible is reminded, then his manager hears of it."""
    person = Person.objects.filter(pk=to, left_on=None).first() if to else None
    try:
        phone = knowing.canonical(phone)
    except BadFormat as error:
        calls.refuse(dict.fromkeys(calls.ids, Refusal(f"「回电号码」{error}", "phone")))
    if to and person is None:
        calls.refuse(dict.fromkeys(calls.ids, Refusal("「谁回电」已离职，换一位。", "to")))
    if at is not None and at <= calls.now:
        calls.refuse(dict.fromkeys(calls.ids, Refusal("「说好的时间」已经过了。", "at")))
    calls.set_each("need", {c.pk: need or c.need for c in calls})
    for call in calls:
        call.need = need or call.need
    given = {"phone": phone, "who": who}
    _promise(calls, {c.pk: person.pk if person else c.owner_id for c in calls}, within, at, given)


def _promise(
    calls: Batch[Call],
    whom: Mapping[int, int | None],
    within: Decimal | None,
    at: datetime | None,
    given: dict[str, str],
) -> None:
    """Call-backs for these calls. given: contact data that replaces the call's."""
    if not calls.records:
        return
    table = backs.promises({c.pk: (c.topic, c.customer_id) for c in calls})
    said = open_columns(calls.records, ["other", "who"])
    rows = []
    for call, texts in zip(calls.records, said, strict=True):
        minutes = int(within * 60) if within else table[call.pk].minutes
        phone, name = given.get("phone") or texts["other"] or "", given.get("who") or texts["who"] or ""
        rows.append({
            "call": call.pk, "owner": whom[call.pk], "promised_by": calls.by.id, "need": call.need, "phone": phone,
            "who": name, "promised_at": at or backs.until(calls.now, minutes),
            "minutes": backs.working_minutes(calls.now, at) if at else minutes,
        })  # fmt: skip
    gone = [c.pk for c, texts in zip(calls.records, said, strict=True) if None in texts.values()]
    calls.refuse(dict.fromkeys(gone, Refusal("来电人的个人信息已清除，重新记一通再答应回电。")))
    without = [r["call"] for r in rows if not r["phone"]]
    calls.refuse(dict.fromkeys(without, Refusal("没有号码没法回电，写上「回电号码」。", "phone")))
    rows = [r for r in rows if r["call"] not in (*gone, *without)]
    if rows and not calls.preview:
        backs.ask(rows)
    calls.tell({r["call"]: {"note": f"{clock.local(r['promised_at']):%m-%d %H:%M} 前"} for r in rows})


@action(Call, "回电后答复", may=DO, from_=s.BACK, to=s.DONE, event="answered_back", each=True, button=False, bulk=False,
        icon="circle-check", shape=Shape((fields.result.but(required=True),)))  # fmt: skip
def answered_back(calls: Batch[Call]) -> None:
    """The call-back has answered the question."""
    calls.set(resolved_at=calls.now)
    calls.set_each("result", {c.pk: calls.rows[c.pk]["result"] for c in calls})


@action(Call, "回电取消", may=DO, from_=s.BACK, to=s.OPEN, event="back_dropped", button=False, bulk=False, icon="x")
def back_dropped(calls: Batch[Call]) -> None:
    """Nobody calls back: the question is open as before."""


def of_called(happened: Happened) -> None:
    """Effect of a call-back that was made."""
    found = dict(CallBack.objects.filter(pk__in=happened.ids).values_list("call_id", "result"))
    rows = {i: {"result": text} for i, text in found.items()}
    perform(answered_back, sorted(found), by=SYSTEM, rows=[rows[i] for i in sorted(found)], parsed=True)


def of_voided(happened: Happened) -> None:
    """Effect of a call-back that need not be made."""
    ids = CallBack.objects.filter(pk__in=happened.ids).values_list("call_id", flat=True)
    perform(back_dropped, sorted(ids), by=SYSTEM)


def of_merged(happened: Happened) -> None:
    """Calls and call-backs go along with a customer's file."""
    take_along(happened, "calls_call")
    take_along(happened, "calls_callback")


def proposed(customer: Any, topics: Sequence[str], by: Any) -> dict[str, Person]:
    """topic -> whom a call about it is best handed to: whom 《来电转给谁》 names, else the customer's owner; a
    topic is left out where that is nobody, or the person himself."""
    made = decide("call_transfers", [{"topic": label_of(s.TOPICS, t)} for t in topics], clock.today())
    named = dict(zip(topics, (d.outputs["whom"] for d in made), strict=True))
    people = holders({whom for whom in named.values() if whom != OWNER})
    owner = customer.owner if customer else None
    found = {topic: owner if whom == OWNER else people.get(whom, owner) for topic, whom in named.items()}
    return {topic: person for topic, person in found.items() if person is not None and person.pk != by.id}


def waiting(person: Any) -> Sequence[Call]:
    """Calls whose question is this person's, oldest first."""
    rows = Call.objects.filter(owner_id=person.id, state__in=(s.OPEN, s.MISSED), direction=s.IN)
    return list(rows.order_by("rang_at", "pk")[:20])
