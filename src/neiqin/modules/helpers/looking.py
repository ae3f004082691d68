"""What a loan's page says, what waits for lender and helper, and who helps with an order."""

from datetime import timedelta
from typing import Any

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.actors import own_scopes
from neiqin.kernel.people.lending import letting_in
from neiqin.kernel.people.rights import label_of
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.helpers import actions
from neiqin.modules.helpers.models import AGREED, ASKED, COMING, ENDED, HELPING, OVER, REFUSED, RIGHTS, Loan

ORDERS = "/orders/order/"
MOST = 20
HELPERS = (Field("name", "谁"), Field("job", "为哪件事"), Field("may", "能做什么"), Field("until_on", "到", "date"))


def notes(loan: Any, person: Any) -> list[Bag]:
    """Where it stands, what the helper may do, and for whom decides: what else she is lent to in these days."""
    may = f"能做{in_words(RIGHTS[loan.work])}，只在这件事的订单上。"
    found = []
    if loan.stage == ASKED:
        found.append(panels.note("warn", f"等{loan.lender.name}同意。", may))
        if also := _meanwhile(loan):
            found.append(panels.note("", "这几天还有别的借调：", "；".join(also) + "。"))
    elif loan.stage == COMING:
        found.append(panels.note("", f"还没开始，{loan.from_on} 起。", may))
    elif loan.stage == HELPING:
        links = [Bag(label="看这些订单", url=ORDERS)] if loan.helper_id == person.id else []
        left = (loan.until_on - clock.today()).days
        found.append(panels.note("ok", f"借调中，{f'还有 {left} 天' if left else '今天是最后一天'}。", may, *links))
    elif loan.stage == OVER:
        day = loan.until_on + timedelta(days=1)
        found.append(panels.note("", "已到期。", f"权限从 {day} 起自动收回了。"))
    elif loan.stage == REFUSED:
        found.append(panels.note("bad", f"{loan.lender.name}没有同意。", loan.answer))
    elif loan.stage == ENDED:
        found.append(panels.note("", "提前结束了，权限已收回。", loan.ended_note))
    return found


def in_words(permissions: tuple[str, ...]) -> str:
    """Rights as the matrix calls them."""
    return "".join(f"「{label_of(p)}」" for p in permissions)


def _meanwhile(loan: Loan) -> list[str]:
    others = Loan.objects.filter(
        helper=loan.helper_id, state=AGREED, from_on__lte=loan.until_on, until_on__gte=loan.from_on
    )
    return [f"{x.name}，{x.from_on:%m-%d} 到 {x.until_on:%m-%d}" for x in others.order_by("from_on", "pk")]


def todos(person: Any) -> list[Todo]:
    """What one has to decide as a lender, and where one is lent to oneself."""
    if person.id is None or not person.may(actions.VIEW):
        return []
    today = clock.today()
    decide = Q(lender=person.id, state=ASKED)
    mine = Q(helper=person.id, state=AGREED, until_on__gte=today)
    rows = Loan.objects.filter(decide | mine).select_related("helper", "owner").order_by("from_on", "pk")[:MOST]
    return [_deciding(x) if x.state == ASKED else _lent(x) for x in rows]


def _deciding(loan: Loan) -> Todo:
    soon = "bad" if loan.from_on < clock.today() else "warn"
    return Todo(
        f"{loan.owner.name}想借{loan.helper.name}，同意吗：{loan.name}", f"{actions.URL}{loan.pk}/",
        f"{loan.from_on:%m-%d} 到 {loan.until_on:%m-%d}", "users", f"{loan.from_on:%m-%d} 起", soon,
    )  # fmt: skip


def _lent(loan: Any) -> Todo:
    words = f"从 {loan.from_on:%m-%d} " if loan.stage == COMING else ""
    title = f"你{words}借调到「{loan.name}」，到 {loan.until_on:%m-%d}"
    return Todo(title, f"{actions.URL}{loan.pk}/", in_words(RIGHTS[loan.work]), "users", f"{loan.until_on:%m-%d} 止")


def of_order(order: Any, person: Any) -> Bag | None:
    """增派 on an order's page: who was lent to it today."""
    if not person.may(actions.VIEW):
        return None
    loans = letting_in(order, "orders.view", clock.today(), own_scopes)
    lines = [panels.line([x.name, x.words, in_words(x.permissions), x.until_on]) for x in loans]
    return panels.table("helpers", "增派", HELPERS, lines) if lines else None
