"""Every order layout of the collected platform formats, whole: all its columns, three orders, read to the same end."""

import csv
import io
from dataclasses import dataclass, field
from decimal import Decimal as D

import pytest
import xlsxwriter
import yaml

from neiqin.modules.orders.platforms import PAID, lines_of, read_orders
from tests.shared import DATA, needs_data

pytestmark = needs_data


@dataclass(frozen=True)
class Layout:
    """A layout by hand: its columns for what an order and an item say. paid: the words of a paid order; per_item: what
    was received stands by the item; joined: items of an order in one row, with what between; first: what belongs to
    the order stands in its first row only; price: what one costs, or `goods`: all of the item."""

    platform: str
    kind: str
    channel: str
    order: dict[str, str]
    item: dict[str, str]
    paid: str = "已付款"
    per_item: bool = False
    joined: bool = False
    first: bool = False
    encoding: str = "utf-8-sig"
    book: bool = False
    columns: list[str] = field(default_factory=list, compare=False)


def layout(platform, kind, channel, order, item, **more):
    names = ("number", "status", "placed", "paid", "consignee", "phone", "address", "freight", "received")
    heads = dict(zip(names, order.split("|"), strict=True))
    items = dict(zip(("title", "sku", "quantity", "price", "goods"), item.split("|"), strict=True))
    return Layout(platform, kind, channel, heads, items, **more)


# number|status|placed|paid|consignee|phone|address|freight|received, then title|sku|quantity|price|goods of an item
LAYOUTS = [
    layout("淘宝/天猫", "订单报表（ExportOrderList，一行一单）", "淘宝/天猫",
           "订单编号|订单状态|订单创建时间|订单付款时间|收货人姓名|联系手机|收货地址|买家应付邮费|买家实际支付金额",
           "宝贝标题||宝贝总数量||", paid="买家已付款，等待卖家发货", joined=True, encoding="gb18030"),
    layout("千牛（淘宝新版商家后台）", "订单", "淘宝/天猫",
           "订单编号||订单创建时间|订单付款时间||||买家应付邮费|买家实付金额", "商品标题||||", joined=True),
    layout("京东（商家后台）", "订单（2016 版）", "京东",
           "订单号|订单状态|下单时间|付款确认时间|客户姓名|联系电话|客户地址|运费金额|结算金额",
           "商品名称|货号|订购数量|京东价|", paid="等待出库", encoding="gb18030"),
    layout("京东（商家后台）", "订单（后期版，按用途分组）", "京东",
           "订单号|订单状态|下单时间|付款确认时间|客户姓名|联系电话|客户地址|运费金额|结算金额",
           "商品名称|货号|订购数量|京东价|", paid="等待出库", encoding="gb18030"),
    layout("拼多多", "订单", "拼多多", "订单号|订单状态|订单成交时间|支付时间||||邮费(元)|商家实收金额(元)",
           "商品|商家编码-规格维度|商品数量(件)||商品总价(元)", paid="待发货"),
    layout("抖店（抖音小店）", "订单（74 列版）", "抖店",
           "主订单编号|订单状态|订单提交时间|支付完成时间|收件人|收件人手机号|详细地址|运费|订单应付金额",
           "选购商品|商家编码|商品数量|商品单价|", paid="已发货", per_item=True),
    layout("抖店（抖音小店）", "订单（75 列版）", "抖店",
           "主订单编号|订单状态|订单提交时间|支付完成时间|收件人|收件人手机号|详细地址|运费|订单应付金额",
           "选购商品|商家编码|商品数量|商品金额|", paid="已发货", per_item=True),
    layout("快手小店", "订单", "快手小店",
           "订单号|订单状态|订单创建时间|订单支付时间|收货人姓名|收货人电话|收货地址|快递费|实付款",
           "商品名称|SKU编码|成交数量|商品单价|", paid="待发货"),
    layout("小红书", "订单", "小红书",
           "订单号|订单状态|订单创建时间|支付时间|收件人姓名|收件人电话|收件人地址||商家应收金额(元)（支付金额）",
           "SKU名称|商家编码|SKU件数||商品总价(元)", paid="待发货", per_item=True),
    layout("微信小店/视频号", "订单", "微信小店",
           "订单号|订单状态|订单下单时间|支付时间|收件人姓名|收件人手机|收件人地址|订单运费|订单实际收款金额",
           "商品名称|SKU编码(自定义)|商品数量|商品价格(单件)|", paid="待发货", book=True),
    layout("有赞", "订单商品", "有赞",
           "订单号|订单商品状态|||收货人/提货人|收货人手机号/提货人手机号|详细收货地址/提货地址||商品实际成交金额",
           "商品名称|规格编码|商品数量|商品单价|", paid="等待商家发货", per_item=True),
    layout("1688（阿里巴巴）", "订单（49 列）", "1688",
           "订单编号|订单状态|订单创建时间|订单付款时间|收货人姓名|联系手机|收货地址|运费(元)|实付款(元)",
           "货品标题|单品货号|数量|单价(元)|", paid="等待卖家发货", first=True, book=True),
]  # fmt: skip
# number -> items of (title, code, how many, what one costs), freight, what was received
ORDERS = {
    "288000000000000001": ([("深沟球轴承", "ZC-6204", 2, D("50.00"))], D("10.00"), D("105.50")),
    "288000000000000002": ([("骨架油封", "YF-TC35", 30, D("1.90")), ("轴承座", "ZC-P205", 4, D("300.00"))], D(0),
                           D("1205.00")),
    "288000000000000003": ([("油脂", "RZ-2", 1, D("88.00"))], D(0), D("88.00")),
}  # fmt: skip


def table(one: Layout, columns: list[str]) -> list[list[str]]:
    """The rows of such a file."""
    rows = []
    for number, (items, freight, received) in ORDERS.items():
        whole = {"number": number, "status": one.paid, "placed": "2026-11-20 09:00:00", "paid": "2026-11-20 09:01:00",
                 "consignee": "王*", "phone": "139****0001", "address": "江苏省昆山市**路", "freight": f"{freight}",
                 "received": f"{received:,}"}  # fmt: skip
        if one.joined:
            count = sum(i[2] for i in items)
            items = [("，".join(i[0] for i in items), "", count, D(0))]
        for n, (title, code, count, each) in enumerate(items):
            said = {one.order[k]: v for k, v in whole.items()}
            if one.per_item:  # shares that add up: all of it by the first, nothing by the others
                said[one.order["received"]] = f"{received}" if n == 0 else "0.00"
            if one.first and n:
                said = {}
            values = {"title": title, "sku": code, "quantity": f"{count}", "price": f"{each}",
                      "goods": f"{count * each}"}  # fmt: skip
            said |= {one.item[k]: v for k, v in values.items()}
            rows.append([said.get(c, "") for c in columns])
    return rows


def file(one: Layout, columns: list[str]) -> tuple[bytes, str]:
    if one.book:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            for y, row in enumerate([columns, *table(one, columns)]):
                sheet.write_row(y, 0, [c or None for c in row], book.add_format({"num_format": "@"}))
        return out.getvalue(), "订单.xlsx"
    text = io.StringIO()
    csv.writer(text).writerows([columns, *table(one, columns)])
    return text.getvalue().encode(one.encoding), "订单.csv"


def formats() -> dict[tuple[str, str], list[str]]:
    told = yaml.safe_load((DATA / "platform-formats.yaml").read_text())["formats"]
    return {(f["platform"], f["kind"]): f["columns"] for f in told if "columns" in f}


def test_no_order_layout_of_the_collection_is_left_out():
    shops = {one.platform for one in LAYOUTS}
    kinds = {key for key in formats() if key[0] in shops and key[1].startswith("订单")}
    assert kinds == {(one.platform, one.kind) for one in LAYOUTS}


@pytest.mark.clause("C-ORD-01")
@pytest.mark.parametrize("one", LAYOUTS, ids=lambda one: f"{one.platform} {one.kind}")
def test_a_file_with_all_columns_of_a_layout_gives_its_orders_to_the_fen(one):
    columns = formats()[one.platform, one.kind]
    assert {c for c in (*one.order.values(), *one.item.values()) if c} <= set(columns)
    reading = read_orders(*file(one, columns))
    assert (reading.channel, reading.problems) == (one.channel, [])
    assert [o.number for o in reading.orders] == list(ORDERS)
    for order in reading.orders:
        items, freight, received = ORDERS[order.number]
        assert (order.state, order.received) == (PAID, received)
        assert order.freight == (freight if one.order["freight"] else 0)
        assert order.consignee == ("王*" if one.order["consignee"] else ""), "what is masked stays masked"
        if not one.joined:
            assert [(i.title, i.sku, i.quantity, i.price) for i in order.items] == items
        elif one.item["quantity"]:
            assert [i.quantity for i in order.items] == [sum(i[2] for i in items)]
        lines, off = lines_of(order)
        gross = sum((D(str(x["quantity"])) * x["price"]).quantize(D("0.01"), "ROUND_HALF_UP") for x in lines)
        assert gross - off == received, "the order is worth what was received, to the 分"
