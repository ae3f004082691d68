"""For today: a customer has asked on its phone to give back two pieces, and its order's manager has to agree."""

from decimal import Decimal
from typing import Any

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import EXECUTING
from neiqin.modules.returns import asking
from neiqin.modules.returns.models import Ticket


def leave_one(clerk: Any) -> None:
    """Of the newest order that this clerk sees and of which two pieces of something went out."""
    seen = Order.objects.filter(Order.visible_to(clerk), state=EXECUTING, progress__shipped__gt=0).order_by("-pk")
    orders = list(seen[:20])
    lines = list(OrderLine.objects.filter(order__in=orders, price__gt=0).order_by("-order_id", "pk"))
    left = asking.left_of([x.pk for x in lines])
    line = next((x for x in lines if left[x.pk] >= Decimal(2)), None)
    if line is None or Ticket.objects.exists():
        return
    row = {
        "order": line.order_id, "kind": "refund", "reason": "broken", "party": "carrier",
        "lines": [{"order_line": line.pk, "quantity": "2"}],
    }  # fmt: skip
    outcome = perform(asking.create, by=SYSTEM, rows=[row], source="demo")
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
