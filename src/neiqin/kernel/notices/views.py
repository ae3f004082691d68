"""The inbox, one's own wishes, and the administrators' page of the ways out."""

from datetime import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.notices import robots, sending, tell
from neiqin.kernel.notices.models import GIVEN_UP, WAITING, Channel, Delivery, Notice, Wishes
from neiqin.kernel.people.models import Login, Unit
from neiqin.kernel.personal.blobs import seal_blob
from neiqin.kernel.resources.pages.screen import Bag, render, screen

MANAGE = "notices.channels"
PAGE = 50
MOST_SHOWN = 99


def _mine(person: Any) -> Any:
    return Notice.objects.filter(person_id=person.id)


@screen("")
def inbox(request: Any) -> HttpResponse:
    """Unread ones, or (`show=all`) all of them, newest first by days."""
    everything = request.GET.get("show") == "all"
    before = request.GET.get("before", "")
    rows = _mine(request.person) if everything else _mine(request.person).filter(read_at=None)
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.order_by("-id")[: PAGE + 1])
    shown = found[:PAGE]
    page = Bag(
        days=list(tell.grouped(shown).items()), everything=everything, unread=count_text(tell.unread(request.person)),
        older=f"?{'show=all&' if everything else ''}before={shown[-1].pk}" if len(found) > PAGE else "",
        today=clock.today(), kinds={name: kind.label for name, kind in tell.kinds().items()},
    )  # fmt: skip
    return render(request, "notices.html", page)


def count_text(count: int) -> str:
    """ "" for none, 99+ for a hundred and more."""
    return "" if not count else str(count) if count <= MOST_SHOWN else f"{MOST_SHOWN}+"


@screen("")
def count(request: Any) -> HttpResponse:
    """The number of unread ones as plain text; asked for every minute by pages that are looked at."""
    response = HttpResponse(count_text(tell.unread(request.person)), content_type="text/plain")
    response["Cache-Control"] = "no-store"
    return response


@screen("")
def follow(request: Any, notice: int) -> HttpResponse:
    """Go to what a notice is about; from then on it is read."""
    row = _mine(request.person).filter(pk=min(notice, 2**63 - 1)).first()
    if row is None:
        raise Http404
    if request.method != "HEAD" and row.read_at is None:
        _mine(request.person).filter(pk=row.pk).update(read_at=clock.now())
    return HttpResponseRedirect(row.url or "/notices/?show=all")


@screen("")
@require_POST
def read(request: Any) -> HttpResponse:
    """Mark one (`id`) or all that were there when the page was made (`upto`) as read."""
    rows = _mine(request.person).filter(read_at=None)
    one, upto = request.POST.get("id", ""), request.POST.get("upto", "")
    if one.isdecimal() and len(one) < 19:
        rows.filter(pk=int(one)).update(read_at=clock.now())
    elif upto.isdecimal() and len(upto) < 19:
        marked = rows.filter(pk__lte=int(upto)).update(read_at=clock.now())
        messages.success(request, f"{marked} 条标为已读。")
    return HttpResponseRedirect("/notices/" + ("?show=all" if request.POST.get("show") == "all" else ""))


@screen("")
def wishes(request: Any) -> HttpResponse:
    """Where each kind of notice goes, the hours of quiet, and the mailbox."""
    person = request.person
    mine = Wishes.objects.filter(person_id=person.id).first() or Wishes(person_id=person.id)
    login = Login.objects.filter(person_id=person.id).first()
    email, problem = login.email if login else "", ""
    if request.method == "POST":
        email = request.POST.get("email", "").strip()
        problem = _take(mine, email, request.POST)
        if not problem:
            with transaction.atomic():
                mine.save()
                if login and login.email != email:
                    Login.objects.filter(pk=login.pk).update(email=email)
                    history.note("notices.address", by=person, source="web")
            messages.success(request, "消息设置存好了。")
            return HttpResponseRedirect("/notices/settings/")
    kinds = [
        Bag(name=k.name, label=k.label, mode=mine.modes.get(k.name, k.mode)) for k in tell.kinds().values()
    ]  # fmt: skip
    page = Bag(kinds=kinds, modes=tell.MODES, quiet=mine, email=email, problem=problem, mail_on=sending.mail_works())
    return render(request, "notices_settings.html", page, status=422 if problem else 200)


def _take(mine: Wishes, email: str, given: Any) -> str:
    """Put what was filled in into the wishes; gives the sentence of the problem, or ""."""
    modes = dict(tell.MODES)
    mine.modes = {k: given[f"mode-{k}"] for k in tell.kinds() if given.get(f"mode-{k}") in modes}
    try:
        if email:
            validate_email(email)
        mine.quiet_from = time.fromisoformat(given.get("quiet_from", ""))
        mine.quiet_until = time.fromisoformat(given.get("quiet_until", ""))
    except ValidationError:
        return f"「{email[:60]}」不是邮箱地址，写成 name@example.cn。"
    except ValueError:
        return "免打扰的时间看不懂，写成 21:00 这样。"
    return ""


@screen(MANAGE)
def channels(request: Any) -> HttpResponse:
    """How each way out is doing; add, try, switch robots; try again what did not get out."""
    problem = ""
    if request.method == "POST":
        problem = _do(request)
        if not problem:
            return HttpResponseRedirect("/notices/channels/")
    counts = Delivery.objects.values("channel_id").annotate(
        waiting=Count("pk", filter=Q(state=WAITING)), lost=Count("pk", filter=Q(state=GIVEN_UP))
    )
    by_channel = {row["channel_id"]: row for row in counts}
    rows = [
        Bag(
            channel=c, label=robots.FORMS.get(c.form, "邮件"), counts=by_channel.get(c.pk, {"waiting": 0, "lost": 0}),
            kinds=[tell.kinds()[k].label for k in c.kinds if k in tell.kinds()],
            works=c.on and (c.form != "mail" or sending.mail_works()),
        )
        for c in Channel.objects.select_related("unit").order_by("id")
    ]  # fmt: skip
    lost = Delivery.objects.filter(Q(state=GIVEN_UP) | Q(state=WAITING, attempts__gt=0))
    page = Bag(
        rows=rows, forms=robots.FORMS, kinds=tell.kinds().values(), problem=problem, given=request.POST,
        units=Unit.objects.filter(closed_on=None).order_by("pinyin"), chosen=request.POST.getlist("kinds"),
        lost=lost.select_related("channel", "person", "notice").order_by("-id")[:20], origins=robots.ORIGINS,
    )  # fmt: skip
    return render(request, "notices_channels.html", page, status=422 if problem else 200)


def _do(request: Any) -> str:
    """What the form asks; gives the sentence of the problem, or "" and leaves a message."""
    verb = request.POST.get("do", "")
    if verb == "add":
        return _add(request)
    found = request.POST.get("channel", "")
    channel = Channel.objects.filter(pk=int(found)).first() if found.isdecimal() and len(found) < 19 else None
    if channel is None or verb not in ("again", "try", "switch", "remove"):
        raise Http404
    if verb == "try":
        return _try(request, channel)
    if verb == "again":
        messages.success(request, f"{channel.name}：{sending.try_again(channel)} 条重新发。")
        return ""
    if channel.form == "mail" and verb == "remove":
        raise Http404
    if verb == "switch":
        Channel.objects.filter(pk=channel.pk).update(on=not channel.on)
    else:
        channel.delete()
    _note(request, verb, channel)
    return ""


def _add(request: Any) -> str:
    given = request.POST
    form, address = given.get("form", ""), given.get("address", "").strip()
    if form not in robots.FORMS:
        raise Http404
    if problem := robots.check_address(form, address):
        return problem
    try:
        name = clean_text(given.get("name", ""), 60) or f"{robots.FORMS[form]}群"
    except BadFormat as error:
        return str(error)
    unit = given.get("unit", "")
    unit_id = (
        Unit.objects.filter(pk=int(unit)).values_list("pk", flat=True).first()
        if unit.isdecimal() and len(unit) < 19
        else None
    )
    kinds = [k for k in given.getlist("kinds") if k in tell.kinds()]
    if not kinds:
        return "没有选说哪些消息，至少选一种。"
    with transaction.atomic():
        secret = given.get("secret", "").strip()
        made = Channel.objects.create(
            code="", form=form, name=name, kinds=kinds, unit_id=unit_id, address=seal_blob(address.encode()),
            secret=seal_blob(secret.encode()) if secret else b"",
        )  # fmt: skip
        made.code = f"robot-{made.pk}"
        made.save(update_fields=["code"])
        _note(request, "add", made)
    messages.success(request, f"加了{robots.FORMS[form]}机器人「{name}」。发一条试试。")
    return ""


def _try(request: Any, channel: Channel) -> str:
    """A word on trial goes out by the job, as everything does."""
    text = f"从「{channel.name}」试发，收到就是通了。"
    word = Notice.objects.create(
        person_id=request.person.id, kind="general", title="试发一条消息", text=text, url="/notices/channels/",
        created_at=clock.now(),
    )  # fmt: skip
    Delivery.objects.create(channel=channel, notice=word, person_id=request.person.id, next_at=clock.now())
    tell.ask(channel.code)
    messages.success(request, f"「{channel.name}」：试发的一条正在路上，没到就看这页的原因。")
    return ""


def _note(request: Any, verb: str, channel: Channel) -> None:
    said = {"verb": verb, "channel": channel.name, "form": channel.form, "kinds": channel.kinds}
    history.note("notices.channel", by=request.person, source="web", params=said)
