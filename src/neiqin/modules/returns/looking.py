"""Where returns are seen and entered: the panels of order and customer, the pages 登记 and 收货验货, the workbench, the
way of one with its steps beside the former seven (C-ORD-18)."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.approvals.models import OPEN as ASKING
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.fields.field import Field, label_of, state_of
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import form_field, held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Todo, Tool
from neiqin.modules.orders.models import Order, OrderLine, shipped_of
from neiqin.modules.orders.states import DELIVERING
from neiqin.modules.returns import asking, fields, inspecting
from neiqin.modules.returns.asking import CREATE, HANDLE, KEY, URL, VIEW, kind_of
from neiqin.modules.returns.inspecting import INSPECT
from neiqin.modules.returns.models import (
    ASKED,
    AWAITED,
    COMES_BACK,
    INSPECTED,
    INTO_STOCK,
    OPEN,
    REASONS,
    Ticket,
    TicketLine,
)

NEW, CHECK = "/returns/new/", "/returns/inspect/"
MOST = 20
FORMER = 7  # steps on paper, as the regulations count them
COLUMNS = (
    Field("number", "单号", role="id"), Field("order", "订单"), Field("kind", "类型"), Field("reason", "原因"),
    Field("amount", "申请金额", "money"), Field("credit", "退款", "money"), Field("state", "状态", "state"),
)  # fmt: skip
WAY = (Field("step", "步骤"), Field("who", "谁"), Field("at", "时间", "moment"), Field("since", "用时"))


def of_order(record: Any, person: Any) -> Bag | None:
    """退换货 on an order's page."""
    return _panel(Ticket.objects.filter(order=record), person)


def of_customer(record: Any, person: Any) -> Bag | None:
    """退换货 on a customer's page."""
    return _panel(Ticket.objects.filter(order__customer=record), person)


def _panel(rows: Any, person: Any) -> Bag | None:
    if not person.may(VIEW):
        return None
    seen = rows.filter(Ticket.visible_to(person)).select_related("order").order_by("-pk")
    found = [
        panels.line([
            t.number, t.order.number, kind_of(t), label_of(REASONS, t.reason), t.amount, t.credit or None,
            state_of(Ticket.STATES, t.state),
        ], f"{URL}{t.pk}/", t.number, muted=t.state not in OPEN)
        for t in seen[:MOST]
    ]  # fmt: skip
    return panels.table("returns", "退换货", COLUMNS, found) if found else None


def way(record: Ticket, person: Any) -> Bag:
    """步骤 on a ticket's page: what people did for it, by whom and how long it took, beside the former seven."""
    done = manual(record)
    rows, before = [], record.created_at
    for what, who, at in done:
        rows.append(panels.line([what, who, at, _lasted(at - before)]))
        before = at
    return panels.table("way", f"步骤：人工 {len(done)} 步，原来 {FORMER} 步", WAY, rows, count=None)


def manual(ticket: Ticket) -> list[tuple[str, str, Any]]:
    """(what, who, when) of each step that a person did. Consents of approvers are each a step; who only waited for them
    did none."""
    consents = Task.objects.filter(request__model=KEY, request__record_id=ticket.pk, state=Task.State.AGREED)
    found = [("提交", "客户" if ticket.by_customer else ticket.owner.name, ticket.created_at)]
    found += [("审批", t.person.name, t.decided_at) for t in consents.select_related("person") if t.decided_at]
    if ticket.approved_at and len(found) == 1:
        found.append(("审批", ticket.owner.name, ticket.approved_at))
    if ticket.inspected_at:
        found.append(("收货验货", ticket.inspected_by.name if ticket.inspected_by else "系统", ticket.inspected_at))
    if ticket.settled_at:
        found.append(("结清", ticket.settled_by.name if ticket.settled_by else "系统", ticket.settled_at))
    return sorted(found, key=lambda one: one[2])


def _lasted(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    return f"{days} 天 {hours} 小时" if days else f"{hours} 小时 {minutes % 60} 分" if hours else f"{minutes} 分"


def notes(ticket: Ticket, person: Any) -> list[Bag]:
    """What it waits for, and what is to be known about it."""
    found = []
    if ticket.state == ASKED:
        asking_ = Request.objects.filter(model=KEY, record_id=ticket.pk, state=ASKING).first()
        if asking_ is None:
            found.append(panels.note("warn", "等决定：", "点「同意」，或「不同意」写清原因；客户马上看到。"))
        else:
            turn = Task.objects.filter(request=asking_, state=Task.State.OPEN).select_related("person")
            names = "、".join(dict.fromkeys(t.person.name for t in turn))
            link = Bag(label="看审批", url=f"/approvals/request/{asking_.pk}/")
            found.append(panels.note("warn", "在审批：", f"等{names}决定。", link))
    if ticket.state == AWAITED:
        link = Bag(label="收货验货", url=f"{CHECK}?id={ticket.pk}")
        sent = f"客户已寄出，运单 {ticket.waybill}。" if ticket.waybill else "客户还没有填运单号。"
        found.append(panels.note("", "等货退回：", sent, *([link] if person.may(INSPECT) else [])))
    if ticket.state == INSPECTED:
        found.append(panels.note("warn", "等结清：", "核对金额和发票怎么办，再点「结清」。"))
    return found + _of_stock(ticket)


def _of_stock(ticket: Ticket) -> list[Bag]:
    if ticket.inspected_at is None or ticket.kind not in INTO_STOCK or inspecting.bad_warehouse():
        return []
    if not TicketLine.objects.filter(ticket=ticket, bad__gt=0).exists():
        return []
    return [panels.note("warn", "没有放不良品的仓库，", "不良品没有入库，也不能卖；在「仓库」里勾上「放不良品」。")]


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """退换货 on an order, 收货验货 on a ticket."""
    if resource.key == "orders.order" and person.may(CREATE):
        return [Tool("退换货", f"{NEW}?", "truck-return", rows=True, states=DELIVERING)]
    if resource.key == KEY and person.may(INSPECT):
        return [Tool("收货验货", f"{CHECK}?", "truck-return", rows=True, states=(AWAITED,))]
    return []


def todos(person: Any) -> list[Todo]:
    """What this person decides, receives or settles."""
    if person.id is None or not person.may(VIEW):
        return []
    seen = Ticket.objects.filter(Ticket.visible_to(person))
    held = Request.objects.filter(model=KEY, state=ASKING).values("record_id")
    found: list[Todo] = []
    if person.may(HANDLE):
        mine = seen.filter(owner_id=person.id) | seen.filter(order__clerk_id=person.id)
        found += [_todo("决定退换货", t) for t in mine.filter(state=ASKED).exclude(pk__in=held).order_by("pk")[:MOST]]
        found += [_todo("结清退换货", t) for t in mine.filter(state=INSPECTED).order_by("pk")[:MOST]]
    if person.may(INSPECT):
        coming = seen.filter(state=AWAITED).exclude(waybill="").order_by("pk")
        found += [_todo("收货验货", t, f"{CHECK}?id={t.pk}") for t in coming[:MOST]]
    return found


def _todo(words: str, ticket: Ticket, url: str = "") -> Todo:
    about = f"{kind_of(ticket)}，{label_of(REASONS, ticket.reason)}，{ticket.amount:,.2f}"
    return Todo(f"{words}：{ticket.number} {ticket.name}", url or f"{URL}{ticket.pk}/", about, "truck-return",
                tone="warn")  # fmt: skip


# The two pages


def _found(request: Any, rows: Any) -> Any:
    given = request.POST if request.method == "POST" else request.GET
    number = given.get("id", "")
    found = rows.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if found is None or len(given.getlist("id")) > 1:
        raise Http404
    return found


@screen(CREATE)
def new(request: Any) -> HttpResponse:
    """退换货 of an order: GET `?id=<order>` shows what may come back, POST keeps it."""
    order = _found(request, Order.objects.filter(Order.visible_to(request.person)))
    given = request.POST if request.method == "POST" else request.GET
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    problems, url = _kept(request, asking.create, lambda: [_row(request, order, lines)])
    if url:
        return HttpResponseRedirect(url)
    ids = [x.pk for x in lines]
    gone, left = shipped_of(ids), asking.left_of(ids)
    rows = [Bag(id=x.pk, line=x, gone=gone.get(x.pk), left=left[x.pk], value=given.get(f"q-{x.pk}", "")) for x in lines]
    page = Bag(
        order=order, rows=[r for r in rows if r.gone], errors=problems,
        request_key=given.get("request_key") or uuid4().hex,
        fields=[form_field(f, given.get(f.name, ""), errors=problems) for f in fields.TICKET if f.name != "order"],
    )  # fmt: skip
    return render(request, "returns_new.html", page, status=422 if problems else 200)


def _row(request: Any, order: Order, lines: Iterable[OrderLine]) -> dict[str, Any]:
    given = request.POST
    said = {x.pk: given.get(f"q-{x.pk}", "").strip() for x in lines}
    return {f.name: given.get(f.name, "") for f in fields.TICKET} | {
        "order": str(order.pk),
        "lines": [{"order_line": str(pk), "quantity": text} for pk, text in said.items() if text not in ("", "0")],
    }


@screen(INSPECT)
def check(request: Any) -> HttpResponse:
    """收货验货: GET `?id=<ticket>` shows what was to come, POST keeps what came."""
    ticket = _found(request, Ticket.objects.filter(Ticket.visible_to(request.person)))
    lines = list(TicketLine.objects.filter(ticket=ticket).select_related("order_line").order_by("pk"))
    given = request.POST if request.method == "POST" else request.GET
    problems, url = _kept(request, inspecting.inspect, lambda: [_result(request, lines)], ticket)
    if url:
        return HttpResponseRedirect(url)
    rows = [
        Bag(id=x.pk, line=x, typed={n: given.get(f"{n}-{x.pk}", "") for n in (*inspecting.PARTS, "accepted")})
        for x in lines
    ]
    kept = {"waybill": ticket.waybill, "finding": ""}
    page = Bag(
        ticket=ticket, kind=kind_of(ticket), reason=label_of(REASONS, ticket.reason), rows=rows, errors=problems,
        request_key=given.get("request_key") or uuid4().hex, awaited=ticket.state == AWAITED, bad=_where_bad(ticket),
        fields=[
            form_field(f, given.get(f.name, kept[f.name]), errors=problems) for f in inspecting.INSPECTION.fields
        ],
    )  # fmt: skip
    return render(request, "returns_inspect.html", page, status=422 if problems else 200)


def _where_bad(ticket: Ticket) -> str:
    if ticket.kind not in COMES_BACK or ticket.kind not in INTO_STOCK:
        return "修好还给客户，不进库存。"
    place = inspecting.bad_warehouse()
    said = f"不良品进「{place.name}」" if place else "没有放不良品的仓库，不良品不入库"
    return f"良品进默认发货仓，{said}，报废不入库。认可数量空着就是良品数，客户按它得退款或换货。"


def _result(request: Any, lines: Iterable[TicketLine]) -> dict[str, Any]:
    given = request.POST
    return {f.name: given.get(f.name, "") for f in inspecting.INSPECTION.fields} | {
        "lines": [
            {"order_line": str(x.order_line_id)}
            | {n: given.get(f"{n}-{x.pk}", "").strip() for n in (*inspecting.PARTS, "accepted")}
            for x in lines
        ]
    }


def _kept(
    request: Any, verb: Any, rows: Callable[[], list[dict[str, Any]]], ticket: Ticket | None = None
) -> tuple[list[Problem], str]:
    """The problems of what was posted, or where to go on; neither for a GET."""
    if request.method != "POST":
        return [], ""
    key, ids = sent_key(request.POST), [ticket.pk] if ticket else []
    try:
        outcome = perform(verb, ids, rows=rows(), by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, ""
    except (NotAllowed, TooSlow, KeyReused) as error:
        return [Problem("", "", str(error))], ""
    if refusal := next(iter(outcome.refused.values()), None):
        return [Problem(refusal.field, "", refusal.text)], ""
    if outcome.held:
        return [Problem("", "", held_reason(outcome.held))], ""
    return [], f"{URL}{outcome.done[0]}/"
