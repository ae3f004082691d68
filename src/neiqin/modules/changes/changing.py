"""订单变更: taken down, passed on to the departments, agreed with the customer, carried out; the order keeps its
version until then (C-ORD-13, C-ORD-14)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import Outcome, Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.personal.columns import open_columns, seal_columns
from neiqin.kernel.resources.references import unseen
from neiqin.modules.changes import departments, fields, revision
from neiqin.modules.changes.models import (
    APPLIED,
    ASKED,
    ASSESSING,
    NUMBERS,
    OPEN,
    PLACE,
    REFUSED,
    WITH_REP,
    WITHDRAWN,
    Assessment,
    Change,
    ChangeLine,
    places_of,
)
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import confirming, revising
from neiqin.modules.orders.models import Collection, Delivery, Invoicing, Order, OrderLine
from neiqin.modules.orders.states import ALIVE, VOID

VIEW, CREATE, EDIT = "changes.view", "changes.create", orders.EDIT
KEY, URL = "changes.change", "/changes/change/"
CHANGE = Shape(fields.CHANGE, (Lines("lines", "明细", ChangeLine, "change", fields.LINE, 0, "加一行"),))
TOLD = Kind("changes.rep", "订单变更", MAIL)
WHY = Field("reason", "原因", required=True, maxlength=200)


def _fit(batch: NewBatch[Change]) -> Mapping[int, Refusal]:
    """The order is under way and has no other change open, and something is to be different."""
    problems = unseen(CHANGE, batch.rows, batch.by)
    found: dict[int, Order] = batch.read(Order, {row["order"] for p, row in batch.rows.items() if p not in problems})
    other = dict(Change.objects.filter(order__in=found, state__in=OPEN).values_list("order_id", "number"))
    lines = {x.pk: x for x in OrderLine.objects.filter(order__in=found)}
    for position, row in batch.rows.items():
        if position in problems:
            continue
        order = found[row["order"]]
        if order.state not in ALIVE:
            text = f"{order.number}{label_of(Order.STATES, order.state)}，审核以后、关闭以前才有变更；草稿直接改。"
            problems[position] = Refusal(text, "order")
        elif order.pk in other:
            text = f"{order.number}还有一张没办完的变更 {other[order.pk]}，先办完或撤回。"
            problems[position] = Refusal(text, "order")
        elif refusal := _unfit_lines(row, order, lines):
            problems[position] = refusal
        other[order.pk] = "（同时登记的一张）"
    return problems


def _unfit_lines(row: Mapping[str, Any], order: Order, lines: Mapping[int, OrderLine]) -> Refusal | None:
    seen, differs = set[int](), bool(row["whole"] or row["required_on"] or any(row[name] for name in PLACE))
    for n, one in enumerate(row["lines"] or ()):
        which, line = one["order_line"], lines.get(one["order_line"] or 0)
        if which and (line is None or line.order_id != order.pk):
            return Refusal(f"「第 {n + 1} 行」不是这张订单的。", f"lines-{n}-order_line")
        if which in seen:
            return Refusal(f"「第 {n + 1} 行」前面已经写过。", f"lines-{n}-order_line")
        if line is None and not (one["product"] or one["item_name"]):
            return Refusal(f"「第 {n + 1} 行」没有产品，选一个产品或写品名。", f"lines-{n}-product")
        if line is None and not one["quantity"]:
            return Refusal(f"「第 {n + 1} 行的新数量」要大于 0。", f"lines-{n}-quantity")
        seen |= {which} if which else set()
        differs = differs or line is None or _differs(one, line)
    return None if differs else Refusal("什么都没有变：改数量、单价、交期或收货信息，再登记。", "lines")


def _differs(one: Mapping[str, Any], line: OrderLine) -> bool:
    given = ((one["quantity"], line.quantity), (one["price"], line.price), (one["promised_on"], line.promised_on))
    return any(new is not None and new != old for new, old in given)


def _made(batch: NewBatch[Change]) -> None:
    """What was before is kept beside what is to be, and the rep is told."""
    lines = lines_of(batch.ids)
    rows = {c.pk: batch.rows[batch.positions[c.pk]] for c in batch.records}
    moving = [c for c in batch.records if any(rows[c.pk][name] for name in PLACE)]
    places = places_of(Order.objects.filter(pk__in=[c.order_id for c in moving]))
    if moving:
        seal_columns(moving, [{f"was_{name}": places[c.order_id][name] for name in PLACE} for c in moving])
    for change in batch.records:
        change.kinds = "、".join(revision.kinds_of(change, rows[change.pk], lines[change.pk]))
    Change.objects.bulk_update(batch.records, ["kinds", *(f"was_{name}" for name in PLACE)])
    _say(batch.records, batch, "请处理订单变更")


def lines_of(changes: Sequence[int]) -> dict[int, list[ChangeLine]]:
    """change -> its lines."""
    found = defaultdict[int, list[ChangeLine]](list)
    for line in ChangeLine.objects.filter(change__in=list(changes)).order_by("pk"):
        found[line.change_id].append(line)
    return found


def head_of(change: Change) -> dict[str, Any]:
    """What is to be different about the whole order, opened; empty where it stays."""
    (texts,) = open_columns([change], list(PLACE))
    return {"required_on": change.required_on, **{name: texts[name] or "" for name in PLACE}}


def _say(changes: Sequence[Change], batch: Batch[Change], words: str, text: str = "") -> None:
    """The reps hear of what others did."""
    tell_each([
        News(c.owner_id, f"{words}：{c.kinds} {c.name}", text or c.reason, f"{URL}{c.pk}/", TOLD.name,
             about=(KEY, c.pk), run=batch.run)
        for c in changes if c.owner_id != batch.by.id
    ])  # fmt: skip
    history.add_events(batch.run, "orders.order", [
        ("orders.order.changing", c.order_id, None, None, {"words": f"{words}：{c.kinds}，{c.reason}"}) for c in changes
    ])  # fmt: skip


create = creating(Change, CHANGE, numbers=NUMBERS, check=_fit, after=_made, label="登记变更", may=CREATE)


@action(
    Change, "转部门评估", may=EDIT, from_=WITH_REP, to=ASSESSING, event="passed_on", icon="share", primary=True, key="S"
)
def pass_on(changes: Batch[Change]) -> None:
    """The rep takes it up: every department at work on the order says what it would mean."""
    departments.ask_all(list(changes))
    history.resume(changes.run)


@action(Change, "登记客户同意", may=EDIT, from_=OPEN, event="agreed", icon="user-check", key="Q",
        offered=lambda change: change.agreed_at is None)  # fmt: skip
def agree(
    changes: Batch[Change],
    *,
    means: Annotated[str, Field("means", "怎么同意的", "choice", choices=confirming.BY_HAND, required=True)],
    proof: Annotated[str, Field("proof", "凭证", required=True, maxlength=200, help="谁、什么时候、回签件或聊天截图")],
) -> None:
    """The customer agrees to the solution; what counts is said by the table 《客户确认》, as for orders."""
    changes.refuse({c.pk: "客户已经同意过。" for c in changes if c.agreed_at})
    found: dict[int, Order] = changes.read(Order, {c.order_id for c in changes})
    asked = {c.pk: (found[c.order_id], found[c.order_id].amount) for c in changes}
    changes.refuse(confirming.unproven(changes, asked, means))
    changes.set(agreed_at=changes.now, agreed_by=means, agreed_note=proof)
    changes.tell({i: {"note": proof} for i in changes.ids})


@action(Change, "执行变更", may=EDIT, from_=ASSESSING, to=APPLIED, event="applied", icon="checkbox", primary=True,
        key="A", offered=lambda change: change.agreed_at is not None)  # fmt: skip
def apply(changes: Batch[Change]) -> None:
    """The order becomes its next version in one go, with all that follows from it; every department at work hears of
    it and has to say that it knows."""
    changes.refuse(_not_ready(changes))
    lines, found = lines_of(changes.ids), {o.pk: o for o in Order.objects.filter(pk__in=[c.order_id for c in changes])}
    problems: dict[int, Refusal] = {}
    for change in list(changes):
        parts = departments.still_open(change.order_id)
        outcome = carry_out(change, head_of(change), lines[change.pk], changes.by)
        history.resume(changes.run)
        if refusal := outcome.refused.get(change.order_id):
            problems[change.pk] = Refusal(f"订单不能这样改：{refusal.text}")
            continue
        order = Order.objects.get(pk=change.order_id)
        kinds = [*change.kinds.split("、"), *([revision.AMOUNT] if order.amount != found[order.pk].amount else [])]
        change.new_amount = order.amount
        still = parts if change.whole else departments.still_open(order.pk)
        departments.tell_all(change, order.revision, kinds, still)
        history.resume(changes.run)
    changes.refuse(problems)
    changes.set_each("new_amount", {c.pk: c.new_amount for c in changes})
    changes.set(applied_at=changes.now)
    _say(changes.records, changes, "变更已生效")


def _not_ready(changes: Batch[Change]) -> dict[int, Refusal]:
    """The customer has agreed, the departments have answered, and it is still that version of the order."""
    found: dict[int, Order] = changes.read(Order, {c.order_id for c in changes})
    waiting = defaultdict[int, list[str]](list)
    asked = Assessment.objects.filter(change__in=changes.ids, state=ASKED).order_by("pk")
    for which, department in asked.values_list("change_id", "department"):
        waiting[which].append(department)
    problems = {}
    for change in changes:
        order = found[change.order_id]
        if change.agreed_at is None:
            problems[change.pk] = Refusal("还没有客户同意的凭证，先登记客户同意。")
        elif waiting[change.pk]:
            problems[change.pk] = Refusal(f"{'、'.join(waiting[change.pk])}还没有答复评估。")
        elif change.base != order.revision:
            text = f"{order.number}已改到第 {order.revision} 版，这张变更是照第 {change.base} 版写的：撤回，重新登记。"
            problems[change.pk] = Refusal(text)
    return problems


def carry_out(change: Change, head: Mapping[str, Any], lines: Sequence[ChangeLine], by: Any) -> Outcome:
    """Make the order its next version, or void or close it, in the caller's transaction. Refused by order."""
    verb, params, rows = deed_of(change, head, lines)
    return perform(verb, [change.order_id], by=by, params=params, rows=rows, source="change")


def deed_of(
    change: Change, head: Mapping[str, Any], lines: Sequence[ChangeLine]
) -> tuple[Any, dict[str, Any] | None, list[dict[str, Any]]]:
    """(action on the order, parameters, rows)."""
    if change.whole:
        return (orders.close if _begun(change.order_id) else orders.void), {"reason": change.reason}, []
    return revising.revise, None, [revision.row_of(head, lines)]


def _begun(order: int) -> bool:
    return any(
        model.objects.filter(order_id=order).exclude(state=VOID).exists() for model in (Delivery, Invoicing, Collection)
    )


@action(Change, "不同意变更", may=EDIT, from_=OPEN, to=REFUSED, event="refused", icon="x", danger=True, bulk=False)
def refuse(changes: Batch[Change], *, reason: Annotated[str, WHY]) -> None:
    """The order stays as it is, for a reason that the customer can be told."""
    departments.drop(changes.ids)
    changes.tell({i: {"reason": reason} for i in changes.ids})
    _say(changes.records, changes, "不同意变更", reason)


@action(Change, "撤回变更", may=CREATE, from_=OPEN, to=WITHDRAWN, event="withdrawn", icon="arrow-back-up", bulk=False)
def withdraw(changes: Batch[Change], *, reason: Annotated[str, WHY]) -> None:
    """It is not wanted after all, or was written down wrongly."""
    departments.drop(changes.ids)
    changes.tell({i: {"reason": reason} for i in changes.ids})
    _say(changes.records, changes, "撤回变更", reason)
