"""What is done with orders: entered, checked and submitted, audited, taken back, closed, voided; doubts and answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from django.db import connection

from neiqin.kernel import copying
from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources.references import unseen
from neiqin.modules.catalog.models import ON_SALE, Product
from neiqin.modules.customers.models import Address
from neiqin.modules.orders import fields, money
from neiqin.modules.orders.models import Order, OrderLine, Query
from neiqin.modules.orders.states import APPROVED, CLOSED, DRAFT, EXECUTING, SUBMITTED, VOID

NUMBERS = Numbers("number", Pattern("DD", by_day=True))
CHECK = "/orders/check/"  # entering.py
EDIT, APPROVE, ANSWER = "orders.edit", "orders.approve", "orders.answer"
LINES = Lines("lines", "明细", OrderLine, "order", fields.LINE, 1, "加一行", check=CHECK, told=fields.TOLD)
ORDER = Shape(fields.HEAD, (LINES,))
CHANGED = Shape(tuple(f for f in fields.HEAD if f is not fields.customer), (LINES,))
DOUBT = Kind("orders.doubt", "订单疑问", MAIL)
# What is compared with the original before an offline order leaves the draft (C-ORD-02).
CHECKLIST = ("客户", "产品", "规格", "数量", "价格", "金额", "收货")
# The five items that a customer confirms (C-ORD-03).
CONFIRMED = frozenset({"lines", "required_on", "consignee", "address", "order_discount"})
# What hangs on an order, as tables and words.
_FOLLOWING = (
    ("orders_delivery", "发过货", "发货单"), ("orders_invoicing", "开过票", "开票登记"),
    ("orders_collection", "收过款", "收款登记"),
)  # fmt: skip
_ALIVE = " UNION ALL ".join(
    f"SELECT {kind} AS kind, id, order_id, number FROM {table} WHERE order_id = ANY(%s) AND state <> %s"
    for kind, (table, *_) in enumerate(_FOLLOWING)
)
NOTE = Field("reason", "原因", required=True, maxlength=200)


def _fit(batch: NewBatch[Order]) -> Mapping[int, Refusal]:
    _to_whom(batch.rows.values())
    return unfit_rows(batch, batch.rows)  # the customer is looked at where the order takes her terms over


def _to_whom(rows: Iterable[dict[str, Any]]) -> None:
    """Where nothing is said of it, goods go to the address the customer calls its default, or its only one."""
    silent = [row for row in rows if not (row["address"] or row["consignee"] or row["consignee_phone"])]
    if not silent:
        return
    found: dict[int, list[Address]] = defaultdict(list)
    for address in Address.objects.filter(customer_id__in={row["customer"] for row in silent}).order_by("pk"):
        found[address.customer_id].append(address)
    chosen = {i: next((a for a in those if a.is_default), those[0]) for i, those in found.items()
              if len(those) == 1 or any(a.is_default for a in those)}  # fmt: skip
    texts = dict(zip(chosen, open_columns(list(chosen.values()), ["consignee", "mobile"]), strict=True))
    for row in silent:
        if row["customer"] in chosen:
            to, text = chosen[row["customer"]], texts[row["customer"]]
            row |= {
                "consignee": text["consignee"] or "", "consignee_phone": text["mobile"] or "",
                "address": f"{to.region}{to.street}"[:200],
            }  # fmt: skip


def _still_fit(batch: Batch[Order], changes: Changes) -> Mapping[int, Refusal]:
    return unfit_rows(batch, changes)


def unfit_rows(batch: Batch[Order], rows: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
    """What is referred to is there, and each new line has something to sell, on sale, of more than nothing."""
    wanted = {x["product"] for row in rows.values() for x in row.get("lines") or () if x.get("product")}
    products: dict[int, Product] = batch.read(Product, wanted)
    stopped = {pk: product.name for pk, product in products.items() if product.state != ON_SALE}
    problems = unseen(CHANGED, rows, batch.by, {"catalog.product": products})
    for key, row in rows.items():
        for n, line in enumerate(row.get("lines") or ()):
            if refusal := _unfit(n, line, stopped):
                problems.setdefault(key, refusal)
    return problems


def _unfit(n: int, line: Mapping[str, Any], stopped: Mapping[int, str]) -> Refusal | None:
    if line.get("delete"):
        return None
    new = not line.get("id")
    if new and not line.get("product") and not line.get("item_name"):
        return Refusal(f"「第 {n + 1} 行」没有产品，选一个产品或写品名。", f"lines-{n}-product")
    if "quantity" in line and (line["quantity"] is None or line["quantity"] <= 0):
        return Refusal(f"「第 {n + 1} 行的数量」要大于 0，退货和冲销不写在订单里。", f"lines-{n}-quantity")
    if line.get("product") in stopped:
        return Refusal(f"「第 {n + 1} 行」的{stopped[line['product']]}已停售，换一个产品。", f"lines-{n}-product")
    return None


def begin(orders: NewBatch[Order]) -> None:
    """New orders have their row of progress, of nothing so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_progress (order_id, shipped, invoiced, collected, returned, links) "
            "SELECT unnest(%s::bigint[]), 0, 0, 0, 0, 0",
            [orders.ids],
        )


def _changed(batch: Batch[Order], changes: Changes) -> None:
    """Sums are made anew. What the customer has confirmed was something else: it is to be confirmed again."""
    settle(batch)
    other = {o.pk for o in batch if o.confirmed_at and changes[o.pk].keys() & CONFIRMED}
    batch.set_each("confirmed_at", {o.pk: None if o.pk in other else o.confirmed_at for o in batch})
    batch.set_each("confirmed_by", {o.pk: "" if o.pk in other else o.confirmed_by for o in batch})
    batch.set_each("confirmed_note", {o.pk: "" if o.pk in other else o.confirmed_note for o in batch})


def settle(batch: Batch[Order]) -> None:
    """The discount is shared over the lines that there are now, and they are added up."""
    by_order: dict[int, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(order_id__in=batch.ids).order_by("pk"):
        by_order[line.order_id].append(line)
    moved = [line for order in batch for line in money.share(order, by_order[order.pk])]
    copying.update(moved, ("off", "gross", "net", "tax"))
    for column in ("amount", "net", "tax"):
        batch.set_each(column, {o.pk: getattr(o, column) for o in batch})


create = creating(Order, ORDER, numbers=NUMBERS, check=_fit, after=begin, label="新建订单")
edit = editing(Order, CHANGED, check=_still_fit, after=_changed, label="修改订单", from_=frozenset({DRAFT}))


@action(Order, "提交", may=EDIT, from_=DRAFT, to=SUBMITTED, event="submitted", icon="send", key="S", primary=True)
def submit(
    orders: Batch[Order],
    *,
    checked: Annotated[
        bool,
        Field(
            "checked", f"照原件核对过：{'、'.join(CHECKLIST)}", "bool", help="线下订单要勾，核对人和时间会记在订单上"
        ),
    ] = False,
) -> None:
    """An offline order is compared with its original and adds up to it; every order has prices and says where to."""
    orders.refuse(_incomplete(orders))
    offline = {o.pk for o in orders if o.source == fields.OFFLINE}
    if not checked:
        text = "线下订单要照原件核对，勾上再提交。"
        orders.refuse(dict.fromkeys(offline, Refusal(text, "checked")))
    orders.set_each("checked_by_id", {o.pk: orders.by.id if checked else o.checked_by_id for o in orders})
    orders.set_each("checked_at", {o.pk: orders.now if checked else o.checked_at for o in orders})


def _incomplete(orders: Batch[Order]) -> dict[int, Refusal]:
    """practice.md 2.7: lines, prices, 收货信息, and the total of the original."""
    lines = OrderLine.objects.filter(order_id__in=orders.ids)
    filled = set(lines.values_list("order_id", flat=True))
    unpriced = dict(lines.filter(price=None).order_by("-pk").values_list("order_id", "item_name"))
    problems: dict[int, Refusal] = {}
    for order, texts in zip(orders, open_columns(orders.records, ["consignee", "address"]), strict=True):
        if order.pk not in filled:
            problems[order.pk] = Refusal("没有明细，至少要有一行。", "lines")
        elif order.pk in unpriced:
            problems[order.pk] = Refusal(f"「{unpriced[order.pk]}」没有价格：价目表里没有，填上单价。", "lines")
        elif not (texts["consignee"] and texts["address"]):
            problems[order.pk] = Refusal("收货人和收货地址没有填全。", "address")
        elif order.source == fields.OFFLINE and order.paper_total != order.amount:
            paper = "没有填" if order.paper_total is None else f"是 {order.paper_total:,.2f}"
            text = f"「原单合计」{paper}，明细合计 {order.amount:,.2f}，一致才能提交。"
            problems[order.pk] = Refusal(text, "paper_total")
    return problems


@action(
    Order, "审核", may=APPROVE, from_=SUBMITTED, to=APPROVED, event="approved", icon="checkbox", key="A", primary=True
)
def approve(orders: Batch[Order]) -> None:
    """Take orders into execution. What price policy and credit ask for stands in 《审批路线》, and the gate asks it."""
    orders.refuse({o.pk: f"挂起中：{o.hold}。先答复。" for o in orders if o.hold})
    orders.set(approved_at=orders.now)


@action(Order, "退回草稿", may=APPROVE, from_=SUBMITTED, to=DRAFT, event="sent_back", icon="arrow-back-up")
def send_back(orders: Batch[Order], *, reason: Annotated[str, NOTE]) -> None:
    """Something is to be mended."""
    orders.tell({i: {"reason": reason} for i in orders.ids})


@action(
    Order,
    "反审核",
    may=APPROVE,
    from_=(APPROVED, EXECUTING),
    to=SUBMITTED,
    event="unapproved",
    icon="arrow-back-up",
    danger=True,
)
def unapprove(orders: Batch[Order], *, reason: Annotated[str, NOTE]) -> None:
    """Only while nothing has been shipped, invoiced or received."""
    orders.refuse(_followed(orders))
    orders.tell({i: {"reason": reason} for i in orders.ids})


@action(
    Order,
    "作废",
    may=EDIT,
    from_=(DRAFT, SUBMITTED, APPROVED, EXECUTING),
    to=VOID,
    event="voided",
    icon="circle-x",
    danger=True,
)
def void(orders: Batch[Order], *, reason: Annotated[str, NOTE]) -> None:
    """It does not hold any more; its number stays visible and is not used again."""
    orders.refuse(_followed(orders))
    orders.tell({i: {"reason": reason} for i in orders.ids})


@action(Order, "关闭", may=APPROVE, from_=(APPROVED, EXECUTING), to=CLOSED, event="closed", icon="lock", danger=True)
def close(orders: Batch[Order], *, reason: Annotated[str, NOTE]) -> None:
    """Nothing more is delivered: all of it has been, or the rest is given up (短交)."""
    orders.tell({i: {"reason": reason} for i in orders.ids})


def _followed(orders: Batch[Order]) -> dict[int, str]:
    """What hangs on the orders and is to be voided first."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_ALIVE} ORDER BY kind, id", [orders.ids, VOID] * len(_FOLLOWING))
        alive = cursor.fetchall()
    problems: dict[int, str] = {}
    for kind, _, order, number in alive:
        _, done, what = _FOLLOWING[kind]
        problems.setdefault(order, f"已经{done}（{number}），先作废{what}。")
    return problems


@action(Order, "提疑问", may=EDIT, from_=(SUBMITTED, APPROVED), event="doubted", icon="message", bulk=False)
def doubt(
    orders: Batch[Order], *, text: Annotated[str, Field("text", "哪里有疑问", required=True, maxlength=300)]
) -> None:
    """The order stands still until its rep has answered (C-ORD-04)."""
    Query.objects.bulk_create(Query(order=o, text=text, asked_by_id=orders.by.id, asked_at=orders.now) for o in orders)
    orders.set(hold=f"有疑问：{text}"[:100])
    orders.tell({i: {"reason": text} for i in orders.ids})
    tell_each([
        News(o.owner_id, f"订单有疑问：{o.number} {o.name}", text, f"/orders/order/{o.pk}/", DOUBT.name,
             about=("orders.order", o.pk), run=orders.run)
        for o in orders
    ])  # fmt: skip


@action(
    Order, "答复疑问", may=ANSWER, from_=(SUBMITTED, APPROVED), event="explained", icon="message", bulk=False,
    offered=lambda order: order.hold != "",
)  # fmt: skip
def explain(
    orders: Batch[Order], *, answer: Annotated[str, Field("answer", "答复", required=True, maxlength=300)]
) -> None:
    """The exchange is kept, and the order goes on."""
    open_ = Query.objects.filter(order_id__in=orders.ids, answered_at=None)
    asked = dict(open_.values_list("order_id", "asked_by_id"))
    orders.refuse({i: "没有等着答复的疑问。" for i in orders.ids if i not in asked})
    open_.filter(order_id__in=orders.ids).update(answer=answer, answered_by_id=orders.by.id, answered_at=orders.now)
    orders.set(hold="")
    orders.tell({i: {"note": answer} for i in orders.ids})
    tell_each([
        News(who, f"疑问有答复：{o.number} {o.name}", answer, f"/orders/order/{o.pk}/", DOUBT.name,
             about=("orders.order", o.pk), run=orders.run)
        for o in orders if (who := asked.get(o.pk))
    ])  # fmt: skip
