"""The customer agrees to specification, quantity, price, date and place: by which means that counts is a rule
(C-ORD-03)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field, label_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.guests.asks import Answer, Ask, Contact, Given, Shown
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.rules.decide import decide
from neiqin.modules.customers.models import Contact as CustomerContact
from neiqin.modules.orders import fields
from neiqin.modules.orders.actions import EDIT
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import APPROVED, SUBMITTED

OPEN = (SUBMITTED, APPROVED)
HEAD = ("品名", "规格", "数量", "单价", "金额", "交期")
BY_HAND = tuple(m for m in fields.MEANS if m.value != fields.LINK)


@action(
    Order, "登记客户确认", may=EDIT, from_=OPEN, event="confirmed", icon="user-check", key="Q",
    offered=lambda order: order.confirmed_at is None,
)  # fmt: skip
def confirm(
    orders: Batch[Order],
    *,
    means: Annotated[str, Field("means", "怎么确认的", "choice", choices=BY_HAND, required=True)],
    proof: Annotated[str, Field("proof", "凭证", required=True, maxlength=200, help="谁、什么时候、合同号或回签件")],
) -> None:
    """Take down that the customer agreed. The table 《客户确认》 says what counts and what needs a picture or scan."""
    orders.refuse({o.pk: "客户已经确认过。" for o in orders if o.confirmed_at})
    orders.refuse(unproven(orders, {o.pk: (o, o.amount) for o in orders}, means))
    orders.set(confirmed_at=orders.now, confirmed_by=means, confirmed_note=proof)
    label = label_of(fields.MEANS, means)
    orders.tell({i: {"note": f"{label}，{proof}"} for i in orders.ids})


def unproven(records: Batch[Any], asked: Mapping[int, tuple[Order, Decimal]], means: str) -> dict[int, Refusal]:
    """Records that cannot be confirmed by these means, or need a scan first. asked: record -> the order it is about,
    and the amount; those the table cannot decide are refused in the batch."""
    label = label_of(fields.MEANS, means)
    given = [{"source": _source(asked[i][0]), "means": label, "amount": asked[i][1]} for i in records.ids]
    made = decide("order_confirmation", given, records.now.date(), records)
    if not records.ids:
        return {}
    kind = type(records.records[0])._meta.label_lower
    scans = Attachment.objects.filter(kind=kind, record_id__in=records.ids, removed_at=None)
    scanned = set(scans.values_list("record_id", flat=True))
    problems = {}
    for record, decision in zip(records.ids, made, strict=True):
        if decision.outputs["counts"] == "不算":
            problems[record] = Refusal(f"{_source(asked[record][0])}订单不能用「{label}」确认，换一种。", "means")
        elif decision.outputs["counts"] == "要附件" and record not in scanned:
            problems[record] = Refusal(f"「{label}」要先在这里上传附件（回签件、录音或截图）。", "proof")
    return problems


def _source(order: Order) -> str:
    return "平台" if order.source == fields.PLATFORM else "线下"


def contacts(order: Order) -> list[Contact]:
    """The customer's contacts."""
    rows = list(
        CustomerContact.objects.filter(customer_id=order.customer_id, erased_at=None, left=False).order_by("id")
    )
    names = open_columns(rows, ["name"])
    return [Contact("customers.contact", c.pk, c.subject, t["name"] or "") for c, t in zip(rows, names, strict=True)]


def show(order: Order) -> Shown:
    """The five items that are confirmed: specification, quantity, price, date and place."""
    (texts,) = open_columns([order], ["consignee", "address"])
    lines = OrderLine.objects.filter(order=order).order_by("pk")
    rows = [
        [x.item_name, x.spec, f"{plain(x.quantity)}{x.unit_name}", f"{x.price or 0:.2f}", f"{x.gross:,.2f}",
         f"{x.promised_on or order.required_on or '—'}"]
        for x in lines
    ]  # fmt: skip
    facts = [
        ("单号", order.number), ("要求交期", f"{order.required_on or '—'}"), ("收货人", texts["consignee"] or "—"),
        ("收货地址", texts["address"] or "—"), ("合计（含税）", f"{order.amount:,.2f}"),
    ]  # fmt: skip
    return Shown(f"{order.name} 的订单", facts, HEAD, rows)


def answered(orders: Batch[Order], given: Given) -> None:
    """确认 is kept with its moment; anything else holds the order for the clerk."""
    if given.choice == "ok":
        orders.set(confirmed_at=orders.now, confirmed_by=fields.LINK, confirmed_note="客户在链接上确认")
    else:
        orders.set(hold="客户说有出入，看客户回复")


ASK = Ask(
    "orders.confirm", "确认订单", Order, contacts, show,
    (Answer("ok", "确认无误", "optional"), Answer("wrong", "有出入", "required")), answered, OPEN,
)  # fmt: skip
