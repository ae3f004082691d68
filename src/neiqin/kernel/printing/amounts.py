"""Amounts in the capital characters of Chinese bills (支付结算办法, annex 1; vectors in tests)."""

from decimal import ROUND_HALF_UP, Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
STEPS = ("", "拾", "佰", "仟")
GROUPS = ((10**8, "亿"), (10**4, "万"))
LIMIT = Decimal(10**16)  # 9,999万亿 is the largest that has a customary form


def amount_in_words(amount: Decimal, *, yuan: str = "元") -> str:
    """壹佰贰拾叁元肆角伍分 of an amount in yuan, rounded half up to the fen; yuan="圆" on invoices.

    Negative: （负数）in front; nothing: 零元整; 整 after yuan and jiao. Raises ValueError from 10,000 万亿 on.
    """
    cents = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if abs(cents) >= LIMIT:
        raise ValueError("amounts in words go up to 9,999 万亿")
    whole, rest = divmod(int(abs(cents) * 100), 100)
    jiao, fen = divmod(rest, 10)
    words = f"{_whole(whole)}{yuan}" if whole or not rest else ""
    if jiao:
        words += f"{DIGITS[jiao]}角"
    elif fen and whole:
        words += "零"
    words += f"{DIGITS[fen]}分" if fen else "整"
    return f"（负数）{words}" if cents < 0 else words


def _whole(number: int) -> str:
    """A whole number; a gap of zeros inside is one 零, at the end none."""
    for size, unit in GROUPS:
        if number >= size:
            high, low = divmod(number, size)
            gap = "零" if 0 < low < size // 10 else ""
            return f"{_whole(high)}{unit}{gap}{_whole(low) if low else ''}"
    words, gap = "", ""
    for step, digit in zip(reversed(STEPS), f"{number:04}", strict=True):
        if digit == "0":
            gap = "零" if words else ""
        else:
            words, gap = words + gap + DIGITS[int(digit)] + step, ""
    return words or "零"
