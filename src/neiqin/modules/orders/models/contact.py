"""What passes between an order and the customer's contacts: notices, questions, new telephone numbers."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.people.models import Person
from neiqin.kernel.personal.columns import PersonalText, subject_field
from neiqin.modules.customers.models import Address, Contact
from neiqin.modules.orders.models.order import Order
from neiqin.modules.orders.states import (
    NEWS_STATES,
    RENEWAL_STATES,
    WAITING,
    WAITS,
)


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
