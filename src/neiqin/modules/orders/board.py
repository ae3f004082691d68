"""订单看板: every open order at the place where it is, the same for all departments, renewed by itself (C-ORD-19)."""

from typing import Any

from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import site
from neiqin.modules.orders.looking import stage
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE, SUBMITTED

COLUMNS = ("待审", "待客户确认", "待分配", "已分配", "部分发货", "已发货", "挂起")
MOST, SHOWN = 1000, 20


@screen("orders.view")
def page(request: Any) -> HttpResponse:
    """The board; for htmx only what changes, asked for every few seconds."""
    seen = Order.objects.filter(Order.visible_to(request.person), state__in=(SUBMITTED, *ALIVE))
    rows = list(
        seen.select_related("progress", "owner", "assigned_to")
        .exclude(progress__signed_on__isnull=False)
        .order_by("required_on", "pk")[:MOST]
    )
    found: dict[str, list[Order]] = {name: [] for name in COLUMNS}
    for order in rows:
        found.setdefault(stage(order, getattr(order, "progress", None)), []).append(order)
    today, marks = clock.today(), site().marks("orders.order", [o.pk for o in rows])
    columns = [
        Bag(name=name, count=len(orders), more=max(len(orders) - SHOWN, 0), cards=[
            Bag(url=f"/orders/order/{o.pk}/", number=o.number, name=o.name, amount=o.amount, due=o.required_on,
                late=o.required_on is not None and o.required_on < today, who=(o.assigned_to or o.owner).name,
                marks=marks.get(o.pk, ()))
            for o in orders[:SHOWN]
        ])
        for name, orders in found.items() if orders or name in COLUMNS
    ]  # fmt: skip
    board = Bag(columns=columns, cut=len(rows) == MOST, at=clock.now())
    block = "board" if request.headers.get("HX-Request") == "true" else None
    return render(request, "orders_board.html", board, block=block)
