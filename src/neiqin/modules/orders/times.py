"""How long orders take, step by step in working time, against a fixed baseline (C-ORD-20). Read from events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.deadlines.calendar import WorkCalendar
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import site
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.orders.models import Order

WHAT, DAYS, MOST = "订单处理时间", 30, 20_000
ORDER = "orders.order"
STEPS = (
    ("录入到提交", "created", "submitted"), ("提交到审核", "submitted", "approved"),
    ("审核到移交", "approved", "handed_over"), ("收单到移交", "created", "handed_over"),
)  # fmt: skip
HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class Taken:
    """One order that was handed over: whose it was, through which channel, and the hours of each step."""

    order: int
    clerk: int | None
    channel: str
    hours: Mapping[str, Decimal]


def taken(orders: Any, first: date, last: date) -> list[Taken]:
    """Of these orders, those handed over from one day to another, with their steps; hold spans (a doubt that waits for
    its answer) do not count."""
    days = (clock.midnight(first), clock.midnight(last + timedelta(days=1)))
    rows = list(orders.order_by("-pk").values_list("pk", "clerk_id", "channel")[:MOST])
    moments, holds = _moments([pk for pk, *_ in rows])
    cal, found = calendar.current(), []
    for pk, clerk, channel in rows:
        at = moments[pk]
        if "handed_over" in at and days[0] <= at["handed_over"] < days[1]:
            hours = {
                label: _hours(cal, at[one], at[other], holds[pk])
                for label, one, other in STEPS
                if one in at and other in at
            }
            found.append(Taken(pk, clerk, channel or "线下", hours))
    return found


def _moments(ids: Sequence[int]) -> tuple[dict[int, dict[str, datetime]], dict[int, list[tuple[datetime, datetime]]]]:
    """The first of each kind of event of each order (the last submission and audit), and the spans it was held."""
    at: dict[int, dict[str, datetime]] = defaultdict(dict)
    holds: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    begun: dict[int, datetime] = {}
    names = [f"{ORDER}.{n}" for n in ("created", "submitted", "approved", "handed_over", "doubted", "explained")]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, name, at FROM actions_event WHERE model = %s AND record_id = ANY(%s) AND name = ANY(%s) "
            "ORDER BY id",
            [ORDER, list(ids), names],
        )
        for order, name, moment in cursor.fetchall():
            what = name.rsplit(".", 1)[-1]
            if what == "doubted":
                begun[order] = moment
            elif what == "explained" and order in begun:
                holds[order].append((begun.pop(order), moment))
            elif what in ("submitted", "approved"):
                at[order][what] = moment
            else:
                at[order].setdefault(what, moment)
    return at, holds


def _hours(cal: WorkCalendar, one: datetime, other: datetime, holds: Iterable[tuple[datetime, datetime]]) -> Decimal:
    time = cal.working_time_between(one, other)
    for begun, ended in holds:
        if one <= begun and ended <= other:
            time -= cal.working_time_between(begun, ended)
    return (Decimal(time.total_seconds()) / 3600).quantize(HUNDREDTH, ROUND_HALF_UP)


def mean(values: Sequence[Decimal]) -> Decimal | None:
    """The mean to two places; None for nothing."""
    return (sum(values, Decimal(0)) / len(values)).quantize(HUNDREDTH, ROUND_HALF_UP) if values else None


def change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """How much more or less than before, in percent of it."""
    if now is None or not before:
        return None
    return ((now - before) / before * 100).quantize(HUNDREDTH, ROUND_HALF_UP)


@screen("orders.view")
def page(request: Any) -> HttpResponse:
    """The last thirty days against the baseline: each step, timeliness, and the mean by clerk and channel."""
    seen, today = Order.objects.filter(Order.visible_to(request.person)), clock.today()
    now = taken(seen, today - timedelta(days=DAYS), today)
    try:
        (rule,) = decide("order_baseline", [{"what": WHAT}], today)
        first, last, limit = (rule.outputs[n] for n in ("from_on", "until_on", "limit"))
        before = taken(seen, first, last)
    except Undecided:
        first = last = None
        limit, before = Decimal(0), []
    steps = []
    for label, *_ in STEPS:
        a, b = (mean([t.hours[label] for t in found if label in t.hours]) for found in (now, before))
        steps.append(Bag(label=label, mean=a, before=b, change=change(a, b)))
    whole = [t.hours[STEPS[-1][0]] for t in now if STEPS[-1][0] in t.hours]
    names = site().names("people.person", [t.clerk for t in now if t.clerk])
    by = defaultdict[tuple[str, str], list[Decimal]](list)
    for one in now:
        if STEPS[-1][0] in one.hours:
            by["内勤", names.get(one.clerk or 0, "系统")].append(one.hours[STEPS[-1][0]])
            by["渠道", one.channel].append(one.hours[STEPS[-1][0]])
    timely = Decimal(sum(h <= limit for h in whole) * 100) / len(whole) if whole and limit else None
    return render(request, "orders_times.html", Bag(
        days=DAYS, count=len(now), steps=steps, first=first, last=last, limit=limit,
        timely=timely.quantize(HUNDREDTH, ROUND_HALF_UP) if timely is not None else None,
        groups=[Bag(kind=k, name=n, count=len(v), mean=mean(v)) for (k, n), v in sorted(by.items())],
    ))  # fmt: skip
