"""Plan: how rows of a file become records of one resource. Every resource that can be created has one by default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from neiqin.kernel.actions.declare import REGISTRY, Action
from neiqin.kernel.exchange.columns import KEY as ROUND_TRIP
from neiqin.kernel.exchange.columns import Target
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources.resource import Resource, site

# Who made the record in the system it comes from, and when: not everything is the importer's doing.
ORIGIN = (Field("_created_by", "原建档人", maxlength=40), Field("_created_at", "原建档日期", "date"))


@dataclass(frozen=True)
class Key:
    """What finds the record that a row means. path: the field; column: the ORM column it is compared with; same: how a
    value looks in that column; within: a reference field beside it, where the value is unique only under the same."""

    path: str
    column: str = ""
    same: Callable[[str], str] = str
    within: str = ""


class Unfit(Exception):
    """A row of lines that cannot be worked out: the field and a sentence for people."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


@dataclass(frozen=True)
class Working:
    """What a file may say of a line instead of what the form asks for (an amount instead of a price). fields: its
    further columns; out: the texts of a row -> those of the form's fields, without the further ones. Raises Unfit."""

    fields: tuple[Field, ...]
    out: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Plan:
    """keys: tried in order; synonyms: target path -> further headers; line_keys: line name -> the fields that tell one
    line of a record from another; pool: the action that makes what goes into the pool, if there is one; workings: line
    name -> what a file may say of its lines beside the form's fields; given: what new records have where the file does
    not say otherwise."""

    resource: Resource
    keys: tuple[Key, ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    line_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pool: Action | None = None
    workings: Mapping[str, Working] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def create(self) -> Action:
        if self.resource.create is None:
            raise LookupError(f"{self.resource.key} is not created by people")
        return self.resource.create

    def creating(self, mode: str) -> Action:
        """The action that makes new records in an import of this mode."""
        return self.pool if mode == "pool" and self.pool else self.create

    @property
    def change(self) -> Action | None:
        """To each record its own changes; None where records are not edited."""
        return REGISTRY.get(f"{self.resource.key}.edit_rows")

    @cached_property
    def shape(self) -> Shape:
        """What a row may bring: the form's fields, then those that only find the record."""
        return self.create.shape

    @cached_property
    def finders(self) -> tuple[Field, ...]:
        """Key fields that are no part of the form (a number that the system gives)."""
        known = {f.name: f for f in self.resource.fields}
        paths = [k.path for k in self.keys if self.shape.field(k.path) is None]
        return tuple(known[p] for p in paths if p in known)

    def field(self, path: str) -> Field | None:
        """The field of a target path: `name`, or `contacts.mobile`."""
        line, _, name = path.rpartition(".")
        if line:
            lines = next((x for x in self.shape.lines if x.name == line), None)
            return next((f for f in self.line_fields(lines) if f.name == name), None) if lines else None
        return self.shape.field(name) or next((f for f in (*self.finders, *ORIGIN) if f.name == name), None)

    def line_fields(self, lines: Lines) -> tuple[Field, ...]:
        """The fields a file may bring for these lines."""
        working = self.workings.get(lines.name)
        return (*lines.fields, *working.fields) if working else lines.fields

    def targets(self, person: Any) -> list[Target]:
        """What a column may become, for this person."""
        found = [self._target(f, f.name, f.label) for f in (*self.finders, *self.shape.fields) if person.may(f.right)]
        for lines in self.shape.lines:
            found += [
                self._target(f, f"{lines.name}.{f.name}", _line_label(lines, f), line=lines)
                for f in self.line_fields(lines) if f.form and person.may(f.right)
            ]  # fmt: skip
        found += [self._target(f, f.name, f.label) for f in ORIGIN] if self.keeps_origin else []
        return [*found, Target(ROUND_TRIP, ROUND_TRIP, (), required=False, kind="code")]

    def _target(self, f: Field, path: str, label: str, *, line: Lines | None = None) -> Target:
        found = {k.path for k in self.keys[:1] if self.shape.field(k.path) is None} | self.given.keys()
        required = f.required and path not in found
        needed = required if line is None else required and line.min > 0
        return Target(path, label, self.synonyms.get(path, ()), required=needed, kind=f.kind)

    @property
    def keeps_origin(self) -> bool:
        """Whether its records have a date of their own making."""
        return any(f.name == "created_at" for f in self.resource.model._meta.concrete_fields)

    def choices(self, path: str) -> list[str]:
        """The labels a column may hold, for the drop-downs of the template."""
        found = self.field(path)
        return [c.label for c in found.choices] if found else []


def _line_label(lines: Lines, f: Field) -> str:
    return f.label if f.label.startswith(lines.label[:2]) else f"{lines.label}{f.label}"


_plans: dict[str, Plan] = {}


def plan_of(resource: Resource) -> Plan:
    """The plan the modules' manifests bring for a resource, or the ordinary one: by number, then by title."""
    if not _plans:
        _plans.update({plan.resource.key: plan for module in site().modules for plan in module.imports})
    if resource.key not in _plans:
        names = [resource.number, resource.title]
        known = {f.name for f in resource.fields}
        _plans[resource.key] = Plan(resource, tuple(Key(n) for n in names if n in known))
    return _plans[resource.key]


def importable(person: Any) -> list[Resource]:
    """The resources this person may import into."""
    return [
        r for r in site().resources.values()
        if r.create is not None and r.section and person.may(r.view_permission) and person.may(r.create.may)
    ]  # fmt: skip
