"""Why can X see this? The same facts that decide, told in words, person by person."""

from collections import defaultdict
from datetime import date
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.people import lending
from neiqin.kernel.people.actors import in_force, own_scopes, units_below
from neiqin.kernel.people.models import Appointment, Collaborator, Delegation, Grant, PositionRole, WorksFor

Reasons = dict[int, list[str]]


def explain(record: Any) -> list[tuple[int, str, list[str]]]:
    """Everybody who can see an owned record: (person id, name, reasons); the owner first, who sees all last.

    Own appointments give reasons; a delegation passes on the giver's own, never what was delegated to her.
    """
    day, permission = clock.today(), type(record).view_permission()
    names: dict[int, str] = {}
    own = _own(record, permission, day, names)
    reasons: Reasons = defaultdict(list, {p: list(found) for p, found in own.items()})
    holders = set(own)
    for given in Delegation.objects.filter(
        in_force(day), giver__left_on=None, taker__left_on=None, giver_id__in=own
    ).select_related("giver", "taker"):
        if given.permissions and permission not in given.permissions:
            continue
        names.setdefault(given.taker_id, given.taker.name)
        holders.add(given.taker_id)
        if own[given.giver_id]:
            reasons[given.taker_id].append(f"{given.giver.name}委托代办，{given.until_on:%m-%d} 止")
    for loan in lending.letting_in(record, permission, day, own_scopes):
        names.setdefault(loan.person, loan.name)
        holders.add(loan.person)
        reasons[loan.person].append(f"借调：{loan.words}，到 {loan.until_on:%m-%d}")
    for person in _let_in(record) & holders:
        reasons[person].append("是这条记录的协同人")
    seen = [p for p in reasons if reasons[p]]
    seen.sort(key=lambda p: (p != record.owner_id, "能看全部" in reasons[p][0], names[p], p))
    return [(p, names[p], list(dict.fromkeys(reasons[p]))) for p in seen]


def _own(record: Any, permission: str, day: date, names: dict[int, str]) -> Reasons:
    """Everybody who holds the permission by an appointment, with the reasons that reach this record (maybe none)."""
    found: Reasons = {}
    above = {top for top, below in units_below().items() if record.unit_id in below}
    helpers = set(
        WorksFor.objects.filter(in_force(day), person_id=record.owner_id).values_list("assistant_id", flat=True)
    )
    for person, name, position, role, scope, unit in _holders(permission, day):
        names[person] = name
        reasons = found.setdefault(person, [])
        if person == record.owner_id and not reasons:
            reasons.append("是负责人")
        if person in helpers:
            reasons.append(f"协助负责人{record.owner.name}")
        if scope == Grant.Scope.ALL:
            reasons.append(f"岗位「{position}」的角色「{role}」能看全部")
        elif (scope == Grant.Scope.UNIT and unit == record.unit_id) or (scope == Grant.Scope.BELOW and unit in above):
            where = "本部门" if scope == Grant.Scope.UNIT else "本部门及下级"
            reasons.append(f"岗位「{position}」的角色「{role}」能看{where}，这条记录在「{record.unit.name}」")
    return found


def _holders(permission: str, day: date) -> list[tuple[int, str, str, str, str, int]]:
    """(person, name, position, role, scope, unit) of everybody who holds the permission by an appointment."""
    grants = Grant.objects.filter(permission=permission).values_list("role_id", "role__name", "scope")
    by_role = {role: (name, scope) for role, name, scope in grants}
    roles = defaultdict(list)
    for position, role in PositionRole.objects.filter(role_id__in=by_role).values_list("position_id", "role_id"):
        roles[position].append(by_role[role])
    found = Appointment.objects.filter(in_force(day), position_id__in=roles, person__left_on=None)
    columns = found.order_by("-main", "id").values_list(
        "person_id", "person__name", "position__name", "position_id", "unit_id"
    )
    return [(p, n, title, *granted, unit) for p, n, title, position, unit in columns for granted in roles[position]]


def _let_in(record: Any) -> set[int]:
    rows = Collaborator.objects.filter(model=record._meta.label_lower, record_id=record.pk, person__left_on=None)
    return set(rows.values_list("person_id", flat=True))
