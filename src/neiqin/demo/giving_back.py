"""Returns of the demo: one taken through all its steps in the morning, and one for a manager to decide on today."""

from decimal import Decimal
from typing import Any

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Task
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import EXECUTING
from neiqin.modules.returns import asking, inspecting
from neiqin.modules.returns.models import Ticket


def give_one_back(orders: Any, clerk: Any, keeper: Any) -> dict[str, Any]:
    """Of the newest order that has gone out one piece of its first line: taken down, agreed to, inspected, settled."""
    order = orders.filter(state=EXECUTING, progress__shipped__gt=0).latest("pk")
    line = OrderLine.objects.filter(order=order).order_by("pk")[0]
    row = {"order": order.pk, "kind": "refund", "reason": "customer",
           "lines": [{"order_line": line.pk, "quantity": "1"}]}  # fmt: skip
    ticket = _done(perform(asking.create, by=clerk, rows=[row], source="demo"))
    while (
        task := Task.objects.filter(request__model=asking.KEY, request__record_id=ticket, state="open").first()
    ) is not None:
        _done(perform(approvals.agree, [task.request_id], by=actor_of(task.person_id), params={"opinion": "同意"},
                      source="demo"))  # fmt: skip
    found = [{"order_line": line.pk, "good": "1"}]
    _done(perform(inspecting.inspect, [ticket], by=keeper, rows=[{"lines": found}], source="demo"))
    _done(perform(inspecting.settle, [ticket], by=clerk, params={"invoice_way": "reduced"}, source="demo"))
    one = Ticket.objects.get(pk=ticket)
    return {"count": 1, "note": f"{one.number}：{line.item_name} 1{line.unit_name}，退 {one.credit:,.2f} 元"}


def _done(outcome: Any) -> int:
    if outcome.refused or not outcome.done:
        raise ValueError(f"demo data refused: {outcome}")
    return int(outcome.done[0])


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
