"""Why can X see this? The same facts that decide, told in words, person by person."""

from collections import defaultdict
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.people.actors import in_force, units_below
from neiqin.kernel.people.models import (
    Appointment,
    Collaborator,
    Delegation,
    Grant,
    PositionRole,
    WorksFor,
)


def explain(record: Any) -> list[tuple[int, str, list[str]]]:
    """Everybody who can see an owned record: (person id, name, reasons). Those who only share a reason come last."""
    day, permission = clock.today(), type(record).view_permission()
    reasons: dict[int, list[str]] = defaultdict(list)
    names: dict[int, str] = {}
    holders = _holders(permission, day)
    above = _units_above(record.unit_id)
    for person, name, position, role, scope, unit in holders:
        names[person] = name
        if person == record.owner_id:
            reasons[person].append("是负责人")
        if scope == Grant.Scope.ALL:
            reasons[person].append(f"岗位「{position}」的角色「{role}」能看全部")
        elif scope == Grant.Scope.UNIT and unit == record.unit_id or scope == Grant.Scope.BELOW and unit in above:
            where = "本部门" if scope == Grant.Scope.UNIT else "本部门及下级"
            reasons[person].append(f"岗位「{position}」的角色「{role}」能看{where}，客户在「{record.unit.name}」")
    _helpers(record, day, names, reasons)
    _let_in(record, names, reasons)
    _delegated(permission, day, names, reasons)
    order = sorted(reasons, key=lambda p: (p != record.owner_id, "全部" in reasons[p][0], names[p]))
    return [(p, names[p], list(dict.fromkeys(reasons[p]))) for p in order if reasons[p]]


def _holders(permission: str, day: Any) -> list[tuple[int, str, str, str, str, int]]:
    """(person, name, position, role, scope, unit) of everybody who holds the permission by an appointment."""
    grants = Grant.objects.filter(permission=permission).values_list("role_id", "role__name", "scope")
    by_role = {role: (name, scope) for role, name, scope in grants}
    rows = PositionRole.objects.filter(role_id__in=by_role).values_list("position_id", "role_id")
    roles = defaultdict(list)
    for position, role in rows:
        roles[position].append(by_role[role])
    found = Appointment.objects.filter(in_force(day), position_id__in=roles, person__left_on=None)
    columns = found.values_list("person_id", "person__name", "position__name", "position_id", "unit_id")
    return [(p, name, title, *granted, unit) for p, name, title, position, unit in columns for granted in roles[position]]


def _units_above(unit: int) -> set[int]:
    return {top for top, below in units_below().items() if unit in below}


def _helpers(record: Any, day: Any, names: dict[int, str], reasons: dict[int, list[str]]) -> None:
    rows = WorksFor.objects.filter(in_force(day), person_id=record.owner_id).values_list("assistant_id", "assistant__name", "person__name")
    for person, name, boss in rows:
        if person in names:
            reasons[person].append(f"协助负责人{boss}")
        names.setdefault(person, name)


def _let_in(record: Any, names: dict[int, str], reasons: dict[int, list[str]]) -> None:
    rows = Collaborator.objects.filter(model=record._meta.label_lower, record_id=record.pk).values_list("person_id", "person__name")
    for person, name in rows:
        if person in names:
            reasons[person].append("是这条记录的协同人")
        names.setdefault(person, name)


def _delegated(permission: str, day: Any, names: dict[int, str], reasons: dict[int, list[str]]) -> None:
    for given in Delegation.objects.filter(in_force(day)).select_related("giver", "taker"):
        if reasons.get(given.giver_id) and (not given.permissions or permission in given.permissions):
            names.setdefault(given.taker_id, given.taker.name)
            reasons[given.taker_id].append(f"{given.giver.name}委托代办，到 {given.until_on:%m-%d} 为止")
