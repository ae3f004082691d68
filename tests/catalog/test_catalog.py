"""Products and prices: which list gives a price and why, and whose decision a discount is."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.test import Client

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog import actions, policy
from neiqin.modules.catalog.models import PriceList, PriceRow, Product
from neiqin.modules.catalog.pricing import Ask, candidates, prices
from tests import factories

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 20)


def price(product, *, quantity="1", on=ON, **more) -> D | None:
    found = prices([Ask(product.pk, D(quantity), on, **more)])[0]
    return found.price if found else None


def test_agreement_before_own_before_promotion_before_level_before_standard():
    product, customer = factories.product(), factories.customer()
    kinds = [("standard", 100), ("level", 95), ("promotion", 90), ("customer", 88), ("agreement", 86)]
    for kind, amount in kinds:
        whose = {"customer": customer.pk} if kind in ("customer", "agreement") else {}
        level = {"level": "a"} if kind == "level" else {}
        factories.price_list({product: amount}, kind=kind, **whose, **level)
        assert price(product, customer=customer.pk, level="a") == amount
    assert price(product) == 90, "a stranger gets the promotion"
    (found,) = candidates([Ask(product.pk, D(1), ON, customer=customer.pk, level="a")])
    assert [f.kind for f in found] == ["agreement", "customer", "promotion", "level", "standard"]


def test_the_latest_list_of_a_kind_wins_and_a_draft_never():
    product = factories.product()
    factories.price_list({product: 100}, from_on="2026-01-01")
    factories.price_list({product: 110}, from_on="2026-11-15")
    factories.price_list({product: 120}, from_on="2026-11-16", active=False)
    assert (price(product), price(product, on=date(2026, 11, 14))) == (110, 100)


def test_quantities_units_regions_and_ends():
    product = factories.product(units=[{"name": "箱", "factor": "24"}])
    made = factories.price_list({product: 10}, from_on="2026-01-01")
    PriceRow.objects.create(price_list=made, product=product, min_quantity=100, price=9)
    assert (price(product, quantity="99"), price(product, quantity="100")) == (10, 9)
    assert price(product, unit="箱") == 240
    assert price(product, unit="箱", quantity="5") == 216, "120 pieces reach the step"
    assert price(product, unit="打") is None
    factories.price_list({product: 8}, from_on="2026-02-01", region="江苏省")
    assert (price(product, region="江苏省"), price(product, region="浙江省")) == (8, 10)
    perform(actions.end, [made.pk], by=SYSTEM, params={"until_on": "2026-06-30"})
    assert (price(product), price(product, on=date(2026, 6, 30))) == (None, 10)


def test_what_is_in_force_is_not_changed_but_renewed():
    product = factories.product()
    made = factories.price_list({product: 100}, from_on="2026-01-01")
    refused = perform(actions.edit_list, [made.pk], by=SYSTEM, params={"name": "改"})
    assert refused.refused[made.pk].code == "state"
    assert perform(actions.renew, [made.pk], by=SYSTEM, params={"from_on": "2026-12-01"}).done
    new = PriceList.objects.latest("pk")
    assert (new.state, new.from_on, new.rows.get().price) == ("draft", date(2026, 12, 1), 100)
    assert new.number != made.number


def test_the_page_says_how_a_price_comes_about():
    product, customer = factories.product(name="深沟球轴承"), factories.customer()
    factories.price_list({product: 100}, name="2026 标准价", from_on="2026-01-01")
    factories.price_list({product: 88}, name="澄江专价", kind="customer", customer=customer.pk, from_on="2026-03-01")
    clerk = factories.person(position_=factories.rep_position("all", catalog_view="all"))
    page = factories.sign_in(Client(), clerk).get(
        f"/catalog/price/?product={product.pk}&customer={customer.pk}&quantity=3&on=2026-11-20"
    )
    text = page.content.decode()
    assert "客户专价《澄江专价》2026-03-01 起" in text
    assert text.index("澄江专价") < text.index("2026 标准价")


@pytest.mark.parametrize(
    ("deal", "listed", "cost", "level"),
    [("100", "100", None, "业务员"), ("95", "100", None, "业务员"), ("93", "100", None, "销售经理"),
     ("90", "100", None, "销售经理"), ("89", "100", None, "销售总监"), ("84.99", "100", None, "总经理"),
     ("89.00", "100", "85", "总经理"), ("89.25", "100", "85", "销售总监")],
)  # fmt: skip
def test_whose_decision_a_price_is(deal, listed, cost, level):
    floor = policy.floors({1: (D(cost) if cost else None, None)}, ON)[1]
    assert floor == (D("89.25") if cost else None)
    (judged,) = policy.judge([policy.Priced(D(deal), D(listed), floor)], ON)
    assert judged.level == level


def test_an_order_takes_the_strictest_line_and_has_a_weighted_factor():
    lines = [policy.Priced(D(100), D(100), None, D(9)), policy.Priced(D(80), D(100), None, D(1))]
    worst = policy.strictest(policy.judge(lines, ON))
    assert (worst.level, worst.factor, policy.weighted(lines)) == ("总经理", D("0.8000"), D("0.9800"))


def test_a_code_is_used_once_and_references_lead_somewhere():
    factories.product(code="6204")
    row = {"code": "6204", "name": "轴承", "unit_name": "个"}
    assert "已经用了" in perform(actions.create_product, by=SYSTEM, rows=[row]).refused[0].text
    lost = row | {"code": "6205", "category": 999, "customer_items": [{"customer": 999, "item_no": "A1"}]}
    assert perform(actions.create_product, by=SYSTEM, rows=[lost]).refused[0].field == "category"
    assert Product.objects.count() == 1


def test_cost_and_floor_exist_only_for_whom_they_concern():
    made = factories.product(cost="85")
    for right, seen in (({}, False), ({"catalog_cost": "all"}, True)):
        someone = factories.person(position_=factories.rep_position("all", catalog_view="all", **right))
        text = factories.sign_in(Client(), someone).get(f"/catalog/product/{made.pk}/").content.decode()
        assert ("成本（不含税）" in text) is seen
