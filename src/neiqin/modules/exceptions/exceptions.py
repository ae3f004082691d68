"""订单异常: registered, worked on, solved, verified and closed; the rep coordinates and the customer is kept informed
(C-ORD-16)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Collaborator, Unit
from neiqin.kernel.resources.references import unseen
from neiqin.modules.exceptions import fields, plans
from neiqin.modules.exceptions.models import (
    CHECKING,
    CLOSED,
    NUMBERS,
    OPEN,
    VOID,
    WAITING,
    WORKING,
    OrderException,
    Told,
)
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import DRAFT
from neiqin.modules.orders.states import VOID as ORDER_VOID
from neiqin.modules.orders.telling import Step, inform

KEY, URL = "exceptions.orderexception", "/exceptions/orderexception/"
VIEW, CREATE, HANDLE = "exceptions.view", "exceptions.create", "exceptions.handle"
OPENED = Kind("exceptions.opened", "订单异常", MAIL)
NEWS = Kind("exceptions.news", "订单异常的进展")
EXCEPTION = Shape(fields.EXCEPTION)
WHY = Field("reason", "原因", required=True, maxlength=200, span=2)
AGAIN = "空着用已经写的"
# When the two limits of a plan begin; the events hang on the exception beside the verbs' own.
ANSWERABLE, SOLVABLE = f"{KEY}.answerable", f"{KEY}.solvable"


def _fit(batch: NewBatch[OrderException]) -> Mapping[int, Refusal]:
    problems = unseen(EXCEPTION, batch.rows, batch.by)
    orders = Order.objects.in_bulk({row["order"] for row in batch.rows.values()})
    for position, row in batch.rows.items():
        if position not in problems and (refusal := _unfit(orders[row["order"]], row)):
            problems[position] = refusal
    return problems


def _unfit(order: Order, row: Mapping[str, Any]) -> Refusal | None:
    if order.state in (DRAFT, ORDER_VOID):
        return Refusal("草稿和作废的订单不登记异常，换一张订单。", "order")
    if row["kind"] == plans.DELAY:
        if row["days_late"] is None and order.required_on is None:
            return Refusal("订单没有要求交期，写上「晚几天」。", "days_late")
        return None
    if row["affected"] is None:
        return Refusal("写上「涉及金额」，按它占订单的多少定级。", "affected")
    if row["affected"] > order.amount:
        return Refusal(f"「涉及金额」比订单的 {order.amount:,.2f} 还大，核对一下。", "affected")
    return None


def _made(batch: NewBatch[OrderException]) -> None:
    """Rep, clerk and the department hear of it; a notice for the customer is kept until a person has sent it."""
    found = list(OrderException.objects.filter(pk__in=[r.pk for r in batch.records]).select_related("order", "owner"))
    _involve(found)
    batch.emit(ANSWERABLE, {e.pk: None for e in found})
    batch.emit(SOLVABLE, {e.pk: None for e in found})
    if batch.preview:
        return
    told = [
        (p, e) for e in found for p in dict.fromkeys((e.owner_id, e.order.clerk_id, e.order.assigned_to_id))
        if p and p != batch.by.id
    ]  # fmt: skip
    tell_each([_opened(p, e, batch.run) for p, e in told])
    _tell_departments(found, batch)
    texts = {
        e.pk: f"订单 {e.order.number} 出现{kind_of(e)}，我们正在处理，由{e.owner.name}负责，有结果马上告诉您"
        for e in found
    }
    inform([Step(e.order, f"exception-{e.pk}", texts[e.pk]) for e in found], batch.run)


def kind_of(exception: OrderException) -> str:
    """The kind in words."""
    return label_of(plans.KINDS, exception.kind)


def title_of(exception: OrderException) -> str:
    """Level, kind, order and customer in one line; the order must have been read."""
    level = label_of(plans.LEVELS, exception.level)
    return f"{level}{kind_of(exception)} {exception.order.number} {exception.name}"


def _opened(person: int, exception: OrderException, run: int) -> News:
    return News(
        person, f"订单异常：{title_of(exception)}", exception.what[:200], f"{URL}{exception.pk}/", OPENED.name,
        urgent=exception.level == plans.THIRD, about=(KEY, exception.pk), run=run,
    )  # fmt: skip


def _involve(exceptions: Iterable[OrderException]) -> None:
    """Who registered it, who works on the order, and the head of the responsible department see it."""
    found = list(exceptions)
    heads = _heads(found)
    pairs = {
        (e.pk, person) for e in found
        for person in (e.opened_by_id, e.order.clerk_id, e.order.assigned_to_id, e.order.service_id, heads.get(e.pk))
        if person
    }  # fmt: skip
    Collaborator.objects.bulk_create(
        [Collaborator(model=KEY, record_id=pk, person_id=person) for pk, person in sorted(pairs)],
        ignore_conflicts=True,
    )


def _heads(exceptions: Sequence[OrderException]) -> dict[int, int]:
    units = {e.department_id for e in exceptions if e.department_id}
    leaders = dict(Unit.objects.filter(pk__in=units, leader__isnull=False).values_list("pk", "leader_id"))
    return {e.pk: leaders[e.department_id] for e in exceptions if e.department_id in leaders}


def _tell_departments(exceptions: Sequence[OrderException], batch: Any) -> None:
    heads = _heads(exceptions)
    tell_each([
        News(heads[e.pk], f"你部门负责的订单异常：{title_of(e)}", e.what[:200], f"{URL}{e.pk}/", OPENED.name,
             about=(KEY, e.pk), run=batch.run)
        for e in exceptions if e.pk in heads and heads[e.pk] not in (batch.by.id, e.owner_id)
    ])  # fmt: skip


create = creating(OrderException, EXCEPTION, numbers=NUMBERS, check=_fit, after=_made, label="登记异常", may=CREATE)


def _edited(batch: Batch[OrderException], changes: Mapping[int, Mapping[str, Any]]) -> None:
    moved = [i for i in batch.ids if "department" in changes.get(i, {})]
    found = list(OrderException.objects.filter(pk__in=moved).select_related("order"))
    for one in found:
        one.department_id = changes[one.pk]["department"]
    _involve(found)
    if not batch.preview:
        _tell_departments(found, batch)


edit = editing(
    OrderException, Shape(fields.EDITED), may=HANDLE, from_=frozenset(OPEN),
    check=lambda batch, changes: unseen(Shape(fields.EDITED), changes, batch.by), after=_edited,
)  # fmt: skip


def _say(exceptions: Batch[OrderException], words: str, text: str = "") -> None:
    """The rep and who registered it hear of each step that was not their own."""
    orders = Order.objects.in_bulk({e.order_id for e in exceptions})
    tell_each([
        News(person, f"{words}：{kind_of(e)} {orders[e.order_id].number} {e.name}", text[:200], f"{URL}{e.pk}/",
             NEWS.name, about=(KEY, e.pk), run=exceptions.run)
        for e in exceptions for person in dict.fromkeys((e.owner_id, e.opened_by_id))
        if person and person != exceptions.by.id
    ])  # fmt: skip


@action(OrderException, "开始处理", may=HANDLE, from_=WAITING, to=WORKING, event="started", icon="check",
        primary=True, key="S")  # fmt: skip
def start(exceptions: Batch[OrderException]) -> None:
    """Somebody has it in hand: the answer that the plan limits."""
    _say(exceptions, "开始处理")


def _written(exceptions: Batch[OrderException], asked: Mapping[str, str]) -> None:
    """Keep what was said of these columns; where nothing is known of one, the exception stays as it is."""
    labels = {"cause": "原因", "measure": "措施"}
    for column, said in asked.items():
        text = f"「{labels[column]}」没有填，写清楚了再办。"
        exceptions.refuse({e.pk: Refusal(text, column) for e in exceptions if not (said or getattr(e, column))})
        if said:
            exceptions.set(**{column: said})


@action(OrderException, "处理完，待验证", may=HANDLE, from_=WORKING, to=CHECKING, event="solved", icon="send",
        primary=True, bulk=False)  # fmt: skip
def solve(
    exceptions: Batch[OrderException], *, measure: Annotated[str, fields.measure.but(help=f"做了什么；{AGAIN}")] = "",
    cause: Annotated[str, fields.cause.but(help="这时知道就写，关闭前一定要有")] = "",
) -> None:  # fmt: skip
    """What was done about it; whether it helped is looked at before it is closed."""
    _written(exceptions, {"measure": measure})
    if cause:
        exceptions.set(cause=cause)
    _say(exceptions, "处理完，待验证", measure)


@action(OrderException, "验证通过，关闭", may=HANDLE, from_=CHECKING, to=CLOSED, event="closed", icon="circle-check",
        primary=True, bulk=False)  # fmt: skip
def close(
    exceptions: Batch[OrderException], *, cause: Annotated[str, fields.cause.but(help=AGAIN)] = "",
    measure: Annotated[str, fields.measure.but(help=AGAIN)] = "",
) -> None:  # fmt: skip
    """With cause and measure. A notice for the customer is kept."""
    _written(exceptions, {"cause": cause, "measure": measure})
    exceptions.set(closed_at=exceptions.now)
    _say(exceptions, "已关闭", measure)
    if not exceptions.preview:
        orders = Order.objects.in_bulk({e.order_id for e in exceptions})
        steps = [
            Step(orders[e.order_id], f"exception-{e.pk}-closed",
                 f"订单 {orders[e.order_id].number} 的{kind_of(e)}已处理好，如有不妥请告诉我们")
            for e in exceptions
        ]  # fmt: skip
        inform(steps, exceptions.run)


@action(OrderException, "没有解决，退回处理", may=HANDLE, from_=CHECKING, to=WORKING, event="sent_back",
        icon="arrow-back-up", bulk=False)  # fmt: skip
def send_back(exceptions: Batch[OrderException], *, reason: Annotated[str, WHY]) -> None:
    """It did not help; the time for it begins again."""
    exceptions.tell({i: {"reason": reason} for i in exceptions.ids})
    exceptions.emit(SOLVABLE, dict.fromkeys(exceptions.ids))
    _say(exceptions, "没有解决，退回处理", reason)


@action(OrderException, "定级", may=HANDLE, from_=(WAITING, WORKING), event="releveled", icon="flag", bulk=False)
def relevel(
    exceptions: Batch[OrderException],
    *,
    level: Annotated[str, Field("level", "级别", "choice", choices=plans.LEVELS, required=True)],
    reason: Annotated[str, Field("reason", "原因", maxlength=200, span=2, help="降级一定要写")] = "",
) -> None:
    """A person raises it, or for a reason lowers it. The limits of the new level begin now."""
    label = label_of(plans.LEVELS, level)
    exceptions.refuse({e.pk: Refusal(f"已经是{label}。", "level") for e in exceptions if e.level == level})
    lowered = [e.pk for e in exceptions if plans.RANK[level] < plans.RANK[e.level]]
    if not reason:
        exceptions.refuse(dict.fromkeys(lowered, Refusal("降级要写「原因」。", "reason")))
    words = f"{exceptions.by.name or '系统'}定为{label}{'：' + reason if reason else ''}"
    exceptions.set(level=level, level_rule=words[:300])
    exceptions.tell({i: {"note": reason} for i in exceptions.ids if reason})
    exceptions.emit(ANSWERABLE, {e.pk: None for e in exceptions if e.state == WAITING})
    exceptions.emit(SOLVABLE, dict.fromkeys(exceptions.ids))
    _say(exceptions, f"改为{label}", reason)


@action(
    OrderException, "记录告诉客户", may=HANDLE, from_=(*OPEN, CLOSED), event="customer_told", icon="phone", bulk=False
)
def tell(
    exceptions: Batch[OrderException],
    *,
    way: Annotated[str, Field("way", "方式", "choice", choices=fields.WAYS, required=True)],
    text: Annotated[str, Field("text", "说了什么", "long", required=True, maxlength=500, span=2)],
) -> None:
    """A person has told the customer; nothing is sent from here."""
    Told.objects.bulk_create(
        Told(exception=e, at=exceptions.now, person_id=exceptions.by.id, way=way, text=text) for e in exceptions
    )
    exceptions.set(told_at=exceptions.now)
    exceptions.tell({i: {"note": text[:200]} for i in exceptions.ids})


@action(
    OrderException, "取消", may=HANDLE, from_=OPEN, to=VOID, event="voided", icon="circle-x", danger=True, bulk=False
)
def void(exceptions: Batch[OrderException], *, reason: Annotated[str, WHY]) -> None:
    """Registered by mistake."""
    paid = "已经批了赔付，不能取消。赔付改成 0 再取消。"
    exceptions.refuse({e.pk: paid for e in exceptions if e.compensation})
    exceptions.tell({i: {"reason": reason} for i in exceptions.ids})
    _say(exceptions, "取消了异常", reason)


def _limit(name: str) -> Any:
    """Working minutes of each exception's plan; one that no row fits has no clock."""

    def allowed(happened: Happened) -> Mapping[int, int]:
        rows = OrderException.objects.filter(pk__in=happened.ids).values_list("pk", "kind", "level")
        found, _ = plans.planned({pk: (kind, level) for pk, kind, level in rows})
        minutes = {pk: int(Decimal(getattr(plan, name)) * plans.MINUTES) for pk, plan in found.items()}
        return {pk: m for pk, m in minutes.items() if m > 0}

    return allowed


ENDS = (f"{KEY}.voided", f"{KEY}.releveled")
CLOCKS = (
    Clock("exceptions.respond", "响应订单异常", on=ANSWERABLE, until=(f"{KEY}.started",), cancel=ENDS,
          allowed=_limit("respond")),
    Clock("exceptions.solve", "处理订单异常", on=SOLVABLE, until=(f"{KEY}.solved",), cancel=ENDS,
          allowed=_limit("solve")),
)  # fmt: skip
