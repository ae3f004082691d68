"""What a quote's page says, what orders and customers show of quotes, and what waits on the workbench."""

from datetime import timedelta
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.approvals.models import OPEN, Request
from neiqin.kernel.fields.field import Field, state_of
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource, Todo, Tool, site
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import STATES as ORDER_STATES
from neiqin.modules.quotes.actions import CREATE, EDIT, KEY, URL, VIEW, versions_of
from neiqin.modules.quotes.comparing import differences
from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine
from neiqin.modules.quotes.pushing import left, orders_of, taken
from neiqin.modules.quotes.states import ACCEPTED, DRAFT, REFUSED, REPLACED, SENT, STAGES, VOID

ENDING = 3  # days before its last that a quote is to be followed up
MOST = 10
VERSIONS = (
    Field("number", "单号", role="id"), Field("edition", "版本", "number"), Field("sent_at", "发送时间", "moment"),
    Field("valid_until", "有效期至", "date"), Field("amount", "价税合计", "money"), Field("state", "状态", "state"),
)  # fmt: skip
DIFFERENCES = (
    Field("item", "品名"), Field("how", "怎么变的"), Field("what", "什么"), Field("before", "上一版"),
    Field("after", "这一版"),
)  # fmt: skip
LEFT = (
    Field("item", "品名"), Field("spec", "规格型号"), Field("quantity", "报价数量", "quantity"),
    Field("ordered", "已下推", "quantity"), Field("left", "还剩", "quantity"), Field("unit", "单位"),
)  # fmt: skip
ORDERS = (
    Field("number", "单号", role="id"), Field("doc_date", "日期", "date"), Field("amount", "价税合计", "money"),
    Field("state", "状态", "state"),
)  # fmt: skip
QUOTES = (
    Field("number", "单号", role="id"), Field("doc_date", "报价日期", "date"), Field("valid_until", "有效期至", "date"),
    Field("amount", "价税合计", "money"), Field("state", "状态", "state"),
)  # fmt: skip


def steps(quote: Quote) -> list[Bag]:
    """起草, 发送, 客户答复, 下推: each behind with its moment, the one it is at, those to come."""
    if quote.state in (VOID, REPLACED):
        return []
    done = [
        ("起草", quote.created_at), ("发送", quote.sent_at), ("客户答复", quote.answered_at),
        ("下推订单", _last_pushed(quote)),
    ]  # fmt: skip
    next_ = next((label for label, at in done if not at), "")
    return [
        Bag(label=label, small=f"{clock.local(at):%m-%d %H:%M}" if at else "",
            status="done" if at else "now" if label == next_ and quote.state != REFUSED else "")
        for label, at in done
    ]  # fmt: skip


def _last_pushed(quote: Quote) -> Any:
    return orders_of(quote.pk).exclude(state=VOID).values_list("created_at", flat=True).first()


def notes(quote: Quote, person: Any) -> list[Bag]:
    """What keeps it from going on, and what to do next."""
    found = []
    if request := Request.objects.filter(model=KEY, record_id=quote.pk, state=OPEN).first():
        link = Bag(label="看审批", url=f"/approvals/request/{request.pk}/")
        found.append(panels.note("", "正在审批。", f"{request.rule}：{request.route}", link))
    newer = versions_of([quote.head]).filter(edition__gt=quote.edition).exclude(state=VOID).order_by("-edition").first()
    if newer is not None:
        words = (
            "已有新版本，这一版不能再接受。" if quote.state == REPLACED else "新版本在起草，发送以后这一版就不算了。"
        )
        found.append(panels.note("warn", words, "", Bag(label=newer.number, url=f"{URL}{newer.pk}/")))
    if quote.state == SENT and quote.over:
        found.append(
            panels.note("warn", "已过期。", f"有效期到 {quote.valid_until} 为止，不能接受，也不能下推。出新版本再发。")
        )
    elif quote.state == SENT:
        found.append(panels.note("", "", f"有效期还有 {(quote.valid_until - clock.today()).days} 天，等客户答复。"))
    if quote.state == ACCEPTED:
        found.append(_accepted(quote))
    if quote.state == REFUSED:
        found.append(panels.note("bad", "客户拒绝。", quote.answered_note))
    return found


def _accepted(quote: Quote) -> Bag:
    gone = taken([quote.pk])
    rest = [x for x in QuoteLine.objects.filter(quote=quote) if left(x, gone) > 0]
    if not rest:
        return panels.note("ok", "全部下推成订单了。", "")
    if quote.over:
        return panels.note("warn", "有效期已过。", f"还剩 {len(rest)} 行没有下推，不能再推，出新版本或另报一份。")
    return panels.note("ok", "客户已接受。", f"还有 {len(rest)} 行可以下推订单。")


def versions(record: Any, person: Any) -> Bag | None:
    """版本 on the quote's page: all of them, the newest first."""
    rows = list(versions_of([record.head]).order_by("-edition"))
    if len(rows) < 2:
        return None
    return panels.table("versions", "版本", VERSIONS, [
        panels.line([q.number, q.edition, q.sent_at, q.valid_until, q.amount, state_of(STAGES, q.stage)],
                    f"{URL}{q.pk}/", q.number)
        for q in rows
    ])  # fmt: skip


def compared(record: Any, person: Any) -> Bag | None:
    """和上一版的差异 on a later version's page, line by line."""
    if record.edition < 2:
        return None
    before = versions_of([record.head]).filter(edition__lt=record.edition).exclude(state__in=(DRAFT, VOID))
    old = before.order_by("-edition").first()
    if old is None:
        return None
    rows = [panels.line([d.item or "（整单）", d.how, d.what, d.before, d.after]) for d in differences(old, record)]
    return panels.table("differences", f"和 {old.number} 的差异", DIFFERENCES, rows, empty="和上一版一样。")


def remaining(record: Any, person: Any) -> Bag | None:
    """下推情况 on an accepted quote's page: what of each line became orders, and what is left."""
    if record.state != ACCEPTED:
        return None
    gone = taken([record.pk])
    rows = [
        panels.line([x.item_name, x.spec, x.quantity, gone.get(x.pk, 0), left(x, gone), x.unit_name])
        for x in QuoteLine.objects.filter(quote=record).order_by("pk")
    ]
    return panels.table("remaining", "下推情况", LEFT, rows)


def orders(record: Any, person: Any) -> Bag | None:
    """订单 on the quote's page: those that came of it, as far as the person may see them."""
    if not person.may("orders.view"):
        return None
    rows = list(orders_of(record.pk).filter(Order.visible_to(person)))
    if not rows:
        return None
    return panels.table("orders", "订单", ORDERS, [
        panels.line([o.number, o.doc_date, o.amount, state_of(ORDER_STATES, o.state)], f"/orders/order/{o.pk}/",
                    o.number)
        for o in rows
    ])  # fmt: skip


def of_order(record: Any, person: Any) -> Bag | None:
    """报价 on an order's page: the quote it came from."""
    if not person.may(VIEW):
        return None
    ids = Pushed.objects.filter(order_id=record.pk).values("quote_id")
    rows = Quote.objects.filter(Quote.visible_to(person), pk__in=ids)
    return _quotes(rows) if rows else None


def of_customer(record: Any, person: Any) -> Bag | None:
    """报价 on a customer's page: the newest."""
    if not person.may(VIEW):
        return None
    query = Query(conditions=({"field": "customer", "op": "in", "value": str(record.pk)},), size=20)
    page = Listing(site().resources[KEY], person, query).page([])
    by_id = Quote.objects.in_bulk(page.ids)
    return _quotes([by_id[i] for i in page.ids])


def _quotes(rows: Any) -> Bag:
    lines = [
        panels.line(
            [q.number, q.doc_date, q.valid_until, q.amount, state_of(STAGES, q.stage)], f"{URL}{q.pk}/", q.number
        )
        for q in rows
    ]
    return panels.table("quotes", "报价", QUOTES, lines, empty="还没有报价。")


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """On a quote: push it down, give it to the customer, begin another like it; on a template: begin a quote."""
    found = []
    if resource.key == KEY and person.may(EDIT):
        if person.may("orders.create"):
            found.append(Tool("下推一部分", "/quotes/push/?", "clipboard-list", rows=True, states=(ACCEPTED,)))
        found.append(Tool("发给客户的文字", "/quotes/text/?", "message", rows=True))
    if resource.key == KEY and person.may(CREATE):
        found.append(Tool("报价模板", "/quotes/template/", "file-text"))
    if resource.key in (KEY, "quotes.template") and person.may(CREATE):
        label = "照这张再报" if resource.key == KEY else "用它报价"
        found.append(Tool(label, f"/quotes/begin/?of={resource.key}", "copy", rows=True, primary=resource.key != KEY))
    return found


def todos(person: Any) -> list[Todo]:
    """For the owner: what the customer has accepted and nobody has ordered, and what is sent and ends soon."""
    if person.id is None or not person.may(EDIT):
        return []
    today = clock.today()
    mine = Quote.objects.filter(owner_id=person.id, valid_until__gte=today).order_by("valid_until", "pk")
    pushed = Pushed.objects.exclude(order__state=VOID).values("quote_id")
    taken_up = mine.filter(state=ACCEPTED).exclude(pk__in=pushed)
    ending = mine.filter(state=SENT, valid_until__lte=today + timedelta(days=ENDING))
    found = [
        Todo(f"下推订单：{q.number} {q.name}", f"{URL}{q.pk}/", "客户已接受", "clipboard-list",
             f"{q.valid_until:%m-%d} 前", "warn")
        for q in taken_up[:MOST]
    ]  # fmt: skip
    return found + [
        Todo(f"跟进报价：{q.number} {q.name}", f"{URL}{q.pk}/", f"已发送，{q.valid_until} 到期", "phone",
             f"{q.valid_until:%m-%d} 到期", "warn" if q.valid_until == today else "")
        for q in ending[:MOST]
    ]  # fmt: skip
