"""The daily report of orders: its figures, whose they are, and that each opens exactly its rows."""

import io
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from python_calamine import load_workbook

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.orders import delivering
from neiqin.modules.orders.daily import daily
from neiqin.modules.orders.models import Order
from tests import factories
from tests.orders.test_orders import desk  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
X, SEAL = {"item_name": "轴承", "unit_name": "个"}, {"item_name": "油封", "price": "5"}


@pytest.fixture
def day(desk):  # noqa: F811
    """Three orders of today, one of them late and one half shipped, and one of yesterday."""
    buyer, other = desk.customer, factories.customer(owner=actor_of(desk.rep.pk), name="苏州恒达")
    one = factories.approved(factories.order(buyer, {**X, "quantity": "10", "price": "18"}))
    two = factories.approved(
        factories.order(
            other, {**X, "quantity": "3", "price": "33.33"}, {"item_name": "油封", "quantity": "1", "price": "5"}
        )
    )
    factories.order(buyer, {"item_name": "油封", "quantity": "2", "price": "5"})
    old = factories.order(buyer, {**X, "quantity": "1", "price": "7"})
    Order.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=1))
    factories.shipped(one, "5")
    Order.objects.filter(pk=two.pk).update(required_on=clock.today() - timedelta(days=1))
    return desk


def words(answer):
    return re.sub("<[^>]+>", "", answer.content.decode())


def numbers(found):
    return {n.name: (n.count, n.amount) for n in found.numbers}


def test_the_day_adds_up(day):
    found = daily(actor_of(day.clerk.pk), clock.today())
    assert numbers(found) == {
        "received": (3, D("294.99")), "approved": (2, D("284.99")), "shipped": (1, D("90.00")),
        "late": (1, D("104.99")),
    }  # fmt: skip
    shares = {label: [(r.name, r.count, r.amount) for r in rows] for label, rows in found.shares.items()}
    assert shares["客户"] == [("昆山澄江精密", 2, D("190.00")), ("苏州恒达", 1, D("104.99"))]
    assert shares["渠道"] == [("线下", 3, D("294.99"))]
    assert shares["业务员"] == [(day.rep.name, 3, D("294.99"))]
    assert [(r.name, r.quantity, r.amount) for r in found.shares["产品"]] == [
        ("轴承（个）", 13, D("279.99")), ("油封", 3, D("15.00")),
    ]  # fmt: skip
    before = daily(actor_of(day.clerk.pk), clock.today() - timedelta(days=1))
    assert numbers(before) == {"received": (1, D("7.00")), "approved": (0, 0), "shipped": (0, 0)}


def test_each_figure_opens_exactly_its_rows(day):
    found, client = daily(actor_of(day.clerk.pk), clock.today()), day.at(day.clerk)
    for one in (*found.numbers, *(r for name, rows in found.shares.items() if name != "产品" for r in rows)):
        page = client.get(one.url).content.decode()
        assert len(set(re.findall(r"(?:DD|FH)\d{8}-\d{4}", page))) == one.count, one
    goods = words(client.get(found.shares["产品"][0].url))
    assert len(set(re.findall(r"DD\d{8}-\d{4}", goods))) == 2
    assert "99.99" in goods


def test_what_is_void_is_not_shipped_and_a_stranger_sees_nothing(day):
    delivery = delivering.Delivery.objects.get()
    perform(delivering.void, [delivery.pk], by=actor_of(day.clerk.pk), params={"reason": "没有发出"})
    assert numbers(daily(actor_of(day.clerk.pk), clock.today()))["shipped"] == (0, 0)
    stranger = factories.person("外人", position_=factories.rep_position("own", orders_view="own"))
    assert set(numbers(daily(actor_of(stranger.pk), clock.today())).values()) == {(0, 0)}


def test_on_the_screen_as_excel_and_on_paper(day):
    client = day.at(day.clerk)
    page = words(client.get("/orders/daily/"))
    assert "294.99" in page
    assert "昆山澄江精密" in page
    book = client.get("/orders/daily/?as=xlsx")
    rows = load_workbook(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    assert rows[1][:5] == ["当天", "收单", 3, "", 294.99]
    assert ["收单按产品", "轴承（个）", 2, 13, 279.99] in [r[:5] for r in rows]
    paper = client.get("/orders/daily/?as=pdf")
    assert paper.content.startswith(b"%PDF")
    assert client.get("/orders/daily/?day=昨天天").status_code == 200
    assert "这天没有收单" in client.get("/orders/daily/?day=2020-01-01").content.decode()
