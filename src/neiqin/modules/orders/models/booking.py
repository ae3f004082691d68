"""What is invoiced, received and taken back on an order."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.orders.models.delivery import DeliveryLine, of_order
from neiqin.modules.orders.models.order import Order
from neiqin.modules.orders.states import (
    BOOKED,
    BOOKING_STATES,
)


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
        return of_order(records, batch, cls.RIGHT)


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
