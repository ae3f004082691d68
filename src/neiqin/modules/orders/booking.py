"""What is invoiced, received and taken back on an order, and how far that brings it (C-ORD-05).

The smallest real thing: modules of their own for invoices, receipts and returns take these rows over.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from uuid import uuid4

from django.contrib import messages
from django.db import connection
from django.db.models import Sum
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Refusal, TooSlow
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid, Lines, Problem, Shape
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.resources.pages.forms import form_field, held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.references import unseen
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.orders import fields
from neiqin.modules.orders.models import Collection, Delivery, DeliveryLine, Invoicing, Order, Return, ReturnLine
from neiqin.modules.orders.states import BOOKED, DELIVERING, IN_FORCE, VOID

INVOICE, COLLECT, RETURN = Invoicing.RIGHT, Collection.RIGHT, Return.RIGHT
BACK = Lines("lines", "退货明细", ReturnLine, "returned", fields.BACK, 1, "加一行")
WHY = Field("reason", "原因", required=True, maxlength=200)
PAGE = "/orders/book/"
Rows = Mapping[int, Mapping[str, Any]]


def _orders(batch: NewBatch[Any], problems: Mapping[int, Refusal]) -> dict[int, Order]:
    """The orders of the rows, locked in id order: two who book on the same come one after the other."""
    ids = sorted({row["order"] for p, row in batch.rows.items() if p not in problems})
    rows = Order.objects.filter(pk__in=ids).order_by("pk")
    if batch.locks:
        rows = rows.select_for_update(no_key=True, of=("self",))
    return {o.pk: o for o in rows}


def _unready(order: Order, states: Iterable[str], verb: str, row: Mapping[str, Any], day: str) -> Refusal | None:
    if order.state not in states:
        label = label_of(Order.STATES, order.state)
        return Refusal(f"{order.number}{label}，不能{verb}。", "order")
    if row[day] and row[day] > clock.today():
        return Refusal("日期还没到。", day)
    if "amount" in row and row["amount"] <= 0:
        return Refusal("「金额」要大于 0。", "amount")
    return None


def _invoices(batch: NewBatch[Invoicing]) -> Mapping[int, Refusal]:
    """A number once, and together never more than the order's amount; rows one after the other."""
    problems = unseen(INVOICING, batch.rows, batch.by)
    orders = _orders(batch, problems)
    left = {o.pk: o.amount for o in orders.values()}
    alive = Invoicing.objects.filter(state=BOOKED)
    for pk, done in alive.filter(order__in=orders).values_list("order_id").annotate(Sum("amount")):
        left[pk] -= done
    numbers = {row["number"] for row in batch.rows.values()}
    taken = dict(alive.filter(number__in=numbers).values_list("number", "order__number"))
    for position, row in batch.rows.items():
        if position in problems:
            continue
        order = orders[row["order"]]
        refusal = _unready(order, IN_FORCE, "登记开票", row, "issued_on")
        if row["number"] in taken:
            refusal = Refusal(f"发票 {row['number']} 已经登记在订单 {taken[row['number']]}，核对号码。", "number")
        elif refusal is None and row["amount"] > left[order.pk]:
            refusal = Refusal(f"{order.number}还有 {left[order.pk]:,.2f} 没开票，不能再多。", "amount")
        if refusal:
            problems[position] = refusal
            continue
        left[order.pk] -= row["amount"]
        taken[row["number"]] = order.number
    return problems


def _receipts(batch: NewBatch[Collection]) -> Mapping[int, Refusal]:
    problems = unseen(COLLECTION, batch.rows, batch.by)
    orders = _orders(batch, problems)
    for position, row in batch.rows.items():
        if position not in problems and (
            refusal := _unready(orders[row["order"]], IN_FORCE, "登记收款", row, "received_on")
        ):
            problems[position] = refusal
    return problems


def _returns(batch: NewBatch[Return]) -> Mapping[int, Refusal]:
    """Of each line of a delivery never more comes back than went out with it."""
    problems = unseen(RETURNS, batch.rows, batch.by)
    orders = _orders(batch, problems)
    goods = DeliveryLine.objects.filter(delivery__order__in=orders).exclude(delivery__state=VOID)
    lines = {g.pk: g for g in goods.select_related("delivery", "order_line")}
    back = defaultdict[int, Decimal](Decimal, returned_of(lines))
    for position, row in batch.rows.items():
        if position not in problems and (
            refusal := _unready(orders[row["order"]], DELIVERING, "登记退货", row, "returned_on")
            or _too_much(row, lines, back)
        ):
            problems[position] = refusal
    return problems


def returned_of(lines: Iterable[int]) -> dict[int, Decimal]:
    """delivery line -> what has come back of it."""
    rows = ReturnLine.objects.filter(delivery_line__in=list(lines)).exclude(returned__state=VOID)
    return dict(rows.values_list("delivery_line_id").annotate(Sum("quantity")))


def _too_much(row: Mapping[str, Any], lines: Mapping[int, DeliveryLine], back: dict[int, Decimal]) -> Refusal | None:
    for n, one in enumerate(row["lines"]):
        line = lines.get(one["delivery_line"])
        if line is None or line.delivery.order_id != row["order"]:
            return Refusal(f"「第 {n + 1} 行」不是这张订单发的货。", f"lines-{n}-delivery_line")
        if one["quantity"] <= 0:
            return Refusal(f"「第 {n + 1} 行的数量」要大于 0。", f"lines-{n}-quantity")
        if row["returned_on"] and row["returned_on"] < line.delivery.shipped_on:
            return Refusal(f"「退货日期」早于发货日期 {line.delivery.shipped_on}。", "returned_on")
        left = line.quantity - back[line.pk]
        if one["quantity"] > left:
            text = f"「{line.order_line.item_name}」{line.delivery.number}发了 {plain(line.quantity)}，"
            return Refusal(f"{text}最多再退 {plain(left)}。", f"lines-{n}-quantity")
        back[line.pk] += one["quantity"]
    return None


INVOICING, COLLECTION = Shape(fields.INVOICING), Shape(fields.COLLECTION)
RETURNS = Shape(fields.RETURN, (BACK,))
invoice = creating(Invoicing, INVOICING, check=_invoices, label="登记开票", may=INVOICE)
collect = creating(
    Collection, COLLECTION, numbers=Numbers("number", Pattern("SK", by_day=True)), check=_receipts, label="登记收款",
    may=COLLECT,
)  # fmt: skip
take_back = creating(
    Return, RETURNS, numbers=Numbers("number", Pattern("TH", by_day=True)), check=_returns, label="登记退货", may=RETURN
)


def _voiding(model: Any, right: str) -> Action:
    @action(model, "作废", may=right, from_=BOOKED, to=VOID, event="voided", icon="circle-x", danger=True)
    def void(rows: Batch[Any], *, reason: Annotated[str, WHY]) -> None:
        """Booked by mistake: it counts no more, and stays visible."""
        rows.tell({i: {"reason": reason} for i in rows.ids})

    return void


void_invoice, void_receipt, void_return = (
    _voiding(m, r) for m, r in ((Invoicing, INVOICE), (Collection, COLLECT), (Return, RETURN))
)

# Cut, not rounded: 100 means all of it.
_ROLL = """
UPDATE orders_progress p SET invoiced = r.invoiced, collected = r.collected, returned = r.returned
FROM (
  SELECT o.id,
    CASE WHEN o.amount > 0 THEN least(trunc(100 * coalesce(i.amount, 0) / o.amount, 1), 100) ELSE 0 END AS invoiced,
    CASE WHEN o.amount > 0 THEN least(trunc(100 * coalesce(c.amount, 0) / o.amount, 1), 100) ELSE 0 END AS collected,
    coalesce(trunc(100 * b.back / nullif(b.out, 0), 1), 0) AS returned
  FROM orders_order o
  LEFT JOIN LATERAL (
    SELECT sum(amount) AS amount FROM orders_invoicing WHERE order_id = o.id AND state <> 'void') i ON true
  LEFT JOIN LATERAL (
    SELECT sum(amount) AS amount FROM orders_collection WHERE order_id = o.id AND state <> 'void') c ON true
  LEFT JOIN LATERAL (
    SELECT sum(g.quantity * w.weight) AS out, sum(coalesce(k.quantity, 0) * w.weight) AS back
    FROM orders_delivery v JOIN orders_deliveryline g ON g.delivery_id = v.id
    JOIN orders_orderline l ON l.id = g.order_line_id
    CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(l.price, 0) > 0 THEN l.price ELSE 0.000001 END AS weight) w
    LEFT JOIN LATERAL (
      SELECT sum(x.quantity) AS quantity FROM orders_returnline x
      JOIN orders_return t ON t.id = x.returned_id AND t.state <> 'void' WHERE x.delivery_line_id = g.id) k ON true
    WHERE v.order_id = o.id AND v.state <> 'void') b ON true
  WHERE o.id = ANY(%s)) r
WHERE p.order_id = r.id
"""


def roll(orders: Iterable[int]) -> None:
    """How much of these orders is invoiced, received and returned, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLL, [sorted(set(orders))])


def of_bookings(happened: Happened) -> None:
    """The orders' progress follows, and their timelines tell it."""
    model, verb = happened.name.rsplit(".", 1)
    kind = {k.model._meta.label_lower: k for k in KINDS.values()}[model]
    rows = list(kind.model.objects.filter(pk__in=happened.ids))
    roll(row.order_id for row in rows)
    if not happened.preview:
        words = f"{'作废' if verb == 'voided' else ''}{kind.label}"
        told = [(f"orders.order.{verb}_{kind.name}", r.order_id, None, None, {"words": f"{words} {r}"}) for r in rows]
        history.add_events(happened.run, "orders.order", told)


def of_deliveries(happened: Happened) -> None:
    """More or less has gone out, so what came back is another part of it."""
    back = Delivery.objects.filter(pk__in=happened.ids, order__progress__returned__gt=0)
    roll(back.values_list("order_id", flat=True))


@dataclass(frozen=True)
class Kind:
    """One of the three: how it is called in addresses and in words, what makes it, and in which states of an order."""

    name: str
    label: str
    model: Any
    create: Action
    icon: str
    states: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("invoicing", "登记开票", Invoicing, invoice, "receipt-yuan", IN_FORCE),
        Kind("collection", "登记收款", Collection, collect, "cash", IN_FORCE),
        Kind("return", "登记退货", Return, take_back, "truck-return", DELIVERING),
    )
}


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """The three, on an order."""
    if resource.key != "orders.order":
        return []
    return [
        Tool(k.label, f"{PAGE}?what={k.name}&", k.icon, rows=True, states=k.states)
        for k in KINDS.values() if person.may(k.create.may)
    ]  # fmt: skip


@screen("orders.view")
def page(request: Any) -> HttpResponse:
    """Book one of the three on an order: GET `?what=…&id=…` shows the form, POST books; a return with q-<delivery
    line>."""
    given = request.POST if request.method == "POST" else request.GET
    if len(given.getlist("id")) > 1:
        messages.error(request, "开票、收款和退货一次登记一单，只选一单。")
        return HttpResponseRedirect("/orders/order/")
    kind, number = KINDS.get(given.get("what", "")), given.get("id", "")
    seen = Order.objects.filter(Order.visible_to(request.person))
    order = seen.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if kind is None or order is None or not request.person.may(kind.create.may):
        raise Http404
    goods = _goods(order) if kind.model is Return else []
    problems, url = _booked(request, kind, order, goods) if request.method == "POST" else ([], "")
    if url:
        return HttpResponseRedirect(url)
    asked = [f for f in kind.create.shape.fields if f.name != "order"]
    shown = Bag(
        order=order, kind=kind, errors=problems, request_key=given.get("request_key") or uuid4().hex,
        rows=[Bag(**vars(g), value=given.get(f"q-{g.id}", "")) for g in goods],
        fields=[form_field(f, given.get(f.name, ""), errors=problems) for f in asked],
    )  # fmt: skip
    return render(request, "orders_book.html", shown, status=422 if problems else 200)


def _goods(order: Order) -> list[Bag]:
    rows = DeliveryLine.objects.filter(delivery__order=order).exclude(delivery__state=VOID)
    lines = list(rows.select_related("delivery", "order_line").order_by("pk"))
    back = returned_of([g.pk for g in lines])
    return [
        Bag(id=g.pk, delivery=g.delivery.number, item=g.order_line.item_name, spec=g.order_line.spec,
            unit=g.order_line.unit_name, out=g.quantity, back=back.get(g.pk, Decimal(0)))
        for g in lines
    ]  # fmt: skip


def _booked(request: Any, kind: Kind, order: Order, goods: list[Bag]) -> tuple[list[Problem], str]:
    """The problems, or where to go on."""
    given = request.POST
    row: dict[str, Any] = {f.name: given.get(f.name, "") for f in kind.create.shape.fields} | {"order": str(order.pk)}
    if kind.model is Return:
        said = {g.id: given.get(f"q-{g.id}", "").strip() for g in goods}
        row["lines"] = [{"delivery_line": str(i), "quantity": q} for i, q in said.items() if q not in ("", "0")]
    key = sent_key(given)
    try:
        outcome = perform(kind.create, rows=[row], by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, ""
    except (NotAllowed, TooSlow, KeyReused) as error:
        return [Problem("", "", str(error))], ""
    if refusal := next(iter(outcome.refused.values()), None):
        return [Problem(refusal.field, "", refusal.text)], ""
    if outcome.held:
        return [Problem("", "", held_reason(outcome.held))], ""
    return [], f"/orders/order/{order.pk}/"


def _resource(kind: Kind, label: str, void: Action, shown: tuple[Field, ...], **more: Any) -> Resource:
    return Resource(
        kind.model, label, noun="笔", icon=kind.icon, section="业务", tucked=True,
        fields=shown, shape=kind.create.shape, title="name", number="number", actions=(void,), **more,
    )  # fmt: skip


invoicing = _resource(
    KINDS["invoicing"], "开票登记", void_invoice, (*fields.INVOICING, *fields.BOOKED), fast_sorts=("-issued_on",),
    create=invoice, slug="invoicings", figure="amount",
)  # fmt: skip
collection = _resource(
    KINDS["collection"], "收款登记", void_receipt, (fields.BOOKED_NUMBER, *fields.COLLECTION, *fields.BOOKED),
    fast_sorts=("-received_on",), create=collect, slug="collections", figure="amount",
)  # fmt: skip
returns = _resource(
    KINDS["return"], "退货登记", void_return, (fields.BOOKED_NUMBER, *fields.RETURN, *fields.BOOKED),
    fast_sorts=("-returned_on",), slug="returns",
    kept=(Lines("lines", "退货明细", ReturnLine, "returned", fields.BACK_SHOWN),),
)  # fmt: skip
RESOURCES = (invoicing, collection, returns)
