"""A customer calls and wants more: previewed, passed on, assessed, agreed, carried out; and a change left for today."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.changes import changing, departments, impact
from neiqin.modules.changes.models import ASKED, Assessment, Change
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import ALIVE

MORE = Decimal(5)


def change_one(orders: Any, clerk: Any) -> dict[str, Any]:
    """Of the newest order at full price that is with the departments five more of the first line, by everybody whose
    turn it is. What was previewed is compared with what came of it."""
    asked = Request.objects.filter(model="orders.order").values("record_id")
    waiting = orders.filter(parts__isnull=False, state__in=ALIVE, progress__shipped=0).exclude(pk__in=asked)
    order = waiting.distinct().latest("pk")
    line = OrderLine.objects.filter(order=order).order_by("pk")[0]
    change = _taken_down(order, clerk, [{"order_line": line.pk, "quantity": str(line.quantity + MORE)}], "多要 5 件")
    ahead = impact.of(change, changing.head_of(change), changing.lines_of([change.pk])[change.pk], clerk)
    said = next(words for about, _, words in ahead.aspects if about == "金额")
    rep = actor_of(change.owner_id)
    _do(changing.pass_on, [change.pk], rep)
    day = str(clock.today() + timedelta(days=2))
    for one in Assessment.objects.filter(change=change, state=ASKED).order_by("pk"):
        _do(departments.answer, [one.pk], actor_of(one.owner_id), possible_on=day, note="现货够")
    _do(changing.agree, [change.pk], clerk, means="contract", proof="年度框架合同，客户来电 10:32")
    _do(changing.apply, [change.pk], rep)
    change.refresh_from_db()
    held = f"{change.amount:,.2f} → {change.new_amount:,.2f}" in said
    return {"count": 1, "note": f"{order.number}：预览 {said}，执行后{'一致' if held else '不一致'}"}


def leave_one(clerk: Any) -> None:
    """For today: a customer wants half of it, ten days later; its rep has to look at it."""
    seen = Order.objects.filter(Order.visible_to(clerk), state__in=ALIVE, confirmed_at__isnull=False)
    order = seen.filter(progress__shipped=0, progress__invoiced=0, changes=None, customer_po="").order_by("-pk").first()
    if order is None or Change.objects.exists():
        return
    lines = OrderLine.objects.filter(order=order).order_by("pk")
    half = [{"order_line": x.pk, "quantity": str(max(x.quantity // 2, Decimal(1)))} for x in lines if x.quantity > 1]
    due = str(max(order.required_on or clock.today(), clock.today()) + timedelta(days=10))
    _taken_down(order, clerk, half, "产线停了一半，先要一半，晚十天", required_on=due)


def _taken_down(order: Order, clerk: Any, lines: Sequence[Any], reason: str, **head: str) -> Change:
    row = {"order": order.pk, "said_by": "采购来电", "reason": reason, "lines": list(lines)} | head
    outcome = perform(changing.create, by=clerk, rows=[row], source="demo")
    if outcome.refused:
        raise ValueError(f"demo data refused: {outcome.refused}")
    return Change.objects.get(pk=outcome.done[0])


def _do(verb: Any, ids: Sequence[int], by: Any, **params: Any) -> None:
    outcome = perform(verb, ids, by=by, params=params, source="demo")
    if outcome.refused or outcome.held:
        raise ValueError(f"demo data refused: {outcome}")
