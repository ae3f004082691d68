"""The one page of a guest. A GET shows and never decides; a POST with the form's token decides, once.

Who has the link sees that one matter. Where a code was asked for, it is wanted first; who has given one sees all open
matters of the same contact. Wrong and unknown links look the same.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import TooSlow
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.guests import limits
from neiqin.kernel.guests.asks import ASKS, CHANGED, TEXT, Answer, Ask, Shown, asks_of, code_hash, same, token_hash
from neiqin.kernel.guests.models import EXPIRED, OPEN, REVOKED, Door, Invitation
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.personal.keys import Erased
from neiqin.kernel.resources.pages.screen import Bag, person_field, render

TRIES = 5
LOCKED = timedelta(minutes=30)
KNOWN_FOR = timedelta(minutes=30)
SESSION = "guest"
MOST_MATTERS = 50


class Closed(Exception):
    """This page is not shown: its HTTP status, a heading and a sentence."""

    def __init__(self, status: int, title: str, text: str) -> None:
        self.status, self.title, self.text = status, title, text


UNKNOWN = Closed(404, "没有这个链接", "地址不完整或不对。请核对收到的链接，或联系发给您的人。")
LATER = Closed(429, "请稍后再试", "来得太频繁了，过十分钟再打开。")


def guarded_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Limits, and what every answer says to browsers, search engines and caches."""

    @wraps(view)
    def guarded(request: Any, **kwargs: Any) -> HttpResponse:
        try:
            if limits.too_many(address_of(request)):
                raise LATER
            response = view(request, **kwargs)
        except Closed as closed:
            response = render(
                request, "guest_closed.html", Bag(title=closed.title, text=closed.text), status=closed.status
            )
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response["Cache-Control"] = "no-store"
        return response

    return guarded


@guarded_page
def show(request: Any, token: str, invitation: int | None = None) -> HttpResponse:
    """The matter of the link, or (once a code was given) another open one of the same guest."""
    entry = _entry(request, token)
    known = _known(request, entry)
    _refuse_if_over(entry)
    if entry.code_hash and not known:
        return _code(request, entry)
    row = entry if invitation in (None, entry.pk) else _other(entry, invitation or 0, known=known)
    ask, record = _matter(row)
    if request.method == "POST":
        return _take(request, row, ask, record)
    looked = request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")
    if looked and row.door.opened_at is None:
        Door.objects.filter(invitation=row, opened_at=None).update(opened_at=clock.now())
    return _page(request, row, ask, record, known=known)


def _entry(request: Any, token: str) -> Invitation:
    rows = Invitation.objects.select_related("door", "guest")
    row = rows.filter(token_hash=token_hash(token)).first() if len(token) <= 64 else None
    if row is None:
        limits.wrong(address_of(request))
        raise UNKNOWN
    if limits.knocks(f"link {row.pk}", limits.MINUTE) > limits.MOST_LINK:
        raise LATER
    return row


def _known(request: Any, row: Invitation) -> bool:
    """Has this browser given a right code for this guest in the last half hour?"""
    kept = request.session.get(SESSION) or {}
    return (
        kept.get("id") == row.guest_id and clock.now() - datetime.fromisoformat(kept["at"]) < KNOWN_FOR
    )  # fmt: skip


def _refuse_if_over(row: Invitation) -> None:
    state, on = row.state_at(clock.now()), row.revoked_at or row.expires_at
    if state in (REVOKED, EXPIRED):
        text = f"这个链接 {clock.local(on):%m-%d} 已失效，请联系{person_field(row.invited_by)}。"
        raise Closed(410, "链接已失效", text)


def _other(entry: Invitation, invitation: int, *, known: bool) -> Invitation:
    rows = Invitation.objects.select_related("door", "guest").filter(guest_id=entry.guest_id)
    row = rows.filter(pk=min(invitation, 2**63 - 1)).first() if known else None
    if row is None:
        raise UNKNOWN
    _refuse_if_over(row)
    return row


def _matter(row: Invitation) -> tuple[Ask, Any]:
    """The ask and the record; closed when the record is gone or the contact is no longer one of its contacts."""
    asks_of(row.model)
    ask = ASKS.get(row.ask)
    record = ask.model.objects.filter(pk=row.record_id).first() if ask else None
    if ask is None or record is None or not any(
        (c.kind, c.record_id) == (row.guest.kind, row.guest.record_id) for c in ask.contacts(record)
    ):  # fmt: skip
        raise Closed(410, "链接已失效", f"这个链接已失效，请联系{person_field(row.invited_by)}。")
    return ask, record


def _code(request: Any, row: Invitation) -> HttpResponse:
    """Ask for the code. Five wrong ones lock the link for half an hour, for the right one too."""
    problem = _try(request, row) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return HttpResponseRedirect(request.path)
    page = Bag(problem=problem, who=person_field(row.invited_by))
    return render(request, "guest_code.html", page, status=422 if problem else 200)


@transaction.atomic
def _try(request: Any, row: Invitation) -> str:
    """The sentence of the problem, or "" and the session knows the guest."""
    now, address = clock.now(), address_of(request)
    door = Door.objects.select_for_update().get(invitation=row)
    if door.locked_until and door.locked_until > now:
        return f"验证码输错了 {TRIES} 次，{clock.local(door.locked_until):%H:%M} 后再试。"
    given = request.POST.get("code", "").strip()[:20]
    if same(code_hash(bytes(row.token_hash), given), bytes(row.code_hash)):
        Door.objects.filter(pk=door.pk).update(tries=0, locked_until=None)
        request.session.cycle_key()
        request.session[SESSION] = {"id": row.guest_id, "at": now.isoformat()}
        return ""
    limits.wrong(address)
    tries = door.tries + 1
    locked = now + LOCKED if tries >= TRIES else None
    Door.objects.filter(pk=door.pk).update(tries=0 if locked else tries, locked_until=locked)
    if locked:
        told = {"guest": row.guest_id, "invitation": row.pk}
        history.note("guest.locked", by=None, source="guest", address=address, params=told)
        return f"验证码输错了 {TRIES} 次，{clock.local(locked):%H:%M} 后再试。"
    return f"验证码不对，还可以试 {TRIES - tries} 次。"


def _page(
    request: Any, row: Invitation, ask: Ask, record: Any, *, known: bool, problem: str = "", status: int = 200
) -> HttpResponse:
    opened = open_columns([row.guest], ["name"])[0]["name"]
    given = ask.answer(row.choice).label if row.answered_at else ""
    page = Bag(
        ask=ask, shown=ask.show(record) if row.expires_at > clock.now() else Shown(""), name=opened or "", row=row,
        given=given,
        text=open_columns([row], ["text"])[0]["text"] if row.answered_at else "", problem=problem,
        who=person_field(row.invited_by), others=_others(request, row) if known else [],
        chosen=request.POST.get("choice", ""), written=request.POST.get("text", "")[: TEXT.maxlength],
        most=TEXT.maxlength,
    )  # fmt: skip
    return render(request, "guest.html", page, status=status)


def _others(request: Any, row: Invitation) -> list[Bag]:
    """The other open matters of this guest, and the one the link is for."""
    token = request.resolver_match.kwargs["token"]
    rows = Invitation.objects.select_related("guest").filter(
        guest_id=row.guest_id, answered_at=None, revoked_at=None, expires_at__gt=clock.now()
    )
    found = []
    for other in rows.exclude(pk=row.pk).order_by("expires_at")[:MOST_MATTERS]:
        try:
            ask, record = _matter(other)
        except Closed:
            continue
        title = ask.show(record).title
        found.append(Bag(url=f"/g/{token}/{other.pk}/", label=ask.label, title=title, until=other.expires_at))
    return found


def _take(request: Any, row: Invitation, ask: Ask, record: Any) -> HttpResponse:
    choice = next((a for a in ask.answers if a.value == request.POST.get("choice")), None)
    try:
        text = clean_text(request.POST.get("text", ""), TEXT.maxlength, multiline=True)
        problem = _missing(choice, text)
    except BadFormat as error:
        problem = str(error)
    if not problem and choice is not None and row.state_at(clock.now()) == OPEN:
        problem = _answer(request, row, ask, choice.value, text if choice.text else "")
    if not problem:
        return HttpResponseRedirect(request.path)
    known = _known(request, row)
    return _page(request, row, ask, record, known=known, problem=problem, status=409 if problem == CHANGED else 422)


def _missing(choice: Answer | None, text: str) -> str:
    """What is yet to be filled in, as a sentence; "" if nothing."""
    if choice is None:
        return "请先选一项。"
    return f"选「{choice.label}」时请写一下说明。" if choice.text == "required" and not text else ""


def _answer(request: Any, row: Invitation, ask: Ask, choice: str, text: str) -> str:
    """Perform the answer for the guest; the sentence of the problem, or ""."""
    params = {"invitation": row.pk, "guest": row.guest_id, "choice": choice, "text": text}
    address = address_of(request)
    try:
        outcome = perform(
            ask.verbs["answer"], [row.record_id], by=SYSTEM, params=params, source="guest", address=address
        )
    except (Invalid, TooSlow, Erased):
        return CHANGED
    return CHANGED if outcome.refused else ""
