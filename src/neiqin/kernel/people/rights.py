"""The matrix: which role may do what on which rows, changed as one action; and what a person may do, in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.people import lending
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.checks import RIGHTS, keep_a_holder
from neiqin.kernel.people.models import Appointment, Delegation, Grant, PositionRole, Role, WorksFor
from neiqin.kernel.people.ownership import OwnedRecord
from neiqin.kernel.resources.resource import site

EVERYTHING = "all"
SCOPES = tuple((s.value, s.label) for s in Grant.Scope)
CELL = re.compile(r"(?P<permission>[a-z_]+\.[a-z_]+):(?P<role>\d{1,18})=(?P<scope>[a-z]*)")


def label_of(permission: str) -> str:
    """A permission in words; one whose module is gone stands as it is."""
    return next((labels[permission] for _, labels in site().permissions if permission in labels), permission)


def scoped(permission: str) -> bool:
    """Does the permission hold on some rows and not on others? Only where records belong to persons."""
    app = permission.split(".")[0]
    return any(issubclass(r.model, OwnedRecord) for r in site().resources.values() if r.key.split(".")[0] == app)


class Delegable(tuple[Choice, ...]):
    """All rights, those of one module, or a single one. Looked up late: the manifests are read after this module."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Choice]:
        yield Choice(EVERYTHING, "全部权限")
        for module, labels in site().permissions:
            yield Choice(next(iter(labels)).split(".")[0] + ".*", f"{module}：全部")
            for permission, label in labels.items():
                yield Choice(permission, f"{module}：{label}")

    def __hash__(self) -> int:
        return id(type(self))

    def __eq__(self, other: object) -> bool:
        return self is other


DELEGABLE = Delegable()
GRANT = (
    Field("permission", "权限", "choice", choices=DELEGABLE),
    Field("scope", "范围", "choice", choices=tuple(Choice(s, label) for s, label in SCOPES)),
)


def meant_by(what: str) -> list[str]:
    """The permissions behind a choice of DELEGABLE."""
    known = [p for _, labels in site().permissions for p in labels]
    return [p for p in known if what in (EVERYTHING, p) or (what.endswith(".*") and p.startswith(what[:-1]))]


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: the scope that a role has for a permission; "" is none."""

    permission: str
    role: int
    scope: str

    def __str__(self) -> str:
        return f"{self.permission}:{self.role}={self.scope}"


def cells_of(lines: Iterable[str]) -> list[Cell]:
    """The cells written as `customers.view:3=own`; what is no cell of this system's matrix is left out."""
    known, scopes = set(meant_by(EVERYTHING)), {s for s, _ in SCOPES} | {""}
    found = [m for line in lines if (m := CELL.fullmatch(line.strip()))]
    return [
        Cell(m["permission"], int(m["role"]), m["scope"])
        for m in found
        if m["permission"] in known and m["scope"] in scopes
    ]


def grants() -> dict[tuple[str, int], str]:
    """(permission, role) -> scope, as it is now."""
    return {(p, r): s for p, r, s in Grant.objects.values_list("permission", "role_id", "scope")}


@action(Role, "改权限", may=RIGHTS, event="grants_set", icon="shield-lock", button=False, bulk=False)
def set_grants(
    roles: Batch[Role],
    *,
    cells: Annotated[str, Field("cells", "改动", "long", required=True, maxlength=200_000)],
) -> None:
    """Set cells of the matrix, one a line, as in `customers.view:3=own`; the rest stays. What changed goes on record in
    words. Nobody can take the right over rights from its last holder."""
    present, changed = grants(), defaultdict[int, list[Cell]](list)
    for cell in cells_of(cells.splitlines()):
        scope = cell.scope if scoped(cell.permission) or not cell.scope else Grant.Scope.ALL.value
        if present.get((cell.permission, cell.role), "") != scope:
            changed[cell.role].append(Cell(cell.permission, cell.role, scope))
    roles.refuse({r.pk: Refusal("和现在一样，没有要改的。", code="same") for r in roles if not changed[r.pk]})
    wanted = [cell for role in roles.ids for cell in changed[role]]
    for cell in wanted:
        row = Grant.objects.filter(role_id=cell.role, permission=cell.permission)
        if not cell.scope:
            row.delete()
        elif not row.update(scope=cell.scope):
            Grant.objects.create(role_id=cell.role, permission=cell.permission, scope=cell.scope)
    roles.tell({role: {"note": _in_words(changed[role], present)} for role in roles.ids})
    keep_a_holder(roles)


def _in_words(cells: Iterable[Cell], before: Mapping[tuple[str, int], str]) -> str:
    names = {"": "没有"} | dict(SCOPES)
    parts = []
    for cell in cells:
        was = before.get((cell.permission, cell.role), "")
        if scoped(cell.permission):
            parts.append(f"{label_of(cell.permission)} {names[was]} → {names[cell.scope]}")
        else:
            parts.append(f"{label_of(cell.permission)} {'有' if was else '没有'} → {'有' if cell.scope else '没有'}")
    return "，".join(parts)


def explain(person_id: int) -> list[tuple[str, str, str]]:
    """What somebody may do today: (permission in words, on which rows, through what), in the order of the matrix."""
    today = clock.today()
    held = _held([person_id], today)
    found = [
        (p, _rows(p, s, unit, person_id), f"岗位「{position}」，角色「{role}」")
        for p, s, unit, position, role in held[person_id]
    ]
    given = Delegation.objects.filter(in_force(today), taker_id=person_id, giver__left_on=None).select_related("giver")
    theirs = _held([d.giver_id for d in given], today)
    for d in given:
        for permission, scope, unit, _, _ in theirs[d.giver_id]:
            if not d.permissions or permission in d.permissions:
                through = f"{d.giver.name}委托，到 {d.until_on:%m-%d} 止" + (f"（{d.reason}）" if d.reason else "")
                found.append((permission, _rows(permission, scope, unit, d.giver_id, d.giver.name), through))
    for _, loan in lending.in_force(today, person_id):
        found += [(p, "只在借去做的事上", f"借调：{loan.words}，到 {loan.until_on:%m-%d}") for p in loan.permissions]
    order = {p: n for n, p in enumerate(meant_by(EVERYTHING))}
    rows = sorted(set(found), key=lambda row: (order.get(row[0], len(order)), row[2]))
    return [(label_of(p), where, through) for p, where, through in rows]


def _held(people: list[int], day: Any) -> dict[int, list[tuple[str, str, str, str, str]]]:
    """person -> (permission, scope, unit name, position name, role name) by the own appointments."""
    rows = Appointment.objects.filter(in_force(day), person_id__in=people)
    places = list(rows.values_list("person_id", "position_id", "position__name", "unit__name"))
    roles = defaultdict(list)
    carried = PositionRole.objects.filter(position_id__in={p[1] for p in places})
    for position, role, name in carried.values_list("position_id", "role_id", "role__name"):
        roles[position].append((role, name))
    by_role = defaultdict(list)
    for role, permission, scope in Grant.objects.values_list("role_id", "permission", "scope"):
        by_role[role].append((permission, scope))
    held: dict[int, list[tuple[str, str, str, str, str]]] = defaultdict(list)
    for person, position, title, unit in places:
        held[person] += [(p, s, unit, title, name) for role, name in roles[position] for p, s in by_role[role]]
    return held


def _rows(permission: str, scope: str, unit: str, person_id: int, whose: str = "") -> str:
    """The rows of a grant in words."""
    if not scoped(permission):
        return "不分范围"
    if scope == Grant.Scope.ALL:
        return "全部"
    helped = WorksFor.objects.filter(in_force(clock.today()), assistant_id=person_id).values_list(
        "person__name", flat=True
    )
    own = (f"{whose}的" if whose else "本人的") + (f"，和协助的{'、'.join(helped)}的" if helped else "")
    if scope == Grant.Scope.OWN:
        return own
    return f"{unit}{'和下级部门' if scope == Grant.Scope.BELOW else ''}，{own}"
