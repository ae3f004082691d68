"""A package with its takers, its items and the signatures under it."""

from typing import Any, ClassVar

from django.db import models

from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord

DRAFT, RUNNING, HANDED, PARTLY = "draft", "running", "handed", "partly"
RETURNING, RETURNED, VOID = "returning", "returned", "void"
OVER = (HANDED, PARTLY)
STATES = (
    Choice(DRAFT, "待交", "warn", "0"),
    Choice(RUNNING, "交接中", "info", "50"),
    Choice(HANDED, "已交", "ok", "100"),
    Choice(PARTLY, "部分已交", "warn", "50"),
    Choice(RETURNING, "归还中", "info", "50"),
    Choice(RETURNED, "已还", "off", "100"),
    Choice(VOID, "已取消", "off", "x"),
)


class Package(OwnedRecord):
    """One hand-over. The owner is who gives; takers see it as collaborators. asked_by: who had it carried out, with
    whose rights it is done."""

    STATES = STATES
    LEFT_BEHIND = False

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=60)
    reason = models.CharField(max_length=200, default="")
    return_on = models.DateField(null=True)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=DRAFT)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=[s.value for s in STATES]), name="handover_state"),
            models.UniqueConstraint(fields=["number"], condition=~models.Q(number=""), name="handover_number"),
        ]
        indexes = [
            models.Index(fields=["owner", "created_at", "id"], name="handover_owner"),
            models.Index(fields=["unit", "created_at", "id"], name="handover_unit"),
            models.Index(fields=["created_at", "id"], name="handover_created"),
            models.Index(fields=["return_on"], condition=models.Q(state__in=OVER), name="handover_due"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Name and unit follow from the giver, who may have left and must be in the acting person's reach."""
        new = {position: record for position, record in enumerate(records) if record.pk is None}
        givers = {p.pk: p for p in Person.objects.filter(pk__in={r.owner_id for r in new.values()})}
        scope, problems = batch.by.scope("handover.create"), {}
        for position, record in new.items():
            giver = givers.get(record.owner_id)
            if giver is None:
                problems[position] = Refusal("「交出人」没有填，选一位。", "owner")
            elif scope is None or not scope.covers(giver.pk, giver.unit_id):
                problems[position] = Refusal(f"你不能替{giver.name}办交接，由他的上级来办。", "owner")
            else:
                record.unit_id, record.name = giver.unit_id, f"{giver.name}的交接"
        return problems


class Taker(Line):
    """Who takes what. kind: of which records (empty: all); part: of which area (empty: all that are left)."""

    parent = "package"

    package = models.ForeignKey(Package, models.CASCADE, related_name="takers")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=80, default="")
    part = models.CharField(max_length=40, default="")


class Signature(Line):
    """That giver or taker has confirmed the hand-over (签收)."""

    parent = "package"

    package = models.ForeignKey(Package, models.CASCADE, related_name="signatures")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["package", "person"], name="handover_signed_once")]


GIVEN, REFUSED, BACK, KEPT = "given", "refused", "back", "kept"


class Item(models.Model):
    """One record of a package and what became of it. run: of the hand-over, whose event is the proof of it."""

    audited: ClassVar[bool] = False

    package = models.ForeignKey(Package, models.CASCADE, related_name="items", db_index=False)
    kind = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    taker = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    run = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10)
    reason = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["package", "kind", "record_id"], name="handover_item_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=[GIVEN, REFUSED, BACK, KEPT]), name="handover_item_state"
            ),
        ]
