"""Goods on their way against orders."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q, Sum

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people.lending import lent
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.orders.models.order import Order, OrderLine
from neiqin.modules.orders.states import (
    DELIVERY_STATES,
    SHIPPED,
)
from neiqin.modules.stock.models import Warehouse

SHIP = "orders.ship"


def of_order(records: Sequence[Any], batch: Any, right: str) -> dict[int, Refusal]:
    """Give each record owner, unit and name of its order; refusals where the order is out of the writer's reach."""
    seen = Order.objects.filter(Order.visible_to(batch.by), pk__in={r.order_id for r in records})
    orders, scope = {o.pk: o for o in seen}, batch.by.scope(right)
    problems = {}
    for position, record in enumerate(records):
        order = orders.get(record.order_id)
        if order is None or scope is None or not (scope.covers(order.owner_id, order.unit_id) or lent(order, scope)):
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
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, null=True, related_name="+")
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
        return of_order(records, batch, SHIP)


class DeliveryLine(Line):
    """How much of an order line went out."""

    parent = "delivery"

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, models.PROTECT, related_name="deliveries")
    quantity = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_delivery_quantity")]


def shipped_of(lines: Iterable[int]) -> dict[int, Decimal]:
    """order line -> what has gone out of it."""
    rows = DeliveryLine.objects.filter(order_line_id__in=list(lines)).exclude(delivery__state="void")
    return dict(rows.values_list("order_line_id").annotate(Sum("quantity")))
