"""回传发货: waybills of files become deliveries, each platform gets its own file once, what must go today is told."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.exchange.reading import read
from neiqin.modules.orders.models import Delivery, Order
from neiqin.modules.shipback import layouts, promising
from neiqin.modules.shipback.models import Handout, Told
from neiqin.modules.shipback.waybills import read_waybills
from tests import factories

MONDAY = "2026-11-23 10:00+08:00"
PLATFORMS = ("淘宝/天猫", "京东", "拼多多", "抖店", "1688")


@pytest.fixture
def clerk(db):
    rights = {"orders_view": "all", "orders_ship": "all", "shipback_view": "own", "shipback_create": "own"}
    return factories.person("林知夏", position_=factories.position("内勤", **rights))


def at(someone) -> Client:
    return factories.sign_in(Client(), someone)


def bring(someone, *rows, headers="平台单号,快递公司,运单号,发货日期"):
    content = "\n".join([headers, *rows]).encode("gb18030")
    return at(someone).post("/shipback/", {"file": SimpleUploadedFile("出库.csv", content)}).content.decode()


def rows_of(name, content):
    (sheet,) = read(content, name).sheets
    return [list(sheet.headers), *(row.cells for row in sheet.rows())]


@pytest.mark.parametrize("channel", PLATFORMS)
def test_waybills_ship_the_orders_and_the_platform_gets_them_in_its_own_file_once(clerk, channel):
    with time_machine.travel(MONDAY, tick=False):
        one, two = (factories.platform_order(f"26112300{n}", channel) for n in (1, 2))
        told = bring(
            clerk, "261123001,顺丰,SF1234567890123,2026-11-22", "261123002,圆通速递,YT1234567890123,2026-11-23"
        )
        assert "发货 2 单。" in told
        first, second = Delivery.objects.order_by("pk")
        assert (first.order, first.carrier, first.waybill, f"{first.shipped_on}") == (
            one, "顺丰速运", "SF1234567890123", "2026-11-22",
        )  # fmt: skip
        assert (second.order, [g.quantity for g in second.lines.all()]) == (two, [10])
        assert "2 单等着回传" in at(clerk).get("/shipback/").content.decode()

        answer = at(clerk).post("/shipback/", {"channel": channel})
        made = Handout.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/shipback/handout/{made.pk}/")
        assert (made.name, made.count, made.owner) == (f"{channel} 2 单", 2, clerk)
        assert made.number.startswith("HC20261123-")
        given = at(clerk).get(f"/shipback/file/{made.pk}/")
    name = given["Content-Disposition"]
    layout = layouts.layouts()[channel]
    assert f".{layout.format}" in name
    assert rows_of(f"x.{layout.format}", given.content) == [
        layout.headers,
        layout.row({"number": "261123001", "carrier": "顺丰速运", "waybill": "SF1234567890123"}),
        layout.row({"number": "261123002", "carrier": "圆通速递", "waybill": "YT1234567890123"}),
    ]
    again = at(clerk).post("/shipback/", {"channel": channel})
    assert (again.status_code, Handout.objects.count()) == (422, 1)
    assert "没有等着回传的发货单。" in again.content.decode()


def test_a_file_that_the_platform_did_not_take_is_void_and_its_deliveries_go_into_the_next(clerk):
    made = factories.handout(by=factories.actors_of(clerk.pk))
    at(clerk).post(f"/shipback/handout/{made.pk}/void/", {"reason": "表头变了"})
    assert at(clerk).post("/shipback/", {"channel": "拼多多"}).status_code == 302
    assert [(t.handout_id == made.pk, t.live) for t in Told.objects.order_by("pk")] == [(True, False), (False, True)]


def test_the_same_waybills_twice_ship_nothing_again(clerk):
    factories.platform_order("261123001")
    row = "261123001,顺丰,SF1234567890123,"
    assert "发货 1 单。" in bring(clerk, row)
    assert "发货 0 单，早就发过 1 单。" in bring(clerk, row)
    assert Delivery.objects.count() == 1


def test_what_went_out_without_a_number_gets_it(clerk):
    order = factories.platform_order("261123001")
    out = factories.shipped(order, 10)
    assert "发货 0 单，给发过的补单号 1 单。" in bring(clerk, f"{order.number},圆通,YT1234567890123,")
    out.refresh_from_db()
    assert (out.carrier, out.waybill, out.version) == ("圆通速递", "YT1234567890123", 2)


def test_bad_rows_are_named_by_row_field_and_remedy_and_the_rest_goes_on(clerk):
    with time_machine.travel(MONDAY, tick=False):
        good, held = factories.platform_order("1001"), factories.platform_order("1002")
        Order.objects.filter(pk=held.pk).update(hold="平台退款 200.00")
        told = bring(
            clerk,
            "1001,,YT1234567890123,",
            "1002,顺丰,SF1234567890123,",
            "9999,顺丰,SF1234567890124,",
            "1001,顺丰,不知道,",
            ",顺丰,SF1234567890125,",
            "1003,,123456789012,",
            "1001,圆通,YT1234567890124,昨天",
        )
    assert "发货 1 单。" in told
    assert "第 2 行：YT1234567890123 按单号猜是圆通速递。" in told
    assert f"第 3 行 1002：{held.number}挂起中：平台退款 200.00。" in told
    assert "第 4 行 9999：没有这张订单" in told
    assert "第 5 行「运单号」不知道：不是运单号，只有字母和数字，6 到 40 位。" in told
    assert "第 6 行「平台单号」：没有订单号，补上再传。" in told
    assert "第 7 行「快递公司」：没有快递公司，123456789012 也看不出是哪家，补上再传。" in told
    assert "第 8 行「发货日期」昨天：不是日期，写成 2026-11-20。" in told
    assert Delivery.objects.get().order == good


def test_several_packages_of_an_order_are_one_delivery_with_all_its_numbers(clerk):
    factories.platform_order("1001")
    bring(clerk, "1001,圆通,YT1234567890123,", "1001,圆通,YT1234567890124,", "1001,圆通,YT1234567890123,")
    out = Delivery.objects.get()
    assert (out.waybill, out.packages) == ("YT1234567890123,YT1234567890124", 2)


def test_an_order_beyond_reach_is_as_one_that_is_not_there(clerk):
    order = factories.platform_order("1001")
    own = {"orders_view": "own", "orders_ship": "own", "shipback_view": "own", "shipback_create": "own"}
    stranger = factories.person("外人", position_=factories.position("别处内勤", **own))
    assert "第 2 行 1001：没有这张订单，或不在你能发货的范围里。" in bring(stranger, "1001,顺丰,SF1234567890123,")
    assert not Delivery.objects.filter(order=order).exists()


def test_what_a_platform_expects_to_go_today_stands_first_and_is_marked_on_the_list(clerk):
    with time_machine.travel(MONDAY, tick=False):
        late = factories.platform_order("1", paid_at=clock.now() - timedelta(hours=49))
        today = factories.platform_order("2", "京东", paid_at=clock.now() - timedelta(hours=20))
        later = factories.platform_order("3", "京东", paid_at=clock.now() - timedelta(hours=1))
        unpaid = factories.platform_order("5", paid_at=None, placed_at=clock.now() - timedelta(hours=1))
        gone = factories.platform_order("4", paid_at=clock.now() - timedelta(hours=49))
        factories.shipped(gone, 10)
        marks = promising.marks([late.pk, today.pk, later.pk, unpaid.pk, gone.pk])
        assert {pk: m.label for pk, m in marks.items()} == {late.pk: "发货超时", today.pk: "今天发"}
        assert marks[today.pk].title == "平台要求 11-23 14:00 前发货"
        page = at(clerk).get("/shipback/").content.decode()
        assert page.index(late.number) < page.index(today.number)
        assert later.number not in page
        assert "平台订单今天要发 2 单" in at(clerk).get("/").content.decode()
        orders = at(clerk).get("/orders/order/").content.decode()
        assert orders.count("发货超时</span>") == 1
        assert orders.count("今天发</span>") == 1


@pytest.mark.parametrize(
    ("waybill", "courier"),
    [
        ("SF1234567890123", "顺丰速运"), ("YT1234567890123", "圆通速递"), ("JT1234567890123", "极兔速递"),
        ("JDX01234567890", "京东快递"), ("78123456789012", "中通快递"), ("7712345678901", "申通快递"),
        ("EA123456789CN", "邮政快递包裹"), ("DPK123456789012", "德邦快递"), ("123456789012", ""), ("4312345678901", ""),
        ("123456789012345", "韵达快递"), ("ABC", ""),
    ],
)  # fmt: skip
def test_a_couriers_number_is_guessed_only_where_one_courier_has_such_numbers(waybill, courier):
    assert layouts.guessed(waybill) == courier


def test_a_number_of_another_shape_than_the_couriers_is_read_and_noted():
    reading = read_waybills("订单号,物流公司,物流单号\n1001,顺丰快递,YT1234567890123".encode(), "x.csv")
    assert [(w.number, w.carrier, w.guessed) for w in reading.found] == [("1001", "顺丰速运", False)]
    assert reading.notes == ["第 2 行：YT1234567890123 不像顺丰速运的单号，核对一下。"]
