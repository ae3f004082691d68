"""What a customer sees of its own order on its phone, and what it asks there (C-ORD-09)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from django.conf import settings
from django.db.models import F
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, Refusal, TooSlow
from neiqin.kernel.fields.field import Field, state_of
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.guests import limits
from neiqin.kernel.guests.asks import NOBODY
from neiqin.kernel.guests.links import numbers_of, token_of
from neiqin.kernel.guests.pages import LATER, UNKNOWN, Closed, guarded_page
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.company import company_name
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns, seal_columns
from neiqin.kernel.personal.keys import Erased
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, person_field, render, screen
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.customers.models import Contact
from neiqin.modules.orders.models import (
    CustomerNews,
    CustomerQuestion,
    Delivery,
    Order,
    OrderLine,
    Part,
    Progress,
    shipped_of,
)
from neiqin.modules.orders.states import APPROVED, CLOSED, DRAFT, EXECUTING, SUBMITTED, VOID
from neiqin.modules.orders.telling import PAGE, WAYS, served_by, settle

PURPOSE = "orders.progress"
ASKED = Kind("orders.asked", "客户提问", MAIL)
SHOWN_FOR = timedelta(days=90)  # after the end of the order
MOST_QUESTIONS = 10  # a day and order
LONGEST = 500
OPEN = (SUBMITTED, APPROVED, EXECUTING, CLOSED)
TEXT = Field("text", "问题", "long", required=True, personal=True, maxlength=LONGEST)


# The link


def path_of(order: Order, contact: int) -> str:
    """The address of the page of this order for one contact of its customer; dead once the links were renewed or the
    contact has left."""
    renewed = Progress.objects.filter(order=order).values_list("links", flat=True).first() or 0
    return f"/g/order/{token_of(PURPOSE, order.pk, contact, renewed)}/"


def opened(request: Any, token: str) -> tuple[Order, Contact]:
    """The order and the contact of a link. Raises Closed where it does not hold any more, or never did."""
    numbers = numbers_of(PURPOSE, token)
    if numbers is None:
        limits.wrong(address_of(request))
        raise UNKNOWN
    number, contact, renewed = numbers
    if limits.knocks(f"order {number}", limits.MINUTE) > limits.MOST_LINK:
        raise LATER
    order = Order.objects.filter(pk=number).exclude(state__in=(DRAFT, VOID)).first()
    who = Contact.objects.filter(pk=contact, left=False, erased_at=None).first()
    progress = Progress.objects.filter(order_id=number).first() or Progress()
    if order is None or who is None or who.customer_id != order.customer_id or progress.links != renewed:
        raise Closed(410, "链接已失效", "这个链接已失效，请联系发给您的人。")
    if _ended(order, progress) + SHOWN_FOR < clock.today():
        raise Closed(410, "链接已失效", "订单早已完成，这个链接不再打开。")
    return order, who


def _ended(order: Order, progress: Progress) -> date:
    if order.state == CLOSED:
        return clock.local(order.updated_at).date()
    return progress.signed_on or clock.today()


# The customer's page


@dataclass(frozen=True)
class Beside:
    """In a manifest: a page of another module that hangs on the same link. name: the last part of its address; offered:
    whether it makes sense for an order."""

    name: str
    label: str
    offered: Callable[[Order], bool]

    def plug(self) -> None:
        """Make it known. Raises ValueError for a second one of the name."""
        if self.name in BESIDE:
            raise ValueError(f"the page {self.name} beside an order is declared twice")
        BESIDE[self.name] = self


BESIDE: dict[str, Beside] = {}


@guarded_page
def page(request: Any, token: str) -> HttpResponse:
    """One order for its customer: how far it is, what was ordered and shipped, questions. GET shows, POST asks."""
    order, who = opened(request, token)
    problem, status = "", 200
    if request.method == "POST":
        problem, status = _ask(request, order, who)
        if not problem:
            return HttpResponseRedirect(request.path)
    return render(request, "guest_order.html", _shown(order, who, request.POST.get("text", ""), problem), status=status)


def _shown(order: Order, who: Contact, written: str, problem: str) -> Bag:
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    gone = shipped_of([x.pk for x in lines])
    due = max((d for d in [order.required_on, *(x.promised_on for x in lines)] if d), default=None)
    goods = [
        Bag(item=x.item_name, spec=x.spec, unit=x.unit_name, quantity=x.quantity, gone=gone.get(x.pk, Decimal(0)))
        for x in lines
    ]
    sent = Delivery.objects.filter(order=order).exclude(state=VOID).prefetch_related("lines__order_line").order_by("pk")
    return Bag(
        number=order.number, name=order.name, due=due, later=_later(order, due), steps=steps(order), goods=goods,
        deliveries=[
            Bag(on=d.shipped_on, carrier=d.carrier, waybill=d.waybill, signed_on=d.signed_on,
                goods=[f"{g.order_line.item_name} {plain(g.quantity)}{g.order_line.unit_name}"
                       for g in d.lines.all()])
            for d in sent
        ],
        questions=_questions(order, who.pk), who=person_field(served_by(order)), most=LONGEST,
        written=written[:LONGEST], problem=problem, beside=[b for b in BESIDE.values() if b.offered(order)],
    )  # fmt: skip


def steps(order: Order) -> list[Bag]:
    """下单, 确认, 备货生产, 发货, 签收: each behind with its date, the one it is at, those to come."""
    progress = Progress.objects.filter(order=order).first() or Progress()
    parts = list(Part.objects.filter(order=order).exclude(state=VOID))
    made = bool(parts) and all(p.progress == 100 for p in parts)
    shipped, signed = progress.shipped >= 100, progress.signed_on
    done = [
        ("下单", True, _day(order.doc_date)), ("确认", order.confirmed_at is not None, _day(order.confirmed_at)),
        ("备货生产", made or progress.shipped > 0, ""),
        ("发货", shipped, _day(progress.shipped_on) if shipped else _part(progress.shipped)),
        ("签收", signed is not None, _day(signed)),
    ]  # fmt: skip
    now = next((label for label, over, _ in done if not over), "")
    return [
        Bag(label=label, small=small, status="done" if over else "now" if label == now else "")
        for label, over, small in done
    ]


def _day(at: Any) -> str:
    return "" if at is None else f"{at if type(at) is date else clock.local(at):%m-%d}"


def _part(percent: Decimal) -> str:
    return f"已发 {plain(percent)}%" if percent else ""


def _later(order: Order, due: date | None) -> date | None:
    """When the departments say it will come, if that is after the day that was agreed."""
    parts = [p.due_on for p in Part.objects.filter(order=order).exclude(state=VOID)]
    return max(parts) if parts and due is not None and max(parts) > due else None


def _questions(order: Order, contact: int | None = None) -> list[Bag]:
    rows = CustomerQuestion.objects.filter(order=order).order_by("pk")
    found = list(rows if contact is None else rows.filter(contact=contact))
    texts = open_columns(found, ["text", "answer"])
    return [
        Bag(at=q.asked_at, text=t["text"] or "（已抹去）", answer=t["answer"] or "", answered_at=q.answered_at,
            by=person_field(q.answered_by_id) if q.answered_at else "")
        for q, t in zip(found, texts, strict=True)
    ]  # fmt: skip


# Questions


def _ask(request: Any, order: Order, who: Contact) -> tuple[str, int]:
    """(the sentence of the problem or "", HTTP status)."""
    try:
        text = clean_text(request.POST.get("text", ""), LONGEST, multiline=True)
    except BadFormat as error:
        return str(error), 422
    if not text:
        return "请先写下问题。", 422
    if limits.knocks(f"question {order.pk}", limits.DAY) > MOST_QUESTIONS:
        return "今天问得太多了，请直接打电话给我们。", 429
    given = {"contact": who.pk, "text": text}
    try:
        outcome = perform(ask, [order.pk], by=SYSTEM, params=given, source="guest", address=address_of(request))
    except (Invalid, TooSlow, Erased):
        return "刚才没有记下，请再发一次。", 409
    return ("刚才没有记下，请再发一次。", 409) if outcome.refused else ("", 200)


@action(Order, "客户提问", may=NOBODY, from_=OPEN, event="asked", button=False, bulk=False, icon="message")
def ask(
    orders: Batch[Order],
    *,
    contact: Annotated[int, Field("contact", "联系人", "number", required=True, min=1, max=2**63 - 1)],
    text: Annotated[str, TEXT],
) -> None:
    """A contact asks on the order's page. Who serves the customer and the rep are told that there is a question; its
    words stay under the contact's key."""
    who = Contact.objects.get(pk=contact)
    made = [CustomerQuestion(order=o, contact=who.pk, subject=who.subject, asked_at=orders.now) for o in orders]
    seal_columns(made, [{"text": text}] * len(made))
    CustomerQuestion.objects.bulk_create(made)
    orders.unchanged_but_told()
    orders.tell({i: {"words": "客户在进度页上提问，问题和回答在「客户通知」里"} for i in orders.ids})
    tell_each([
        News(person, f"客户提问：{o.number} {o.name}", "打开看问题，回答了客户就能看到。", f"{PAGE}{o.pk}/", ASKED.name,
             about=("orders.order", o.pk), run=orders.run)
        for o in orders for person in dict.fromkeys((served_by(o), o.owner_id))
    ])  # fmt: skip


def _unanswered(order: Order) -> bool:
    return CustomerQuestion.objects.filter(order=order, answered_at=None).exists()


@action(
    Order,
    "回答客户",
    may="orders.answer",
    from_=OPEN,
    event="answered",
    icon="message",
    bulk=False,
    offered=_unanswered,
)
def answer(orders: Batch[Order], *, text: Annotated[str, TEXT.but(label="回答", help="客户在进度页上看到")]) -> None:
    """Answers what the customer has asked and nobody has answered yet; it appears on the customer's page."""
    open_ = list(CustomerQuestion.objects.select_for_update().filter(order_id__in=orders.ids, answered_at=None))
    asked = {q.order_id for q in open_}
    orders.refuse({i: Refusal("没有等着回答的问题。", "text") for i in orders.ids if i not in asked})
    try:
        seal_columns(open_, [{"answer": text}] * len(open_)) if open_ else None
    except Erased:
        orders.refuse(dict.fromkeys(orders.ids, Refusal("提问人的个人信息已抹去，不能再回答。", "text")))
        return
    for question in open_:
        question.answered_by_id, question.answered_at = orders.by.id, orders.now
    CustomerQuestion.objects.bulk_update(open_, ["answer", "answered_by", "answered_at"])
    Progress.objects.filter(order_id__in=orders.ids).update(contacted_at=orders.now)
    orders.unchanged_but_told()


@action(Order, "换进度链接", may="orders.answer", event="links_renewed", button=False, bulk=False, icon="key")
def renew_links(orders: Batch[Order]) -> None:
    """The links to the customer's page that were given so far are dead."""
    Progress.objects.filter(order_id__in=orders.ids).update(links=F("links") + 1)
    orders.unchanged_but_told()


# The staff's side


def todos(person: Any) -> list[Todo]:
    """Questions that wait for this person's answer."""
    if person.id is None or not person.may("orders.answer"):
        return []
    rows = Order.objects.filter(Order.visible_to(person), questions__answered_at=None, questions__isnull=False)
    mine = [o for o in rows.distinct().order_by("pk")[:50] if person.id in (served_by(o), o.owner_id)]
    return [
        Todo(f"回答客户：{o.number} {o.name}", f"{PAGE}{o.pk}/", "客户在进度页上提问", "message", tone="warn")
        for o in mine[:5]
    ]


def panel(record: Any, person: Any) -> Bag | None:
    """客户通知 on the order's page: what the customer was told and asked, and the way to links and texts."""
    if record.state == DRAFT:
        return None
    news, questions = _news(record), _questions(record)
    page = Bag(news=news, questions=questions, url=f"{PAGE}{record.pk}/")
    return panels.own("news", "客户通知", "orders_news_panel.html", count=len(news) + len(questions), page=page)


def _news(order: Order) -> list[Bag]:
    return [
        Bag(
            row=n,
            way=WAYS[n.way],
            state=state_of(CustomerNews.STATES, n.state),
            by=person_field(n.done_by_id) if n.done_at else "",
        )
        for n in CustomerNews.objects.filter(order=order).order_by("-pk")
    ]


@screen("orders.answer")
def news(request: Any, order_id: int) -> HttpResponse:
    """The links and texts to copy, and what was done with each. POST: `sent` or `dropped` with the number of a notice,
    or `renew`."""
    order = Order.objects.filter(Order.visible_to(request.person), pk=min(order_id, 2**63 - 1)).first()
    if order is None or order.state == DRAFT:
        raise Http404
    problem = _settled(request, order) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return HttpResponseRedirect(request.path)
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    people = _people(order, base)
    texts = [
        Bag(**vars(n), said=f"【{company_name()}】{n.row.text}。查看进度：{people[n.row.contact].link}",
            name=people[n.row.contact].name)
        for n in _news(order) if n.row.state == "waiting" and n.row.contact in people
    ]  # fmt: skip
    shown = Bag(
        order=order, people=list(people.values()), waiting=texts, questions=_questions(order), problem=problem,
        open=_unanswered(order),
    )  # fmt: skip
    return render(request, "orders_news.html", shown, status=422 if problem else 200)


def _people(order: Order, base: str) -> dict[int, Bag]:
    """contact -> name, chosen way and link, of the customer's present contacts."""
    rows = list(Contact.objects.filter(customer_id=order.customer_id, left=False, erased_at=None).order_by("pk"))
    names = open_columns(rows, ["name"])
    return {
        c.pk: Bag(name=t["name"] or "", way=WAYS.get(c.order_news, "没有选"), link=base + path_of(order, c.pk))
        for c, t in zip(rows, names, strict=True)
    }


def _settled(request: Any, order: Order) -> str:
    """Do what was pressed; the sentence of the problem, or ""."""
    number = request.POST.get("news", "")
    verbs: dict[str, Callable[[], Any]] = {
        "renew": lambda: perform(renew_links, [order.pk], by=request.person, source="web"),
        "sent": lambda: _settle(request, order, number, sent=True),
        "dropped": lambda: _settle(request, order, number, sent=False),
    }
    verb = verbs.get(request.POST.get("do", ""))
    if verb is None:
        raise Http404
    try:
        outcome = verb()
    except (Invalid, NotAllowed, TooSlow) as error:
        return str(error)
    refused = outcome.refused.get(order.pk)
    return refused.text if refused else ""


def _settle(request: Any, order: Order, number: str, *, sent: bool) -> Any:
    given = {"news": number, "sent": sent}
    return perform(settle, [order.pk], by=request.person, params=given, source="web")
