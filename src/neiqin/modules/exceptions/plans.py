"""How serious an exception is (《异常分级》), and who may then decide what, in which steps and by when (《异常预案》);
C-ORD-17. Level 一级 is the ordinary one, 三级 the gravest."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Choice, label_of
from neiqin.kernel.rules.decide import Decision, Undecided, decide
from neiqin.modules.customers import fields as customers
from neiqin.modules.orders.models import Order, Progress

LEVELS_TABLE, PLANS_TABLE = "exception_levels", "exception_plans"
FIRST, SECOND, THIRD = "first", "second", "third"
LEVELS = (Choice(FIRST, "一级"), Choice(SECOND, "二级"), Choice(THIRD, "三级"))
RANK = {choice.value: n for n, choice in enumerate(LEVELS)}
QUALITY, DELAY, SHORTAGE, WRONG, PAYMENT, EXCHANGE = "quality", "delay", "shortage", "wrong", "payment", "exchange"
KINDS = (
    Choice(QUALITY, "质量问题"), Choice(DELAY, "交货延迟"), Choice(SHORTAGE, "短缺"), Choice(WRONG, "发错货"),
    Choice(PAYMENT, "货款问题"), Choice(EXCHANGE, "退换货"),
)  # fmt: skip
MINUTES = 60


class Facts(NamedTuple):
    """kind: value; days late; share: percent of the order's amount that is affected; class of the customer, label."""

    kind: str
    days: int
    share: Decimal
    customer: str

    @property
    def inputs(self) -> dict[str, Any]:
        """As the table asks for them."""
        return {"kind": label_of(KINDS, self.kind), "days": self.days, "share": self.share, "customer": self.customer}


class Plan(NamedTuple):
    """clerk, manager: up to which percent of the order's amount they decide; respond, solve: working hours."""

    clerk: Decimal
    manager: Decimal
    respond: Decimal
    solve: Decimal
    steps: str
    where: str


def facts_of(order: Order, kind: str, days: int | None, affected: Decimal | None) -> Facts:
    """What is known of an exception. days: late, by default of a delay the days since the date that was asked for
    while not all is shipped; affected: yuan, none for nothing."""
    level = customers.level.choice(order.customer.level).label or "无"
    return Facts(kind, _late(order) if days is None and kind == DELAY else days or 0, share(order, affected), level)


def _late(order: Order) -> int:
    progress = getattr(order, "progress", None) or Progress()
    if order.required_on is None or progress.shipped >= 100:
        return 0
    return max((clock.today() - order.required_on).days, 0)


def share(order: Order, amount: Decimal | None) -> Decimal:
    """Percent of the order's amount, never rounded up into a graver row; 0 for an order of nothing."""
    if not amount or not order.amount:
        return Decimal(0)
    return (amount * 100 / order.amount).quantize(Decimal("0.0001"), ROUND_DOWN)


def proposed(asked: Mapping[Any, Facts]) -> tuple[dict[Any, tuple[str, str]], dict[Any, str]]:
    """key -> (level, the row that says it), and a sentence for each that cannot be decided."""
    made, problems = _decided(LEVELS_TABLE, [f.inputs for f in asked.values()])
    keys, values = list(asked), {c.label: c.value for c in LEVELS}
    return (
        {keys[n]: (values[str(d.outputs["level"])], d.where) for n, d in made.items()},
        {keys[n]: text for n, text in problems.items()},
    )


def planned(asked: Mapping[int, tuple[str, str]]) -> tuple[dict[int, Plan], dict[int, str]]:
    """key -> plan, for (kind, level), and a sentence for each without one. One query for any number."""
    given = [{"kind": label_of(KINDS, k), "level": label_of(LEVELS, n)} for k, n in asked.values()]
    made, problems = _decided(PLANS_TABLE, given)
    keys = list(asked)
    return (
        {keys[n]: Plan(**d.outputs, where=d.where) for n, d in made.items()},
        {keys[n]: text for n, text in problems.items()},
    )


def _decided(table: str, inputs: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Decision], dict[int, str]]:
    try:
        return dict(enumerate(decide(table, inputs, clock.today()))), {}
    except Undecided as error:
        return error.decisions, error.problems
