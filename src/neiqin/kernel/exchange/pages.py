"""The pages of an import: upload, columns, preview, done. Who imports sees her own imports and nobody else's."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.exchange import reading, working, writing
from neiqin.kernel.exchange.checking import MODES
from neiqin.kernel.exchange.documents import Document, Layout, open_documents
from neiqin.kernel.exchange.models import (
    BAD,
    CHECKING,
    DONE,
    FAILED,
    MAPPING,
    NEW,
    READING,
    READY,
    SKIP,
    STOPPED,
    UNDOING,
    UNDONE,
    UPDATE,
    WORKING,
    WRITING,
    Import,
    Part,
)
from neiqin.kernel.exchange.plans import Plan, importable, plan_of
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.files import store
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, site

RIGHT = working.RIGHT
MOST = 100 * 1024 * 1024
SHOWN = 50  # documents on a page of the preview
OPENED = 40  # parts looked through for it
ROWS_SHOWN = 200  # of one document: a file without keys may be one of a million rows
WHY_SHOWN = 50
MOST_BACK = 50_000  # rows of the workbook of errors: 9 s
UNDO_HOURS = 24
STEP = {
    READING: 1,
    MAPPING: 2,
    CHECKING: 3,
    READY: 3,
    WRITING: 4,
    STOPPED: 4,
    DONE: 4,
    UNDOING: 4,
    UNDONE: 4,
    FAILED: 1,
}
VERDICTS = {NEW: "新增", UPDATE: "更新", SKIP: "跳过", BAD: "有错"}
DOING = {READING: "正在读文件", CHECKING: "正在检查", WRITING: "正在写入", UNDOING: "正在撤销"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@screen(RIGHT)
def home(request: Any) -> HttpResponse:
    """Where an import begins, and the latest ones."""
    kinds = importable(request.person)
    asked = request.GET.get("kind", "")
    chosen = next((r for r in kinds if r.key == asked), kinds[0] if kinds else None)
    rows = Import.objects.filter(person_id=request.person.id).select_related("file").order_by("-id")[:20]
    page = Bag(
        kinds=[Bag(key=r.key, label=r.label, chosen=r is chosen) for r in kinds],
        kind=chosen and Bag(key=chosen.key, label=chosen.label, url=chosen.url),
        modes=_modes(plan_of(chosen)) if chosen else [],
        recent=[_recent(imp) for imp in rows],
        request_key=uuid.uuid4().hex,
        error=None,
        most=MOST // 1024 // 1024,
    )
    return render(request, "imports.html", page)


def _modes(plan: Plan) -> list[tuple[str, str]]:
    without = {"pool"} if plan.pool is None else set()
    return [
        (m, label) for m, label in MODES.items() if m not in without | (set() if plan.change else {"update", "both"})
    ]


def _recent(imp: Import) -> Bag:
    resource = site().resources.get(imp.resource)
    return Bag(
        url=f"/imports/{imp.pk}/", name=imp.file.name, label=resource.label if resource else imp.resource,
        new=imp.counts.get(NEW, 0), update=imp.counts.get(UPDATE, 0), bad=imp.counts.get(BAD, 0), at=imp.created_at,
        state=_state_words(imp),
    )  # fmt: skip


def _state_words(imp: Import) -> str:
    words = {MAPPING: "等对列", READY: "等导入", STOPPED: "停下了", DONE: "已导入", UNDONE: "已撤销", FAILED: "没读成"}
    return words.get(imp.state) or f"{DOING[imp.state]}…"


@screen(RIGHT)
@require_POST
def upload(request: Any) -> HttpResponse:
    """Take a file or a pasted table; the same file that is in already is shown instead."""
    resource = _resource(request, request.POST.get("kind", ""))
    given, pasted = request.FILES.get("file"), request.POST.get("pasted", "")
    mode = request.POST.get("mode", "new")
    if mode not in dict(_modes(plan_of(resource))) or not (given or pasted.strip()):
        messages.error(request, "选一个文件，或把表格粘贴进来。")
        return HttpResponseRedirect(f"/imports/?kind={resource.key}")
    try:
        name, body = _given(request, given, pasted)
        stored = store.keep(body, name, by=request.person, most=MOST)
    except (store.TooLarge, BadFormat, reading.Unreadable) as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(f"/imports/?kind={resource.key}")
    same = _same_file(resource, stored)
    if same is not None:
        store.forget(stored)
        messages.info(request, _already(request, same))
        mine = same.person_id == request.person.id
        return HttpResponseRedirect(f"/imports/{same.pk}/" if mine else f"/imports/?kind={resource.key}")
    with transaction.atomic():
        imp = Import.objects.create(
            resource=resource.key, person_id=request.person.id, file=stored, mode=mode, created_at=clock.now()
        )
        working.begin(imp)
    return HttpResponseRedirect(f"/imports/{imp.pk}/")


def _given(request: Any, given: Any, pasted: str) -> tuple[str, Iterable[bytes]]:
    """Name and content of what was given: a file, two that belong together, or cells. Raises Unreadable."""
    if not given:
        return f"粘贴的表格 {clock.local(clock.now()):%m-%d %H:%M}.tsv", [pasted.encode()]
    lines = request.FILES.get("lines")
    if not lines:
        return given.name, given.chunks()
    if given.size + lines.size > MOST:
        raise reading.Unreadable(f"两个文件合起来超过 {MOST // 1024 // 1024} MB，分开导入。")
    joined = reading.join(given.read(), given.name, lines.read(), lines.name)
    return f"{given.name[:80]} + {lines.name[:80]}.csv", [joined]


def _already(request: Any, same: Import) -> str:
    who = "" if same.person_id == request.person.id else f"由{_name(same.person_id)}"
    return f"这个文件 {clock.local(same.created_at):%m-%d %H:%M} {who}已经导入过，没有再导一次。"


def _same_file(resource: Resource, stored: Any) -> Import | None:
    """The import of the same bytes into the same kind of record that is in or on its way in."""
    live = (WRITING, DONE, STOPPED, UNDOING)
    rows = Import.objects.filter(resource=resource.key, file__sha256=stored.sha256, state__in=live)
    return rows.exclude(file=stored).order_by("-id").first()


def _name(person: int) -> str:
    return site().names("people.person", [person]).get(person, "别人")


def _resource(request: Any, key: str) -> Resource:
    found = next((r for r in importable(request.person) if r.key == key), None)
    if found is None:
        raise Http404
    return found


def _mine(request: Any, import_id: int) -> Import:
    if import_id >= 2**63:
        raise Http404
    found = Import.objects.select_related("file").filter(pk=import_id, person_id=request.person.id).first()
    if found is None or found.resource not in site().resources:
        raise Http404
    return found


@screen(RIGHT)
def show(request: Any, import_id: int) -> HttpResponse:
    """The step an import is at."""
    imp = _mine(request, import_id)
    page = _frame(imp)
    if imp.state == MAPPING:
        _fill_columns(page, imp, request.person)
    if imp.state in (READY, STOPPED, DONE, UNDONE):
        _fill_preview(page, imp, request)
    fragment = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type") != "full"
    return render(request, "import.html", page, block="step" if fragment else None)


def _frame(imp: Import) -> Bag:
    resource = site().resources[imp.resource]
    counts = {v: imp.counts.get(v, 0) for v in VERDICTS}
    return Bag(
        id=imp.pk,
        url=f"/imports/{imp.pk}/",
        home_url=f"/imports/?kind={imp.resource}",
        label=resource.label,
        noun=resource.noun,
        list_url=resource.url,
        name=imp.file.name,
        sheet=imp.sheet,
        state=imp.state,
        step=STEP[imp.state],
        working=imp.state in WORKING,
        doing=DOING.get(imp.state, ""),
        done=imp.done,
        total=imp.total,
        sentence=imp.sentence,
        notes=imp.notes[:12],
        mode=MODES[imp.mode],
        counts=Bag(**counts, all=sum(counts.values())),
        left=imp.counts.get("left", 0),
        will=counts[NEW] + counts[UPDATE],
        totals=_totals(imp),
        can_undo=imp.state in (DONE, STOPPED) and clock.now() < _undo_until(imp),
        undo_until=_undo_until(imp),
        columns=[], modes=[], missing=[], ready=False, drift=None, documents=[], show="", next_url="", heads=[],
    )  # fmt: skip


def _undo_until(imp: Import) -> Any:
    return (imp.written_at or clock.now()) + timedelta(hours=UNDO_HOURS)


def _totals(imp: Import) -> list[Bag]:
    """The money totals against the file: what each verdict carries, their sum, and what the file itself says."""
    plan, found = plan_of(site().resources[imp.resource]), []
    for path, sums in imp.totals.items():
        field = plan.field(path)
        parts = {v: Decimal(sums.get(v, "0")) for v in VERDICTS}
        said = Decimal(sums["file"]) if "file" in sums else None
        total = sum(parts.values(), Decimal(0))
        found.append(Bag(label=field.label if field else path, parts=Bag(**parts), total=total, file=said,
                         same=said is None or said == total))  # fmt: skip
    return found


# Columns


def _fill_columns(page: Bag, imp: Import, person: Any) -> None:
    plan = plan_of(site().resources[imp.resource])
    targets = plan.targets(person)
    rows = working.peek_of(imp)
    matching = working.matching_of(plan, person, imp.columns, rows, imp.resource)
    chosen = {int(c): p for c, p in imp.mapping.items()}
    page.modes = _modes(plan)
    page.mode_value = imp.mode
    page.columns = [
        Bag(
            n=i, header=name, examples="　".join(r[i] for r in rows[:3] if i < len(r) and r[i])[:80],
            value=chosen.get(i, ""), why=matching.columns[i].reason,
            proposed="" if matching.columns[i].sure else matching.columns[i].path,
        )
        for i, name in enumerate(imp.columns)
    ]  # fmt: skip
    page.targets = [(t.path, f"{t.label}{' *' if t.required else ''}") for t in targets]
    taken = set(chosen.values())
    page.missing = [t.label for t in targets if t.required and t.path not in taken] if imp.mode != "update" else []
    page.drift = working.drift_of(imp)


@screen(RIGHT)
@require_POST
def columns(request: Any, import_id: int) -> HttpResponse:
    """The columns as the person says; checked again whenever they change."""
    imp = _mine(request, import_id)
    plan = plan_of(site().resources[imp.resource])
    known = {t.path: t.label for t in plan.targets(request.person)}
    chosen = {str(i): p for i in range(len(imp.columns)) if (p := request.POST.get(f"column-{i}", "")) in known}
    twice = sorted({known[p] for p in chosen.values() if list(chosen.values()).count(p) > 1})
    mode = request.POST.get("mode", imp.mode)
    if imp.state not in (MAPPING, READY) or mode not in dict(_modes(plan)):
        raise Http404
    if twice:
        messages.error(request, f"「{twice[0]}」对上了两列，只能留一列。")
    elif not chosen:
        messages.error(request, "一列也没有对上，至少对上一列。")
    else:
        with transaction.atomic():
            Import.objects.filter(pk=imp.pk, state=imp.state).update(
                mapping=chosen, mode=mode, state=CHECKING, done=0, counts={}, totals={}
            )
            working.begin(imp)
    return HttpResponseRedirect(f"/imports/{imp.pk}/")


# Preview


def _fill_preview(page: Bag, imp: Import, request: Any) -> None:
    show_ = request.GET.get("show", BAD if imp.counts.get(BAD) else "all")
    page.show = show_ if show_ in ("all", "warned", *VERDICTS) else "all"
    page.heads = _heads(imp)
    start, skip = _place(request.GET.get("after", ""))
    layout = Layout(plan_of(site().resources[imp.resource]), imp.mapping)
    for part, n, document in _shown(imp, page.show, start, skip):
        if len(page.documents) == SHOWN or document is None:
            page.next_url = f"?show={page.show}&after={part.n}.{n}"
            break
        page.documents.append(document_bag(imp, layout, part.n, n, document))


def _place(text: str) -> tuple[int, int]:
    part, _, document = text.partition(".")
    return (int(part), int(document)) if part.isdecimal() and document.isdecimal() and len(text) < 16 else (0, 0)


def _shown(imp: Import, show_: str, start: int, skip: int) -> Iterator[tuple[Part, int, Document | None]]:
    """Documents to show; None where so many parts were looked through that the rest is another page."""
    parts = imp.parts.filter(n__gte=start).order_by("n")
    if show_ in VERDICTS and not imp.counts.get(show_):
        return
    if show_ in (BAD, "warned"):
        parts = parts.filter(**{f"{show_}__gt": 0})
    for opened, part in enumerate(parts.iterator(chunk_size=2)):
        if opened == OPENED:
            yield part, 0, None
            return
        for n, document in enumerate(open_documents(part.body)):
            if (part.n, n) >= (start, skip) and _wanted(document, show_):
                yield part, n, document


def _wanted(document: Document, show_: str) -> bool:
    if show_ == "warned":
        return bool(document.warned) and document.verdict != BAD
    return show_ == "all" or document.verdict == show_


def _heads(imp: Import) -> list[Bag]:
    plan = plan_of(site().resources[imp.resource])
    found = []
    for column in sorted(int(c) for c in imp.mapping):
        field = plan.field(imp.mapping[str(column)])
        numeric = field is not None and field.numeric
        found.append(Bag(column=column, label=imp.columns[column], numeric=numeric))
    return found


def document_bag(imp: Import, layout: Layout, part: int, n: int, document: Document) -> Bag:
    """One document of the preview: its rows, cells with their marks, and the sentences below."""
    wrong = {(m.row, m.column): m.text for m in document.wrong}
    warned = {(m.row, m.column): m.text for m in document.warned}
    heads = _heads(imp)
    rows = []
    for row, number in enumerate(document.rows[:ROWS_SHOWN]):
        cells = []
        for head in heads:
            place = (row, head.column)
            text = document.cells[row][head.column] if head.column < len(document.cells[row]) else ""
            tone = "bad" if place in wrong else "warn" if place in warned else ""
            cells.append(Bag(column=head.column, numeric=head.numeric, value=text, tone=tone))
        rows.append(Bag(number=number, row=row, cells=cells))
    resource = site().resources[imp.resource]
    written = document.record and imp.state in (DONE, STOPPED, UNDONE) and document.version
    return Bag(
        part=part, n=n, rows=rows, verdict=document.verdict, verdict_label=VERDICTS[document.verdict],
        why=[*_more(document), *wrong.values(), *warned.values(), *filter(None, [document.why])][:WHY_SHOWN],
        url=resource.url_of(document.record) if written and document.record else "",
        editable=imp.state == READY and document.verdict in (BAD, NEW, UPDATE), import_id=imp.pk,
    )  # fmt: skip


def _more(document: Document) -> list[str]:
    left = len(document.rows) - ROWS_SHOWN
    return [f"后面还有 {left:,} 行，没有列出。"] if left > 0 else []


@screen(RIGHT)
@require_POST
def cell(request: Any, import_id: int) -> HttpResponse:
    """Mend one cell where it stands; its part is checked again."""
    place = [request.POST.get(name, "") for name in ("part", "n", "row", "column")]
    if not all(p.isdecimal() and len(p) < 9 for p in place):
        raise Http404
    number, n, row, column = map(int, place)
    with transaction.atomic():
        # One cell of an import at a time, and none once it is being written.
        imp = working.locked(_mine(request, import_id), READY)
        if imp is None:
            raise Http404
        part = imp.parts.select_for_update().filter(n=number).first()
        documents = open_documents(part.body) if part else []
        if part is None or n >= len(documents) or row >= len(documents[n].rows) or str(column) not in imp.mapping:
            raise Http404
        cells = documents[n].cells[row]
        cells.extend([""] * (column + 1 - len(cells)))
        try:
            cells[column] = clean_text(request.POST.get("value", ""), 4000, multiline=True)
        except BadFormat:
            raise Http404 from None
        documents[n].doubts = [m for m in documents[n].doubts if m.row != row or m.column not in (column, -1)]
        working.check_part(imp, part, documents)
    page = _frame(imp)
    layout = Layout(plan_of(site().resources[imp.resource]), imp.mapping)
    page.document = document_bag(imp, layout, number, n, documents[n])
    page.heads = _heads(imp)
    return render(request, "import.html", page, block="mended")


# Decisions


@screen(RIGHT)
@require_POST
def decide(request: Any, import_id: int, what: str) -> HttpResponse:
    """start, stop, resume, undo, back (to the columns) or discard."""
    imp = _mine(request, import_id)
    before, after = DECISIONS.get(what, ((), ""))
    if imp.state not in before or (what == "undo" and clock.now() >= _undo_until(imp)):
        messages.error(request, f"现在是「{_state_words(imp)}」，不能这样做。")
        return HttpResponseRedirect(f"/imports/{imp.pk}/")
    if what == "undo" and imp.counts.get(UPDATE) and not _may_change(request, imp):
        messages.error(request, "这次导入改过已有的记录，撤销要有修改的权限。")
        return HttpResponseRedirect(f"/imports/{imp.pk}/")
    if not after:
        if not working.throw_away(imp, *before):
            return HttpResponseRedirect(f"/imports/{imp.pk}/")
        messages.success(request, f"「{imp.file.name}」不导了，什么也没有写入。")
        return HttpResponseRedirect(f"/imports/?kind={imp.resource}")
    with transaction.atomic():
        if what == "start" and _begun_elsewhere(request, imp):
            return HttpResponseRedirect(f"/imports/{imp.pk}/")
        values = {"done": 0} if what in ("start", "undo") else {}
        if Import.objects.filter(pk=imp.pk, state=imp.state).update(state=after, **values) and after in WORKING:
            working.begin(imp)
    return HttpResponseRedirect(f"/imports/{imp.pk}/")


def _may_change(request: Any, imp: Import) -> bool:
    change = plan_of(site().resources[imp.resource]).change
    return change is not None and request.person.may(change.may)


def _begun_elsewhere(request: Any, imp: Import) -> bool:
    """Whether the same file, uploaded in another window, is in or on its way in; says so. One start of it at a time."""
    rows = Import.objects.select_for_update(of=("self",)).filter(resource=imp.resource, file__sha256=imp.file.sha256)
    list(rows.order_by("id"))
    same = _same_file(site().resources[imp.resource], imp.file)
    if same is not None:
        messages.info(request, _already(request, same))
    return same is not None


DECISIONS: dict[str, tuple[Sequence[str], str]] = {
    "start": ((READY,), WRITING),
    "stop": ((WRITING,), STOPPED),
    "resume": ((STOPPED,), WRITING),
    "undo": ((DONE, STOPPED), UNDOING),
    "back": ((READY,), MAPPING),
    "discard": ((MAPPING, READY, FAILED), ""),
}


# Files


@screen(RIGHT)
def errors(request: Any, import_id: int) -> HttpResponse:
    """The same sheet with the rows that are not in, each with its reason; it can be uploaded again."""
    imp = _mine(request, import_id)
    rows: list[tuple[int, list[str]]] = []
    problems: dict[int, list[Any]] = {}
    for part in imp.parts.filter(bad__gt=0).order_by("n").iterator(chunk_size=2):
        for document in open_documents(part.body) if len(rows) < MOST_BACK else ():
            if document.verdict == BAD:
                for row, number in enumerate(document.rows):
                    rows.append((number, document.cells[row]))
                    problems[number] = [(m.column, m.text) for m in document.wrong if m.row == row]
    body = writing.error_workbook(imp.columns, rows, problems)
    which = f"前 {len(rows):,} 个有错的行" if len(rows) >= MOST_BACK else "有错的行"
    return _file(body, f"{imp.file.name.rsplit('.', 1)[0]} {which}.xlsx")


@screen(RIGHT)
def template(request: Any) -> HttpResponse:
    """An empty workbook made from the fields as they are today."""
    resource = _resource(request, request.GET.get("kind", ""))
    plan = plan_of(resource)
    targets = plan.targets(request.person)
    choices = {t.path: found for t in targets if (found := plan.choices(t.path))}
    noun = f"一行一{resource.noun}{resource.label}" if not plan.shape.lines else (
        f"一行一{resource.noun}{resource.label}；同一{resource.noun}有多个{plan.shape.lines[0].label}时接着写几行"
    )  # fmt: skip
    return _file(writing.template(targets, f"{noun}。带 * 的列必填。", choices), f"{resource.label}导入模板.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "no-store"
    return response
