"""The grid in which a draft is written: its page, the question about cells as one leaves them, and the trial."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import orjson
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import KeyReused, NotAllowed, TooSlow
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.resources.pages.screen import Bag, render, screen, sent_key
from neiqin.kernel.rules import actions, cells, faults
from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.compare import difference
from neiqin.kernel.rules.decide import Compiled, of, run_examples, said
from neiqin.kernel.rules.models import MANAGE, Table, Version

MOST_CELLS = 15_000  # in one form, below the number of fields a request may have
MOST_RUN = 500_000  # examples times rows that one trial runs: about two seconds
Rows = Sequence[Sequence[str]]


@screen(MANAGE)
def edit(request: Any, code: str) -> HttpResponse:
    """The grid. `?version=`: a draft is changed itself, of any other a new draft is begun (default: the one in force).

    POST `do`: save; copy (what stands here becomes another draft); try (nothing is kept). `rows`, `examples`: all cells
    in order; `try`: the inputs of the trial; `seen`: the version of the record that was opened.
    """
    found = table_or_404(code)
    versions = list(found.versions.select_related("table").order_by("-number"))
    now, asked = current(versions), request.GET.get("version", "")
    base = next((v for v in versions if str(v.number) == asked), None) if asked else now
    if base is None and asked:
        raise Http404
    mine = base if base and base.state == Version.State.DRAFT else None
    typed = Bag(rows=base.rows if base else [], examples=base.examples if base else [], asked=[])
    problem, status, stale = "", 200, False
    if request.method == "POST":
        typed, do = _typed(request.POST, found), request.POST.get("do")
        if do in ("save", "copy"):
            number, problem, stale = _save(request, found, mine if do == "save" else None, typed)
            if number:
                messages.success(request, f"第 {number} 版草稿存好了。")
                return HttpResponseRedirect(f"{request.path}?version={number}")
            status = 422
    page = _page(found, versions, base, mine, typed)
    page.now, page.problem, page.tried = now, problem, _trial(found, typed, now, base)
    page.theirs = difference(mine.rows, typed.rows) if mine and stale else []
    page.stale, page.seen = stale, request.POST.get("seen", "") if stale else mine.version if mine else ""
    page.request_key = uuid4().hex
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, "rule_edit.html", page, block="tried" if fragment else None, status=status)


@screen(MANAGE)
@require_POST
def check(request: Any, code: str) -> HttpResponse:
    """What is wrong with some rows. `part`: rows or examples; `rows`: their cells; `last`: they end the table.

    Answers {"faults": [[row from 0, column from 0, sentence], …]}.
    """
    found = table_or_404(code)
    rows = _chunks(request.POST.getlist("rows"), found, blank=True)
    wrong = (
        faults.in_examples(found, rows)
        if request.POST.get("part") == "examples"
        else faults.in_rules(found, rows, last=bool(request.POST.get("last")))
    )
    return JsonResponse({"faults": [[f.row - 1, f.place, f.text] for f in wrong]})


def table_or_404(code: str) -> Table:
    """The table of this code. Raises Http404."""
    found = Table.objects.filter(code=code).first() if code.isprintable() else None
    if found is None:
        raise Http404
    return found


def current(versions: Sequence[Version]) -> Version | None:
    """The one of these that is in force today."""
    today = clock.today()
    held = (v for v in versions if v.state != Version.State.DRAFT and v.from_on and v.from_on <= today)
    return next((v for v in held if v.until_on is None or v.until_on >= today), None)


def ran(compiled: Compiled, examples: Rows) -> list[str]:
    """Of each example row "" or how it fails; of very many with very many rules only the first."""
    return run_examples(compiled, examples[: max(20, MOST_RUN // max(1, len(compiled.rows)))])


def _save(request: Any, table: Table, mine: Version | None, typed: Bag) -> tuple[int, str, bool]:
    """The number of the version saved, or 0 with the sentence of the problem and whether somebody was quicker."""
    content = {"content": orjson.dumps({"rows": typed.rows, "examples": typed.examples}).decode()}
    common = {"by": request.person, "params": content, "source": "web"}
    key, seen = sent_key(request.POST), request.POST.get("seen", "")[:9]
    try:
        if mine:
            versions = {mine.pk: int(seen) if seen.isdecimal() else 0}
            outcome = perform(actions.edit, [mine.pk], versions=versions, **common)
        else:
            outcome = perform(actions.draft, [table.pk], key=f"rules-{key}" if key else None, **common)
    except (Invalid, NotAllowed, TooSlow, KeyReused) as error:
        return 0, str(error), False
    for refusal in outcome.refused.values():
        return 0, refusal.text, refusal.code == "stale"
    if outcome.held:
        return 0, "要先批准，批准后才存。", False
    if mine:
        return mine.number, "", False
    return Event.objects.get(run_id=outcome.run or 0, name=actions.draft.event_name).data["number"], "", False


def _typed(given: Any, table: Table) -> Bag:
    return Bag(
        rows=_chunks(given.getlist("rows"), table),
        examples=_chunks(given.getlist("examples"), table),
        asked=given.getlist("try")[: len(table.inputs)],
    )


def _chunks(given: Sequence[str], table: Table, *, blank: bool = False) -> list[list[str]]:
    """The cells as rows; one without any text is left out, unless `blank`."""
    width = len(table.inputs) + len(table.outputs)
    texts = [cell.strip() for cell in given]
    texts += [""] * (-len(texts) % width)
    rows = [texts[at : at + width] for at in range(0, len(texts), width)]
    return [row for row in rows if blank or any(row)]


def _page(table: Table, versions: Sequence[Version], base: Version | None, mine: Version | None, typed: Bag) -> Bag:
    width = len(table.inputs) + len(table.outputs)
    return Bag(
        table=table,
        base=base,
        mine=mine,
        drafts=[
            Bag(label=f"第 {v.number} 版", url=f"?version={v.number}")
            for v in versions
            if v.state == Version.State.DRAFT and v != mine
        ],
        columns=_columns(table, typed.rows),
        inputs=len(table.inputs),
        too_big=(len(typed.rows) + len(typed.examples)) * width > MOST_CELLS + width,
        most=MOST_CELLS // width,
        grids=[
            _grid("rows", "规则", typed.rows, faults.in_rules(table, typed.rows), width),
            _grid(
                "examples", "样例：条件和应得的结果", typed.examples, faults.in_examples(table, typed.examples), width
            ),
        ],
    )


def _grid(name: str, label: str, rows: Rows, wrong: Sequence[faults.Fault], width: int) -> Bag:
    by_row: dict[int, dict[int, str]] = {}
    for fault in wrong:
        by_row.setdefault(fault.row, {}).setdefault(fault.place, fault.text)
    lines = [Bag(cells=row, faults=by_row.get(n, {})) for n, row in enumerate(rows, 1)]
    return Bag(
        name=name, label=label, lines=lines or [Bag(cells=[""] * width, faults={})], wrong=wrong, blank=[""] * width
    )


def _columns(table: Table, rows: Rows) -> list[Bag]:
    """Each column with the words that may be offered in it."""
    found = []
    for place, column in enumerate([*cells.columns(table.inputs), *cells.columns(table.outputs)]):
        words = list(column.choices) or (["是", "否"] if column.kind == "bool" else [])
        if column.kind == "text" and not words:
            words = list(dict.fromkeys(row[place] for row in rows if len(row) > place and 0 < len(row[place]) <= 30))[
                :50
            ]
        found.append(Bag(label=column.label, kind=column.kind, words=words, output=place >= len(table.inputs)))
    return found


def _trial(table: Table, typed: Bag, now: Version | None, base: Version | None) -> Bag:
    """What this draft and the version in force say of what is asked, and whether the examples hold."""
    labels = [c["label"] for c in table.outputs]
    names = [c["name"] for c in table.inputs]
    asked = dict(zip(names, typed.asked, strict=False)) if any(a.strip() for a in typed.asked) else None
    page = Bag(asked=typed.asked, labels=labels, draft=None, now=None, examples=[], problem="", left=0)
    try:
        compiled = Compiled(table, base.number if base else 0, typed.rows)
    except BadCell as error:
        page.problem = str(error)
    else:
        page.examples = ran(compiled, typed.examples)
        page.left = len(typed.examples) - len(page.examples)
        page.draft = _said(lambda: compiled, asked) if asked else None
    if asked and now:
        page.now = _said(lambda: of(now.pk), asked)
    return page


def _said(compiled: Callable[[], Compiled], asked: dict[str, str]) -> Bag:
    try:
        made = compiled().decide(asked)
    except BadCell as error:
        return Bag(values=[], rows="", problem=str(error))
    return Bag(values=[said(v) for v in made.outputs.values()], rows="、".join(map(str, made.rows)), problem="")
