"""Taking orders in from platforms (C-ORD-01): once for each platform number, good ones as drafts, refunds brought to
orders that are there, bad ones back in a workbook. By a person with a file, or by themselves (sources)."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import insert
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.exchange.reading import Unreadable
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.files import store
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.catalog.models import products_by_key
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import fields
from neiqin.modules.orders.actions import EDIT, NUMBERS, begin
from neiqin.modules.orders.models import NOT_TAKEN, Order, OrderLine, Pull
from neiqin.modules.orders.platforms import CLOSED, UNPAID, PlatformOrder, Problem, Reading, lines_of, read_orders
from neiqin.modules.orders.states import VOID

CHUNK, MOST_TOLD = 500, 500
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OTHERS = "无"
TAKEN = Shape(
    (
        *fields.HEAD,
        Field("channel", "平台"),
        Field("platform_number", "平台单号", "code"),
        Field("placed_at", "下单时间", "moment"),
        Field("paid_at", "付款时间", "moment"),
        Field("confirmed_at", "客户确认时间", "moment"),
        Field("confirmed_by", "客户确认方式"),
        Field("confirmed_note", "确认凭证"),
    ),
    (Lines("lines", "明细", OrderLine, "order", (*fields.LINE, Field("platform_line", "子单号")), 1),),
)


@dataclass
class Taken:
    """What became of a file: numbers of orders, and what was left out. amount: of the new ones, incl. tax."""

    channel: str = ""
    made: int = 0
    repeated: int = 0
    updated: int = 0
    unpaid: int = 0
    closed: int = 0
    unmatched: int = 0
    amount: Decimal = Decimal(0)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    workbook: bytes = b""


@action(
    Order, "取平台订单", may="orders.create", event="taken_in", creates=True, numbers=NUMBERS, button=False, bulk=False,
    icon="file-import",
)  # fmt: skip
def take_in(batch: NewBatch[Order]) -> None:
    """Orders as a platform has them, parsed; what the buyer has paid counts as his confirmation."""
    known = set(
        Order.objects.filter(platform_number__in=[row["platform_number"] for row in batch.rows.values()]).values_list(
            "channel", "platform_number"
        )
    )
    batch.refuse({
        p: Refusal("已经取过。", code="taken")
        for p, row in batch.rows.items() if (row["channel"], row["platform_number"]) in known
    })  # fmt: skip
    insert(batch, Order, TAKEN, NUMBERS)
    begin(batch)


@action(
    Order, "平台退款", may=EDIT, event="refunded", each=True, button=False, bulk=False, icon="truck-return",
    shape=Shape((Field("amount", "已退", "money", min=0, required=True),)),
)  # fmt: skip
def refund(orders: Batch[Order]) -> None:
    """The platform has given the buyers money back, to each what stands in `rows`: the orders stand still until
    somebody has looked."""
    given = {o.pk: orders.rows[o.pk]["amount"] for o in orders}
    orders.leave({o.pk for o in orders if o.refunded == given[o.pk]})
    orders.set_each("refunded", {i: given[i] for i in orders.ids})
    orders.set_each("hold", {i: f"平台退款 {given[i]:,.2f}" for i in orders.ids})
    orders.tell({i: {"note": f"{given[i]:,.2f}"} for i in orders.ids})


def take(content: bytes, name: str, by: Any, items: bytes | None = None, items_name: str = "") -> Taken:
    """Take a file in. Raises Unreadable for a file that is no platform's, or whose platform has no customer."""
    reading = read_orders(content, name, items, items_name)
    done = Taken(reading.channel, problems=list(reading.problems), notes=list(reading.notes))
    customer = _customer(reading.channel)
    numbers = [o.number for o in reading.orders]
    there = {
        number: (pk, refunded, state)
        for number, pk, refunded, state in Order.objects.filter(
            channel=reading.channel, platform_number__in=numbers
        ).values_list("platform_number", "pk", "refunded", "state")
    }
    fresh, given = [], {}
    for order in reading.orders:
        if order.number in there:
            pk, refunded, state = there[order.number]
            amount = order.refunded or (order.received if order.state == CLOSED else Decimal(0))
            if amount == refunded or state == VOID:
                done.repeated += 1
            else:
                given[pk] = amount
        elif order.state == UNPAID:
            done.unpaid += 1
        elif order.state == CLOSED:
            done.closed += 1
        else:
            fresh.append(order)
    ids = sorted(given)
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        perform(refund, some, by=by, rows=[{"amount": given[i]} for i in some], source="import", parsed=True)
    done.updated += len(given)
    products = products_by_key({i.sku for o in fresh for i in o.items}, customer.pk)
    for start in range(0, len(fresh), CHUNK):
        _write(fresh[start : start + CHUNK], customer, products, reading, done, by)
    done.workbook = _workbook(reading) if reading.bad_rows else b""
    return done


def _customer(channel: str) -> Customer:
    """Under whose name the platform's orders are kept: 散客 of the shop, by the table 《平台客户》."""
    try:
        (made,) = decide("platform_customers", [{"channel": channel}], clock.today())
    except Undecided as error:
        raise Unreadable(str(error)) from None
    name = str(made.outputs["customer"])
    found = Customer.objects.filter(name=name).first()
    if found is None:
        hint = f"没有叫「{name}」的客户。" if name != OTHERS else ""
        raise Unreadable(f"{hint}{channel}的订单记到哪个客户名下，写在规则表《平台客户》里，再取。")
    return found


def _write(
    orders: Sequence[PlatformOrder], customer: Customer, products: Mapping[str, int], reading: Reading, done: Taken,
    by: Any,
) -> None:  # fmt: skip
    rows = [_row(order, customer, products, reading.channel, done) for order in orders]
    outcome = perform(take_in, by=by, rows=rows, source="import", parsed=True)
    done.made += len(outcome.done)
    for position, refusal in outcome.refused.items():
        if refusal.code == "taken":
            done.repeated += 1
        else:
            one = orders[position]
            done.problems.append(Problem(one.rows[0], "订单号", one.number, refusal.text))
    amounts = Order.objects.filter(pk__in=outcome.done).values_list("amount", flat=True)
    done.amount += sum(amounts, Decimal(0))


def _row(
    order: PlatformOrder, customer: Customer, products: Mapping[str, int], channel: str, done: Taken
) -> dict[str, Any]:
    lines, discount = lines_of(order)
    made = []
    for line in lines:
        product = products.get(str(line["sku"]))
        done.unmatched += product is None and line["item_name"] not in ("运费", "平台差额")
        made.append({f.name: f.default for f in fields.LINE} | {
            "product": product, "item_name": line["item_name"], "spec": line["spec"], "quantity": line["quantity"],
            "price": line["price"], "customer_item": line["sku"], "platform_line": line["sub"], "unit_name": "",
            "tax_rate": "", "is_gift": False, "remark": "",
        })  # fmt: skip
    when = order.paid or order.placed
    return {f.name: f.default for f in fields.HEAD} | {
        "customer": customer.pk, "source": fields.PLATFORM, "channel": channel, "platform_number": order.number,
        "doc_date": order.placed.date() if order.placed else None, "placed_at": order.placed, "paid_at": order.paid,
        "consignee": order.consignee[:40] or "买家", "consignee_phone": order.phone[:30],
        "address": order.address[:200],
        "region": order.province[:20], "order_discount": discount, "remark": order.note[:1000], "lines": made,
        "confirmed_at": when, "confirmed_by": fields.PAID, "customer_po": "", "settlement": "",
        "confirmed_note": f"{channel}付款 {when:%Y-%m-%d %H:%M}" if when else f"{channel}付款",
    }  # fmt: skip


def _workbook(reading: Reading) -> bytes:
    """The bad orders' rows as they were, each with its row number and what is wrong, to be mended and taken again."""
    import xlsxwriter  # loaded by who writes a workbook

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        head, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        sheet = book.add_worksheet("没取的订单")
        sheet.set_column(0, len(reading.headers) + 1, 16, text)
        for x, label in enumerate([*reading.headers, "行号", "错误原因"]):
            sheet.write_string(0, x, label, head)
        for y, (row, cells, why) in enumerate(reading.bad_rows, 1):
            for x, cell in enumerate([*cells, str(row), why]):
                sheet.write_string(y, x, cell)
    return out.getvalue()


def take_and_keep(content: bytes, name: str, by: Any, items: bytes | None = None, items_name: str = "") -> Pull:
    """Take a file in and keep what became of it; a file that cannot be taken is kept with the reason."""
    try:
        done = take(content, name, by, items, items_name)
    except Unreadable as error:
        return Pull.objects.create(
            person_id=by.id, name=name[:200], at=clock.now(), words=f"{NOT_TAKEN}{error.sentence}"
        )
    kept = None
    if done.workbook:
        kept = store.keep(iter([done.workbook]), f"{name[:80]}-没取的订单.xlsx", by=by, kind=XLSX)
    return Pull.objects.create(
        person_id=by.id, name=name[:200], at=clock.now(), words=words_of(done), file=kept,
        problems=[p.sentence for p in done.problems[:MOST_TOLD]],
    )  # fmt: skip


def words_of(done: Taken) -> str:
    """取了 3 单，共 ¥388.00；跳过 1 单已经取过的 …"""
    parts = [f"{done.channel}：新取 {done.made} 单，合计 ¥{done.amount:,.2f}"]
    for count, words in (
        (done.repeated, "单已经取过，跳过"), (done.updated, "单有退款，更新了"), (done.unpaid, "单没有付款，没有取"),
        (done.closed, "单已关闭，没有取"), (len(done.problems), "单有错，没有取"),
        (done.unmatched, "行商品没有对上我们的产品"),
    ):  # fmt: skip
        if count:
            parts.append(f"{count} {words}")
    return "；".join(parts) + "。"
