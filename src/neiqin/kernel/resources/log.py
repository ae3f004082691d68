"""The audit log: who did what, when, from where; searched by person, day, action, record and source; what changed, in words.

Pages are keyset by run id, newest first. A span of days becomes a span of ids by bisection over the primary key, so a page
costs the same in the first month and after years. Rows outside the reader's scope and fields outside his rights show that
something changed, not what; personal values never appear.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.http import Http404, HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions import history, seals
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.models import Era, Event, Run, Seal
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources import masks, timeline
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, site

AUDIT = "audit.view"
SIZE = 50
OBJECTS = 3  # named in a row of the log
CHANGES = 12  # told in a row of the log; the run's own page has up to WHOLE
WHOLE = 2000
FOUND = 200  # records of one kind that the words may find
SLACK = timedelta(minutes=2)  # ids follow the clock, but for transactions that overlap
LATE = timedelta(minutes=5)
OTHER = {
    "login": "登录", "login.failed": "登录失败", "login.locked": "连错五次，账号锁住", "logout": "退出登录", "refused": "被拒绝",
    "token.issued": "发接口令牌", "export": "导出", "direct": "直接改了数据库", "demo": "装入演示数据",
}  # fmt: skip
SOURCES = {
    "web": "网页", "api": "接口", "cli": "命令行", "gate": "审批通过后", "worker": "后台", "demo": "演示数据", "import": "导入",
}  # fmt: skip


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
            _text(params, "q"), _number(params, "who"), _text(params, "action"), _text(params, "source"), _day(params, "since"),
            _day(params, "until"), _number(params, "before") or 0, _number(params, "after") or 0,
        )  # fmt: skip

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
    return render(request, "log.html", Bag(
        url="/log/", fields=_fields(search), rows=rows_of(runs, request.person, CHANGES), seal=seal_state(), single=False,
        prev_url=search.address(after=runs[0].pk) if newer and runs else None,
        next_url=search.address(before=runs[-1].pk) if older and runs else None,
    ))  # fmt: skip


@screen(AUDIT)
def one(request: Any, run_id: int) -> HttpResponse:
    """One run with everything it changed."""
    run = Run.objects.filter(pk=run_id).first() if run_id < 2**63 else None
    if run is None:
        raise Http404
    rows = rows_of([run], request.person, WHOLE)
    return render(request, "log.html", Bag(url="/log/", fields=_fields(Search()), rows=rows, seal=seal_state(), single=True,
                                           prev_url=None, next_url=None))  # fmt: skip


def _fields(search: Search) -> list[Any]:
    who = masks.names_for([(Field("who", "", "person", ref="people.person"), search.who)])
    special = tuple(Choice(code, label) for code, label in OTHER.items())
    verbs = tuple(Choice(code, label) for code, label in sorted(verb_labels().items(), key=lambda pair: pair[1]))
    days = "date"
    return [
        form_field(Field("q", "对象或编号", maxlength=80), search.q),
        form_field(
            Field("who", "谁", "person", ref="people.person"),
            search.who,
            who.get(("people.person", search.who or 0), ""),
        ),
        form_field(Field("action", "做了什么", "choice", choices=special + verbs), search.action),
        form_field(
            Field("source", "来自", "choice", choices=tuple(Choice(c, l) for c, l in SOURCES.items())), search.source
        ),
        form_field(Field("since", "从", days), search.since or ""),
        form_field(Field("until", "到", days), search.until or ""),
    ]


def verb_labels() -> dict[str, str]:
    """Action code -> 客户：移交, for all actions of resources."""
    known = site().resources
    return {
        a.code: f"{known[k].label}：{a.label}" for a in REGISTRY.values() if (k := a.model._meta.label_lower) in known
    }  # fmt: skip


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
    rows = list(Run.objects.raw(
        f"SELECT * FROM actions_run WHERE {condition} ORDER BY id {'ASC' if forward else 'DESC'} LIMIT {SIZE + 1}", values))  # fmt: skip
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
        model = resource.model
        rows = model.objects.filter(model.visible_to(person)).filter(resource.search_condition(text, person))
        ids = list(rows.order_by("-pk").values_list("pk", flat=True)[:FOUND])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT run_id FROM unnest(%s::bigint[]) AS r(id) CROSS JOIN LATERAL ((SELECT run_id FROM actions_event "
                "WHERE model = %s AND record_id = r.id ORDER BY id DESC LIMIT 1000) UNION ALL (SELECT run_id FROM actions_change "
                "WHERE tbl = %s AND row_id = r.id ORDER BY id DESC LIMIT 1000)) AS x",
                [ids, resource.key, model._meta.db_table],
            )
            found |= {row[0] for row in cursor.fetchall()}
    return sorted(found)


# Telling them


def rows_of(runs: Sequence[Run], person: Any, most: int) -> list[Bag]:
    """The rows of a page: who, what, on which records, and the first changes in words."""
    names = site().names("people.person", list({i for r in runs for i in (r.person_id, r.behalf_id) if i}))
    events, changes = _events_of(runs), _changes_of(runs, most)
    told = Told(
        person, [c for found in changes.values() for c in found], [e for found in events.values() for e in found]
    )
    rows = []
    for run in runs:
        words = told.changes(changes[run.pk][:most])
        rows.append(Bag(
            id=run.pk, at=run.at, who=_who(run, names), label=_label(run, events[run.pk]), objects=_objects(run, events[run.pk], changes[run.pk], told),
            source=_source(run), ip=run.address, changes=words, more=len(changes[run.pk]) > most,
        ))  # fmt: skip
    return rows


def _who(run: Run, names: Mapping[int, str]) -> str:
    name = names.get(run.person_id or 0, "")
    return f"{name}（代{names[run.behalf_id]}）" if run.behalf_id in names else name


def _label(run: Run, events: Sequence[Event]) -> str:
    params = run.params if isinstance(run.params, dict) else {}
    if run.action == "refused":
        verb = REGISTRY.get(str(params.get("action", "")))
        return f"被拒绝：{verb.label}" if verb else "被拒绝：打开不能看的页面"
    made = REGISTRY.get(run.action)
    label = made.label if made else OTHER.get(run.action, run.action)
    said = {timeline.sentence(e) for e in events} if len(events) == 1 else set()
    return next((s for s in said if s), label)


def _source(run: Run) -> str:
    return f"数据库账号 {run.source.split(' ')[0]}" if run.action == "direct" else SOURCES.get(run.source, run.source)


def _objects(run: Run, events: Sequence[Event], changes: Sequence[Any], told: "Told") -> str:
    params = run.params if isinstance(run.params, dict) else {}
    keys = list(dict.fromkeys([(e.model, e.record_id) for e in events] or [k for c in changes if (k := told.root(c))]))
    if keys:
        names = "、".join(told.title(*key) for key in keys[:OBJECTS])
        total = max(run.count, len(keys))
        return f"{names} 等 {total:,} 条" if total > OBJECTS else names
    if "login" in params:
        return f"账号 {params['login']}"
    if ids := params.get("ids"):
        verb = REGISTRY.get(str(params.get("action", "")))
        label = (
            site().resources[verb.model._meta.label_lower].label
            if verb and verb.model._meta.label_lower in site().resources
            else ""
        )
        return (
            f"{label} "
            + "、".join(f"#{i}" for i in ids[:OBJECTS])
            + (f" 等 {len(ids)} 条" if len(ids) > OBJECTS else "")
        )
    return str(params.get("address", ""))


def _events_of(runs: Sequence[Run]) -> dict[int, list[Event]]:
    """The first few events of each run; a run over 10,000 records costs no more than another."""
    found: dict[int, list[Event]] = defaultdict(list)
    for event in Event.objects.raw(
        "SELECT e.* FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) CROSS JOIN LATERAL (SELECT * FROM actions_event "
        "WHERE run_id = r.id AND at = r.at ORDER BY id LIMIT %s) AS e", [[r.pk for r in runs], [r.at for r in runs], OBJECTS + 1],
    ):  # fmt: skip
        found[event.run_id].append(event)
    return found


def _changes_of(runs: Sequence[Run], most: int) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.tbl, c.row_id, c.op::text, c.before, c.after, c.at, c.run_id FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) "
            "CROSS JOIN LATERAL (SELECT * FROM actions_change WHERE run_id = r.id AND at = r.at ORDER BY id LIMIT %s) AS c",
            [[r.pk for r in runs], [r.at for r in runs], most + 1],
        )
        for tbl, row, op, before, after, at, run in cursor.fetchall():
            found[run].append(history.ChangedRow(tbl, row, op, before or {}, after or {}, at, run))
    return found


class Told:
    """Row changes in words for one reader: titles, labels and values are looked up once for all of them."""

    def __init__(self, person: Any, changes: Sequence[Any], events: Sequence[Event]) -> None:
        self.person = person
        self.roots = {(c.table, c.row): key for c, key in zip(changes, _roots(changes), strict=True) if key}
        keys = set(self.roots.values()) | {(e.model, e.record_id) for e in events}
        self.titles, self.visible = _titles(keys, person)
        cells = [cell for c in changes for cell in self._cells(c)]
        self.names = masks.names_for([(f, v) for f, _, b, a in cells for v in (b, a)])

    def root(self, change: Any) -> tuple[str, int] | None:
        """(resource, record) to which the changed row belongs; None for tables without screens."""
        return self.roots.get((change.table, change.row))

    def title(self, key: str, record: int) -> str:
        """客户 KH000012 澄江精密; for who may not see it only the kind and the id."""
        resource = site().resources.get(key)
        if resource is None:
            return f"{key} #{record}"
        return self.titles.get((key, record)) or f"{resource.label} #{record}"

    def changes(self, changes: Iterable[Any]) -> list[Bag]:
        """One entry a changed field."""
        found = []
        for change in changes:
            key = self.root(change)
            open_ = key is None or key in self.visible
            record = self.title(*key) if key else f"#{change.row}"
            for field, label, before, after in self._cells(change):
                was, is_ = (masks.text(field, v, self.names) for v in (before, after))
                if not (was or is_):
                    continue
                if not (open_ and self.person.may(field.right)):
                    was, is_ = masks.HIDDEN if was else "", masks.HIDDEN
                found.append(Bag(table=change.table, record=record, label=label, before=was, after=is_))
        return found

    def _cells(self, change: Any) -> list[tuple[Field, str, Any, Any]]:
        """(field, label, before, after) of a changed row; columns without a Field are told by their own name."""
        known = site().of_table(change.table)
        if known is None:
            columns = [
                k for k in dict.fromkeys([*change.before, *change.after]) if k not in timeline.SILENT | {"id", "pinyin"}
            ]
            return [(Field(c, c), c, change.before.get(c), change.after.get(c)) for c in columns]
        resource, lines = known
        model = lines.model if lines else resource.model
        cells = []
        for field in lines.fields if lines else resource.fields:
            column = model._meta.get_field(field.path).column
            if column not in timeline.SILENT and (column in change.before or column in change.after):
                label = f"{lines.label} {field.label}" if lines else field.label
                cells.append(
                    (
                        field,
                        label,
                        _present(field, change.before.get(column)),
                        _present(field, change.after.get(column)),
                    )
                )
        return cells


def _present(field: Field, value: Any) -> Any:
    return None if field.personal and value in ("", "\\x", None) else value


def _roots(changes: Sequence[Any]) -> list[tuple[str, int] | None]:
    """The record each change belongs to: itself, or for a line the record that its foreign key names."""
    missing: dict[str, set[int]] = defaultdict(set)
    places: list[tuple[Resource, Lines | None] | None] = [site().of_table(c.table) for c in changes]
    given = [_parent(c, p[1]) if p and p[1] else c.row for c, p in zip(changes, places, strict=True)]
    for change, parent in zip(changes, given, strict=True):
        if parent is None:
            missing[change.table].add(change.row)
    looked: dict[tuple[str, int], int] = {}
    for table, ids in missing.items():
        found = site().of_table(table)
        if found and found[1]:
            lines = found[1]
            rows = lines.model.objects.filter(pk__in=ids).values_list("pk", f"{lines.fk}_id")
            looked |= {(table, pk): parent for pk, parent in rows}
    return [
        (p[0].key, root) if p and (root := parent if parent is not None else looked.get((c.table, c.row))) else None
        for c, p, parent in zip(changes, places, given, strict=True)
    ]  # fmt: skip


def _parent(change: Any, lines: Lines) -> int | None:
    column = lines.model._meta.get_field(lines.fk).column
    return change.after.get(column) or change.before.get(column)


def _titles(keys: set[tuple[str, int]], person: Any) -> tuple[dict[tuple[str, int], str], set[tuple[str, int]]]:
    """(key -> title, keys the person may see); one query a kind."""
    titles: dict[tuple[str, int], str] = {}
    for kind in {k for k, _ in keys}:
        resource = site().resources.get(kind)
        if resource is None:
            continue
        model = resource.model
        rows = model.objects.filter(model.visible_to(person), pk__in=[i for k, i in keys if k == kind])
        for pk, number, title in rows.values_list("pk", resource.number or resource.title, resource.title):
            titles[kind, pk] = title if not resource.number or number == title else f"{number} {title}"
    return titles, set(titles)


# The chain


def seal_state() -> Bag:
    """Where the chain of seals stands: last seal, how old the oldest unsealed run is, whether that is late."""
    last = Seal.objects.order_by("-id").values("id", "sealed_at", "xid_to", "era_id").first()
    era = Era.objects.order_by("-id").values("id", "first_run").first() or {"id": 0, "first_run": 0}
    start = last["xid_to"] if last and last["era_id"] == era["id"] else 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM actions_run WHERE xid >= %s::text::xid8 AND id >= %s LIMIT 1001) AS x",
            [start, era["first_run"]],
        )
        unsealed = cursor.fetchone()[0]
    late = seals.lag()
    return Bag(number=last["id"] if last else 0, at=last["sealed_at"] if last else None, unsealed="1,000+" if unsealed > 1000 else f"{unsealed:,}",
               late=late > LATE, minutes=int(late.total_seconds() // 60))  # fmt: skip
