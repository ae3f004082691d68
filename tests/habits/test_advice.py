"""录入体检: what the customer's own past says while an order is typed, and when it stops to say it."""

from datetime import timedelta

import orjson
import pytest
import time_machine

from neiqin.kernel import clock
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.habits.models import PassedOver
from neiqin.modules.orders.models import Order
from tests import factories
from tests.orders.test_orders import ORDERS, Desk

pytestmark = pytest.mark.django_db
FAR = "这家通常订 200 到 500 个，这次 5000，核对一下。"


@pytest.fixture
def shop():
    """Five orders of 200 to 500 bearings in the past weeks."""
    desk = Desk()
    desk.bearing = factories.product(code="ZC-6204", name="深沟球轴承")
    factories.price_list({desk.bearing: "18.50"})
    for n, count in enumerate((200, 300, 350, 400, 500)):
        with time_machine.travel(clock.now() - timedelta(days=10 + n), tick=False):
            factories.order(desk.customer, {"product": desk.bearing.pk, "quantity": str(count)})
    return desk


def issues(desk, quantity, product=None):
    """The sentences of the one row, and what the form would send along."""
    row = {"product": str((product or desk.bearing).pk), "quantity": str(quantity)}
    data = orjson.dumps({"head": {"customer": str(desk.customer.pk)}, "rows": [["0", row]]}).decode()
    answer = desk.at(desk.clerk).post("/orders/check/", {"data": data}).json()
    return [text for _, _, text in answer["rows"]["0"]["issues"]], answer["html"]


def save(desk, quantity, hinted):
    return desk.at(desk.clerk).post(f"{ORDERS}new/", {
        "customer": desk.customer.pk, "lines-0-product": desk.bearing.pk, "lines-0-quantity": str(quantity),
        "hinted": hinted,
    })  # fmt: skip


@pytest.mark.parametrize("quantity", [67, 200, 500, 1500])
def test_what_is_near_the_usual_is_not_spoken_of(shop, quantity):
    said, html = issues(shop, quantity)
    assert (said, "hinted" in html) == ([], False)


@pytest.mark.parametrize(("quantity", "said"), [
    (5000, FAR), (66, "这家通常订 200 到 500 个，这次 66，核对一下。"),
])  # fmt: skip
def test_a_quantity_far_from_the_usual_is_warned_of(shop, quantity, said):
    found, html = issues(shop, quantity)
    assert found == [said]
    assert f'name="hinted" value="quantity:{shop.bearing.pk}"' in html


def test_three_lines_of_the_past_make_nothing_usual_and_another_customer_has_his_own(shop):
    seal = factories.product(code="MF-TC35")
    factories.price_list({seal: "4"}, name="油封", from_on="2026-02-01")
    for _ in range(3):
        factories.order(shop.customer, {"product": seal.pk, "quantity": "10"})
    assert FAR not in issues(shop, 5000, seal)[0]
    shop.customer = factories.customer(actor_of(shop.rep.pk))
    assert issues(shop, 5000)[0] == []


def test_the_same_order_a_moment_ago_is_named(shop):
    order = factories.order(shop.customer, {"product": shop.bearing.pk, "quantity": "250"})
    with time_machine.travel(order.created_at + timedelta(minutes=40), tick=False):
        said, html = issues(shop, 250)
        assert said == [f"40 分钟前有一张一样的订单（{order.number}），是不是录重了？"]
        assert 'value="twice:"' in html
        assert issues(shop, 251)[0] == []
    with time_machine.travel(order.created_at + timedelta(hours=25), tick=False):
        assert issues(shop, 250)[0] == []


def test_a_warning_passed_over_three_times_says_nothing_more_and_the_others_go_on(shop):
    for n in range(3):
        assert FAR in issues(shop, 5000)[0], n
        assert save(shop, 5000, f"quantity:{shop.bearing.pk}").status_code == 302
        Order.objects.filter(lines__quantity=5000).update(state="void")  # so that the usual stays as it was
    assert issues(shop, 5000)[0] == []
    assert [(r.kind, r.product, r.times) for r in PassedOver.objects.all()] == [("quantity", shop.bearing, 3)]
    order = factories.order(shop.customer, {"product": shop.bearing.pk, "quantity": "250"})
    assert issues(shop, 250)[0] == [f"1 分钟前有一张一样的订单（{order.number}），是不是录重了？"]


def test_what_a_form_sends_along_falsely_is_nothing(shop):
    assert save(shop, 300, "quantity:999999999").status_code == 302
    assert save(shop, 301, "quantity:x").status_code == 302
    assert save(shop, 302, "什么").status_code == 302
    assert PassedOver.objects.count() == 0
