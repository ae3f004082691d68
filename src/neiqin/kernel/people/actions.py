"""Making and changing units, positions, roles and persons."""

from collections.abc import Mapping
from typing import Annotated, Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import Action, action, register
from neiqin.kernel.actions.records import Changes, creating, editing, insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.people import fields
from neiqin.kernel.people.actors import units_below
from neiqin.kernel.people.checks import RIGHTS, absent, keep_a_holder, positions_with_rights, taken
from neiqin.kernel.people.models import Appointment, Person, Position, PositionRole, Role, Unit, UnitPlace

MANAGE = "people.manage"
ROLES = Lines("roles", "角色", PositionRole, "position", fields.POSITION_ROLE, add_label="加角色")
UNIT = Shape(fields.UNIT)
POSITION = Shape(fields.POSITION, (ROLES,))
ROLE = Shape(fields.ROLE)
PERSON = Shape((fields.NAME, fields.STAFF_NO, fields.UNIT_OF, fields.POSITION_OF, fields.FROM_ON))
PERSON_NAMES = Shape((fields.NAME, fields.STAFF_NO))


# Units


def _new_unit(batch: NewBatch[Unit]) -> Mapping[int, Refusal]:
    codes = {p: row["code"] for p, row in batch.rows.items()}
    return taken(Unit, fields.UNIT[1], codes, editing=False) | absent(fields.UNIT, batch.rows)


def _place_new(batch: NewBatch[Unit]) -> None:
    today = clock.today()
    UnitPlace.objects.bulk_create(UnitPlace(unit=u, above_id=u.parent_id, from_on=today) for u in batch.records)


def _changed_unit(batch: Batch[Unit], changes: Changes) -> Mapping[int, Refusal]:
    problems = absent(fields.UNIT, changes)
    problems |= taken(Unit, fields.UNIT[1], _given("code", changes), editing=True)
    parents = {i: parent for i, parent in _given("parent", changes).items() if parent}
    below = units_below() if parents else {}
    problems |= {
        u.pk: Refusal(f"「{u.name}」不能挂在自己或自己的下级下面。", "parent")
        for u in batch if u.pk in parents and parents[u.pk] in below.get(u.pk, {u.pk})
    }  # fmt: skip
    return problems


def _given(name: str, changes: Changes) -> dict[int, Any]:
    """The new values of one field, by record, of those that get one."""
    return {i: row[name] for i, row in changes.items() if name in row}


def _place_moved(batch: Batch[Unit], changes: Changes) -> None:
    """The dated tree follows: the running place ends today, the next begins (C-ORG-01)."""
    parents = _given("parent", changes)
    if not parents:
        return
    today = clock.today()
    here = UnitPlace.objects.filter(unit_id__in=parents, until_on=None).values_list("unit_id", "above_id")
    moved = {unit for unit, above in here if above != parents[unit]}
    UnitPlace.objects.filter(unit_id__in=moved, until_on=None, from_on=today).delete()
    UnitPlace.objects.filter(unit_id__in=moved, until_on=None).update(until_on=today)
    UnitPlace.objects.bulk_create(UnitPlace(unit_id=u, above_id=parents[u], from_on=today) for u in sorted(moved))


create_unit = creating(Unit, UNIT, check=_new_unit, after=_place_new, label="新建部门", may=MANAGE)
edit_unit = editing(Unit, UNIT, check=_changed_unit, after=_place_moved, label="修改部门", may=MANAGE)


# Positions and roles


def _new_position(batch: NewBatch[Position]) -> Mapping[int, Refusal]:
    codes = {p: row["code"] for p, row in batch.rows.items()}
    problems = taken(Position, fields.POSITION[1], codes, editing=False)
    for key, row in batch.rows.items():
        if refusal := _wrong_roles([r["role"] for r in row["roles"]], set(), batch.by):
            problems.setdefault(key, refusal)
    return problems


def _changed_position(batch: Batch[Position], changes: Changes) -> Mapping[int, Refusal]:
    problems = taken(Position, fields.POSITION[1], _given("code", changes), editing=True)
    for position, rows in _given("roles", changes).items():
        present = dict(PositionRole.objects.filter(position_id=position).values_list("pk", "role_id"))
        kept = dict(present)
        for row in rows:
            if row.get("id") and row.get("delete"):
                kept.pop(row["id"], None)
            elif row.get("id") and row.get("role"):
                kept[row["id"]] = row["role"]
        new = [row["role"] for row in rows if not row.get("id") and not row.get("delete")]
        if refusal := _wrong_roles([*kept.values(), *new], set(present.values()), batch.by):
            problems.setdefault(position, refusal)
    return problems


def _wrong_roles(roles: list[int], before: set[int], by: Any) -> Refusal | None:
    """Roles are rights: only who may change rights changes them."""
    if len(set(roles)) < len(roles):
        return Refusal("同一个角色只要写一次。", "roles")
    if set(roles) != before and not by.may(RIGHTS):
        return Refusal("岗位带的角色要由有「改权限」的人来改。", "roles")
    if Role.objects.filter(pk__in=roles).count() < len(roles):
        return Refusal("「角色」里有一个不存在，重新选。", "roles")
    return None


def _rights_stay(batch: Batch[Position], changes: Changes) -> None:
    """Called with the roles written: were these the last positions that could change rights?"""
    if _given("roles", changes):
        keep_a_holder(batch)


create_position = creating(Position, POSITION, check=_new_position, label="新建岗位", may=MANAGE)
edit_position = editing(Position, POSITION, check=_changed_position, after=_rights_stay, label="修改岗位", may=MANAGE)


def _new_role(batch: NewBatch[Role]) -> Mapping[int, Refusal]:
    return taken(Role, fields.ROLE[1], {p: row["code"] for p, row in batch.rows.items()}, editing=False)


def _changed_role(batch: Batch[Role], changes: Changes) -> Mapping[int, Refusal]:
    return taken(Role, fields.ROLE[1], _given("code", changes), editing=True)


create_role = creating(Role, ROLE, check=_new_role, label="新建角色", may=RIGHTS)
edit_role = editing(Role, ROLE, check=_changed_role, label="修改角色", may=RIGHTS)


# Persons


def _create_person(batch: NewBatch[Person]) -> None:
    """A member of staff with the first appointment, from today or the given day."""
    today = clock.today()
    problems = taken(Person, fields.STAFF_NO, {p: row["staff_no"] for p, row in batch.rows.items()}, editing=False)
    problems |= absent(PERSON.fields, batch.rows)
    if not batch.by.may(RIGHTS):
        guarded = positions_with_rights()
        text = "这个岗位能改权限，要由有「改权限」的人来办。"
        problems |= {p: Refusal(text, "position") for p, row in batch.rows.items() if row["position"] in guarded}
    batch.refuse(problems)
    rows = dict(batch.rows)
    insert(batch, Person, Shape(PERSON.fields[:-1]))
    Appointment.objects.bulk_create(
        Appointment(
            person=p,
            unit_id=p.unit_id,
            position_id=p.position_id,
            from_on=rows[batch.positions[p.pk]]["from_on"] or today,
        )
        for p in batch.records
    )


def _changed_person(batch: Batch[Person], changes: Changes) -> Mapping[int, Refusal]:
    return taken(Person, fields.STAFF_NO, _given("staff_no", changes), editing=True)


create_person = register(
    Action(Person, "create", "新建人员", _create_person, MANAGE, "created", shape=PERSON, creates=True, button=False,
           bulk=False, icon="plus")
)  # fmt: skip
edit_person = editing(Person, PERSON_NAMES, check=_changed_person, label="修改人员", may=MANAGE)


@action(Person, "改我的设置", may="", event="preferences_set", button=False, bulk=False)
def set_preferences(
    people: Batch[Person],
    *,
    theme: Annotated[str, Field("theme", "颜色", "choice", required=True, choices=fields.THEMES)],
    density: Annotated[str, Field("density", "疏密", "choice", required=True, choices=fields.DENSITIES)],
) -> None:
    """How the screens look to oneself."""
    people.refuse({p.pk: Refusal("只能改自己的设置。") for p in people if p.pk != people.by.id})
    people.set(theme=theme, density=density)
