"""What waits for a person in her files, and the table of all persons: complete, fresh, entered in time."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Avg, Count, Q
from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.figures.periods import period
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.customers import fields, quality, states
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.resources import customer as resource


def address(**conditions: Any) -> str:
    """The list of customers in use under conditions such as level__in="key"."""
    given = {"state__in": states.ACTIVE} | conditions
    leaves = ((*name.split("__"), str(value)) for name, value in given.items())
    return Query(conditions=tuple({"field": f, "op": op, "value": v} for f, op, v in leaves)).address(resource.url)


def _stale(days: int) -> date:
    """The last day of review that is too long ago."""
    return clock.today() - timedelta(days=days + 1)


def _due(level: str, days: int) -> Q:
    return Q(level=level, reviewed_on__lte=_stale(days), state=states.ACTIVE)


def todos(person: Any) -> list[Todo]:
    """Own files that are due for a look, and own customers' licences that end soon."""
    if not person.may(fields.PROFILE):
        return []
    soon, *intervals = quality.days(quality.LICENCE, *quality.REVIEWS.values())
    until = clock.today() + timedelta(days=soon)
    due = {level: _due(level, days) for level, days in zip(quality.REVIEWS, intervals, strict=True)}
    counts = Customer.objects.filter(owner=person.id, state=states.ACTIVE).aggregate(
        licences=Count("pk", filter=Q(licence_until__lte=until)),
        **{level: Count("pk", filter=condition) for level, condition in due.items()},
    )
    found = [
        Todo(
            f"{counts[level]} 家{label}客户超过 {days} 天没有核对",
            address(owner__in=person.id, level__in=level, reviewed_on__to=_stale(days)),
            "看一遍，改正或确认无变化",
            "clipboard-list",
            tone="warn",
        )
        for (level, label), days in zip(((c.value, c.label) for c in fields.LEVELS), intervals, strict=True)
        if counts[level]
    ]
    if counts["licences"]:
        title = f"{counts['licences']} 家客户的证照 {soon} 天内到期或已过期"
        url = address(owner__in=person.id, licence_until__to=until)
        found.append(Todo(title, url, "向客户要新的证照", "file-certificate", tone="warn"))
    return found


@screen(fields.PROFILE)
def table(request: Any) -> HttpResponse:
    """Per person: how complete and how fresh the files are (C-CUS-04), what was entered late this month (C-CUS-03)."""
    month = period("month", clock.today())
    rows: dict[int, dict[str, Any]] = {}
    for owner, name, files, average, *due in _owned(request.person):
        rows[owner] = {"name": name, "files": files, "average": round(average), "due": sum(due)}
    for by, name, entered, late in _entered(request.person, month.first):
        rows.setdefault(by, {"name": name})
        rows[by] |= {"entered": entered, "late": late, "timely": round((entered - late) * 100 / entered)}
    people = [_linked(person, row, month.span) for person, row in rows.items()]
    return render(request, "customers/quality.html", Bag(rows=people, month=month.label))


def _owned(person: Any) -> Any:
    intervals = zip(quality.REVIEWS, quality.days(*quality.REVIEWS.values()), strict=True)
    due = {f"due_{level}": Count("pk", filter=_due(level, days)) for level, days in intervals}
    rows = Customer.objects.filter(Customer.visible_to(person), state=states.ACTIVE, owner__isnull=False).order_by(
        "owner__pinyin"
    )
    counts = {"n": Count("pk"), "average": Avg("completeness"), **due}
    return rows.values_list("owner", "owner__name").annotate(**counts)


def _entered(person: Any, since: date) -> Any:
    rows = Customer.objects.filter(Customer.visible_to(person), created_at__gte=clock.midnight(since))
    named = rows.exclude(entered_by=None).values_list("entered_by", "entered_by__name").order_by("entered_by")
    return named.annotate(n=Count("pk"), late=Count("pk", filter=Q(late=True)))


def _linked(person: int, row: Mapping[str, Any], month: str) -> Bag:
    """A person's row with the lists behind its numbers."""
    entered = {"state__in": f"{states.ACTIVE},{states.INACTIVE}", "entered_by__in": person, "created_at__span": month}
    empty = dict.fromkeys(("files", "average", "due", "entered", "late", "timely"))
    urls = {"files_url": address(owner__in=person), "entered_url": address(**entered)}
    return Bag(**empty | dict(row) | urls, late_url=address(**entered, late__is="true"))
