"""Customer files: customer, contact, delivery address (practice.md 2.2)."""

from typing import Any

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.formats import company_name_key, initials, pinyin_key
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import PersonalText, subject_field
from neiqin.modules.customers import fields, states


class Customer(OwnedRecord):
    """A prospective or existing customer. `name_key` is the name as duplicates are compared."""

    STATES = states.STATES

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
    source = models.CharField(max_length=20, default="")
    province = models.CharField(max_length=20, default="")
    city = models.CharField(max_length=30, default="")
    address = models.CharField(max_length=200, default="")
    business_scope = models.TextField(default="")
    intention = models.TextField(default="")
    remark = models.TextField(default="")
    credit_limit = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    credit_days = models.IntegerField(null=True)
    statement_day = models.IntegerField(null=True)
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
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        for record in records:
            record.name_key = company_name_key(record.name)[:100]
            record.pinyin = pinyin_key(record.name)[:300]
            record.mnemonic = initials(record.name)[:100]
        return super().derive(records, batch)


class Contact(Line):
    """A person at the customer. Phones, WeChat and mail are personal columns under the contact's own key."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="contacts")
    subject = subject_field()
    name = models.CharField(max_length=40)
    title = models.CharField(max_length=40, default="")
    mobile = PersonalText(20, "contact.mobile")
    phone = PersonalText(30, "contact.phone")
    wechat = PersonalText(60, "contact.wechat")
    email = PersonalText(100, "contact.email")
    decides = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["subject"], name="customers_contact_subject")]


class Address(Line):
    """Where a customer wants goods."""

    parent = "customer"

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="addresses")
    subject = subject_field()
    consignee = models.CharField(max_length=40, default="")
    mobile = PersonalText(20, "address.mobile")
    region = models.CharField(max_length=60, default="")
    street = models.CharField(max_length=200)
