"""What happened to a record, run by run: its events and changes in words, inside the person's rights and masks."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from django.db import connection

from neiqin.kernel.actions import history
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines
from neiqin.kernel.resources import masks
from neiqin.kernel.resources.resource import Resource, site

RUNS = 20
SILENT = {"version", "updated_at", "created_at"}


class Item(SimpleNamespace):
    """One entry of the feed, or one changed field in it."""


def of(resource: Resource, record: Any, person: Any, *, before: int = 2**63 - 1) -> tuple[list[Item], int]:
    """The newest entries below run id `before`, and the run id to go on from (0: no more)."""
    runs = _runs_of(resource, record.pk, before)
    chosen, more = runs[:RUNS], runs[RUNS - 1] if len(runs) > RUNS else 0
    found = {r.pk: r for r in Run.objects.filter(pk__in=chosen)}
    events: dict[int, list[Event]] = {}
    for event in Event.objects.filter(run_id__in=chosen, model=resource.key, record_id=record.pk).order_by("id"):
        events.setdefault(event.run_id, []).append(event)
    changes = changes_in_words(resource, record, chosen, person)
    names = site().names("people.person", list({r.person_id for r in found.values() if r.person_id}))
    items = [_item(found[run], events.get(run, []), changes.get(run, []), names) for run in chosen if run in found]
    return [i for i in items if i.text or i.changes], more


def _runs_of(resource: Resource, record_id: int, before: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "(SELECT run_id FROM actions_event WHERE model = %s AND record_id = %s AND run_id < %s "
            "ORDER BY id DESC LIMIT %s) UNION "
            "(SELECT run_id FROM actions_change WHERE tbl = %s AND row_id = %s AND run_id < %s "
            "ORDER BY id DESC LIMIT %s) "
            "ORDER BY 1 DESC LIMIT %s",
            [
                resource.key,
                record_id,
                before,
                RUNS * 3,
                resource.model._meta.db_table,
                record_id,
                before,
                RUNS * 3,
                RUNS + 1,
            ],
        )
        return [row[0] for row in cursor.fetchall()]


def _item(run: Run, events: Sequence[Event], changes: list[Item], names: Mapping[int, str]) -> Item:
    who = names.get(run.person_id or 0, "")
    action = REGISTRY.get(run.action)
    words = [sentence(event) for event in events]
    text = "；".join(w for w in words if w) or (
        action.label if action else "直接改了数据库" if run.action == "direct" else ""
    )
    return Item(
        kind="event" if events and not changes else "change",
        icon=action.icon if action else "edit",
        who=who or "系统",
        hue=(run.person_id or 0) % 6 + 1,
        initial=(who or "系")[-1:],
        text=text,
        at=run.at,
        changes=changes,
    )


def sentence(event: Event) -> str:
    """What an event says: the action's verb, and what the action told about it."""
    action = next((a for a in REGISTRY.values() if a.event_name == event.name), None)
    verb = action.label if action else {"held": "提交审批"}.get(event.name.rsplit(".", 1)[-1], "")
    data = event.data or {}
    if "words" in data:  # an event without a verb of its own: a reminder
        return str(data["words"])
    said = data.get("reason") or data.get("note") or ""
    by_rules = "".join(
        f"，按《{r['title']}》第 {r['version']} 版第 {'、'.join(map(str, r['rows']))} 行" for r in data.get("rules", ())
    )
    return (f"{verb}：{said}" if said else verb) + by_rules


def changes_in_words(resource: Resource, record: Any, runs: Sequence[int], person: Any) -> dict[int, list[Item]]:
    """run -> changed fields of the record and its lines, as this person may read them."""
    tables: dict[str, tuple[Lines | None, str]] = {resource.model._meta.db_table: (None, "id")}
    tables |= {
        line.model._meta.db_table: (line, line.model._meta.get_field(line.fk).column)
        for line in resource.lines_for(person)
    }
    rows = {(resource.model._meta.db_table, record.pk)}
    raw = []
    if runs:
        raw = history.changes_under(runs, list(tables))
    for change in raw:
        lines, column = tables[change.table]
        if lines is not None and record.pk in (change.after.get(column), change.before.get(column)):
            rows.add((change.table, change.row))
    for lines, _ in tables.values():
        if lines is not None:
            ids = lines.model.objects.filter(**{lines.fk: record.pk}).values_list("pk", flat=True)
            rows |= {(lines.model._meta.db_table, i) for i in ids}
    masks.open_names((c for c in raw if (c.table, c.row) in rows), masked=True)
    known = resource.fields_for(person)
    cells = [cell for c in raw if (c.table, c.row) in rows for cell in _cells(c, tables[c.table][0], resource, known)]
    names = masks.names_for([(f, v) for _, f, _, b, a in cells for v in (b, a)])
    found: dict[int, list[Item]] = {}
    for run, field, label, before, after in cells:
        found.setdefault(run, []).append(
            Item(label=label, before=masks.text(field, before, names), after=masks.text(field, after, names))
        )
    return found


def _cells(change: Any, lines: Lines | None, resource: Resource, known: Mapping[str, Field]) -> list[tuple[Any, ...]]:
    """(run, field, label, before, after) of the fields a change touched; a new root is told by its event alone."""
    if lines is None and change.op == "I":
        return []
    model = lines.model if lines else resource.model
    cells = []
    for field in lines.fields if lines else known.values():
        column = masks.column_of(model, field)
        if column in SILENT or (column not in change.before and column not in change.after):
            continue
        before, after = _present(field, change.before.get(column)), _present(field, change.after.get(column))
        if before is not None or after is not None:
            cells.append((change.run, field, f"{lines.label} {field.label}" if lines else field.label, before, after))
    return cells


def _present(field: Field, value: Any) -> Any:
    """None for what is empty: nothing, no text, an unset switch, an empty sealed value."""
    return None if value in (None, "", "\\x") or (value is False and field.kind == "bool") else value
