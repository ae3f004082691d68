"""用量与价位 on a customer's page: what it has had delivered, told by the deliveries themselves (C-CUS-06)."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import F, Max, Sum

from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.modules.customers import fields as customers
from neiqin.modules.customers.moving import take_along
from neiqin.modules.orders.models import DeliveryLine, OrderLine
from neiqin.modules.orders.states import VOID

# The day a customer was last sold to, which the rules of the pool ask for; orders of the past never take it back.
_DEALT = """
UPDATE customers_standing s SET dealt_on = greatest(s.dealt_on, o.latest)
FROM (SELECT customer_id, max(doc_date) AS latest FROM orders_order WHERE id = ANY(%s) GROUP BY customer_id) o
WHERE s.customer_id = o.customer_id
"""
_LOCKED = """
SELECT id FROM customers_customer WHERE id IN (SELECT customer_id FROM orders_order WHERE id = ANY(%s))
ORDER BY id FOR NO KEY UPDATE
"""


def locked_customers(orders: Sequence[int]) -> list[int]:
    """The customers of orders, for what is counted over all orders of each: of two orders of a customer that are
    approved or confirmed at once, the second waits here and then sees the first."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, [list(orders)])
        return [row[0] for row in cursor.fetchall()]


def of_approved(happened: Happened) -> None:
    """A customer whose order is taken into execution has dealt."""
    with connection.cursor() as cursor:
        cursor.execute(_DEALT, [happened.ids])


def of_merged(happened: Happened) -> None:
    """What was ordered under the file that went is part of the other's history now; whose order it is stays."""
    take_along(happened, "orders_order")


COLUMNS = (
    Field("item", "品名"), Field("spec", "规格型号"), Field("quantity", "累计数量", "quantity"), Field("unit", "单位"),
    Field("last", "最近单价", "money"), Field("mean", "平均单价", "money"), Field("when", "最近发货", "date"),
    Field("settlement", "结算方式"),
)  # fmt: skip
MOST = 100


def panel(record: Any, person: Any) -> Bag | None:
    """What was delivered, by product: how much, at which last and average price, and how it is settled."""
    if not person.may(customers.PREFERENCES) or not person.may("orders.view") or person.only_lent("orders.view"):
        return None
    goods = DeliveryLine.objects.filter(delivery__order__customer_id=record.pk, order_line__is_gift=False)
    rows = (
        goods.exclude(delivery__state=VOID)
        .values(item=F("order_line__item_name"), spec=F("order_line__spec"), unit=F("order_line__unit_name"))
        .annotate(
            total=Sum("quantity"), worth=Sum(F("quantity") * F("order_line__gross") / F("order_line__quantity")),
            when=Max("delivery__shipped_on"), line=Max("order_line_id"),
        )
        .order_by("-worth")
    )  # fmt: skip
    found = list(rows[:MOST])
    last = dict(
        OrderLine.objects.filter(pk__in=[r["line"] for r in found]).values_list("pk", F("gross") / F("quantity"))
    )
    method = label_of(customers.SETTLEMENTS, record.settlement_method)
    method = method if person.may(customers.CREDIT) else ""
    cells = [
        [r["item"], r["spec"], r["total"], r["unit"], last[r["line"]], r["worth"] / r["total"], r["when"], method]
        for r in found
    ]
    empty = "还没有发过货。发货以后这里有品种、数量和价位。"
    return panels.table("trade", "用量与价位", COLUMNS, map(panels.line, cells), empty=empty)
