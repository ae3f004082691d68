"""What several actions on the organisation check: references, taken codes, and that nobody gives himself rights."""

from collections.abc import Iterable, Mapping
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.models import Appointment, Grant, Person, Position, PositionRole, Role, Unit

RIGHTS = "people.rights"
MODELS: dict[str, Any] = {
    "people.unit": Unit,
    "people.position": Position,
    "people.person": Person,
    "people.role": Role,
}


def absent(fields: Iterable[Field], rows: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
    """Rows whose references lead nowhere, or to a person who has left."""
    problems: dict[int, Refusal] = {}
    for field in fields:
        if field.ref not in MODELS:
            continue
        found = MODELS[field.ref].objects.filter(
            pk__in={row[field.name] for row in rows.values() if row.get(field.name)}
        )
        if field.ref == "people.person":
            found = found.filter(left_on=None)
        known = set(found.values_list("pk", flat=True))
        for key, row in rows.items():
            if row.get(field.name) and row[field.name] not in known:
                text = "不存在或已离职，换一位。" if field.ref == "people.person" else "不存在，重新选。"
                problems.setdefault(key, Refusal(f"「{field.label}」{text}", field.name))
    return problems


def taken(model: Any, field: Field, values: Mapping[int, str], *, editing: bool) -> dict[int, Refusal]:
    """Values of a unique column that another record (or another row of this batch) has. Keys: row positions or ids."""
    if not values:
        return {}
    holders = dict(model.objects.filter(**{f"{field.name}__in": list(values.values())}).values_list(field.name, "pk"))
    problems, seen = {}, set()
    for key, value in values.items():
        if (value in holders and not (editing and holders[value] == key)) or value in seen:
            problems[key] = Refusal(f"「{field.label}」{value} 已经用了，换一个。", field.name)
        seen.add(value)
    return problems


def positions_with_rights() -> set[int]:
    """Positions whose holders may change rights."""
    roles = Grant.objects.filter(permission=RIGHTS).values("role_id")
    return set(PositionRole.objects.filter(role_id__in=roles).values_list("position_id", flat=True))


def holders_of_rights() -> set[int]:
    """Persons who may change rights today, by an appointment of their own."""
    found = Appointment.objects.filter(
        in_force(clock.today()), position_id__in=positions_with_rights(), person__left_on=None
    )
    return set(found.values_list("person_id", flat=True))


def keep_a_holder(batch: Batch[Any]) -> None:
    """Called after the writes: if they left nobody who can change rights, nothing of them stays. Raises RefuseLate.

    Only who may change rights can take them away, so before the writes there was somebody.
    """
    if batch.records and not batch.by.system and batch.by.may(RIGHTS) and not holders_of_rights():
        text = "这样一来就没有人能改权限了。先把「改权限」给另一个在职的人。"
        raise RefuseLate(dict.fromkeys(batch.ids, Refusal(text)))


def beyond(by: Any, batch: Batch[Any], position: int | None = None) -> dict[int, Refusal]:
    """Appointing is giving rights: nobody appoints himself, and rights over rights come only from who has them."""
    if by.system:
        return {}
    problems = {p: Refusal("自己的岗位由别人来办。") for p in batch.ids if p == by.id}
    if not by.may(RIGHTS):
        guarded = positions_with_rights()
        if position in guarded:
            return problems | dict.fromkeys(
                batch.ids, Refusal("这个岗位能改权限，要由有「改权限」的人来办。", "position")
            )
        problems |= {
            p: Refusal("这个人能改权限，要由有「改权限」的人来办。") for p in batch.ids if p in holders_of_rights()
        }
    return problems
