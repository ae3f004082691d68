"""回传发货: what must go today, waybills brought in, and a file for each platform."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.http import content_disposition_header

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.exchange.reading import Unreadable
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, Todo, Tool
from neiqin.modules.orders.models import SHIP
from neiqin.modules.shipback import handing, layouts, promising, shipping
from neiqin.modules.shipback.models import OUT, Handout

PAGE, FILE = "/shipback/", "/shipback/file/"
MOST_BYTES, SHOWN, DUE = 20_000_000, 100, 50


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """回传发货 over the lists of orders, deliveries and files."""
    may = resource.key in ("orders.order", "orders.delivery", handing.KEY) and person.may(handing.CREATE)
    return [Tool("回传发货", PAGE, "truck-delivery")] if may else []


def todos(person: Any) -> list[Todo]:
    """One thing to do for all orders that platforms expect to go today."""
    if person.id is None or not (person.may(SHIP) and person.may(handing.VIEW)):
        return []
    rows = list(promising.due_before(person, promising.tomorrow(), SHIP).values_list("due", flat=True))
    if not rows:
        return []
    late = sum(due < clock.now() for due in rows)
    first = f"最早 {clock.local(rows[0]):%m-%d %H:%M}"
    return [Todo(f"平台订单今天要发 {len(rows)} 单", PAGE, f"已超时 {late} 单" if late else "", "truck-delivery", first,
                 "bad" if late else "warn")]  # fmt: skip


@screen(handing.CREATE)
def page(request: Any) -> HttpResponse:
    """POST `file`: waybills are brought in; POST `channel`: the platform's file is written."""
    problem, done = "", None
    if request.method == "POST" and "channel" in request.POST:
        problem, made = _written(request)
        if made:
            return HttpResponseRedirect(f"{handing.URL}{made}/")
    elif request.method == "POST":
        problem, done = _taken(request)
    person = request.person
    counts, known = handing.counts(person), layouts.layouts()
    now = clock.now()
    due = list(promising.due_before(person, promising.tomorrow(), SHIP)[: DUE + 1])
    answer = Bag(
        problem=problem, done=done, words=done.words if done else "",
        problems=done.problems[:SHOWN] if done else [], more=max(0, len(done.problems) - SHOWN) if done else 0,
        notes=[*done.guessed, *done.notes][:SHOWN] if done else [],
        waiting=[Bag(channel=c, count=counts[c], certain=known[c].certain, headers="、".join(known[c].headers))
                 for c in known if counts.get(c)],
        due=[Bag(number=o.number, url=f"/orders/order/{o.pk}/", channel=o.channel, name=o.name, at=o.due,
                 late=o.due < now) for o in due[:DUE]],
        due_more=len(due) > DUE,
        files=Handout.objects.filter(Handout.visible_to(person)).select_related("owner").order_by("-pk")[:10],
    )  # fmt: skip
    return render(request, "shipback/page.html", answer, status=422 if problem else 200)


def _taken(request: Any) -> tuple[str, shipping.Shipped | None]:
    given = request.FILES.get("file")
    if given is None:
        return "没有选文件。", None
    if given.size > MOST_BYTES:
        return "文件超过 20 MB，分几次传。", None
    if not request.person.may(SHIP):
        return "你没有发货的权限。", None
    try:
        return "", shipping.take(given.read(), given.name, request.person)
    except (Unreadable, NotAllowed, TooSlow) as error:
        return str(error), None


def _written(request: Any) -> tuple[str, int]:
    key = sent_key(request.POST)
    row = {"channel": request.POST["channel"]}
    try:
        outcome = perform(handing.write, rows=[row], by=request.person, source="web", key=key)
    except (Invalid, KeyReused, NotAllowed, TooSlow) as error:
        return str(error), 0
    if refusal := next(iter(outcome.refused.values()), None):
        return refusal.text, 0
    messages.success(request, "写好了，下载以后传到平台后台的批量发货里。")
    return "", outcome.done[0]


@screen(handing.VIEW)
def file(request: Any, handout: int) -> HttpResponse:
    """The file again, as it was written."""
    seen = Handout.objects.filter(Handout.visible_to(request.person), pk=handout) if handout < 2**63 else None
    found = seen.first() if seen is not None else None
    if found is None:
        raise Http404
    name, content = handing.file_of(found)
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(True, name) or ""
    answer["Cache-Control"] = "no-store"
    return answer


def notes(handout: Handout, person: Any) -> list[Bag]:
    """Where the file is, and what to do when the platform does not take it."""
    if handout.state != OUT:
        return [panels.note("", "作废了。", "里面的发货单会写进下一个文件。")]
    link = Bag(label="下载", url=f"{FILE}{handout.pk}/")
    text = "传到平台后台的「批量发货」。平台不认，核对表头再作废重写。"
    return [panels.note("ok", f"{handout.channel} {handout.count} 单。", text, link)]
