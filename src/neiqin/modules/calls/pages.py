"""The page that brings call records in, and the report of how fast calls are answered (C-OFF-10)."""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Avg, Count, Q
from django.db.models.functions import TruncDate
from django.http import HttpResponse
from django.utils.http import content_disposition_header

from neiqin.kernel import clock
from neiqin.kernel.exchange.reading import Unreadable
from neiqin.kernel.exchange.writing import About, Export, Heading
from neiqin.kernel.people.models import Person
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.calls import calling, filing, ringing
from neiqin.modules.calls import states as s
from neiqin.modules.calls.models import Call

RECORDS, RESPONSE = "/calls/records/", "/calls/response/"
MOST = 20_000_000
SHOWN = 100
NOBODY = "没对上人"
COLUMNS = (
    Heading("日期 / 接听人", "text"), Heading("打进来", "number"), Heading("接了", "number"),
    Heading("没接到", "number"), Heading("没接到 %", "quantity"), Heading("知道响铃秒数", "number"),
    Heading("平均响铃秒数", "quantity"),
)  # fmt: skip


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """来电, 导入话单 and 接听响应 over the list of calls."""
    if resource.key != calling.KEY:
        return []
    may = person.may(calling.CREATE)
    found = [Tool("来电", ringing.PAGE, "phone"), Tool("导入话单", RECORDS, "file-import")] if may else []
    return [*found, Tool("接听响应", RESPONSE, "chart-bar")]


@screen(calling.CREATE)
def records(request: Any) -> HttpResponse:
    """A file of a telephone system is brought in, at once; what of it could not be read is named."""
    given = request.FILES.get("file") if request.method == "POST" else None
    problem, done = "", None
    if request.method == "POST" and given is None:
        problem = "没有选文件。"
    elif given is not None and given.size > MOST:
        problem = "文件超过 20 MB，按月分开导出。"
    elif given is not None:
        try:
            done = filing.take(given.read(), given.name, request.person)
        except Unreadable as error:
            problem = str(error)
    page = Bag(
        problem=problem, done=done, words=filing.words_of(done) if done else "",
        problems=done.problems[:SHOWN] if done else [], more=max(0, len(done.problems) - SHOWN) if done else 0,
        extensions=request.person.may("calls.extensions"),
    )  # fmt: skip
    return render(request, "calls/records.html", page, status=422 if problem else 200)


class Figures(NamedTuple):
    """Calls that came in, of one person or day. rung: those answered of which the ring time is known; mean: of these,
    seconds with one decimal, None for none."""

    name: str
    key: Any
    asked: int
    missed: int
    rung: int
    mean: Decimal | None

    @property
    def answered(self) -> int:
        return self.asked - self.missed

    @property
    def share(self) -> Decimal | None:
        """Percent nobody answered, one decimal; None for none."""
        return one_decimal(Decimal(self.missed * 100) / self.asked) if self.asked else None


def one_decimal(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP)


def figures(person: Any, first: date) -> tuple[list[Figures], list[Figures], Figures]:
    """By person, by day, and all, of the month that begins on a day: what this person may see, in three queries."""
    seen = Call.objects.filter(Call.visible_to(person), direction=s.IN)
    rows = seen.filter(rang_at__gte=clock.midnight(first), rang_at__lt=clock.midnight(_next(first))).order_by()
    by_person = list(rows.values_list("answerer").annotate(**_MEASURES))
    days = rows.annotate(day=TruncDate("rang_at", tzinfo=clock.zone())).values_list("day").annotate(**_MEASURES)
    names = dict(Person.objects.filter(pk__in=[row[0] for row in by_person if row[0]]).values_list("pk", "name"))
    people = [_measured(names.get(row[0], NOBODY), row[0], row[1:]) for row in by_person]
    people.sort(key=lambda f: (f.key is None, -f.asked, f.name))
    whole = rows.aggregate(**_MEASURES)
    return (
        people,
        sorted((_measured(f"{row[0]:%m-%d}", row[0], row[1:]) for row in days), key=lambda f: f.key),
        _measured("合计", None, [whole[name] for name in _MEASURES]),
    )


_RUNG = Q(missed=False, ring_seconds__isnull=False)
_MEASURES = {
    "asked": Count("pk"), "lost": Count("pk", filter=Q(missed=True)), "rung": Count("pk", filter=_RUNG),
    "mean": Avg("ring_seconds", filter=_RUNG),
}  # fmt: skip


def _measured(name: str, key: Any, measures: Sequence[Any]) -> Figures:
    asked, missed, rung, mean = measures
    return Figures(name, key, asked, missed, rung, None if mean is None else one_decimal(mean))


def _next(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def rows_of(one: Figures, first: date, what: str) -> str:
    """The address of the list that has exactly the rows behind a figure. what: asked, answered, missed or rung."""
    day = one.key if isinstance(one.key, date) else None
    last = day or _next(first) - timedelta(days=1)
    conditions = [
        {"field": "rang_at", "op": "span", "value": f"{day or first}..{last}"},
        {"field": "direction", "op": "in", "value": s.IN},
    ]
    if isinstance(one.key, int):
        conditions.append({"field": "answerer", "op": "in", "value": str(one.key)})
    elif one.name == NOBODY:
        conditions.append({"field": "answerer", "op": "empty", "value": ""})
    if what != "asked":
        conditions.append({"field": "missed", "op": "is", "value": "1" if what == "missed" else "0"})
    if what == "rung":
        conditions.append({"field": "ring_seconds", "op": "min", "value": "0"})
    return Query(conditions=tuple(conditions)).address(calling.URL)


def month_of(text: str) -> date:
    """The first day of `2026-11`; of this month for anything else."""
    today = clock.today().replace(day=1)
    try:
        first = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return today
    return first if date(2000, 1, 1) <= first <= today else today


@screen(calling.VIEW)
def response(request: Any) -> HttpResponse:
    """`?month=2026-11`, by default this one; `as=xlsx` for a file."""
    first = month_of(request.GET.get("month", ""))
    people, days, total = figures(request.person, first)
    if request.GET.get("as") == "xlsx":
        return _file([*people, *days, total], request.person, first)
    this = clock.today().replace(day=1)
    before, after = (first - timedelta(days=1)).replace(day=1), _next(first)
    return render(request, "calls/response.html", Bag(
        first=first, people=_lines([*people, total], first), days=_lines(days, first), any=total.asked,
        before=f"{before:%Y-%m}", after=f"{after:%Y-%m}" if after <= this else "",
    ))  # fmt: skip


def _lines(found: Sequence[Figures], first: date) -> list[Bag]:
    return [
        Bag(figures=f, **{what: rows_of(f, first, what) for what in ("asked", "answered", "missed", "rung")})
        for f in found
    ]


def _file(found: Sequence[Figures], person: Any, first: date) -> HttpResponse:
    out = io.BytesIO()
    title = f"接听响应 {first:%Y-%m}"
    with Export(out, COLUMNS, About(title, person.name, clock.now(), f"{first:%Y-%m}")) as book:
        book.extend([f.name, f.asked, f.answered, f.missed, f.share, f.rung, f.mean] for f in found)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = HttpResponse(out.getvalue(), content_type=kind)
    answer["Content-Disposition"] = content_disposition_header(True, f"{title}.xlsx") or ""
    answer["Cache-Control"] = "no-store"
    return answer
