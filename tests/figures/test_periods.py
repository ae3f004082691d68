"""Periods and comparison, to the vectors of the regulations."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.figures.compare import bias, compare, mape, moving_year, percent, points, wape
from neiqin.kernel.figures.periods import KINDS, period

days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("kind", "day", "spans", "label"),
    [
        ("day", "2028-02-29", "2028-02-29..2028-02-29 2028-02-28..2028-02-28 2027-02-28..2027-02-28", "2028年2月29日"),
        (
            "week",
            "2026-11-22",
            "2026-11-16..2026-11-22 2026-11-09..2026-11-15 2025-11-17..2025-11-23",
            "2026-11-16 到 11-22",
        ),
        ("month", "2026-03-31", "2026-03-01..2026-03-31 2026-02-01..2026-02-28 2025-03-01..2025-03-31", "2026年3月"),
        ("month", "2024-02-10", "2024-02-01..2024-02-29 2024-01-01..2024-01-31 2023-02-01..2023-02-28", "2024年2月"),
        (
            "quarter",
            "2026-01-05",
            "2026-01-01..2026-03-31 2025-10-01..2025-12-31 2025-01-01..2025-03-31",
            "2026年第1季度",
        ),
        ("year", "2026-12-31", "2026-01-01..2026-12-31 2025-01-01..2025-12-31 2025-01-01..2025-12-31", "2026年"),
        (
            "statement",
            "2026-11-25",
            "2026-10-26..2026-11-25 2026-09-26..2026-10-25 2025-10-26..2025-11-25",
            "2026年11月（10-26 到 11-25）",
        ),
        (
            "statement",
            "2026-12-26",
            "2026-12-26..2027-01-25 2026-11-26..2026-12-25 2025-12-26..2026-01-25",
            "2027年1月（12-26 到 01-25）",
        ),
        ("spring", "2026-05-01", "2026-01-01..2026-02-28 2025-11-01..2025-12-31 2025-01-01..2025-02-28", "2026年1-2月"),
    ],
)
def test_a_period_knows_its_neighbours(kind, day, spans, label):
    found = period(kind, date.fromisoformat(day))
    assert f"{found.span} {found.previous.span} {found.last_year.span}" == spans
    assert found.label == label


@given(st.sampled_from([k for k in KINDS if k != "spring"]), days, st.integers(1, 28))
def test_periods_follow_each_other_without_gap_and_hold_their_day(kind, day, cut):
    found = period(kind, day, cut)
    assert found.first <= day <= found.last
    assert found.previous.last == found.first - timedelta(days=1)
    assert period(kind, found.first, cut) == found == period(kind, found.last, cut)


def test_a_statement_month_ends_on_a_day_every_month_has():
    with pytest.raises(ValueError, match="1 to 28"):
        period("statement", date(2026, 1, 1), 31)


def test_comparison_is_by_the_size_of_the_base_and_a_dash_without_one():
    assert percent(compare(1_260_000, 1_050_000)) == "+20.00%"
    assert percent(compare(1_260_000, 1_400_000)) == "−10.00%"
    assert percent(compare(D("5"), D("-10"))) == "+150.00%"
    assert [percent(compare(*pair)) for pair in ((5, 0), (5, None), (None, 5))] == ["—"] * 3
    assert percent(compare(5, 5)) == "0.00%"


def test_a_moving_year_drops_the_month_a_year_ago():
    moved = moving_year(13_200_000, 1_260_000, 1_050_000)
    assert (moved, percent(compare(moved, 13_200_000))) == (13_410_000, "+1.59%")


def test_shares_differ_in_points():
    assert points(D("0.215"), D("0.224")) == D("-0.9")
    assert points(None, D("0.2")) is None
    assert percent(D(43000) / 200000, sign=False) == "21.50%"


def test_errors_of_a_forecast():
    actual, forecast = [100, 120, 80, 0], [90, 130, 100, 10]
    assert percent(mape(actual, forecast), sign=False) == "14.44%"
    assert percent(wape(actual, forecast), sign=False) == "16.67%"
    assert percent(bias(actual, forecast)) == "+10.00%"
    assert (mape([0], [1]), wape([0], [1]), bias([0], [1])) == (None, None, None)


@given(st.decimals(-(10**9), 10**9, places=2), st.decimals(1, 10**9, places=2))
def test_a_rise_is_positive_whatever_the_base(now, base):
    assert (compare(now, base) > 0) == (now > base)
    assert (compare(now, -base) > 0) == (now > -base)
