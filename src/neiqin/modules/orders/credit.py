"""Credit: what a customer owes or is about to owe, against the limit (practice.md 3.12).

Receivables, bills and advances come with settlement; until then the exposure is what is shipped and what is approved.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE

PERCENT = Decimal("0.1")


@dataclass(frozen=True)
class Exposure:
    """The terms of 3.12, all incl. tax."""

    receivable: Decimal = Decimal(0)
    shipped: Decimal = Decimal(0)
    approved: Decimal = Decimal(0)
    bills: Decimal = Decimal(0)
    advances: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.receivable + self.shipped + self.approved + self.bills - self.advances


@dataclass(frozen=True)
class Credit:
    """How a customer stands with a new order. over: beyond the limit; percent: of the limit; limit None: none is set,
    nothing is checked."""

    exposure: Decimal
    limit: Decimal | None
    temporary: Decimal = Decimal(0)

    @property
    def over(self) -> Decimal:
        return max(self.exposure - self.limit, Decimal(0)) if self.limit is not None else Decimal(0)

    @property
    def percent(self) -> Decimal:
        """By how much it is over, of the limit; 100 and more where the limit is nothing."""
        if not self.over or self.limit is None:
            return Decimal(0)
        if not self.limit:
            return Decimal(100)
        return (self.over / self.limit * 100).quantize(PERCENT, ROUND_HALF_UP)

    @property
    def locked(self) -> bool:
        """信用锁: over, and not inside a temporary limit."""
        return self.over > self.temporary


def standing(customers: Collection[int]) -> dict[int, Credit]:
    """customer -> exposure of the orders that are approved and alive, and the limit; two queries."""
    open_ = Order.objects.filter(customer_id__in=customers, state__in=ALIVE)
    sums = dict(open_.values_list("customer_id").annotate(total=Coalesce(Sum(F("amount")), Decimal(0))))
    limits: Mapping[int, Decimal | None] = dict(
        Customer.objects.filter(pk__in=customers).values_list("pk", "credit_limit")
    )
    return {pk: Credit(sums.get(pk, Decimal(0)), limits.get(pk)) for pk in customers}


def with_orders(orders: Collection[tuple[int, int, Decimal]]) -> dict[int, Credit]:
    """(order, customer, amount) in id order -> how the customer stands with it and all before it: of ten orders at once
    those that still fit go through, and the others are over."""
    known = standing({customer for _, customer, _ in orders})
    found = {}
    for order, customer, amount in sorted(orders):
        now = known[customer]
        known[customer] = found[order] = Credit(now.exposure + amount, now.limit, now.temporary)
    return found
