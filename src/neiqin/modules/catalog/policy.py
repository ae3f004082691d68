"""Whose decision a price is: the discount against the list price and the floor, by the table 《价格权限》 (practice.md
3.11, C-LEAD-12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from neiqin.kernel.rules.decide import Decision, decide

LEVELS = ("业务员", "销售经理", "销售总监", "总经理")
FACTOR = Decimal("0.0001")


@dataclass(frozen=True)
class Priced:
    """A line as it is to be sold. deal, listed, floor: of one unit incl. tax; listed or floor None: there is none."""

    deal: Decimal
    listed: Decimal | None
    floor: Decimal | None
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True)
class Judged:
    """factor: deal over list price (0.93 is 93折); level: who may allow it; rule: the row that said so."""

    factor: Decimal
    below_floor: bool
    level: str
    rule: str


def floor_of(cost: Decimal | None, own: Decimal | None, on: date) -> Decimal | None:
    """The lowest price: the product's own, else cost times the factor of the table 《最低限价》."""
    if own is not None or cost is None:
        return own
    return (cost * floor_factor(on)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def floor_factor(on: date) -> Decimal:
    """How many times the cost the floor is."""
    (decision,) = decide("floor_price", [{"basis": "成本"}], on)
    return Decimal(decision.outputs["factor"])


def judge(lines: Sequence[Priced], on: date) -> list[Judged]:
    """Whose decision each line is."""
    factors = [_factor(line) for line in lines]
    below = [line.floor is not None and line.deal < line.floor for line in lines]
    asked = [{"factor": f, "below_floor": b} for f, b in zip(factors, below, strict=True)]
    return [_judged(f, b, d) for f, b, d in zip(factors, below, decide("price_policy", asked, on), strict=True)]


def _judged(factor: Decimal, below: bool, decision: Decision) -> Judged:
    return Judged(factor, below, str(decision.outputs["level"]), decision.where)


def _factor(line: Priced) -> Decimal:
    """Deal over list price; without a list price nothing is taken off."""
    if not line.listed:
        return Decimal(1)
    return (line.deal / line.listed).quantize(FACTOR, ROUND_HALF_UP)


def strictest(judged: Sequence[Judged]) -> Judged | None:
    """The line that needs the highest level; an order is decided by it."""
    return max(judged, key=lambda j: (LEVELS.index(j.level), -j.factor), default=None)


def weighted(lines: Sequence[Priced]) -> Decimal:
    """The discount factor of a whole order: what it costs over what it would cost by the list."""
    listed = sum(((line.listed or line.deal) * line.quantity for line in lines), Decimal(0))
    deal = sum((line.deal * line.quantity for line in lines), Decimal(0))
    return (deal / listed).quantize(FACTOR, ROUND_HALF_UP) if listed else Decimal(1)
