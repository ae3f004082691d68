"""退换货 received and inspected in one step, and settled: what came back drives stock, credit and what goes out again
(C-ORD-18)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import Sum

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.modules.changes.models import places_of
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import booking, stocking
from neiqin.modules.orders.models import DeliveryLine, Order
from neiqin.modules.orders.states import VOID
from neiqin.modules.returns import fields
from neiqin.modules.returns.asking import HANDLE, KEY, inform_of, kind_of, on_order, say, share
from neiqin.modules.returns.models import (
    AWAITED,
    DROPPED,
    INSPECTED,
    INTO_STOCK,
    INVOICE_WAYS,
    PAID_BACK,
    REASONS,
    SENT_AGAIN,
    SETTLED,
    Ticket,
    TicketLine,
)
from neiqin.modules.stock import moving
from neiqin.modules.stock.models import OPEN as IN_USE
from neiqin.modules.stock.models import Warehouse
from neiqin.modules.stock.moving import Move

INSPECT = booking.RETURN
FOUND = Lines("lines", "验货结果", TicketLine, "ticket", fields.FOUND, 1, "加一行")
INSPECTION = Shape((fields.waybill, fields.finding), (FOUND,))
PARTS = ("good", "bad", "scrap")


@action(Ticket, "收货验货", may=INSPECT, from_=AWAITED, to=INSPECTED, event="inspected", shape=INSPECTION, each=True,
        button=False, bulk=False, icon="truck-return")  # fmt: skip
def inspect(tickets: Batch[Ticket]) -> None:
    """What came back, by how it looks. Good pieces go where goods are shipped from, bad ones into the warehouse for
    them, scrap nowhere; the order is told what came back, and the customer gets for what is accepted."""
    lines = _lines(tickets.ids)
    tickets.refuse({t.pk: r for t in tickets if (r := _written(tickets.rows[t.pk], lines[t.pk]))})
    before = _credited([x.order_line_id for t in tickets for x in lines[t.pk]])
    for ticket in tickets:
        for line in lines[ticket.pk]:
            if ticket.kind in PAID_BACK:
                line.credit = share(line.order_line, before[line.order_line_id], line.accepted)
    kept = [x for t in tickets for x in lines[t.pk]]
    TicketLine.objects.bulk_update(kept, [*PARTS, "accepted", "credit"])
    booked = _booked([t for t in tickets if t.kind in INTO_STOCK], lines, tickets)
    tickets.set_each("returned_id", booked)
    _into_stock([t for t in tickets if t.kind in INTO_STOCK], lines, tickets)
    tickets.set_each("credit", {t.pk: sum((x.credit for x in lines[t.pk]), Decimal(0)) for t in tickets})
    tickets.set_each("finding", {t.pk: tickets.rows[t.pk].get("finding") or "" for t in tickets})
    tickets.set_each("waybill", {t.pk: tickets.rows[t.pk].get("waybill") or t.waybill for t in tickets})
    tickets.set(inspected_at=tickets.now, inspected_by_id=tickets.by.id)
    tickets.tell({t.pk: {"note": _words(lines[t.pk])} for t in tickets})
    say(tickets.records, tickets, "退换货已验货")
    on_order(tickets.records, tickets.run, "已收货验货")
    if not tickets.preview:
        inform_of(tickets, "inspected", *["已收到并验货，结果在进度页上"] * 2)


def _lines(tickets: Sequence[int]) -> dict[int, list[TicketLine]]:
    found = defaultdict[int, list[TicketLine]](list)
    for line in TicketLine.objects.filter(ticket__in=tickets).select_related("order_line").order_by("pk"):
        found[line.ticket_id].append(line)
    return found


def _written(row: Mapping[str, Any], lines: Sequence[TicketLine]) -> Refusal | None:
    """Take the result over into the lines; or what is wrong with it."""
    mine = {x.order_line_id: x for x in lines}
    for n, one in enumerate(row["lines"]):
        line = mine.get(one["order_line"])
        if line is None:
            return Refusal(f"「第 {n + 1} 行」不在这张退换货里。", f"lines-{n}-order_line")
        for part in PARTS:
            setattr(line, part, one[part] or Decimal(0))
        came = line.good + line.bad + line.scrap
        line.accepted = line.good if one["accepted"] is None else one["accepted"]
        if min(line.good, line.bad, line.scrap, line.accepted) < 0:
            return Refusal(f"「第 {n + 1} 行」的数量不能小于 0。", f"lines-{n}-good")
        if came > line.quantity:
            text = f"「{line.order_line.item_name}」申请退 {plain(line.quantity)}，收到的加起来是 {plain(came)}，核对。"
            return Refusal(text, f"lines-{n}-good")
        if line.accepted > came:
            text = f"「{line.order_line.item_name}」收到 {plain(came)}，认可的不能更多。"
            return Refusal(text, f"lines-{n}-accepted")
    if not any(x.good + x.bad + x.scrap for x in lines):
        return Refusal("一件都没有收到：没寄来就先不验；不要了，点「不同意」或「撤回」。", "lines")
    return None


def _credited(lines: Iterable[int]) -> dict[int, Decimal]:
    """order line -> for how much of it money was given back already."""
    rows = TicketLine.objects.filter(order_line__in=list(lines), ticket__kind__in=PAID_BACK)
    rows = rows.exclude(ticket__state__in=DROPPED)
    return defaultdict(Decimal, rows.values_list("order_line_id").annotate(Sum("accepted")))


def _booked(
    tickets: Sequence[Ticket], lines: Mapping[int, Sequence[TicketLine]], batch: Batch[Ticket]
) -> dict[int, int]:
    """ticket -> the row that tells its order what is taken back: what is accepted, spread over the deliveries from the
    first. The same action as by hand, so percent, word and timeline of the order follow as ever."""
    rows = {t.pk: {
        "order": t.order_id, "returned_on": str(clock.today()),
        "reason": f"{kind_of(t)} {t.number}：{label_of(REASONS, t.reason)}", "lines": _spread(t, lines[t.pk]),
    } for t in tickets}  # fmt: skip
    asked = [pk for pk, row in rows.items() if row["lines"]]
    if not asked or batch.preview:
        return {}
    outcome = perform(booking.take_back, by=batch.by, rows=[rows[pk] for pk in asked], source="return")
    history.resume(batch.run)
    batch.refuse({asked[n]: Refusal(f"订单不能登记退货：{r.text}") for n, r in outcome.refused.items()})
    return dict(zip([pk for n, pk in enumerate(asked) if n not in outcome.refused], outcome.done, strict=True))


def _spread(ticket: Ticket, lines: Sequence[TicketLine]) -> list[dict[str, str]]:
    rows = DeliveryLine.objects.filter(order_line__in=[x.order_line_id for x in lines]).exclude(delivery__state=VOID)
    goods = list(rows.order_by("pk"))
    back = booking.returned_of([g.pk for g in goods])
    found = []
    for line in lines:
        wanted = line.accepted
        for one in (g for g in goods if g.order_line_id == line.order_line_id):
            part = min(wanted, one.quantity - back.get(one.pk, Decimal(0)))
            if part > 0:
                found.append({"delivery_line": str(one.pk), "quantity": str(part)})
                wanted -= part
    return found


def bad_warehouse() -> Warehouse | None:
    """Where goods lie that cannot be sold; None where none is declared."""
    return Warehouse.objects.filter(state=IN_USE, bad=True).order_by("pk").first()


def _into_stock(tickets: Sequence[Ticket], lines: Mapping[int, Sequence[TicketLine]], batch: Batch[Ticket]) -> None:
    """Only goods whose stock is kept; bad ones of a company without a warehouse for them enter no stock at all, so that
    nobody sells them."""
    goods = [(t, x) for t in tickets if t.pk in batch.ids for x in lines[t.pk]]
    counted = moving.counted({x.order_line.product_id for _, x in goods if x.order_line.product_id})
    known = stocking.factors_of(x.order_line for _, x in goods)
    places = {"good": moving.main_warehouse(), "bad": bad_warehouse()}
    moves = []
    for ticket, line in goods:
        sold = line.order_line
        factor = known.get((sold.product_id or 0, sold.unit_name))
        for part, place in places.items():
            if place and factor and sold.product_id in counted and (quantity := getattr(line, part)):
                moves.append(Move((place.pk, sold.product_id), quantity * factor, ticket.pk))
    if not batch.preview:
        moving.move(moves, KEY, now=batch.now, run=batch.run, by=batch.by)


def _words(lines: Iterable[TicketLine]) -> str:
    return "；".join(
        f"{x.order_line.item_name} 良品 {plain(x.good)}、不良 {plain(x.bad)}、报废 {plain(x.scrap)}，"
        f"认可 {plain(x.accepted)}" for x in lines
    )  # fmt: skip


@action(Ticket, "结清", may=HANDLE, from_=INSPECTED, to=SETTLED, event="settled", icon="circle-check", primary=True,
        bulk=False)  # fmt: skip
def settle(
    tickets: Batch[Ticket], *,
    invoice_way: Annotated[str, fields.invoice_way.but(help="有退款就要选")] = "",
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2, help="退到哪个账户、补发或寄回的运单")] = "",
) -> None:  # fmt: skip
    """The last step: money back with its way of invoice (practice.md 2.7), or a draft order at no price for what goes
    out again, which then takes the ordinary way."""
    missing = Refusal("有退款，先选「发票怎么办」。", "invoice_way")
    tickets.refuse({t.pk: missing for t in tickets if t.credit and not invoice_way})
    again = {t.pk: t for t in tickets if t.kind in SENT_AGAIN}
    made = _order_again(again, tickets) if again and not tickets.preview else {}
    tickets.set(settled_at=tickets.now, settled_by_id=tickets.by.id, invoice_way=invoice_way, settled_note=note)
    tickets.set_each("sent_again_id", made)
    words = {t.pk: _result(t, invoice_way) for t in tickets}
    tickets.tell({pk: {"note": text} for pk, text in words.items()})
    say(tickets.records, tickets, "退换货已结清")
    on_order(tickets.records, tickets.run, "已结清")
    if not tickets.preview:
        inform_of(tickets, "settled", *["已办完，结果在进度页上"] * 2)


def _result(ticket: Ticket, way: str) -> str:
    if ticket.kind in PAID_BACK:
        return f"退款 {ticket.credit:,.2f}" + (f"，{label_of(INVOICE_WAYS, way)}" if way else "")
    return "已下补发订单" if ticket.kind in SENT_AGAIN else "修好寄回"


def _order_again(tickets: Mapping[int, Ticket], batch: Batch[Ticket]) -> dict[int, int]:
    """ticket -> a draft order of what was accepted, as gifts, to where the first went."""
    lines, made = _lines(list(tickets)), {}
    found: dict[int, Order] = batch.read(Order, {t.order_id for t in tickets.values()})
    places = places_of(found.values())
    for pk, ticket in tickets.items():
        goods = [
            {"product": x.order_line.product_id, "item_name": x.order_line.item_name, "spec": x.order_line.spec,
             "unit_name": x.order_line.unit_name, "quantity": str(x.accepted), "price": "0", "is_gift": True}
            for x in lines[pk] if x.accepted
        ]  # fmt: skip
        if not goods:
            continue
        order = found[ticket.order_id]
        row = {
            "customer": order.customer_id,
            "lines": goods,
            "remark": f"{kind_of(ticket)} {ticket.number}，原订单 {order.number}",
        } | places[order.pk]
        outcome = perform(orders.create, by=batch.by, rows=[row], source="return")
        history.resume(batch.run)
        if outcome.done:
            made[pk] = outcome.done[0]
        else:
            why = next(iter(outcome.refused.values())).text if outcome.refused else "要先审批"
            batch.refuse({pk: Refusal(f"补发订单开不出来：{why}")})
    return made
