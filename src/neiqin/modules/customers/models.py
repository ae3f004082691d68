"""Customer files: the customer with its contacts, delivery addresses, invoice profiles, licences and former names."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Greatest

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.formats import company_name_key, initials, pinyin_key
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import OfPerson, PersonalText, open_columns, subject_field
from neiqin.modules.customers import fields, quality, states


class Customer(OwnedRecord):
    """A prospective or existing customer. `name_key` is the name as duplicates are compared; completeness, late and
    licence_until are computed (quality.py). Without an owner it is in the public pool of its unit."""

    STATES = states.STATES
    effective_on: ClassVar[None] = None  # a form of a change begins empty: fields.EFFECTIVE is said of the change

    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)  # type: ignore[assignment]
    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=100)
    name_key = models.CharField(max_length=100, default="")
    pinyin = models.CharField(max_length=300, default="")
    mnemonic = models.CharField(max_length=100, default="")
    short_name = models.CharField(max_length=40, default="")
    uscc = models.CharField(max_length=20, default="")
    level = models.CharField(max_length=10, default=fields.PROSPECT)
    kind = models.CharField(max_length=20, default="")
    industry = models.CharField(max_length=40, default="")
    size_band = models.CharField(max_length=10, default="")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=20, default="")
    referrer = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    obtained_on = models.DateField(default=clock.today)
    late = models.BooleanField(default=False)
    entered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    province = models.CharField(max_length=20, default="")
    city = models.CharField(max_length=30, default="")
    district = models.CharField(max_length=30, default="")
    address = models.CharField(max_length=200, default="")
    business_scope = models.TextField(default="")
    varieties = models.TextField(default="")
    intention = models.TextField(default="")
    remark = models.TextField(default="")
    settlement_method = models.CharField(max_length=20, default="")
    price_level = models.CharField(max_length=10, default="")
    credit_limit = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    credit_days = models.IntegerField(null=True)
    statement_day = models.IntegerField(null=True)
    completeness = models.SmallIntegerField(default=0)
    reviewed_on = models.DateField(default=clock.today)
    licence_until = models.DateField(null=True)
    state = models.CharField(max_length=10, default=states.ACTIVE)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in states.STATES]), name="customers_customer_state"
            ),
            models.CheckConstraint(
                condition=Q(level__in=[c.value for c in fields.LEVELS]), name="customers_customer_level"
            ),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="customers_customer_number"),
            models.UniqueConstraint(fields=["uscc"], condition=~Q(uscc=""), name="customers_customer_uscc"),
        ]
        indexes = [
            models.Index(fields=["name_key"], name="customers_name_key"),
            *scoped_indexes("customers", "updated_at", "pinyin", "number"),
            models.Index(fields=["updated_at", "id"], condition=Q(owner=None), name="customers_pool"),
            models.Index(fields=["unit", "updated_at", "id"], condition=Q(owner=None), name="customers_pool_unit"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        for record in records:
            record.name_key = company_name_key(record.name)[:100]
            record.pinyin = pinyin_key(record.name)[:300]
            record.mnemonic = initials(record.name)[:100]
        new = [record for record in records if record.pk is None]
        return super().derive(records, batch) | quality.begin(new, batch)


class Contact(OfPerson, Line):
    """A person at the customer. Name, phones, WeChat and mail are personal columns under the contact's own key."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    name = PersonalText(40, "contact.name")
    title = models.CharField(max_length=40, default="")
    mobile = PersonalText(20, "contact.mobile")
    phone = PersonalText(30, "contact.phone")
    wechat = PersonalText(60, "contact.wechat")
    email = PersonalText(100, "contact.email")
    qq = PersonalText(20, "contact.qq")
    department = models.CharField(max_length=40, default="")
    decides = models.BooleanField(default=False)
    receives_goods = models.BooleanField(default=False)
    receives_invoices = models.BooleanField(default=False)
    receives_statements = models.BooleanField(default=False)
    order_news = models.CharField(max_length=10, default="")
    consent_basis = models.CharField(max_length=20, default="")
    consent_on = models.DateField(null=True)
    left = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["subject"], name="customers_contact_subject")]

    @classmethod
    def subjects(cls, customers: Collection[int]) -> dict[tuple[int, str | None], UUID]:
        """(customer, name) -> whose key it is, of the contacts of these customers; two queries."""
        rows = list(cls.objects.filter(customer__in=customers, erased_at=None).order_by("-id")) if customers else []
        texts = open_columns(rows, ["name"])
        return {(r.customer_id, t["name"]): r.subject for r, t in zip(rows, texts, strict=True)}


class Address(OfPerson, Line):
    """Where a customer wants goods."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    consignee = PersonalText(40, "address.consignee")
    mobile = PersonalText(20, "address.mobile")
    region = models.CharField(max_length=60, default="")
    street = models.CharField(max_length=200)
    is_default = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["subject"], name="customers_address_subject")]


class InvoiceProfile(Line):
    """What stands on the invoices to a customer. A tax number of another length than 18 is an old one."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="invoices")
    title = models.CharField(max_length=100)
    tax_no = models.CharField(max_length=30, default="")
    address = models.CharField(max_length=200, default="")
    phone = models.CharField(max_length=30, default="")
    bank = models.CharField(max_length=100, default="")
    account = models.CharField(max_length=40, default="")
    email = models.CharField(max_length=100, default="")
    is_default = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["phone"], condition=~Q(phone=""), name="customers_invoice_phone")]


class Licence(Line):
    """A certificate of a customer: until a day, or permanent. Its scan is an attachment of the customer."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="licences")
    kind = models.CharField(max_length=20)
    number = models.CharField(max_length=60)
    issuer = models.CharField(max_length=100, default="")
    expires_on = models.DateField(null=True)
    permanent = models.BooleanField(default=False)

    @classmethod
    def derive(cls, rows: Any, batch: Any) -> dict[int, Any]:
        for row in rows:
            row.permanent = row.permanent and row.expires_on is None
        return super().derive(rows, batch)


class Alias(Line):
    """A former name: renaming keeps it, typing it finds the customer."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=100)
    until_on = models.DateField(null=True)


LATE = timedelta(days=3)
HEADLINE = 60


class FollowUp(OwnedRecord):
    """One contact with a customer, as it was. It belongs to whom the customer belongs to, never to its writer, and
    moves with the customer. subject: of the customer's contact so named, so that both go at once.
    late: written down more than three days afterwards (补录)."""

    LEFT_BEHIND = False

    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)  # type: ignore[assignment]
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="followups", db_index=False)
    subject = subject_field()
    contact = PersonalText(40, "followup.contact")
    way = models.CharField(max_length=10)
    happened_at = models.DateTimeField()
    content = models.TextField()
    headline = models.CharField(max_length=HEADLINE, default="")
    result = models.CharField(max_length=200, default="")
    next_on = models.DateField(null=True)
    next_what = models.CharField(max_length=100, default="")
    author = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    late = models.BooleanField(default=False)

    class Meta:
        verbose_name = "跟进记录"
        indexes = [
            models.Index(fields=["customer", "happened_at", "id"], name="followup_customer"),
            models.Index(fields=["subject"], name="followup_subject"),
            *scoped_indexes("followup", "happened_at"),
        ]

    def __str__(self) -> str:
        return self.headline

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Owner and unit of the customer, who must be in the writer's reach and is locked, so that a hand-over at the
        same moment takes this follow-up along or is seen by it."""
        reach = Customer.objects.filter(Customer.visible_to(batch.by, "customers.follow"))
        rows = reach.filter(pk__in={r.customer_id for r in records}).order_by("pk")
        if connection.in_atomic_block:
            rows = rows.select_for_update(no_key=True, of=("self",))
        customers = {c.pk: c for c in rows}
        said = [row["contact"] for row in batch.rows.values()] if records and records[0].pk is None else []
        known = Contact.subjects({r.customer_id for r, name in zip(records, said, strict=False) if name})
        for record, name in zip(records, said, strict=False):
            record.subject = known.get((record.customer_id, name), record.subject)
        problems = {}
        for position, record in enumerate(records):
            customer = customers.get(record.customer_id)
            if customer is not None:
                record.owner_id, record.unit_id = customer.owner_id, customer.unit_id
            record.author_id = record.author_id or batch.by.id
            record.headline = record.content.split("\n")[0][:HEADLINE]
            record.late = record.created_at - record.happened_at > LATE
            if refusal := record.unfit(customer, batch.now):
                problems[position] = refusal
        return problems

    def unfit(self, customer: Customer | None, now: Any) -> Refusal | None:
        """Why it cannot stand like this; `customer`: hers as the writer may see it."""
        if customer is None:
            return Refusal("「客户」不在你能跟进的范围里，换一家。", "customer")
        if customer.owner_id is None:
            return Refusal(f"{customer.name}在公海里，先领取再跟进。", "customer")
        if self.author_id is None:
            return Refusal("「跟进人」没有填，选一位。", "author")
        if self.happened_at > now + timedelta(minutes=5):
            return Refusal("「跟进时间」还没到。写已经发生的，要做的写到下次跟进。", "happened_at")
        if self.next_on is not None and self.next_on < self.happened_at.date():
            return Refusal("「下次跟进」比这次还早，改晚一些。", "next_on")
        return None


class Standing(models.Model):
    """Where a customer stands, reckoned from its follow-ups and its owner by effects, in a row of its own so that no
    open form goes stale. owner: the present one, in the pool the last; quiet_since: since when nothing has happened."""

    audited: ClassVar[bool] = False

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="standing")
    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    owned_since = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)
    quiet_since = models.GeneratedField(
        expression=Greatest("owned_since", "followed_at"), output_field=models.DateTimeField(), db_persist=True
    )
    next_on = models.DateField(null=True)
    next_what = models.CharField(max_length=100, default="")
    dealt_on = models.DateField(null=True)
    pooled_at = models.DateTimeField(null=True)
    pooled_why = models.CharField(max_length=100, default="")

    class Meta:
        indexes = [
            models.Index(fields=["owner", "next_on"], condition=Q(pooled_at=None), name="customers_standing_next"),
        ]


class InPool(models.Manager[Any]):
    def get_queryset(self) -> Any:
        return super().get_queryset().filter(owner=None, state=states.ACTIVE)


class Pooled(Customer):
    """A customer in the public pool (公海), for those who may claim: no owner, and seen through its unit alone."""

    VIEW: ClassVar[str] = "customers.claim"
    ABSENT: ClassVar[str] = "已经不在公海里：刚被别人领走，或不在你能看到的公海里。"

    objects: ClassVar[models.Manager[Any]] = InPool()

    class Meta:
        proxy = True

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """As for any customer, but the owner named only says whose unit's pool it is."""
        problems = super().derive(records, batch)
        for record in records:
            record.owner_id = None
        return problems


class PoolUse(models.Model):
    """That a person claimed a customer, or looked at one in the pool, on a day: what the caps by day count."""

    audited: ClassVar[bool] = False

    person = models.ForeignKey(Person, models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    what = models.CharField(max_length=5)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "day", "what", "customer"], name="customers_pooluse_once")
        ]


class PoolNight(models.Model):
    """A day whose nightly run is done, and how many fell into the pool."""

    audited: ClassVar[bool] = False

    day = models.DateField(primary_key=True)
    fell = models.IntegerField()
    done_at = models.DateTimeField()
