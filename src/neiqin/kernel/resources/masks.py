"""What a value looks like to a person: choices by label, references by name, personal values masked, rights obeyed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from neiqin.kernel import clock
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import Keys, Tampered, load_keys
from neiqin.kernel.resources.resource import Mark, site

HIDDEN = "••••"
ERASED = "已清除"


@dataclass(frozen=True)
class Face:
    """A person or record as a cell shows it."""

    id: int
    name: str
    url: str = ""
    marks: Sequence[Mark] = ()

    @property
    def label(self) -> str:
        return self.name

    @property
    def initial(self) -> str:
        return self.name[-1:] or "?"

    @property
    def hue(self) -> int:
        return self.id % 6 + 1


def paths(fields: Iterable[Field]) -> list[str]:
    """The ORM columns a list of fields needs: references bring the name along, personal ones whose key opens them."""
    found = []
    for field in fields:
        found.append(f"{field.path}_id" if field.kind in REFERENCE_KINDS else field.path)
        if field.kind in REFERENCE_KINDS:
            found.append(f"{field.path}__{_title(field)}")
        elif field.personal:
            found.append("subject")
    return found


def column_of(model: Any, field: Field) -> str:
    """The column of the model's own table that a field is read from; "" for one that comes from another table, or is
    worked out whenever the rows are read."""
    return next((f.column for f in model._meta.concrete_fields if field.path in (f.name, f.attname)), "")


def shown_all(model: Any, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The cell values of rows that were read by `paths`; names that are personal are opened with one query for all, and
    records that are referred to carry their marks."""
    at, places = 0, []
    for field in fields:
        if not field.hidden and field.personal:
            places.append((at, model._meta.get_field(field.path).kind))
        at += 2 if field.personal or field.kind in REFERENCE_KINDS else 1
    opened = [list(row) for row in rows]
    keys = load_keys(row[n + 1] for n, _ in places for row in rows if row[n])
    for n, kind in places:
        for row in opened:
            row[n] = _or_erased(keys.open(row[n + 1], kind, row[n].stored))
    return _marked(fields, [shown(fields, row) for row in opened])


def _marked(fields: Sequence[Field], rows: list[list[Any]]) -> list[list[Any]]:
    """The rows, with the marks of the records they refer to; one query a kind that has some."""
    for n, field in enumerate(fields):
        if field.kind == "ref":
            faces = [row[n] for row in rows if isinstance(row[n], Face)]
            marks = site().marks(field.ref, list({face.id for face in faces}))
            for row in rows if marks else ():
                if isinstance(row[n], Face) and row[n].id in marks:
                    row[n] = replace(row[n], marks=marks[row[n].id])
    return rows


def _or_erased(text: str | None) -> str:
    return ERASED if text is None else text


def shown(fields: Sequence[Field], row: Sequence[Any]) -> list[Any]:
    """The cell values of one row that was read by `paths`; of what is personal dots, or what `shown_all` opened."""
    values, cells = iter(row), []
    for field in fields:
        value = next(values)
        if field.personal:
            next(values)
        if field.kind in REFERENCE_KINDS:
            name = next(values)
            cells.append((field.empty or None) if value is None else Face(value, name or "", _url(field, value)))
        else:
            cells.append(plain(field, value))
    return cells


def plain(field: Field, value: Any) -> Any:
    """A value without references: a choice by its label, a state with tone and ring, personal as dots."""
    if field.personal:
        return value if isinstance(value, str) else HIDDEN if value else ""
    if field.kind == "state":
        choice = field.choice(value)
        return (choice.label, choice.tone, choice.part)
    return field.choice(value).label if field.kind == "choice" and value else value


def text(field: Field | None, value: Any, names: Mapping[Any, str]) -> str:
    """A value from history (JSON) as words, for timelines, previews and the log. Of personal values only what
    `open_names` has opened."""
    if value is None or value == "":
        return field.empty if field else ""
    if field is None:
        return str(value)[:60]
    if field.personal:
        return HIDDEN if str(value).startswith("\\x") else str(value)
    if field.kind in REFERENCE_KINDS:
        return names.get((field.ref, int(value)), str(value))
    return WORDS.get(field.kind, lambda _, v: str(v)[:200])(field, value)


WORDS: dict[str, Callable[[Field, Any], str]] = {
    "bool": lambda _, value: "是" if value else "否",
    "choice": lambda field, value: field.choice(str(value)).label,
    "state": lambda field, value: field.choice(str(value)).label,
    "money": lambda _, value: f"{Decimal(str(value)):,.2f}",
    "quantity": lambda _, value: f"{Decimal(str(value)).normalize():,f}",
    "moment": lambda _, value: clock.local(datetime.fromisoformat(str(value))).strftime("%m-%d %H:%M"),
}


def names_for(fields: Iterable[tuple[Field | None, Any]]) -> dict[Any, str]:
    """(ref, id) -> name for all references among these (field, value) pairs; one query a kind."""
    wanted: dict[str, set[int]] = {}
    for field, value in fields:
        if field is not None and field.kind in REFERENCE_KINDS and value not in (None, ""):
            wanted.setdefault(field.ref, set()).add(int(value))
    return {(ref, i): name for ref, ids in wanted.items() for i, name in site().names(ref, list(ids)).items()}


def open_names(changes: Iterable[Any], *, masked: bool = False) -> None:
    """Open, in row changes from history, the names that are sealed but shown whole; in place, one query a table and one
    for all keys. What was erased is told as that. masked: the others too, as their masks show them."""
    held: list[tuple[dict[str, Any], Field, Any, Any]] = []
    for table, mine in _by_table(changes).items():
        model, fields = _sealed(table, masked=masked)
        if not fields:
            continue
        subjects = dict(model.objects.filter(pk__in={c.row for c in mine}).values_list("pk", "subject"))
        for change in mine:
            for side in (change.before, change.after):
                subject = side.get("subject") or subjects.get(change.row)
                held += [(side, f, c, UUID(str(subject))) for f, c in fields if subject and side.get(c.column)]
    keys = load_keys(subject for *_, subject in held)
    for side, field, column, subject in held:
        if str(side[column.column]).startswith("\\x0"):
            side[column.column] = _read(keys, side[column.column], field, column, subject)


def _read(keys: Keys, stored: str, field: Field, column: Any, subject: UUID) -> str:
    """What stands in a sealed value of history, as its mask shows it."""
    try:
        found = keys.open(subject, column.kind, bytes.fromhex(stored[2:]))
    except Tampered:  # sealed under another person's key: the row has been about somebody else since
        return ""
    return _masked(field, found, full=not field.hidden) if found is not None or subject in keys.erased else stored


def _by_table(changes: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for change in changes:
        found.setdefault(change.table, []).append(change)
    return found


def _sealed(table: str, *, masked: bool) -> tuple[Any, list[tuple[Field, Any]]]:
    """The model of a table, and its personal fields with their columns: those shown whole, or all."""
    known = site().of_table(table)
    if known is None:
        return None, []
    resource, lines = known
    model = lines.model if lines else resource.model
    wanted = [f for f in (lines.fields if lines else resource.fields) if f.personal and (masked or not f.hidden)]
    return model, [(f, model._meta.get_field(f.path)) for f in wanted]


def opened(rows: Sequence[Any], fields: Sequence[Field], *, full: bool) -> list[dict[str, str]]:
    """The personal values of these rows by field name: masked, or in full for who has just been allowed to see them."""
    personal = [f for f in fields if f.personal]
    if not personal or not rows:
        return [{} for _ in rows]
    texts = open_columns(rows, [f.path for f in personal])
    found = [{f.name: _masked(f, values[f.path], full=full) for f in personal} for values in texts]
    for row, values in zip(rows, found, strict=True):
        if getattr(row, "erased_at", None):
            values[personal[0].name] = ERASED
    return found


def _masked(field: Field, value: str | None, *, full: bool) -> str:
    if value is None:
        return ERASED
    if not value or full:
        return value
    return field.mask(value) if field.mask else HIDDEN


def _title(field: Field) -> str:
    resource = site().resources.get(field.ref)
    return resource.title if resource else "name"


def _url(field: Field, value: int) -> str:
    resource = site().resources.get(field.ref)
    return resource.url_of(value) if resource and field.kind == "ref" else ""
