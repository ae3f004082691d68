"""The vectors of practice.md 3.1, 3.3 and 3.12, and what holds for all amounts."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.modules.orders import amounts, terms
from neiqin.modules.orders.credit import Credit, Exposure

FEN = st.decimals(min_value=0, max_value=1_000_000, places=2)


@pytest.mark.parametrize(
    ("rate", "net", "tax"),
    [("0.13", "884.96", "115.04"), ("0.09", "917.43", "82.57"), ("0.06", "943.40", "56.60"),
     ("0.03", "970.87", "29.13"), ("0.01", "990.10", "9.90")],
)  # fmt: skip
def test_tax_is_split_out_of_a_price_that_includes_it(rate, net, tax):
    assert amounts.out_of_gross(D("1000.00"), D(rate)) == amounts.Split(D("1000.00"), D(net), D(tax))


def test_tax_is_put_onto_a_price_that_excludes_it():
    assert amounts.onto_net(D("1000.00"), D("0.13")) == amounts.Split(D("1130.00"), D("1000.00"), D("130.00"))


def test_a_document_is_the_sum_of_its_lines():
    lines = [amounts.line(D(1), D("33.33"), D("0.13"))] * 3
    assert {(x.net, x.tax) for x in lines} == {(D("29.50"), D("3.83"))}
    assert (sum(x.net for x in lines), sum(x.tax for x in lines)) == (D("88.50"), D("11.49"))


def test_an_order_of_mixed_rates():
    asked = [("12", "18.50", "0.13"), ("3", "99.99", "0.13"), ("1", "200.00", "0.06"), ("7.5", "13.33", "0.09")]
    lines = [amounts.line(D(q), D(p), D(r)) for q, p, r in asked]
    assert lines == [
        amounts.Split(D("222.00"), D("196.46"), D("25.54")), amounts.Split(D("299.97"), D("265.46"), D("34.51")),
        amounts.Split(D("200.00"), D("188.68"), D("11.32")), amounts.Split(D("99.98"), D("91.72"), D("8.26")),
    ]  # fmt: skip
    total = [sum(getattr(x, part) for x in lines) for part in ("gross", "net", "tax")]
    assert total == [D("821.95"), D("742.32"), D("79.63")]


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [("10.00", ["33.33", "33.33", "33.34"], ["3.33", "3.33", "3.34"]),
     ("50.00", ["222.00", "299.97", "200.00"], ["15.37", "20.77", "13.86"]),
     ("800.00", ["120", "60", "20"], ["480.00", "240.00", "80.00"])],
)  # fmt: skip
def test_a_discount_and_freight_are_shared_and_the_last_takes_the_residue(total, weights, shares):
    assert amounts.share(D(total), [D(w) for w in weights]) == [D(s) for s in shares]


def test_no_cent_is_lost_as_in_foreign_software():
    assert amounts.out_of_gross(D("40.00"), D("0.05")) == amounts.Split(D("40.00"), D("38.10"), D("1.90"))


@given(gross=FEN, rate=st.sampled_from(["0", "0.01", "0.03", "0.06", "0.09", "0.13"]))
def test_net_and_tax_always_add_up(gross, rate):
    split = amounts.out_of_gross(gross, D(rate))
    assert split.net + split.tax == gross
    assert split.net >= 0


@given(total=FEN, weights=st.lists(FEN, min_size=1, max_size=30))
def test_shares_always_add_up(total, weights):
    shares = amounts.share(total, weights)
    assert sum(shares) == (total if sum(weights) else 0)
    assert all(s == 0 for s, w in zip(shares, weights, strict=True) if not w)


def test_when_money_is_due():
    assert terms.month_end(date(2026, 10, 18), 30, 25) == date(2026, 11, 30)
    assert terms.month_end(date(2026, 10, 26), 30, 25) == date(2026, 12, 30)
    assert terms.month_end(date(2026, 12, 26), 0, 25) == date(2027, 1, 31)
    assert terms.after(date(2026, 11, 1), 30) == date(2026, 12, 1)
    assert (
        terms.overdue(date(2026, 11, 22), date(2026, 11, 22)),
        terms.overdue(date(2026, 11, 21), date(2026, 11, 22)),
    ) == (0, 1)


def test_exposure_and_what_is_over_the_limit():
    exposure = Exposure(D(380_000), D(45_000), D(60_000), D(30_000), D(20_000))
    assert exposure.total == 495_000
    over = Credit(exposure.total + 30_000, D(500_000), D(50_000))
    assert (over.exposure, over.over, over.percent, over.locked) == (525_000, 25_000, D("5.0"), False)
    assert Credit(exposure.total + 30_000, D(500_000)).locked, "信用锁"
    assert not Credit(D(10**9), None).locked, "without a limit nothing is checked"
