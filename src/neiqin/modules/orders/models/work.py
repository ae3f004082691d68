"""What others have to do or decide because of orders."""

from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models.order import Order
from neiqin.modules.orders.states import (
    ASKED,
    PART_STATES,
    PROPOSAL_STATES,
    PROPOSED,
)


class Part(OwnedRecord):
    """What one department has to do for an order, counted back from its delivery date; the owner does it. name: the
    customer's. promised_on: another date the department has answered with; told_late: clerk and rep know it is late;
    seen_revision: the version of the order its doer has confirmed to work by."""

    STATES = PART_STATES
    LEFT_BEHIND = False

    order = models.ForeignKey(Order, models.PROTECT, related_name="parts")
    name = models.CharField(max_length=100, default="")
    department = models.CharField(max_length=20)
    duty = models.CharField(max_length=100, default="")
    start_on = models.DateField()
    end_on = models.DateField()
    promised_on = models.DateField(null=True)
    progress = models.SmallIntegerField(default=0)
    note = models.CharField(max_length=200, default="", blank=True)
    told_late = models.BooleanField(default=False)
    seen_revision = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=10, default=ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in PART_STATES]), name="orders_part_state"),
            models.UniqueConstraint(fields=["order", "department"], name="orders_part_once"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=100), name="orders_part_progress"),
        ]
        indexes = scoped_indexes("part", "end_on")

    def __str__(self) -> str:
        return f"{self.department} {self.name}"

    @property
    def due_on(self) -> date:
        """By when the department itself says it will be done."""
        return self.promised_on or self.end_on


class VersionError(models.Model):
    """Somebody reported on an order by a version that no longer held, and was stopped (C-FLOW-09)."""

    audited: ClassVar[bool] = False

    part = models.ForeignKey(Part, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_index=True)
    seen = models.SmallIntegerField()
    revision = models.SmallIntegerField()


class ClassProposal(OwnedRecord):
    """Another class for a customer, as the table 《客户分类》 sees it, with the three numbers it looked at; the manager
    takes it or leaves it, for a reason (C-CUS-09). It belongs to the customer's owner."""

    STATES = PROPOSAL_STATES
    LEFT_BEHIND = False

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    level = models.CharField(max_length=10)
    proposed = models.CharField(max_length=10)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    orders = models.IntegerField()
    potential = models.CharField(max_length=20, default="", blank=True)
    rule = models.CharField(max_length=120)
    reason = models.CharField(max_length=200, default="", blank=True)
    decided_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=PROPOSED)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in PROPOSAL_STATES]), name="orders_proposal_state"
            ),
            models.UniqueConstraint(fields=["customer"], condition=Q(state="proposed"), name="orders_proposal_once"),
        ]
        indexes = scoped_indexes("proposal", "created_at")

    def __str__(self) -> str:
        return self.name
