"""订单确认书 (A4, for the customer's stamp) and 送货单 (241 mm, with and without prices). practice.md 2.6."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.people.company import company_name
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.printing.amounts import amount_in_words
from neiqin.kernel.printing.forms import Form
from neiqin.modules.orders.models import Delivery, DeliveryLine, Order, OrderLine
from neiqin.modules.orders.states import IN_FORCE

HERE = Path(__file__).parent / "forms"
CONFIRMATION_HEAD = ["序号", "客户料号", "品名", "规格型号", "单位", "数量", "含税单价", "金额", "交期"]
CONFIRMATION_PARTS = ["no", "", "name", "name", "unit", "quantity", "price", "amount", ""]
NOTE_PARTS = ["no", "name", "name", "unit", "quantity"]


def confirmations(records: Sequence[Order], person: Any) -> list[dict[str, Any]]:
    """What an order confirmation says; the customer signs it and sends it back."""
    return [_confirmation(order, *to) for order, to in zip(records, _to(records), strict=True)]


def _to(orders: Sequence[Order]) -> list[tuple[str, str]]:
    """Consignee with telephone, and address, in full: goods are to arrive."""
    texts = open_columns(list(orders), ["consignee", "consignee_phone", "address"])
    return [(f"{t['consignee'] or ''} {t['consignee_phone'] or ''}".strip(), t["address"] or "") for t in texts]


def _confirmation(order: Order, consignee: str, address: str) -> dict[str, Any]:
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    rows = [
        [str(n), x.customer_item, x.item_name, x.spec, x.unit_name, plain(x.quantity), _price(x.price),
         f"{x.gross:,.2f}", f"{x.promised_on or order.required_on or ''}"]
        for n, x in enumerate(lines, 1)
    ]  # fmt: skip
    facts = [
        ("客户", order.name), ("客户订单号", order.customer_po), ("日期", f"{order.doc_date}"),
        ("交期", f"{order.required_on or ''}"), ("收货人", consignee), ("送货地址", address),
    ]  # fmt: skip
    off = f"整单优惠 {order.order_discount:,.2f}（已分摊到各行）" if order.order_discount else ""
    return {
        "company": company_name(), "facts": facts, "head": CONFIRMATION_HEAD, "parts": CONFIRMATION_PARTS,
        "rows": rows, "off": off, "notes": [off],
        "total": ("合计（含税）", f"{order.amount:,.2f}", f"人民币{amount_in_words(order.amount)}"),
        "closing": "请核对，没有问题回复「确认」，有出入马上告诉我们。",
    }  # fmt: skip


def _with_prices(records: Sequence[Delivery], person: Any) -> list[dict[str, Any]]:
    return [_note(d, prices=True) for d in records]


def _without(records: Sequence[Delivery], person: Any) -> list[dict[str, Any]]:
    return [_note(d, prices=False) for d in records]


def _note(delivery: Delivery, *, prices: bool) -> dict[str, Any]:
    goods = list(DeliveryLine.objects.filter(delivery=delivery).select_related("order_line").order_by("pk"))
    order = delivery.order
    ((consignee, address),) = _to([order])
    head = ["序号", "品名", "规格型号", "单位", "数量", *(["单价", "金额"] if prices else []), "备注"]
    rows, total = [], Decimal(0)
    for n, one in enumerate(goods, 1):
        line = one.order_line
        worth = (line.gross * one.quantity / line.quantity).quantize(Decimal("0.01"))
        total += worth
        money = [_price(line.price), f"{worth:,.2f}"] if prices else []
        rows.append([str(n), line.item_name, line.spec, line.unit_name, plain(one.quantity), *money, line.remark])
    facts = [
        ("客户", delivery.name), ("订单号", order.number), ("日期", f"{delivery.shipped_on}"),
        ("收货人", consignee), ("地址", address),
        ("承运", f"{delivery.carrier} {delivery.waybill}".strip()),
    ]  # fmt: skip
    return {
        "company": company_name(), "heading": "送货单", "facts": facts, "head": head, "rows": rows,
        "parts": [*NOTE_PARTS, *(["price", "amount"] if prices else []), ""],
        "total": ("合计", f"{total:,.2f}", amount_in_words(total)) if prices else (),
        "closing": "收到后请核对数量，有短少、破损当天告诉我们。",
    }  # fmt: skip


def _price(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").ljust(len(f"{value:.2f}"), "0")


def _mark(order: Order) -> str:
    return "" if order.state in IN_FORCE else "未审批"


FORMS = [
    Form(
        "orders.confirmation", "订单确认书", HERE / "confirmation.typ", confirmations, kind="orders.order", mark=_mark
    ),
    Form("orders.note", "送货单", HERE / "note.typ", _with_prices, kind="orders.delivery", paper="241"),
    Form("orders.plain_note", "送货单（无价）", HERE / "note.typ", _without, kind="orders.delivery", paper="241"),
]
