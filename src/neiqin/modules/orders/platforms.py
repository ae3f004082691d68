"""Order files of shop platforms as one neutral form (practice.md 5.2). Pure: no database.

What is known of the platforms is data: the columns that give a file away, what the columns are called, whether an order
or an item is a row. Columns are found by name, unknown ones are left alone, masked values stay as they are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from neiqin.kernel.exchange.reading import Sheet, Unreadable, read
from neiqin.kernel.fields.formats import BadFormat, half_width, money, quantity

CHINA = ZoneInfo("Asia/Shanghai")
UNPAID, PAID, CLOSED = "unpaid", "paid", "closed"
# What tells the platforms apart: columns that only their files have together; the first that fits counts.
MARKS: tuple[tuple[str, frozenset[str]], ...] = (
    ("1688", frozenset({"订单编号", "买家公司名", "货品标题"})),  # has 买家会员名 too
    ("淘宝/天猫", frozenset({"订单编号", "买家会员名"})),
    ("淘宝/天猫", frozenset({"订单编号", "支付单号", "商品标题"})),  # 千牛
    ("京东", frozenset({"订单号", "京东价"})),
    ("拼多多", frozenset({"订单号", "商家实收金额(元)"})),
    ("抖店", frozenset({"主订单编号", "选购商品"})),
    ("快手小店", frozenset({"订单号", "成交数量", "实付款"})),
    ("小红书", frozenset({"订单号", "SKU名称"})),
    ("微信小店", frozenset({"订单号", "订单实际收款金额"})),
    ("有赞", frozenset({"订单号", "商品实际成交金额"})),
)
# Neutral name -> what the platforms call it, the first that is there counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "number": ("主订单编号", "订单编号", "订单号"),
    "sub": ("子订单编号",),
    "status": ("订单状态", "订单商品状态"),
    "refund": ("售后状态", "商品退款状态", "退款状态"),
    "refunded": ("退款金额", "商品已退款金额"),
    "placed": ("订单创建时间", "下单时间", "订单提交时间", "订单下单时间", "订单成交时间"),
    "paid": ("订单付款时间", "付款确认时间", "支付完成时间", "订单支付时间", "支付时间"),
    "consignee": ("收货人姓名", "收件人姓名", "收件人", "客户姓名", "收货人/提货人", "收货人"),
    "phone": ("联系手机", "收件人手机号", "收件人手机", "收件人电话", "收货人电话", "收货人手机号/提货人手机号",
              "联系电话"),
    "province": ("省", "收货地址-省", "收货人省份"),
    "city": ("市", "收货地址-市", "收货人城市"),
    "district": ("区", "收货地址-区", "收货人地区"),
    "address": ("收货地址", "详细地址", "客户地址", "收件人地址", "详细收货地址/提货地址"),
    "title": ("宝贝标题", "SKU名称", "商品名称", "选购商品", "货品标题", "商品标题", "标题", "商品"),
    "spec": ("商品规格", "商品属性", "SKU规格", "型号"),
    "sku": ("商家编码-规格维度", "商家编码", "外部系统编号", "SKU编码(自定义)", "SKU编码", "单品货号", "货号",
            "规格编码"),
    "quantity": ("订购数量", "商品数量(件)", "商品数量", "成交数量", "SKU件数", "购买数量", "数量", "宝贝总数量"),
    # 商品金额 is what one costs (抖店, 75 columns).
    "price": ("京东价", "商品单价", "单价(元)", "商品价格(单件)", "价格", "商品金额"),
    "goods": ("商品总价(元)", "商品总价", "商品金额小计"),
    "freight": ("买家应付邮费", "运费金额", "邮费(元)", "运费(元)", "订单运费", "快递费", "运费"),
    "received": ("商家实收金额(元)", "商家应收金额(元)(支付金额)", "买家实际支付金额", "买家实付金额", "结算金额",
                 "订单实际收款金额", "商品实际成交金额", "实付款(元)", "实付款", "订单应付金额", "支付金额"),
    "carrier": ("物流公司", "快递公司", "商品发货物流公司"),
    "waybill": ("物流单号", "快递单号", "运单号", "商品发货物流单号"),
    "note": ("买家留言", "订单备注", "买家备注", "用户备注"),
}  # fmt: skip
# Files with a row for each item in which what was received belongs to the item, not to the order.
PER_ITEM = frozenset({"抖店", "有赞", "小红书"})
# Files in which what belongs to the order stands in its first row only.
FILLED_DOWN = frozenset({"1688"})
ITEMS = frozenset({"主订单编号", "标题", "购买数量"})  # the second file of 淘宝/天猫
JOINED = ";"  # 抖店 writes several items of an order into one cell
EMPTY = frozenset({"", "-", "--", "/", "null", "无"})
_CLOSED, _UNPAID, _NONE = (
    re.compile("关闭|取消"),
    re.compile("等待买家付款|待付款|未付款|未支付"),
    re.compile("无售后|取消"),
)


@dataclass(frozen=True)
class Problem:
    """Why an order is left out: the row, the column and what stands there."""

    row: int
    column: str
    value: str
    text: str

    @property
    def sentence(self) -> str:
        return f"第 {self.row} 行「{self.column}」{self.value[:40]}：{self.text}"


@dataclass
class Item:
    """A line. price: what one costs before discounts of the order."""

    title: str
    spec: str
    sku: str
    quantity: Decimal
    price: Decimal | None
    sub: str = ""


@dataclass
class PlatformOrder:
    """An order as the platform knows it. received: what the seller gets, which is what the buyer paid and the platform
    added; refunded: of it given back; rows: of the file."""

    number: str
    state: str
    placed: datetime | None = None
    paid: datetime | None = None
    consignee: str = ""
    phone: str = ""
    province: str = ""
    address: str = ""
    note: str = ""
    freight: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    items: list[Item] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


@dataclass
class Reading:
    """What a file says: good orders, and the bad ones by number with their problems and rows as they were."""

    channel: str
    headers: tuple[str, ...]
    orders: list[PlatformOrder]
    problems: list[Problem]
    bad_rows: list[tuple[int, list[str], str]]  # number of the row, its cells, why its order is left out
    notes: list[str]


def _plain(header: str) -> str:
    return half_width(header).replace(" ", "")


def channel_of(headers: Iterable[str]) -> str:
    """The platform whose file this is. Raises Unreadable, naming what the nearest one misses."""
    there = {_plain(h) for h in headers}
    found = next((name for name, marks in MARKS if marks <= there), "")
    if not found:
        name, marks = max(MARKS, key=lambda m: len(m[1] & there) / len(m[1]))
        missing = "」「".join(sorted(marks - there))
        raise Unreadable(
            f"认不出是哪个平台的订单文件。最像{name}，缺「{missing}」这几列。用平台后台导出的原文件，不要改列名。"
        )
    return found


class _Bad(Exception):
    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text


class _Columns:
    """The columns of one sheet by their neutral names."""

    def __init__(self, headers: Sequence[str]) -> None:
        places = {_plain(h): n for n, h in reversed(list(enumerate(headers)))}
        self.headers = headers
        self.at = {name: next((places[n] for n in names if n in places), -1) for name, names in NAMES.items()}

    def text(self, cells: Sequence[str], name: str) -> str:
        at = self.at[name]
        value = cells[at].strip() if at >= 0 else ""
        return "" if value in EMPTY else value

    def label(self, name: str) -> str:
        return self.headers[self.at[name]] if self.at[name] >= 0 else NAMES[name][0]

    def amount(self, cells: Sequence[str], name: str) -> Decimal | None:
        text = self.text(cells, name)
        try:
            return Decimal(money(text.removesuffix("元"))) if text else None
        except BadFormat as error:
            raise _Bad(name, error.sentence) from None

    def moment(self, cells: Sequence[str], name: str) -> datetime | None:
        text = self.text(cells, name).replace("/", "-")
        if not text:
            return None
        for pattern in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
            try:
                return datetime.strptime(text, pattern).replace(tzinfo=CHINA)
            except ValueError:
                continue
        raise _Bad(name, "看不出是什么时间，写成 2026-11-20 10:30:00。")


def read_orders(content: bytes, name: str, items: bytes | None = None, items_name: str = "") -> Reading:
    """The orders of a file, and of its second file with the items (淘宝/天猫). Raises Unreadable."""
    sheet = read(content, name).sheets[0]
    channel = channel_of(sheet.headers)
    columns = _Columns(sheet.headers)
    orders: dict[str, PlatformOrder] = {}
    bad: dict[str, Problem] = {}
    raw: dict[str, list[tuple[int, list[str]]]] = {}
    above = ""
    for row in sheet.rows():
        cells = row.cells
        number = columns.text(cells, "number").lstrip("'`").strip('="\t ') or above
        above = number if channel in FILLED_DOWN else ""
        raw.setdefault(number, []).append((row.number, list(cells)))
        try:
            _trusted(number, row.problem or row.suspect.get(columns.at["number"], ""))
            _take(orders, number, row.number, columns, cells, channel)
        except _Bad as error:
            value = columns.text(cells, error.name)
            bad.setdefault(number, Problem(row.number, columns.label(error.name), value, error.text))
    notes: list[str] = []
    if items is None and columns.at["quantity"] < 0:
        notes.append("这个文件没有数量和收货人，每单按 1 件取，金额照买家实付。审核前补上收货信息。")
    if items is not None:
        notes += _add_items(orders, bad, read(items, items_name).sheets[0])
    good = [o for n, o in orders.items() if n not in bad]
    for order in [o for o in good if not o.items and o.state == PAID]:
        bad[order.number] = Problem(order.rows[0], columns.label("title"), "", "没有商品明细，宝贝文件里也没有这一单。")
    good = [o for o in good if o.number not in bad]
    rows = [(*one, problem.sentence) for n, problem in bad.items() for one in raw.get(n, ())]
    return Reading(channel, tuple(sheet.headers), good, list(bad.values()), rows, notes)


def _trusted(number: str, doubt: str) -> None:
    """Digits that a spreadsheet has rounded are not a number."""
    if doubt or not number:
        raise _Bad("number", doubt or "没有订单号。")


def _take(
    orders: dict[str, PlatformOrder], number: str, row: int, columns: _Columns, cells: Sequence[str], channel: str
) -> None:
    """One row: a new order, or a further item of one that is there."""
    order = orders.get(number)
    received = columns.amount(cells, "received") or Decimal(0)
    if order is None:
        place = "".join(columns.text(cells, n) for n in ("province", "city", "district"))
        address = columns.text(cells, "address")
        order = orders[number] = PlatformOrder(
            number, _stage(columns, cells), columns.moment(cells, "placed"),
            columns.moment(cells, "paid"), columns.text(cells, "consignee"),
            columns.text(cells, "phone").lstrip("'"), columns.text(cells, "province"),
            address if not place or address.startswith(place) else place + address, columns.text(cells, "note"),
            columns.amount(cells, "freight") or Decimal(0), received,
        )  # fmt: skip
    elif channel in PER_ITEM:
        order.received += received
    order.rows.append(row)
    refund = columns.text(cells, "refund")
    given = columns.amount(cells, "refunded")
    if given:
        order.refunded += given
    elif refund and not _NONE.search(refund) and "成功" in refund:
        order.refunded = order.received
    if columns.text(cells, "title"):
        order.items += _items(columns, cells)


def _stage(columns: _Columns, cells: Sequence[str]) -> str:
    """How far it is by what the file calls it; where it has no such column, whether it was paid."""
    if columns.at["status"] < 0 and columns.at["paid"] >= 0:
        return PAID if columns.text(cells, "paid") else UNPAID
    return _state(columns.text(cells, "status"))


def _state(words: str) -> str:
    text = half_width(words)
    return CLOSED if _CLOSED.search(text) else UNPAID if _UNPAID.search(text) else PAID


def _items(columns: _Columns, cells: Sequence[str]) -> list[Item]:
    """The item of a row, or several that stand joined in its cells."""
    titles = columns.text(cells, "title").split(JOINED)
    counts = columns.text(cells, "quantity").split(JOINED) if columns.at["quantity"] >= 0 else ["1"]
    skus, specs = columns.text(cells, "sku").split(JOINED), columns.text(cells, "spec").split(JOINED)
    price, goods = columns.amount(cells, "price"), columns.amount(cells, "goods")
    found = []
    for n, title in enumerate(titles if len(titles) == len(counts) else [";".join(titles)]):
        try:
            count = Decimal(quantity(counts[n if n < len(counts) else 0]))
        except BadFormat as error:
            raise _Bad("quantity", error.sentence) from None
        if count <= 0:
            raise _Bad("quantity", "数量要大于 0。退货和退款用平台的退款文件。")
        each = price if price is not None else goods / count if goods is not None and len(titles) == 1 else None
        sku, spec = (part[n].strip() if n < len(part) else "" for part in (skus, specs))
        found.append(Item(title.strip()[:120], spec[:100], sku[:60], count, each, columns.text(cells, "sub")))
    return found


def _add_items(orders: dict[str, PlatformOrder], bad: dict[str, Problem], sheet: Sheet) -> list[str]:
    """The second file: items by the number of their order. Gives what is told of items without an order."""
    there = {_plain(h) for h in sheet.headers}
    if ITEMS - there:
        raise Unreadable(f"第二个文件不是宝贝明细：缺「{'」「'.join(sorted(ITEMS - there))}」这几列。")
    columns, lost = _Columns(sheet.headers), 0
    for order in orders.values():
        order.items.clear()
    for row in sheet.rows():
        number = columns.text(row.cells, "number").lstrip("'`").strip('="\t ')
        if number not in orders:
            lost += 1
            continue
        try:
            orders[number].items += _items(columns, row.cells)
        except _Bad as error:
            value = columns.text(row.cells, error.name)
            bad.setdefault(number, Problem(row.number, f"宝贝文件的{columns.label(error.name)}", value, error.text))
    return [f"宝贝文件里有 {lost} 行的订单不在订单文件里，没有取。"] if lost else []


def lines_of(order: PlatformOrder) -> tuple[list[dict[str, object]], Decimal]:
    """(rows of order lines, discount of the whole order) that add up to what was received. What the buyer paid is never
    rewritten: a difference to the items is a discount, or a line of its own where more was paid."""
    items = order.items
    if any(i.price is None for i in items):
        goods = max(order.received - order.freight, Decimal(0))
        count = sum(i.quantity for i in items)
        items = [
            Item(i.title, i.spec, i.sku, i.quantity, (goods / count) if count else Decimal(0), i.sub) for i in items
        ]
    rows = [
        {"item_name": i.title, "spec": i.spec, "sku": i.sku, "quantity": i.quantity, "sub": i.sub,
         "price": (i.price or Decimal(0)).quantize(Decimal("0.000001"))}
        for i in items
    ]  # fmt: skip
    total = sum((_gross(r) for r in rows), Decimal(0))
    if order.freight:
        rows.append(
            {"item_name": "运费", "quantity": Decimal(1), "price": order.freight, "spec": "", "sku": "", "sub": ""}
        )
        total += order.freight
    if order.received > total:
        more = order.received - total
        rows.append({"item_name": "平台差额", "quantity": Decimal(1), "price": more, "spec": "", "sku": "", "sub": ""})
        return rows, Decimal(0)
    return rows, total - order.received


def _gross(row: Mapping[str, object]) -> Decimal:
    value = Decimal(str(row["quantity"])) * Decimal(str(row["price"]))
    return value.quantize(Decimal("0.01"), "ROUND_HALF_UP")
