"""Names in a file become references: a person by name or staff number, a unit by name or code; never by chance."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.resources.resource import site


class References:
    """What texts mean, remembered for one import. `resolve` first all texts of a part, then ask for each."""

    def __init__(self, person: Any) -> None:
        self._person = person
        self._known: dict[tuple[str, str], list[int]] = {}

    def resolve(self, wanted: Iterable[tuple[Field, str]]) -> None:
        """Look up (field, text) pairs that are new: one query a kind of record."""
        texts: dict[tuple[str, str], set[str]] = {}
        for field, text in wanted:
            if field.kind in REFERENCE_KINDS and (field.ref, text) not in self._known:
                texts.setdefault((field.ref, field.kind), set()).update({text, _whole(text)})
        for (ref, kind), asked in texts.items():
            self._known |= {(ref, text): [] for text in asked}
            for text, record in _found(ref, asked, self._person if kind == "ref" else None):
                self._known[ref, text].append(record)

    def id_of(self, field: Field, text: str) -> int:
        """The record a text means. Raises LookupError with a Chinese sentence if none or several."""
        found = self._known.get((field.ref, text), []) or self._known.get((field.ref, _whole(text)), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise LookupError(f"「{field.label}」有 {len(found)} 个叫「{text}」，写编号（工号）区分。")
        raise LookupError(f"「{field.label}」里没有「{text}」，改成系统里的名称。")


def _found(ref: str, texts: set[str], person: Any) -> Iterable[tuple[str, int]]:
    """(text, id) of records so called. person: only what he sees (the names of colleagues and units are no secret)."""
    resource: Any = site().resources.get(ref)
    if resource is None:
        return
    columns = [c for c in (resource.title, resource.number or _code(resource.fields)) if c]
    condition = Q()
    for column in columns:
        condition |= Q(**{f"{column}__in": texts})
    if person is not None:
        condition &= resource.model.visible_to(person)
    rows = resource.model.objects.filter(condition).values_list("pk", *columns)
    for pk, *names in rows:
        for text in {n for n in names if n in texts}:
            yield text, pk


def _whole(text: str) -> str:
    """17850.0 is how programs write the number 17850 that was a column of figures with gaps."""
    return text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text


def _code(fields: Iterable[Field]) -> str:
    return next((f.path for f in fields if f.kind == "code"), "")


def rows_resolved(
    references: References, fields: Mapping[str, Field], row: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A row with its names replaced by ids, and what was wrong by field name."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, text in row.items():
        found = fields.get(name)
        if found is None or found.kind not in REFERENCE_KINDS:
            values[name] = text
            continue
        try:
            values[name] = references.id_of(found, text)
        except LookupError as error:
            problems[name] = str(error)
    return values, problems
