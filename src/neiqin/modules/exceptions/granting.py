"""Compensation: who may grant how much of an order's amount, and where a larger one goes (C-ORD-17).

The table 《异常预案》 says how far a clerk and a manager decide. What is above one's own authority is held at the gate
and goes the way that 《审批路线》 gives the next one up, with that request's clock; without such a row the action
refuses. Granted is always the whole of an exception, and what the order's other exceptions have got counts too: a large
sum in small portions is a large sum.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from django.db.models import Sum

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import Action, action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.approvals.declare import Asks
from neiqin.kernel.approvals.models import DONE, Request
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.modules.exceptions import exceptions, plans
from neiqin.modules.exceptions.exceptions import KEY
from neiqin.modules.exceptions.models import OPEN, OrderException
from neiqin.modules.orders.models import Order

CLERK, MANAGER, DIRECTOR = "exceptions.grant", "exceptions.grant_more", "exceptions.grant_most"
NAME = "异常·批赔付"
BY_MANAGER, BY_DIRECTOR = "销售经理", "销售总监"  # 类型 in 《审批路线》: whose decision it is


class Case(NamedTuple):
    """A compensation as it would be. total: of the order with it, yuan; amount: the order's; plan: None without one."""

    total: Decimal
    amount: Decimal
    plan: plans.Plan | None
    problem: str

    @property
    def percent(self) -> Decimal:
        """Of the order's amount."""
        return (self.total * 100 / self.amount).quantize(Decimal("0.01")) if self.amount else Decimal(0)

    def within(self, limit: Decimal | None) -> bool:
        """Is it no more than so many percent? None has no limit."""
        return limit is None or self.total * 100 <= limit * self.amount

    def limit_of(self, by: Any) -> Decimal | None:
        """Up to which percent this person decides, None for any."""
        if by.may(DIRECTOR):
            return None
        if self.plan is None:
            return Decimal(0)
        return self.plan.manager if by.may(MANAGER) else self.plan.clerk

    @property
    def decides(self) -> str:
        """Who does, of those above a clerk."""
        return BY_MANAGER if self.plan is not None and self.within(self.plan.manager) else BY_DIRECTOR


def cases(amounts: Mapping[int, Decimal]) -> dict[int, Case]:
    """exception -> its case with this compensation; three queries for any number."""
    found = list(OrderException.objects.filter(pk__in=amounts).select_related("order"))
    others = OrderException.objects.filter(order__in=[e.order_id for e in found]).exclude(pk__in=amounts)
    totals = dict(others.values_list("order_id").annotate(Sum("compensation")))
    for one in found:
        totals[one.order_id] = totals.get(one.order_id, Decimal(0)) + amounts[one.pk]
    known, problems = plans.planned({e.pk: (e.kind, e.level) for e in found})
    return {e.pk: Case(totals[e.order_id], e.order.amount, known.get(e.pk), problems.get(e.pk, "")) for e in found}


def _measures(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    """Whose decision each is; nothing of what is within the person's own authority."""
    found = cases({pk: row["amount"] for pk, row in rows.items()})
    return {
        pk: {"kind": case.decides, "amount": case.total, "why": _above(case, by)}
        for pk, case in found.items() if not case.within(case.limit_of(by))
    }  # fmt: skip


def _above(case: Case, by: Any) -> str:
    limit = plain(case.limit_of(by) or Decimal(0))
    where = case.plan.where if case.plan else case.problem
    return f"赔付合计 {case.total:,.2f}，是订单金额的 {plain(case.percent)}%，你能定到 {limit}%（{where}）。"


def facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at first: the order, what happened, the level, and what was granted already."""
    one = OrderException.objects.filter(OrderException.visible_to(person), pk=record).select_related("order").first()
    if one is None:
        return []
    plan = plans.planned({one.pk: (one.kind, one.level)})[0].get(one.pk)
    found = [
        ("订单", f"{one.order.number} {one.name}，{one.order.amount:,.2f}"),
        ("异常", f"{label_of(plans.LEVELS, one.level)}{exceptions.kind_of(one)}：{one.what[:100]}"),
        ("责任部门", one.department.name if one.department else "还没定"),
    ]
    if plan is not None:
        found.append(("权限", f"内勤 {plain(plan.clerk)}%，经理 {plain(plan.manager)}%（{plan.where}）"))
    given = OrderException.objects.filter(order=one.order_id).aggregate(Sum("compensation"))["compensation__sum"]
    return [*found, ("这张订单已批赔付", f"{given:,.2f}")]


@action(OrderException, "批赔付", may=CLERK, from_=OPEN, event="granted", icon="cash", bulk=False)
def grant(
    exceptions: Batch[OrderException],
    *,
    amount: Annotated[Decimal, Field("amount", "赔付合计", "money", required=True, min=0,
                                     help="这件异常一共赔多少，再批一次就是改成新的数")],
    note: Annotated[str, Field("note", "说明", maxlength=200, span=2, help="怎么赔：抵货款、退款、补货")] = "",
) -> None:  # fmt: skip
    """Its compensation in all. The orders are locked: two that are within the limit alone may be above it together."""
    orders = Order.objects.filter(pk__in={e.order_id for e in exceptions}).order_by("pk")
    amounts = {o.pk: o.amount for o in (orders.select_for_update(no_key=True) if exceptions.locks else orders)}
    more = "赔付比订单的金额还大，核对一下。"
    exceptions.refuse({e.pk: Refusal(more, "amount") for e in exceptions if amount > amounts[e.order_id]})
    exceptions.refuse({e.pk: f"赔付已经是 {amount:,.2f}。" for e in exceptions if e.compensation == amount})
    if not exceptions.preview:
        exceptions.refuse(_unallowed(exceptions, amount))
    exceptions.set(compensation=amount, granted_by_id=exceptions.by.id, granted_at=exceptions.now)
    exceptions.tell({i: {"note": f"赔付合计 {amount:,.2f}{'，' + note if note else ''}"} for i in exceptions.ids})


def _unallowed(exceptions: Batch[OrderException], amount: Decimal) -> dict[int, Refusal]:
    """Those above the authority of who grants them, unless who has it has just agreed."""
    agreed = _agreed(exceptions.ids)
    found = cases(dict.fromkeys(exceptions.ids, amount))
    remedy = f"要{{}}来定：再提交一次；还转不过去，让管理员在《审批路线》里加「{NAME}」的行。"
    return {
        pk: Refusal(_above(case, exceptions.by) + remedy.format(case.decides), "amount")
        for pk, case in found.items() if pk not in agreed and not case.within(case.limit_of(exceptions.by))
    }  # fmt: skip


def _agreed(ids: Sequence[int]) -> set[int]:
    """Those whose held run is being performed now: agreed to, and not yet closed."""
    rows = Request.objects.filter(
        model=KEY, record_id__in=ids, action=grant.code, state=DONE, held__closed_at__isnull=True
    )
    return {pk for pk in rows.values_list("record_id", flat=True) if pk}


ASKS = Asks(grant.code, _measures, NAME, facts)
