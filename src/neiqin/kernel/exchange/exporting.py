"""Export: any list as a file, in the background, within the person's rights, told in the log (C-DATA-08).

All pages of one export are read in one snapshot: nothing is cut, nothing comes twice while others work.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db import connection, transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, TooSlow
from neiqin.kernel.exchange import telling
from neiqin.kernel.exchange.models import DONE, FAILED, WRITING, Export, ExportRequest
from neiqin.kernel.exchange.requesting import JOB, LINES, PERSONAL, RIGHT, WIDTHS, create, filter_words
from neiqin.kernel.exchange.writing import About, Heading
from neiqin.kernel.exchange.writing import Export as Writer
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.shape import Invalid, Lines
from neiqin.kernel.files import store
from neiqin.kernel.jobs.queue import given_up, job
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.resources import finding, masks
from neiqin.kernel.resources.listing import BadQuery, Listing, Query
from neiqin.kernel.resources.pages.forms import held_reason
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, seen_by, site

PAGE = 2000
KEPT_DAYS = 7
FORMS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@screen(RIGHT)
def home(request: Any) -> HttpResponse:
    """One's own exports, the running ones on top."""
    rows = Export.objects.filter(person_id=request.person.id).select_related("file").order_by("-id")[:30]
    found = [_bag(e) for e in rows]
    page = Bag(exports=found, working=any(e.state == WRITING for e in found), days=KEPT_DAYS,
               register=request.person.may(ExportRequest.VIEW))  # fmt: skip
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    return render(request, "exports.html", page, block="list" if fragment else None)


def _bag(export: Export) -> Bag:
    resource = site().resources.get(export.resource)
    return Bag(
        label=resource.label if resource else export.resource, noun=resource.noun if resource else "条",
        state=export.state, done=export.done, at=export.created_at, purpose=export.purpose, sentence=export.sentence,
        filter=filter_words(resource, export.query) if resource else "", size=export.file.size if export.file else 0,
        url=f"/exports/{export.pk}/file/" if export.file else "", form=export.form,
    )  # fmt: skip


@screen(RIGHT)
def new(request: Any) -> HttpResponse:
    """Ask how, then have it made."""
    given = request.POST if request.method == "POST" else request.GET
    resource = site().resources.get(given.get("kind", ""))
    if resource is None or not request.person.may(resource.view_permission):
        raise Http404
    lines = next(iter(seen_by(request.person, resource.shape.lines)), None)
    personal = lines is not None and any(f.personal for f in lines.fields)
    page = Bag(
        kind=resource.key, label=resource.label, noun=resource.noun, q=given.get("q", ""), error="",
        widths=[(w.value, w.label.replace("明细", lines.label if lines else "")) for w in WIDTHS
                if lines or w.value != LINES],
        width=given.get("width", "shown"), form=given.get("format", "xlsx"), purpose=given.get("purpose", ""),
        full=personal and request.person.may(PERSONAL), wants_full=given.get("full") == "1",
        count="", back=resource.url, must=resource.confidential,
        lines_label=lines.label if lines else "",
    )  # fmt: skip
    try:
        count = Listing(resource, request.person, Query.of_address(page.q)).count()
        page.count = "1,000 多" if count > 1000 else f"{count:,}"
    except BadQuery as problem:
        page.error = str(problem)
    if request.method == "POST" and not page.error:
        page.error = _asked(request, page)
        if not page.error:
            return _there(request)
    block = "dialog" if request.headers.get("HX-Request") == "true" else None
    return render(request, "export.html", page, block=block, status=422 if page.error else 200)


def _asked(request: Any, page: Bag) -> str:
    """Ask for the export; the sentence of the problem, or ""."""
    row = {"kind": page.kind, "q": page.q, "width": page.width, "form": page.form, "purpose": page.purpose,
           "full": page.wants_full}  # fmt: skip
    try:
        outcome = perform(create, rows=[row], by=request.person, source="web")
    except (Invalid, NotAllowed, TooSlow) as error:
        return str(error)
    if outcome.held:
        messages.success(request, held_reason(outcome.held))
    refusal = next(iter(outcome.refused.values()), None)
    return refusal.text if refusal else ""


def _there(request: Any) -> HttpResponse:
    response = HttpResponseRedirect("/exports/")
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(status=204)  # type: ignore[assignment]
        response["HX-Redirect"] = "/exports/"
    return response


@job(JOB)
def make(export_id: int) -> None:
    """Write the file. Repeatable: killed half-way, it begins anew."""
    export = Export.objects.filter(pk=export_id, state=WRITING).first()
    if export is None:
        return
    resource, person = site().resources[export.resource], actor_of(export.person_id)
    if not (person.may(RIGHT) and person.may(resource.view_permission)):
        _end(export, FAILED, sentence="现在没有导出的权限了。")
        return
    with tempfile.TemporaryFile() as out:
        try:
            finding.catch_up([resource])
            with _snapshot():
                count = _write(out, export, resource, person)
        except BadQuery as problem:
            _end(export, FAILED, sentence=str(problem))
            return
        out.seek(0)
        name = f"{resource.label} {clock.local(clock.now()):%Y-%m-%d}.{export.form}"
        with transaction.atomic():
            export.file = store.keep(iter(lambda: out.read(1 << 20), b""), name, by=person, kind=FORMS[export.form])
            _end(export, DONE, file=export.file, done=count, query=_without_phones(export.query))
            full = "full" in export.columns
            said = {"kind": export.resource, "rows": count, "filter": filter_words(resource, export.query)}
            said |= {"purpose": export.purpose, "personal": "完整" if full else "遮盖"} if export.purpose else {}
            history.note("export", by=person, source="web", params=said)
            telling.of_export(export, f"{resource.label} {count:,} {resource.noun}")


@contextmanager
def _snapshot() -> Iterator[None]:
    """Minutes for a large list, so it must not write: others would wait for its locks, and sealing for its end."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), finding.as_it_is(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _end(export: Export, state: str, **values: Any) -> None:
    Export.objects.filter(pk=export.pk, state=WRITING).update(state=state, **values)


def _write(out: Any, export: Export, resource: Resource, person: Any) -> int:
    fields = resource.fields_for(person)
    root = [fields[n] for n in export.columns if n in fields]
    seen = seen_by(person, resource.shape.lines)
    lines = next((x for x in seen if any(c.startswith(f"{x.name}.") for c in export.columns)), None)
    beside = [f for f in lines.fields if f"{lines.name}.{f.name}" in export.columns] if lines else []
    headings = [Heading(f.label, f.kind) for f in root]
    if lines is not None:
        headings += [Heading(f.label if f.label.startswith(lines.label[:2]) else f"{lines.label}{f.label}", f.kind)
                     for f in beside]  # fmt: skip
    about = About(resource.label, person.name, clock.now(), filter_words(resource, export.query), export.purpose)
    full = "full" in export.columns and person.may(PERSONAL)
    with Writer(out, headings, about, export.form) as writer:
        for ids, cells in pages(resource, person, export.query, root):
            rows = values(root, cells)
            writer.extend(rows if lines is None else _with_lines(ids, rows, lines, beside, full=full))
        return writer.count


def values(fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Cells of a list as values for a file."""
    return [[_value(f, cell) for f, cell in zip(fields, row, strict=True)] for row in rows]


def pages(
    resource: Resource, person: Any, address: str, fields: Sequence[Field]
) -> Iterator[tuple[list[int], list[list[Any]]]]:
    """All pages of a list (the query of its address): ids and cells."""
    query = Query.read(QueryDict(address))
    after = ""
    while True:
        asked = Query(query.q, query.conditions, query.sort, after=after, size=PAGE)
        page = Listing(resource, person, asked).page(fields)
        yield page.ids, page.cells
        after = page.after
        if not after:
            return


def _with_lines(
    ids: Sequence[int], values: Sequence[list[Any]], lines: Lines, fields: Sequence[Field], *, full: bool
) -> Iterator[list[Any]]:
    """A row for each line, as an import takes it; records without lines have one row."""
    attribute = lines.model._meta.get_field(lines.fk).attname
    found: dict[int, list[list[Any]]] = {i: [] for i in ids}
    rows = list(lines.model.objects.filter(**{f"{lines.fk}__in": ids}).order_by("id"))
    texts = masks.opened(rows, fields, full=full)
    for line, opened in zip(rows, texts, strict=True):
        cells = [opened[f.name] if f.personal else _value(f, masks.plain(f, getattr(line, f.path))) for f in fields]
        found[getattr(line, attribute)].append(cells)
    for i, row in zip(ids, values, strict=True):
        for line_cells in found[i] or [[None] * len(fields)]:
            yield [*row, *line_cells]


def _value(field: Field, cell: Any) -> Any:
    """A cell of the list as a value for the file."""
    if field.kind in REFERENCE_KINDS:
        return cell.name if isinstance(cell, masks.Face) else cell  # none, or what none is called: 公海
    return cell[0] if isinstance(cell, tuple) else cell


@screen(RIGHT)
def download(request: Any, export_id: int) -> Any:
    """The file of one's own export."""
    if export_id >= 2**63:
        raise Http404
    export = Export.objects.select_related("file").filter(pk=export_id, person_id=request.person.id).first()
    if export is None or export.file is None or not _still_may(request.person, export):
        raise Http404
    if not store.is_whole(export.file):
        messages.error(request, "保存的文件已损坏，再导一次。")
        return HttpResponseRedirect("/exports/")
    response = StreamingHttpResponse(store.pieces_of(export.file), content_type=FORMS[export.form])
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(export.file.name)}"
    response["Content-Length"] = str(export.file.size)
    response["Cache-Control"] = "no-store"
    return response


def _still_may(person: Any, export: Export) -> bool:
    """A file made while one had a right is not given out without it."""
    resource = site().resources.get(export.resource)
    full = "full" in export.columns
    return resource is not None and person.may(resource.view_permission) and (not full or person.may(PERSONAL))


def _without_phones(address: str) -> str:
    """The filter as it is kept once it has been used: of a phone that was searched for only the last four digits."""
    query = Query.of_address(address)
    return query.address("", q=finding.told(query.q)).removeprefix("?")


def rescue() -> None:
    """Every minute: an export whose job has given up says so. Repeatable."""
    keys = {f"export-{pk}": pk for pk in Export.objects.filter(state=WRITING).values_list("pk", flat=True)}
    lost = [keys[key] for key in given_up(JOB, list(keys))]
    sentence = "没有写成，再导一次；还不行就告诉系统管理员。"
    Export.objects.filter(pk__in=lost, state=WRITING).update(state=FAILED, sentence=sentence)


def tidy() -> None:
    """Exports are thrown away after a week. Repeatable."""
    old = Export.objects.filter(created_at__lt=clock.now() - timedelta(days=KEPT_DAYS)).select_related("file")
    _throw_away(list(old[:500]))


def _throw_away(exports: Iterable[Export]) -> None:
    for export in exports:
        kept = export.file
        export.delete()
        if kept is not None:
            store.forget(kept)
