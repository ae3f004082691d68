"""Keeping rep and customer informed of each important step (C-ORD-09).

The customer's notices are never sent from here: each is kept until a person has sent it the way the contact chose and
has said so. What is queued for him stands on the service person's workbench.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.fields.field import Field
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.customers import fields as customers
from neiqin.modules.customers.models import Contact
from neiqin.modules.orders.models import CustomerNews, Delivery, Order, Part
from neiqin.modules.orders.states import DROPPED, SENT, VOID, WAITING

TOLD = Kind("orders.step", "订单进度", MAIL)
WAYS = {choice.value: choice.label for choice in customers.NEWS}
PAGE = "/orders/news/"
SHOWN = 5


class Step(NamedTuple):
    """Something that happened to an order. key: tells it from the others of the order; text: for the customer."""

    order: Order
    key: str
    text: str


def inform(steps: Sequence[Step], run: int | None) -> None:
    """Keep a notice for each contact of the customers who wants to hear of orders, unless it has one of this step;
    three queries for any number. On the orders' timelines."""
    wanted = _contacts({s.order.customer_id for s in steps})
    keys = {s.key for s in steps}
    known = set(
        CustomerNews.objects.filter(order__in=[s.order for s in steps], step__in=keys).values_list(
            "order_id", "contact", "step"
        )
    )
    made = [
        CustomerNews(order=s.order, contact=c.pk, way=c.order_news, step=s.key, text=s.text[:300], made_at=clock.now())
        for s in dict.fromkeys(steps)
        for c in wanted[s.order.customer_id]
        if (s.order.pk, c.pk, s.key) not in known
    ]
    CustomerNews.objects.bulk_create(made, ignore_conflicts=True)
    if run is not None:
        told = [
            ("orders.order.news", n.order_id, None, None, {"words": f"要用{WAYS[n.way]}通知客户：{n.text}"})
            for n in made
        ]
        history.add_events(run, "orders.order", told)


def _contacts(ids: Iterable[int]) -> dict[int, list[Contact]]:
    ways = (customers.SMS, customers.MAIL, customers.WECHAT)
    rows = Contact.objects.filter(customer_id__in=list(ids), order_news__in=ways, left=False, erased_at=None)
    found: dict[int, list[Contact]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.customer_id].append(row)
    return found


def of_confirmed(happened: Happened) -> None:
    """The customer agreed, by whichever means."""
    if happened.preview:
        return
    orders = list(Order.objects.filter(pk__in=happened.ids, confirmed_at__isnull=False))
    _to_reps([(o, "客户已确认", o.confirmed_note) for o in orders], happened)
    due = {o.pk: f"，约定 {o.required_on} 交货" if o.required_on else "" for o in orders}
    inform(
        [Step(o, f"confirmed-{o.confirmed_at:%Y%m%d%H%M%S}", f"订单 {o.number} 已确认{due[o.pk]}") for o in orders],
        happened.run,
    )


def of_revised(happened: Happened) -> None:
    """What was agreed to be changed holds now."""
    if happened.preview:
        return
    steps = [
        Step(o, f"revised-{o.revision}", f"订单 {o.number} 已按约定变更（第 {o.revision} 版），合计 {o.amount:,.2f} 元")
        for o in Order.objects.filter(pk__in=happened.ids)
    ]
    inform(steps, happened.run)


def of_begun(happened: Happened) -> None:
    """A department reports its first progress: the order is being made ready."""
    if happened.preview:
        return
    parts = Part.objects.filter(pk__in=happened.ids, progress__gt=0)
    orders = list(Order.objects.filter(parts__in=parts, progress__shipped=0).distinct())
    _to_reps([(o, "开始备货生产", "") for o in orders], happened, key="making")
    inform([Step(o, "making", f"订单 {o.number} 正在备货生产") for o in orders], happened.run)


def of_deliveries(happened: Happened) -> None:
    """Shipped or signed for; of a delivery that was voided nobody is told any more. The reps hear of it with the
    delivery itself."""
    if happened.preview:
        return
    verb = happened.name.rsplit(".", 1)[-1]
    rows = list(Delivery.objects.filter(pk__in=happened.ids).select_related("order"))
    if verb == "voided":
        gone = CustomerNews.objects.filter(step__in=[f"shipped-{d.pk}" for d in rows], state=WAITING)
        gone.update(state=DROPPED, done_at=happened.now)
        return
    by = {d.pk: f"：{d.carrier} {d.waybill}".rstrip(" ：") for d in rows}
    texts = {
        "created": lambda d: f"订单 {d.order.number} 已发货{by[d.pk]}",
        "signed": lambda d: f"订单 {d.order.number} {d.signed_on:%m-%d} 已签收",
    }
    key = {"created": "shipped", "signed": "signed"}[verb]
    inform([Step(d.order, f"{key}-{d.pk}", texts[verb](d)) for d in rows], happened.run)


def of_late(happened: Happened) -> None:
    """The customer is told only of what concerns it: that all of it will come after the day that was agreed."""
    if happened.preview:
        return
    ids = set(Part.objects.filter(pk__in=happened.ids).values_list("order_id", flat=True))
    orders = {o.pk: o for o in Order.objects.filter(pk__in=ids, required_on__isnull=False)}
    latest: dict[int, Any] = {}
    for part in Part.objects.filter(order__in=orders).exclude(state=VOID):
        day = part.due_on if part.progress == 100 else max(part.due_on, clock.today())
        latest[part.order_id] = max(latest.get(part.order_id, day), day)
    steps = [
        Step(orders[pk], f"late-{day}",
             f"订单 {orders[pk].number} 预计 {day} 交货，比约定晚 {(day - orders[pk].required_on).days} 天")
        for pk, day in latest.items() if day > orders[pk].required_on
    ]  # fmt: skip
    inform(steps, happened.run)


def _to_reps(said: Iterable[tuple[Order, str, str]], happened: Happened, key: str = "") -> None:
    tell_each([
        News(o.owner_id, f"{words}：{o.number} {o.name}", text, f"/orders/order/{o.pk}/", TOLD.name,
             about=("orders.order", o.pk), run=happened.run, key=f"{key}-{o.pk}" if key else "")
        for o, words, text in said if o.owner_id != happened.by.id
    ])  # fmt: skip


@action(Order, "登记客户通知", may="orders.answer", event="customer_told", button=False, bulk=False, icon="send")
def settle(
    orders: Batch[Order],
    *,
    news: Annotated[int, Field("news", "通知", "number", required=True, min=1, max=2**63 - 1)],
    sent: Annotated[bool, Field("sent", "已经发了", "bool")] = False,
) -> None:
    """A person has sent this notice, or it need not be sent. The order stays as it is."""
    rows = CustomerNews.objects.filter(order_id__in=orders.ids, pk=news, state=WAITING)
    waiting = {n.order_id: n for n in rows.select_for_update()}
    orders.refuse({i: "这条通知已经有人办过了。" for i in orders.ids if i not in waiting})
    CustomerNews.objects.filter(pk__in=[n.pk for n in waiting.values()]).update(
        state=SENT if sent else DROPPED, done_by_id=orders.by.id, done_at=orders.now
    )
    verb = "通知了客户" if sent else "不通知客户"
    orders.tell({o: {"words": f"{verb}（{WAYS[n.way]}）：{n.text}"} for o, n in waiting.items()})
    orders.unchanged_but_told()


def served_by(order: Order) -> int:
    """Whose the talk with the customer is: the service person, else the clerk, else the rep."""
    return order.service_id or order.clerk_id or order.owner_id


def todos(person: Any) -> list[Todo]:
    """Notices that this person has to send, the oldest first."""
    if person.id is None or not person.may("orders.answer"):
        return []
    rows = CustomerNews.objects.filter(state=WAITING, order__in=_served(person.id)).select_related("order")
    return [
        Todo(f"用{WAYS[n.way]}通知客户：{n.order.number} {n.order.name}", f"{PAGE}{n.order_id}/", n.text, "send",
             tone="warn")
        for n in rows.order_by("pk")[:SHOWN]
    ]  # fmt: skip


def _served(person: int) -> Any:
    mine = Order.objects.filter(service_id=person)
    nobody = Order.objects.filter(service=None)
    return mine | nobody.filter(clerk_id=person) | nobody.filter(clerk=None, owner_id=person)
