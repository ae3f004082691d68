"""What a customer wants: the order, its lines and doubts, how far it is, the files it came in."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.base import ModelState

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers import states as customer_states
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import amounts, money
from neiqin.modules.orders.states import (
    DRAFT,
    STATES,
)

NOT_TAKEN = "没有取。"  # how the words of a pull begin whose file could not be taken at all


class Order(OfPerson, OwnedRecord):
    """What a customer wants. It belongs to the customer's owner, never to who wrote it down (`clerk`); name: the
    customer's as it was then. amount, net, tax: sums of the lines; paper_total: what the original says. hold: why it
    stands still, "" if it does not. confirmed_*: that the customer agreed, how and with which proof."""

    STATES = STATES

    number = models.CharField(max_length=20, default="")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100, default="")
    customer_po = models.CharField(max_length=60, default="", blank=True)
    doc_date = models.DateField(default=clock.today)
    source = models.CharField(max_length=10, default="offline")
    channel = models.CharField(max_length=30, default="", blank=True)
    platform_number = models.CharField(max_length=60, default="", blank=True)
    placed_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    consignee = PersonalText(40, "order.consignee")
    consignee_phone = PersonalText(30, "order.phone")
    address = PersonalText(200, "order.address")
    region = models.CharField(max_length=20, default="", blank=True)
    required_on = models.DateField(null=True)
    settlement = models.CharField(max_length=20, default="", blank=True)
    order_discount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    freight = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    paper_total = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    remark = models.TextField(default="", blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    tax = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    clerk = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    service = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    checked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    checked_at = models.DateTimeField(null=True)
    assigned_to = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    assigned_why = models.CharField(max_length=200, default="", blank=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.CharField(max_length=10, default="", blank=True)
    confirmed_note = models.CharField(max_length=200, default="", blank=True)
    approved_at = models.DateTimeField(null=True)
    refunded = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    hold = models.CharField(max_length=100, default="", blank=True)
    revision = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=10, default=DRAFT)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="orders_order_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="orders_order_number"),
            models.UniqueConstraint(
                fields=["channel", "platform_number"], condition=~Q(platform_number=""), name="orders_order_platform"
            ),
        ]
        indexes = [
            *scoped_indexes("orders", "doc_date", "number"),
            models.Index(fields=["customer", "doc_date", "id"], name="orders_customer"),
            models.Index(fields=["service", "id"], condition=Q(service__isnull=False), name="orders_service"),
            models.Index(fields=["state", "required_on"], condition=Q(state__in=["approved", "executing"]),
                         name="orders_open"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit, name and terms from the customer, who must be in the writer's reach and in use."""
        reach = Customer.visible_to(batch.by)
        if _lent(batch.by):  # she changes orders whose customers she does not see
            reach |= Q(pk__in=cls.objects.filter(pk__in=[r.pk for r in records if r.pk]).values("customer_id"))
        asked = Customer.objects.filter(reach, pk__in={r.customer_id for r in records})
        customers = {c.pk: c for c in asked}
        problems = {}
        for position, record in enumerate(records):
            customer = customers.get(record.customer_id)
            if refusal := _unfit(customer):
                problems[position] = refusal
            elif customer is not None:
                if record.pk is None:
                    record.owner_id, record.unit_id = customer.owner_id, customer.unit_id
                    record.settlement = record.settlement or customer.settlement_method
                    record.clerk_id = batch.by.id
                record.name = customer.name
                record.region = record.region or customer.province
        fit = {p: r for p, r in enumerate(records) if p not in problems}
        refused = super().derive(list(fit.values()), batch)
        if records and records[0].pk is None:
            rows = [row["lines"] for row in batch.rows.values()]
            money.price_new([(r, rows[p]) for p, r in fit.items()], OrderLine.unsaved, customers, batch.read)
        return problems | {list(fit)[p]: refusal for p, refusal in refused.items()}


def _lent(person: Any) -> bool:
    scope = person.scope("orders.edit")
    return scope is not None and bool(scope.jobs)


def _unfit(customer: Customer | None) -> Refusal | None:
    if customer is None:
        return Refusal("「客户」不在你能看到的范围里，换一家。", "customer")
    if customer.owner_id is None:
        return Refusal(f"{customer.name}在公海里，先领取再下单。", "customer")
    if customer.state != customer_states.ACTIVE:
        return Refusal(f"{customer.name}已停用，恢复使用后再下单。", "customer")
    return None


class OrderLine(Line):
    """What is ordered. price: incl. tax of one unit; list_price: what it is measured against; price_rule: which list
    gave it, or that it was typed; off: its share of the order's discount; gross, net, tax: after that share."""

    parent = "order"

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    item_name = models.CharField(max_length=120, default="", blank=True)
    spec = models.CharField(max_length=100, default="", blank=True)
    unit_name = models.CharField(max_length=20, default="", blank=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    list_price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    price_rule = models.CharField(max_length=200, default="", blank=True)
    tax_rate = models.CharField(max_length=5, default="", blank=True)
    is_gift = models.BooleanField(default=False)
    promised_on = models.DateField(null=True)
    customer_item = models.CharField(max_length=60, default="", blank=True)
    platform_line = models.CharField(max_length=60, default="", blank=True)
    off = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    gross = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    tax = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    remark = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_line_quantity")]

    @classmethod
    def derive(cls, rows: Any, batch: Any) -> dict[int, Any]:
        """What the product says, and the price that holds for this customer on the order's day; then the money. Lines
        of new orders are priced already."""
        orders = {r.pk: r for r in batch.records}
        open_ = [(orders[row.order_id], row) for row in rows if not row.price_rule or row.pk]
        money.price(open_, read=batch.read)
        for row in rows:
            row.reckon()
        return {}

    @classmethod
    def unsaved(cls, row: dict[str, Any]) -> "OrderLine":
        """A line as given, which is not written; made without Django's walk through all columns, as files have many."""
        line = cls.__new__(cls)
        line.__dict__.update(
            _state=ModelState(), id=None, product_id=row["product"], item_name=row["item_name"] or "",
            spec=row["spec"] or "", unit_name=row["unit_name"] or "", quantity=row["quantity"], price=row["price"],
            tax_rate=row["tax_rate"] or "", is_gift=row["is_gift"], list_price=None, price_rule="",
            off=Decimal(0), gross=Decimal(0), net=Decimal(0), tax=Decimal(0),
        )  # fmt: skip
        return line

    def settle(self) -> None:
        """Priced: nothing else follows from it."""

    def reckon(self) -> None:
        """The money of the line by its quantity, price, rate and share of the discount."""
        price = Decimal(0) if self.is_gift else self.price or Decimal(0)
        split = amounts.line(self.quantity, price, Decimal(self.tax_rate), self.off)
        self.gross, self.net, self.tax = split.gross, split.net, split.tax


class Query(Line):
    """A doubt about an order that its rep is asked, and the answer (C-ORD-04)."""

    parent = "order"

    order = models.ForeignKey(Order, models.CASCADE, related_name="queries")
    text = models.CharField(max_length=300)
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=300, default="", blank=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)


class Progress(models.Model):
    """How far an order is, reckoned from what is written down about it by effects in a row of its own, so that no open
    form goes stale. shipped, invoiced, collected: percent; returned: percent of what was shipped;
    signed_on: when the last of it was signed for;
    contacted_at: when somebody last spoke with the customer about it; links: how often the links to its page were
    renewed."""

    audited: ClassVar[bool] = False

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="progress")
    shipped = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    invoiced = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    collected = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    returned = models.DecimalField(max_digits=5, decimal_places=1, default=0)
    shipped_on = models.DateField(null=True)
    signed_on = models.DateField(null=True)
    contacted_at = models.DateTimeField(null=True)
    links = models.SmallIntegerField(default=0)


class Pull(models.Model):
    """A platform file that was taken in, by whom, and what became of it; file: the workbook of what was left out."""

    audited: ClassVar[bool] = False

    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=200)
    at = models.DateTimeField()
    words = models.TextField()
    problems = models.JSONField(default=list)
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["person", "-id"], name="orders_pull_mine")]

    @property
    def taken(self) -> bool:
        """Was it a file that could be read?"""
        return not self.words.startswith(NOT_TAKEN)
