"""The page of the working calendar: a year in months, import of a year, office hours, what moved."""

import calendar as months
import uuid
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.deadlines import actions, calendar
from neiqin.kernel.deadlines.clocks import KINDS
from neiqin.kernel.deadlines.models import MANAGE, WORKED, Day, Moved, Office
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.resources.pages.screen import Bag, person_field, render, screen, sent_key
from neiqin.kernel.resources.resource import Todo, site

FIRST, LAST = 2000, 2100
NOTICE_MONTH = 11
MOST_MOVED = 50
MOST_BYTES = 200_000
MOST_SECONDS = 60  # all open clocks are computed again: 10,000 take about 2 s
MARKS = {Day.Kind.HOLIDAY: "休", Day.Kind.SHIFTED: "班"}


@screen(MANAGE)
def show(request: Any) -> HttpResponse:
    """The year asked for (default: this one); POST `do` is import or hours."""
    office = Office.objects.get()
    year = _year(request.GET.get("year", ""))
    problem = _post(request, office, year) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return HttpResponseRedirect(f"{request.path}?year={year}")
    page = Bag(
        year=year,
        today=clock.today(),
        months=_months(year),
        total=calendar.count_working_days(date(year, 1, 1), date(year, 12, 31)),
        published=calendar.published(year),
        source=next(iter(Day.objects.filter(date__year=year).exclude(source="").values_list("source", flat=True)), ""),
        hours=request.POST.get("hours", office.hours),
        table=request.POST.get("table", ""),
        moved=_moved(),
        do=request.POST.get("do", ""),
        problem=problem,
        request_key=uuid.uuid4().hex,
    )
    return render(request, "work_calendar.html", page, status=422 if problem else 200)


def unpublished(person: Any) -> list[Todo]:
    """The year that is to be imported: this one at once, the next from November on, when the notice comes."""
    today = clock.today()
    years = [y for y in (today.year, today.year + 1) if y == today.year or today.month >= NOTICE_MONTH]
    return [
        Todo(
            f"{year} 日历未维护，先按周一到周五上班算",
            f"/deadlines/calendar/?year={year}",
            "放假通知公布后导入",
            "calendar",
            "",
            "warn",
        )
        for year in years
        if person.may(MANAGE) and not calendar.published(year)
    ]


def _year(text: str) -> int:
    return min(max(int(text), FIRST), LAST) if text.isdecimal() and len(text) < 6 else clock.today().year


def _post(request: Any, office: Office, year: int) -> str:
    """Do what the form asks; gives the sentence of the problem, or "" and leaves a message."""
    if request.POST.get("do") == "hours":
        verb, params = actions.set_hours, {"hours": request.POST.get("hours", "")}
    else:
        verb = actions.import_year
        table = _file(request.FILES["file"]) if request.FILES.get("file") else request.POST.get("table", "")
        params = {"year": str(year), "table": table, "source": request.POST.get("source", "")}
    try:
        key = sent_key(request.POST)
        outcome = perform(
            verb, [office.pk], by=request.person, params=params, key=key, source="web", seconds=MOST_SECONDS
        )
    except (Invalid, KeyReused, NotAllowed, TooSlow) as error:
        return str(error)
    for refusal in outcome.refused.values():
        return refusal.text
    moved = Moved.objects.filter(run_id=outcome.run).count() if outcome.run else 0
    messages.success(request, f"{verb.label}：存好了，{moved} 个期限随之移动。")
    return ""


def _file(upload: Any) -> str:
    content = upload.read(MOST_BYTES)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def _months(year: int) -> list[Bag]:
    days = {d.date: d for d in Day.objects.filter(date__year=year)}
    cal = calendar.current()
    found = []
    for month in range(1, 13):
        weeks = [
            [_cell(day, month, days, cal) for day in week] for week in months.Calendar().monthdatescalendar(year, month)
        ]
        worked = sum(c.worked for week in weeks for c in week if c)
        found.append(Bag(number=month, weeks=weeks, worked=worked))
    return found


def _cell(day: date, month: int, days: dict[date, Day], cal: calendar.WorkCalendar) -> Bag | None:
    if day.month != month:
        return None
    known = days.get(day)
    worked = known.kind in WORKED if known else cal.is_workday(day)
    mark = MARKS.get(known.kind, "") if known else ""  # type: ignore[call-overload]
    title = (
        "，".join(t for t in (known.get_kind_display(), known.name, "法定" if known.statutory else "") if t)
        if known
        else ""
    )
    return Bag(day=day, worked=worked, mark=mark, title=title if mark else "", kind=known.kind if known else "")


def _moved() -> list[Bag]:
    """The due moments that moved last, newest run first."""
    rows = list(Moved.objects.select_related("clock").order_by("-run_id", "new_due")[:MOST_MOVED])
    found = []
    for row in rows:
        resource = site().resources.get(row.clock.model)
        kind = KINDS.get(row.clock.kind)
        found.append(
            Bag(
                at=row.at,
                label=kind.label if kind else row.clock.kind,
                record=site().names(row.clock.model, [row.clock.record_id]).get(row.clock.record_id, ""),
                url=resource.url_of(row.clock.record_id) if resource else "",
                old_due=row.old_due,
                new_due=row.new_due,
                person=person_field(row.person_id) if row.person_id else "",
            )
        )
    return found
