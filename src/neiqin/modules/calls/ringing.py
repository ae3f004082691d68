"""来电: the page that says at once who calls, and where the call is taken down (C-OFF-10). A telephone system may open
it by its address: `?number=13800138000`, and if it knows them `&at=` and `&answered=`, moments in ISO format."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.fields.field import Field, label_of, state_of
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import find_many
from neiqin.kernel.resources import quick
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.modules.calls import backs, calling, fields, knowing
from neiqin.modules.calls import states as s
from neiqin.modules.calls.models import Call, CallBack
from neiqin.modules.customers.fields import LEVELS
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import ALIVE

PAGE = "/calls/ring/"
SHOWN = 5
TRANSFER, PROMISE = "transfer", "promise"
SAID = ("who", "customer", "topic", "need", "result")


@screen(calling.CREATE)
def ring(request: Any) -> HttpResponse:
    """GET: who it is, with the form; POST: takes the call down, and passes it on or promises a call-back if asked; with
    `look` it only says who has the number that was typed."""
    if request.method != "POST":
        return render(request, "calls/ring.html", _page(request, request.GET, []))
    if "look" in request.POST:
        return render(request, "calls/ring.html", _page(request, request.POST, []))
    problems, made = _taken(request)
    if problems:
        return render(request, "calls/ring.html", _page(request, request.POST, problems), status=422)
    return HttpResponseRedirect(f"{calling.URL}{made}/")


def _taken(request: Any) -> tuple[list[Problem], int]:
    given = request.POST
    row = {name: given.get(name, "") for name in SAID} | {
        "direction": s.IN, "other": given.get("number", ""), "rang_at": given.get("at", ""),
        "answered_at": given.get("answered", ""),
    }  # fmt: skip
    key = sent_key(given)
    try:
        outcome = perform(calling.create, rows=[row], by=request.person, source="web", key=key)
    except Invalid as error:
        return error.problems, 0
    except (KeyReused, NotAllowed, TooSlow) as error:
        return [Problem("", "", str(error))], 0
    if refusal := next(iter(outcome.refused.values()), None):
        label = next((f.label for f in fields.CALL if f.name == refusal.field), "")
        return [Problem(refusal.field, label, refusal.text)], 0
    _go_on(request, outcome.done[0], given.get("then", ""))
    return [], outcome.done[0]


def _go_on(request: Any, call: int, then: str) -> None:
    """What the same save asks for besides: refused, the call stands and its page says what is open."""
    verb, _, person = then.partition("-")
    if verb in (TRANSFER, PROMISE) and person.isdecimal() and len(person) < 19:
        action = calling.transfer if verb == TRANSFER else calling.promise
        perform(action, [call], by=request.person, params={"to": person}, source="web")


def _page(request: Any, given: Any, problems: list[Problem]) -> Bag:
    person = request.person
    number, wrong = "", ""
    try:
        number = knowing.canonical(given.get("number", "")[:40])
    except BadFormat as error:
        wrong = str(error)
    known = knowing.recognise([number]).get(number, []) if number else []
    callers = _callers(known, person)
    chosen = given.get("customer", "") or (str(callers[0].id) if len({c.id for c in callers}) == 1 else "")
    customer = next((c for c in callers if str(c.id) == chosen), None)
    values = {name: given.get(name, "") for name in SAID}
    if customer is not None and not values["who"]:
        values["who"] = customer.who
    return Bag(
        number=number or given.get("number", "")[:40], wrong=wrong, callers=callers, chosen=chosen,
        customer=customer, errors=problems, request_key=given.get("request_key") or uuid.uuid4().hex,
        at=_moment(given.get("at", "")) or clock.now().isoformat(), answered=_moment(given.get("answered", "")),
        fields={f.name: form_field(f, values.get(f.name, ""), errors=problems) for f in _asked()},
        topics=[(c.value, c.label) for c in s.TOPICS], topic=values["topic"],
        orders=_orders(customer, person), calls=_calls(customer, number, person),
        backs=_backs(customer, number, person), then=_then(customer, person), picked=given.get("then", ""),
        new=_new_customer(person, number) if number and not callers else "",
    )  # fmt: skip


def _asked() -> tuple[Field, ...]:
    return fields.who, fields.need, fields.result


def _moment(text: str) -> str:
    """As given if it is one."""
    try:
        return datetime.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        return ""


def _callers(known: list[knowing.Known], person: Any) -> list[Bag]:
    """Each customer with this number once. What there is beyond name and owner only for whom may see the customer."""
    ids = list(dict.fromkeys(k.customer for k in known))
    rows = Customer.objects.filter(pk__in=ids).select_related("owner")
    seen = set(rows.filter(Customer.visible_to(person)).values_list("pk", flat=True))
    found = {c.pk: c for c in rows}
    names = _names(known)
    return [
        Bag(
            id=pk, name=c.name, owner=c.owner, seen=pk in seen, url=f"/customers/customer/{pk}/",
            level=label_of(LEVELS, c.level) if pk in seen else "",
            who=names[pk][0] if pk in seen and pk in names else "",
            title=names[pk][1] if pk in seen and pk in names else "",
        )
        for pk in ids if (c := found.get(pk)) is not None
    ]  # fmt: skip


def _names(known: list[knowing.Known]) -> dict[int, tuple[str, str]]:
    """customer -> (name, title) of the first person with the number."""
    answer: dict[int, tuple[str, str]] = {}
    for one in known:
        if one.row is not None and one.customer not in answer:
            column = "name" if hasattr(one.row, "name") else "consignee"
            answer[one.customer] = (open_columns([one.row], [column])[0][column] or "", one.title)
    return answer


def _orders(customer: Bag | None, person: Any) -> list[Bag]:
    """The open orders this person may see, late ones first."""
    if customer is None or not customer.seen or not person.may("orders.view"):
        return []
    rows = Order.objects.filter(Order.visible_to(person), customer_id=customer.id, state__in=ALIVE)
    today = clock.today()
    return [
        Bag(number=o.number or o.name, url=f"/orders/order/{o.pk}/", due=o.required_on, amount=o.amount,
            late=o.required_on is not None and o.required_on < today, shipped=o.progress.shipped)
        for o in rows.filter(progress__shipped__lt=100).select_related("progress").order_by("required_on", "pk")[:SHOWN]
    ]  # fmt: skip


def _subjects(number: str) -> list[Any]:
    return [x for some in find_many([(number, "other")]).values() for x in some] if number else []


def _calls(customer: Bag | None, number: str, person: Any) -> list[Bag]:
    """The last calls with this customer; of a number nobody knows, with the number."""
    seen = Call.objects.filter(Call.visible_to(person))
    rows = seen.filter(customer_id=customer.id) if customer else seen.filter(subject__in=_subjects(number))
    return [
        Bag(at=c.rang_at, headline=c.headline, need=c.need, url=f"{calling.URL}{c.pk}/",
            state=state_of(s.CALL_STATES, c.state), who=c.answerer.name if c.answerer else "")
        for c in rows.select_related("answerer").order_by("-rang_at", "-pk")[:SHOWN]
    ]  # fmt: skip


def _backs(customer: Bag | None, number: str, person: Any) -> list[Bag]:
    seen = CallBack.objects.filter(CallBack.visible_to(person), state=s.WAITING)
    rows = seen.filter(customer_id=customer.id) if customer else seen.filter(subject__in=_subjects(number))
    now = clock.now()
    return [
        Bag(
            headline=b.headline, url=f"{backs.URL}{b.pk}/", who=b.owner.name, at=b.promised_at, late=b.promised_at < now
        )
        for b in rows.select_related("owner").order_by("promised_at", "pk")[:SHOWN]
    ]


def _then(customer: Bag | None, person: Any) -> list[tuple[str, str]]:
    """What else one save can do: handed to whom the table names for the topic, else to the customer's owner; or a
    call-back promised."""
    whom: dict[int, tuple[str, list[str]]] = {}
    for topic, one in calling.proposed(customer, [c.value for c in s.TOPICS], person).items():
        whom.setdefault(one.pk, (one.name, []))[1].append(label_of(s.TOPICS, topic))
    own = customer.owner.pk if customer is not None and customer.owner else 0
    found = [("", "记下来就好")]
    for pk, (name, topics) in sorted(whom.items(), key=lambda item: item[0] != own):
        found.append((f"{TRANSFER}-{pk}", f"转给{name}" if pk == own else f"{'、'.join(topics)}转给{name}"))
        found += [(f"{PROMISE}-{pk}", f"请{name}回电")] if pk == own else []
    return [*found, (f"{PROMISE}-{person.id}", "我来回电")]


def _new_customer(person: Any, number: str) -> str:
    """Where an unknown caller becomes a customer, for whom may; his number is sealed into the address."""
    if not person.may("customers.create"):
        return ""
    return f"/customers/customer/new/?d={quick.carry(person, {'contacts-0-mobile': number})}"
