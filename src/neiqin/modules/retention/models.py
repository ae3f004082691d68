"""How each customer stands by its orders, and each loss with its reason (C-CUS-15)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.customers.models import Customer
from neiqin.modules.retention.states import LOSS_STATES, STATUSES, UNEXPLAINED


class Dealing(models.Model):
    """How a customer stands, since when; reckoned from its orders in a row of its own. None: it has not dealt."""

    audited: ClassVar[bool] = False

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="+")
    status = models.CharField(max_length=10)
    since = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=[s.value for s in STATUSES]), name="retention_status")
        ]


class Loss(OwnedRecord):
    """That a customer has not ordered for as long as the table 《流失期限》 allows its class: one a silence. It belongs
    to the customer's owner; name and level: the customer's at that time; lost_on: the day of the limit; regained_on:
    the day of the order with which it came back."""

    STATES = LOSS_STATES
    LEFT_BEHIND = False

    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)  # type: ignore[assignment]
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    level = models.CharField(max_length=10)
    last_on = models.DateField()
    lost_on = models.DateField()
    reason = models.CharField(max_length=20, default="", blank=True)
    note = models.CharField(max_length=200, default="", blank=True)
    regained_on = models.DateField(null=True)
    state = models.CharField(max_length=15, default=UNEXPLAINED)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in LOSS_STATES]), name="retention_loss_state"),
            models.UniqueConstraint(fields=["customer", "last_on"], name="retention_loss_once"),
        ]
        indexes = scoped_indexes("loss", "lost_on")

    def __str__(self) -> str:
        return self.name


class Night(models.Model):
    """A day whose nightly run is done."""

    audited: ClassVar[bool] = False

    day = models.DateField(primary_key=True)
    done_at = models.DateTimeField()
