"""Printing on the screen: which form, the PDF in a new tab, big prints in the background, how the printer is off."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection, transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.module_loading import import_string

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.files import store
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.printing import forms, lists
from neiqin.kernel.printing.models import DONE, FAILED, WORKING, Job, Offset
from neiqin.kernel.printing.typeset import Missing
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.listing import BadQuery, Listing, Query
from neiqin.kernel.resources.pages.lists import filter_words
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, Tool, site

LIST = "printing.list"
JOB = "printing.print"
AT_ONCE, MOST, ROWS_AT_ONCE = 50, 500, 300
KEPT = timedelta(days=7)
FURTHEST = Decimal(30)


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """打印 over a list, and for chosen rows and a record; 复制到微信 on a record."""
    found = [
        Tool("打印", f"/print/?kind={resource.key}", "printer", dialog=True, rows=True),
        Tool("复制到微信", f"/print/hand/?kind={resource.key}", "message", dialog=True, rows=True, one=True),
    ]
    if person.may(LIST):
        found.append(Tool("打印", f"/print/list/?kind={resource.key}&q={quote(query)}", "printer", dialog=True))
    return found


@screen("")
def records(request: Any) -> HttpResponse:
    """GET: which form; POST: the PDF of the chosen records, or a job when they are many."""
    given = request.POST if request.method == "POST" else request.GET
    resource = resource_asked(request, given)
    ids = list(dict.fromkeys(int(i) for i in given.getlist("id")[: MOST + 1] if i.isdecimal() and len(i) < 19))
    model = resource.model
    visible = model.objects.filter(model.visible_to(request.person), pk__in=ids)
    if not ids or visible.count() != len(ids):
        history.note(
            "refused", by=request.person, source="web", params={"address": f"/print/ {resource.key} {ids[:20]}"}
        )
        raise Http404
    offered = forms.forms_for(resource)
    form = next((f for f in offered if f.name == given.get("form")), offered[0])
    page = Bag(
        url="/print/", kind=resource.key, ids=ids, q="", forms=offered, form=form, label=resource.label,
        noun=resource.noun, count=f"{len(ids):,}", left="", top="", problem="", times=0, back=resource.url,
    )  # fmt: skip
    page.times = max(forms.times_of(form, resource, ids).values(), default=0)
    off = Offset.objects.filter(person_id=request.person.id, paper=form.paper).first()
    page.left, page.top = (str(off.left), str(off.top)) if off else ("0", "0")
    if len(ids) > MOST:
        page.problem = f"一次最多打印 {MOST} {resource.noun}，少选一些。"
    if request.method == "POST" and not page.problem:
        page.problem = _unopened(resource, visible, request.person)
    if request.method != "POST" or page.problem:
        return _dialog(request, page)
    _keep_offset(request.person, form.paper, given)
    if len(ids) > AT_ONCE:
        return _later(request, kind=resource.key, form=form.name, ids=ids)
    return _made(request, page, lambda: record_pdf(resource, form, ids, request.person), form.label)


def _unopened(resource: Resource, records: Any, person: Any) -> str:
    """What keeps the person from opening one of these records, such as a day's share of the pool; "" for nothing."""
    if resource.opening is None:
        return ""
    return next((refusal for record in records if (refusal := resource.opening(record, person))), "")


@screen(LIST)
def of_list(request: Any) -> HttpResponse:
    """GET: asks; POST: the PDF of the whole filtered list, or a job when it is long."""
    given = request.POST if request.method == "POST" else request.GET
    resource, q = resource_asked(request, given), given.get("q", "")
    page = Bag(
        url="/print/list/", kind=resource.key, ids=[], q=q, forms=[], form=None, label=resource.label,
        noun=resource.noun, count="", problem="", times=0, back=resource.url, must=resource.confidential,
        purpose="",
    )  # fmt: skip
    try:
        count = Listing(resource, request.person, Query.of_address(q)).count()
        page.purpose = clean_text(given.get("purpose", ""), 200)
    except (BadQuery, BadFormat) as error:
        page.problem = str(error)
        return _dialog(request, page)
    page.count = "1,000 多" if count > 1000 else f"{count:,}"
    if request.method == "POST" and page.must:
        page.problem = _withheld(resource, count, page.purpose)
    if request.method != "POST" or page.problem:
        return _dialog(request, page)
    if count > ROWS_AT_ONCE:
        return _later(request, kind=resource.key, query=q)
    return _made(request, page, lambda: list_pdf(resource, q, request.person, page.purpose), resource.label)


def _withheld(resource: Resource, count: int, purpose: str) -> str:
    """Why a list of customers is not printed: without a purpose, or so long that it is an export."""
    if not purpose:
        return f"{resource.label}清单要写打印的用途：给谁、做什么用。会记下来，也印在纸上。"
    if count > ROWS_AT_ONCE:
        return f"超过 {ROWS_AT_ONCE} {resource.noun}的清单不直接打印：用「导出」，超过规定条数的要审批。"
    return ""


def resource_asked(request: Any, given: Any) -> Resource:
    """The kind of record that is asked for, if this person may see any. Raises Http404."""
    resource = site().resources.get(given.get("kind", ""))
    if resource is None or not request.person.may(resource.view_permission):
        raise Http404
    return resource


def _dialog(request: Any, page: Bag) -> HttpResponse:
    block = "dialog" if request.headers.get("HX-Request") == "true" else None
    return render(request, "print.html", page, block=block, status=422 if page.problem else 200)


def _made(request: Any, page: Bag, make: Callable[[], bytes], name: str) -> HttpResponse:
    try:
        body = make()
    except (Missing, BadQuery) as error:
        page.problem = str(error)
        return _dialog(request, page)
    return _inline(HttpResponse(body, content_type="application/pdf"), f"{name}.pdf")


def _inline(response: Any, name: str) -> Any:
    """Our own PDF, shown by the browser. Its viewer needs the ordinary policy lifted from this one answer."""
    response["Content-Disposition"] = content_disposition_header(False, name)
    response["Content-Security-Policy"] = "frame-ancestors 'none'"
    response["Cache-Control"] = "no-store"
    return response


def _keep_offset(person: Any, paper: str, given: Any) -> None:
    with suppress(InvalidOperation):
        off = {n: Decimal(given.get(n) or "0").quantize(Decimal("0.1")) for n in ("left", "top")}
        if all(abs(v) <= FURTHEST for v in off.values()):
            Offset.objects.update_or_create(person_id=person.id, paper=paper, defaults=off)


def record_pdf(resource: Resource, form: forms.Form, ids: list[int], person: Any) -> bytes:
    """Print these records on a form: those the person may see, counted once the PDF is there. Raises Missing."""
    model = resource.model
    by_id = {r.pk: r for r in model.objects.filter(model.visible_to(person), pk__in=ids)}
    records = [by_id[i] for i in ids if i in by_id]
    sheets = {r.pk: s for r, s in zip(records, forms.sheets_of(form, resource, records, person), strict=True)}
    before = forms.times_of(form, resource, list(sheets))
    meant = {i: before.get(i, 0) + 1 for i in sheets}
    body = _drawn(resource, form, sheets, meant, person)
    done = perform(forms.PRINT[resource.key], list(sheets), by=person, params={"form": form.name}, source="web").done
    times = forms.times_of(form, resource, done)
    if times == meant:
        return body
    return _drawn(resource, form, sheets, times, person)  # somebody else printed it meanwhile, or it is not to be


def _drawn(
    resource: Resource, form: forms.Form, sheets: dict[int, dict[str, Any]], times: dict[int, int], person: Any
) -> bytes:
    ordered = [sheets[i] | {"times": times[i]} for i in sheets if i in times]
    return forms.as_pdf(form.template, form.paper, f"{resource.label}{form.label}", ordered, person)


def list_pdf(resource: Resource, query: str, person: Any, purpose: str = "") -> bytes:
    """Print a list; noted in the log. Raises BadQuery, Missing."""
    body, rows = lists.list_pdf(resource, person, query, purpose)
    words = filter_words(resource, person, Query.read(QueryDict(query)))
    said = {"kind": resource.key, "rows": rows, "filter": words} | ({"purpose": purpose} if purpose else {})
    history.note("print.list", by=person, source="web", params=said)
    return body


# In the background


def _later(request: Any, **what: Any) -> HttpResponse:
    with transaction.atomic():
        made = Job.objects.create(person_id=request.person.id, created_at=clock.now(), **what)
        defer(JOB, key=f"print-{made.pk}", lock=f"print-{request.person.id}", job_id=made.pk)
    return HttpResponseRedirect("/print/jobs/")


@job(JOB)
def make(job_id: int) -> None:
    """Print what was asked for. Repeatable; a record is counted again only if it was killed between count and file."""
    asked = Job.objects.filter(pk=job_id, state=WORKING).first()
    if asked is None:
        return
    resource, person = site().resources[asked.kind], import_string(settings.ACTOR_OF)(asked.person_id)
    name = f"{resource.label} {clock.local(clock.now()):%Y-%m-%d}.pdf"
    try:
        body = _job_body(asked, resource, person)
        with transaction.atomic():
            asked.file = store.keep(body, name, by=person, kind="application/pdf")
            _end(asked, DONE, file=asked.file)
    except (Missing, BadQuery) as error:
        _end(asked, FAILED, sentence=str(error))


def _job_body(asked: Job, resource: Resource, person: Any) -> bytes:
    if not person.may(resource.view_permission) or not (asked.form or person.may(LIST)):
        raise BadQuery("现在没有打印的权限了。")
    if asked.form:
        return record_pdf(resource, forms.FORMS[asked.form], asked.ids, person)
    finding.catch_up([resource])
    with transaction.atomic(), finding.as_it_is(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return list_pdf(resource, asked.query, person)


def _end(asked: Job, state: str, **values: Any) -> None:
    Job.objects.filter(pk=asked.pk, state=WORKING).update(state=state, **values)


@screen("")
def jobs(request: Any) -> HttpResponse:
    """One's own big prints."""
    rows = Job.objects.filter(person_id=request.person.id).select_related("file").order_by("-id")[:30]
    found = [_job_bag(j) for j in rows]
    page = Bag(jobs=found, working=any(j.state == WORKING for j in found), days=KEPT.days)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    return render(request, "prints.html", page, block="list" if fragment else None)


def _job_bag(asked: Job) -> Bag:
    resource, form = site().resources.get(asked.kind), forms.FORMS.get(asked.form)
    label = resource.label if resource else asked.kind
    what = f"{len(asked.ids)} {resource.noun if resource else '条'}，{form.label}" if form else "列表"
    return Bag(
        label=label, what=what, state=asked.state, at=asked.created_at, sentence=asked.sentence,
        url=f"/print/jobs/{asked.pk}/" if asked.file else "",
    )  # fmt: skip


@screen("")
def result(request: Any, job_id: int) -> Any:
    """The PDF of one's own big print."""
    found = Job.objects.select_related("file").filter(pk=min(job_id, 2**63 - 1), person_id=request.person.id).first()
    if found is None or found.file is None or not store.is_whole(found.file):
        raise Http404
    stored = found.file
    return _inline(StreamingHttpResponse(store.pieces_of(stored), content_type="application/pdf"), stored.name)


def tidy() -> None:
    """Big prints are thrown away after a week. Repeatable."""
    for old in Job.objects.filter(created_at__lt=clock.now() - KEPT).select_related("file")[:500]:
        kept = old.file
        old.delete()
        if kept is not None:
            store.forget(kept)
