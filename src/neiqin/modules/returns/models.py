"""What customers want to give back, have exchanged, refunded, sent again or repaired (退换货), tied to the lines of the
order it was sold on (C-ORD-18)."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.orders.models import Order, OrderLine, Return

ASKED, AWAITED, INSPECTED, SETTLED = "asked", "awaited", "inspected", "settled"
REFUSED, WITHDRAWN = "refused", "withdrawn"
STATES = (
    Choice(ASKED, "待审批", "warn", "0"), Choice(AWAITED, "待退回", "run", "25"),
    Choice(INSPECTED, "待结清", "warn", "75"), Choice(SETTLED, "已结清", "ok", "100"),
    Choice(REFUSED, "不同意", "off", "x"), Choice(WITHDRAWN, "已撤回", "off", "x"),
)  # fmt: skip
OPEN = (ASKED, AWAITED, INSPECTED)
DROPPED = (REFUSED, WITHDRAWN)
REFUND, MONEY, EXCHANGE, AGAIN, REPAIR = "refund", "money", "exchange", "again", "repair"
KINDS = (
    Choice(REFUND, "退货退款"), Choice(MONEY, "仅退款"), Choice(EXCHANGE, "换货"), Choice(AGAIN, "补发"),
    Choice(REPAIR, "维修"),
)  # fmt: skip
COMES_BACK = (REFUND, EXCHANGE, REPAIR)  # the others skip receiving and inspection
PAID_BACK = (REFUND, MONEY)
SENT_AGAIN = (EXCHANGE, AGAIN)
INTO_STOCK = (REFUND, EXCHANGE)  # what is repaired stays the customer's
QUALITY = "quality"
REASONS = (
    Choice(QUALITY, "质量"), Choice("wrong", "错发"), Choice("broken", "破损"), Choice("customer", "客户原因"),
    Choice("unsold", "滞销调换"),
)  # fmt: skip
PARTIES = (Choice("us", "我方"), Choice("customer", "客户"), Choice("carrier", "承运商"), Choice("supplier", "供应商"))
REDUCED, RED = "reduced", "red"
INVOICE_WAYS = (Choice(REDUCED, "没开票：开票时减掉"), Choice(RED, "已开票：开红字发票"))
NUMBERS = Numbers("number", Pattern("TH", by_day=True))


class Ticket(OwnedRecord):
    """It belongs to the order's rep. name: the customer's; by_customer: asked on the order's page, else a person of
    ours wrote it down; amount: of what is asked, credit: of what was accepted (yuan incl. tax, by the order's prices);
    returned: the row that tells the order what came back; sent_again: the order of what goes out in exchange."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES
    LEFT_BEHIND = False

    number = models.CharField(max_length=20, default="")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    name = models.CharField(max_length=100, default="")
    kind = models.CharField(max_length=10)
    reason = models.CharField(max_length=10)
    party = models.CharField(max_length=10, default="", blank=True)
    detail = models.CharField(max_length=200, default="", blank=True)
    waybill = models.CharField(max_length=60, default="", blank=True)
    by_customer = models.BooleanField(default=False)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    credit = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    answer = models.CharField(max_length=200, default="", blank=True)
    finding = models.CharField(max_length=200, default="", blank=True)
    approved_at = models.DateTimeField(null=True)
    inspected_at = models.DateTimeField(null=True)
    inspected_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    invoice_way = models.CharField(max_length=10, default="", blank=True)
    settled_note = models.CharField(max_length=200, default="", blank=True)
    returned = models.ForeignKey(Return, models.PROTECT, null=True, related_name="+")
    sent_again = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, default=ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="returns_ticket_state"),
            models.CheckConstraint(condition=Q(kind__in=[k.value for k in KINDS]), name="returns_ticket_kind"),
            models.CheckConstraint(condition=Q(credit__gte=0), name="returns_ticket_credit"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="returns_ticket_number"),
        ]
        indexes = [
            *scoped_indexes("ticket", "created_at"),
            models.Index(fields=["order", "id"], name="returns_ticket_order"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """Owner, unit and name are the order's."""
        new = [r for r in records if r.pk is None]
        orders: dict[int, Order] = batch.read(Order, {r.order_id for r in new})
        for record in new:
            record.owner_id, record.name = orders[record.order_id].owner_id, orders[record.order_id].name
            record.by_customer = batch.by.id is None
        problems = super().derive(records, batch)
        for record in new:
            record.unit_id = orders[record.order_id].unit_id
        return problems


class TicketLine(Line):
    """How much of an order's line is meant, and what became of it. good, bad, scrap: what came back, by how it looks;
    accepted: for how much of it the customer gets money or goods; amount, credit: yuan incl. tax."""

    parent = "ticket"

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    good = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    bad = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    scrap = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    accepted = models.DecimalField(max_digits=20, decimal_places=6, default=0)
    credit = models.DecimalField(max_digits=18, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="returns_line_quantity"),
            models.CheckConstraint(
                condition=Q(good__gte=0, bad__gte=0, scrap__gte=0) & Q(quantity__gte=F("good") + F("bad") + F("scrap")),
                name="returns_line_came",
            ),
            models.CheckConstraint(
                condition=Q(accepted__gte=0, accepted__lte=F("quantity")), name="returns_line_accepted"
            ),
        ]
