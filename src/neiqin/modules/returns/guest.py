"""What a customer asks to give back on its phone, behind the link of its order and of nothing else, and how far each is
(C-ORD-18). Nothing is typed there but numbers and a waybill: no words that could be somebody's."""

from typing import Any, NamedTuple
from uuid import uuid4

from django.http import HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, TooSlow
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.files import attach, kinds, store
from neiqin.kernel.files import pages as files
from neiqin.kernel.files.models import Attachment
from neiqin.kernel.guests import limits
from neiqin.kernel.guests.pages import guarded_page
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.company import company_name
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.pages.screen import Bag, render, sent_key
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.progress import Beside, opened
from neiqin.modules.orders.states import DELIVERING
from neiqin.modules.returns import asking
from neiqin.modules.returns.models import (
    AWAITED,
    COMES_BACK,
    DROPPED,
    INSPECTED,
    KINDS,
    PAID_BACK,
    REASONS,
    REFUND,
    SETTLED,
    Ticket,
    TicketLine,
)

NAME = "return"
MOST_PHOTOS = 6
MOST_ASKED = 10  # a day and order
OFTEN = "今天提交得太多了，请直接打电话给我们。"
FAILED = "刚才没有记下，请再发一次。"


class Answer(NamedTuple):
    """What became of a form: the sentence of the problem or "", HTTP status."""

    problem: str = ""
    status: int = 200


def offered(order: Order) -> bool:
    """Is there anything to give back, or anything that was?"""
    return order.state in DELIVERING


BESIDE = Beside(NAME, "退货、换货", offered)


@guarded_page
def page(request: Any, token: str) -> HttpResponse:
    """GET shows the order's returns and the form; POST asks for one, or says with which waybill it was sent."""
    order, _ = opened(request, token)
    answer = Answer()
    if request.method == "POST":
        sent = "ticket" in request.POST
        answer = _sent(request, order) if sent else _asked(request, order)
        if not answer.problem:
            return HttpResponseRedirect(request.path)
    return render(request, "returns_guest.html", _shown(request, order, answer.problem), status=answer.status)


def _shown(request: Any, order: Order, problem: str) -> Bag:
    given = request.POST
    lines = list(OrderLine.objects.filter(order=order).order_by("pk"))
    left = asking.left_of([x.pk for x in lines])
    goods = [
        Bag(id=x.pk, item=x.item_name, spec=x.spec, unit=x.unit_name, left=left[x.pk], value=given.get(f"q-{x.pk}", ""))
        for x in lines if left[x.pk]
    ]  # fmt: skip
    # What our people wrote down for this order is the customer's matter too.
    mine = Ticket.objects.filter(order=order).order_by("-pk")
    return Bag(
        number=order.number, name=order.name, company=company_name(), goods=goods if offered(order) else [],
        kinds=KINDS, reasons=REASONS, kind=given.get("kind", REFUND), reason=given.get("reason", ""),
        tickets=[_ticket(t) for t in mine], problem=problem, request_key=given.get("request_key") or uuid4().hex,
        most=MOST_PHOTOS,
    )  # fmt: skip


def _ticket(ticket: Ticket) -> Bag:
    lines = TicketLine.objects.filter(ticket=ticket).select_related("order_line").order_by("pk")
    photos = Attachment.objects.filter(kind=asking.KEY, record_id=ticket.pk, removed_at=None).count()
    return Bag(
        id=ticket.pk, number=ticket.number, kind=label_of(KINDS, ticket.kind), reason=label_of(REASONS, ticket.reason),
        goods=[_line(x, ticket) for x in lines], photos=photos, steps=steps(ticket), waybill=ticket.waybill,
        sends=ticket.state == AWAITED, answer=ticket.answer, credit=f"{ticket.credit:,.2f}",
        paid=ticket.kind in PAID_BACK and ticket.state in (INSPECTED, SETTLED),
    )  # fmt: skip


def _line(line: TicketLine, ticket: Ticket) -> str:
    unit = line.order_line.unit_name
    text = f"{line.order_line.item_name} {plain(line.quantity)}{unit}"
    known = ticket.state in (INSPECTED, SETTLED)
    return f"{text}，认可 {plain(line.accepted)}{unit}" if known and ticket.kind in COMES_BACK else text


def steps(ticket: Ticket) -> list[Bag]:
    """提交, 审批, 寄回验货, 结清: each behind with its moment, the one it is at, those to come."""
    done = [("提交", ticket.created_at), ("审批", ticket.approved_at)]
    if ticket.kind in COMES_BACK:
        done.append(("寄回、验货", ticket.inspected_at))
    done.append(("结清", ticket.settled_at))
    if ticket.state in DROPPED:
        over = label_of(Ticket.STATES, ticket.state)
        return [Bag(label=label, small=_at(at), status="done") for label, at in done if at] + [
            Bag(label=over, small="", status="over")
        ]
    now = next((label for label, at in done if not at), "")
    return [
        Bag(label=label, small=_at(at), status="done" if at else "now" if label == now else "") for label, at in done
    ]


def _at(at: Any) -> str:
    return f"{clock.local(at):%m-%d %H:%M}" if at else ""


def _asked(request: Any, order: Order) -> Answer:
    """A return of this order's lines, with photos."""
    given, photos = request.POST, request.FILES.getlist("photo")
    if len(photos) > MOST_PHOTOS:
        return Answer(f"照片最多 {MOST_PHOTOS} 张，少选几张。", 422)
    if limits.knocks(f"return {order.pk}", limits.DAY) > MOST_ASKED:
        return Answer(OFTEN, 429)
    try:
        kept = [_photo(n, one) for n, one in enumerate(photos, 1)]
    except (kinds.NotTaken, store.TooLarge, BadFormat) as error:
        return Answer(str(error), 422)
    said = {pk: given.get(f"q-{pk}", "").strip() for pk in order.lines.order_by("pk").values_list("pk", flat=True)}
    lines = [{"order_line": str(pk), "quantity": text} for pk, text in said.items() if text not in ("", "0")]
    if not lines:
        return Answer("请填上要退换的数量。", 422)
    row = {"order": str(order.pk), "kind": given.get("kind", ""), "reason": given.get("reason", ""), "lines": lines}
    answer, made = _performed(request, asking.create, rows=[row], key=sent_key(given))
    if made:
        for one in kept:
            perform(_attach(), made, by=SYSTEM, params={"file": one, "category": "客户照片"}, source="guest")
    return answer


def _photo(number: int, given: Any) -> int:
    """Keep a picture; what it was called on the phone is nobody's business."""
    kind, _, _ = kinds.look(given.file, given.name or "")
    if kind.media not in kinds.PICTURES:
        raise kinds.NotTaken("只收照片：JPG、PNG 或 WebP。")
    given.file.seek(0)
    given.name = f"照片{number}.{kind.media.rsplit('/', 1)[-1]}"
    return files.keep(given, SYSTEM)[0].pk


def _attach() -> Any:
    return attach.VERBS[asking.KEY].attach


def _sent(request: Any, order: Order) -> Answer:
    number = request.POST.get("ticket", "")
    rows = Ticket.objects.filter(order=order, state=AWAITED)
    ticket = rows.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if ticket is None:
        return Answer("这一笔现在不用填运单号。", 409)
    params = {"waybill": request.POST.get("waybill", "")}
    return _performed(request, asking.send_back, [ticket.pk], params=params)[0]


def _performed(request: Any, verb: Any, *ids: Any, **given: Any) -> tuple[Answer, list[int]]:
    """(the answer, records that were done)."""
    try:
        outcome = perform(verb, *ids, by=SYSTEM, source="guest", address=address_of(request), **given)
    except Invalid as error:
        return Answer(error.problems[0].message if error.problems else FAILED, 422), []
    except (TooSlow, KeyReused):
        return Answer(FAILED, 409), []
    refusal = next(iter(outcome.refused.values()), None)
    return (Answer(refusal.text, 409), []) if refusal else (Answer(), list(outcome.done))
