"""What is offered to a customer: quotes in versions, their lines, what of them became orders, templates (C-LEAD-10)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals.models import OPEN, Request
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.people.models import Named, Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers import states as customer_states
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import amounts, money
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.quotes.states import DRAFT, EXPIRED, PENDING, SENT, STATES

FACTOR = Decimal("0.0001")
PRICE = Decimal("0.0001")  # to which a price is rounded that follows from the list price


class Terms(models.Model):
    """On which terms goods are offered. freight_by: who bears the freight; order_discount: off the whole of it."""

    settlement = models.CharField(max_length=20, default="", blank=True)
    place = models.CharField(max_length=100, default="", blank=True)
    freight_by = models.CharField(max_length=10, default="us")
    warranty = models.CharField(max_length=100, default="", blank=True)
    remark = models.TextField(default="", blank=True)

    class Meta:
        abstract = True


class Offered(Line):
    """A line as it is offered. price: incl. tax of one unit; factor: of the list price (0.95 is 95 折); days: from the
    order to the delivery."""

    product = models.ForeignKey(Product, models.PROTECT, null=True, related_name="+")
    item_name = models.CharField(max_length=120, default="", blank=True)
    spec = models.CharField(max_length=100, default="", blank=True)
    unit_name = models.CharField(max_length=20, default="", blank=True)
    quantity = models.DecimalField(max_digits=20, decimal_places=6)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    factor = models.DecimalField(max_digits=8, decimal_places=4, null=True)
    tax_rate = models.CharField(max_length=5, default="", blank=True)
    days = models.SmallIntegerField(null=True)
    remark = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        abstract = True


class Staged(models.Manager["Quote"]):
    """Quotes with the stage that people see: an open approval and the day are asked for each time."""

    def get_queryset(self) -> Any:
        asked = Request.objects.filter(model="quotes.quote", record_id=OuterRef("pk"), state=OPEN)
        stage = Case(
            When(state=SENT, valid_until__lt=clock.today(), then=Value(EXPIRED)),
            When(Q(state=DRAFT) & Exists(asked), then=Value(PENDING)),
            default=F("state"),
            output_field=models.CharField(),
        )
        return super().get_queryset().annotate(stage=stage)


class Quote(OfPerson, Terms, OwnedRecord):
    """One version of an offer. It belongs to the customer's owner; name: the customer's as it was then. first: its
    first version, None if it is that one; edition: which version it is. Once sent it never changes again but for what
    became of it; answered_*: what the customer said, how and in which words."""

    STATES = STATES

    number = models.CharField(max_length=30, default="")
    first = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)
    edition = models.SmallIntegerField(default=1)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100, default="")
    contact = PersonalText(40, "quote.contact")
    contact_phone = PersonalText(30, "quote.phone")
    doc_date = models.DateField(default=clock.today)
    valid_until = models.DateField()
    order_discount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    freight = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    tax = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    clerk = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=10, default="", blank=True)
    answered_note = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=DRAFT)

    objects = Staged()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="quotes_quote_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="quotes_quote_number"),
            models.UniqueConstraint(fields=["first", "edition"], name="quotes_quote_edition"),
            models.CheckConstraint(
                condition=Q(first=None, edition=1) | Q(first__isnull=False, edition__gt=1), name="quotes_quote_first"
            ),
            models.CheckConstraint(condition=Q(valid_until__gte=F("doc_date")), name="quotes_quote_span"),
        ]
        indexes = [
            *scoped_indexes("quotes", "doc_date", "number"),
            models.Index(fields=["customer", "doc_date", "id"], name="quotes_customer"),
            models.Index(fields=["owner", "valid_until"], condition=Q(state="sent"), name="quotes_ending"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @property
    def over(self) -> bool:
        """Has its last day passed? Its last day is a day on which it holds."""
        return self.valid_until < clock.today()

    @property
    def head(self) -> int:
        """The id of its first version."""
        return self.first_id or self.pk

    # As the pricing of orders asks: quotes have no platform, and the customer's province.
    channel: ClassVar[str] = ""

    @property
    def region(self) -> str:
        return self.customer.province

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner, unit, name and terms from the customer, who must be in the writer's reach and in use."""
        reach = Customer.objects.filter(Customer.visible_to(batch.by), pk__in={r.customer_id for r in records})
        customers = {c.pk: c for c in reach}
        problems = {p: refusal for p, r in enumerate(records) if (refusal := _unfit(r, customers.get(r.customer_id)))}
        fit = {p: r for p, r in enumerate(records) if p not in problems}
        for record in fit.values():
            customer = record.customer = customers[record.customer_id]
            if record.pk is None:
                record.owner_id, record.unit_id = customer.owner_id, customer.unit_id
                record.settlement = record.settlement or customer.settlement_method
                record.clerk_id = batch.by.id
            record.name = customer.name
        refused = super().derive(list(fit.values()), batch)
        if records and records[0].pk is None:
            rows = [row["lines"] for row in batch.rows.values()]
            money.price_new(
                [(r, rows[p]) for p, r in fit.items()], QuoteLine.unsaved, customers, batch.read, QuoteLine.PRICED
            )
        return problems | {list(fit)[p]: refusal for p, refusal in refused.items()}


def _unfit(quote: Quote, customer: Customer | None) -> Refusal | None:
    if customer is None:
        return Refusal("「客户」不在你能看到的范围里，换一家。", "customer")
    if customer.owner_id is None:
        return Refusal(f"{customer.name}在公海里，先领取再报价。", "customer")
    if customer.state != customer_states.ACTIVE:
        return Refusal(f"{customer.name}已停用，恢复使用后再报价。", "customer")
    if quote.valid_until < quote.doc_date:
        return Refusal(f"「有效期至」早于报价日期 {quote.doc_date}，改其中一个。", "valid_until")
    return None


class QuoteLine(Offered):
    """list_price: what the price is measured against; price_rule: which list gave it, or that it was typed; off: its
    share of the whole discount; gross, net, tax: after that share."""

    parent = "quote"
    PRICED: ClassVar[tuple[str, ...]] = (*money.PRICED, "factor")
    is_gift: ClassVar[bool] = False  # as the pricing of orders asks
    by_factor = False  # no price was given

    quote = models.ForeignKey(Quote, models.CASCADE, related_name="lines")
    list_price = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    price_rule = models.CharField(max_length=200, default="", blank=True)
    off = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    gross = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    net = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    tax = models.DecimalField(max_digits=18, decimal_places=2, default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="quotes_line_quantity")]

    @classmethod
    def derive(cls, rows: Any, batch: Any) -> dict[int, Any]:
        """What the product says, and the price that holds for this customer on the quote's day; then the money. Lines
        of new quotes are priced already."""
        quotes = {r.pk: r for r in batch.records}
        open_ = [(quotes[row.quote_id], row) for row in rows if not row.price_rule or row.pk]
        for _, row in open_:
            row.by_factor = row.price is None
        money.price(open_)
        for row in rows:
            row.reckon()
        return {}

    @classmethod
    def unsaved(cls, row: dict[str, Any]) -> "QuoteLine":
        """A line as given, which is not written."""
        made = cls(
            product_id=row["product"], item_name=row["item_name"] or "", spec=row["spec"] or "",
            unit_name=row["unit_name"] or "", quantity=row["quantity"], price=row["price"],
            factor=row.get("factor"), tax_rate=row["tax_rate"] or "",
        )  # fmt: skip
        made.by_factor = made.price is None
        return made

    @property
    def said(self) -> str:
        """The price as customers read it: all its places, two at least."""
        whole, _, places = plain(self.price or Decimal(0)).partition(".")
        return f"{whole}.{places:0<2}"

    def settle(self) -> None:
        """Where no price was given, the factor that was makes it from the list price; else the price makes the
        factor."""
        if self.by_factor and self.factor is not None and self.list_price is not None:
            self.price = (self.list_price * self.factor).quantize(PRICE, ROUND_HALF_UP)
            self.price_rule = f"标准价 {plain(self.list_price)} × {plain(self.factor)}"
        if self.list_price and self.price is not None:
            self.factor = (self.price / self.list_price).quantize(FACTOR, ROUND_HALF_UP)
        else:
            self.factor = None

    def reckon(self) -> None:
        """The money of the line by its quantity, price, rate and share of the discount."""
        split = amounts.line(self.quantity, self.price or Decimal(0), Decimal(self.tax_rate), self.off)
        self.gross, self.net, self.tax = split.gross, split.net, split.tax


class Pushed(Line):
    """A line of a quote that became a line of an order (下推). Where that is deleted, nothing became of it."""

    parent = "quote"

    quote = models.ForeignKey(Quote, models.PROTECT, related_name="pushed")
    quote_line = models.ForeignKey(QuoteLine, models.PROTECT, related_name="pushed")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    order_line = models.OneToOneField(OrderLine, models.CASCADE, related_name="+")


class Template(Terms, Named):
    """What quotes begin with: lines without a customer. valid_days: how long a quote made of it holds."""

    VIEW: ClassVar[str] = "quotes.view"
    STATES: ClassVar[tuple[Choice, ...]] = ()

    valid_days = models.SmallIntegerField(default=30)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="quotes_template_name")]
        indexes = [models.Index(fields=["pinyin", "id"], name="quotes_template_pinyin")]


class TemplateLine(Offered):
    """A line that quotes begin with; without a price it is the price list's."""

    parent = "template"

    template = models.ForeignKey(Template, models.CASCADE, related_name="lines")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="quotes_templateline_quantity")]
