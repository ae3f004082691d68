"""Amounts in words: the vectors of practice, and an inverse."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.printing.amounts import DIGITS, amount_in_words

VECTORS = [
    ("1234567.89", "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"), ("10000.00", "壹万元整"),
    ("100200.05", "壹拾万零贰佰元零伍分"), ("0.50", "伍角整"), ("1000001.10", "壹佰万零壹元壹角整"),
    ("16.08", "壹拾陆元零捌分"), ("1005000.30", "壹佰万伍仟元叁角整"), ("20000000.01", "贰仟万元零壹分"),
    ("0", "零元整"), ("-500", "（负数）伍佰元整"), ("0.05", "伍分"), ("0.005", "壹分"), ("0.004", "零元整"),
    ("1010", "壹仟零壹拾元整"), ("100000001", "壹亿零壹元整"), ("1000000000000", "壹万亿元整"),
    ("1200003400000000", "壹仟贰佰万零叁拾肆亿元整"), ("9999999999999999.99", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿"
     "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
]  # fmt: skip


@pytest.mark.parametrize(("amount", "words"), VECTORS)
def test_amounts_are_written_as_on_bills(amount, words):
    assert amount_in_words(Decimal(amount)) == words


def test_invoices_write_another_yuan():
    assert amount_in_words(Decimal("-500"), yuan="圆") == "（负数）伍佰圆整"


def test_beyond_custom_is_no_amount():
    with pytest.raises(ValueError, match="万亿"):
        amount_in_words(Decimal(10**16))


def read(words):
    """The amount that words name."""
    sign, words = (-1, words.removeprefix("（负数）")) if words.startswith("（负数）") else (1, words)
    whole, _, rest = words.partition("元") if "元" in words else ("", "", words)
    fen = sum(DIGITS.index(rest[rest.index(u) - 1]) * n for u, n in (("角", 10), ("分", 1)) if u in rest)
    return sign * (Decimal(number(whole)) + Decimal(fen) / 100)


def number(words):
    for unit, size in (("亿", 10**8), ("万", 10**4), ("仟", 1000), ("佰", 100), ("拾", 10)):
        if unit in words:
            high, _, low = words.rpartition(unit) if size >= 10**4 else words.partition(unit)
            return number(high) * size + number(low)
    return sum(DIGITS.index(d) for d in words.replace("零", "") or "零")


@given(st.decimals(-(10**16) + 1, 10**16 - 1, places=2))
def test_words_say_the_amount_and_nothing_else(amount):
    assert read(amount_in_words(amount)) == amount
