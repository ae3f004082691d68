"""Records that belong to a person: who sees them, who may own them, and the unit that follows from the owner."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Record, ScopeKeys
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people import lending, why
from neiqin.kernel.people.models import Collaborator, Person, Unit


class OwnedRecord(Record):
    """A record that belongs to a person. unit is the owner's present unit; the hand-over action moves it.

    LEFT_BEHIND: whether a leaver's records of this kind wait for somebody; not those that go along with another.
    """

    LEFT_BEHIND: ClassVar[bool] = True

    owner = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, person: Any, permission: str = "") -> Q:
        scope = person.scope(permission or cls.view_permission())
        if scope is None:
            return Q(pk__in=[])
        if scope.everything:
            return Q()
        shared = Collaborator.objects.filter(person_id=person.id, model=cls._meta.label_lower).values("record_id")
        condition = Q(owner_id__in=sorted(scope.owners)) | Q(pk__in=shared)
        if scope.jobs:
            condition |= lending.rows_of(cls, scope.jobs)
        return condition | Q(unit_id__in=sorted(scope.units)) if scope.units else condition

    @classmethod
    def scope_keys(cls, person: Any, permission: str = "") -> ScopeKeys | None:
        scope = person.scope(permission or cls.view_permission())
        if scope is None:
            return ScopeKeys({})
        if scope.everything:
            return None
        keys = {"owner_id": sorted(scope.owners), "unit_id": sorted(scope.units)}
        sql = "SELECT record_id FROM people_collaborator WHERE person_id = %s AND model = %s"
        values: list[Any] = [person.id, cls._meta.label_lower]
        if scope.jobs:
            more, given = lending.sql_of(cls, scope.jobs)
            sql, values = f"{sql}{more}", [*values, *given]
        return ScopeKeys({column: found for column, found in keys.items() if found}, (sql, values))

    def explain(self) -> list[tuple[int, str, list[str]]]:
        """Everybody who can see this record: (person id, name, reasons in words)."""
        return why.explain(self)

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner: the one given, else the acting person; unit: the owner's. Refuses owners outside the scope."""
        problems = super().derive(records, batch)
        return problems | _settle_owners(cls, records, batch)


def _settle_owners(model: Any, records: Sequence[Any], batch: Any) -> dict[int, Refusal]:
    """Give each new record its owner and the owner's unit. Returns refusals by position.

    The owner must work here and be within the acting person's right to create this kind of record.
    """
    new = {position: record for position, record in enumerate(records) if record.pk is None}
    for record in new.values():
        record.owner_id = record.owner_id or batch.by.id
    people = Person.objects.filter(pk__in={r.owner_id for r in new.values()}) if new else Person.objects.none()
    owners = {row[0]: Owner(*row) for row in people.values_list("pk", "unit_id", "left_on", "name")}
    scope = batch.by.scope(f"{model._meta.app_label}.create")
    problems: dict[int, Refusal] = {}
    for position, record in new.items():
        owner = owners.get(record.owner_id)
        refusal = _unfit_owner(owner, scope)
        if refusal is not None:
            problems[position] = refusal
        elif owner is not None:
            record.unit_id = owner.unit_id
    return problems


class Owner(NamedTuple):
    """What is asked about somebody who is to own a record."""

    pk: int
    unit_id: int
    left_on: date | None
    name: str


def _unfit_owner(owner: Owner | None, scope: Any) -> Refusal | None:
    if owner is None or owner.left_on is not None:
        return Refusal("「负责人」没有填，或已离职，选一位。", "owner")
    if scope is None or not scope.covers(owner.pk, owner.unit_id):
        return Refusal(f"你不能替{owner.name}建这条记录，负责人选自己或你协助的人。", "owner")
    return None


def scoped_indexes(prefix: str, *sorts: str) -> list[models.Index]:
    """The indexes of a resource's fast sorts (at most three): under owner, under unit and alone."""
    return [
        models.Index(fields=[*key, column, "id"], name=f"{prefix}_{short}_{column}"[:30])
        for column in sorts
        for short, key in (("o", ["owner"]), ("u", ["unit"]), ("a", []))
    ]
