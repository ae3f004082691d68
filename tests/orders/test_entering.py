"""The grid of an order's lines: what the server says while one types, and that it says what saving will do."""

import re
from decimal import Decimal as D

import orjson
import pytest

from neiqin.modules.orders.models import Order
from tests import factories
from tests.orders.test_orders import ORDERS, desk  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
CHECK = "/orders/check/"


@pytest.fixture
def shop(desk):  # noqa: F811
    """Two products with prices; the customer has its own number for the first and bought it before."""
    bearing = factories.product(code="ZC-6204", name="深沟球轴承 6204", spec="20×47×14", cost=D("10"))
    seal = factories.product(code="YF-TC35", name="骨架油封 TC35")
    factories.price_list({bearing: "18.00", seal: "1.90"})
    bearing.customer_items.create(customer=desk.customer, item_no="KS-001")
    factories.approved(factories.order(desk.customer, {"product": bearing.pk, "quantity": "5", "price": "17.50"}))
    return desk, bearing, seal


def test_what_is_free_in_stock_stands_beside_the_quantity_and_too_much_is_said(shop):
    desk, bearing, seal = shop  # noqa: F811
    factories.stocked(bearing, 25)
    rows = [{"product": bearing.pk, "quantity": "12"}]
    assert "free" not in ask(desk, rows)[0]["0"], "only to who may see stocks"
    rights = {"orders_create": "all", "catalog_view": "all", "stock_view": "all"}
    clerk = factories.person(position_=factories.rep_position("all", **rights))
    answer, text = ask(desk, [{"product": bearing.pk, "quantity": "12"}, {"product": bearing.pk, "quantity": "9"},
                              {"product": seal.pk, "quantity": "900"}], clerk)  # fmt: skip
    assert (answer["0"]["free"], answer["1"]["free"]) == ("可用 20", "可用 8"), "five are promised to another order"
    assert ["quantity", "warn", "可用库存 8 个，不够这一行。"] in answer["1"]["issues"]
    assert "可用库存 8 个，不够这一行。" in text
    assert "free" not in answer["2"], "of what was never put into a warehouse nothing is said"


def ask(desk, rows, someone=None, **head):  # noqa: F811
    """(answer by row key, the fragment as text)."""
    head = {"customer": str(desk.customer.pk), **head}
    data = orjson.dumps({"head": head, "rows": [[str(n), row] for n, row in enumerate(rows)]}).decode()
    answer = desk.at(someone or desk.clerk).post(CHECK, {"data": data})
    assert answer.status_code == 200
    found = answer.json()
    return found["rows"], re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found["html"]))


def test_what_was_typed_is_found_by_code_name_or_the_customers_number(shop):
    desk, bearing, seal = shop  # noqa: F811
    rows, said = ask(desk, [
        {"product__text": "KS-001", "quantity": "20"}, {"product__text": "YF-TC35", "quantity": "10"},
        {"product__text": "骨架油封 TC35", "quantity": "1"}, {"product__text": "ZC-6204-ZZ", "quantity": "1"},
        {"product__text": "没有的", "quantity": "1"},
    ])  # fmt: skip
    assert [rows[str(n)].get("product") for n in range(4)] == [
        [str(bearing.pk), "深沟球轴承 6204"], [str(seal.pk), "骨架油封 TC35"], [str(seal.pk), "骨架油封 TC35"], None,
    ]  # fmt: skip
    assert rows["0"]["cells"] == {"spec": "20×47×14", "list_price": "18", "gross": "360.00", "last": "17.5"}
    assert rows["2"]["issues"] == [["product", "warn", "前面已经有这个产品。"]]
    assert rows["3"]["issues"] == [["product", "bad", "没有「ZC-6204-ZZ」这个产品。是不是 ZC-6204 深沟球轴承 6204？"]]
    assert rows["4"]["issues"][0][1] == "bad"
    assert "价税合计 ¥380.90" in said


def test_two_products_of_one_name_are_told_apart_by_their_codes(shop):
    desk, *_ = shop  # noqa: F811
    factories.product(code="A-1", name="变频器")
    factories.product(code="A-2", name="变频器")
    rows, said = ask(desk, [{"product__text": "变频器", "quantity": "1"}] * 5)
    assert rows["4"]["issues"] == [["product", "bad", "有 2 个产品叫「变频器」，写货号区分。"]]
    assert "第 1、2、3 行等 5 行" in said


def test_it_says_whose_decision_a_price_is_and_what_is_no_number(shop):
    desk, bearing, _ = shop  # noqa: F811
    rows, _ = ask(desk, [
        {"product": str(bearing.pk), "quantity": "20", "price": "16.74"},
        {"product": str(bearing.pk), "quantity": "两箱", "price": "18"},
        {"product": str(bearing.pk), "quantity": "0"},
        {"item_name": "安装费", "quantity": "1"},
    ])  # fmt: skip
    assert ["price", "warn", "93.0 折，要销售经理批（《价格权限》第 1 版第 3 行）。"] in rows["0"]["issues"]
    assert [i[1] for i in rows["1"]["issues"] if i[0] == "quantity"] == ["bad"]
    assert ["quantity", "bad", "数量要大于 0。"] in rows["2"]["issues"]
    assert rows["3"]["issues"] == [["price", "bad", "没有价格：价目表里没有，填上单价。"]]


def test_credit_is_told_to_those_who_may_see_it(shop):
    desk, bearing, _ = shop  # noqa: F811
    type(desk.customer).objects.filter(pk=desk.customer.pk).update(credit_limit=D("100"))
    line = {"product": str(bearing.pk), "quantity": "20"}
    _, said = ask(desk, [line])
    assert "超信用额度" in said
    own = factories.position("学徒", orders_view="own", orders_create="own", customers_view="own")
    apprentice = factories.person("学徒", unit_=desk.unit, position_=own)
    factories.works_for(apprentice, desk.rep)
    _, said = ask(desk, [line], apprentice)
    assert "信用" not in said


def test_what_it_says_is_what_saving_makes_of_it(shop):
    desk, bearing, seal = shop  # noqa: F811
    lines = [{"product": str(bearing.pk), "quantity": "7"}, {"product": str(seal.pk), "quantity": "3", "price": "1.77"}]
    rows, _ = ask(desk, lines, order_discount="1.33")
    order = desk.enter(*lines, order_discount="1.33")
    made = list(order.lines.order_by("pk").values_list("gross", "price", "list_price"))
    assert [r["cells"]["gross"] for r in (rows["0"], rows["1"])] == [f"{gross:,.2f}" for gross, *_ in made]
    assert [D(r["price"]) for r in (rows["0"], rows["1"])] == [price for _, price, _ in made]


def test_hostile_questions_are_refused_and_nothing_is_kept(shop):
    desk, *_ = shop  # noqa: F811
    client, before = desk.at(desk.clerk), Order.objects.count()
    for data in ("", "{", "[]", '{"head": 1, "rows": []}', '{"head": {}, "rows": [[1]]}', '{"head": {}, "rows": 5}'):
        assert client.post(CHECK, {"data": data}).status_code == 400
    odd = {"product": "9" * 30, "product__text": "\0" * 3, "quantity": "1e999", "price": "-5", "tax_rate": "99999"}
    assert client.post(CHECK, {"data": orjson.dumps({"head": {}, "rows": [["1", odd]]}).decode()}).status_code == 200
    assert Order.objects.count() == before


def test_the_grid_shows_the_names_of_what_is_there_and_keeps_what_is_folded_away(shop):
    desk, bearing, _ = shop  # noqa: F811
    order = desk.enter({"product": str(bearing.pk), "quantity": "7", "remark": "先发三个"})
    page = desk.at(desk.clerk).get(f"{ORDERS}{order.pk}/edit/").content.decode()
    assert 'value="深沟球轴承 6204"' in page
    assert re.search(r'name="lines-0-remark" value="先发三个"', page)
    assert page.count("data-line>") == 2  # the line, and the blank one of the template


def test_two_thousand_lines_are_on_the_page_and_come_back_changed(desk):  # noqa: F811
    lines = [{"item_name": f"货 {n}", "quantity": "2", "price": "3.5"} for n in range(2000)]
    order = factories.order(desk.customer, *lines)
    client, line = desk.at(desk.clerk), order.lines.earliest("pk")
    page = client.get(f"{ORDERS}{order.pk}/edit/").content.decode()
    assert page.count("data-line>") == 2001
    given = {"partial": "1", "version": str(order.version), "lines-0-id": line.pk, "lines-0-quantity": "4"}
    assert client.post(f"{ORDERS}{order.pk}/edit/", given).status_code == 302
    assert Order.objects.get(pk=order.pk).amount == D("14007.00")
