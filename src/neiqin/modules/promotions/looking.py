"""What a promotion's page says: how long it was decided on, what of its budget went where; what waits."""

from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.approvals.models import OPEN, Request
from neiqin.kernel.deadlines.calendar import current
from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.orders.models import Order
from neiqin.modules.promotions import actions
from neiqin.modules.promotions.models import RUNNING, Deal, Promotion, Use
from neiqin.modules.promotions.using import SPENT

MOST = 200
BEFORE_DAYS = 5  # what the regulation counts: 平均耗时超过5个工作日 (C-FLOW-02)
USES = (
    Field("order", "订单"), Field("name", "客户"), Field("quantity", "数量", "quantity"),
    Field("amount", "用掉预算", "money"), Field("at", "时间", "moment"),
)  # fmt: skip
OF_PRODUCT = (
    Field("number", "促销"), Field("price", "促销价", "money"), Field("least", "起订量", "quantity"),
    Field("from_on", "第一天", "date"), Field("until_on", "最后一天", "date"), Field("left", "预算还剩", "money"),
)  # fmt: skip


def notes(promotion: Any, person: Any) -> list[Bag]:
    """Where it stands."""
    today = clock.today()
    found = []
    if promotion.state == RUNNING and today > promotion.until_on:
        found.append(panels.note("", "已结束。", f"最后一天 {promotion.until_on}，订单不再用这个价。"))
    elif promotion.state == RUNNING and today < promotion.from_on:
        found.append(panels.note("", "还没开始。", f"{promotion.from_on} 起订单自动用促销价。"))
    elif promotion.holds:
        share = int(100 * promotion.used / promotion.budget)
        tone = "warn" if share >= 80 else "ok"
        days = (promotion.until_on - today).days
        text = f"还有 {days} 天，预算用了 {share}%，还剩 {promotion.left:,.2f}。"
        found.append(panels.note(tone, "正在生效。", text))
    elif promotion.stop_note == SPENT:
        found.append(panels.note("bad", "预算用完，已自动停止。"))
    found += _decided(promotion)
    return found


def _decided(promotion: Promotion) -> list[Bag]:
    """How long the review is taking, or took, in working hours, beside what it took before."""
    request = Request.objects.filter(model=actions.KEY, record_id=promotion.pk).order_by("-pk").first()
    if request is None:
        return []
    end = request.closed_at or clock.now()
    hours = Decimal(current().working_minutes_between(request.created_at, end)) / 60
    link = Bag(label="看审批", url=f"/approvals/request/{request.pk}/")
    said = f"{hours:.1f} 个工作小时，三个部门同时看；以前逐级签字平均超过 {BEFORE_DAYS} 个工作日。"
    return [panels.note("", "审批中，已用" if request.state == OPEN else "审批用时", said, link)]


def uses(record: Any, person: Any) -> Bag:
    """用掉的预算, by order, newest first; each leads to its order where the person may see it."""
    rows = Use.objects.filter(promotion_id=record.pk).select_related("order").order_by("-pk")[:MOST]
    seen = set(
        Order.objects.filter(Order.visible_to(person), pk__in={r.order_id for r in rows}).values_list("pk", flat=True)
    )
    lines = [
        panels.line([r.order.number, r.order.name, r.quantity, r.amount, r.at] if r.order_id in seen
                    else ["（看不到的订单）", "", r.quantity, r.amount, r.at],
                    f"/orders/order/{r.order_id}/" if r.order_id in seen else "", r.order.number)
        for r in rows
    ]  # fmt: skip
    return panels.table(
        "uses", "用掉的预算", USES, lines, empty="还没有订单用到。订单审核以后，比标准价少收的钱记在这里。"
    )


def of_product(record: Any, person: Any) -> Bag | None:
    """促销 on a product's page: what holds or will."""
    if not person.may(actions.VIEW):
        return None
    found = Promotion.objects.filter(
        Promotion.visible_to(person), state=RUNNING, until_on__gte=clock.today(), deals__product=record.pk
    ).distinct()
    deals = Deal.objects.filter(promotion__in=found, product=record.pk).order_by("promotion__from_on", "pk")
    by_id: dict[int, Any] = found.in_bulk()
    lines = [
        panels.line([f"{p.number} {p.name}", d.price, d.min_quantity, p.from_on, p.until_on, p.left],
                    f"{actions.URL}{p.pk}/", p.name)
        for d in deals if (p := by_id.get(d.promotion_id))
    ]  # fmt: skip
    return panels.table("promotions", "促销", OF_PRODUCT, lines) if lines else None


def todos(person: Any) -> list[Todo]:
    """For whom it is: promotions whose budget is nearly used, or that end in three days."""
    if person.id is None or not person.may(actions.EDIT):
        return []
    today = clock.today()
    mine: Any = Promotion.objects.filter(owner_id=person.id, state=RUNNING, from_on__lte=today, until_on__gte=today)
    found = []
    for one in mine.order_by("until_on", "pk")[:20]:
        share, days = int(100 * one.used / one.budget), (one.until_on - today).days
        if share >= 80 or days <= 3:
            end = f"预算用了 {share}%" if share >= 80 else f"还有 {days} 天"
            found.append(Todo(f"促销快结束：{one.name}", f"{actions.URL}{one.pk}/", "", "flag", end, "warn"))
    return found
