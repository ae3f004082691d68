"""The page 取平台订单: upload one file, or two of 淘宝/天猫, see what became of each, get back what was left out."""

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse

from neiqin.kernel.files import store
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.orders import taking
from neiqin.modules.orders.models import Pull, PullSource
from neiqin.modules.orders.sources.running import inbox

MAY, URL, NEWEST, MOST_BYTES = "orders.create", "/orders/take/", 30, 64 << 20


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """Over the list of orders."""
    may = resource.key == "orders.order" and person.may(MAY)
    return [Tool("取平台订单", URL, "file-import")] if may else []


@screen(MAY)
def page(request: Any) -> HttpResponse:
    """One's own pulls, and those from the folder. POST `file` and maybe `items`."""
    problem = ""
    if request.method == "POST":
        file, items = request.FILES.get("file"), request.FILES.get("items")
        if file is None:
            problem = "没有选文件。先选平台后台导出的订单文件。"
        elif file.size + (items.size if items else 0) > MOST_BYTES:
            problem = "文件超过 64 MB，按日期分成几个再取。"
        else:
            taking.take_and_keep(
                file.read(), file.name, request.person, items.read() if items else None, items.name if items else ""
            )
            return HttpResponseRedirect(URL)
    rows = Pull.objects.filter(person_id__in=[request.person.id]) | Pull.objects.filter(person=None)
    found = list(rows.select_related("file").order_by("-pk")[:NEWEST])
    pulls = [
        Bag(name=p.name, at=p.at, words=p.words, problems=p.problems[:20], more=max(len(p.problems) - 20, 0),
            url=f"{URL}{p.pk}/" if p.file else "", by_itself=p.person_id is None)
        for p in found
    ]  # fmt: skip
    stuck = list(PullSource.objects.exclude(problem="").order_by("name").values("name", "problem", "looked_at"))
    status = 422 if problem else 200
    return render(
        request, "orders_take.html", Bag(pulls=pulls, problem=problem, folder=str(inbox()), stuck=stuck), status=status
    )


@screen(MAY)
def errors(request: Any, pull: int) -> Any:
    """The workbook of what was left out, to who took the file in; of the folder's files to everybody who takes in."""
    found = Pull.objects.select_related("file").filter(pk=pull).first() if pull < 2**63 else None
    if found is None or found.file is None or found.person_id not in (None, request.person.id):
        raise Http404
    response = StreamingHttpResponse(store.pieces_of(found.file), content_type=taking.XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.file.name)}"
    response["Cache-Control"] = "no-store"
    return response
