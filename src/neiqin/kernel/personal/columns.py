"""Personal columns of a model: stored sealed, held sealed, opened only by asking."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import models

from neiqin.kernel.personal.keys import OVERHEAD, Erased, load_keys

HIDDEN = "••••"
UTF8_MOST = 4


class Sealed:
    """What an instance holds in a personal column. Printing it, formatting it or putting it into a page shows dots."""

    __slots__ = ("stored",)

    def __init__(self, stored: bytes = b"") -> None:
        self.stored = bytes(stored)

    def __str__(self) -> str:
        return HIDDEN if self.stored else ""

    def __repr__(self) -> str:
        return f"<Sealed {len(self.stored)} bytes>"

    def __bool__(self) -> bool:
        return bool(self.stored)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self.stored == other.stored

    def __hash__(self) -> int:
        return hash(self.stored)


EMPTY = Sealed()


class PersonalText(models.BinaryField):
    """A text column of personal information: bytea, sealed under the key of the row's `subject`.

    maxlen: characters of the text. kind: the name of the column for ever ("contact.mobile"); it is bound into each
    ciphertext, so it must not change when the Python name does. Empty text is b"", never NULL. It cannot be sorted,
    compared or searched; `keys.index_many` and `keys.find_subjects` find whole values.
    """

    def __init__(self, maxlen: int, kind: str, **options: Any) -> None:
        self.maxlen, self.kind = maxlen, kind
        options.setdefault("default", EMPTY)
        options.setdefault("blank", True)
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, path, _, options = super().deconstruct()
        for implied in ("default", "blank", "max_length"):
            options.pop(implied, None)
        return name, path, (), options | {"maxlen": self.maxlen, "kind": self.kind}

    def from_db_value(self, value: bytes | memoryview | None, *_: object) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def get_default(self) -> Sealed:
        return EMPTY

    def get_prep_value(self, value: Sealed | None) -> bytes | None:
        """Refuses text: a plain value must never reach the database by a forgotten call."""
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError(f"{self.kind} takes what seal_columns or seal_many made, not {type(value).__name__}")
        if len(value.stored) > OVERHEAD + UTF8_MOST * self.maxlen:
            raise ValueError(f"{self.kind} holds at most {self.maxlen} characters")
        return value.stored

    def get_lookup(self, lookup_name: str) -> Any:
        """Only presence can be asked of ciphertext."""
        return super().get_lookup(lookup_name) if lookup_name in ("isnull", "exact") else None

    def formfield(self, **_: Any) -> None:
        return None


def subject_field() -> models.UUIDField:
    """The column `subject` of a model with personal columns: which person's key seals this row."""
    return models.UUIDField(default=uuid4, editable=False)


class OfPerson(models.Model):
    """A row about one natural person: its personal columns are sealed under the key of `subject`. erased_at: since
    when nothing is left in it; the row stays, so that what names it keeps a place (PIPL art. 47)."""

    subject = subject_field()
    erased_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True


def seal_columns(rows: Sequence[models.Model], texts: Sequence[Mapping[str, str]]) -> None:
    """Seal texts[i][name] into rows[i].<name> for each personal column named; one query, one more for new subjects.

    The rows are not saved. ValueError: a text longer than its column; Erased: a subject whose key is destroyed.
    """
    keys = load_keys(
        (_subject(row) for row, values in zip(rows, texts, strict=True) if any(values.values())),
        create=True,
        fresh=all(row.pk is None and isinstance(row, OfPerson) for row in rows),  # others may share a subject
    )
    if keys.erased:
        raise Erased(keys.erased)
    columns = {name: _column(rows[0], name) for name in {n for values in texts for n in values}}
    for row, values in zip(rows, texts, strict=True):
        for name, text in values.items():
            column = columns[name]
            if len(text) > column.maxlen:
                raise ValueError(f"{column.kind} holds at most {column.maxlen} characters")
            setattr(row, name, Sealed(keys.seal(_subject(row), column.kind, text) if text else b""))


def open_columns(rows: Sequence[models.Model], names: Sequence[str]) -> list[dict[str, str | None]]:
    """The texts of these personal columns of these rows, in their order, with one query; None where erased.

    Who may see them, and how much, is not asked here: masks and rights are the resource's.
    """
    keys = load_keys(_subject(row) for row in rows)
    return [
        {name: keys.open(_subject(row), _column(row, name).kind, getattr(row, name).stored) for name in names}
        for row in rows
    ]


def _subject(row: models.Model) -> UUID:
    return row.subject  # type: ignore[attr-defined]


def _column(row: models.Model, name: str) -> PersonalText:
    column = row._meta.get_field(name)
    if not isinstance(column, PersonalText):
        raise TypeError(f"{row._meta.label}.{name} is not a personal column")
    return column
