"""What goes wrong with an order (订单异常): its level, cause and measure, and what the customer was told (C-ORD-16)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person, Unit
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.exceptions import plans
from neiqin.modules.orders.models import Order

WAITING, WORKING, CHECKING, CLOSED, VOID = "waiting", "working", "checking", "closed", "void"
STATES = (
    Choice(WAITING, "待处理", "bad", "0"), Choice(WORKING, "处理中", "run", "50"),
    Choice(CHECKING, "待验证", "warn", "75"), Choice(CLOSED, "已关闭", "ok", "100"), Choice(VOID, "已取消", "off", "x"),
)  # fmt: skip
OPEN = (WAITING, WORKING, CHECKING)
NUMBERS = Numbers("number", Pattern("YC", by_day=True))


class OrderException(OwnedRecord):
    """It belongs to the order's rep, who coordinates; name: the customer's. days_late, affected (yuan incl. tax): the
    facts by which the table 《异常分级》 proposed the level; level_rule: the row that said it, or who changed it and
    why. compensation: granted in all, yuan."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES
    LEFT_BEHIND = False

    number = models.CharField(max_length=20, default="")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, default="")
    kind = models.CharField(max_length=10)
    what = models.TextField()
    days_late = models.IntegerField(null=True)
    affected = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    level = models.CharField(max_length=10, default=plans.FIRST)
    level_rule = models.CharField(max_length=300, default="", blank=True)
    department = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    cause = models.TextField(default="", blank=True)
    measure = models.TextField(default="", blank=True)
    compensation = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    granted_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=WAITING)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="exceptions_state"),
            models.CheckConstraint(condition=Q(compensation__gte=0), name="exceptions_compensation"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="exceptions_number"),
        ]
        indexes = [
            *scoped_indexes("exception", "created_at"),
            # The red marks of a page of orders.
            models.Index(fields=["order"], condition=Q(state__in=OPEN), name="exceptions_marks"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """Owner and name from the order; the level that the facts ask for, with the row that says so."""
        new = {p: r for p, r in enumerate(records) if r.pk is None}
        orders = Order.objects.select_related("customer", "progress").in_bulk({r.order_id for r in new.values()})
        asked: dict[int, plans.Facts] = {}
        for position, record in new.items():
            order = orders[record.order_id]
            record.owner_id, record.name, record.opened_by_id = order.owner_id, order.name, batch.by.id
            asked[position] = plans.facts_of(order, record.kind, record.days_late, record.affected)
            record.days_late = asked[position].days if record.kind == plans.DELAY else record.days_late
        problems = _leveled(new, asked)
        return problems | super().derive(records, batch)


def _leveled(new: Mapping[int, OrderException], asked: Mapping[int, plans.Facts]) -> dict[int, Refusal]:
    found, problems = plans.proposed(asked)
    for position, proposal in found.items():
        new[position].level, new[position].level_rule = proposal
    return {p: Refusal(text) for p, text in problems.items()}


class Told(Line):
    """What the customer was told about it, how and when, as a person noted it."""

    parent = "exception"

    exception = models.ForeignKey(OrderException, models.CASCADE, related_name="told")
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    way = models.CharField(max_length=10)
    text = models.CharField(max_length=500)
