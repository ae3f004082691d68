"""Files that tell a platform what has been shipped (回传发货), and which delivery went into which."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.orders.models import Delivery

OUT, VOID = "out", "void"
STATES = (Choice(OUT, "已写出", "ok", "100"), Choice(VOID, "作废", "off", "x"))
NUMBERS = Numbers("number", Pattern("HC", by_day=True))


class Handout(OwnedRecord):
    """A file for one platform, written once; void frees its deliveries for another. It belongs to who wrote it."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES
    LEFT_BEHIND: ClassVar[bool] = False

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=60, default="")
    channel = models.CharField(max_length=30)
    count = models.IntegerField(default=0)
    state = models.CharField(max_length=10, default=OUT)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="shipback_handout_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="shipback_handout_number"),
        ]
        indexes = scoped_indexes("handout", "created_at")

    def __str__(self) -> str:
        return self.number or self.name


class Told(Line):
    """What a file says of a delivery. live: not of a void file; a delivery is in one live file at most."""

    parent = "handout"

    handout = models.ForeignKey(Handout, models.CASCADE, related_name="told")
    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="+")
    platform_number = models.CharField(max_length=60)
    carrier = models.CharField(max_length=40)
    waybill = models.CharField(max_length=60)
    live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery"], condition=Q(live=True), name="shipback_told_once"),
        ]


def live_told() -> Any:
    """The deliveries that a platform has been told of."""
    return Told.objects.filter(live=True)
