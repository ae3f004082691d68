"""The audit log: who did what, when, from where; searched by person, day, action, record and source.

Pages are keyset by run id, newest first. A span of days becomes a span of ids by bisection over the primary key, so a
page costs the same in the first month and after years. A search that no index serves looks at the newest runs only.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.http import Http404, HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions import seals
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.models import Era, Run, Seal
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.resources import finding, masks
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import site
from neiqin.kernel.resources.told import CHANGES, OTHER, SOURCES, WHOLE, rows_of

AUDIT = "audit.view"
SIZE = 50
NEWEST = 1_000_000  # runs that a search by source alone looks at
FOUND = 200  # records of one kind that the words may find
SLACK = timedelta(minutes=2)  # ids follow the clock, but for transactions that overlap
LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Search:
    """What the log is asked for. until: the last day, inclusive; before and after: run ids around the page."""

    q: str = ""
    who: int | None = None
    action: str = ""
    source: str = ""
    since: date | None = None
    until: date | None = None
    before: int = 0
    after: int = 0

    @classmethod
    def read(cls, params: Any) -> "Search":
        """From an address; what cannot be read is left out."""
        return cls(
            _text(params, "q"),
            _number(params, "who"),
            _text(params, "action"),
            _text(params, "source"),
            _day(params, "since"),
            _day(params, "until"),
            _number(params, "before") or 0,
            _number(params, "after") or 0,
        )

    def address(self, **page: int) -> str:
        """The address of this search at another page."""
        parts = {
            "q": self.q,
            "who": self.who,
            "action": self.action,
            "source": self.source,
            "since": self.since,
            "until": self.until,
        }
        return "/log/?" + urlencode({k: str(v) for k, v in (parts | page).items() if v})


def _text(params: Any, name: str) -> str:
    try:
        return formats.clean_text(params.get(name, ""), 80)
    except formats.BadFormat:
        return ""


def _number(params: Any, name: str) -> int | None:
    text = params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _day(params: Any, name: str) -> date | None:
    try:
        return formats.date_cn(_text(params, name))
    except formats.BadFormat:
        return None


@screen(AUDIT)
def show(request: Any) -> HttpResponse:
    """A page of the log."""
    search = Search.read(request.GET)
    runs, newer, older = page_of(search, request.person)
    return render(
        request,
        "log.html",
        Bag(
            url="/log/",
            fields=_fields(search),
            rows=rows_of(runs, request.person, CHANGES),
            seal=seal_state(),
            single=False,
            prev_url=search.address(after=runs[0].pk) if newer and runs else None,
            next_url=search.address(before=runs[-1].pk) if older and runs else None,
        ),
    )


@screen(AUDIT)
def one(request: Any, run_id: int) -> HttpResponse:
    """One run with everything it changed."""
    run = Run.objects.filter(pk=run_id).first() if run_id < 2**63 else None
    if run is None:
        raise Http404
    rows = rows_of([run], request.person, WHOLE)
    return render(
        request,
        "log.html",
        Bag(
            url="/log/",
            fields=_fields(Search()),
            rows=rows,
            seal=seal_state(),
            single=True,
            prev_url=None,
            next_url=None,
        ),
    )


def _fields(search: Search) -> list[Any]:
    who = masks.names_for([(Field("who", "", "person", ref="people.person"), search.who)])
    special = tuple(Choice(code, label) for code, label in OTHER.items())
    verbs = tuple(Choice(code, label) for code, label in sorted(verb_labels().items(), key=lambda pair: pair[1]))
    return [
        form_field(Field("q", "对象或编号", maxlength=80), search.q),
        form_field(
            Field("who", "谁", "person", ref="people.person"),
            search.who,
            who.get(("people.person", search.who or 0), ""),
        ),
        form_field(Field("action", "做了什么", "choice", choices=special + verbs), search.action),
        form_field(
            Field("source", "来自", "choice", choices=tuple(Choice(*pair) for pair in SOURCES.items())), search.source
        ),
        form_field(Field("since", "从", "date"), search.since or ""),
        form_field(Field("until", "到", "date"), search.until or ""),
    ]


def verb_labels() -> dict[str, str]:
    """Action code -> 客户：移交, for all actions of resources."""
    known = site().resources
    return {
        a.code: f"{known[k].label}：{a.label}" for a in REGISTRY.values() if (k := a.model._meta.label_lower) in known
    }


# Finding runs


def page_of(search: Search, person: Any) -> tuple[list[Run], bool, bool]:
    """(runs newest first, whether there are newer ones, whether there are older ones)."""
    where, values = _conditions(search)
    if search.q:
        ids = _runs_about(search.q, person)
        where.append("id = ANY(%s)")
        values.append(ids)
    forward = bool(search.after)
    if forward or search.before:
        where.append(f"id {'>' if forward else '<'} %s")
        values.append(search.after or search.before)
    condition = " AND ".join(where) or "true"
    rows = list(
        Run.objects.raw(
            f"SELECT * FROM actions_run WHERE {condition} ORDER BY id {'ASC' if forward else 'DESC'} LIMIT {SIZE + 1}",
            values,
        )
    )
    more, rows = len(rows) > SIZE, rows[:SIZE]
    if forward:
        rows.reverse()
    return rows, more if forward else bool(search.before), True if forward else more


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    for column, value in (("person_id", search.who), ("action", search.action), ("source", search.source)):
        if value:
            where.append(f"{column} = %s")
            values.append(value)
    if search.source and not (search.who or search.action or search.q):
        where.append("id > (SELECT coalesce(max(id), 0) FROM actions_run) - %s")
        values.append(NEWEST)
    for day, sign, edge in (
        (search.since, ">=", -SLACK),
        (search.until and search.until + timedelta(days=1), "<", SLACK),
    ):
        if day:
            moment = datetime.combine(day, time(), clock.zone())
            where += [f"at {sign} %s", f"id {sign} %s"]
            values += [moment, _first_since(moment + edge)]
    return where, values


def _first_since(moment: datetime) -> int:
    """An id below which no run is as young as this moment, by bisection: some twenty looks at the primary key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM actions_run")
        low, high = cursor.fetchone()
        while low < high:
            middle = (low + high) // 2
            cursor.execute("SELECT id, at FROM actions_run WHERE id >= %s ORDER BY id LIMIT 1", [middle])
            found = cursor.fetchone()
            if found is None or found[1] >= moment:
                high = middle
            else:
                low = found[0] + 1
    return low


def _runs_about(text: str, person: Any) -> list[int]:
    """The newest runs that touched records which the words find inside the person's scope."""
    found: set[int] = set()
    for resource in site().resources.values():
        if not person.may(resource.view_permission):
            continue
        finding.catch_up([resource])
        ids = [row[0] for row in finding.newest(resource, person, text, FOUND)[0]]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT run_id FROM unnest(%s::bigint[]) AS r(id) CROSS JOIN LATERAL ("
                "(SELECT run_id FROM actions_event WHERE model = %s AND record_id = r.id ORDER BY id DESC LIMIT 999) "
                "UNION ALL "
                "(SELECT run_id FROM actions_change WHERE tbl = %s AND row_id = r.id ORDER BY id DESC LIMIT 999)) AS x",
                [ids, resource.key, resource.model._meta.db_table],
            )
            found |= {row[0] for row in cursor.fetchall()}
    return sorted(found)


# The chain


def seal_state() -> Bag:
    """Where the chain of seals stands: last seal, how old the oldest unsealed run is, whether that is late."""
    last = Seal.objects.order_by("-id").values("id", "sealed_at", "xid_to", "era_id").first()
    era = Era.objects.order_by("-id").values("id", "first_run").first() or {"id": 0, "first_run": 0}
    start = last["xid_to"] if last and last["era_id"] == era["id"] else 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM actions_run WHERE xid >= %s::text::xid8 AND id >= %s LIMIT 1001) AS x",
            [start, era["first_run"]],
        )
        unsealed = cursor.fetchone()[0]
    late = seals.lag()
    return Bag(
        number=last["id"] if last else 0,
        at=last["sealed_at"] if last else None,
        unsealed="1,000+" if unsealed > 1000 else f"{unsealed:,}",
        late=late > LATE,
        minutes=int(late.total_seconds() // 60),
    )
