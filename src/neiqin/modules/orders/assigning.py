"""Who sees to an order: by region and kind of product, as the dated table 《订单分配》 says (C-ORD-06, C-ORG-12)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Annotated

from django.db import connection
from django.db.models import Count

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Person
from neiqin.kernel.rules.decide import Decision, Undecided, decide
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import ALIVE, APPROVED, EXECUTING, SUBMITTED

ASSIGN = "orders.assign"
TOLD = Kind("orders.assigned", "订单分配", MAIL)
NOBODY = "无"
TO = Field("to", "执行负责人", "person", ref="people.person", required=True)


def proposed(orders: list[Order]) -> dict[int, list[tuple[int, str]]]:
    """order -> (person, why) of everybody whom the table names for its lines, as of the order's day; those with fewer
    open orders first. A table that cannot decide names nobody."""
    kinds: dict[int, set[str]] = defaultdict(set)
    rows = OrderLine.objects.filter(order__in=orders).values_list("order_id", "product__category__name")
    for number, kind in rows:
        kinds[number].add(kind or NOBODY)
    said: dict[int, dict[str, str]] = defaultdict(dict)
    by_day: dict[date, list[tuple[Order, str]]] = defaultdict(list)
    for order in orders:
        by_day[order.doc_date] += [(order, kind) for kind in sorted(kinds[order.pk])]
    for day, asked in by_day.items():
        for (order, kind), made in zip(asked, _decided(asked, day), strict=True):
            if made is not None and (name := str(made.outputs["person"])) != NOBODY:
                said[order.pk].setdefault(name, f"{order.region or '不限地区'}、{kind}：{made.where}")
    names = {name for found in said.values() for name in found}
    people = dict(Person.objects.filter(name__in=names, left_on=None).values_list("name", "pk"))
    load = dict(
        Order.objects.filter(assigned_to__in=people.values(), state__in=ALIVE)
        .values_list("assigned_to")
        .annotate(Count("pk"))
    )
    return {
        number: sorted(((people[n], why) for n, why in found.items() if n in people), key=lambda p: load.get(p[0], 0))
        for number, found in said.items()
    }


def _decided(asked: list[tuple[Order, str]], day: date) -> list[Decision | None]:
    """What the table of a day says of each, None where it cannot decide."""
    inputs = [(order.region or NOBODY, kind) for order, kind in asked]
    differing = list(dict.fromkeys(inputs))  # ten thousand orders are of some regions and kinds
    asking = [{"region": region, "kind": kind} for region, kind in differing]
    try:
        said: Mapping[int, Decision] = dict(enumerate(decide("order_assignment", asking, day)))
    except Undecided as error:
        said = error.decisions
    known = {one: said.get(n) for n, one in enumerate(differing)}
    return [known[one] for one in inputs]


def of_approved(happened: Happened) -> None:
    """An order for which exactly one person fits is his at once; the others wait for the clerk's choice."""
    rows = Order.objects.filter(pk__in=happened.ids, assigned_to=None).only("region", "doc_date")
    orders = list(rows.order_by("pk"))
    alone = {order: found[0] for order, found in proposed(orders).items() if len(found) == 1}
    if not alone:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_order o SET assigned_to_id = v.person, assigned_why = v.why "
            "FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS v(id, person, why) WHERE o.id = v.id",
            [list(alone), [p for p, _ in alone.values()], [why[:200] for _, why in alone.values()]],
        )
    if not happened.preview:
        _tell([(order, person) for order, (person, _) in alone.items()], happened.run)


@action(Order, "分配", may=ASSIGN, from_=(SUBMITTED, APPROVED, EXECUTING), event="assigned", icon="user-plus")
def assign(
    orders: Batch[Order],
    *,
    to: Annotated[int, TO],
    why: Annotated[str, Field("why", "原因", required=True, maxlength=200)],
) -> None:
    """By hand, with a reason; who had it before and who has it now are told."""
    if not Person.objects.filter(pk=to, left_on=None).exists():
        orders.refuse(dict.fromkeys(orders.ids, Refusal("执行负责人不存在或已离职，换一位。", "to")))
    orders.refuse({o.pk: Refusal("已经是他负责。", "to") for o in orders if o.assigned_to_id == to})
    before = [(o.pk, o.assigned_to_id) for o in orders if o.assigned_to_id]
    orders.tell({o.pk: {"reason": why, "from": o.assigned_to_id, "to": to} for o in orders})
    orders.set(assigned_to_id=to, assigned_why=f"手工：{why}"[:200])
    _tell([*before, *((o.pk, to) for o in orders)], orders.run)


def _tell(pairs: list[tuple[int, int]], run: int) -> None:
    orders = Order.objects.in_bulk({order for order, _ in pairs})
    tell_each([
        News(person, f"订单分配：{orders[order].number} {orders[order].name}", orders[order].assigned_why,
             f"/orders/order/{order}/", TOLD.name, about=("orders.order", order), run=run,
             key=f"assign-{order}-{person}-{run}")
        for order, person in pairs
    ])  # fmt: skip
