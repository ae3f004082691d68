"""Amounts, quantities, whole numbers and dates as clerks write them."""

import re
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from neiqin.kernel import clock
from neiqin.kernel.fields.formats.text import BadFormat, half_width

gettext_noop = str  # marks a message for translation; Django's needs settings, which scripts do not have

_NUMBER = re.compile(r"([+-]?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.([0-9]*))?")
_MONEY_SIGNS = re.compile(r"^[¥$]|^(?:RMB|CNY)|(?:元|圆|RMB|CNY)(?:整|正)?$", re.IGNORECASE)
_PLAIN_AMOUNT = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,2})?")  # most amounts: what follows would find the same
_BRACKETED = re.compile(r"\((.+)\)")
_TIMES = {"万": 4, "亿": 8}
_CENT = Decimal("0.01")
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def money(text: str) -> Decimal:
    """金额 in yuan as written -> Decimal with exactly two places, below 10^16 (column numeric(18,2)).

    Takes ¥1,234.50, 1 234.5 元, 1.2万, (1,234.50) for a negative amount, full-width digits. Never rounds: a third
    decimal is refused, since rounding an amount is a decision (practice.md section 3). BadFormat otherwise.
    """
    if _PLAIN_AMOUNT.fullmatch(text):
        return Decimal(text).quantize(_CENT)
    written = half_width(text).replace(" ", "")
    sign = ""
    if bracketed := _BRACKETED.fullmatch(written):
        sign, written = "-", bracketed[1]
    written = _MONEY_SIGNS.sub("", _MONEY_SIGNS.sub("", written))
    if written.startswith(("-¥", "-$")):
        written = "-" + written[2:]
    value = _decimal(sign + written, text, places=2, digits=16, what=gettext_noop("金额"), like="1,234.50")
    return value.quantize(_CENT)


def quantity(text: str) -> Decimal:
    """数量 as written -> Decimal with at most six places, without trailing zeros, below 10^14 (column numeric(20,6)).

    The unit belongs in its own column and is refused here. BadFormat otherwise.
    """
    value = _decimal(
        half_width(text).replace(" ", ""), text, places=6, digits=14, what=gettext_noop("数量"), like="12.5"
    )
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def plain(value: Decimal) -> str:
    """A quantity as people write it: no trailing zeros, no exponent."""
    return f"{value.normalize():f}"


def integer(text: str, least: int = INT64_MIN, most: int = INT64_MAX) -> int:
    """A whole number as written -> int between `least` and `most`, never beyond 64 bits (column bigint).

    12.0 is taken as 12, because spreadsheets write whole numbers so. BadFormat otherwise.
    """
    if text.isascii() and text.isdecimal() and len(text) < 19 and least <= (plain := int(text)) <= most:
        return plain
    value = _decimal(half_width(text).replace(" ", ""), text, places=0, digits=19, what=gettext_noop("整数"), like="12")
    if not max(least, INT64_MIN) <= value <= min(most, INT64_MAX):
        raise BadFormat(
            _("%(value)s 超出范围，应在 %(least)s 到 %(most)s 之间。改成范围内的数。")
            % {"value": value, "least": least, "most": most}
        )
    return int(value)


def _decimal(written: str, shown: str, *, places: int, digits: int, what: str, like: str) -> Decimal:
    """A plain number, grouped or not, with 万 or 亿 behind it; no exponent, no NaN, no rounding."""
    power = _TIMES.get(written[-1:], 0)
    found = _NUMBER.fullmatch(written[:-1] if power else written)
    if not found or not (found[2] or found[3]):
        raise BadFormat(
            _("「%(text)s」不是%(what)s。只写数字，千分位逗号隔三位，例如 %(like)s。")
            % {"text": shown.strip()[:30], "what": _(what), "like": like}
        )
    whole, fraction = (found[2] or "0").replace(",", "").lstrip("0"), (found[3] or "").rstrip("0")
    if len(whole) + power > digits:
        raise BadFormat(
            _("%(what)s太大：小数点前最多 %(digits)d 位，现在有 %(have)d 位。核对是否多写了数字。")
            % {"what": _(what), "digits": digits, "have": len(whole) + power}
        )
    if len(fraction) - power > places:
        raise BadFormat(_too_fine(what, places, len(fraction) - power))
    # Built from the text and never computed with: the default context keeps 28 digits, which the bounds above respect.
    return Decimal(f"{found[1]}{whole or '0'}.{fraction or '0'}E{power}")


def _too_fine(what: str, places: int, have: int) -> str:
    if places == 0:
        return _("%(what)s不能带小数，现在有 %(have)d 位小数。去掉小数部分。") % {"what": _(what), "have": have}
    return _("%(what)s最多 %(places)d 位小数，现在有 %(have)d 位。先定好怎么取舍再写。") % {
        "what": _(what),
        "places": places,
        "have": have,
    }


_FULL_DATE = re.compile(
    r"([0-9]{4})(?:[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))"
)
_SHORT_DATE = re.compile(r"([0-9]{1,2})(?:[-/]([0-9]{1,2})|月([0-9]{1,2})[日号]?)")
_TWO_DIGIT_YEAR = re.compile(r"[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?")
_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$")


def date_cn(text: str, today: date | None = None) -> date:
    """日期 as written -> date: 2026-11-20, 2026/11/20, 2026.11.20, 20261120, 2026年11月20日; 11-20 and 11月20日 lie in
    the year of `today` (default: the company's today). A time behind it is left away. Years 1900 to 2199.

    BadFormat: another shape, a year of two digits, or a day the calendar does not have (11 月没有 31 日).
    """
    written = _TIME.sub("", half_width(text).strip()).replace(" ", "")
    if found := _FULL_DATE.fullmatch(written):
        year, month, day = (int(part) for part in found.groups() if part)
    elif found := _SHORT_DATE.fullmatch(written):
        year = (today or clock.today()).year
        month, day = (int(part) for part in found.groups() if part)
    elif _TWO_DIGIT_YEAR.fullmatch(written):
        raise BadFormat(
            _("「%(text)s」的年份只有两位，分不清年和日。年份写四位，例如 2026-11-20。") % {"text": written}
        )
    else:
        raise BadFormat(
            _("「%(text)s」看不出是哪一天。写成 2026-11-20，今年的可以只写 11-20。") % {"text": text.strip()[:30]}
        )
    if not 1900 <= year <= 2199:
        raise BadFormat(_("%(year)d 年太远了，只收 1900 到 2199 年。核对年份。") % {"year": year})
    try:
        return date(year, month, day)
    except ValueError:
        raise BadFormat(_no_such_day(year, month, day)) from None


def _no_such_day(year: int, month: int, day: int) -> str:
    if not 1 <= month <= 12:
        return _("没有 %(month)d 月。写成 2026-11-20 这样，年在前、日在后。") % {"month": month}
    if (month, day) == (2, 29):
        return _("%(year)d 年 2 月没有 29 日。改成 2 月 28 日或 3 月 1 日，或核对年份。") % {"year": year}
    return _("%(month)d 月没有 %(day)d 日。核对日期。") % {"month": month, "day": day}
