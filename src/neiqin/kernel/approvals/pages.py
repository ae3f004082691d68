"""Pages: what waits for whom, one request with everything its approver needs, how long approvals take."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions.held import action_of, ids_of, raw_of
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.perform import preview
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.approvals import actions, room, routes
from neiqin.kernel.approvals.declare import ASKED
from neiqin.kernel.approvals.models import (
    HIGH,
    MANAGE,
    OPEN,
    RETURNED,
    VIEW,
    Copy,
    Node,
    Request,
    Task,
    visible_requests,
)
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.deadlines.models import Clock
from neiqin.kernel.fields.field import Field, state_of
from neiqin.kernel.fields.shape import Invalid, parse
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.runs import visible_changes
from neiqin.kernel.resources.pages.screen import Bag, record_or_404, render, screen
from neiqin.kernel.resources.resource import Resource, Todo
from neiqin.kernel.resources.subjects import given_of, resource_of, title_of

MOST, NEWEST, DAYS = 200, 100, 90
TABS = (("mine", "待我审批"), ("asked", "我提交的"), ("decided", "我批过的"), ("copied", "抄送我的"))
NOTHING = {
    "mine": ("没有等你批的", "轮到你的会在这里，也会发消息。"),
    "asked": ("你没有提交过要审批的事", "哪些动作要审批，写在规则表《审批路线》里。"),
    "decided": ("你还没有批过", "批过的在这里，能看到后来怎样。"),
    "copied": ("没有抄送给你的", ""),
}
TONES = {
    Task.State.AGREED: ("check", "ok"), Task.State.REFUSED: ("x", ""), Task.State.OPEN: ("clock", "now"),
    Task.State.WAITING: ("clock", ""),
}  # fmt: skip
PANEL = (
    Field("name", "审批"),
    Field("state", "结果", "state"),
    Field("who", "提交人"),
    Field("at", "提交时间", "moment"),
)


@screen(VIEW)
def queue(request: Any) -> HttpResponse:
    """The requests of one person: to decide, asked for, decided, copied."""
    tab = request.GET.get("tab", "mine")
    tab = tab if tab in NOTHING else "mine"
    rows = _rows(_requests(tab, request.person), request.person, tab)
    count = count_for(request.person)
    page = Bag(
        tabs=[
            Bag(label=label, url=f"/approvals/?tab={name}", count=count if name == "mine" else 0, current=name == tab)
            for name, label in TABS
        ],
        rows=rows,
        low=sum(r.low for r in rows) if tab == "mine" else 0,
        none=NOTHING[tab],
    )
    return render(request, "approvals.html", page)


def _requests(tab: str, person: Any) -> list[Request]:
    seen = visible_requests(person).select_related("owner")
    if tab == "mine":
        ids = [t.request_id for t in room.waiting_for(person)[:MOST]]
        return list(seen.filter(pk__in=ids).order_by("-urgent", "pk"))
    if tab == "asked":
        return list(seen.filter(owner_id=person.id).order_by("-pk")[:NEWEST])
    if tab == "copied":
        return list(seen.filter(copied__person_id=person.id).order_by("-pk")[:NEWEST])
    decided = Task.objects.filter(person_id=person.id, state__in=("agreed", "refused")).values("request_id")
    return list(seen.filter(pk__in=decided).order_by("-pk")[:NEWEST])


def _rows(found: list[Request], person: Any, tab: str) -> list[Bag]:
    ids = [r.pk for r in found]
    due, turns = _due(ids), defaultdict[int, list[str]](list)
    open_ = Task.objects.filter(request_id__in=ids, state=Task.State.OPEN).order_by("pk")
    for request, name in open_.values_list("request_id", "person__name"):
        turns[request].append(name)
    return [
        Bag(
            id=r.pk, url=room.url_of(r.pk), name=r.name, amount=r.amount, who=r.owner.name, rule=r.rule,
            urgent=r.urgent, step="、".join(turns[r.pk]), sla=due.get(r.pk), low=tab == "mine" and r.risk == "低",
            state=None if tab == "mine" or r.state == OPEN else _state(r),
        )
        for r in found
    ]  # fmt: skip


def _state(request: Request) -> Any:
    return next(s for s in Request.STATES if s.value == request.state)


def _due(ids: list[int]) -> dict[int, Bag]:
    """Until when, in words, of those whose clock runs."""
    found, now = {}, clock.now()
    rows = Clock.objects.filter(kind="approvals.decide", model=room.LABEL, record_id__in=ids, stopped_at=None)
    for one in rows:
        local = clock.local(one.due_at)
        today = local.date() == clock.today()
        over = one.due_at < now
        text = f"超过 {local:%m-%d %H:%M}" if over else f"{local:%H:%M} 前" if today else f"{local:%m-%d %H:%M} 前"
        found[one.record_id] = Bag(text=text, tone="bad" if over else "warn" if today else "")
    return found


def count_for(person: Any) -> int:
    """How many requests wait for this person; 100 for 100 and more."""
    if person.id is None:
        return 0
    return len(Task.objects.filter(person_id=person.id, state=Task.State.OPEN).values_list("pk")[:100])


def todos(person: Any) -> list[Todo]:
    """On the workbench: what waits for this person, and what was sent back to him."""
    if person.id is None or not person.may(VIEW):
        return []
    tasks = list(room.waiting_for(person)[:20])
    due = _due([t.request_id for t in tasks])
    found = []
    for task in tasks:
        one, sla = task.request, due.get(task.request_id)
        amount = f"¥{one.amount:,.2f}，" if one.amount else ""
        found.append(Todo(
            f"审批：{one.name}", room.url_of(one.pk), f"{amount}{one.rule}", "rubber-stamp",
            sla.text if sla else "", "bad" if one.urgent else sla.tone if sla else "",
        ))  # fmt: skip
    back = Request.objects.filter(owner_id=person.id, state=RETURNED).order_by("pk")[:20]
    return found + [
        Todo(f"被驳回：{r.name}", room.url_of(r.pk), "改了再提交，或撤回", "arrow-back-up", "", "warn") for r in back
    ]


def show(request: Any, resource: Resource, record_id: int) -> HttpResponse:
    """One request, for everybody who sees it."""
    one: Request = record_or_404(resource, request.person, record_id)
    Copy.objects.filter(request=one, person_id=request.person.id, read_at=None).update(read_at=clock.now())
    return render(request, "approval.html", _page(one, request.person))


def _page(one: Request, person: Any) -> Bag:
    action, ids = action_of(one.held), ids_of(one.held)
    kind = resource_of(one.held)
    tasks = list(Task.objects.filter(request=one).select_related("person", "stands_for", "by").order_by("pk"))
    nodes = list(Node.objects.filter(request=one).order_by("pk"))
    changes, problem = _ahead(one, person) if one.state == OPEN else ([], "")
    steps = routes.read(one.route)
    now = next((n for n in nodes if n.state == Node.State.OPEN), None)
    record = one.record_id or (ids[0] if ids else 0)
    seen = bool(record) and kind.model.objects.filter(kind.model.visible_to(person), pk=record).exists()
    said = ASKED.get(one.action)
    return Bag(
        told=Bag(
            number=one.number, name=one.name, who=one.owner.name, at=one.created_at, amount=one.amount, rule=one.rule,
            rule_url="/rules/approvals/" if person.may("rules.view") else "", urgent=one.urgent, state=_state(one),
            sla=_due([one.pk]).get(one.pk), reason=one.reason,
        ),
        subject=Bag(verb=action.label, label=title_of(one.held), url=kind.url_of(record) if seen and record else ""),
        facts=said.facts(record, person) if said and said.facts and seen and record else [],
        given=_given(one, one.held_id, person),
        differs=_differs(one, person),
        changes=changes,
        problem=problem,
        trail=_trail(one, nodes, tasks, steps),
        place=f"第 {now.place + 1} 步，共 {len(steps)} 步" if now else "",
        copied="、".join(Copy.objects.filter(request=one).order_by("pk").values_list("person__name", flat=True)),
        earlier=_earlier(one, person),
        actions=_actions(one, tasks, now, person),
        edit_url="",
        why_url=f"{room.url_of(one.pk)}why/",
        print_url=f"/print/?kind={room.LABEL}&id={one.pk}",
        hand_url=f"/print/hand/?kind={room.LABEL}&id={one.pk}",
    )  # fmt: skip


def _ahead(one: Request, person: Any) -> tuple[list[Bag], str]:
    """What performing it now would change, as this person may see it; and why it could not be, if so."""
    try:
        outcome = preview(action_of(one.held), ids_of(one.held), by=actor_of(one.owner_id), **raw_of(one.held))
    except NotAllowed as error:
        return [], f"提交人{error}"
    except (TooSlow, Invalid, ValueError) as error:
        return [], str(error)
    refusal = next(iter(outcome.refused.values()), None)
    return visible_changes(outcome, person), refusal.text if refusal else ""


def _values(one: Request, number: int) -> dict[str, Any]:
    action = action_of(one.held)
    try:
        return parse(action.shape, given_of(Held.objects.get(pk=number)), partial=True)
    except Invalid:
        return {}


def _given(one: Request, number: int, person: Any) -> list[tuple[str, Any]]:
    """The parameters in words, those this person may read."""
    values, shape = _values(one, number), action_of(one.held).shape
    fields = [f for f in shape.fields if values.get(f.name) not in (None, "", False) and person.may(f.right)]
    names = masks.names_for([(f, values[f.name]) for f in fields])
    found = [(f.label, "···" if f.personal else masks.text(f, values[f.name], names)) for f in fields]
    return found + [(line.label, f"{len(values[line.name])} 行") for line in shape.lines if values.get(line.name)]


def _differs(one: Request, person: Any) -> list[Bag]:
    """From the second round on: what was asked for the last time and is not the same now."""
    if len(one.helds) < 2:
        return []
    before, after = dict(_given(one, one.helds[-2], person)), dict(_given(one, one.helds[-1], person))
    return [
        Bag(label=label, before=before.get(label), after=after.get(label))
        for label in dict.fromkeys([*before, *after])
        if before.get(label) != after.get(label)
    ]


def _trail(one: Request, nodes: list[Node], tasks: list[Task], steps: Any) -> list[Bag]:
    """Who asked, decided and is to decide, in order; then the steps that are still to come."""
    found = [Bag(icon="check", tone="ok", who=one.owner.name, what="提交", at=one.created_at, text="")]
    by_node = defaultdict[int, list[Task]](list)
    for task in tasks:
        by_node[task.node_id].append(task)
    for node in nodes:
        ordered = sorted(by_node[node.pk], key=lambda t: (t.decided_at or clock.now(), t.pk))
        found += [_told(task) for task in ordered]
    last = max((n.place for n in nodes), default=-1)
    if one.state == OPEN:
        found += [Bag(icon="minus", tone="", who=s.words, what="之后", at=None, text="") for s in steps[last + 1 :]]
    return found


def _told(task: Task) -> Bag:
    icon, tone = TONES.get(Task.State(task.state), ("minus", ""))
    who = task.person.name + (f"（代{task.stands_for.name}）" if task.stands_for else "")
    way = task.get_way_display() if task.way not in ("route",) else ""
    by = f"（{task.by.name} {way or '转交'}）" if task.by else f"（{way}）" if way else ""
    text = task.opinion or (task.label if task.way in ("before", "lent") else "")
    return Bag(icon=icon, tone=tone, who=who, what=f"{task.get_state_display()}{by}", at=task.decided_at, text=text)


def _earlier(one: Request, person: Any) -> list[Bag]:
    if one.record_id is None:
        return []
    rows = visible_requests(person).filter(model=one.model, record_id=one.record_id).exclude(pk=one.pk)
    return [
        Bag(url=room.url_of(r.pk), name=r.name, state=_state(r).label, at=r.created_at)
        for r in rows.order_by("-pk")[:5]
    ]


def _actions(one: Request, tasks: list[Task], now: Node | None, person: Any) -> list[Bag]:
    """The verbs that make sense for this person now; the walk itself has the last word."""
    mine = next((t for t in tasks if t.person_id == person.id and t.state == Task.State.OPEN), None)
    verbs: list[Any] = []
    if one.state == OPEN and mine is not None:
        chooses = mine.way == Task.Way.CHOOSE
        agree = actions.agree_safely if one.risk == HIGH else actions.agree
        verbs += [actions.pass_on] if chooses else [
            agree, actions.refuse, actions.pass_on, actions.lend, actions.add_before, actions.add_after,
        ]  # fmt: skip
    if one.state == OPEN and any(t.by_id == person.id and t.state == Task.State.OPEN for t in tasks):
        verbs.append(actions.remove)
    agreed = [
        t for t in tasks if t.person_id == person.id and t.state == Task.State.AGREED and now and t.node_id == now.pk
    ]
    if one.state == OPEN and agreed:
        verbs.append(actions.take_back)
    if one.owner_id == person.id:
        verbs += [a for a in (actions.urge, actions.hurry) if one.state == OPEN]
        verbs += [actions.withdraw] if one.state in (OPEN, RETURNED) else []
    if person.may(MANAGE) and one.state in (OPEN, RETURNED):
        verbs.append(actions.end)
    return [
        Bag(
            name=a.name, label="选审批人" if mine and mine.way == Task.Way.CHOOSE and a is actions.pass_on else a.label,
            icon=a.icon, key=a.key, primary=a.primary, danger=a.danger, dialog=True,
            url=f"{room.url_of(one.pk)}{a.name}/",
        )
        for a in verbs
    ]  # fmt: skip


def panel(record: Any, person: Any) -> Bag | None:
    """审批 on a record's page: its requests, newest first; nothing where there never was one."""
    kind = type(record)._meta.concrete_model._meta.label_lower
    if kind == room.LABEL or not person.may(VIEW):
        return None
    found = list(
        visible_requests(person).filter(model=kind, record_id=record.pk).select_related("owner").order_by("-pk")[:20]
    )
    if not found:
        return None
    rows = [
        panels.line([r.name, state_of(Request.STATES, r.state), r.owner.name, r.created_at], room.url_of(r.pk), r.name)
        for r in found
    ]
    return panels.table("approvals", "审批", PANEL, rows)


@screen(VIEW)
def times(request: Any) -> HttpResponse:
    """Working time from somebody's turn to his decision, by person and step, of requests this person sees."""
    since = clock.now() - timedelta(days=DAYS)
    rows = Task.objects.filter(
        request__in=visible_requests(request.person), state__in=("agreed", "refused"), decided_at__gte=since
    ).exclude(way=Task.Way.KNOWN)
    cal, taken = calendar.current(), defaultdict[tuple[str, str], list[float]](list)
    for name, label, opened, decided in rows.values_list("person__name", "node__label", "opened_at", "decided_at")[
        :20_000
    ]:
        taken[name, label].append(cal.working_time_between(opened, decided or opened).total_seconds() / 3600)
    page = Bag(days=DAYS, rows=[
        Bag(who=who, step=step, count=len(hours), mean=_hours(sum(hours) / len(hours)), worst=_hours(max(hours)))
        for (who, step), hours in sorted(taken.items(), key=lambda pair: -sum(pair[1]) / len(pair[1]))
    ])  # fmt: skip
    return render(request, "approval_times.html", page)


def _hours(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))
