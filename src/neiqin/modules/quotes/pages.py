"""The pages of quotes that are neither list, record nor form: pushing down, the text for the customer, beginning one
like another."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.resources.pages.forms import form_field, held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import site
from neiqin.modules.quotes import fields, printed
from neiqin.modules.quotes.actions import CREATE, EDIT, URL, hand
from neiqin.modules.quotes.drafting import begin
from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine, Template
from neiqin.modules.quotes.pushing import REQUIRED, left, push_down, taken
from neiqin.modules.quotes.states import ACCEPTED, SENT

UNTIL = Field("valid_until", "有效期至", "date", help="空着按模板，或从今天起 30 天")
BEGUN = (fields.customer, UNTIL)


def _found(request: Any, model: Any = Quote) -> Any:
    """The one record that the address names. Raises Http404."""
    number = (request.POST if request.method == "POST" else request.GET).get("id", "")
    if not (number.isdecimal() and len(number) < 19):
        raise Http404
    record = model.objects.filter(model.visible_to(request.person), pk=int(number)).first()
    if record is None:
        raise Http404
    return record


def _done(action: Any, *args: Any, **options: Any) -> tuple[Any, list[Problem]]:
    """(outcome, or None and the problems)."""
    try:
        outcome = action(*args, **options)
    except Invalid as error:
        return None, error.problems
    except (NotAllowed, TooSlow, KeyReused) as error:
        return None, [Problem("", "", str(error))]
    refusal = next(iter(outcome.refused.values()), None)
    return (None, [Problem("", "", refusal.text)]) if refusal else (outcome, [])


@screen(EDIT)
def push(request: Any) -> HttpResponse:
    """GET `?id=` shows what remains of an accepted quote; POST with q-<line> makes the draft of an order."""
    quote = _found(request)
    lines = list(QuoteLine.objects.filter(quote=quote).order_by("pk"))
    gone = taken([quote.pk])
    given = request.POST
    problems: list[Problem] = []
    if request.method == "POST":
        outcome, problems = _done(_push, request, quote, lines)
        if outcome is not None and outcome.held:
            messages.success(request, held_reason(outcome.held))
            return HttpResponseRedirect(f"{URL}{quote.pk}/")
        if outcome is not None:
            order = Pushed.objects.filter(quote=quote).latest("pk").order_id
            return HttpResponseRedirect(f"/orders/order/{order}/edit/")
    rows = [
        Bag(id=x.pk, item=x.item_name, spec=x.spec, unit=x.unit_name, quoted=x.quantity, price=x.price,
            left=left(x, gone), value=given.get(f"q-{x.pk}", plain(left(x, gone))))
        for x in lines
    ]  # fmt: skip
    page = Bag(
        quote=quote, rows=rows, errors=problems, request_key=given.get("request_key") or uuid4().hex,
        open=quote.state == ACCEPTED and not quote.over and any(left(x, gone) for x in lines),
        stage=_stage(quote), fields=[form_field(REQUIRED, given.get("required_on", ""), errors=problems)],
    )  # fmt: skip
    return render(request, "quotes_push.html", page, status=422 if problems else 200)


def _push(request: Any, quote: Quote, lines: list[QuoteLine]) -> Any:
    goods = [
        {"quote_line": str(x.pk), "quantity": q}
        for x in lines
        if (q := request.POST.get(f"q-{x.pk}", "").strip()) not in ("", "0")
    ]
    if not goods:
        raise Invalid([Problem("", "", "一行都没有填数量，至少填一行。")])
    params = {"required_on": request.POST.get("required_on", ""), "lines": goods}
    return perform(
        push_down, [quote.pk], by=request.person, params=params, source="web",
        key=sent_key(request.POST),
    )  # fmt: skip


def _stage(quote: Any) -> str:
    return next(s.label for s in fields.STAGES if s.value == quote.stage)


@screen(EDIT)
def text(request: Any) -> HttpResponse:
    """GET `?id=`: the quote in words, to be copied into a chat; POST `way`: a person says that he has sent it."""
    quote = _found(request)
    problems: list[Problem] = []
    if request.method == "POST":
        params = {"way": request.POST.get("way", "")}
        outcome, problems = _done(perform, hand, [quote.pk], by=request.person, params=params, source="web")
        if outcome is not None:
            return HttpResponseRedirect(f"{URL}{quote.pk}/")
    page = Bag(
        quote=quote, said=printed.said(quote), errors=problems, ways=fields.WAYS, stage=_stage(quote),
        open=quote.state == SENT and not quote.over,
    )  # fmt: skip
    return render(request, "quotes_text.html", page, status=422 if problems else 200)


@screen(CREATE)
def start(request: Any) -> HttpResponse:
    """A new quote like a quote or from a template: GET `?of=` and `id=` asks for whom, POST makes the draft."""
    given = request.POST if request.method == "POST" else request.GET
    models = {"quotes.quote": Quote, "quotes.template": Template}
    if given.get("of") not in models:
        raise Http404
    source = _found(request, models[given["of"]])
    own = str(source.customer_id) if isinstance(source, Quote) else ""
    typed = {"customer": own} | {f.name: given[f.name] for f in BEGUN if f.name in given}
    problems: list[Problem] = []
    if request.method == "POST":
        outcome, problems = _begin(request, source, typed)
        if outcome is not None and outcome.held:
            messages.success(request, held_reason(outcome.held))
            return HttpResponseRedirect(URL)
        if outcome is not None:
            return HttpResponseRedirect(f"{URL}{outcome.done[0]}/edit/")
    number = typed.get("customer", "")
    names = site().names("customers.customer", [int(number)]) if number.isdecimal() and len(number) < 19 else {}
    page = Bag(
        of=given["of"], source=source, title=str(source), request_key=given.get("request_key") or uuid4().hex,
        errors=problems, back=site().resources[given["of"]].url_of(source.pk),
        label=site().resources[given["of"]].label, list_url=site().resources[given["of"]].url,
        fields=[
            form_field(f, typed.get(f.name, ""), next(iter(names.values()), "") if f.ref else "", errors=problems)
            for f in BEGUN
        ],
    )  # fmt: skip
    return render(request, "quotes_begin.html", page, status=422 if problems else 200)


def _begin(request: Any, source: Any, typed: dict[str, str]) -> tuple[Any, list[Problem]]:
    values, problems = {}, []
    for field in BEGUN:
        try:
            values[field.name] = field.parse(typed.get(field.name, ""))
        except BadFormat as error:
            problems.append(Problem(field.name, field.label, str(error)))
    if problems:
        return None, problems
    key = sent_key(request.POST)
    return _done(begin, source, values["customer"], values["valid_until"], request.person, key)
