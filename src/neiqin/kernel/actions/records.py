"""The two ordinary verbs, made from a Shape: create and edit a record with its lines, set-wise, merging by field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import Action, register
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.personal.columns import seal_columns
from neiqin.kernel.personal.keys import index_many

Check = Callable[[Any], Mapping[int, str | Refusal]]
MOST_LINES = 2000


def creating(
    model: Any,
    shape: Shape,
    *,
    check: Check | None = None,
    after: Callable[[Any], None] | None = None,
    label: str = "新建",
    may: str = "",
    **options: Any,
) -> Action:
    """The action that makes records of `model` from rows of `shape`.

    check: batch -> refusals by row position, before anything is written; after: called with the batch once its records
    exist (to number them last, to emit). The model's `derive` fills its computed columns.
    """

    def create(batch: NewBatch[Any]) -> None:
        if check:
            batch.refuse(check(batch))
        insert(batch, model, shape)
        if after and batch.records:
            after(batch)

    made = Action(
        model,
        "create",
        label,
        create,
        may or f"{model._meta.app_label}.create",
        "created",
        shape=shape,
        creates=True,
        button=False,
        bulk=False,
        icon="plus",
        **options,
    )
    return register(made)


def editing(
    model: Any,
    shape: Shape,
    *,
    check: Callable[[Any, dict[str, Any]], Mapping[int, str | Refusal]] | None = None,
    after: Callable[[Any, dict[str, Any]], None] | None = None,
    label: str = "修改",
    may: str = "",
    **options: Any,
) -> Action:
    """The action that changes some fields and lines. Only given keys are touched; disjoint changes of two people merge,
    the same field asks: refusal code `conflict`, with base, theirs and mine of each field. The owner is no field of an
    edit: ownership moves by an action of its own, with its own right, and takes the unit along.
    """

    shape = Shape(tuple(f for f in shape.fields if f.path != "owner"), shape.lines)

    def edit(batch: Batch[Any], **changes: Any) -> None:
        batch.refuse(_conflicts(batch, shape, changes))
        if check:
            batch.refuse(check(batch, changes))
        if batch.records:
            update(batch, shape, changes)
        if after and batch.records:
            after(batch, changes)

    made = Action(
        model,
        "edit",
        label,
        edit,
        may or f"{model._meta.app_label}.edit",
        "edited",
        shape=shape,
        merges=True,
        partial=True,
        button=False,
        bulk=False,
        icon="edit",
        **options,
    )
    return register(made)


def insert(batch: NewBatch[Any], model: Any, shape: Shape) -> None:
    """Write the batch's rows and their lines: one statement a table."""
    positions = list(batch.rows)
    records = [_build(model, shape.fields, batch.rows[p], batch) for p in positions]
    problems = model.derive(records, batch)
    batch.refuse({positions[i]: refusal for i, refusal in problems.items()})
    kept = [(p, r) for i, (p, r) in enumerate(zip(positions, records, strict=True)) if i not in problems]
    if not kept:
        return
    rows = [batch.rows[p] for p, _ in kept]
    records = [r for _, r in kept]
    _seal(records, shape.fields, rows)
    model.objects.bulk_create(records)
    batch.records = records
    batch.positions = {r.pk: p for p, r in kept}
    batch.before = dict.fromkeys(batch.ids)
    for lines in shape.lines:
        pairs = [
            (record, row) for record, values in zip(records, rows, strict=True) for row in values[lines.name] or ()
        ]
        _insert_lines(batch, lines, pairs)


def update(batch: Batch[Any], shape: Shape, changes: dict[str, Any]) -> None:
    """Write the changed fields of all records, and the lines of a single one. Nothing changed: nothing is written."""
    fields = [f for f in shape.fields if f.name in changes]
    attributes = [f.attname for f in type(batch.records[0])._meta.concrete_fields]
    before = {r.pk: {a: getattr(r, a) for a in attributes} for r in batch.records}
    for record in batch.records:
        for field in fields:
            if not field.personal:
                setattr(record, _attribute(type(record), field), changes[field.name])
    order = list(batch.records)
    problems = type(order[0]).derive(order, batch)
    batch.refuse({order[i].pk: refusal for i, refusal in problems.items()})
    _seal(batch.records, fields, [changes] * len(batch.records))
    touched = _collect(batch, before)
    for lines in shape.lines:
        if lines.name in changes and batch.records and _change_lines(batch, lines, changes[lines.name]):
            touched |= set(batch.ids)
    batch.leave(set(batch.ids) - touched)


def _collect(batch: Batch[Any], before: Mapping[int, Mapping[str, Any]]) -> set[int]:
    """Tell the batch which columns now differ from `before`; returns the records that have such a column."""
    touched: set[int] = set()
    for attribute in next(iter(before.values())):
        new = {r.pk: getattr(r, attribute) for r in batch.records}
        differing = {i for i in new if new[i] != before[i][attribute]}
        if differing:
            batch.set_each(attribute, new)
        touched |= differing
    return touched


def _attribute(model: Any, field: Field) -> str:
    return model._meta.get_field(field.path).attname


def _build(model: Any, fields: Iterable[Field], row: Mapping[str, Any], batch: Batch[Any]) -> Any:
    values = {_attribute(model, f): row.get(f.name) for f in fields if not f.personal}
    names = {f.name for f in model._meta.concrete_fields}
    if "created_at" in names:
        values |= {"created_at": batch.now, "updated_at": batch.now}
    return model(**{k: v for k, v in values.items() if v is not None})


def _seal(records: Sequence[Any], fields: Iterable[Field], rows: Sequence[Mapping[str, Any]]) -> None:
    """Personal values go to their columns only as ciphertext under the subject's own key; phones stay findable."""
    personal = [f for f in fields if f.personal]
    texts = [{f.path: row[f.name] or "" for f in personal if f.name in row} for row in rows]
    if not any(texts):
        return
    seal_columns(records, texts)
    entries = []
    for record, row in zip(records, rows, strict=True):
        for field in personal:
            if field.name in row and field.kind in ("mobile", "phone"):
                text = row[field.name] or ""
                entries += [(record.subject, field.path, text), (record.subject, f"{field.path}:last4", text[-4:])]
    index_many(entries)


def _insert_lines(batch: Batch[Any], lines: Lines, pairs: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    if not pairs:
        return
    fk = lines.model._meta.get_field(lines.fk).attname
    made = []
    for record, row in pairs:
        line = _build(lines.model, lines.fields, row, batch)
        setattr(line, fk, record.pk)
        made.append(line)
    lines.model.derive(made, batch)
    _seal(made, lines.fields, [row for _, row in pairs])
    lines.model.objects.bulk_create(made)


def _change_lines(batch: Batch[Any], lines: Lines, rows: Sequence[dict[str, Any]]) -> bool:
    record = batch.records[0]
    if len(batch.records) > 1:
        batch.refuse(dict.fromkeys(batch.ids, Refusal(f"「{lines.label}」一次只能改一条记录的。", lines.name)))
        return False
    present = {line.pk: line for line in lines.model.objects.filter(**{lines.fk: record.pk}).order_by("id")}
    given = {row["id"] for row in rows if row.get("id")}
    if unknown := given - present.keys():
        batch.refuse(
            {
                record.pk: Refusal(
                    f"「{lines.label}」里有 {len(unknown)} 行已被别人删掉，刷新再改。", lines.name, "stale"
                )
            }
        )
        return False
    gone = {row["id"] for row in rows if row.get("id") and row.get("delete")}
    new = [row for row in rows if not row.get("id") and not row.get("delete")]
    if len(present) - len(gone) + len(new) < lines.min:
        batch.refuse({record.pk: Refusal(f"「{lines.label}」至少要留 {lines.min} 行。", lines.name)})
        return False
    if gone:
        lines.model.objects.filter(pk__in=gone).delete()
    changed = [(present[row["id"]], row) for row in rows if row.get("id") and row["id"] not in gone and len(row) > 1]
    _update_lines(batch, lines, changed)
    _insert_lines(batch, lines, [(record, {f.name: f.default for f in lines.fields} | row) for row in new])
    return bool(gone or new or changed)


def _update_lines(batch: Batch[Any], lines: Lines, pairs: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    if not pairs:
        return
    for line, row in pairs:
        for field in lines.fields:
            if field.name in row and not field.personal:
                setattr(line, _attribute(lines.model, field), row[field.name])
    changed = [line for line, _ in pairs]
    _seal(changed, lines.fields, [row for _, row in pairs])
    lines.model.derive(changed, batch)
    lines.model.objects.bulk_update(changed, [f.name for f in lines.model._meta.concrete_fields if not f.primary_key])


def _conflicts(batch: Batch[Any], shape: Shape, changes: dict[str, Any]) -> dict[int, Refusal]:
    """Of the records that have moved on since the caller looked: those where somebody changed the same fields."""
    problems = {}
    for record in batch.records:
        seen = batch.versions.get(record.pk)
        if seen is None or seen == record.version:
            continue
        clashes = _clashes(record, seen, shape, changes)
        if clashes:
            names = "、".join(f"「{c['label']}」" for c in clashes)
            problems[record.pk] = Refusal(
                f"{names}刚被别人改过，选一个再保存。", clashes[0]["name"], "conflict", clashes
            )
    return problems


def _clashes(record: Any, seen: int, shape: Shape, changes: dict[str, Any]) -> list[dict[str, Any]]:
    tables = {line.model._meta.db_table: line.model._meta.get_field(line.fk).column for line in shape.lines}
    since = history.changes_since_version(record._meta.db_table, record.pk, seen, tables)
    theirs: dict[str, tuple[Any, Any]] = {}
    for change in since:
        for column, value in change.after.items() if change.table == record._meta.db_table else ():
            theirs[column] = (theirs.get(column, (change.before.get(column), None))[0], value)
    found = []
    for field in shape.fields:
        column = record._meta.get_field(field.path).column
        if field.name in changes and column in theirs:
            current = getattr(record, _attribute(type(record), field))
            if current != changes[field.name] or field.personal:
                base = theirs[column][0]
                values = (None, None, None) if field.personal else (base, current, changes[field.name])
                found.append(
                    {"name": field.name, "label": field.label}
                    | dict(zip(("base", "theirs", "mine"), map(_plain, values), strict=True))
                )
    for line in shape.lines:
        touched = {c.row for c in since if c.table == line.model._meta.db_table}
        if any(row.get("id") in touched for row in changes.get(line.name) or ()):
            found.append({"name": line.name, "label": line.label, "base": None, "theirs": None, "mine": None})
    return found


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
