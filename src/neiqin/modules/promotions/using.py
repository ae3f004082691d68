"""What orders use of a promotion's budget: the difference to the standard price, from the moment they are audited, and
given back when they are taken back. A budget is never overrun, however many are audited at once (C-LEAD-15)."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Sum

from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.modules.catalog.pricing import PROMOTED
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.amounts import fen
from neiqin.modules.orders.entering import Row
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import IN_FORCE
from neiqin.modules.promotions import actions
from neiqin.modules.promotions.models import RUNNING, STOPPED, Promotion, Use

_LIST = re.compile(rf"{PROMOTED}(.*)》\d{{4}}-\d\d-\d\d 起")
SPENT = "预算用完"
_LINES = """
SELECT x.order_id, x.id, x.quantity, x.price, x.list_price, x.price_rule
FROM orders_orderline x JOIN orders_order o ON o.id = x.order_id
WHERE x.order_id = ANY(%s) AND o.state = ANY(%s) AND starts_with(x.price_rule, %s) AND NOT x.is_gift
ORDER BY x.order_id, x.id
"""
_USED = """
SELECT promotion_id, order_id, line, sum(quantity), sum(amount)
FROM promotions_use WHERE order_id = ANY(%s) GROUP BY 1, 2, 3
"""
TOLD = Kind("promotions.spent", "促销预算用完", MAIL)


class Cost(NamedTuple):
    """What a line of an order gives away; quantity in its own unit."""

    promotion: int
    order: int
    line: int
    quantity: Decimal
    amount: Decimal


def list_of(rule: str) -> str:
    """The name of the promotional list that gave a price, as the line says it; "" for any other price."""
    found = _LIST.match(rule)
    return found[1] if found else ""


def cost(quantity: Decimal, price: Decimal | None, list_price: Decimal | None) -> Decimal:
    """In yuan incl. tax: how much less than at the standard price; never below zero."""
    if price is None or list_price is None:
        return Decimal(0)
    return max(fen(quantity * list_price) - fen(quantity * price), Decimal(0))


def costs(orders: Sequence[int]) -> list[Cost]:
    """Of the lines that have a promotion's price in those of these orders that hold; two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [list(orders), list(IN_FORCE), PROMOTED])
        lines = cursor.fetchall()
    priced = [(line, name) for *line, rule in lines if (name := list_of(rule))]
    if not priced:
        return []
    known = dict(
        Promotion.objects.filter(price_list__name__in={n for _, n in priced}).values_list("price_list__name", "pk")
    )
    return [
        Cost(known[name], order, line, quantity, cost(quantity, price, list_price))
        for (order, line, quantity, price, list_price), name in priced if name in known
    ]  # fmt: skip


def of_orders(happened: Happened) -> None:
    """Effect of orders audited, taken back, voided or made anew: the entries that are missing, so that a budget's use
    is what its orders in force cost. Raises RefuseLate for those that do not fit any more."""
    wanted = {(c.promotion, c.order, c.line): c for c in costs(happened.ids)}
    with connection.cursor() as cursor:
        cursor.execute(_USED, [happened.ids])
        had = {(p, o, x): (quantity, amount) for p, o, x, quantity, amount in cursor.fetchall()}
    moved = []
    for key in sorted(wanted.keys() | had.keys(), key=lambda k: (k[1], k[2], k[0])):
        quantity, amount = had.get(key, (Decimal(0), Decimal(0)))
        new = wanted.get(key)
        now = (new.quantity, new.amount) if new else (Decimal(0), Decimal(0))
        more = Cost(key[0], key[1], key[2], now[0] - quantity, now[1] - amount)
        if more.quantity or more.amount:
            moved.append(more)
    if moved:
        _book(moved, happened)


def _book(moved: Sequence[Cost], happened: Happened) -> None:
    ids = sorted({m.promotion for m in moved})
    locked = {p.pk: p for p in Promotion.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",))}
    used = dict(Use.objects.filter(promotion__in=ids).order_by().values_list("promotion_id").annotate(Sum("amount")))
    refused: dict[int, str | Refusal] = {}
    by_order = defaultdict[int, list[Cost]](list)
    for one in moved:
        by_order[one.order].append(one)
    kept: list[Cost] = []
    for order, rows in by_order.items():
        after = _after(used, rows)
        over = [p for p, amount in after.items() if amount > locked[p].budget and amount > used.get(p, Decimal(0))]
        if over:
            left = locked[over[0]].budget - used.get(over[0], Decimal(0))
            asked = after[over[0]] - used.get(over[0], Decimal(0))
            text = f"促销「{locked[over[0]].name}」的预算还剩 {left:,.2f}，这单要 {asked:,.2f}。改成别的价格再审核。"
            refused[order] = Refusal(text, "lines")
        else:
            used |= after
            kept += rows
    if refused:
        raise RefuseLate(refused)
    Use.objects.bulk_create(
        Use(
            promotion_id=k.promotion,
            order_id=k.order,
            line=k.line,
            quantity=k.quantity,
            amount=k.amount,
            at=happened.now,
        )
        for k in kept
    )
    _spent([p for p in locked.values() if p.state == RUNNING and used.get(p.pk, Decimal(0)) >= p.budget], happened)


def _after(used: Mapping[int, Decimal], rows: Sequence[Cost]) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    for one in rows:
        found[one.promotion] = found.get(one.promotion, used.get(one.promotion, Decimal(0))) + one.amount
    return found


def _spent(promotions: Sequence[Promotion], happened: Happened) -> None:
    """Nothing is left: it stops by itself."""
    if not promotions:
        return
    Promotion.objects.filter(pk__in=[p.pk for p in promotions]).update(state=STOPPED, stop_note=SPENT)
    actions.end_lists([p.price_list_id for p in promotions if p.price_list_id])
    if not happened.preview:
        tell_each([
            News(p.owner_id, f"促销预算用完，已停止：{p.name}", f"预算 {p.budget:,.2f}", f"{actions.URL}{p.pk}/",
                 TOLD.name, about=(actions.KEY, p.pk), run=happened.run)
            for p in promotions
        ])  # fmt: skip


def advise(order: Order, rows: Sequence[Row], customer: Customer | None) -> None:
    """While an order is typed: the budget is short of it."""
    priced = [(row, name) for row in rows if row.line is not None and (name := list_of(row.line.price_rule))]
    if not priced:
        return
    known: dict[str, Any] = {p.price_list.name: p for p in Promotion.objects.select_related("price_list").filter(
        price_list__name__in={n for _, n in priced}) if p.price_list}  # fmt: skip
    left = {name: p.left for name, p in known.items()}
    for row, name in priced:
        line: Any = row.line
        if name in left:
            left[name] -= cost(line.quantity, line.price, line.list_price)
            if left[name] < 0:
                row.warn("price", f"促销「{known[name].name}」的预算只剩 {known[name].left:,.2f}，这单不够。")
