"""Runs, events and changes as the audit log tells them to one reader.

Rows outside the reader's scope and fields outside his rights show that something changed, not what; personal values
never appear.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from neiqin.kernel.actions import history
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources import masks, timeline
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource, site

# Tables whose rows hang on records of any kind, by their columns kind and record_id: table -> (model, label, fields).
HANGING: dict[str, tuple[Any, str, tuple[Field, ...]]] = {}
OBJECTS = 3  # named in a row of the log
CHANGES = 12  # told in a row of the log; the run's own page has up to WHOLE
WHOLE = 2000
UNSEEN = "（内容不给看）"
OTHER = {
    "login": "登录",
    "login.failed": "登录失败",
    "login.locked": "连错五次，账号锁住",
    "logout": "退出登录",
    "refused": "被拒绝",
    "token.issued": "发接口令牌",
    "export": "导出",
    "print.list": "打印列表",
    "file.download": "下载附件",
    "file.preview": "预览归档附件",
    "files.sweep": "清掉删除已久的附件",
    "direct": "直接改了数据库",
    "demo": "装入演示数据",
    "deadlines.remind": "到期提醒",
    "guest.locked": "客户页面的验证码连错五次",
    "reading.alarm": "看档案异常",
    "login.first": "建第一个账号",
    "login.unlocked": "在服务器上解锁账号",
    "company.opened": "开张",
    "company.numbers": "接着原来的编号排",
    "notices.channel": "改消息渠道",
    "notices.address": "改自己的邮箱",
    "rules.install": "装入规则表",
    "checks.second": "第二人复核",
    "orders.classes": "按规则提出客户分类",
    "retention.follow": "客户的成交状态随订单和期限变化",
    "groups.follow": "客户按条件进出分组",
    "policy.install": "装入制度条款",
}
SOURCES = {
    "web": "网页",
    "api": "接口",
    "cli": "命令行",
    "gate": "审批通过后",
    "second": "复核一致后",
    "worker": "后台",
    "demo": "演示数据",
    "import": "导入",
    "guest": "客户页面",
}


def rows_of(runs: Sequence[Run], person: Any, most: int) -> list[Bag]:
    """The rows of a page: who, what, on which records, and the first changes in words."""
    names = site().names("people.person", list({i for r in runs for i in (r.person_id, r.behalf_id) if i}))
    events, changes = _events_of(runs), _changes_of(runs, most)
    told = Told(
        person, [c for found in changes.values() for c in found], [e for found in events.values() for e in found]
    )
    rows = []
    for run in runs:
        shown = changes[run.pk][:most]
        if events[run.pk] and most < WHOLE:  # what the event tells in words; its rows are on the run's own page
            shown = [c for c in shown if site().of_table(c.table)]
        words = told.changes(shown)
        rows.append(
            Bag(
                id=run.pk,
                at=run.at,
                who=_who(run, names),
                label=_label(run, [e for e in events[run.pk] if told.open(e)]),
                objects=_objects(run, events[run.pk], changes[run.pk], told),
                source=_source(run),
                ip=run.address,
                changes=words,
                more=len(changes[run.pk]) > most,
            )
        )
    return rows


def _who(run: Run, names: Mapping[int, str]) -> str:
    name = names.get(run.person_id or 0, "")
    given_by = names.get(run.behalf_id or 0)
    return f"{name}（代{given_by}）" if given_by else name


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
        return names if total <= OBJECTS else f"{names} 等 {total:,} 条" if run.count >= len(keys) else f"{names} 等"
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
        "SELECT e.* FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) "
        "CROSS JOIN LATERAL (SELECT * FROM actions_event WHERE run_id = r.id AND at = r.at ORDER BY id LIMIT %s) AS e",
        [[r.pk for r in runs], [r.at for r in runs], OBJECTS + 1],
    ):
        found[event.run_id].append(event)
    return found


def _changes_of(runs: Sequence[Run], most: int) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.tbl, c.row_id, c.op::text, c.before, c.after, c.at, c.run_id "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) CROSS JOIN LATERAL "
            "(SELECT * FROM actions_change WHERE run_id = r.id AND at = r.at ORDER BY id LIMIT %s) AS c",
            [[r.pk for r in runs], [r.at for r in runs], most + 1],
        )
        for tbl, row, op, before, after, at, run in cursor.fetchall():
            found[run].append(history.ChangedRow(tbl, row, op, before or {}, after or {}, at, run))
    return found


class Told:
    """Row changes in words for one reader: titles, labels and values are looked up once for all of them."""

    def __init__(self, person: Any, changes: Sequence[Any], events: Sequence[Event]) -> None:
        self.person = person
        masks.open_names(changes)
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

    def open(self, event: Event) -> bool:
        """Whether the reader may know what the event says: he sees its record, or it is of no resource."""
        return event.model not in site().resources or (event.model, event.record_id) in self.visible

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
                    was, is_ = "", UNSEEN
                found.append(Bag(table=change.table, record=record, label=label, before=was, after=is_))
        return found

    def _cells(self, change: Any) -> list[tuple[Field, str, Any, Any]]:
        """(field, label, before, after) of a changed row; columns without a Field are told by their own name."""
        known = site().of_table(change.table)
        if change.table in HANGING:
            _, label, fields = HANGING[change.table]
            found = [f for f in fields if f.name in change.before or f.name in change.after]
            return [(f, f"{label} {f.label}", change.before.get(f.name), change.after.get(f.name)) for f in found]
        if known is None:
            columns = [
                k for k in dict.fromkeys([*change.before, *change.after]) if k not in timeline.SILENT | {"id", "pinyin"}
            ]
            return [(Field(c, c), c, change.before.get(c), change.after.get(c)) for c in columns]
        resource, lines = known
        model = lines.model if lines else resource.model
        cells = []
        for field in lines.fields if lines else resource.fields:
            column = masks.column_of(model, field)
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
    hanging = _hanging(changes)
    return [
        hanging.get((c.table, c.row))
        if c.table in HANGING
        else (p[0].key, root)
        if p and (root := parent if parent is not None else looked.get((c.table, c.row)))
        else None
        for c, p, parent in zip(changes, places, given, strict=True)
    ]


def _hanging(changes: Sequence[Any]) -> dict[tuple[str, int], tuple[str, int]]:
    """(table, row) -> the record it hangs on; for a row that is gone, what the change says of it."""
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for table, (model, _, _) in HANGING.items():
        ids = {c.row for c in changes if c.table == table}
        rows = model.objects.filter(pk__in=ids).values_list("pk", "kind", "record_id") if ids else ()
        found |= {(table, pk): (kind, record) for pk, kind, record in rows}
    return found


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
