"""The first day: making the first administrator, the steps, people by pasting, going on with old numbers."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth import login as sign_in
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.numbering.series import NotOfThisPattern, continue_from, upcoming
from neiqin.kernel.people.actions import MANAGE as PEOPLE
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.company import company_name
from neiqin.kernel.printing import typeset
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.resources.resource import Resource, site
from neiqin.modules.company import opening, staff, steps
from neiqin.modules.company.entities import MANAGE
from neiqin.modules.company.presets import HERE

BACKEND = "neiqin.kernel.people.authentication.LoginBackend"
MOST_TEXT = 200_000


def start(request: Any) -> HttpResponse:
    """Make the first administrator. Without the start code, or once somebody can sign in, it is not there."""
    code = request.POST.get("code", request.GET.get("code", ""))
    if not opening.code_fits(code):
        raise Http404
    given = {name: request.POST.get(name, "") for name in ("company", "name", "username", "password", "again")}
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            made = opening.open_company(given, alone="alone" in request.POST, address=address_of(request))
        except opening.Wrong as error:
            problems = error.problems
        else:
            sign_in(request, made, backend=BACKEND)
            request.session["stamp"] = str(made.session_stamp)
            return HttpResponseRedirect(steps.START)
    page = Bag(code=code, given=given, problems=problems, alone=request.method != "POST" or "alone" in request.POST)
    return render(request, "opening.html", page, status=422 if problems else 200)


@screen(MANAGE)
def overview(request: Any) -> HttpResponse:
    """All steps; POST closes one (`done`, `skip`) or takes it up again."""
    if request.method == "POST":
        code, what = request.POST.get("step", ""), request.POST.get("do", "")
        if code not in steps.CODES or what not in ("done", "skip", "again"):
            raise Http404
        if what == "again":
            steps.take_up(code)
        else:
            steps.close(code, done=what == "done")
        return HttpResponseRedirect(steps.START)
    found = steps.stands()
    left = [s.doing.code for s in found if s.open]
    page = Bag(
        steps=found, left=len(left), next=next(iter(left), ""), missing=steps.missing(), company=company_name()
    )  # fmt: skip
    return render(request, "start.html", page)


@screen(PEOPLE)
def people(request: Any) -> HttpResponse:
    """Paste a list, look at the verdicts, and let them in. One-time passwords are on the answer and nowhere else."""
    text, problem, rows, added = request.POST.get("text", "")[:MOST_TEXT], "", [], None
    if request.method == "POST":
        try:
            rows = staff.read(text)
            if request.POST.get("do") == "add" and any(r.verdict == staff.NEW for r in rows):
                added = staff.add(rows, by=request.person, key=sent_key(request.POST) or uuid.uuid4().hex)
        except staff.Unusable as error:
            problem = str(error)
    fresh = [r for r in rows if r.verdict == staff.NEW]
    page = Bag(
        text=text, rows=rows, fresh=fresh, problem=problem, added=added, request_key=uuid.uuid4().hex,
        wrong=[r for r in rows if r.verdict == staff.WRONG], positions=staff.position_names(),
    )  # fmt: skip
    response = render(request, "start_people.html", page, status=422 if problem else 200)
    response["Cache-Control"] = "no-store"
    return response


@screen(MANAGE)
def numbers(request: Any) -> HttpResponse:
    """Go on after the last number of the system used before."""
    problems: dict[str, str] = {}
    if request.method == "POST":
        problems = _continue(request)
        if not problems:
            steps.close("numbers", done=True)
            messages.success(request, "编号接上了。")
            return HttpResponseRedirect(steps.START)
    today = clock.today()
    rows = [
        Bag(
            key=r.key, label=r.label, next=upcoming(r.create.numbers.pattern, today),
            given=request.POST.get(r.key, ""), problem=problems.get(r.key, ""),
        )
        for r in _numbered()
    ]  # fmt: skip
    return render(request, "start_numbers.html", Bag(rows=rows), status=422 if problems else 200)


def _numbered() -> list[Any]:
    return [r for r in site().resources.values() if isinstance(r, Resource) and r.create and r.create.numbers]


def _continue(request: Any) -> dict[str, str]:
    """All series or none: the problems by resource."""
    problems = {}
    with transaction.atomic():
        history.begin("company.numbers", by=request.person, source="web")
        for resource in _numbered():
            if last := request.POST.get(resource.key, "").strip():
                try:
                    continue_from(resource.create.numbers.pattern, last)
                except NotOfThisPattern as error:
                    problems[resource.key] = error.sentence
        transaction.set_rollback(bool(problems))
    return problems


@screen(MANAGE)
def test_page(request: Any) -> HttpResponse:
    """A sheet that shows whether fonts, margins and rules come out right."""
    data = {
        "title": "打印测试页", "by": request.person.name, "at": f"{clock.local(clock.now()):%Y-%m-%d %H:%M}",
        "sheets": [{"number": "打印测试页", "times": 1, "watermark": "", "qr": "", "company": company_name()}],
    }  # fmt: skip
    body = typeset.pdf(HERE / "page.typ", "A4", data)
    return HttpResponse(body, content_type="application/pdf", headers={"Content-Disposition": "inline"})
