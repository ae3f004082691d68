"""Resource: the declaration of a model's screens and API, and the registry of what the modules bring."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from neiqin.kernel.actions import effects
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources import finding


@dataclass(frozen=True)
class Related:
    """Records of another resource that point here: shown as a tab of the record page."""

    label: str
    resource: str
    fk: str
    fields: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Resource:
    """One kind of record on screens and in the API.

    fields: all that can be shown, in order; shape: what a form takes; fast_sorts: at most three columns indexed under
    owner, unit and alone; found: ORM paths of what typed words find, in lines too (default: title and number);
    same_name: what of a title is compared to find records of nearly the same name (None: they are not looked for);
    also_named: ORM paths in lines of further names by which such records are found (former names);
    hand_over: the action that gives records to `to` with a `note`; areas: columns by which what a person has can be
    shared out (a province, a town);
    title: the column that names a record; number: the column shown above it; reveals: the action that shows personal
    values in full; notes: record and person -> notes on its page; opening: the same, asked
    when a record is opened, a sentence refuses it; kept: lines that are shown and told in history but
    which only actions change, never the form.
    """

    model: Any
    label: str
    noun: str = "条"
    icon: str = "file-text"
    fields: tuple[Field, ...] = ()
    shape: Shape = field(default_factory=lambda: Shape(()))
    fast_sorts: tuple[str, ...] = ("-id",)
    found: tuple[str, ...] = ()
    same_name: Callable[[str], str] | None = None
    also_named: tuple[str, ...] = ()
    title: str = "name"
    number: str = ""
    create: Action | None = None
    edit: Action | None = None
    actions: tuple[Action, ...] = ()
    reveals: Action | None = None
    hand_over: Action | None = None
    areas: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    notes: Callable[[Any, Any], Sequence[Any]] | None = None
    opening: Callable[[Any, Any], str] | None = None
    kept: tuple[Lines, ...] = ()
    figure: str = ""  # the field that stands large at the head of a record's page
    steps: Callable[[Any], Sequence[Any]] | None = None  # record -> its way as (label, small, status) on its page
    page: Callable[..., Any] | None = None  # shows one record instead of the ordinary page: (request, resource, id)
    slug: str = ""
    section: str = ""  # the menu section; empty: not in the menu
    phone: bool = False
    tucked: bool = False  # not in the menu but on the page of settings
    confidential: bool = False  # its lists leave the house only for a stated business purpose
    new_key: str = ""

    def __post_init__(self) -> None:
        if not self.found:
            object.__setattr__(self, "found", tuple(filter(None, (self.title, self.number))))

    @cached_property
    def key(self) -> str:
        return self.model._meta.label_lower

    @cached_property
    def kind(self) -> str:
        """The key of the resource whose records these are: another's for a proxy, which shows some of them in its own
        light."""
        return str(self.model._meta.concrete_model._meta.label_lower)

    @cached_property
    def url(self) -> str:
        return f"/{self.key.replace('.', '/')}/"

    @cached_property
    def api_name(self) -> str:
        return self.slug or f"{self.model._meta.model_name}s"

    @cached_property
    def guarded(self) -> bool:
        """Whether its records hold more personal data than names."""
        own, lines = self.fields, (f for line in self.all_lines for f in line.fields)
        return any(f.hidden for f in (*own, *lines))

    @property
    def view_permission(self) -> str:
        return self.model.view_permission()

    def url_of(self, record_id: int) -> str:
        return f"{self.url}{record_id}/"

    def fields_for(self, person: Any) -> dict[str, Field]:
        """The fields that exist for this person, by name."""
        return {f.name: f for f in self.fields if person.may(f.right)}

    def shape_for(self, person: Any, action: Action | None = None) -> Shape:
        """What this person may fill in; with an action, what that action takes (an edit may take less)."""
        shape = action.shape if action else self.shape
        return Shape(tuple(f for f in shape.fields if person.may(f.right)), seen_by(person, shape.lines))

    def lines_for(self, person: Any) -> tuple[Lines, ...]:
        """The lines that exist for this person, each with the fields that do."""
        return seen_by(person, self.all_lines)

    @property
    def all_lines(self) -> tuple[Lines, ...]:
        """The lines of the form and those that only actions change."""
        return (*self.shape.lines, *self.kept)

    def line(self, name: str) -> Lines | None:
        return next((line for line in self.shape.lines if line.name == name), None)


def seen_by(person: Any, lines: Sequence[Lines]) -> tuple[Lines, ...]:
    """Those of these lines that exist for this person."""
    return tuple(seen for line in lines if (seen := line.seen_by(person)) is not None)


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu that is not a resource's list. permission: who sees it; renew: an address that gives the
    count as plain text, asked for every minute: the entry is then at the top of the page too."""

    label: str
    url: str
    icon: str
    section: str = ""
    permission: str = ""
    phone: bool = False
    count: Callable[[Any], int] | None = None
    renew: str = ""
    tucked: bool = False  # not in the menu but on the page of settings


@dataclass(frozen=True)
class Todo:
    """Something that waits for this person on the workbench. end: until when, in words; tone: bad when that is over,
    warn when it is today."""

    title: str
    url: str
    meta: str = ""
    icon: str = "checkbox"
    end: str = ""
    tone: str = ""

    @property
    def urgency(self) -> str:
        """overdue, today or later."""
        return {"bad": "overdue", "warn": "today"}.get(self.tone, "later")


class Plug(Protocol):
    """What a room above the resources takes from a manifest."""

    def plug(self) -> None:
        """Make itself known; raises ValueError for a second one of the same name."""


@dataclass(frozen=True)
class Tool:
    """A button over a list: opens a page, or a dialog. rows: one for chosen rows instead, and in a record's menu; its
    address has a query, and the rows come as `id`. one: of these only in a record's menu. states: of a record whose
    menu has it, () for all. primary: on a record it stands beside the menu."""

    label: str
    url: str
    icon: str
    dialog: bool = False
    rows: bool = False
    one: bool = False
    states: Sequence[str] = ()
    primary: bool = False


class Mark(NamedTuple):
    """What stands red beside a record wherever it is listed. label: a word; title: more of it."""

    label: str
    title: str = ""
    tone: str = "bad"


@dataclass(frozen=True)
class Module:
    """The manifest: everything a module plugs into the system.

    effects: event name -> function(Happened); reactions: name -> (event names, function(events));
    verbs: resource key -> actions that a module adds to a lower one's records;
    moved: resource key -> function(record id) -> where the record has gone to, or None;
    panels: resource key -> functions(record, person) -> Panel; permissions: codename -> label;
    marks: resource key -> function(record ids) -> id -> Mark of those that have one, set-wise and for every reader;
    urls: further Django URL patterns; menu: entries beside the resources' lists; home: functions(person) -> things
    to do that the module has for the workbench; hourly, minutely: jobs of the worker; imports: exchange's
    plans for resources that need more than the ordinary one; tools: functions(resource, person, query) -> buttons over
    its list; clocks, rules, figures, forms: what the rooms of these names take from a manifest, each plugged in once;
    plugs: what else is plugged in once; api: dotted names of functions(router,
    resource) that add endpoints to every resource's own; named, so that only the web process loads what an API needs;
    carries: rule of the company's regulations -> address of the screen that carries it out, for a part with what is
    still missing; restored: what is done after a backup was put back. Panels under the key "*" are on every record's
    page.
    """

    label: str
    resources: Sequence[Resource] = ()
    effects: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    reactions: Mapping[str, tuple[Sequence[str], Callable[[Any], None]]] = field(default_factory=dict)
    verbs: Mapping[str, Sequence[Action]] = field(default_factory=dict)
    moved: Mapping[str, Callable[[int], int | None]] = field(default_factory=dict)
    panels: Mapping[str, Sequence[Callable[[Any, Any], Any]]] = field(default_factory=dict)
    marks: Mapping[str, Callable[[Sequence[int]], Mapping[int, Mark]]] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)
    urls: Sequence[Any] = ()
    menu: Sequence[MenuEntry] = ()
    sections: Sequence[str] = ()
    home: Sequence[Callable[[Any], Sequence[Todo]]] = ()
    hourly: Sequence[Callable[[], object]] = ()
    imports: Sequence[Any] = ()
    tools: Sequence[Callable[[Resource, Any, str], Sequence[Tool]]] = ()
    minutely: Sequence[Callable[[], object]] = ()
    clocks: Sequence[Plug] = ()
    rules: Sequence[Plug] = ()
    figures: Sequence[Plug] = ()
    plugs: Sequence[Plug] = ()
    api: Sequence[str] = ()
    forms: Sequence[Plug] = ()
    carries: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    restored: Sequence[Callable[[], object]] = ()


class Carried(NamedTuple):
    """Where a rule is carried out; missing: what is not yet, "" for nothing."""

    url: str
    missing: str = ""


class Site:
    """What all manifests together bring; walked once, in the order of settings.MODULES (lower modules first)."""

    def __init__(self, modules: Sequence[Module]) -> None:
        self.modules = list(modules)
        self.resources: dict[str, Resource] = {r.key: r for m in modules for r in m.resources}
        self.panels: dict[str, list[Any]] = {}
        self.moved = {key: function for m in modules for key, function in m.moved.items()}
        for module in modules:
            for key, verbs in module.verbs.items():
                known = self.resources[key]
                added = tuple(verb for verb in verbs if verb not in known.actions)
                object.__setattr__(known, "actions", (*known.actions, *added))
            for key, panels in module.panels.items():
                self.panels.setdefault(key, []).extend(panels)

    @cached_property
    def permissions(self) -> list[tuple[str, dict[str, str]]]:
        """(module label, codename -> label), for the rights matrix."""
        return [(m.label, dict(m.permissions)) for m in self.modules if m.permissions]

    @cached_property
    def carried(self) -> dict[str, Carried]:
        """Rule -> where it is carried out; the higher module's word for a rule of two."""
        said = [pair for m in self.modules for pair in m.carries.items()]
        return {rule: Carried(where) if isinstance(where, str) else Carried(*where) for rule, where in said}

    def marks(self, kind: str, ids: Sequence[int]) -> dict[int, list[Mark]]:
        """id -> the marks of records of a resource, by all modules; one query a module that has some."""
        found: dict[int, list[Mark]] = {}
        for make in (m.marks[kind] for m in self.modules if kind in m.marks) if ids else ():
            for record, mark in make(ids).items():
                found.setdefault(record, []).append(mark)
        return found

    def names(self, kind: str, ids: Sequence[Any]) -> dict[Any, str]:
        """id -> title of records of a resource (`people.person`), whatever the person may see: a name is no secret."""
        resource = self.resources.get(kind)
        if resource is None or not ids:
            return {}
        return dict(resource.model._base_manager.filter(pk__in=ids).values_list("pk", resource.title))

    def of_table(self, table: str) -> tuple[Resource, Lines | None] | None:
        """The resource (and line) whose rows live in a table."""
        return self._tables.get(table)

    @cached_property
    def _tables(self) -> dict[str, tuple[Resource, Lines | None]]:
        found: dict[str, tuple[Resource, Lines | None]] = {}
        for resource in self.resources.values():
            if resource.kind != resource.key:
                continue
            found[resource.model._meta.db_table] = (resource, None)
            for lines in resource.all_lines:
                found[lines.model._meta.db_table] = (resource, lines)
        return found


_site: Site | None = None


def site() -> Site:
    """The site of settings.MODULES. Effects and reactions are registered at the first call."""
    global _site
    if _site is None:
        modules = [import_string(f"{path}.module") for path in settings.MODULES]
        _site = Site(modules)
        for module in modules:
            for event, effect in module.effects.items():
                effects.on(event, effect)
            for job in module.hourly:
                effects.hourly(job)
            for job in module.minutely:
                effects.minutely(job)
            for plug in (*module.clocks, *module.rules, *module.figures, *module.plugs, *module.forms):
                plug.plug()
            for name, (events, reaction) in module.reactions.items():
                effects.react(name, events, reaction)
        finding.keep(_site.resources.values())
    return _site
