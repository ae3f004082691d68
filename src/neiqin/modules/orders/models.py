"""Orders with their lines and queries, deliveries against them, and how far an order is."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, Sum

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText, subject_field
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers import states as customer_states
from neiqin.modules.customers.models import Address, Contact, Customer
from neiqin.modules.orders import amounts, money
from neiqin.modules.orders.states import (
    ASKED,
    BOOKED,
    BOOKING_STATES,
    DELIVERY_STATES,
    DRAFT,
    NEWS_STATES,
    PART_STATES,
    PROPOSAL_STATES,
    PROPOSED,
    RENEWAL_STATES,
    SHIPPED,
    STATES,
    WAITING,
    WAITS,
)

SHIP = "orders.ship"


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
        reach = Customer.objects.filter(Customer.visible_to(batch.by), pk__in={r.customer_id for r in records})
        customers = {c.pk: c for c in reach}
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
            money.price_new([(r, rows[p]) for p, r in fit.items()], OrderLine.unsaved)
        return problems | {list(fit)[p]: refusal for p, refusal in refused.items()}


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
        money.price(open_)
        for row in rows:
            row.reckon()
        return {}

    @classmethod
    def unsaved(cls, row: dict[str, Any]) -> "OrderLine":
        """A line as given, which is not written."""
        return cls(
            product_id=row["product"], item_name=row["item_name"] or "", spec=row["spec"] or "",
            unit_name=row["unit_name"] or "", quantity=row["quantity"], price=row["price"],
            tax_rate=row["tax_rate"] or "", is_gift=row["is_gift"],
        )  # fmt: skip

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


class CustomerNews(Line):
    """What a contact of the customer is to be told of an order, once a step; a person sends it. contact: its row at the
    customer; way: as the contact wished; step: what happened, and to what; text: without the link, which is made when
    it is shown."""

    STATES = NEWS_STATES
    parent = "order"

    order = models.ForeignKey(Order, models.CASCADE, related_name="news")
    contact = models.BigIntegerField()
    way = models.CharField(max_length=10)
    step = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=WAITING)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in NEWS_STATES]), name="orders_news_state"),
            models.UniqueConstraint(fields=["order", "contact", "step"], name="orders_news_once"),
        ]
        indexes = [models.Index(fields=["order"], condition=Q(state=WAITING), name="orders_news_waiting")]


class CustomerQuestion(Line):
    """What a contact asked on the order's page, and the answer shown there; under the contact's key, as it is free
    text."""

    parent = "order"

    order = models.ForeignKey(Order, models.CASCADE, related_name="questions")
    contact = models.BigIntegerField()
    subject = subject_field()
    text = PersonalText(500, "order.question")
    asked_at = models.DateTimeField()
    answer = PersonalText(500, "order.answer")
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)


def _of_order(records: Sequence[Any], batch: Any, right: str) -> dict[int, Refusal]:
    """Give each record owner, unit and name of its order; refusals where the order is out of the writer's reach."""
    seen = Order.objects.filter(Order.visible_to(batch.by), pk__in={r.order_id for r in records})
    orders, scope = {o.pk: o for o in seen}, batch.by.scope(right)
    problems = {}
    for position, record in enumerate(records):
        order = orders.get(record.order_id)
        if order is None or scope is None or not scope.covers(order.owner_id, order.unit_id):
            problems[position] = Refusal("「订单」不在你能看到的范围里，换一张。", "order")
        else:
            record.owner_id, record.unit_id, record.name = order.owner_id, order.unit_id, order.name
    return problems


class Delivery(OwnedRecord):
    """Goods on their way against an order; it belongs to whom the order belongs to."""

    STATES = DELIVERY_STATES
    LEFT_BEHIND = False

    number = models.CharField(max_length=20, default="")
    order = models.ForeignKey(Order, models.PROTECT, related_name="deliveries")
    name = models.CharField(max_length=100, default="")
    shipped_on = models.DateField(default=clock.today)
    carrier = models.CharField(max_length=40, default="", blank=True)
    waybill = models.CharField(max_length=60, default="", blank=True)
    packages = models.IntegerField(null=True)
    freight = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    signed_on = models.DateField(null=True)
    signed_by = models.CharField(max_length=40, default="", blank=True)
    difference = models.CharField(max_length=200, default="", blank=True)
    remark = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=SHIPPED)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in DELIVERY_STATES]), name="orders_delivery_state"
            ),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="orders_delivery_number"),
        ]
        indexes = scoped_indexes("delivery", "shipped_on")

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit and name of the order, which must be this person's to see."""
        return _of_order(records, batch, SHIP)


class DeliveryLine(Line):
    """How much of an order line went out."""

    parent = "delivery"

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="deliveries")
    quantity = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_delivery_quantity")]


class Booking(OwnedRecord):
    """Something that was written down about an order and can be voided; it belongs to whom the order belongs to."""

    STATES = BOOKING_STATES
    LEFT_BEHIND = False
    RIGHT: ClassVar[str]

    name = models.CharField(max_length=100, default="")
    state = models.CharField(max_length=10, default=BOOKED)

    class Meta:
        abstract = True

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit and name of the order, which must be this person's to book on."""
        return _of_order(records, batch, cls.RIGHT)


class Invoicing(Booking):
    """An invoice that was issued for an order. number: 发票号码; amount: incl. tax."""

    RIGHT = "orders.invoice"

    order = models.ForeignKey(Order, models.PROTECT, related_name="invoicings")
    number = models.CharField(max_length=20)
    issued_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_invoicing_amount"),
            models.UniqueConstraint(fields=["number"], condition=Q(state="booked"), name="orders_invoicing_number"),
        ]
        indexes = scoped_indexes("invoicing", "issued_on")

    def __str__(self) -> str:
        return f"{self.number}，{self.amount:,.2f}"


class Collection(Booking):
    """Money that came in for an order. amount: incl. tax."""

    RIGHT = "orders.collect"

    order = models.ForeignKey(Order, models.PROTECT, related_name="collections")
    number = models.CharField(max_length=20, default="")
    received_on = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    note = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_collection_amount"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="orders_collection_number"),
        ]
        indexes = scoped_indexes("collection", "received_on")

    def __str__(self) -> str:
        return f"{self.amount:,.2f}{'，' + self.note if self.note else ''}"


class Return(Booking):
    """Goods of an order's deliveries that came back."""

    RIGHT = "orders.return"

    order = models.ForeignKey(Order, models.PROTECT, related_name="returns")
    number = models.CharField(max_length=20, default="")
    returned_on = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="orders_return_number")]
        indexes = scoped_indexes("return", "returned_on")

    def __str__(self) -> str:
        return self.reason


class ReturnLine(Line):
    """How much of a delivery's line came back."""

    parent = "returned"

    returned = models.ForeignKey(Return, models.CASCADE, related_name="lines")
    delivery_line = models.ForeignKey(DeliveryLine, models.PROTECT, related_name="returns")
    quantity = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_return_quantity")]


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


def shipped_of(lines: Iterable[int]) -> dict[int, Decimal]:
    """order line -> what has gone out of it."""
    rows = DeliveryLine.objects.filter(order_line_id__in=list(lines)).exclude(delivery__state="void")
    return dict(rows.values_list("order_line_id").annotate(Sum("quantity")))


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


class Part(OwnedRecord):
    """What one department has to do for an order, counted back from its delivery date; the owner does it. name: the
    customer's. promised_on: another date the department has answered with; told_late: clerk and rep know it is late."""

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


class Renewal(models.Model):
    """That the contact, or the delivery address, an order was written with has other details now: somebody takes them
    over or leaves the order as it is (C-CUS-05). It holds none of them: they are read where they stand. what: 电话,
    姓名 or both; phone: which column; from_on: since which day they hold, if that was said. The order's events tell
    what was decided."""

    audited: ClassVar[bool] = False

    order = models.ForeignKey(Order, models.CASCADE, related_name="renewals")
    contact = models.ForeignKey(Contact, models.CASCADE, null=True, related_name="+")
    address = models.ForeignKey(Address, models.CASCADE, null=True, related_name="+")
    phone = models.CharField(max_length=10, default="mobile")
    what = models.CharField(max_length=20)
    from_on = models.DateField(null=True)
    state = models.CharField(max_length=10, default=WAITS)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RENEWAL_STATES]), name="orders_renewal_state"
            ),
            models.CheckConstraint(
                condition=Q(contact__isnull=False, address=None) | Q(contact=None, address__isnull=False),
                name="orders_renewal_of",
            ),
            models.UniqueConstraint(fields=["order"], condition=Q(state=WAITS), name="orders_renewal_once"),
        ]
