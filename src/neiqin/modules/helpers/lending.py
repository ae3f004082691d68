"""What a loan opens: exactly its job's orders, with their parts and deliveries, between its dates (C-ORG-07)."""

from datetime import date
from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Concat

from neiqin.kernel.people.actors import units_below
from neiqin.kernel.people.lending import Lending, within
from neiqin.kernel.people.lending import Loan as InForce
from neiqin.kernel.people.scope import Scope
from neiqin.modules.catalog.pricing import PROMOTED
from neiqin.modules.helpers.models import AGREED, RIGHTS, Loan
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.promotions.models import Promotion

Job = tuple[Any, ...]
PROMOTION, ORDER, BACKLOG = "promotion", "order", "backlog"


def in_force(day: date, person: int | None) -> list[InForce]:
    """The loans that hold on a day, of a person or of everybody; one query if there are none."""
    rows = Loan.objects.filter(
        state=AGREED, from_on__lte=day, until_on__gte=day, helper__left_on=None, owner__left_on=None
    )
    found = list((rows.filter(helper=person) if person is not None else rows).select_related("helper").order_by("pk"))
    below = units_below() if any(one.of_unit_id for one in found) else {}
    return [
        InForce(job_of(x, below), x.helper_id, x.helper.name, x.owner_id, RIGHTS[x.work], x.until_on, x.name)
        for x in found
    ]


def job_of(loan: Loan, below: dict[int, frozenset[int]]) -> Job:
    """Which one of the three it is. below: unit -> itself and those below it."""
    if loan.promotion_id:
        return PROMOTION, loan.promotion_id
    if loan.order_id:
        return ORDER, loan.order_id
    return BACKLOG, below.get(loan.of_unit_id or 0, frozenset()), loan.backlog


def orders_of(job: Job, reach: Scope) -> Q:
    """The job's orders that its asker reaches. A promotion's are those with a line at its price."""
    match job:
        case (str(kind), int(pk)) if kind == PROMOTION:
            one: Any = Promotion.objects.filter(pk=pk)
            price = Concat(Value(PROMOTED), one.values("price_list__name")[:1], Value("》"))
            priced = OrderLine.objects.filter(
                order__doc_date__gte=one.values("from_on")[:1], order__doc_date__lte=one.values("until_on")[:1],
                price_rule__startswith=price,
            )  # fmt: skip
            of_job = Q(pk__in=priced.values("order_id"))
        case (str(kind), int(pk)) if kind == ORDER:
            of_job = Q(pk=pk)
        case (_, units, state):
            of_job = Q(unit_id__in=sorted(units), state=state)
        case _:
            raise ValueError(job)
    return of_job & within(reach)


def hanging_on(job: Job, reach: Scope) -> Q:
    """What hangs on the job's orders."""
    return Q(order__in=Order.objects.filter(orders_of(job, reach)).order_by().values("pk"))


LENDING = Lending(
    "helpers", in_force, {"orders.order": orders_of, "orders.part": hanging_on, "orders.delivery": hanging_on}
)
