"""Asking for an export: for what purpose, and beyond a number of records a day only with approval (C-SEC-04).

An action that makes a record, so that the gate can hold it: performed, the file is queued; held, it waits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.http import QueryDict

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import NewBatch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals.declare import Asks
from neiqin.kernel.exchange.models import Export, ExportRequest
from neiqin.kernel.fields.conditions import describe
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.jobs.queue import defer
from neiqin.kernel.resources import finding, masks
from neiqin.kernel.resources.listing import BadQuery, Listing, Query
from neiqin.kernel.resources.models import Layout
from neiqin.kernel.resources.resource import Resource, seen_by, site
from neiqin.kernel.rules.decide import decide

RIGHT, PERSONAL = "exchange.export", "exchange.personal"
JOB, TABLE = "exchange.export", "export_limits"
MOST = 1_000_000  # records that are counted
DAY = timedelta(days=1)
SHOWN, ALL, LINES = "shown", "all", "lines"
WIDTHS = (Choice(SHOWN, "列表里现在显示的列"), Choice(ALL, "全部字段"), Choice(LINES, "全部字段和明细"))
FORMS = (Choice("xlsx", "Excel 工作簿（xlsx）"), Choice("csv", "文本表格（csv）"))
PURPOSE = Field("purpose", "用途", maxlength=200, help="客户资料必填：给谁、做什么用")
SHAPE = Shape((
    Field("kind", "资料", "code", required=True, maxlength=60, help="例如 customers.customer"),
    Field("q", "筛选", default="", maxlength=4000, personal=True),
    Field("width", "带哪些列", "choice", choices=WIDTHS, default=SHOWN),
    Field("form", "格式", "choice", choices=FORMS, default="xlsx"),
    Field("full", "联系方式不遮盖", "bool"),
    PURPOSE,
))  # fmt: skip
KEPT = (
    Field("purpose", "用途", list=True, role="name"),
    Field("label", "资料", list=True, filter=True),
    Field("rows", "条数", "number", list=True),
    Field("filter", "筛选"),
    Field("form", "格式", "choice", choices=FORMS),
    Field("full", "联系方式不遮盖", "bool", filter=True),
    Field("owner", "导出人", "person", ref="people.person", list=True, filter=True, role="who"),
    Field("created_at", "时间", "moment", list=True, filter=True, role="due"),
)


@dataclass(frozen=True)
class Wanted:
    """One export as it was asked for. lines: those that go along; personal: with what is masked elsewhere."""

    resource: Resource
    query: Query
    lines: Lines | None
    personal: bool

    def count(self, by: Any, cap: int = MOST) -> int:
        """How many records, at most cap + 1."""
        return Listing(self.resource, by, self.query).count(cap)


def wanted(row: Mapping[str, Any], by: Any) -> Wanted | Refusal:
    """What a row asks for, or why it cannot have it."""
    resource = site().resources.get(row["kind"])
    if resource is None or not by.may(resource.view_permission):
        return Refusal("没有这种资料，或没有看它的权限。", "kind")
    try:
        query = Query.of_address(row["q"] or "")
    except BadQuery as error:
        return Refusal(str(error), "q")
    lines = next(iter(seen_by(by, resource.shape.lines)), None) if row["width"] == LINES else None
    personal = lines is not None and any(f.personal for f in lines.fields)
    if (resource.confidential or personal) and not row["purpose"]:
        return Refusal(f"{resource.label}资料要写导出的用途：给谁、做什么用。会记下来，也印在文件上。", "purpose")
    return Wanted(resource, query, lines, personal)


@action(
    ExportRequest, "导出", may=RIGHT, event="created", creates=True, shape=SHAPE, button=False, bulk=False,
    icon="download",
)  # fmt: skip
def create(batch: NewBatch[ExportRequest]) -> None:
    """Keep who exports what for which purpose, and have the files written."""
    asked = {p: wanted(row, batch.by) for p, row in batch.rows.items()}
    problems = {p: w for p, w in asked.items() if isinstance(w, Refusal)}
    if batch.by.id is None:
        problems = dict.fromkeys(batch.rows, Refusal("导出要有导出人。"))
    batch.refuse(problems)
    fit = {p: w for p, w in asked.items() if isinstance(w, Wanted) and p in batch.rows}
    made = {p: _request(w, batch.rows[p], batch) for p, w in fit.items()}
    ExportRequest.objects.bulk_create(made.values())
    batch.records = list(made.values())
    batch.positions = {r.pk: p for p, r in made.items()}
    batch.before = dict.fromkeys(batch.ids)
    exports = Export.objects.bulk_create(
        Export(
            resource=w.resource.key, person_id=batch.by.id or 0, query=batch.rows[p]["q"] or "", form=made[p].form,
            purpose=made[p].purpose, created_at=batch.now, request=made[p],
            columns=[*_columns(w, batch.by, batch.rows[p]["width"]), *(["full"] if made[p].full else [])],
        )
        for p, w in fit.items()
    )  # fmt: skip
    for one in exports if not batch.preview else ():
        defer(JOB, key=f"export-{one.pk}", lock=f"export-{batch.by.id}", export_id=one.pk)


def _request(one: Wanted, row: Mapping[str, Any], batch: NewBatch[Any]) -> ExportRequest:
    return ExportRequest(
        owner_id=batch.by.id, unit_id=batch.by.unit_id, kind=one.resource.key, label=one.resource.label,
        rows=one.count(batch.by), filter=_filter(one), form=row["form"] or "xlsx",
        full=_full(one, row, batch.by), purpose=row["purpose"] or "", created_at=batch.now, updated_at=batch.now,
    )  # fmt: skip


def _filter(one: Wanted) -> str:
    """The filter as it is kept for good: typed words may name a person, so only that there were some."""
    words = filter_words(one.resource, Query("", one.query.conditions, one.query.sort).address("").removeprefix("?"))
    return words if not one.query.q else "搜索" if words == "全部" else f"搜索；{words}"


def _full(one: Wanted, row: Mapping[str, Any], by: Any) -> bool:
    return bool(row["full"] and one.personal and by.may(PERSONAL))


def _columns(one: Wanted, by: Any, width: str) -> list[str]:
    known = {n: f for n, f in one.resource.fields_for(by).items() if not f.hidden}
    if width in (SHOWN, ""):
        layout = Layout.objects.filter(person_id=by.id, resource=one.resource.key).first()
        chosen = [n for n in (layout.columns if layout else ()) if n in known]
        return chosen or [n for n, f in known.items() if f.list]
    lines = one.lines
    return [*known, *([f"{lines.name}.{f.name}" for f in lines.fields] if lines else [])]


def filter_words(resource: Resource, address: str) -> str:
    """The filter of a list's address in words; of a phone that was searched for only the last four digits."""
    try:
        query = Query.read(QueryDict(address))
    except BadQuery:
        return ""
    fields = {f.name: f for f in resource.fields}
    asked = [(fields.get(str(c["field"])), v) for c in query.conditions for v in str(c.get("value", "")).split(",")]
    names = masks.names_for([(f, v) for f, v in asked if f is not None and v.isdecimal()])
    said = [" ".join(describe(c, fields, names)) for c in query.conditions if c["field"] in fields]
    return "；".join([*([f"搜「{finding.told(query.q)}」"] if query.q else []), *said]) or "全部"


def _measures(done: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    """Those that together with what the person has exported in the last 24 hours are more than the table 《导出审批》
    lets go without approval."""
    asked = {key: (wanted(row, by), row) for key, row in rows.items()}
    fit = {key: (w, row) for key, (w, row) in asked.items() if isinstance(w, Wanted) and w.resource.confidential}
    inputs = [{"position": by.position or "无", "full": _full(w, row, by)} for w, row in fit.values()]
    limits = [int(d.outputs["rows"]) for d in decide(TABLE, inputs, clock.today())] if inputs else []
    before = _lately(by, fit.values())
    return {
        key: {"kind": "联系方式不遮盖" if _full(w, row, by) else w.resource.label}
        for (key, (w, row)), limit in zip(fit.items(), limits, strict=True)
        if w.count(by) + before > limit
    }


def _lately(by: Any, fit: Iterable[tuple[Wanted, Any]]) -> int:
    """How many records of these kinds the person has exported in the last 24 hours."""
    kinds = {w.resource.key for w, _ in fit}
    rows = ExportRequest.objects.filter(owner_id=by.id, kind__in=kinds, created_at__gt=clock.now() - DAY)
    return rows.aggregate(n=Sum("rows"))["n"] or 0


ASKS = Asks(create.code, _measures, "资料·导出")

request = Resource(
    ExportRequest, "导出登记", noun="次", icon="download", fields=KEPT, shape=SHAPE, fast_sorts=("-created_at",),
    title="purpose", create=create, slug="export-requests",
)  # fmt: skip
