"""Many orders chosen in the list: shipped at once; what is booked one by one says so."""

import re
from decimal import Decimal as D

import pytest

from neiqin.modules.orders.models import Delivery, DeliveryLine, Invoicing, Order, Progress
from tests import factories
from tests.orders.test_orders import Desk

pytestmark = pytest.mark.django_db
SHIP = "/orders/ship/"


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def clerk(desk):
    return desk.at(desk.clerk)


def some(desk, *states) -> list[Order]:
    """Orders of ten bearings: approved and confirmed, or only approved."""
    return [factories.approved(factories.order(desk.customer), confirmed=s == "confirmed") for s in states]


def shown(client, orders) -> dict[str, list[str]]:
    """The hidden fields of the page, as the browser sends them back."""
    page = client.get(SHIP, {"id": [o.pk for o in orders]}).content.decode()
    given: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(id|request_key|q-\d+)" value="([^"]*)"', page):
        given.setdefault(name, []).append(value)
    return given


def test_each_chosen_order_goes_out_whole_in_a_delivery_of_its_own(desk, clerk):
    orders = some(desk, "confirmed", "confirmed")
    factories.shipped(orders[1], "4")
    answer = clerk.post(SHIP, shown(clerk, orders) | {"carrier": "顺丰"})
    assert "2 单都发了。" in answer.content.decode()
    made = DeliveryLine.objects.filter(delivery__carrier="顺丰").order_by("pk")
    assert list(made.values_list("delivery__order", "quantity")) == [(orders[0].pk, D(10)), (orders[1].pk, D(6))]
    assert set(Progress.objects.values_list("shipped", flat=True)) == {D(100)}


def test_who_may_not_go_out_yet_stays_and_is_told_why(desk, clerk):
    good, unconfirmed = some(desk, "confirmed", "unconfirmed")
    page = clerk.post(SHIP, shown(clerk, [good, unconfirmed])).content.decode()
    assert "发了 1 单，1 单没有发。" in page
    assert f"{unconfirmed.number}客户还没有确认" in page
    assert list(Delivery.objects.values_list("order", flat=True)) == [good.pk]


def test_pressing_twice_ships_once(desk, clerk):
    orders = some(desk, "confirmed", "confirmed")
    given = shown(clerk, orders)
    for _ in range(2):
        assert "2 单都发了。" in clerk.post(SHIP, given).content.decode()
    assert Delivery.objects.count() == 2


def test_what_another_has_shipped_meanwhile_does_not_go_out_again(desk, clerk):
    orders = some(desk, "confirmed", "confirmed")
    given = shown(clerk, orders)
    factories.shipped(orders[0], "10")
    assert "发了 1 单，1 单没有发。" in clerk.post(SHIP, given).content.decode()
    assert DeliveryLine.objects.count() == 2
    assert "1 单有未发的货" not in clerk.get(SHIP, {"id": [o.pk for o in orders]}).content.decode()
    answer = clerk.post(SHIP, shown(clerk, orders))
    assert (answer.status_code, "选的订单都没有未发的货。" in answer.content.decode()) == (422, True)


def test_a_day_that_has_not_come_is_refused_for_each(desk, clerk):
    orders = some(desk, "confirmed", "confirmed")
    page = clerk.post(SHIP, shown(clerk, orders) | {"shipped_on": "2999-01-01"}).content.decode()
    assert "发了 0 单，2 单没有发。" in page
    assert Delivery.objects.count() == 0


def test_orders_out_of_reach_are_not_among_them(desk):
    orders = some(desk, "confirmed", "confirmed")
    stranger = factories.person("外人", position_=factories.position("外仓", orders_view="own", orders_ship="own"))
    page = desk.at(stranger).get(SHIP, {"id": [o.pk for o in orders]}).content.decode()
    assert "选了 0 单" in page
    assert orders[0].number not in page


def test_several_chosen_orders_are_not_invoiced_as_if_they_were_the_last(desk, clerk):
    orders = some(desk, "confirmed", "confirmed")
    rights = {f"orders_{r}": "own" for r in ("view", "invoice")}
    booker = factories.person("顾南", unit_=desk.unit, position_=factories.position("财务", **rights))
    factories.works_for(booker, desk.rep)
    client = desk.at(booker)
    answer = client.get("/orders/book/", {"what": "invoicing", "id": [o.pk for o in orders]}, follow=True)
    assert "一次登记一单，只选一单" in answer.content.decode()
    assert Invoicing.objects.count() == 0
