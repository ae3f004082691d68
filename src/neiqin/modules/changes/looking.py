"""What a change's page says, the page where one is taken down, and what waits on the workbench."""

from typing import Any
from uuid import uuid4

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.fields.field import Field, state_of
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import form_field, held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Todo, Tool
from neiqin.modules.changes import changing, fields, impact
from neiqin.modules.changes.changing import CREATE, VIEW
from neiqin.modules.changes.models import (
    ASKED,
    ASSESSING,
    OPEN,
    WAITING,
    WITH_REP,
    Assessment,
    Change,
    ChangeLine,
    Knowing,
)
from neiqin.modules.orders.models import Order, OrderLine, shipped_of
from neiqin.modules.orders.states import ALIVE

NEW, LOOK = "/changes/new/", "/changes/look/"
MOST = 10
LINE = ("quantity", "price", "promised_on")
ANSWERS = (
    Field("department", "部门环节"), Field("who", "承办人"), Field("possible", "能完成", "date"),
    Field("spent", "已发生成本", "money"), Field("note", "说明"), Field("state", "状态", "state"),
)  # fmt: skip
KNOWS = (
    Field("department", "部门环节"), Field("who", "承办人"), Field("at", "知悉时间", "moment"),
    Field("state", "状态", "state"),
)  # fmt: skip
OF_ORDER = (
    Field("number", "变更单"), Field("kinds", "内容"), Field("reason", "原因"), Field("base", "原版次", "number"),
    Field("amount", "原合计", "money"), Field("new", "新合计", "money"), Field("state", "状态", "state"),
)  # fmt: skip


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """变更, on an order."""
    may = resource.key == "orders.order" and person.may(CREATE)
    return [Tool("变更", f"{NEW}?", "edit", rows=True, states=ALIVE)] if may else []


def _state(record: Any) -> tuple[str, str, str]:
    return state_of(type(record).STATES, record.state)


def notes(change: Change, person: Any) -> list[Bag]:
    """What it waits for."""
    if change.state not in OPEN:
        return []
    if change.state == WITH_REP:
        return [panels.note("", "等业务员处理。", "看影响，和客户商量，再转部门评估；订单现在还是原来的样子。")]
    asked = list(Assessment.objects.filter(change=change, state=ASKED).values_list("department", flat=True))
    found = [panels.note("warn", "等部门评估：", "、".join(asked) + "。")] if asked else []
    if change.agreed_at is None:
        found.append(panels.note("warn", "没有客户同意的凭证，", "还不能执行。"))
    return found or [panels.note("ok", "可以执行了。", "部门都已答复，客户已同意。")]


def effect(record: Any, person: Any) -> Bag | None:
    """影响 on an open change's page: what carrying it out now would do."""
    if record.state not in OPEN:
        return None
    found = impact.of(record, changing.head_of(record), changing.lines_of([record.pk])[record.pk], person)
    return panels.own("effect", "影响", "changes_impact.html", count=len(found.aspects), page=found)


def answers(record: Any, person: Any) -> Bag | None:
    """部门评估 on a change's page."""
    found = Assessment.objects.filter(change=record).select_related("owner").order_by("pk")
    return _if_any(panels.table("answers", "部门评估", ANSWERS, [
        panels.line([a.department, a.owner.name, a.possible_on, a.spent, a.note, _state(a)],
                    _url("assessment", a, person), a.department)
        for a in found
    ]))  # fmt: skip


def knows(record: Any, person: Any) -> Bag | None:
    """部门知悉 on a change's page: who goes on by the new version, and who has not said so."""
    found = Knowing.objects.filter(change=record).select_related("owner").order_by("pk")
    return _if_any(panels.table("knows", "部门知悉", KNOWS, [
        panels.line([k.department, k.owner.name, k.known_at, _state(k)], _url("knowing", k, person), k.department)
        for k in found
    ]))  # fmt: skip


def _url(kind: str, row: Any, person: Any) -> str:
    return f"/changes/{kind}/{row.pk}/" if row.owner_id == person.id else ""


def of_order(record: Any, person: Any) -> Bag | None:
    """变更 on an order's page: every version there was, and what is asked for now."""
    found = Change.objects.filter(Change.visible_to(person), order=record).order_by("-pk")
    return _if_any(panels.table("changes", "变更", OF_ORDER, [
        panels.line([c.number, c.kinds, c.reason, c.base, c.amount, c.new_amount, _state(c)], f"{changing.URL}{c.pk}/",
                    c.number, muted=c.state not in OPEN)
        for c in found
    ]))  # fmt: skip


def _if_any(panel: Bag) -> Bag | None:
    return panel if panel.rows else None


@screen(CREATE)
def new(request: Any) -> HttpResponse:
    """Take a change down: GET `?id=<order>` shows the order with room beside each line, POST keeps it."""
    given = request.POST if request.method == "POST" else request.GET
    order = _order(request, given.get("id", ""))
    problems: list[Problem] = []
    if request.method == "POST":
        problems, url = _kept(request, order)
        if url:
            return HttpResponseRedirect(url)
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    gone = shipped_of([x.pk for x in lines])
    rows = [
        Bag(id=x.pk, line=x, gone=gone.get(x.pk), typed={n: given.get(f"{n}-{x.pk}", "") for n in LINE}) for x in lines
    ]
    open_ = Change.objects.filter(Change.visible_to(request.person), order=order, state__in=OPEN).first()
    page = Bag(
        order=order, rows=rows, errors=problems, request_key=given.get("request_key") or uuid4().hex, open=open_,
        fields=[form_field(f, given.get(f.name, ""), errors=problems) for f in fields.CHANGE if f.name != "order"],
        alive=order.state in ALIVE, look=LOOK,
    )  # fmt: skip
    return render(request, "changes_new.html", page, status=422 if problems else 200)


def _order(request: Any, number: str) -> Order:
    seen = Order.objects.filter(Order.visible_to(request.person))
    order = seen.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if order is None:
        raise Http404
    return order


def _typed(request: Any, order: Order) -> dict[str, Any]:
    """The row of a change as the form has it."""
    given = request.POST
    ids = OrderLine.objects.filter(order=order).order_by("pk").values_list("pk", flat=True)
    lines = [
        {"order_line": str(pk), **{n: given.get(f"{n}-{pk}", "").strip() for n in LINE}}
        for pk in ids if any(given.get(f"{n}-{pk}", "").strip() for n in LINE)
    ]  # fmt: skip
    if given.get("new-item", "").strip():
        lines.append({
            "item_name": given["new-item"].strip(), "quantity": given.get("new-quantity", ""),
            "price": given.get("new-price", ""), "unit_name": given.get("new-unit", ""),
        })  # fmt: skip
    row = {f.name: given.get(f.name, "") for f in fields.CHANGE}
    return row | {"order": str(order.pk), "lines": lines}


def _kept(request: Any, order: Order) -> tuple[list[Problem], str]:
    """The problems, or where to go on."""
    key = sent_key(request.POST)
    try:
        outcome = perform(changing.create, rows=[_typed(request, order)], by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, ""
    except (NotAllowed, TooSlow, KeyReused) as error:
        return [Problem("", "", str(error))], ""
    if refusal := next(iter(outcome.refused.values()), None):
        return [Problem(refusal.field, "", refusal.text)], ""
    if outcome.held:
        return [Problem("", "", held_reason(outcome.held))], ""
    return [], f"{changing.URL}{outcome.done[0]}/"


@screen(CREATE)
@require_POST
def look(request: Any) -> HttpResponse:
    """What the change that is being typed would cause; nothing is kept."""
    order = _order(request, request.POST.get("id", ""))
    typed = _typed(request, order)
    try:
        row = changing.create.parse(typed | {"said_by": typed["said_by"] or "—", "reason": typed["reason"] or "—"})
    except Invalid as error:
        return render(request, "changes_impact.html", impact.Impact(problem=str(error)))
    change, lines = unsaved(order, row)
    stays = not (row["whole"] or row["required_on"] or any(row[n] for n in changing.PLACE) or lines)
    found = impact.Impact(problem="还什么都没有变。") if stays else impact.of(change, row, lines, request.person)
    return render(request, "changes_impact.html", found)


def unsaved(order: Order, row: dict[str, Any]) -> tuple[Change, list[ChangeLine]]:
    """The change that a parsed row would become."""
    change = Change(order=order, whole=row["whole"], required_on=row["required_on"], reason=row["reason"])
    made = [ChangeLine(**{
        "order_line_id": one["order_line"], "product_id": one["product"], "item_name": one["item_name"] or "",
        "spec": one["spec"] or "", "unit_name": one["unit_name"] or "", "quantity": one["quantity"],
        "price": one["price"], "promised_on": one["promised_on"],
    }) for one in row["lines"] or ()]  # fmt: skip
    ChangeLine.fill(made, lambda model, ids: model.objects.in_bulk(ids))
    return change, [x for x in made if x.new or _moves(x)]


def _moves(line: ChangeLine) -> bool:
    return (line.quantity, line.price, line.promised_on) != (line.was_quantity, line.was_price, line.was_promised_on)


def todos(person: Any) -> list[Todo]:
    """Changes for the rep; for a department what it is to assess and to know."""
    if person.id is None or not person.may(VIEW):
        return []
    found = [
        Todo(f"处理变更：{c.kinds} {c.name}", f"{changing.URL}{c.pk}/", c.reason, "edit", tone="warn")
        for c in Change.objects.filter(owner_id=person.id, state=WITH_REP).order_by("pk")[:MOST]
    ]
    waiting = Assessment.objects.filter(state=ASKED)
    ready = Change.objects.filter(owner_id=person.id, state=ASSESSING).exclude(pk__in=waiting.values("change"))
    found += [
        Todo(f"{'执行变更' if c.agreed_at else '等客户同意变更'}：{c.number} {c.name}", f"{changing.URL}{c.pk}/",
             c.reason, "edit", tone="warn")
        for c in ready.order_by("pk")[:MOST]
    ]  # fmt: skip
    mine = waiting.filter(owner_id=person.id).select_related("change").order_by("pk")[:MOST]
    found += [
        Todo(f"评估变更：{a.department} {a.name}", f"/changes/assessment/{a.pk}/", a.change.reason, "help", tone="warn")
        for a in mine
    ]
    unread = Knowing.objects.filter(owner_id=person.id, state=WAITING).select_related("change").order_by("pk")[:MOST]
    return found + [
        Todo(f"确认新版：{k.department} {k.name}", f"/changes/knowing/{k.pk}/", f"{k.change.kinds}：{k.change.reason}",
             "bell", f"第 {k.revision} 版", "bad")
        for k in unread
    ]  # fmt: skip
