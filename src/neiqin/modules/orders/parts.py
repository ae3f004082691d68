"""Handing an order over to departments with dates counted back from its delivery date, their answers and progress
(C-ORD-07, C-ORD-08)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from neiqin.kernel import clock, copying
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.fields.field import Field
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.models import Appointment, Person
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Resource, Todo
from neiqin.kernel.rules.decide import decide
from neiqin.modules.orders import fields
from neiqin.modules.orders.actions import EDIT
from neiqin.modules.orders.models import Order, OrderLine, Part, VersionError
from neiqin.modules.orders.states import ALIVE, APPROVED, ASKED, BLOCKED, DONE, EXECUTING, TAKEN, VOID

DO = "orders.part"
TOLD = Kind("orders.part", "订单交付任务", MAIL)
LATE = Kind("orders.late", "订单延误", MAIL)
OPEN = (ASKED, TAKEN, BLOCKED)
NOTE = Field("note", "说明", maxlength=200, span=2)
CHUNK = 500


@action(
    Order, "移交执行", may=EDIT, from_=(APPROVED, EXECUTING), event="handed_over", icon="share",
    offered=lambda order: not Part.objects.filter(order=order).exists(),
)  # fmt: skip
def hand_over(orders: Batch[Order]) -> None:
    """Tasks for the departments that the table 《交付倒排》 names, each with person, duty, start and end. What the
    customer has not confirmed is not handed over (C-ORD-03)."""
    handed = set(Part.objects.filter(order_id__in=orders.ids).values_list("order_id", flat=True))
    orders.refuse(dict.fromkeys(handed, "已经移交过，在「交付任务」里看。"))
    orders.refuse({o.pk: f"挂起中：{o.hold}。先答复。" for o in orders if o.hold})
    orders.refuse({o.pk: "客户还没有确认，登记确认或发链接以后再移交。" for o in orders if o.confirmed_at is None})
    orders.refuse(
        {o.pk: Refusal("没有要求交期，填上才能倒排日期。", "required_on") for o in orders if not o.required_on}
    )
    kinds = _kinds(orders.ids)
    made = decide("order_parts", [{"kind": kinds[o.pk]} for o in orders], orders.now.date(), orders)
    people = holders({name for d in made for name in d.outputs["position"]})
    clerks = Person.objects.in_bulk({o.clerk_id or o.owner_id for o in orders})
    parts = []
    for order, decision in zip(orders, made, strict=True):
        rows = zip(*(decision.outputs[n] for n in ("department", "duty", "position", "before", "days")), strict=True)
        for department, duty, position, before, days in rows:
            who = people.get(position) or clerks[order.clerk_id or order.owner_id]
            end = back(order.required_on or clock.today(), int(before))
            parts.append(Part(
                order=order, seen_revision=order.revision, name=order.name, department=department, duty=duty,
                owner=who, unit_id=who.unit_id,
                start_on=back(end, int(days) - 1), end_on=end, created_at=orders.now, updated_at=orders.now,
            ))  # fmt: skip
    Part.objects.bulk_create(parts)
    departments = {o.pk: "、".join(d.outputs["department"]) for o, d in zip(orders, made, strict=True)}
    orders.tell({i: {"note": words} for i, words in departments.items()})
    orders.unchanged_but_told()
    tell_each([_asking(p, orders.run) for p in parts])


def _kinds(ids: Sequence[int]) -> dict[int, str]:
    """The kind of products of each order; 混合 where there are several."""
    found = defaultdict[int, set[str]](set)
    rows = OrderLine.objects.filter(order_id__in=ids).values_list("order_id", "product__category__name")
    for order, kind in rows:
        found[order].add(kind or "无")
    return {i: next(iter(found[i])) if len(found[i]) == 1 else "混合" for i in ids}


def holders(positions: Iterable[str]) -> dict[str, Person]:
    """A holder of each position today: who has been longest."""
    rows = Appointment.objects.filter(in_force(clock.today()), position__name__in=positions, person__left_on=None)
    return {a.position.name: a.person for a in rows.select_related("position", "person").order_by("-pk")}


def back(day: date, working_days: int) -> date:
    """So many working days before a day; the day itself, or the last working day before it, for none."""
    cal = calendar.current()
    while not cal.is_workday(day):
        day -= timedelta(days=1)
    for _ in range(working_days):
        day -= timedelta(days=1)
        while not cal.is_workday(day):
            day -= timedelta(days=1)
    return day


def _asking(part: Part, run: int) -> News:
    title = f"交付任务：{part.department} {part.order.number} {part.name}"
    return News(part.owner_id, title, f"{part.duty}，{part.start_on} 到 {part.end_on}。", "/orders/part/", TOLD.name,
                run=run, key=f"part-{part.order_id}-{part.department}")  # fmt: skip


@action(Part, "接收", may=DO, from_=ASKED, to=TAKEN, event="taken", icon="check", primary=True)
def take(parts: Batch[Part]) -> None:
    """The department will do it by the planned day."""


@action(Part, "改期", may=DO, from_=OPEN, to=TAKEN, event="rescheduled", icon="calendar", bulk=False)
def reschedule(
    parts: Batch[Part],
    *,
    promised_on: Annotated[date, Field("promised_on", "能完成的日期", "date", required=True)],
    note: Annotated[str, NOTE.but(label="原因", required=True)],
) -> None:
    """Another date with its reason; the order is at risk if it is later than planned."""
    parts.set(promised_on=promised_on, note=note, told_late=False)
    parts.tell({i: {"reason": note, "to": str(promised_on)} for i in parts.ids})


@action(Part, "报进度", may=DO, from_=OPEN, event="reported", icon="chart-bar", bulk=False)
def report(
    parts: Batch[Part],
    *,
    progress: Annotated[int, Field("progress", "进度 %", "number", min=0, max=100, required=True)],
    blocked: Annotated[bool, Field("blocked", "受阻", "bool")] = False,
    note: Annotated[str, NOTE] = "",
) -> None:
    """How far it is; 100 is done, and what is blocked says why."""
    _by_the_newest(parts)
    if blocked and not note:
        parts.refuse(dict.fromkeys(parts.ids, Refusal("受阻要写原因。", "note")))
    state = BLOCKED if blocked else DONE if progress == 100 else TAKEN
    parts.set(progress=progress, note=note, state=state)
    parts.tell({i: {"note": f"{progress}%{'，受阻：' + note if blocked else ''}"} for i in parts.ids})


@action(Part, "完成", may=DO, from_=OPEN, to=DONE, event="done", icon="circle-check")
def finish(parts: Batch[Part]) -> None:
    """The department's work is done."""
    _by_the_newest(parts)
    parts.set(progress=100)


def _by_the_newest(parts: Batch[Part]) -> None:
    """Nobody reports on an order by a version that holds no more."""
    orders: dict[int, Order] = parts.read(Order, {p.order_id for p in parts})
    parts.refuse(
        stopped([(p, orders[p.order_id]) for p in parts if p.seen_revision < orders[p.order_id].revision], parts)
    )


def stopped(old: Sequence[tuple[Part, Order]], batch: Batch[Any]) -> dict[int, Refusal]:
    """Who was about to go on by an old version is told which one holds; that somebody tried is counted (C-FLOW-09). By
    part."""
    if not batch.preview:
        VersionError.objects.bulk_create(
            VersionError(part=p, person_id=batch.by.id, at=batch.now, seen=p.seen_revision, revision=o.revision)
            for p, o in old
        )
    return {
        p.pk: Refusal(
            f"{o.number}已改到第 {o.revision} 版，你看的是第 {p.seen_revision} 版：先在「变更知会」里确认新版。"
        )
        for p, o in old
    }


def not_confirmed_by(orders: Collection[int], person: int | None) -> list[tuple[Part, Order]]:
    """The tasks of this person for these orders that go by an old version, of each order one."""
    rows = Part.objects.filter(order__in=orders, owner_id=person, seen_revision__lt=F("order__revision"))
    found = {part.order_id: (part, part.order) for part in rows.exclude(state=VOID).select_related("order")}
    return list(found.values())


def of_revised(happened: Happened) -> None:
    """The departments' dates move with the order's, by working days; what was done of less is not done of more."""
    cal = calendar.current()
    rows = list(Part.objects.filter(order_id__in=happened.ids).exclude(state=VOID).order_by("pk"))
    for part in rows:
        said = happened.data[part.order_id]
        if part.state in OPEN and said["from"] and said["to"]:
            old, new = date.fromisoformat(said["from"]), date.fromisoformat(said["to"])
            if old != new:
                part.start_on, part.end_on = (_moved(cal, day, old, new) for day in (part.start_on, part.end_on))
                part.promised_on, part.told_late = None, False
        if part.state == DONE and said["grown"]:
            part.state, part.progress = TAKEN, min(99, int(said["grown"]))
    copying.update(rows, ("start_on", "end_on", "promised_on", "told_late", "state", "progress"))


def _moved(cal: calendar.WorkCalendar, day: date, old: date, new: date) -> date:
    """As many working days before the new date as it was before the old one."""
    return back(new, sum(cal.is_workday(day + timedelta(days=n)) for n in range(1, (old - day).days + 1)))


def of_parts(happened: Happened) -> None:
    """A date later than planned, or something blocked: the rep and the clerk are told, and the order says so."""
    if happened.preview:
        return
    events, news = [], []
    for part in Part.objects.filter(pk__in=happened.ids).select_related("order"):
        words = ""
        if happened.name.endswith("rescheduled") and part.due_on > part.end_on:
            words = f"{part.department}答复 {part.due_on}，比计划晚 {(part.due_on - part.end_on).days} 天"
        elif part.state == BLOCKED:
            words = f"{part.department}受阻：{part.note}"
        if words:
            events.append(("orders.order.at_risk", part.order_id, None, None, {"words": f"交期有风险：{words}"}))
            news += _to_both(part, f"交期有风险：{part.order.number} {part.name}", words, happened.run)
    history.add_events(happened.run, "orders.order", events)
    tell_each(news)


def _to_both(part: Part, title: str, text: str, run: int | None, key: str = "") -> list[News]:
    """The rep and the clerk of the order, each once."""
    order = part.order
    people = dict.fromkeys(p for p in (order.owner_id, order.clerk_id) if p)
    return [
        News(
            p, title, text, f"/orders/order/{order.pk}/", LATE.name, about=("orders.order", order.pk), run=run, key=key
        )
        for p in people
    ]


@action(Part, "标记延误", may=DO, from_=OPEN, event="late", button=False, bulk=False, icon="clock")
def mark_late(parts: Batch[Part]) -> None:
    """Past its day and not done: clerk and rep hear of it, once for a day that was promised."""
    parts.set(told_late=True)
    events, news = [], []
    for part in parts:
        days = (clock.today() - part.due_on).days
        words = f"{part.department}应在 {part.due_on} 完成，已晚 {days} 天"
        events.append(("orders.order.late", part.order_id, None, None, {"words": f"延误：{words}"}))
        key = f"late-{part.pk}-{part.due_on}"
        news += _to_both(part, f"订单延误：{part.order.number} {part.name}", words, parts.run, key)
    history.add_events(parts.run, "orders.order", events)
    tell_each(news)


def every_hour() -> int:
    """Find what is late and has not been told yet. Returns how many."""
    due = Coalesce("promised_on", "end_on")
    rows = Part.objects.filter(state__in=OPEN, told_late=False, order__state__in=ALIVE).annotate(due=due)
    ids = sorted(rows.filter(due__lt=clock.today()).values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        perform(mark_late, ids[start : start + CHUNK], by=SYSTEM, source="worker")
    return len(ids)


def of_closed(happened: Happened) -> None:
    """What is void or closed needs no more work of the departments."""
    Part.objects.filter(order_id__in=happened.ids, state__in=OPEN).update(state=VOID)


def words_of(order: Order) -> tuple[str, str]:
    """(tone, sentence) of where the departments are: late, at risk, on the way; "" for nothing to say."""
    parts = list(Part.objects.filter(order=order).exclude(state=VOID).order_by("end_on", "pk"))
    if not parts or order.state not in ALIVE:
        return "", ""
    today = clock.today()
    late = [p for p in parts if p.state in OPEN and p.due_on < today]
    done = sum(p.progress for p in parts) // len(parts)
    forecast = max(p.due_on for p in parts)
    end = f"交付任务完成 {done}%，预计 {forecast:%m-%d} 交付"
    if late:
        worst = max((today - p.due_on).days for p in late)
        return "bad", f"延误 {worst} 天：{'、'.join(p.department for p in late)}。{end}"
    risky = [p for p in parts if p.state == BLOCKED or p.due_on > p.end_on]
    if risky:
        return "warn", f"交期有风险：{'、'.join(p.department for p in risky)}。{end}"
    return "", end


def todos(person: object) -> list[Todo]:
    """What a department's person has to take or finish today."""
    number = getattr(person, "id", None)
    rows = Part.objects.filter(Q(state=ASKED) | Q(state__in=OPEN, end_on__lte=clock.today()), owner_id=number)
    if number is None:
        return []
    return [
        Todo(
            f"{'接收' if p.state == ASKED else '完成'}：{p.department} {p.order.number} {p.name}",
            f"/orders/part/{p.pk}/", p.duty, "package", f"{p.due_on:%m-%d} 前",
            "bad" if p.due_on < clock.today() else "warn",
        )
        for p in rows.select_related("order").order_by("end_on", "pk")[:10]
    ]  # fmt: skip


resource = Resource(
    Part,
    "交付任务",
    noun="项",
    icon="checkbox",
    section="业务",
    slug="order-parts",
    fields=fields.PART,
    fast_sorts=("-end_on",),
    title="name",
    actions=(take, reschedule, report, finish),
)
