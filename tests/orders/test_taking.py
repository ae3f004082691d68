"""Orders from platforms: three kinds of files in their own layouts and encodings, taken once, updated by refunds."""
# ruff: noqa: E501 (rows of files as they are)

import os
import re
import time
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from neiqin.kernel.exchange.reading import Unreadable, read
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.orders import platforms, taking
from neiqin.modules.orders.models import Order, Pull
from neiqin.modules.orders.platforms import lines_of, read_orders
from neiqin.modules.orders.sources import running
from tests import factories
from tests.approvals.office import publish_table
from tests.orders.test_orders import Desk, again, desk, text  # noqa: F401 - desk is a fixture

pytestmark = pytest.mark.django_db
TAOBAO_HEAD = "订单编号,买家会员名,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,收货人姓名,收货地址,联系手机,订单创建时间,订单付款时间,宝贝总数量,退款金额"
TAOBAO_ITEMS = "子订单编号,主订单编号,标题,价格,购买数量,外部系统编号,商品属性"
JD_HEAD = "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,订单状态,客户姓名,客户地址,联系电话,运费金额,付款确认时间,货号"
PDD_HEAD = "商品,订单号,订单状态,商品总价(元),邮费(元),店铺优惠折扣(元),用户实付金额(元),商家实收金额(元),商品数量(件),商品规格,商家编码-规格维度,售后状态,快递单号,省,市,区,订单成交时间"
PAID = "买家已付款，等待卖家发货"


def csv(head, *rows, encoding="utf-8-sig"):
    return ("\n".join([head, *rows]) + "\n").encode(encoding)


def taobao(*rows):
    return csv(TAOBAO_HEAD, *rows, encoding="gb18030")


def taobao_row(number, paid="388元", status=PAID, refunded="", placed="2026-11-20 09:00:00"):
    return (
        f'="{number}",买家甲,398.00,0.00,398.00,{paid},"{status}",张*,江苏省昆山市**路,\'138****8000,{placed},'
        f"2026-11-20 09:01:00,3,{refunded}"
    )


def items(*rows):
    return csv(TAOBAO_ITEMS, *rows, encoding="gb18030")


@pytest.fixture
def shop(desk):  # noqa: F811
    """The customer under whose name platform orders are kept, and a product with the code that shops use."""
    publish_table("platform_customers", [["其他", "昆山澄江精密"]], ["京东", "昆山澄江精密"])
    product = factories.product(code="ZC-6204", name="深沟球轴承")
    return desk, product


def upload(desk, content, name, second=None):  # noqa: F811
    files = {"file": SimpleUploadedFile(name, content)}
    files |= {"items": SimpleUploadedFile("宝贝.csv", second)} if second else {}
    client = desk.at(desk.clerk)
    assert client.post("/orders/take/", files).status_code == 302
    return client


@pytest.mark.clause("C-ORD-01")
def test_files_of_three_platforms_are_taken_once_and_a_later_refund_updates(shop, tmp_path, monkeypatch):
    desk, product = shop  # noqa: F811
    # 淘宝 in two files, GBK, one order without a usable quantity
    orders = taobao(taobao_row("1930000000000000001"), taobao_row("1930000000000000002"))
    goods = items(
        '="1",="1930000000000000001",深沟球轴承 6204,18.00,20,ZC-6204,',
        '="2",="1930000000000000001",油封,1.90,20,YF-1,TC 35',
        '="3",="1930000000000000002",油封,1.90,二十,YF-1,',
    )
    client = upload(desk, orders, "ExportOrderList.csv", goods)
    made = Order.objects.get()
    assert (made.state, made.source, made.channel, made.platform_number) == (
        "draft", "platform", "淘宝/天猫", "1930000000000000001",
    )  # fmt: skip
    assert (made.amount, made.order_discount) == (D("388.00"), D("10.00"))
    lines = list(made.lines.order_by("pk").values_list("product_id", "item_name", "quantity", "price"))
    assert lines == [(product.pk, "深沟球轴承 6204", 20, 18), (None, "油封", 20, D("1.9"))]
    assert (made.confirmed_by, f"{made.placed_at:%H:%M}", f"{made.paid_at:%H:%M}") == ("paid", "01:00", "01:01")
    page = text(client.get("/orders/take/"))
    assert "新取 1 单，合计 ¥388.00；1 单有错，没有取" in page
    assert "第 4 行「宝贝文件的购买数量」二十" in page
    pull = Pull.objects.get()
    book = read(b"".join(client.get(f"/orders/take/{pull.pk}/").streaming_content), "x.xlsx").sheets[0]
    (row,) = book.rows()
    assert "1930000000000000002" in row.cells[0]
    assert "购买数量" in row.cells[-1]

    # 京东: a row for each item, the order's amount on each of them; one of the orders there already
    rows = [
        "288001,1,深沟球轴承,10,在线支付,2026-11-21 10:00:00,18.50,222.00,210.00,等待出库,王*,北京市朝阳区,139****0001,0,2026-11-21 10:01:00,ZC-6204",
        "288001,2,O 形圈,20,在线支付,2026-11-21 10:00:00,1.85,222.00,210.00,等待出库,王*,北京市朝阳区,139****0001,0,2026-11-21 10:01:00,OR-1",
    ]
    upload(desk, csv(JD_HEAD, *rows), "jd.csv")
    jd = Order.objects.get(platform_number="288001")
    assert (jd.amount, jd.lines.count(), jd.order_discount) == (D("210.00"), 2, D("12.00"))
    upload(desk, csv(JD_HEAD, *rows), "jd.csv")
    assert Order.objects.filter(channel="京东").count() == 1
    assert "1 单已经取过，跳过" in Pull.objects.latest("pk").words

    # 拼多多 unattended from the folder: masked province, revenue is what the seller receives
    pdd = csv(
        PDD_HEAD, "润滑脂,P-1,待发货,300.00,0.00,5.00,280.00,295.00,1,15kg,MF-1,无售后或售后取消,,****,****,****,"
    )
    monkeypatch.setattr(running, "inbox", lambda: tmp_path)
    (tmp_path / "pdd.csv").write_bytes(pdd)
    assert running.every_minute() == 0, "somebody may still be writing it"
    os.utime(tmp_path / "pdd.csv", (time.time() - 60, time.time() - 60))
    assert running.every_minute() == 1
    assert running.every_minute() == 0
    taken = Order.objects.get(channel="拼多多")
    assert (taken.amount, taken.region, taken.state) == (D("295.00"), "****", "draft")
    assert "新取 1 单" in (tmp_path / "done" / "pdd.csv.txt").read_text()
    assert (tmp_path / "done" / "pdd.csv").exists()

    # a refund in a later file brings its order to a halt, and nothing else changes
    upload(desk, taobao(taobao_row("1930000000000000001", status="交易成功", refunded="88.00")), "again.csv", goods)
    refunded = again(made)
    assert (refunded.refunded, refunded.hold, refunded.amount) == (D("88.00"), "平台退款 88.00", D("388.00"))
    page = text(desk.at(desk.clerk).get(f"/orders/order/{made.pk}/"))
    assert "平台下单时间" in page, "the lag is seen beside 录入时间"
    assert "平台退款 88.00" in page


def test_what_is_not_paid_or_closed_is_not_taken_and_a_second_upload_changes_nothing(shop):
    desk, _ = shop  # noqa: F811
    rows = [
        taobao_row("1", status="等待买家付款"), taobao_row("2", status="交易关闭"), taobao_row("3"),
    ]  # fmt: skip
    goods = items('="9",="3",轴承,398.00,1,,')
    for _ in range(2):
        upload(desk, taobao(*rows), "t.csv", goods)
    assert Order.objects.count() == 1
    first, second = Pull.objects.order_by("pk")
    assert "1 单没有付款，没有取；1 单已关闭，没有取" in first.words
    assert "新取 0 单" in second.words


def test_several_items_in_one_cell_masked_values_and_numbers_a_spreadsheet_has_rounded():
    head = "主订单编号,子订单编号,选购商品,商品规格,商品数量,商家编码,订单应付金额,运费,收件人,收件人手机号,省,市,区,详细地址,订单提交时间,支付完成时间,订单状态,售后状态"
    reading = read_orders(
        csv(
            head,
            "\t6900001,\t6900001,轴承;油封,6204;TC35,2;10,ZC-6204;YF-1,56.00,6.00,张**,#密文,江苏省,苏州市,昆山市,前进路,2026/11/20 09:00:00,2026/11/20 09:02:00,待发货,-",
            "6.90E+17,,轴承,,1,,20,0,张**,-,江苏省,苏州市,昆山市,x,2026/11/20 09:00:00,,待发货,-",
        ),
        "dy.csv",
    )
    assert reading.channel == "抖店"
    (order,) = reading.orders
    assert [(i.title, i.spec, i.sku, i.quantity) for i in order.items] == [
        ("轴承", "6204", "ZC-6204", 2), ("油封", "TC35", "YF-1", 10),
    ]  # fmt: skip
    assert (order.number, order.address, order.phone) == ("6900001", "江苏省苏州市昆山市前进路", "#密文")
    (problem,) = reading.problems
    assert (problem.row, problem.column) == (3, "主订单编号")


@pytest.mark.parametrize(
    ("received", "prices", "lines", "discount"),
    [("100", ("60", "50"), 2, "10.00"), ("120", ("60", "50"), 3, "0"), ("110", ("60", "50"), 2, "0.00")],
)
def test_what_was_paid_is_never_rewritten(received, prices, lines, discount):
    made = [platforms.Item(f"{n}", "", "", D(1), D(p)) for n, p in enumerate(prices)]
    order = platforms.PlatformOrder("1", "paid", received=D(received), items=made)
    rows, off = lines_of(order)
    assert (len(rows), off) == (lines, D(discount))
    assert sum(r["price"] * r["quantity"] for r in rows) - off == D(received)


def test_a_file_of_nobody_and_a_platform_without_a_customer_say_what_to_do(desk):  # noqa: F811
    by = actor_of(desk.clerk.pk)
    with pytest.raises(Unreadable, match="认不出是哪个平台的订单文件"):
        taking.take(csv("甲,乙", "1,2"), "x.csv", by)
    with pytest.raises(Unreadable, match="写在规则表《平台客户》里"):
        taking.take(taobao(taobao_row("1")), "x.csv", by, items('="9",="1",轴承,1,1,,'), "y.csv")
    client = desk.at(desk.clerk)
    client.post("/orders/take/", {"file": SimpleUploadedFile("x.csv", csv("甲,乙", "1,2"))})
    assert "没有取。认不出" in re.sub("<[^>]+>", "", text(client.get("/orders/take/")))
    assert client.post("/orders/take/", {}).status_code == 422
