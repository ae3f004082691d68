"""Cells as people write them, and what a table says: exact, or a sentence."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.decide import Compiled, wrong_examples
from neiqin.kernel.rules.models import Table

LEVEL = {"name": "level", "label": "等级", "kind": "text"}
AMOUNT = {"name": "amount", "label": "金额", "kind": "money"}
DAY = {"name": "day", "label": "日期", "kind": "date"}
NEW = {"name": "is_new", "label": "新客户", "kind": "bool"}
FACTOR = {"name": "factor", "label": "系数", "kind": "quantity"}
WHO = {"name": "who", "label": "谁", "kind": "text"}


def table(rows, inputs=(AMOUNT,), outputs=(FACTOR,), hit="first") -> Compiled:
    return Compiled(Table(code="t", name="试", inputs=list(inputs), outputs=list(outputs), hit=hit), 3, rows)


@pytest.mark.parametrize(
    ("column", "cell", "fits", "fits_not"),
    [
        (AMOUNT, ">= 100.10", ["100.10", "101"], ["100.09"]),
        (AMOUNT, "≥100.10", ["100.10"], ["100.09"]),
        (AMOUNT, "100..200", ["100", "200"], ["99.99", "200.01"]),
        (AMOUNT, "100～200", ["100", "200"], ["200.01"]),
        (AMOUNT, "[100, 200)", ["100", "199.99"], ["200", "99"]),
        (AMOUNT, "(100,200]", ["100.01", "200"], ["100"]),
        (AMOUNT, "> 1 且 < 3", ["2"], ["1", "3"]),
        (AMOUNT, "5", ["5", "5.00"], ["5.01"]),
        (AMOUNT, "1、2", ["1", "2"], ["3"]),
        (AMOUNT, "-5", ["-5"], ["5"]),
        (AMOUNT, "-5..-1", ["-5", "-3"], ["0"]),
        (FACTOR, "0.90-0.95", ["0.9", "0.95"], ["0.89", "0.96"]),
        (AMOUNT, "1,000－2,000", ["1000", "2000"], ["999.99", "2000.01"]),
        (LEVEL, "甲、乙", ["甲", "乙"], ["丙"]),
        (LEVEL, "非 甲，乙", ["丙"], ["甲", "乙"]),
        (LEVEL, "任意", ["甲"], []),
        (DAY, ">= 2026-09-20", ["2026-09-20"], ["2026-09-19"]),
        (DAY, "2026-01-01..2026-06-30", ["2026-06-30"], ["2026-07-01"]),
        (NEW, "是", ["是"], ["否"]),
    ],
)
def test_a_condition_fits_what_it_says(column, cell, fits, fits_not):
    made = table([[cell, "1"], ["", "0"]], [column])
    assert [made.decide({column["name"]: v}).row for v in fits] == [1] * len(fits)
    assert [made.decide({column["name"]: v}).row for v in fits_not] == [2] * len(fits_not)


@pytest.mark.parametrize(
    ("cell", "amount", "value"),
    [
        ("0.95", "1", "0.95"),
        ("amount * 0.1", "12345678901234.56", "1234567890123.456"),
        ("金额 × 0.1 + 5", "0.10", "5.010"),
        ("round(amount, 2)", "2.68", "2.68"),
        ("（金额－1000）÷8", "1001", "0.125"),
    ],
)
def test_a_result_is_a_value_or_a_formula_with_all_its_digits(cell, amount, value):
    assert table([["", cell]]).decide({"amount": Decimal(amount)}).outputs == {"factor": Decimal(value)}


def test_results_have_the_kind_of_their_column():
    made = table([["", "= level", "2026-10-01", "是"]], [LEVEL], [WHO, DAY, NEW])
    assert made.decide({"level": "甲"}).outputs == {"who": "甲", "day": date(2026, 10, 1), "is_new": True}


def test_the_first_row_decides_or_all_that_fit_are_collected():
    rows = [[">= 100", "1"], [">= 50", "2"], ["其他", "3"]]
    first, all_ = table(rows), table(rows, hit="collect")
    assert [first.decide({"amount": a}).outputs["factor"] for a in (100, 50, 1)] == [1, 2, 3]
    assert all_.decide({"amount": 100}).outputs == {"factor": [1, 2]}
    assert all_.decide({"amount": 100}).rows == (1, 2)
    assert all_.decide({"amount": 1}).rows == (3,)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["> x", "1"], "第 1 行：「x」"),
        ([">> 3", "1"], "第 1 行"),
        (["", "amount *"], "第 1 行：「系数」的算式「amount *」算不出来：只能用 「金额」 和 + - * / 括号。"),
        (["", "nope * 2"], "算式「nope * 2」算不出来"),
        (["", ""], "第 1 行：「系数」没有填。"),
        ([""], "第 1 行要有 2 格，有 1 格。"),
        (["其他", "1", "2"], "第 1 行要有 2 格，有 3 格。"),
    ],
)
def test_a_broken_cell_is_told_by_row(row, said):
    with pytest.raises(BadCell) as caught:
        table([row])
    assert said in str(caught.value)


def test_only_the_last_row_may_be_the_default():
    with pytest.raises(BadCell, match="只能是最后一行"):
        table([["其他", "1"], ["", "2"]])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "缺「金额」，不能判断。"),
        ({"amount": None}, "缺「金额」，不能判断。"),
        ({"amount": "许多"}, "许多"),
        ({"amount": 5}, "《试》第 3 版没有一行适用：金额 5。"),
        ({"amount": 10}, "「系数」算出空值，算式里有除以零或缺项。"),
    ],
)
def test_what_cannot_be_decided_is_a_sentence_and_never_nothing(given, said):
    with pytest.raises(BadCell) as caught:
        table([["10", "1 / (amount - 10)"]]).decide(given)
    assert said in str(caught.value)


def test_quotes_cannot_leave_a_text():
    with pytest.raises(BadCell, match="不能有引号"):
        table([['甲" or true or "', "1"]], [LEVEL])


def test_an_example_that_does_not_hold_names_row_expected_and_got():
    made = table([[">= 100", "0.9"], ["其他", "1"]])
    assert wrong_examples(made, [["100", "0.9"], ["99", "0.9"], ["", "1"], ["1"]]) == [
        "样例第 2 行：「系数」应为 0.9，算出 1（第 2 行）。",
        "样例第 3 行：「金额」没有填。",
        "样例第 4 行：要有 2 格，有 1 格。",
    ]


@given(st.lists(st.decimals(0, 10**12, places=2), max_size=20), st.decimals(0, 10**12, places=2))
def test_a_threshold_is_exact(amounts, limit):
    made = table([[f">= {limit}", "amount * 0.01"], ["其他", "0"]])
    for amount in amounts:
        decision = made.decide({"amount": amount})
        assert decision.row == (1 if amount >= limit else 2)
        assert decision.outputs["factor"] == (amount * Decimal("0.01") if amount >= limit else 0)
