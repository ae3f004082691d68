"""Attachments on the screen: the panel of a record, upload, download, preview, filing. Scope is the record's own."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST
from markupsafe import Markup

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, Refusal, TooSlow
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.files import attach, kinds, previews, store
from neiqin.kernel.files.models import Attachment, StoredFile
from neiqin.kernel.resources.pages.screen import Bag, record_or_404, render, screen
from neiqin.kernel.resources.resource import Resource, site

DAMAGED = "文件被改动过"
SANDBOX = "sandbox; default-src 'none'"
ICONS = {"image": "file-text", "application/pdf": "file-certificate"}
WORDS = {"attach": "上传", "file": "归档", "remove": "删除", "restore": "恢复"}


def panel(record: Any, person: Any) -> Bag:
    """The tab 附件 of a record's page."""
    page = _page(site().resources[record._meta.label_lower], record.pk, person)
    html = Markup(render_to_string("files_panel.html", {"page": page}))  # noqa: S704 - rendered by our own template
    return Bag(id="files", label="附件", count=len(page.files), columns=[], rows=[], html=html, empty_text="")


def _page(resource: Resource, record_id: int, person: Any, *, problem: str = "") -> Bag:
    rows = list(attach.of_records(resource.key, [record_id]).select_related("file"))
    names = site().names("people.person", list({r.added_by for r in rows if r.added_by}))
    edits = attach.may_edit(resource, record_id, person)
    groups: dict[Any, list[Bag]] = {}
    for row in (r for r in rows if r.removed_at is None):
        groups.setdefault(row.group, []).insert(0, _bag(row, names, person, edits=edits))
    back = [r for r in rows if r.removed_at is not None and r.removed_at > clock.now() - attach.KEPT and r.file_id]
    return Bag(
        url=f"/files/{resource.key}/{record_id}/", problem=problem, adds=edits, most=settings.ATTACHMENT_MB,
        files=[Bag(**vars(versions[0]), older=versions[1:]) for versions in reversed(groups.values())],
        removed=[_bag(r, names, person, edits=edits) for r in back if edits or person.id == r.added_by],
        categories=sorted({r.category for r in rows if r.category}),
    )  # fmt: skip


def _bag(row: Attachment, names: Any, person: Any, *, edits: bool) -> Bag:
    kind = row.file.kind if row.file else ""
    return Bag(
        id=row.pk, url=f"/files/{row.pk}/", name=row.name, size=size_in_words(row.size), number=row.number,
        group=str(row.group), category=row.category, note=row.note, at=row.added_at,
        who=names.get(row.added_by, "系统"), filed=row.filed_at, sha256=row.sha256,
        damaged=row.file is not None and not store.looks_whole(row.file),
        shows=row.file is not None and previews.has_preview(row.file),
        icon=ICONS.get(kind, ICONS.get(kind.split("/")[0], "paperclip")),
        removable=row.filed_at is None and (edits or row.added_by == person.id),
    )  # fmt: skip


def size_in_words(size: int) -> str:
    """Bytes -> 812 B, 34 KB, 1.2 MB."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


@screen("")
def of_record(request: Any, kind: str, record_id: int) -> HttpResponse:
    """GET: the panel again; POST: upload one or several files, each with its own answer."""
    resource = site().resources.get(kind)
    if resource is None:
        raise Http404
    record_or_404(resource, request.person, record_id)
    if request.method != "POST":
        return render(request, "files_panel.html", _page(resource, record_id, request.person))
    more = {name: request.POST.get(name, "") for name in ("of", "category", "note")}
    answers = [
        (given.name, take(given, resource, record_id, by=request.person, source="web", **more))
        for given in request.FILES.getlist("file")
    ]
    if request.headers.get("X-Requested-With") != "fetch":
        for _, why in answers:
            messages.error(request, why.text) if why else None
        return HttpResponseRedirect(resource.url_of(record_id))
    said = [{"name": name, "ok": why is None, "message": why.text if why else ""} for name, why in answers]
    return JsonResponse({"files": said}, status=200 if said and all(s["ok"] for s in said) else 422)


def take(
    given: UploadedFile, resource: Resource, record_id: int, *, by: Any, source: str, of: str = "", category: str = "",
    note: str = "",
) -> Refusal | None:  # fmt: skip
    """Store an uploaded file and hang it on the record; None, or why not. The body is on disk before the row is."""
    if not attach.may_edit(resource, record_id, by):
        told = {"action": f"{resource.key}.attach_file", "ids": [record_id]}
        history.note("refused", by=by, source=source, params=told)
        return Refusal("你可以看这条记录，但没有给它上传附件的权限。", code="forbidden")
    try:
        stored, lied = keep(given, by)
        note = clean_text(f"{lied}{note}", 200)
    except (kinds.NotTaken, store.TooLarge, BadFormat) as error:
        return Refusal(str(error), "file")
    params = {"file": stored.pk, "of": of, "category": category, "note": note}
    refusal = _perform("attach", resource, record_id, params, by=by, source=source)
    if refusal is not None:
        store.forget(stored)
    return refusal


def keep(given: UploadedFile, by: Any) -> tuple[StoredFile, str]:
    """Store an uploaded file; with it what is to be noted of its name. Raises NotTaken, TooLarge, BadFormat."""
    name = kinds.tidy_name(given.name or "")
    assert given.file is not None
    kind, name, lied = kinds.look(given.file, name)
    return store.keep(given.chunks(), name, by=by, kind=kind.media, most=settings.ATTACHMENT_MB << 20), lied


def _perform(
    verb: str, resource: Resource, record_id: int, params: dict[str, Any], *, by: Any, source: str = "web"
) -> Refusal | None:
    action = getattr(attach.VERBS[resource.key], verb)
    if action is None:
        raise Http404
    try:
        outcome = perform(action, [record_id], by=by, params=params, source=source)
    except Invalid as error:
        return Refusal(str(error), error.problems[0].field)
    except (NotAllowed, TooSlow) as error:
        return Refusal(str(error))
    return outcome.refused.get(record_id)


def find(person: Any, attachment: int, *, log: str = "web", removed: bool = False) -> tuple[Resource, Attachment]:
    """The attachment, if the person may see its record. Raises Http404 as for a record (and notes it)."""
    row = Attachment.objects.select_related("file").filter(pk=min(attachment, 2**63 - 1), file__isnull=False).first()
    resource = site().resources.get(row.kind) if row else None
    if row is None or resource is None:
        raise Http404
    record_or_404(resource, person, row.record_id, log=log)
    if row.removed_at is not None and not removed:
        raise Http404
    return resource, row


@screen("")
def download(request: Any, attachment: int) -> Any:
    """The file, to be kept: browsers never open it here."""
    resource, row = find(request.person, attachment)
    answer = hand_out(request.person, resource, row, source="web")
    if answer is not None:
        return answer
    return render(
        request,
        "error.html",
        Bag(
            title=DAMAGED, what=f"「{row.name}」没有下载。", number=None,
            why="磁盘上的内容和上传时的校验码对不上，或文件不见了。",
            now="找系统管理员从备份里取回原件；这条记录的页面上已标出。",
            links=[Bag(url=resource.url_of(row.record_id), label="回到记录")],
        ),
        status=409,
    )  # fmt: skip


def hand_out(person: Any, resource: Resource, row: Attachment, *, source: str) -> StreamingHttpResponse | None:
    """The answer that carries a file, once it is known to be whole; None if it is not. It is noted in the log."""
    stored = row.file
    assert stored is not None
    if not store.check(stored) or stored.sha256 != row.sha256:
        return None
    _note("file.download", person, resource, row, source)
    pieces: Iterator[bytes] = store.pieces_of(stored)
    response = StreamingHttpResponse(pieces, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, row.name)
    response["Content-Length"] = str(stored.size)
    response["Content-Security-Policy"] = SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _note(what: str, person: Any, resource: Resource, row: Attachment, source: str) -> None:
    told = {"action": f"{resource.key}.attach_file", "ids": [row.record_id], "attachment": row.pk, "sha256": row.sha256}
    history.note(what, by=person, source=source, params=told)


@screen("")
def preview(request: Any, attachment: int) -> HttpResponse:
    """The dialog that shows a file as pictures; the arrow keys go on to the record's next file."""
    resource, row = find(request.person, attachment)
    assert row.file is not None
    page = Bag(name=row.name, url=f"/files/{row.pk}/", pages=0, all=0, problem="", before="", after="")
    try:
        page.pages, page.all = previews.pages_of(row.file)
        if row.filed_at is not None:
            _note("file.preview", request.person, resource, row, "web")
    except previews.NoPreview as error:
        page.problem = str(error)
    except store.Damaged:
        store.check(row.file)
        page.problem = f"{DAMAGED}，不给看。"
    files = [f.url for f in _page(resource, row.record_id, request.person).files if f.shows]
    here = files.index(page.url) if page.url in files else None
    if here is not None:
        page.before, page.after = (files[here - 1] if here else ""), (files[here + 1] if here + 1 < len(files) else "")
    return render(request, "file_preview.html", page)


@screen("")
def picture(request: Any, attachment: int, page: int) -> HttpResponse:
    """One page as a picture drawn by us; nothing of the file itself is in it."""
    _, row = find(request.person, attachment)
    assert row.file is not None
    if page >= previews.MOST_PAGES:
        raise Http404
    try:
        drawn, media = previews.picture_of(row.file, page)
    except (previews.NoPreview, store.Damaged):
        raise Http404 from None
    return drawn_page(drawn, media)


def drawn_page(drawn: bytes, media: str) -> HttpResponse:
    """The answer that carries a picture drawn by us."""
    response = HttpResponse(drawn, content_type=media)
    response["Content-Security-Policy"] = SANDBOX
    response["Cache-Control"] = "no-store"
    return response


@screen("")
def act(request: Any, attachment: int, verb: str) -> HttpResponse:
    """File (GET asks, showing the hash), remove or restore one."""
    if verb not in ("file", "remove", "restore"):
        raise Http404
    resource, row = find(request.person, attachment, removed=verb == "restore")
    if verb == "file":
        return _file(request, resource, row)
    return _act(request, resource, row, verb)


@require_POST
def _act(request: Any, resource: Resource, row: Attachment, verb: str) -> HttpResponse:
    refusal = _perform(verb, resource, row.record_id, {"attachment": row.pk}, by=request.person)
    page = _page(resource, row.record_id, request.person, problem=refusal.text if refusal else "")
    return render(request, "files_panel.html", page, status=409 if refusal else 200)


def _file(request: Any, resource: Resource, row: Attachment) -> HttpResponse:
    assert row.file is not None
    page = Bag(name=row.name, sha256=row.sha256, url=f"/files/{row.pk}/file/", done=False, problem="")
    if request.method == "POST":
        refusal = _perform("file", resource, row.record_id, {"attachment": row.pk}, by=request.person)
        page.problem = (
            refusal.text if refusal else "" if store.check(row.file) else f"归档之后{DAMAGED}，马上找系统管理员。"
        )
        page.done = not page.problem
    return render(request, "file_filing.html", page, status=409 if page.problem else 200)
