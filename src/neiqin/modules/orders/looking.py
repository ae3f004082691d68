"""What an order's page says at its top, the page from which it is shipped, and what waits on the workbench."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.approvals.models import OPEN, Request
from neiqin.kernel.fields.field import Field, label_of, state_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Todo, Tool
from neiqin.modules.orders import delivering, fields, parts, renewing, shipping, stocking
from neiqin.modules.orders.models import SHIP, Order, OrderLine, Part, Progress, shipped_of
from neiqin.modules.orders.states import ALIVE, APPROVED, CLOSED, DRAFT, IN_FORCE, STATES, SUBMITTED, VOID

GOODS = (
    Field("order_line", "品名", column="order_line__item_name"),
    Field("spec", "规格型号", column="order_line__spec"),
    Field("quantity", "数量", "quantity"),
    Field("unit_name", "单位", column="order_line__unit_name"),
)
GOODS_LEFT = (
    Field("item", "品名"), Field("spec", "规格型号"), Field("quantity", "订货", "quantity"),
    Field("shipped", "已发", "quantity"), Field("left", "未发", "quantity"), Field("unit", "单位"),
)  # fmt: skip
FORM = tuple(f for f in fields.DELIVERY if f.name != "order")
STOCK = Field("stock", "现存", "quantity")

PARTS = (
    Field("department", "部门环节"), Field("duty", "要做什么"), Field("who", "承办人"),
    Field("start", "计划开始", "date"), Field("end", "计划完成", "date"), Field("promised", "答复", "date"),
    Field("progress", "进度 %", "number"), Field("state", "状态", "state"),
)  # fmt: skip


def stage(order: Order, progress: Progress | None) -> str:
    """The word people use for where an order is: 待确认, 已分配, 部分发货, 已发货, 已签收 … (C-ORD-05). What came back
    is said first, then that all is settled, then how far the goods are; an invoice only while nothing has been
    shipped."""
    progress = progress or Progress()
    if order.hold:
        return "挂起"
    if order.state in (DRAFT, SUBMITTED, VOID):
        return label_of(STATES, order.state)
    if progress.returned:
        return "已退货" if progress.returned >= 100 else "部分退货"
    if min(progress.shipped, progress.invoiced, progress.collected) >= 100:
        return "已结算"
    return "已关闭" if order.state == CLOSED else _moving(order, progress)


def _moving(order: Order, progress: Progress) -> str:
    """The word of an order that is alive and has nothing behind it."""
    if progress.shipped >= 100:
        return "已签收" if progress.signed_on else "已发货"
    if progress.shipped > 0:
        return "部分发货"
    if progress.invoiced:
        return "已开票未发货"
    if order.confirmed_at is None:
        return "待客户确认"
    return "已分配" if order.assigned_to_id else "待分配"


def steps(order: Order) -> list[Bag]:
    """The way of an order, with the moment of each step behind it."""
    if order.state == VOID:
        return []
    progress = Progress.objects.filter(order=order).first() or Progress()
    done = [
        ("录入", order.created_at), ("提交", order.state != DRAFT and (order.checked_at or order.created_at)),
        ("客户确认", order.confirmed_at), ("审核", order.state not in (DRAFT, SUBMITTED) and order.approved_at),
        ("分配", order.assigned_to_id and order.approved_at), ("发货", progress.shipped >= 100 and progress.shipped_on),
        ("签收", progress.signed_on),
    ]  # fmt: skip
    behind = max(n for n, (_, at) in enumerate(done) if at)  # goods may go out before somebody is put in charge
    next_ = next((label for label, at in done[behind:] if not at), "")
    return [
        Bag(label=label, small=_when(at), status="done" if at else "now" if label == next_ else "")
        for label, at in done
    ]


def _when(at: Any) -> str:
    if not at:
        return ""
    return f"{clock.local(at):%m-%d %H:%M}" if isinstance(at, datetime) else f"{at:%m-%d}"


def notes(order: Order, person: Any) -> list[Bag]:
    """Where it stands, and what keeps it from going on."""
    progress = Progress.objects.filter(order=order).first()
    found = _stops(order)
    if order.state in IN_FORCE:
        done = progress.shipped if progress else Decimal(0)
        due = order.required_on
        over = order.state in ALIVE and due is not None and due < clock.today() and done < 100
        text = f"{stage(order, progress)}。{bars(progress or Progress())}"
        if over and due is not None:
            found.append(panels.note("bad", f"超过交期 {(clock.today() - due).days} 天。", text))
        else:
            found.append(panels.note("", "", text))
        tone, said = parts.words_of(order)
        if said and done < 100:
            found.append(panels.note(tone, "", said))
    elif order.state == SUBMITTED and order.confirmed_at is None:
        found.append(panels.note("", "", "客户还没有确认。可以登记确认，或在「客户确认」里发链接。"))
    if progress is not None and progress.signed_on and order.state != VOID:
        lines = list(OrderLine.objects.filter(order=order))
        late = delivering.late(order, lines, progress.signed_on)
        found.append(
            panels.note(
                "warn" if late else "ok", "没有按时送到。" if late else "按时送到。", f"{progress.signed_on} 签收"
            )
        )
    return found


def bars(progress: Progress) -> str:
    """发货, 开票, 收款 in percent; 退货, where something came back."""
    said = [("发货", progress.shipped), ("开票", progress.invoiced), ("收款", progress.collected)]
    said += [("退货", progress.returned)] if progress.returned else []
    return "，".join(f"{label} {plain(percent)}%" for label, percent in said)


def bars_of(record: Any, person: Any) -> Bag | None:
    """进展 on the order's page: a bar for each of the three."""
    progress = Progress.objects.filter(order=record).first()
    if progress is None or record.state in (DRAFT, VOID):
        return None
    rows = [("发货", progress.shipped), ("开票", progress.invoiced), ("收款", progress.collected)]
    return panels.own("bars", "进展", "orders_bars.html", rows=rows)


def _stops(order: Order) -> list[Bag]:
    """What somebody has to do first."""
    found = [panels.note("warn", "挂起。", order.hold)] if order.hold else []
    if outdated := renewing.note(order):
        found.append(outdated)
    if request := Request.objects.filter(model="orders.order", record_id=order.pk, state=OPEN).first():
        link = Bag(label="看审批", url=f"/approvals/request/{request.pk}/")
        found.append(panels.note("", "正在审批。", f"{request.rule}：{request.route}", link))
    return found


def open_goods(record: Any, person: Any) -> Bag | None:
    """未发 on the order's page: what is ordered, out and open, line by line."""
    if record.state not in ALIVE:
        return None
    lines = list(OrderLine.objects.filter(order=record).order_by("pk"))
    gone, there = shipped_of([x.pk for x in lines]), stocking.there(lines, person)
    rows = [
        panels.line([
            x.item_name, x.spec, x.quantity, gone.get(x.pk, Decimal(0)),
            max(x.quantity - gone.get(x.pk, Decimal(0)), Decimal(0)), x.unit_name,
            *([there.get(x.pk)] if there else []),
        ])
        for x in lines
    ]  # fmt: skip
    columns = (*GOODS_LEFT, *((STOCK,) if there else ()))
    return panels.table("open-goods", "未发", columns, rows, count=sum(1 for r in rows if r.cells[4]))


def parts_of(record: Any, person: Any) -> Bag | None:
    """交付任务 on the order's page: what each department has to do and how far it is."""
    found = list(Part.objects.filter(order=record).select_related("owner").order_by("end_on", "pk"))
    if not found:
        return None
    seen = set(Part.objects.filter(Part.visible_to(person), order=record).values_list("pk", flat=True))
    rows = [
        panels.line([
            p.department, p.duty, p.owner.name, p.start_on, p.end_on, p.promised_on, p.progress,
            state_of(Part.STATES, p.state),
        ], f"/orders/part/{p.pk}/" if p.pk in seen else "", p.department)
        for p in found
    ]  # fmt: skip
    return panels.table("parts", "交付任务", PARTS, rows)


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """发货, on an order."""
    may = resource.key == "orders.order" and person.may(SHIP)
    return [Tool("发货", "/orders/ship/?", "truck-delivery", rows=True, states=ALIVE)] if may else []


@screen(SHIP)
def ship(request: Any) -> HttpResponse:
    """Ship one order: GET `?id=` shows what is open, POST with q-<line> makes the delivery. Of several ids, many."""
    given = request.POST if request.method == "POST" else request.GET
    number, ids = given.get("id", ""), given.getlist("id")
    seen = Order.objects.filter(Order.visible_to(request.person))
    if len(ids) > 1:
        wanted = [int(i) for i in ids if i.isdecimal() and len(i) < 19]
        return shipping.many(request, seen.filter(pk__in=wanted).order_by("pk"))
    order = seen.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if order is None:
        raise Http404
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    gone = shipped_of([x.pk for x in lines])
    there = stocking.there(lines, request.person)
    problems: list[Problem] = []
    if request.method == "POST":
        problems, url = _shipped(request, order, lines)
        if url:
            return HttpResponseRedirect(url)
    rows = [
        Bag(id=x.pk, item=x.item_name, spec=x.spec, unit=x.unit_name, ordered=x.quantity, stock=there.get(x.pk),
            gone=gone.get(x.pk, Decimal(0)), value=given.get(f"q-{x.pk}", _left(x, gone)))
        for x in lines
    ]  # fmt: skip
    page = Bag(
        order=order, rows=rows, errors=problems, request_key=given.get("request_key") or uuid4().hex, stock=bool(there),
        fields=stocking.asked(FORM, given, problems),
    )  # fmt: skip
    return render(request, "orders_ship.html", page, status=422 if problems else 200)


def _left(line: OrderLine, gone: dict[int, Decimal]) -> str:
    return plain(max(line.quantity - gone.get(line.pk, Decimal(0)), Decimal(0)))


def _shipped(request: Any, order: Order, lines: list[OrderLine]) -> tuple[list[Problem], str]:
    """The problems, or where to go on: the delivery, or the order when the shipment waits."""
    given = request.POST
    goods = [
        {"order_line": str(x.pk), "quantity": q}
        for x in lines
        if (q := given.get(f"q-{x.pk}", "").strip()) not in ("", "0")
    ]
    row = {f.name: given.get(f.name, "") for f in fields.DELIVERY} | {"order": str(order.pk), "lines": goods}
    try:
        outcome = perform(
            delivering.create, rows=[row], by=request.person, source="web",
            key=sent_key(given),
        )  # fmt: skip
    except Invalid as error:
        return error.problems, ""
    except (NotAllowed, TooSlow, KeyReused) as error:
        return [Problem("", "", str(error))], ""
    if refusal := next(iter(outcome.refused.values()), None):
        return [Problem(refusal.field, "", refusal.text)], ""
    if outcome.held:
        messages.success(request, held_reason(outcome.held))
        return [], f"/orders/order/{order.pk}/"
    return [], f"/orders/delivery/{outcome.done[0]}/"


def todos(person: Any) -> list[Todo]:
    """A clerk's queues, and the doubts that a rep has to answer."""
    if not person.may("orders.view"):
        return []
    seen = Order.objects.filter(Order.visible_to(person))
    found = []
    if person.may("orders.answer"):
        waiting = seen.filter(owner_id=person.id).exclude(hold="").filter(state__in=(SUBMITTED, APPROVED))
        found += [
            Todo(f"答复疑问：{o.number} {o.name}", f"/orders/order/{o.pk}/", o.hold, "message", "", "warn")
            for o in waiting.order_by("pk")[:10]
        ]
    if person.may(SHIP):
        late = seen.filter(state__in=ALIVE, required_on__lt=clock.today(), progress__shipped__lt=100)
        found += [
            Todo(
                f"超过交期：{o.number} {o.name}",
                f"/orders/order/{o.pk}/",
                f"交期 {o.required_on}",
                "clock",
                "超期",
                "bad",
            )
            for o in late.order_by("required_on", "pk")[:10]
        ]
    return found
