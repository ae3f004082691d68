"""Groups of customers: a name with conditions, and who is in it since when (C-CUS-08)."""

import re
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Record
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.customers.models import Customer
from neiqin.modules.groups.states import ACTIVE, IN, MEMBER_STATES, STATES

CONDITIONS = ("industry", "size_band", "level", "region", "orders_min", "orders_max", "amount_min", "amount_max")


class Group(Record):
    """Conditions that a customer fulfils or not; empty ones do not count. industry and region: words joined by 、, of
    which one must be in the customer's; size_band: the least one; orders_*, amount_*: how many orders the customer has
    confirmed, and their amount incl. tax in yuan, within a span (spans.py)."""

    STATES = STATES

    name = models.CharField(max_length=40)
    industry = models.CharField(max_length=100, default="", blank=True)
    size_band = models.CharField(max_length=10, default="", blank=True)
    level = models.CharField(max_length=10, default="", blank=True)
    region = models.CharField(max_length=100, default="", blank=True)
    orders_min = models.IntegerField(null=True)
    orders_max = models.IntegerField(null=True)
    orders_within = models.CharField(max_length=10, default="month")
    amount_min = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    amount_max = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    amount_within = models.CharField(max_length=10, default="year")
    remark = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=ACTIVE)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="groups_group_state"),
            models.UniqueConstraint(fields=["name"], name="groups_group_name"),
        ]
        indexes = [models.Index(fields=["updated_at", "id"], name="groups_group_updated")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Words in one writing; refused: no condition at all, a least above the most, a name that is taken."""
        named = dict(cls.objects.filter(name__in=[r.name for r in records]).values_list("name", "pk"))
        problems = super().derive(records, batch)
        for position, record in enumerate(records):
            record.industry, record.region = _words(record.industry), _words(record.region)
            if refusal := record.unfit(named.get(record.name)):
                problems[position] = refusal
            named.setdefault(record.name, record.pk or 0)
        return problems

    def unfit(self, holder: int | None) -> Refusal | None:
        """Why it cannot stand like this; holder: which group has the name."""
        if holder is not None and holder != self.pk:
            return Refusal("已经有叫这个名字的分组，换一个名字。", "name")
        if all(getattr(self, name) in ("", None) for name in CONDITIONS):
            return Refusal("一个条件都没有，至少写一个。", "industry")
        for least, most, label in (("orders_min", "orders_max", "订单数"), ("amount_min", "amount_max", "订单金额")):
            low, high = getattr(self, least), getattr(self, most)
            if low is not None and high is not None and low > high:
                return Refusal(f"「{label}至少」比「{label}至多」还大，改一个。", least)
        return None


def _words(text: str) -> str:
    return "、".join(word for word in re.split(r"[\s、，,;；]+", text) if word)


class Membership(OwnedRecord):
    """That a customer is, or was, in a group. It belongs to whom the customer belongs to and is seen by whoever sees
    the customer; name: the customer's. A customer that comes back has a second row."""

    STATES = MEMBER_STATES
    VIEW: ClassVar[str] = "customers.view"
    LEFT_BEHIND = False

    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)  # type: ignore[assignment]
    group = models.ForeignKey(Group, models.CASCADE, related_name="memberships", db_index=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=IN)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in MEMBER_STATES]), name="groups_membership_state"
            ),
            models.UniqueConstraint(fields=["group", "customer"], condition=Q(state=IN), name="groups_membership_once"),
        ]
        indexes = [
            models.Index(fields=["group", "joined_at", "id"], name="groups_membership_group"),
            *scoped_indexes("membership", "joined_at"),
        ]

    def __str__(self) -> str:
        return self.name


class Night(models.Model):
    """A day whose nightly run is done."""

    audited: ClassVar[bool] = False

    day = models.DateField(primary_key=True)
    done_at = models.DateTimeField()
