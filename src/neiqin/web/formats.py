"""How figures, dates and moments are written (design rules 8 and 9). Returns plain text or safe markup."""
# ruff: noqa: S704 (markup is built by hand here, and every value in it is escaped or a figure)

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from markupsafe import Markup, escape

from neiqin.kernel import clock

MINUS = "\N{MINUS SIGN}"
DASH = Markup('<span class="mut">—</span>')
CENT = Decimal("0.01")
WAN = Decimal(10_000)


def _cents(value: Decimal | int | float) -> str:
    if not isinstance(value, Decimal):
        value = Decimal(str(value))
    elif value.as_tuple().exponent < -2:  # type: ignore[operator]
        value = value.quantize(CENT, ROUND_HALF_UP)
    return f"{value:,.2f}"


def money(value: Decimal | int | float | str | None, sign: str = "") -> Markup:
    """An amount whose fen step back; text (a masked amount) passes through, nothing is a dash."""
    if value is None or value == "":
        return DASH
    if isinstance(value, str):
        return Markup(f'<span class="mut">{escape(value)}</span>')
    text = _cents(value)
    if text[0] == "-":
        return Markup(f'<span class="amt neg">{MINUS}{sign}{text[1:-3]}<small>{text[-3:]}</small></span>')
    return Markup(f'<span class="amt">{sign}{text[:-3]}<small>{text[-3:]}</small></span>')


def yuan(value: Decimal | int | float | str | None) -> Markup:
    """An amount with the yuan sign stepping back."""
    return money(value, "<i>¥</i>")


def wan(value: Decimal | int | None) -> Markup:
    """An amount in units of ten thousand with one decimal, as overviews write it."""
    if value is None:
        return DASH
    text = f"{(Decimal(value) / WAN).quantize(Decimal('0.1'), ROUND_HALF_UP):,}".replace("-", MINUS)
    return Markup(f'<span class="amt">{text}</span>')


def number(value: Decimal | int | float | None) -> str:
    """A figure with separators and without trailing zeros."""
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", MINUS)


def day(value: date | None, today: date | None = None) -> str:
    """A business date: 11-20 in this year, 2025-11-20 otherwise."""
    if value is None:
        return "—"
    if value.year == (today or clock.today()).year:
        return f"{value.month:02}-{value.day:02}"
    return value.isoformat()[:10]


def long_day(value: date) -> str:
    """A date in a sentence: 11月20日, with the year when it is another one."""
    text = f"{value.month}月{value.day}日"
    return text if value.year == clock.today().year else f"{value.year}年{text}"


def moment(value: datetime | None, with_time: bool = False) -> str:
    """A moment: the time today, 昨天 17:52, then the date; with_time keeps the time for older ones."""
    if value is None:
        return "—"
    local = clock.local(value)
    then, today = local.date(), clock.today()
    time = f"{local.hour:02}:{local.minute:02}"
    if then == today:
        return time
    if then == today - timedelta(days=1):
        return f"昨天 {time}"
    return f"{day(then, today)} {time}" if with_time else day(then, today)


def full_moment(value: datetime) -> str:
    """Date and time in full, for titles and logs."""
    return f"{clock.local(value):%Y-%m-%d %H:%M:%S}"
