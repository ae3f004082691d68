"""退换货 asked for and decided: never more of an order's line than went out and is not already on its way back
(C-ORD-18)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from django.db.models import Sum

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating, editing
from neiqin.kernel.actions.refusals import NotAllowed, Refusal
from neiqin.kernel.approvals import routes
from neiqin.kernel.approvals.declare import UNMEASURED, Asks
from neiqin.kernel.approvals.walk import Wrong
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.guests.asks import NOBODY
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Unit
from neiqin.kernel.resources.references import unseen
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.orders.models import Order, OrderLine, ReturnLine, shipped_of
from neiqin.modules.orders.states import DELIVERING
from neiqin.modules.orders.states import VOID as ORDER_VOID
from neiqin.modules.orders.telling import Step, inform
from neiqin.modules.returns import fields
from neiqin.modules.returns.models import (
    ASKED,
    AWAITED,
    COMES_BACK,
    DROPPED,
    INSPECTED,
    KINDS,
    NUMBERS,
    OPEN,
    PAID_BACK,
    REASONS,
    REFUSED,
    REPAIR,
    WITHDRAWN,
    Ticket,
    TicketLine,
)

VIEW, CREATE, HANDLE = "returns.view", "returns.create", "returns.handle"
KEY, URL = "returns.ticket", "/returns/ticket/"
NAME = "退换货·同意"
TOLD = Kind("returns.told", "退换货", MAIL)
WHY = Field("reason", "原因", required=True, maxlength=200, help="客户在进度页上看到")
CENT = Decimal("0.01")
TICKET = Shape(fields.TICKET, (Lines("lines", "退换明细", TicketLine, "ticket", fields.LINE, 1, "加一行"),))
EDITED = Shape(fields.EDITED)


def share(line: OrderLine, before: Decimal, quantity: Decimal) -> Decimal:
    """What `quantity` more of an order's line is worth once `before` of it is paid back already, yuan incl. tax: as a
    difference of rounded sums, so that many small parts never make more than the whole."""

    def up_to(part: Decimal) -> Decimal:
        return (line.gross * part / line.quantity).quantize(CENT, ROUND_HALF_UP)

    return up_to(min(before + quantity, line.quantity)) - up_to(min(before, line.quantity))


def left_of(lines: Collection[int]) -> dict[int, Decimal]:
    """order line -> how much of it may still be asked for: what went out, less what has come back and what open or
    settled tickets have taken already. Four queries for any number. A line of nothing left is 0."""
    left = defaultdict[int, Decimal](Decimal, shipped_of(lines))
    back = ReturnLine.objects.filter(delivery_line__order_line__in=lines).exclude(returned__state=ORDER_VOID)
    for pk, quantity in back.values_list("delivery_line__order_line_id").annotate(Sum("quantity")):
        left[pk] -= quantity
    asked = TicketLine.objects.filter(order_line__in=lines).exclude(ticket__state__in=DROPPED)
    # A ticket whose goods are booked as returned counts there; of one that is settled only what was accepted counts.
    open_ = asked.filter(ticket__returned=None, ticket__state__in=(ASKED, AWAITED))
    done = asked.filter(ticket__returned=None).exclude(ticket__state__in=(ASKED, AWAITED)).exclude(ticket__kind=REPAIR)
    for rows, column in ((open_, "quantity"), (done, "accepted")):
        for pk, quantity in rows.values_list("order_line_id").annotate(Sum(column)):
            left[pk] -= quantity
    return {pk: max(left[pk], Decimal(0)) for pk in lines}


def _fit(batch: NewBatch[Ticket]) -> Mapping[int, Refusal]:
    """The orders are locked in id order, so of two who ask for the same pieces the second sees the first."""
    problems = unseen(TICKET, batch.rows, batch.by)
    ids = sorted({row["order"] for p, row in batch.rows.items() if p not in problems})
    rows = Order.objects.filter(pk__in=ids).order_by("pk")
    orders = {o.pk: o for o in (rows.select_for_update(no_key=True, of=("self",)) if batch.locks else rows)}
    lines = {x.pk: x for x in OrderLine.objects.filter(order__in=orders)}
    left = left_of(lines)
    for position, row in batch.rows.items():
        if position not in problems and (refusal := _unfit(row, orders[row["order"]], lines, left)):
            problems[position] = refusal
    return problems


def _unfit(
    row: Mapping[str, Any], order: Order, lines: Mapping[int, OrderLine], left: dict[int, Decimal]
) -> Refusal | None:
    if order.state not in DELIVERING:
        return Refusal(f"{order.number}{label_of(Order.STATES, order.state)}，发了货才能退换。", "order")
    for n, one in enumerate(row["lines"]):
        line = lines.get(one["order_line"])
        if line is None or line.order_id != order.pk:
            return Refusal(f"「第 {n + 1} 行」不是这张订单的。", f"lines-{n}-order_line")
        if one["quantity"] <= 0:
            return Refusal(f"「第 {n + 1} 行的数量」要大于 0。", f"lines-{n}-quantity")
        if one["quantity"] > left[line.pk]:
            text = f"「{line.item_name}」发了、还没退换的只有 {plain(left[line.pk])} {line.unit_name}，改小数量。"
            return Refusal(text, f"lines-{n}-quantity")
        left[line.pk] -= one["quantity"]
    return None


def _made(batch: NewBatch[Ticket]) -> None:
    """The money that is asked for; then, without anybody's step, on its way to who decides."""
    lines = list(TicketLine.objects.filter(ticket__in=batch.ids).select_related("order_line").order_by("pk"))
    sums = defaultdict[int, Decimal](Decimal)
    for line in lines:
        line.amount = share(line.order_line, Decimal(0), line.quantity)
        sums[line.ticket_id] += line.amount
    TicketLine.objects.bulk_update(lines, ["amount"])
    for ticket in batch.records:
        ticket.amount = sums[ticket.pk]
    Ticket.objects.bulk_update(batch.records, ["amount"])
    if batch.preview:
        return
    orders = batch.read(Order, {t.order_id for t in batch.records})
    say(batch.records, batch, "客户要退换货" if batch.by.id is None else "登记了退换货")
    on_order(batch.records, batch.run, "申请")
    inform([Step(orders[t.order_id], f"return-{t.pk}", f"订单 {orders[t.order_id].number} 的{kind_of(t)}申请已收到")
            for t in batch.records], batch.run)  # fmt: skip
    for ticket in batch.records:
        _hand_in(ticket, batch)


def _hand_in(ticket: Ticket, batch: NewBatch[Ticket]) -> None:
    """Where the table 《审批路线》 wants somebody's consent, the request is open at once: handing in and asking for
    consent are one step. What needs none waits for whoever handles it."""
    by = batch.by if batch.by.id else actor_of(ticket.owner_id)
    if by.may(HANDLE) and _needs_consent(ticket, batch):
        with suppress(NotAllowed):  # then it waits, and who may will press the button
            perform(approve, [ticket.pk], by=by, source="return")
        history.resume(batch.run)


def _needs_consent(ticket: Ticket, batch: NewBatch[Ticket]) -> bool:
    unit = batch.read(Unit, {ticket.unit_id})[ticket.unit_id].name
    asked = {**UNMEASURED, **_measure(ticket), "action": NAME, "unit": unit}
    try:
        return bool(routes.read(decide("approvals", [asked], clock.today())[0].outputs["route"]))
    except (Undecided, BadCell, Wrong):
        return False


create = creating(Ticket, TICKET, numbers=NUMBERS, check=_fit, after=_made, label="登记退换货", may=CREATE)
edit = editing(Ticket, EDITED, may=HANDLE, from_=frozenset(OPEN))


@action(Ticket, "同意", may=HANDLE, from_=ASKED, event="approved", icon="check", primary=True, key="A")
def approve(tickets: Batch[Ticket]) -> None:
    """The customer may send it back; of what need not come back, all that was asked for is accepted."""
    skip = [t for t in tickets if t.kind not in COMES_BACK]
    accept_all(skip)
    tickets.set(approved_at=tickets.now)
    tickets.set_each("state", {t.pk: INSPECTED if t in skip else AWAITED for t in tickets})
    tickets.set_each("credit", {t.pk: t.amount if t.kind in PAID_BACK else Decimal(0) for t in skip})
    say(tickets.records, tickets, "退换货已同意")
    on_order(tickets.records, tickets.run, "同意")
    if not tickets.preview:
        inform_of(tickets, "approved", "已同意，请把货寄回，寄出后在进度页上填运单号", "已同意，我们正在办")


def accept_all(tickets: Iterable[Ticket]) -> None:
    """Of goods that need not come back all that was asked for is accepted."""
    found = {t.pk: t for t in tickets}
    lines = list(TicketLine.objects.filter(ticket__in=found).order_by("pk"))
    for line in lines:
        line.accepted = line.quantity
        line.credit = line.amount if found[line.ticket_id].kind in PAID_BACK else Decimal(0)
    TicketLine.objects.bulk_update(lines, ["accepted", "credit"])


@action(Ticket, "不同意", may=HANDLE, from_=(ASKED, AWAITED), to=REFUSED, event="refused", icon="x", danger=True,
        bulk=False)  # fmt: skip
def refuse(tickets: Batch[Ticket], *, reason: Annotated[str, WHY]) -> None:
    """Not taken back, for a reason that the customer sees."""
    tickets.set(answer=reason)
    _dropped(tickets, "退换货不同意", reason)
    if not tickets.preview:
        inform_of(tickets, "refused", f"没有同意：{reason}", f"没有同意：{reason}")


@action(Ticket, "撤回", may=CREATE, from_=(ASKED, AWAITED), to=WITHDRAWN, event="withdrawn", icon="arrow-back-up",
        bulk=False)  # fmt: skip
def withdraw(tickets: Batch[Ticket], *, reason: Annotated[str, WHY]) -> None:
    """It is not wanted after all, or was written down wrongly."""
    tickets.set(answer=reason)
    _dropped(tickets, "撤回退换货", reason)


def _dropped(tickets: Batch[Ticket], words: str, reason: str) -> None:
    tickets.tell({i: {"reason": reason} for i in tickets.ids})
    say(tickets.records, tickets, words, reason)
    on_order(tickets.records, tickets.run, words.replace("退换货", ""))


@action(Ticket, "客户寄回", may=NOBODY, from_=AWAITED, event="sent_back", icon="truck-return", button=False, bulk=False)
def send_back(tickets: Batch[Ticket], *, waybill: Annotated[str, fields.waybill.but(required=True)]) -> None:
    """The customer says on the order's page with which waybill it comes."""
    tickets.set(waybill=waybill)
    say(tickets.records, tickets, "客户寄回了退换货", f"运单 {waybill}")


# Who hears of it


def kind_of(ticket: Ticket) -> str:
    """The kind in words."""
    return label_of(KINDS, ticket.kind)


def say(tickets: Sequence[Ticket], batch: Any, words: str, text: str = "") -> None:
    """Rep and clerk of the order hear of each step that was not their own."""
    if batch.preview:
        return
    orders = batch.read(Order, {t.order_id for t in tickets})
    tell_each([
        News(person, f"{words}：{kind_of(t)} {orders[t.order_id].number} {t.name}", text or _about(t), f"{URL}{t.pk}/",
             TOLD.name, about=(KEY, t.pk), run=batch.run)
        for t in tickets for person in dict.fromkeys((t.owner_id, orders[t.order_id].clerk_id))
        if person and person != batch.by.id
    ])  # fmt: skip


def _about(ticket: Ticket) -> str:
    return f"原因：{label_of(REASONS, ticket.reason)}，金额 {ticket.amount:,.2f}"


def on_order(tickets: Iterable[Ticket], run: int, words: str) -> None:
    """On the orders' timelines."""
    history.add_events(run, "orders.order", [
        ("orders.order.returning", t.order_id, None, None, {"words": f"{kind_of(t)}：{words}"}) for t in tickets
    ])  # fmt: skip


def inform_of(tickets: Batch[Ticket], step: str, coming: str, other: str) -> None:
    """A notice for the customers is kept: `coming` where goods come back, `other` where they do not."""
    orders = tickets.read(Order, {t.order_id for t in tickets})
    inform([
        Step(orders[t.order_id], f"return-{t.pk}-{step}",
             f"订单 {orders[t.order_id].number} 的{kind_of(t)}{coming if t.kind in COMES_BACK else other}")
        for t in tickets
    ], tickets.run)  # fmt: skip


# What the gate asks


def _measure(ticket: Ticket) -> dict[str, Any]:
    return {"kind": label_of(REASONS, ticket.reason), "amount": ticket.amount}


def _measures(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    """By reason and by the money that is asked for."""
    return {t.pk: _measure(t) for t in Ticket.objects.filter(pk__in=rows)}


def _facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at first: order, kind, reason, goods."""
    ticket = Ticket.objects.filter(Ticket.visible_to(person), pk=record).select_related("order").first()
    if ticket is None:
        return []
    lines = TicketLine.objects.filter(ticket=ticket).select_related("order_line").order_by("pk")
    goods = "、".join(f"{x.order_line.item_name} {plain(x.quantity)}{x.order_line.unit_name}" for x in lines)
    return [
        ("订单", f"{ticket.order.number} {ticket.name}，{ticket.order.amount:,.2f}"),
        ("要什么", f"{kind_of(ticket)}，{label_of(REASONS, ticket.reason)}：{goods}"),
        ("金额", f"{ticket.amount:,.2f}"),
    ]


ASKS = Asks(approve.code, _measures, NAME, _facts)
