"""Building the acting person from appointments, roles, helpers, delegations, loans; kept per process until they change.

The cache is checked against people_access.epoch, which a trigger raises with every change of the tables below, and
against the day, since appointments, delegations and loans begin and end by date.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from django.db import connection
from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.people import lending, safety
from neiqin.kernel.people.models import Appointment, Delegation, Grant, Person, PositionRole, Unit, WorksFor
from neiqin.kernel.people.scope import Actor, Scope

_cache: dict[int, tuple[tuple[int, date, str], Actor]] = {}  # with the mark under which the actor was built
MOST_CACHED = 5000


def actor_of(person_id: int, *, epoch: int | None = None) -> Actor:
    """The person as an actor with all present rights. Raises Person.DoesNotExist.

    epoch: the present people_access.epoch if the caller has just read it; else it is read.
    """
    mark = (_epoch() if epoch is None else epoch, clock.today(), connection.settings_dict["NAME"])
    found = _cache.get(person_id)
    if found is None or found[0] != mark:
        if len(_cache) > MOST_CACHED:
            _cache.clear()
        # Under the mark read before: other threads may clear the cache or raise the epoch meanwhile.
        found = _cache[person_id] = (mark, _build(person_id, mark[1]))
    return found[1]


def _epoch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch FROM people_access LIMIT 1")
        found = cursor.fetchone()
        return found[0] if found else 0


def in_force(day: date) -> Q:
    """Rows with from_on <= day < until_on."""
    return Q(from_on__lte=day) & (Q(until_on=None) | Q(until_on__gt=day))


def _build(person_id: int, day: date) -> Actor:
    person = Person.objects.select_related("unit", "position").get(pk=person_id)
    own = own_scopes(person_id, day)
    scopes, delegated = dict(own), {}
    for given in Delegation.objects.filter(in_force(day), taker_id=person_id, giver__left_on=None):
        for permission, scope in own_scopes(given.giver_id, day).items():
            if not given.permissions or permission in given.permissions:
                if permission not in own:
                    delegated[permission] = given.giver_id
                scopes[permission] = scopes.get(permission, Scope()) | scope
    for permission, scope in lending.lent_to(person_id, day, own_scopes).items():
        scopes[permission] = scopes.get(permission, Scope()) | scope
    return Actor(
        person.pk, person.name, person.staff_no, person.position.name, person.unit.name, person.unit_id,
        scopes, delegated, person.theme, person.density, limits=safety.limits_of(person_id, day),
    )  # fmt: skip


def own_scopes(person_id: int, day: date) -> dict[str, Scope]:
    """Permission -> scope from the person's own appointments, without what others delegated to him."""
    appointments = list(
        Appointment.objects.filter(in_force(day), person_id=person_id).values_list("position_id", "unit_id")
    )
    helped = WorksFor.objects.filter(in_force(day), assistant_id=person_id).values_list("person_id", flat=True)
    own = frozenset({person_id, *helped})
    grants = _grants(position for position, _ in appointments)
    tree = units_below()
    scopes: dict[str, Scope] = {}
    for position, unit in appointments:
        for permission, kind in grants[position]:
            scopes[permission] = scopes.get(permission, Scope()) | scope_of(kind, own, unit, tree)
    return scopes


def _grants(positions: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = PositionRole.objects.filter(position_id__in=list(positions)).values_list("position_id", "role_id")
    by_role: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for role, permission, scope in Grant.objects.filter(role_id__in=[r for _, r in rows]).values_list(
        "role_id", "permission", "scope"
    ):
        by_role[role].append((permission, scope))
    for position, role in rows:
        found[position] += by_role[role]
    return found


def scope_of(kind: str, own: frozenset[int], unit: int, tree: dict[int, frozenset[int]]) -> Scope:
    """The rows a grant of this kind gives somebody in this unit; his own and those he works for are always in."""
    if kind == Grant.Scope.ALL:
        return Scope(everything=True)
    units = {Grant.Scope.UNIT: frozenset({unit}), Grant.Scope.BELOW: tree.get(unit, frozenset({unit}))}
    return Scope(own, units.get(kind, frozenset()))  # type: ignore[call-overload]


def units_below() -> dict[int, frozenset[int]]:
    """unit -> itself and all units below it, now."""
    children: dict[int | None, list[int]] = defaultdict(list)
    for unit, parent in Unit.objects.values_list("id", "parent_id"):
        children[parent].append(unit)
    below: dict[int, frozenset[int]] = {}

    def walk(unit: int) -> frozenset[int]:
        if unit not in below:
            below[unit] = frozenset({unit}).union(*(walk(child) for child in children[unit]))
        return below[unit]

    for units in list(children.values()):
        for unit in units:
            walk(unit)
    return below


def at(actor: Actor, address: str | None) -> Actor:
    """The same actor, calling from an address: outside the networks of administration without rights to administer."""
    if safety.inside(address, actor.limits.networks):
        return replace(actor, address=address)
    scopes = {name: scope for name, scope in actor.scopes.items() if name not in safety.ADMINISTRATION}
    return replace(actor, address=address, scopes=scopes)
