"""The staff's side: the panel 客户确认 on a record, inviting, revoking, and all that is still open."""

import secrets
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST
from markupsafe import Markup

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.guests import asks
from neiqin.kernel.guests.asks import INVITE, Ask
from neiqin.kernel.guests.models import ANSWERED, EXPIRED, OPEN, REVOKED, Invitation
from neiqin.kernel.people.company import company_name
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources.pages.screen import Bag, person_field, record_or_404, render, screen
from neiqin.kernel.resources.resource import site

STATES = {
    OPEN: ("等客户", "run", "50"), ANSWERED: ("已回复", "ok", "100"), REVOKED: ("已收回", "off", "x"),
    EXPIRED: ("已过期", "warn", "!"),
}  # fmt: skip
MOST = 200


def panel(record: Any, person: Any) -> Bag | None:
    """The tab 客户确认 of a record that something can be asked about."""
    offered = asks.asks_of(record._meta.label_lower)
    if not offered:
        return None
    rows = _bags(Invitation.objects.filter(model=record._meta.label_lower, record_id=record.pk))
    page = Bag(rows=rows, offered=offered, url=_url(record), invites=_may(record, person))
    html = Markup(render_to_string("guests_panel.html", {"page": page}))  # noqa: S704 - rendered by our own template
    return Bag(id="guests", label="客户确认", count=len(rows), columns=[], rows=[], html=html, empty_text="")


def _url(record: Any) -> str:
    return f"/guests/{record._meta.label_lower}/{record.pk}/"


def _may(record: Any, person: Any) -> bool:
    """Holds the right, and could change this record."""
    resource = site().resources[record._meta.label_lower]
    wanted = resource.edit.may if resource.edit else resource.view_permission
    model = resource.model
    return person.may(INVITE) and model.objects.filter(model.visible_to(person, wanted), pk=record.pk).exists()


def _bags(rows: Any) -> list[Bag]:
    now, rows = clock.now(), list(rows.select_related("guest", "door").order_by("-id")[:MOST])
    names = [c["name"] for c in open_columns([r.guest for r in rows], ["name"])]
    texts = [c["text"] for c in open_columns(rows, ["text"])]
    found = []
    for row, name, text in zip(rows, names, texts, strict=True):
        ask = asks.ASKS.get(row.ask)
        resource = site().resources.get(row.model)
        state = row.state_at(now)
        found.append(
            Bag(
                row=row, name=name or "（已抹去）", text=text, state=STATES[state], open=state == OPEN,
                ask=ask.label if ask else row.ask, given=ask.answer(row.choice).label if ask and row.choice else "",
                by=person_field(row.invited_by), opened=row.door.opened_at,
                url=resource.url_of(row.record_id) if resource else "",
            )
        )  # fmt: skip
    return found


def _found(request: Any, kind: str, record_id: int) -> Any:
    """The record, if the person may see it, may invite, and something can be asked. Raises Http404."""
    resource = site().resources.get(kind)
    if resource is None or not asks.asks_of(kind):
        raise Http404
    record = record_or_404(resource, request.person, record_id)
    if not _may(record, request.person):
        raise Http404
    return record


@screen(INVITE)
def invite(request: Any, kind: str, record_id: int) -> HttpResponse:
    """GET: the dialog. POST: invite; the answer shows link, QR and code, once and never again."""
    record = _found(request, kind, record_id)
    offered = asks.asks_of(kind)
    chosen = request.POST.get("ask", request.GET.get("ask", offered[0].name))
    ask = next((a for a in offered if a.name == chosen), None)
    if ask is None:
        raise Http404
    page = Bag(
        ask=ask, not_yet=ask.not_yet(record), contacts=list(ask.contacts(record)), problem="", made=None,
        url=f"{_url(record)}invite/",
        days=request.POST.get("days", "7"), most=asks.MOST_DAYS, contact=request.POST.get("contact", ""),
        with_code=request.method != "POST" or request.POST.get("with_code") == "1",
    )  # fmt: skip
    if request.method == "POST":
        _invite(request, ask, record, page)
    return render(request, "guests_invite.html", page, status=422 if page.problem else 200)


def _invite(request: Any, ask: Ask, record: Any, page: Bag) -> None:
    token = secrets.token_urlsafe(24)
    code = f"{secrets.randbelow(1_000_000):06}" if page.with_code else ""
    hashed = asks.token_hash(token)
    params = {
        "contact": page.contact, "days": page.days, "token": hashed.hex(),
        "code": asks.code_hash(hashed, code).hex() if code else "",
    }  # fmt: skip
    refusal, held = _perform(request, ask, "invite", record.pk, params)
    page.problem = refusal
    if not refusal:
        link = f"{settings.PUBLIC_URL or request.build_absolute_uri('/').rstrip('/')}/g/{token}/"
        qr = segno.make(link, error="m").svg_data_uri(scale=4, border=2)
        text = f"【{company_name()}】{request.person.name}请您{ask.label}：{link} ，{page.days} 天内有效。"
        page.made = Bag(link=link, qr=qr, code=code, text=text, held=held)


def _perform(request: Any, ask: Ask, verb: str, record: int, params: dict[str, Any]) -> tuple[str, bool]:
    """The sentence of the problem or "", and whether it waits for approval."""
    try:
        outcome = perform(ask.verbs[verb], [record], by=request.person, params=params, source="web")
    except (Invalid, NotAllowed, TooSlow) as error:
        return str(error), False
    refused = outcome.refused.get(record)
    return (refused.text if refused else ""), outcome.held is not None


@screen(INVITE)
@require_POST
def revoke(request: Any, kind: str, record_id: int) -> HttpResponse:
    """Take a link back."""
    record = _found(request, kind, record_id)
    wanted = request.POST.get("invitation", "")
    row = Invitation.objects.filter(model=kind, record_id=record.pk, pk=int(wanted) if _is_id(wanted) else 0).first()
    ask = asks.ASKS.get(row.ask) if row else None
    if row is None or ask is None:
        raise Http404
    problem, _ = _perform(request, ask, "revoke", record.pk, {"invitation": row.pk})
    messages.error(request, problem) if problem else messages.success(request, "链接收回了，客户再打开会看到已失效。")
    response = HttpResponse(status=204)  # htmx goes there itself
    response["HX-Redirect"] = site().resources[kind].url_of(record.pk)
    return response


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


@screen(INVITE)
def waiting(request: Any) -> HttpResponse:
    """What one has asked and is not answered yet; with `show=all` also what is over."""
    everything = request.GET.get("show") == "all"
    rows = Invitation.objects.filter(invited_by=request.person.id)
    if not everything:
        rows = rows.filter(answered_at=None, revoked_at=None, expires_at__gt=clock.now())
    return render(request, "guests.html", Bag(rows=_bags(rows), everything=everything))
