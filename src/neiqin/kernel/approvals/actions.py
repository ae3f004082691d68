"""What is done with requests. Each decision is one action on the request; the last consent performs the held run."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from django.db import transaction

from neiqin.kernel.actions import held, history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.records import insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals import room
from neiqin.kernel.approvals.models import (
    DONE,
    ENDED,
    FAILED,
    HIGH,
    LOW,
    MANAGE,
    OPEN,
    RETURNED,
    VIEW,
    WITHDRAWN,
    Request,
    Task,
)
from neiqin.kernel.approvals.room import Room
from neiqin.kernel.approvals.walk import START, Walk
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import News, tell_each
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.authentication import code_fits
from neiqin.kernel.resources.resource import site

NUMBERS = Numbers("number", Pattern("SP", by_day=True))
FINISHED = f"{Request._meta.label_lower}.finished"
URGED_EACH = 2 * 3600  # seconds: practice.md 4.1

OPINION = Field("opinion", "意见", maxlength=300, span=2)
WHY = OPINION.but(label="原因", required=True)
WHO = Field("to", "交给谁", "person", ref="people.person", required=True)
CODE = Field("code", "动态码", required=True, maxlength=10, personal=True, help="打开手机上的验证器，填六位数")
BACK_TO = Field("place", "退到第几步", "number", min=0, help="空着退给提交人；填数字退到走过的那一步")
STRAIGHT = Field("straight", "改好后直接回到我这里", "bool", help="不勾就从退到的那一步重新走")
_SUBMITTED = Shape(tuple(
    Field(name, name, kind)
    for name, kind in (
        ("name", "text"), ("action", "text"), ("model", "text"), ("record_id", "number"), ("held", "ref"),
        ("amount", "money"), ("route", "text"), ("copies", "text"), ("rule", "text"), ("rule_version_id", "number"),
        ("rule_row", "number"), ("risk", "text"), ("hours", "quantity"), ("owner", "person"),
    )
))  # fmt: skip


@action(
    Request,
    "提交审批",
    may="",
    event="submitted",
    creates=True,
    numbers=NUMBERS,
    button=False,
    bulk=False,
    icon="checkbox",
)
def submit(batch: NewBatch[Request]) -> None:
    """Open the way of held runs. Called by the keeper at the gate only."""
    insert(batch, Request, _SUBMITTED, NUMBERS)
    _begin(batch)


@action(
    Request, "再次提交", may="", event="submitted", from_=RETURNED, to=OPEN, button=False, bulk=False, icon="checkbox"
)
def resubmit(
    requests: Batch[Request], *, held: Annotated[int, Field("held", "提交", "number", required=True)],
    amount: Annotated[Decimal | None, Field("amount", "金额", "money")] = None,
    route: Annotated[str, Field("route", "路线", maxlength=300, required=True)],
) -> None:  # fmt: skip
    """The same request once more, as it was mended. Called by the keeper at the gate only."""
    for request in requests:
        request.held, request.route = Held.objects.get(pk=held), route
    requests.set(held_id=held, amount=amount, route=route, closed_at=None, reason="")
    _begin(requests)


def _begin(requests: Batch[Request]) -> None:
    there = Room(requests.records)
    places = {r.pk: r.then if r.then is not None and r.then < there.walks[r.pk].length else 0 for r in requests}
    there.each(requests, lambda walk: walk.begin(places[walk.request.pk]))
    there.write()
    for request in requests:
        request.helds = [*request.helds, request.held_id]
        room.copy_to(request)
    if isinstance(requests, NewBatch):
        Request.objects.bulk_update(requests.records, ["helds", "state", "then"])
    else:
        requests.set_each("helds", {r.pk: r.helds for r in requests})
        requests.set(then=None)


def _decide(requests: Batch[Request], do: Callable[[Walk], None]) -> None:
    """Do it with each walk, write what changed, and finish what is at its end."""
    before = {r.pk: r.state for r in requests}
    there = Room(requests.records)
    there.each(requests, do)
    there.write()
    for column in ("state", "then", "closed_at", "reason"):
        requests.set_each(column, {r.pk: getattr(r, column) for r in requests})
    over = [r for r in requests if r.state != OPEN and r.state != before[r.pk]]
    requests.emit(FINISHED, {r.pk: {"state": r.state} for r in over})
    if over and not requests.preview:
        requests.last(partial(_finish, requests, over))


def _finish(requests: Batch[Request], over: list[Request]) -> None:
    """Perform what is agreed, close what is not wanted any more, and tell who asked. Last in the transaction."""
    for request in over:
        if request.state == DONE:
            _perform(requests, request)
        elif request.state in (WITHDRAWN, ENDED):
            held.close(request.held)
        _say_on_record(requests, request)
    tell_each([n for r in over if r.owner_id != requests.by.id and (n := _result(requests, r))])


def _perform(requests: Batch[Request], request: Request) -> None:
    """As who asked, with his rights of today, exactly once, on what was approved."""
    before = (request.state, request.reason, request.record_id)
    try:
        with transaction.atomic():
            outcome = held.release(request.held, actor_of, "gate")
    except held.NotDone as error:
        request.state, request.reason = FAILED, str(error)[:300]
    else:
        action_ = held.action_of(request.held)
        if outcome.held:
            request.reason = "审批通过，按规则还要第二人复核"
        elif outcome.run:
            words = {"words": f"审批通过：{'、'.join(_approvers(request))}", "approval": request.pk}
            history.add_events(
                outcome.run, action_.kind, [(f"{action_.code}.approved", i, None, None, words) for i in outcome.done]
            )
            if request.record_id is None and outcome.done:
                request.record_id = outcome.done[0]
    history.resume(requests.run)
    if before != (after := (request.state, request.reason, request.record_id)):
        columns = ("state", "reason", "record_id")
        Request.objects.filter(pk=request.pk).update(**dict(zip(columns, after, strict=True)))
    if request.state == FAILED:
        held.close(request.held)


def _approvers(request: Request) -> list[str]:
    rows = (
        Task.objects.filter(request=request, state=Task.State.AGREED).exclude(way=Task.Way.KNOWN).order_by("decided_at")
    )
    return list(dict.fromkeys(rows.values_list("person__name", flat=True)))


def _say_on_record(requests: Batch[Request], request: Request) -> None:
    """On the record's own timeline; a performed run has said it itself."""
    ids = held.ids_of(request.held)
    if request.state == DONE or not ids:
        return
    label = label_of(Request.STATES, request.state)
    words = {"words": f"审批{label}：{request.reason or _last_word(request)}"}
    kind = held.action_of(request.held).kind
    history.add_events(requests.run, kind, [(f"{request.action}.stopped", i, None, None, words) for i in ids])


def _last_word(request: Request) -> str:
    last = Task.objects.filter(request=request, state=Task.State.REFUSED).order_by("-decided_at").first()
    return f"{room.name_of(last.person_id)} {last.opinion}" if last else "—"


def _result(requests: Batch[Request], request: Request) -> News | None:
    label = label_of(Request.STATES, request.state)
    text = request.reason or (_last_word(request) if request.state == RETURNED else "")
    key = f"approval-{request.pk}-{request.state}-{requests.run}"
    return News(
        request.owner_id, f"{label}：{request.name}", text, room.url_of(request.pk), room.TOLD.name,
        request.urgent, key, (room.LABEL, request.pk),
    )  # fmt: skip


@action(Request, "同意", may=VIEW, event="agreed", from_=OPEN, icon="check", key="A", primary=True)
def agree(requests: Batch[Request], *, opinion: Annotated[str, OPINION] = "") -> None:
    """Consent. Several at once only where the table calls them low risk."""
    if len(requests) > 1:
        requests.refuse({r.pk: "不是低风险的，一件一件看。" for r in requests if r.risk != LOW})
    text = "这一件风险高，要用两步验证的动态码同意。"
    requests.refuse({r.pk: text for r in requests if r.risk == HIGH})
    _agree(requests, opinion)


@action(
    Request,
    "同意（动态码）",
    may=VIEW,
    event="agreed_safely",
    from_=OPEN,
    icon="check",
    key="A",
    primary=True,
    bulk=False,
)
def agree_safely(
    requests: Batch[Request], *, code: Annotated[str, CODE], opinion: Annotated[str, OPINION] = ""
) -> None:
    """Consent with the second factor, which high risk needs."""
    problem = "" if requests.preview else code_fits(requests.by.id, code)
    if problem:
        requests.refuse(dict.fromkeys(requests.ids, Refusal(problem, "code")))
    _agree(requests, opinion)


def _agree(requests: Batch[Request], opinion: str) -> None:
    _decide(requests, lambda walk: walk.agree(requests.by.id, opinion))
    requests.tell({i: {"note": opinion} for i in requests.ids if opinion})


@action(Request, "驳回", may=VIEW, event="refused", from_=OPEN, icon="x", key="R", danger=True, bulk=False)
def refuse(
    requests: Batch[Request], *, opinion: Annotated[str, WHY], place: Annotated[int | None, BACK_TO] = None,
    straight: Annotated[bool, STRAIGHT] = False,
) -> None:  # fmt: skip
    """No, for a reason: back to who asked, or to a step that was walked."""
    to = START if place is None else place - 1
    _decide(requests, lambda walk: walk.refuse(requests.by.id, opinion, to, straight=straight))
    requests.tell({i: {"reason": opinion} for i in requests.ids})


def _handing(name: str, label: str, icon: str, words: str, do: Callable[[Walk, int, int, str], None]) -> Any:
    """An action by which an approver brings somebody else in."""

    def body(requests: Batch[Request], *, to: Annotated[int, WHO], opinion: Annotated[str, OPINION] = "") -> None:
        requests.refuse(_cannot_see(requests, to))
        _decide(requests, lambda walk: do(walk, requests.by.id, to, opinion))
        who = site().names("people.person", [to]).get(to, "")
        requests.tell({i: {"note": f"{who}{'，' + opinion if opinion else ''}"} for i in requests.ids})

    body.__name__, body.__doc__ = name, words
    return action(Request, label, may=VIEW, event=name, from_=OPEN, icon=icon, bulk=False)(body)


def _cannot_see(requests: Batch[Request], person: int) -> dict[int, Refusal]:
    """Who may not see requests at all cannot decide them."""
    if site().names("people.person", [person]) and actor_of(person).may(Request.view_permission()):
        return {}
    return dict.fromkeys(requests.ids, Refusal("这个人没有「看和办审批」的权限，换一位。", "to"))


pass_on = _handing("pass_on", "转交", "share", "It is another's from now on.", Walk.pass_on)
lend = _handing("lend", "委派", "hand-stop", "It comes back with the other's opinion.", Walk.lend)
add_before = _handing("add_before", "前加签", "user-plus", "Mine waits for the other's consent.", Walk.add_before)
add_after = _handing("add_after", "后加签", "user-plus", "I agree, and the other after me.", Walk.add_after)


@action(Request, "减签", may=VIEW, event="removed", from_=OPEN, icon="user-off", bulk=False)
def remove(requests: Batch[Request], *, to: Annotated[int, WHO.but(label="减掉谁")]) -> None:
    """Take away whom one added oneself."""
    _decide(requests, lambda walk: walk.remove(requests.by.id, to))


@action(Request, "收回我的同意", may=VIEW, event="taken_back", from_=OPEN, icon="arrow-back-up", bulk=False)
def take_back(requests: Batch[Request]) -> None:
    """An own consent, while the next step has not begun."""
    _decide(requests, lambda walk: walk.take_back(requests.by.id))


@action(Request, "撤回", may=VIEW, event="withdrawn", from_=(OPEN, RETURNED), icon="arrow-back-up", bulk=False)
def withdraw(
    requests: Batch[Request], *, reason: Annotated[str, OPINION.but(name="reason", label="原因")] = ""
) -> None:
    """By who asked."""
    requests.refuse({r.pk: "只有提交人能撤回。" for r in requests if r.owner_id != requests.by.id})
    _decide(requests, lambda walk: walk.withdraw(reason))
    requests.tell({i: {"reason": reason} for i in requests.ids})


@action(Request, "终止", may=MANAGE, event="ended", from_=(OPEN, RETURNED), icon="circle-x", danger=True, bulk=False)
def end(requests: Batch[Request], *, reason: Annotated[str, WHY.but(name="reason")]) -> None:
    """By the administrator, for a reason; the number stays."""
    _decide(requests, lambda walk: walk.end(reason))
    requests.tell({i: {"reason": reason} for i in requests.ids})


@action(Request, "催办", may=VIEW, event="urged", from_=OPEN, icon="bell", bulk=False)
def urge(requests: Batch[Request]) -> None:
    """Whose turn it is hears of it again, at most once in two hours."""
    requests.refuse({r.pk: "只有提交人能催。" for r in requests if r.owner_id != requests.by.id})
    _ask_again(requests, "这两小时里已经催过了，等一等，或当面说。")


@action(Request, "加急", may=VIEW, event="hurried", from_=OPEN, icon="bolt", bulk=False)
def hurry(requests: Batch[Request]) -> None:
    """It goes first, and is told in quiet hours too."""
    requests.refuse({r.pk: "只有提交人能加急。" for r in requests if r.owner_id != requests.by.id})
    requests.refuse({r.pk: "已经是加急的。" for r in requests if r.urgent})
    for request in requests:
        request.urgent = True
    requests.set(urgent=True)
    _ask_again(requests, "")


def _ask_again(requests: Batch[Request], refusal: str) -> None:
    rows = list(Task.objects.filter(request_id__in=requests.ids, state=Task.State.OPEN).select_related("stands_for"))
    fresh = [
        t for t in rows if not t.urged_at or (requests.now - t.urged_at).total_seconds() >= URGED_EACH or not refusal
    ]
    reached = {t.request_id for t in fresh}
    requests.refuse({i: refusal for i in requests.ids if i not in reached})
    by_id, names = {r.pk: r for r in requests}, site().names("people.person", [r.owner_id for r in requests])
    for task in fresh:
        task.urged_at = requests.now
    Task.objects.bulk_update(fresh, ["urged_at"])
    tell_each([
        room.asking(by_id[t.request_id], t, t.person_id, names[by_id[t.request_id].owner_id])
        for t in fresh if t.request_id in by_id
    ])  # fmt: skip
    if not any(r.urgent for r in requests):
        requests.unchanged_but_told()
