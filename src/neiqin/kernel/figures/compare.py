"""Comparison of figures: 同比, 环比, 百分点, moving totals, errors of a forecast. Shares are Decimals, 0.2 for 20 %."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"
Number = Decimal | int


def compare(now: Number | None, base: Number | None) -> Decimal | None:
    """(now − base) ÷ |base|: against the period before it is 环比, against the same one last year 同比.

    None, shown as 「—」, if one is missing or the base is zero. 1,260,000 against 1,050,000 gives 0.2.
    """
    if now is None or not base:
        return None
    return (Decimal(now) - base) / abs(Decimal(base))


def percent(share: Decimal | None, places: int = 2, *, sign: bool = True) -> str:
    """A share in words: +20.00%, −10.00%, 「—」. Rounded half up, once, here."""
    if share is None:
        return "—"
    value = (share * 100).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    mark = MINUS if value < 0 else "+" if sign and value > 0 else ""
    return f"{mark}{abs(value):,}%"


def points(now: Decimal | None, base: Decimal | None) -> Decimal | None:
    """The difference of two shares in 百分点 (percentage points): 0.215 against 0.224 gives −0.9."""
    return None if now is None or base is None else (now - base) * 100


def moving_year(previous: Number, now: Number, dropped: Number) -> Decimal:
    """The moving total of twelve months: the one before, plus this month, less the month a year ago."""
    return Decimal(previous) + now - dropped


def mape(actual: Sequence[Number], forecast: Sequence[Number]) -> Decimal | None:
    """Mean of |A − F| ÷ |A| over the pairs whose actual is not zero; None if there is none."""
    errors = [abs(Decimal(a) - f) / abs(Decimal(a)) for a, f in zip(actual, forecast, strict=True) if a]
    return Decimal(sum(errors)) / len(errors) if errors else None


def wape(actual: Sequence[Number], forecast: Sequence[Number]) -> Decimal | None:
    """Σ|A − F| ÷ ΣA; None if nothing was sold."""
    errors = (abs(Decimal(a) - f) for a, f in zip(actual, forecast, strict=True))
    return _share(sum(errors, Decimal()), actual)


def bias(actual: Sequence[Number], forecast: Sequence[Number]) -> Decimal | None:
    """Σ(F − A) ÷ ΣA: above zero, too much was forecast; None if nothing was sold."""
    return _share(sum((Decimal(f) - a for a, f in zip(actual, forecast, strict=True)), Decimal()), actual)


def _share(part: Decimal, actual: Sequence[Number]) -> Decimal | None:
    whole = sum(actual, Decimal())
    return part / whole if whole else None
