"""复制到微信: the dialog with a record's text and long picture. Both are handed out as the answer to a POST that tells
the record so; before that the screen shows a picture too small to be sent, and hand.js stops copying by hand."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.printing import chat, forms
from neiqin.kernel.printing.pages import resource_asked
from neiqin.kernel.printing.typeset import Missing
from neiqin.kernel.resources.pages.forms import held_reason
from neiqin.kernel.resources.pages.records import opened
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource

URL = "/print/hand/"


class Refused(Exception):
    """What stands in the way, as a Chinese sentence."""


@screen("")
def dialog(request: Any) -> HttpResponse:
    """GET `?kind=&id=`: what there is to send; POST with `form`, `way` and maybe `to`: it is told, and handed out."""
    resource, record, form = _asked(request)
    slip, text = chat.slip_of(form, resource, record, request.person)
    if request.method != "POST":
        return _shown(request, resource, record, form, slip, text)
    given, fetched = request.POST, request.headers.get("X-Requested-With") == "fetch"
    try:
        made = chat.picture(slip, request.person) if given.get("way") in ("picture", "file") else b""
        _told(request, resource, record, form)
    except (Refused, Missing, chat.TooLong) as error:
        sentence = _sentence(error)
        if fetched:
            return HttpResponse(sentence, content_type="text/plain; charset=utf-8", status=422)
        return _shown(request, resource, record, form, slip, text, sentence)
    if made:
        return _private(HttpResponse(made, content_type="image/png"), _name(slip, record))
    if fetched:
        return _private(HttpResponse(text, content_type="text/plain; charset=utf-8"))
    return _shown(request, resource, record, form, slip, text, told=True)


@screen("")
def preview(request: Any) -> HttpResponse:
    """GET `?kind=&id=&form=`: the long picture, small."""
    resource, record, form = _asked(request)
    slip, _ = chat.slip_of(form, resource, record, request.person)
    try:
        body = chat.picture(slip, request.person, chat.SMALL)
    except (Missing, chat.TooLong):
        raise Http404 from None
    return _private(HttpResponse(body, content_type="image/png"))


def _asked(request: Any) -> tuple[Resource, Any, forms.Form]:
    """The record on one of its forms. Raises Http404, PermissionDenied with a sentence."""
    given = request.POST if request.method == "POST" else request.GET
    resource = resource_asked(request, given)
    number, name = given.get("id", ""), given.get("form", "")
    offered = forms.forms_for(resource)
    form = next((f for f in offered if f.name == name), None) if name else offered[0]
    if form is None or not (number.isdecimal() and len(number) < 19):
        raise Http404
    return resource, opened(resource, request.person, int(number)), form


def _told(request: Any, resource: Resource, record: Any, form: forms.Form) -> None:
    """Nothing is handed out that the record does not know of. Raises Refused."""
    params = {"form": form.name, "way": request.POST.get("way", ""), "to": request.POST.get("to", "")}
    try:
        outcome = perform(forms.HAND[resource.key], [record.pk], by=request.person, params=params, source="web")
    except (Invalid, NotAllowed, TooSlow) as error:
        raise Refused(str(error)) from None
    if outcome.held:
        raise Refused(held_reason(outcome.held))
    if outcome.refused:
        raise Refused(outcome.refused[record.pk].text)


def _sentence(error: Exception) -> str:
    if isinstance(error, Missing):
        return f"{error.named} 没有字形，图片做不出来。复制文字，或改成别的字。"
    return str(error)


def _shown(
    request: Any, resource: Resource, record: Any, form: forms.Form, slip: chat.Slip, text: str, problem: str = "",
    *, told: bool = False,
) -> HttpResponse:  # fmt: skip
    page = Bag(
        url=URL, kind=resource.key, id=record.pk, label=resource.label, back=resource.url_of(record.pk), form=form,
        forms=forms.forms_for(resource), title=str(getattr(record, resource.title)), text=text, problem=problem,
        to=request.POST.get("to", "")[:200], told=told, no_picture=_without(slip, request.person),
        picture=f"{URL}picture/?kind={resource.key}&id={record.pk}&form={form.name}", file=_name(slip, record),
    )  # fmt: skip
    part = "doc" if request.GET.get("part") == "doc" else "dialog"
    block = part if request.headers.get("HX-Request") == "true" else None
    return render(request, "hand.html", page, block=block, status=422 if problem else 200)


def _without(slip: chat.Slip, person: Any) -> str:
    """Why there is no picture, or ""."""
    try:
        chat.check(slip, person)
    except (Missing, chat.TooLong) as error:
        return _sentence(error)
    return ""


def _name(slip: chat.Slip, record: Any) -> str:
    return f"{slip.heading} {slip.number or record.pk}.png"


def _private(response: HttpResponse, name: str = "") -> HttpResponse:
    if name:
        response["Content-Disposition"] = content_disposition_header(True, name)
    response["Cache-Control"] = "no-store"
    return response
