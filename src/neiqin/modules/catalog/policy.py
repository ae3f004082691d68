"""Whose decision a price is: the discount against the list price and the floor, by the table 《价格权限》 (practice.md
3.11, C-LEAD-12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from neiqin.kernel.rules.decide import Decision, decide

LEVELS = ("业务员", "销售经理", "销售总监", "总经理")
FACTOR, FEN = Decimal("0.0001"), Decimal("0.01")


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


def floors(priced: Mapping[int, tuple[Decimal | None, Decimal | None]], on: date) -> dict[int, Decimal | None]:
    """product -> the lowest price of (its cost, its own lowest price): its own, else cost times the factor of the table
    《最低限价》; None where neither is known."""
    by_cost = any(own is None and cost is not None for cost, own in priced.values())
    factor = _floor_factor(on) if by_cost else Decimal(1)
    return {
        pk: own if own is not None or cost is None else (cost * factor).quantize(FEN, ROUND_HALF_UP)
        for pk, (cost, own) in priced.items()
    }


def _floor_factor(on: date) -> Decimal:
    """How many times the cost the floor is."""
    (decision,) = decide("floor_price", [{"basis": "成本"}], on)
    return Decimal(decision.outputs["factor"])


def judge(lines: Sequence[Priced], on: date) -> list[Judged]:
    """Whose decision each line is."""
    found = [(_factor(line), line.floor is not None and line.deal < line.floor) for line in lines]
    differing = list(dict.fromkeys(found))  # of ten thousand orders most lines are sold at the list price
    said = decide("price_policy", [{"factor": factor, "below_floor": below} for factor, below in differing], on)
    judged = {asked: _judged(*asked, one) for asked, one in zip(differing, said, strict=True)}
    return [judged[asked] for asked in found]


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
