"""Where exceptions are seen: the red mark and the panel of an order, the workbench, an exception's own page."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.approvals.models import OPEN as ASKING
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.deadlines.models import Clock
from neiqin.kernel.fields.field import Field, label_of, state_of
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.people.company import company_name
from neiqin.kernel.resources import quick
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, screen
from neiqin.kernel.resources.resource import Mark, Resource, Todo, Tool
from neiqin.modules.exceptions import exceptions, plans
from neiqin.modules.exceptions.exceptions import CREATE, KEY, URL, VIEW, kind_of
from neiqin.modules.exceptions.models import OPEN, WAITING, OrderException
from neiqin.modules.orders.models import CustomerNews, Order
from neiqin.modules.orders.states import DRAFT
from neiqin.modules.orders.states import VOID as ORDER_VOID
from neiqin.modules.orders.telling import WAYS

MOST = 20
ORDERS = "orders.order"
NEW = "/exceptions/new/"
SHOWN = (
    Field("number", "编号", role="id"), Field("kind", "类型"), Field("level", "级别"), Field("what", "出了什么事"),
    Field("department", "责任部门"), Field("compensation", "赔付", "money"), Field("state", "状态", "state"),
)  # fmt: skip


def marks(orders: Sequence[int]) -> Mapping[int, Mark]:
    """order -> a red mark while an exception of it is open, with level and kind of the gravest; one query."""
    found: dict[int, OrderException] = {}
    rows = OrderException.objects.filter(order_id__in=list(orders), state__in=OPEN).only("order_id", "kind", "level")
    for one in rows.order_by("pk"):
        before = found.get(one.order_id)
        if before is None or plans.RANK[one.level] > plans.RANK[before.level]:
            found[one.order_id] = one
    return {pk: Mark("异常", f"{label_of(plans.LEVELS, e.level)}{kind_of(e)}") for pk, e in found.items()}


def panel(record: Any, person: Any) -> Bag | None:
    """异常 on the order's page: those this person sees; that there are others is said by the mark."""
    if not person.may(VIEW):
        return None
    seen = OrderException.objects.filter(OrderException.visible_to(person), order=record).select_related("department")
    rows = [
        panels.line([
            e.number, kind_of(e), label_of(plans.LEVELS, e.level), e.what,
            e.department.name if e.department else "", e.compensation or None, state_of(OrderException.STATES, e.state),
        ], f"{URL}{e.pk}/", e.number)
        for e in seen.order_by("-pk")[:MOST]
    ]  # fmt: skip
    return panels.table("exceptions", "异常", SHOWN, rows) if rows else None


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """登记异常, on an order."""
    may = resource.key == ORDERS and person.may(CREATE)
    return [Tool("登记异常", f"{NEW}?", "alert-triangle", rows=True)] if may else []


@screen(CREATE)
def begin(request: Any) -> HttpResponseRedirect:
    """`?id=` of an order: to the form that has it already."""
    number = request.GET.get("id", "")
    seen = Order.objects.filter(Order.visible_to(request.person)).exclude(state__in=(DRAFT, ORDER_VOID))
    order = seen.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if order is None:
        raise Http404
    return HttpResponseRedirect(f"{URL}new/?d={quick.carry(request.person, {'order': str(order.pk)})}")


def todos(person: Any) -> list[Todo]:
    """The exceptions that this rep has to coordinate, the most urgent first."""
    if person.id is None or not person.may(VIEW):
        return []
    rows = list(OrderException.objects.filter(owner_id=person.id, state__in=OPEN).select_related("order")[: MOST * 5])
    due = _due([e.pk for e in rows])
    now = clock.now()
    late = {e.pk: e.pk in due and due[e.pk].due_at < now for e in rows}
    rows.sort(key=lambda e: (not late[e.pk], -plans.RANK[e.level], e.pk))
    return [
        Todo(
            f"{'响应' if e.state == WAITING else '处理'}异常：{exceptions.title_of(e)}", f"{URL}{e.pk}/", e.what[:60],
            "alert-triangle", f"{clock.local(due[e.pk].due_at):%m-%d %H:%M} 前" if e.pk in due else "",
            "bad" if late[e.pk] else "warn",
        )
        for e in rows[:MOST]
    ]  # fmt: skip


def _due(ids: Sequence[int]) -> dict[int, Clock]:
    """exception -> the clock that runs out first."""
    rows = Clock.objects.filter(model=KEY, record_id__in=ids, stopped_at=None).order_by("-due_at")
    return {c.record_id: c for c in rows}


def notes(exception: OrderException, person: Any) -> list[Bag]:
    """Until when, what the plan says, and where a compensation waits."""
    found = []
    if exception.state in OPEN:
        running = _due([exception.pk]).get(exception.pk)
        if running is not None:
            late = running.due_at < clock.now()
            what = "响应" if running.kind.endswith("respond") else "处理"
            level = label_of(plans.LEVELS, exception.level)
            words = f"{level}，{what}期限 {clock.local(running.due_at):%m-%d %H:%M}"
            found.append(
                panels.note("bad" if late else "warn", f"{words}，{'已经超了' if late else '到点提醒，超时上报'}。")
            )
        if plan := plans.planned({exception.pk: (exception.kind, exception.level)})[0].get(exception.pk):
            amount = Order.objects.values_list("amount", flat=True).get(pk=exception.order_id)
            found.append(panels.note("", "预案：", f"{plan.steps}。{_authority(plan, amount)}（{plan.where}）"))
    if request := Request.objects.filter(model=KEY, record_id=exception.pk, state=ASKING).first():
        turn = Task.objects.filter(request=request, state=Task.State.OPEN).select_related("person")
        names = "、".join(dict.fromkeys(t.person.name for t in turn))
        running = Clock.objects.filter(model=Request._meta.label_lower, record_id=request.pk, stopped_at=None).first()
        until = f"，{clock.local(running.due_at):%m-%d %H:%M} 前" if running else ""
        link = Bag(label="看审批", url=f"/approvals/request/{request.pk}/")
        found.append(Bag(tone="warn", bold="赔付已转上级。", text=f"等{names}决定{until}。", links=[link], named=[]))
    return found


def _authority(plan: plans.Plan, amount: Decimal) -> str:
    def up_to(percent: Decimal) -> str:
        return f"{plain(percent)}%（{amount * percent / 100:,.2f} 元）"

    clerk = f"内勤可定到 {up_to(plan.clerk)}" if plan.clerk else "内勤不能定赔付"
    return f"{clerk}，经理 {up_to(plan.manager)}，再多总监定"


def told(record: Any, person: Any) -> Bag:
    """告诉客户 on an exception's page: a text to copy, and the notices of its steps with what became of them."""
    order = Order.objects.get(pk=record.order_id)
    steps = (f"exception-{record.pk}", f"exception-{record.pk}-closed")
    news = [
        Bag(text=n.text, way=WAYS[n.way], at=n.done_at or n.made_at, state=state_of(CustomerNews.STATES, n.state))
        for n in CustomerNews.objects.filter(order=order, step__in=steps).order_by("-pk")
    ]
    page = Bag(text=_draft(record, order), news=news, url=f"/orders/news/{order.pk}/", own=f"{URL}{record.pk}/tell/")
    return panels.own("words", "告诉客户", "exceptions/told.html", count=len(news), page=page)


def _draft(exception: OrderException, order: Order) -> str:
    """What the customer may be told today; nothing of causes, departments or money, which a person adds."""
    who = exception.owner.name
    said = {
        "waiting": f"我们已经知道，{who}正在跟进，有进展马上告诉您",
        "working": f"{who}正在处理，{'已采取措施：' + exception.measure if exception.measure else '有结果马上告诉您'}",
        "checking": "已经处理，请您确认是不是解决了",
        "closed": "已处理好，如有不妥请告诉我们",
        "void": "经核对没有问题，给您添麻烦了",
    }[exception.state]
    return f"【{company_name()}】您的订单 {order.number} 出现{kind_of(exception)}，{said}。"
