"""Orders on their way in: what was pasted or handed in before it is an order, and what customers call things."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers.models import Customer
from neiqin.modules.intake.reading import LONGEST
from neiqin.modules.orders.models import Order

NEW, TAKEN, BACK, VOID = "new", "taken", "back", "void"
STATES = (
    Choice(NEW, "待录入", "warn", "0"), Choice(TAKEN, "已成单", "ok", "100"), Choice(BACK, "退回补充", "bad", "!"),
    Choice(VOID, "作废", "off", "x"),
)  # fmt: skip
NUMBERS = Numbers("number", Pattern("LD", by_day=True))


class Intake(OfPerson, OwnedRecord):
    """What a customer wants, as he said it (来单). It belongs to the customer's owner, or to who took it down while the
    customer is open. said: the message as it came; asked_by: who pasted it or handed it in; order: what became of it.
    """

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=100, default="")
    said = PersonalText(LONGEST, "intake.said")
    note = models.CharField(max_length=200, default="", blank=True)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    taken_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=NEW)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="intake_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="intake_number"),
        ]
        indexes = [
            *scoped_indexes("intake", "created_at", "number"),
            models.Index(fields=["created_at"], condition=Q(state=NEW), name="intake_waiting"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit and name from the customer, who must be in the writer's reach."""
        wanted = {r.customer_id for r in records if r.customer_id}
        customers = {c.pk: c for c in Customer.objects.filter(Customer.visible_to(batch.by), pk__in=wanted)}
        problems: dict[int, Any] = {}
        for position, record in enumerate(records):
            customer = customers.get(record.customer_id)
            if record.customer_id and customer is None:
                problems[position] = Refusal("「客户」不在你能看到的范围里，换一家。", "customer")
                continue
            if record.pk is None:
                record.asked_by_id = batch.by.id
            if customer is not None:
                record.name = customer.name
                if customer.owner_id:
                    record.owner_id, record.unit_id = customer.owner_id, customer.unit_id
            record.name = record.name or "客户待定"
        fit = {p: r for p, r in enumerate(records) if p not in problems}
        refused = super().derive(list(fit.values()), batch)
        return problems | {list(fit)[p]: refusal for p, refusal in refused.items()}


class Word(models.Model):
    """What a customer calls a product, learned from an order that was made of a message. key: as `matching.key` writes
    it; times: how often it was so. Not a 客户料号, which people agree on: nothing prints it."""

    audited: ClassVar[bool] = False

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=120)
    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    times = models.IntegerField(default=1)
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["customer", "key"], name="intake_word_once")]
