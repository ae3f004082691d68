"""The two ordinary verbs, made from a Shape: create and edit a record with its lines, set-wise, merging by field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

from django.db import connection, models
from django.db.models.base import ModelState

from neiqin.kernel import clock, copying
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch, NewBatch, Origin
from neiqin.kernel.actions.declare import Action, register
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.personal.columns import PersonalText, seal_columns
from neiqin.kernel.personal.keys import index_many

Check = Callable[[Any], Mapping[int, str | Refusal]]
Changes = Mapping[int, Mapping[str, Any]]  # record id -> the fields and lines to change
ChangeCheck = Callable[[Any, Changes], Mapping[int, str | Refusal]]
MOST_LINES = 2000


class Numbers(Protocol):
    """What numbers new records: `give` before they are saved, `assign` once they are."""

    def give(self, records: Sequence[Any]) -> None: ...

    def assign(self, records: Sequence[Any]) -> None: ...


def creating(
    model: Any,
    shape: Shape,
    *,
    numbers: Numbers | None = None,
    check: Check | None = None,
    after: Callable[[Any], None] | None = None,
    label: str = "新建",
    may: str = "",
    **options: Any,
) -> Action:
    """The action that makes records of `model` from rows of `shape`.

    numbers: the series. The last statement of the transaction, because all others wait for a series; only many records
    (an import) are numbered just before they are saved, as changing them all afterwards would hold it longer.
    check: batch -> refusals by row position, before anything is written; after: called with the batch once its records
    exist (to emit). The model's `derive` fills its computed columns.
    """

    def create(batch: NewBatch[Any]) -> None:
        if check:
            batch.refuse(check(batch))
        insert(batch, model, shape, numbers)
        if after and batch.records:
            after(batch)

    def rehearse(batch: NewBatch[Any]) -> None:
        if check:
            batch.refuse(check(batch))
        _derived(batch, model, shape)

    made = Action(
        model,
        "create",
        label,
        create,
        may or f"{model._meta.app_label}.create",
        "created",
        shape=shape,
        creates=True,
        numbers=numbers,
        rehearse=rehearse,
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
    check: ChangeCheck | None = None,
    after: Callable[[Any, Changes], None] | None = None,
    said: tuple[Field, ...] = (),
    label: str = "修改",
    may: str = "",
    **options: Any,
) -> Action:
    """The action that changes some fields and lines. Only given keys are touched; disjoint changes of two people merge,
    the same field asks: refusal code `conflict`, with base, theirs and mine of each field. The owner is no field of an
    edit: ownership moves by an action of its own, with its own right, and takes the unit along.

    said: fields about the change itself (from which day it holds): not columns, they only reach check and after.
    check and after get the changes by record. Beside `edit`, the same changes for all, there is `edit_rows`: to each
    record its own (imports); it is no button.
    """

    shape = Shape(tuple(f for f in shape.fields if f.path != "owner"), shape.lines)
    asked = Shape((*shape.fields, *said), shape.lines)

    def edit(batch: Batch[Any], **changes: Any) -> None:
        for lines in shape.lines if len(batch) > 1 else ():
            if lines.name in changes:
                text = f"「{lines.label}」一次只能改一条记录的。"
                batch.refuse(dict.fromkeys(batch.ids, Refusal(text, lines.name)))
        change(batch, shape, dict.fromkeys(batch.ids, changes), check, after)

    def edit_rows(batch: Batch[Any]) -> None:
        change(batch, shape, batch.rows, check, after)

    common: dict[str, Any] = {
        "may": may or f"{model._meta.app_label}.edit",
        "event": "edited",
        "shape": asked,
        "merges": True,
        "partial": True,
        "button": False,
        "bulk": False,
        "icon": "edit",
    } | options
    register(Action(model, "edit_rows", label, edit_rows, each=True, **common))
    return register(Action(model, "edit", label, edit, **common))


def change(
    batch: Batch[Any],
    shape: Shape,
    changes: Changes,
    check: ChangeCheck | None = None,
    after: Callable[[Any, Changes], None] | None = None,
) -> None:
    """Bring changes of fields and lines of `shape` to the records of the batch, as `edit` does; for actions of another
    name that change records by their fields."""
    batch.refuse(_conflicts(batch, shape, changes))
    if check:
        batch.refuse(check(batch, {i: changes[i] for i in batch.ids}))
    if batch.records:
        update(batch, shape, changes)
    if after and batch.records:
        after(batch, {i: changes[i] for i in batch.ids})


def insert(batch: NewBatch[Any], model: Any, shape: Shape, numbers: Numbers | None = None) -> None:
    """Write the batch's rows and their lines: one statement a table."""
    made = _derived(batch, model, shape)
    if not made:
        return
    rows, records = [batch.rows[p] for p in made], list(made.values())
    _seal(records, shape.fields, rows, new=True)
    if numbers and not batch.preview and len(records) >= copying.FROM:
        numbers.give(records)
    elif numbers:
        batch.last(lambda: numbers.assign(batch.records))
    for position, record in made.items():
        if position in batch.origins and batch.origins[position].at and hasattr(record, "created_at"):
            record.created_at = batch.origins[position].at
    _save_new(model, records)
    batch.tell({r.pk: _told(batch.origins[p]) for p, r in made.items() if p in batch.origins})
    batch.records = records
    batch.positions = {r.pk: p for p, r in made.items()}
    batch.before = dict.fromkeys(batch.ids)
    for lines in shape.lines:
        pairs = [
            (record, row) for record, values in zip(records, rows, strict=True) for row in values[lines.name] or ()
        ]
        _insert_lines(batch, lines, pairs)


def _told(origin: Origin) -> dict[str, str]:
    said = [f"原建档人{origin.by}" if origin.by else "", f"建于 {clock.local(origin.at):%Y-%m-%d}" if origin.at else ""]
    return {"note": "，".join(s for s in said if s)}


def _save_new(model: Any, records: Sequence[Any]) -> None:
    """One statement a table; many records by COPY, column by column, which takes a sixth of the time."""
    if len(records) < copying.FROM:
        model.objects.bulk_create(records)
        return
    fields = [f for f in model._meta.concrete_fields if not f.generated]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, len(records)],
        )
        for record, (pk,) in zip(records, cursor.fetchall(), strict=True):
            record.pk = pk
    with copying.copying(table, [f.column for f in fields]) as copy:
        for row in zip(*(_prepared(f, records) for f in fields), strict=True):
            copy.write_row(row)
    for record in records:
        record._state.adding, record._state.db = False, connection.alias


# Columns whose values the driver takes as they are: asking Django for each value takes longer than writing it.
_AS_THEY_ARE = frozenset({
    models.BigAutoField, models.BigIntegerField, models.BooleanField, models.CharField, models.DateField,
    models.DateTimeField, models.DecimalField, models.ForeignKey, models.IntegerField, models.SmallIntegerField,
    models.TextField, models.UUIDField,
})  # fmt: skip


def _prepared(field: Any, records: Sequence[Any]) -> list[Any]:
    """The values of one column as the driver takes them."""
    if type(field) in _AS_THEY_ARE and not (getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)):
        return list(map(attrgetter(field.attname), records))
    if isinstance(field, PersonalText):
        return [field.get_prep_value(getattr(record, field.attname)) for record in records]
    return [field.get_db_prep_save(field.pre_save(record, True), connection) for record in records]


def _derived(batch: NewBatch[Any], model: Any, shape: Shape) -> dict[int, Any]:
    """The records the rows would become, by position; what the model itself refuses is out. Nothing is written."""
    build = _building(model, shape.fields, batch)
    made = {p: build(row) for p, row in batch.rows.items()}
    positions = list(made)
    problems = {positions[i]: refusal for i, refusal in model.derive(list(made.values()), batch).items()}
    batch.refuse(problems)
    return {p: record for p, record in made.items() if p not in problems}


def update(batch: Batch[Any], shape: Shape, changes: Changes) -> None:
    """Write the changed fields and lines of each record. Nothing changed: nothing is written."""
    named = {name for row in changes.values() for name in row}
    fields = [f for f in shape.fields if f.name in named]
    attributes = [f.attname for f in type(batch.records[0])._meta.concrete_fields]
    before = {r.pk: {a: getattr(r, a) for a in attributes} for r in batch.records}
    for field in fields:
        attribute = "" if field.personal else _attribute(type(batch.records[0]), field)
        empty = None if field.personal else _empty(type(batch.records[0]), field)
        for record in batch.records if attribute else ():
            if field.name in changes[record.pk]:
                value = changes[record.pk][field.name]
                setattr(record, attribute, empty if value is None else value)
    order = list(batch.records)
    problems = type(order[0]).derive(order, batch)
    batch.refuse({order[i].pk: refusal for i, refusal in problems.items()})
    _seal(batch.records, fields, [changes[r.pk] for r in batch.records])
    touched = _collect(batch, before)
    for lines in shape.lines:
        touched |= _change_lines(batch, lines, {i: c[lines.name] for i, c in changes.items() if lines.name in c})
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


def _empty(model: Any, field: Field) -> Any:
    """What an emptied field holds: nothing, or where the column must hold something, its default."""
    column = model._meta.get_field(field.path)
    return None if column.null else column.get_default()


def _building(model: Any, fields: Iterable[Field], batch: Batch[Any]) -> Callable[[Mapping[str, Any]], Any]:
    """What makes an unsaved record of a row: its plain fields; personal ones are sealed later.

    It is what `model(**values)` makes, without going through all columns for each record.
    """
    columns = [(f.name, _attribute(model, f)) for f in fields if not f.personal]
    own = model._meta.concrete_fields
    # A day is the same for all of them; only what must differ (a uuid) is asked for each.
    differs = [f for f in own if f.has_default() and callable(f.default) and not isinstance(f, models.DateField)]
    each = [(f.attname, f.get_default) for f in differs]
    same = {f.attname: f.get_default() for f in own}
    same |= {f.attname: batch.now for f in own if f.name in ("created_at", "updated_at")}

    def build(row: Mapping[str, Any]) -> Any:
        record = model.__new__(model)
        values = same | {attribute: default() for attribute, default in each}
        values |= {attribute: value for name, attribute in columns if (value := row.get(name)) is not None}
        record.__dict__.update(values, _state=ModelState())
        return record

    return build


def _seal(
    records: Sequence[Any], fields: Iterable[Field], rows: Sequence[Mapping[str, Any]], *, new: bool = False
) -> None:
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
                if new and not text:
                    continue  # nothing that was there could be found either
                entries += [(record.subject, field.path, text), (record.subject, f"{field.path}:last4", text[-4:])]
    index_many(entries, fresh=new)


def _insert_lines(batch: Batch[Any], lines: Lines, pairs: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    if not pairs:
        return
    fk = lines.model._meta.get_field(lines.fk).attname
    made, build = [], _building(lines.model, lines.fields, batch)
    for record, row in pairs:
        line = build(row)
        setattr(line, fk, record.pk)
        made.append(line)
    lines.model.derive(made, batch)
    _seal(made, lines.fields, [row for _, row in pairs], new=True)
    _save_new(lines.model, made)


def _change_lines(batch: Batch[Any], lines: Lines, rows: Mapping[int, Sequence[dict[str, Any]]]) -> set[int]:
    """Add, change and delete the lines of these records; returns the records whose lines changed."""
    wanted = {r.pk: r for r in batch.records if r.pk in rows}
    if not wanted:
        return set()
    fk = lines.model._meta.get_field(lines.fk).attname
    present: dict[int, dict[int, Any]] = {i: {} for i in wanted}
    for line in lines.model.objects.filter(**{f"{lines.fk}__in": wanted}).order_by("id"):
        present[getattr(line, fk)][line.pk] = line
    batch.refuse({i: r for i in wanted if (r := _unfit_lines(lines, present[i], rows[i]))})
    kept = {i: record for i, record in wanted.items() if i not in batch.refused}
    gone = {row["id"] for i in kept for row in rows[i] if row.get("id") and row.get("delete")}
    if gone:
        lines.model.objects.filter(pk__in=gone).delete()
    changed = [
        (present[i][row["id"]], row)
        for i in kept for row in rows[i] if row.get("id") and row["id"] not in gone and len(row) > 1
    ]  # fmt: skip
    _update_lines(batch, lines, changed)
    empty = {f.name: f.default for f in lines.fields}
    new = [(kept[i], empty | row) for i in kept for row in rows[i] if not row.get("id") and not row.get("delete")]
    _insert_lines(batch, lines, new)
    owners = {i for i in kept for row in rows[i] if row.get("id") in gone}
    return owners | {getattr(line, fk) for line, _ in changed} | {record.pk for record, _ in new}


def _unfit_lines(lines: Lines, present: Mapping[int, Any], rows: Sequence[Mapping[str, Any]]) -> Refusal | None:
    given = {row["id"] for row in rows if row.get("id")}
    if unknown := given - present.keys():
        return Refusal(f"「{lines.label}」里有 {len(unknown)} 行已被别人删掉，刷新再改。", lines.name, "stale")
    if any(getattr(present[i], "erased_at", None) for i in given):
        return Refusal(f"「{lines.label}」里有已清除个人信息的行，不能再改。", lines.name, "erased")
    gone = sum(1 for row in rows if row.get("id") and row.get("delete"))
    new = sum(1 for row in rows if not row.get("id") and not row.get("delete"))
    if len(present) - gone + new < lines.min:
        return Refusal(f"「{lines.label}」至少要留 {lines.min} 行。", lines.name)
    return None


def _update_lines(batch: Batch[Any], lines: Lines, pairs: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    if not pairs:
        return
    columns = [f for f in lines.model._meta.concrete_fields if not f.primary_key]
    changed = [line for line, _ in pairs]
    before = [[getattr(line, f.attname) for line in changed] for f in columns]
    for line, row in pairs:
        for field in lines.fields:
            if field.name in row and not field.personal:
                value = row[field.name]
                empty = value is None
                setattr(line, _attribute(lines.model, field), _empty(lines.model, field) if empty else value)
    _seal(changed, lines.fields, [row for _, row in pairs])
    lines.model.derive(changed, batch)
    now = [[getattr(line, f.attname) for line in changed] for f in columns]
    copying.update(changed, [f.name for f, a, b in zip(columns, before, now, strict=True) if a != b])


def _conflicts(batch: Batch[Any], shape: Shape, changes: Changes) -> dict[int, Refusal]:
    """Of the records that have moved on since the caller looked: those where somebody changed the same fields."""
    problems = {}
    for record in batch.records:
        seen = batch.versions.get(record.pk)
        if seen is None or seen == record.version:
            continue
        clashes = _clashes(record, seen, shape, changes[record.pk])
        if clashes:
            names = "、".join(f"「{c['label']}」" for c in clashes)
            problems[record.pk] = Refusal(
                f"{names}刚被别人改过，选一个再保存。", clashes[0]["name"], "conflict", clashes
            )
    return problems


def _clashes(record: Any, seen: int, shape: Shape, changes: Mapping[str, Any]) -> list[dict[str, Any]]:
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
