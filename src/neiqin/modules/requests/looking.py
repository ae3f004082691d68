"""What waits on the workbench, a request's own page, and the month's share of answers within 48 hours."""

import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db.models import Count
from django.http import HttpResponse
from django.utils.http import content_disposition_header

from neiqin.kernel import clock
from neiqin.kernel.exchange.writing import About, Export, Heading
from neiqin.kernel.people.models import Unit
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.requests import requests
from neiqin.modules.requests.models import ANSWERED, ASKED, LATE, MET, RUNS, VOID, WARN_BEFORE, DepartmentRequest

MOST = 20
PAGE = "/requests/share/"
COLUMNS = (
    Heading("部门", "text"), Heading("提出", "number"), Heading("48 小时内答复", "number"), Heading("超过", "number"),
    Heading("计时中", "number"), Heading("达成率 %", "quantity"),
)  # fmt: skip


def todos(person: Any) -> list[Todo]:
    """What one has to answer, and what one has promised and not given yet."""
    if person.id is None or not person.may(requests.DO):
        return []
    rows = DepartmentRequest.objects.filter(owner_id=person.id, state__in=(ASKED, ANSWERED)).select_related(
        "asker_unit"
    )
    now, today = clock.now(), clock.today()
    found = []
    for one in rows.order_by("answer_due_at", "pk")[:MOST]:
        if one.state == ASKED:
            late, near = one.answer_due_at < now, one.answer_due_at <= now + WARN_BEFORE
            verb, end = "答复", f"{clock.local(one.answer_due_at):%m-%d %H:%M} 前"
        else:
            late = one.promised_on is not None and one.promised_on < today
            near = one.promised_on == today
            verb, end = "办", f"{one.promised_on:%m-%d} 给" if one.promised_on else ""
        who = f"{one.asker_unit.name}要" if one.asker_unit else ""
        tone = "bad" if late else "warn" if near else ""
        found.append(Todo(f"{verb}：{one.name}", f"{requests.URL}{one.pk}/", who, "share", end, tone))
    return found + _taken_up(person)


def _taken_up(person: Any) -> list[Todo]:
    """What a head's department has not answered within 48 hours."""
    late = DepartmentRequest.objects.filter(state=ASKED, timely=LATE, unit__leader_id=person.id)
    return [
        Todo(f"48 小时没有答复：{r.name}", f"{requests.URL}{r.pk}/", f"{r.owner.name}没有答复", "flag", "超时", "bad")
        for r in late.exclude(owner_id=person.id).select_related("owner").order_by("pk")[:MOST]
    ]


def notes(request: DepartmentRequest, person: Any) -> list[Bag]:
    """How long there is to answer, or how late it is."""
    if request.state != ASKED:
        return []
    left = request.answer_due_at - clock.now()
    hours = int(abs(left).total_seconds() // 3600)
    due = f"{clock.local(request.answer_due_at):%m-%d %H:%M}"
    if left <= timedelta():
        return [panels.note("bad", f"超过 48 小时 {hours} 小时了。", "已上报部门负责人。")]
    tone = "warn" if left <= WARN_BEFORE else ""
    text = f"{due} 满 48 小时，到时上报部门负责人。休息日也算。"
    return [panels.note(tone, f"还有 {hours} 小时答复。", text)]


class Share(NamedTuple):
    """What a department was asked in a month. Withdrawn ones are left out; those still running count for neither."""

    name: str
    unit: int | None
    met: int
    late: int
    runs: int

    @property
    def asked(self) -> int:
        return self.met + self.late + self.runs

    @property
    def settled(self) -> int:
        """Those of which it is known."""
        return self.met + self.late

    @property
    def share(self) -> Decimal | None:
        """Percent met of those settled, one decimal; None for none."""
        if not self.settled:
            return None
        return (Decimal(self.met * 100) / self.settled).quantize(Decimal("0.1"), ROUND_HALF_UP)


def shares(person: Any, first: date) -> list[Share]:
    """By department for the month that begins on a day, what this person may see, then the sum; one query."""
    seen = DepartmentRequest.objects.filter(DepartmentRequest.visible_to(person)).exclude(state=VOID)
    rows = seen.filter(created_at__gte=clock.midnight(first), created_at__lt=clock.midnight(_next(first)))
    counted: dict[int, dict[str, int]] = defaultdict(dict)
    for unit, timely, count in rows.order_by().values_list("unit_id", "timely").annotate(Count("pk")):
        counted[unit][timely] = count
    names = dict(Unit.objects.filter(pk__in=counted).values_list("pk", "name"))
    found = [Share(names[u], u, c.get(MET, 0), c.get(LATE, 0), c.get(RUNS, 0)) for u, c in counted.items()]
    found.sort(key=lambda s: (s.share if s.share is not None else 101, s.name))
    total = Share("合计", None, *(sum(getattr(s, n) for s in found) for n in ("met", "late", "runs")))
    return [*found, total] if found else []


def _next(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def rows_of(share: Share, first: date, *timely: str) -> str:
    """The address of the list that has exactly the rows behind a figure."""
    last = _next(first) - timedelta(days=1)
    conditions = [
        {"field": "created_at", "op": "span", "value": f"{first}..{last}"},
        {"field": "state", "op": "in", "value": ",".join(s.value for s in DepartmentRequest.STATES if s.value != VOID)},
    ]
    if share.unit is not None:
        conditions.append({"field": "unit", "op": "in", "value": str(share.unit)})
    if timely:
        conditions.append({"field": "timely", "op": "in", "value": ",".join(timely)})
    return Query(conditions=tuple(conditions)).address(requests.URL)


def month_of(text: str) -> date:
    """The first day of `2026-11`; of this month for anything else."""
    today = clock.today().replace(day=1)
    try:
        first = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return today
    return first if date(2000, 1, 1) <= first <= today else today


@screen(requests.VIEW)
def page(request: Any) -> HttpResponse:
    """`?month=2026-11`, by default this one; `as=xlsx` for a file."""
    first = month_of(request.GET.get("month", ""))
    found = shares(request.person, first)
    if request.GET.get("as") == "xlsx":
        return _file(found, request.person, first)
    this = clock.today().replace(day=1)
    rows = [
        Bag(share=s, asked=rows_of(s, first), met=rows_of(s, first, MET), late=rows_of(s, first, LATE),
            runs=rows_of(s, first, RUNS))
        for s in found
    ]  # fmt: skip
    before, after = (first - timedelta(days=1)).replace(day=1), _next(first)
    return render(request, "requests/share.html", Bag(
        first=first, rows=rows, before=f"{before:%Y-%m}", after=f"{after:%Y-%m}" if after <= this else "",
    ))  # fmt: skip


def _file(found: Sequence[Share], person: Any, first: date) -> HttpResponse:
    out = io.BytesIO()
    title = f"跨部门需求答复 {first:%Y-%m}"
    with Export(out, COLUMNS, About(title, person.name, clock.now(), f"{first:%Y-%m}")) as book:
        book.extend([s.name, s.asked, s.met, s.late, s.runs, s.share] for s in found)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = HttpResponse(out.getvalue(), content_type=kind)
    response["Content-Disposition"] = content_disposition_header(True, f"{title}.xlsx") or ""
    response["Cache-Control"] = "no-store"
    return response
