"""Shipping many orders at once: of each, all that is open, in a delivery of its own, with one date and carrier."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import HttpResponse

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, Outcome, TooSlow
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources.pages.screen import Bag, render, sent_key
from neiqin.kernel.resources.resource import site
from neiqin.modules.orders import delivering, fields, stocking
from neiqin.modules.orders.models import Delivery, Order, OrderLine, shipped_of

MOST = 200  # what a page of the list holds
# What is the same for all of them; a waybill, packages and freight are each delivery's own.
SHARED = tuple(f for f in fields.DELIVERY if f.name in ("shipped_on", "warehouse", "carrier", "remark"))


def many(request: Any, orders: Iterable[Order]) -> HttpResponse:
    """GET shows what of the orders is open, POST ships just that: q-<line> is what the person has seen."""
    chosen = list(orders)
    given = request.POST if request.method == "POST" else request.GET
    problems: list[Problem] = []
    if len(chosen) > MOST:
        problems = [Problem("", "", f"一次最多发 {MOST} 单，少选一些。")]
    elif request.method == "POST":
        problems, results = _shipped(request, chosen)
        if results:
            return render(request, "orders_ship_many.html", Bag(results=results))
    rows = [] if len(chosen) > MOST else _open(chosen)
    page = Bag(
        results=None, rows=rows, errors=problems, request_key=given.get("request_key") or uuid4().hex,
        ready=sum(1 for r in rows if r.goods),
        fields=stocking.asked(SHARED, given, problems),
    )  # fmt: skip
    return render(request, "orders_ship_many.html", page, status=422 if problems else 200)


def _open(orders: list[Order]) -> list[Bag]:
    """The orders, each with (line, quantity) of what has not gone out."""
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order__in=orders).order_by("pk"):
        lines[line.order_id].append(line)
    gone = shipped_of([x.pk for found in lines.values() for x in found])
    marks = site().marks("orders.order", list(lines))
    return [
        Bag(order=o, marks=marks.get(o.pk, ()), goods=[(x.pk, plain(left)) for x in lines[o.pk]
                            if (left := x.quantity - gone.get(x.pk, Decimal(0))) > 0])
        for o in orders
    ]  # fmt: skip


def _shipped(request: Any, orders: list[Order]) -> tuple[list[Problem], list[Bag]]:
    """The problems, or what became of each order."""
    given, lines = request.POST, defaultdict(list)
    for pk, order in OrderLine.objects.filter(order__in=orders).order_by("pk").values_list("pk", "order_id"):
        if quantity := given.get(f"q-{pk}", "").strip():
            lines[order].append({"order_line": str(pk), "quantity": quantity})
    asked = [o for o in orders if lines[o.pk]]
    shared = {f.name: given.get(f.name, "") for f in SHARED}
    rows = [shared | {"order": str(o.pk), "lines": lines[o.pk]} for o in asked]
    if not rows:
        return [Problem("", "", "选的订单都没有未发的货。")], []
    key = sent_key(given)
    try:
        outcome = perform(delivering.create, rows=rows, by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, []
    except (NotAllowed, TooSlow, KeyReused) as error:
        return [Problem("", "", str(error))], []
    return [], _told(asked, outcome)


def _told(asked: list[Order], outcome: Outcome) -> list[Bag]:
    """Each order that was asked for with its delivery, or with what keeps it."""
    made = {d.order_id: d for d in Delivery.objects.filter(pk__in=outcome.done)}
    said = {asked[n].pk: refusal.text for n, refusal in outcome.refused.items()}
    return [
        Bag(order=o, ok=o.pk in made, delivery=made.get(o.pk), message=said.get(o.pk, ""))
        for o in sorted(asked, key=lambda o: (o.pk in made, o.pk))
    ]  # fmt: skip
