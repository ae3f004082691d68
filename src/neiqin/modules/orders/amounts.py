"""Money of order lines: tax split out of a line, a discount shared out over lines. practice.md 3.1; pure.

Amounts have two places, ROUND_HALF_UP, line by line; a document is the sum of its lines and never computed from the
total. Rates are fractions (0.13).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

FEN = Decimal("0.01")


def fen(value: Decimal) -> Decimal:
    """To the 分."""
    return value.quantize(FEN, ROUND_HALF_UP)


@dataclass(frozen=True)
class Split:
    """价税合计, 不含税金额, 税额 of a line."""

    gross: Decimal
    net: Decimal
    tax: Decimal


def out_of_gross(gross: Decimal, rate: Decimal) -> Split:
    """价税分离 where prices include tax: the net is rounded, the tax is the rest, so that they add up."""
    net = fen(gross / (1 + rate))
    return Split(gross, net, gross - net)


def onto_net(net: Decimal, rate: Decimal) -> Split:
    """Where prices exclude tax: the tax is rounded."""
    tax = fen(net * rate)
    return Split(net + tax, net, tax)


def line(quantity: Decimal, price: Decimal, rate: Decimal, off: Decimal = Decimal(0)) -> Split:
    """A line by its price incl. tax; off: its share of a discount on the whole document."""
    return out_of_gross(fen(quantity * price) - off, rate)


def share(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """A sum shared out by weights, each share rounded, the last that has weight taking the residue (整单优惠, 运费)."""
    whole = sum(weights, Decimal(0))
    if not whole:
        return [Decimal(0)] * len(weights)
    shares = [fen(total * weight / whole) for weight in weights]
    last = max(n for n, weight in enumerate(weights) if weight)
    shares[last] += total - sum(shares, Decimal(0))
    return shares
