"""下推: an accepted quote becomes orders, in parts, until nothing of it remains; what a void order had comes back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Outcome, Refusal, RefuseLate
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders.amounts import fen
from neiqin.modules.orders.fields import OFFLINE
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import VOID
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.actions import EDIT, expired
from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine
from neiqin.modules.quotes.states import ACCEPTED

REQUIRED = Field("required_on", "要求交期", "date", help="空着按报价的交期（天）")
SHAPE = Shape((REQUIRED,), (Lines("lines", "下推明细", Pushed, "quote", fields.GOODS),))
Wanted = Sequence[tuple[QuoteLine, Decimal]]


def taken(quotes: Iterable[int]) -> dict[int, Decimal]:
    """quote line -> how much of it stands in orders that are not void."""
    rows = Pushed.objects.filter(quote_id__in=list(quotes)).exclude(order__state=VOID)
    sums = rows.values("quote_line_id").annotate(n=Sum("order_line__quantity")).order_by()
    return dict(sums.values_list("quote_line_id", "n"))


def left(line: QuoteLine, gone: Mapping[int, Decimal]) -> Decimal:
    """What of a line no order has yet."""
    return max(line.quantity - gone.get(line.pk, Decimal(0)), Decimal(0))


def remains(quote: Quote) -> bool:
    """Is there anything left to push down?"""
    gone = taken([quote.pk])
    return any(left(line, gone) for line in QuoteLine.objects.filter(quote=quote))


@action(
    Quote, "下推订单", may=EDIT, from_=ACCEPTED, event="pushed", shape=SHAPE, bulk=False, icon="clipboard-list",
    primary=True, key="D", offered=lambda quote: not quote.over and remains(quote),
)  # fmt: skip
def push_down(
    quotes: Batch[Quote], *, required_on: date | None = None, lines: Sequence[Mapping[str, Any]] = ()
) -> None:
    """A draft order of these quantities, of all that remains where none are named. The quote is locked meanwhile: of
    two who push, the second finds what the first has left."""
    quotes.refuse(expired(quotes))
    if quotes.records and not quotes.by.may(orders.create.may):
        quotes.refuse(dict.fromkeys(quotes.ids, "没有新建订单的权限，请有权限的同事来下推。"))
    wanted = _wanted(quotes, lines)
    if not quotes.records or quotes.preview:  # a rehearsal writes no order: who wants to see it pushes it down
        return
    gone = taken(quotes.ids)
    rows = [_row(q, wanted[q.pk], gone, required_on) for q in quotes]
    made = perform(orders.create, by=quotes.by, rows=rows, source="quote")
    history.resume(quotes.run)
    _refuse_late(list(quotes), made)
    _link(list(quotes), made.done, wanted)
    numbers = dict(Order.objects.filter(pk__in=made.done).values_list("pk", "number"))
    quotes.unchanged_but_told()
    quotes.tell({
        q.pk: {"words": f"下推订单 {numbers[pk]}，{len(wanted[q.pk])} 行", "order": pk}
        for q, pk in zip(quotes, made.done, strict=True)
    })  # fmt: skip


def _wanted(quotes: Batch[Quote], lines: Sequence[Mapping[str, Any]]) -> dict[int, Wanted]:
    """quote -> its lines with how much of each; what is too much, or not its own, is refused."""
    by_quote: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in QuoteLine.objects.filter(quote_id__in=quotes.ids).order_by("pk"):
        by_quote[line.quote_id].append(line)
    gone, found, problems = taken(quotes.ids), dict[int, Wanted](), dict[int, Refusal]()
    for quote in quotes:
        rest = {x.pk: (x, left(x, gone)) for x in by_quote[quote.pk]}
        if refusal := _too_much(lines, rest):
            problems[quote.pk] = refusal
            continue
        asked = {row["quote_line"]: row["quantity"] for row in lines}
        chosen = [(x, asked.get(pk, Decimal(0)) if lines else most) for pk, (x, most) in rest.items()]
        found[quote.pk] = [(x, n) for x, n in chosen if n > 0]
        if not found[quote.pk]:
            problems[quote.pk] = Refusal("全部下推过了，没有剩下的。", "lines")
    quotes.refuse(problems)
    return found


def _too_much(
    lines: Sequence[Mapping[str, Any]], rest: Mapping[int, tuple[QuoteLine, Decimal]]
) -> Refusal | None:  # fmt: skip
    if len({row["quote_line"] for row in lines}) < len(lines):
        return Refusal("同一行写了两次，合成一行。", "lines")
    for n, row in enumerate(lines):
        path = f"lines-{n}-quantity"
        if row["quote_line"] not in rest:
            return Refusal(f"「第 {n + 1} 行」不是这张报价单的。", f"lines-{n}-quote_line")
        line, most = rest[row["quote_line"]]
        if row["quantity"] is None or row["quantity"] <= 0:
            return Refusal(f"「{line.item_name}」的数量要大于 0。", path)
        if row["quantity"] > most:
            return Refusal(f"「{line.item_name}」只剩 {plain(most)}{line.unit_name} 没有下推。", path)
    return None


def _row(quote: Quote, wanted: Wanted, gone: Mapping[int, Decimal], required_on: date | None) -> dict[str, Any]:
    """The order as it would be typed; its share of the whole discount goes with the goods, the freight with the first
    of them. What the quote says is what the customer's paper says."""
    off = sum((_share(x, gone.get(x.pk, Decimal(0)), n) for x, n in wanted), Decimal(0))
    total = sum((fen(n * (x.price or 0)) for x, n in wanted), Decimal(0)) - off
    days = [x.days for x, _ in wanted if x.days is not None]
    due = required_on or (clock.today() + timedelta(days=max(days)) if days else None)
    return {
        "customer": str(quote.customer_id), "source": OFFLINE, "settlement": quote.settlement,
        "order_discount": str(off), "freight": str(quote.freight if not gone else 0), "paper_total": str(total),
        "required_on": str(due) if due else "", "remark": f"由报价单 {quote.number} 下推",
        "lines": [_line(x, n) for x, n in wanted],
    }  # fmt: skip


def _share(line: QuoteLine, before: Decimal, now: Decimal) -> Decimal:
    """The part of the line's discount that goes with these goods, so that all parts add up to it."""
    whole = line.off / line.quantity
    return fen(whole * (before + now)) - fen(whole * before)


def _line(line: QuoteLine, quantity: Decimal) -> dict[str, Any]:
    due = clock.today() + timedelta(days=line.days) if line.days is not None else ""
    return {
        "product": line.product_id, "item_name": line.item_name, "spec": line.spec, "unit_name": line.unit_name,
        "quantity": str(quantity), "price": str(line.price or 0), "tax_rate": line.tax_rate, "remark": line.remark,
        "promised_on": str(due),
    }  # fmt: skip


def _refuse_late(quotes: Sequence[Quote], made: Outcome) -> None:
    """An order that cannot be written takes its quote out; the others are done without it."""
    if made.held:
        raise RefuseLate(dict.fromkeys([q.pk for q in quotes], "新建订单要先审批，不能下推。"))
    if made.refused:
        raise RefuseLate({quotes[p].pk: Refusal(r.text, "lines") for p, r in made.refused.items()})


def _link(quotes: Sequence[Quote], ids: Sequence[int], wanted: Mapping[int, Wanted]) -> None:
    """Each order line knows the line of the quote it came from."""
    lines: dict[int, list[int]] = defaultdict(list)
    for order, line in OrderLine.objects.filter(order_id__in=ids).order_by("pk").values_list("order_id", "pk"):
        lines[order].append(line)
    Pushed.objects.bulk_create(
        Pushed(quote=q, quote_line=x, order_id=order, order_line_id=line)
        for q, order in zip(quotes, ids, strict=True)
        for (x, _), line in zip(wanted[q.pk], lines[order], strict=True)
    )


def orders_of(quote: int) -> Any:
    """The orders that came of a quote, the newest first."""
    return Order.objects.filter(pk__in=Pushed.objects.filter(quote_id=quote).values("order_id")).order_by("-pk")


def of_voided(happened: Happened) -> None:
    """An order is void: what it had of a quote can be pushed down again, which the quote's timeline says."""
    if happened.preview:
        return
    rows = Pushed.objects.filter(order_id__in=happened.ids).values_list("quote_id", "order__number").distinct()
    told = [("quotes.quote.returned", q, None, None, {"words": f"订单 {n} 作废，数量退回"}) for q, n in rows]
    history.add_events(happened.run, "quotes.quote", told)
