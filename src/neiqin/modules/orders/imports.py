"""How rows of a file become orders: any system's export, one row for each line, an order's rows one after the other."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from neiqin.kernel.exchange.plans import Key, Plan, Unfit, Working
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.formats.number import plain
from neiqin.modules.orders import fields, resources
from neiqin.modules.orders.amounts import fen

AMOUNT = Field("amount", "金额（含税）", "quantity", help="没有单价时由它除以数量")
FACTOR = Field("factor", "折扣率（95 折写 0.95）", "quantity", min=0)
OFF = Field("discount", "让利率（95 折写 0.05）", "quantity", min=0)
MICRO = Decimal("0.000001")


def price(line: Mapping[str, Any]) -> dict[str, Any]:
    """The price of a line after its discount, or by its amount; what a file says must agree to the 分. Raises Unfit."""
    rest = {name: text for name, text in line.items() if name not in ("amount", "factor", "discount")}
    given = {f.name: _number(f, line) for f in (*_PRICED, AMOUNT, FACTOR, OFF)}
    count, each, amount = given["quantity"], given["price"], given["amount"]
    factor = given["factor"] if given["factor"] is not None else 1 - (given["discount"] or Decimal(0))
    if not 0 <= factor <= 1:
        name = "factor" if given["factor"] is not None else "discount"
        raise Unfit(name, "折扣要在 0 和 1 之间：95 折的折扣率写 0.95，让利率写 0.05。")
    if each is not None:
        rest["price"] = plain((each * factor).quantize(MICRO))
    if amount is None or not count:
        return rest
    if each is not None and abs(fen(count * each * factor) - fen(amount)) > Decimal("0.01"):
        raise Unfit(
            "amount", f"数量 × 单价是 {fen(count * each * factor):,.2f}，金额写的是 {fen(amount):,.2f}，对不上。"
        )
    exact = (amount / count).quantize(MICRO)
    if fen(count * exact) != fen(amount):
        raise Unfit("amount", f"{plain(count)} 个分不匀 {fen(amount):,.2f}，拆成两行。")
    return rest | {"price": plain(exact)}


_PRICED = tuple(f for f in fields.LINE if f.name in ("quantity", "price"))


def _number(field: Field, line: Mapping[str, Any]) -> Decimal | None:
    """A number as written; one that is none is left to the check of the field itself, if the form has it."""
    try:
        return field.but(required=False, min=None).parse(str(line.get(field.name) or ""))
    except BadFormat as error:
        if field in _PRICED:
            return None
        raise Unfit(field.name, f"「{field.label}」{error}") from None


orders = Plan(
    resources.order,
    keys=(Key("number"), Key("customer_po", within="customer")),
    synonyms={
        "customer_po": ("客户订单号", "订单号", "订单编号", "采购单号", "PO", "PO号", "Order ID", "Invoice No"),
        "customer": ("客户", "客户名称", "购货单位", "买方", "Customer Name", "Customer ID"),
        "doc_date": ("下单日期", "订单日期", "Order Date", "Invoice Date"),
        "required_on": ("交货日期", "需求日期", "要货日期", "Required Date"),
        "consignee": ("收件人", "收货联系人", "Ship Name"),
        "consignee_phone": ("收件人电话", "收货人电话"),
        "address": ("送货地址", "Ship Address"),
        "freight": ("运杂费",),
        "lines.product": (
            "产品",
            "产品编码",
            "物料编码",
            "存货编码",
            "货号",
            "商家编码",
            "SKU",
            "Product ID",
            "Stock Code",
        ),
        "lines.item_name": ("品名", "产品名称", "商品名称", "存货名称", "Product Name", "Description"),
        "lines.quantity": ("数量", "订购数量", "Quantity", "Qty"),
        "lines.unit_name": ("计量单位",),
        "lines.price": ("单价", "含税单价", "Unit Price"),
        "lines.amount": ("金额", "价税合计", "含税金额", "Amount", "Sales"),
        "lines.factor": ("折扣率",),
        "lines.discount": ("让利率",),
        "lines.customer_item": ("客户料号", "客户物料号"),
    },
    line_keys={"lines": ("product", "item_name", "customer_item")},
    workings={"lines": Working((AMOUNT, FACTOR, OFF), price)},
    given={"source": fields.EXCEL},
)
