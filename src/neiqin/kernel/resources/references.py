"""References in what a person gave: what they point to must be there for her."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.resources.resource import site

Given = Mapping[int, Mapping[str, Any]]


def unseen(
    shape: Shape, rows: Given, by: Any, known: Mapping[str, Collection[int]] | None = None
) -> dict[int, Refusal]:
    """Rows (by id or position) with a reference to a record that is not there or not this person's to see, also in
    their lines. One query a kind. Persons and units are known to everybody. known: of kinds that everybody sees, the
    ids that are there, if they have been read already."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for _, field, _, value in _references(shape, rows):
        wanted[field.ref].add(value)
    there = dict(known or {})
    for ref, ids in wanted.items():
        if ref in there:
            continue
        model = site().resources[ref].model
        rows_ = model.objects.filter(pk__in=ids)
        seen = rows_ if ref.startswith("people.") else rows_.filter(model.visible_to(by))
        there[ref] = set(seen.values_list("pk", flat=True))
    problems: dict[int, Refusal] = {}
    for key, field, path, value in _references(shape, rows):
        if value not in there[field.ref]:
            where = f"第 {int(path.split('-')[1]) + 1} 行的" if "-" in path else ""
            problems.setdefault(key, Refusal(f"「{where}{field.label}」不存在，或不在你能看到的范围里，重新选。", path))
    return problems


def _references(shape: Shape, rows: Given) -> Iterator[tuple[int, Field, str, int]]:
    """(key, field, path as in problems, id)."""
    own = [f for f in shape.fields if f.kind in REFERENCE_KINDS]
    lines = [(line, [f for f in line.fields if f.kind in REFERENCE_KINDS]) for line in shape.lines]
    for key, row in rows.items():
        for field in own:
            if row.get(field.name):
                yield key, field, field.name, row[field.name]
        for line, fields in lines:
            for n, one in enumerate(row.get(line.name) or () if fields else ()):
                for field in fields:
                    if one.get(field.name) and not one.get("delete"):
                        yield key, field, f"{line.name}-{n}-{field.name}", one[field.name]
