"""The work of an import, step by step in the background: read, check, write, undo. Killed at any moment, it goes on.

A part is written by at most two runs, one that creates and one that changes, each under a request key of its own: done
again after a kill, they give the answer they gave and no second effect. Then the part learns what became of it.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson
from django.db import connection, connections, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, Outcome, TooSlow
from neiqin.kernel.actions.requests import answered
from neiqin.kernel.checks.look import ALL
from neiqin.kernel.exchange import columns as headers
from neiqin.kernel.exchange import reading, telling
from neiqin.kernel.exchange.checking import Checker, tally
from neiqin.kernel.exchange.documents import PART, Document, Layout, open_documents, seal_documents
from neiqin.kernel.exchange.models import (
    BAD,
    CHECKING,
    DONE,
    FAILED,
    MAPPING,
    NEW,
    READING,
    READY,
    STATES,
    STOPPED,
    UNDOING,
    UNDONE,
    UPDATE,
    WORKING,
    WRITING,
    Import,
    Part,
    Remembered,
)
from neiqin.kernel.exchange.plans import Plan, plan_of
from neiqin.kernel.exchange.undoing import withdraw_of
from neiqin.kernel.files import store
from neiqin.kernel.files.store import Damaged, body_of
from neiqin.kernel.jobs.queue import defer, given_up, job
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.personal.blobs import open_blob, seal_blob
from neiqin.kernel.resources.resource import site

JOB = RIGHT = "exchange.import"
KEPT = timedelta(days=90)
DAMAGED = "保存的文件已损坏，再传一次。"
SAID = {MAPPING: "等你对列", READY: "检查完了，等你决定", DONE: "做完了", FAILED: "没有做成", UNDONE: "撤销完了"}
PEEK = 8  # rows shown on the page of columns


def begin(imp: Import) -> None:
    """Have the job do the import's present step. Inside the caller's transaction."""
    defer(JOB, key=f"import-{imp.pk}", lock=f"import-{imp.pk}", import_id=imp.pk)


class Overtaken(Exception):
    """Another job has begun the same step anew (this one was thought dead): the newest goes on."""


@job(JOB)
def work(import_id: int) -> None:
    """Do what the import's state says until it needs a person; one who had to wait long is told. Repeatable, and
    harmless when two do it at once."""
    begun = clock.now()
    with suppress(Overtaken):
        while (imp := Import.objects.select_related("file").filter(pk=import_id).first()) is not None:
            step = STEPS.get(imp.state)
            if step is None:
                if clock.now() - begun > telling.LONG and imp.state in SAID:
                    telling.of_import(imp, SAID[imp.state])
                return
            step(imp)


def locked(imp: Import, *states: str) -> Import | None:
    """The import as it is now, held until the caller's transaction ends; None if it is in none of these states."""
    rows = Import.objects.select_related("file").select_for_update(of=("self",))
    return rows.filter(pk=imp.pk, state__in=states).first()


def tools_of(imp: Import) -> tuple[Plan, Layout, Checker]:
    """The plan, layout and checker of an import, with its person's rights of today."""
    plan = plan_of(site().resources[imp.resource])
    layout = Layout(plan, imp.mapping)
    return plan, layout, Checker(plan, layout, imp.mode, actor_of(imp.person_id))


# Read


def read(imp: Import) -> None:
    """Read the file, recognise its columns; go on to checking if all of them are remembered, else ask."""
    plan, person = plan_of(site().resources[imp.resource]), actor_of(imp.person_id)
    try:
        book = reading.read(body_of(imp.file), imp.file.name)
    except (reading.Unreadable, Damaged) as error:
        text = str(error) if isinstance(error, reading.Unreadable) else DAMAGED
        _move(imp, READING, FAILED, sentence=text)
        return
    matchings = [matching_of(plan, person, s.headers, _cells(s), imp.resource) for s in book.sheets]
    best = max(range(len(matchings)), key=lambda i: len(matchings[i].as_mapping()))
    sheet, matching = book.sheets[best], matchings[best]
    drifted = _drifted(imp.resource, sheet.headers)
    others = [s.name for s in book.sheets if s is not sheet]
    notes = [
        *book.notes,
        *sheet.notes,
        *([f"读的是「{sheet.name}」，没有读「{'」「'.join(others)}」。"] if others else []),
    ]
    _move(
        imp, READING, CHECKING if _clear(matching) and not drifted else MAPPING, sheet=sheet.name, notes=notes,
        columns=list(sheet.headers), signature=headers.signature(_own(sheet.headers)),
        mapping=matching.as_mapping(),
        peek=seal_blob(orjson.dumps(_cells(sheet)[:PEEK])),
    )  # fmt: skip


def _clear(matching: headers.Matching) -> bool:
    """Nothing to ask: every column is known for sure, or was left out on purpose the last time."""
    left_out = not matching.unknown or all(c.reason == headers.LEFT_OUT for c in matching.unknown)
    return matching.settled and left_out


def _own(found: Sequence[str]) -> list[str]:
    """The file's headers without the two that our workbook of errors adds."""
    return [h for h in found if h not in (headers.LINE_NUMBER, headers.REASON)]


def _cells(sheet: reading.Sheet) -> list[list[str]]:
    return [row.cells for row in sheet.sample]


def matching_of(plan: Plan, person: Any, found: Sequence[str], samples: Sequence[Sequence[str]], resource: str) -> Any:
    """How the columns are read: as the last time for this kind of file, else by their names."""
    signature = headers.signature(_own(found))
    last = Remembered.objects.filter(resource=resource, signature=signature).first()
    last = last or next((known for known, _ in _near(resource, found)), None)
    if last is None:
        return headers.match(found, samples, plan.targets(person))
    return headers.match(found, samples, plan.targets(person), last.mapping, last.headers)


def _near(resource: str, found: Sequence[str]) -> Iterator[tuple[Remembered, headers.Drift]]:
    """The kinds of file read before whose headers are mostly these, latest first."""
    for known in Remembered.objects.filter(resource=resource).order_by("-at")[:50]:
        drift = headers.drift(known.headers, _own(found))
        if drift.near:
            yield known, drift


def peek_of(imp: Import) -> list[list[str]]:
    """The first rows of the file."""
    return orjson.loads(open_blob(bytes(imp.peek))) if imp.peek else []


def _drifted(resource: str, found: Sequence[str]) -> bool:
    """Whether these are nearly, but not quite, the headers of a kind of file read before: then it asks."""
    signatures = [known.signature for known, _ in _near(resource, found)]
    return bool(signatures) and headers.signature(_own(found)) not in signatures


def drift_of(imp: Import) -> str:
    """In words, how the columns differ from those of the nearest kind of file read before; "" if they do not."""
    for known, drift in _near(imp.resource, imp.columns):
        if known.signature == imp.signature:
            return ""
        said = [
            f"少了「{'」「'.join(drift.gone)}」" if drift.gone else "",
            f"多了「{'」「'.join(drift.new)}」" if drift.new else "",
        ]
        return "，".join(s for s in said if s) + "。"
    return ""


def _rows(imp: Import) -> reading.Rows:
    book = reading.read(body_of(imp.file), imp.file.name)
    return next(s for s in book.sheets if s.name == imp.sheet).rows()


# Check


def check(imp: Import) -> None:
    """Go through the whole file: documents in parts, each with its verdict. From the start again after a kill."""
    try:
        _check(imp)
    except (reading.Unreadable, Damaged) as error:  # a file that is broken further down
        text = str(error) if isinstance(error, reading.Unreadable) else DAMAGED
        imp.parts.all().delete()
        _move(imp, CHECKING, FAILED, sentence=text)


def _check(imp: Import) -> None:
    _, layout, checker = tools_of(imp)
    rows = _rows(imp)
    counts: Counter[str] = Counter()
    totals: dict[str, dict[str, Decimal]] = {}
    with transaction.atomic():
        if locked(imp, CHECKING) is None:
            return
        imp.parts.all().delete()
    documents, done, last = layout.documents(rows), 0, Part(imp=imp)
    with closing(_warned(checker, documents)) as parts:
        for n, part in enumerate(parts):
            tally(part, layout, counts, totals)
            done += sum(len(d.rows) for d in part)
            with transaction.atomic():
                if not _progress(imp, CHECKING, done):
                    return
                _follows(last)
                last = Part(imp=imp, n=n)
                _keep(last, part)
    for column, path in layout.paths.items():
        if path in totals and (given := rows.totals.get(imp.columns[column])) is not None:
            totals[path]["file"] = given
    said = {path: {name: str(value) for name, value in sums.items()} for path, sums in totals.items()}
    notes = [*dict.fromkeys([*imp.notes, *rows.notes])]
    with transaction.atomic():
        if _progress(imp, CHECKING, 0):
            _follows(last)
            _move(
                imp, CHECKING, READY, counts=dict(counts), totals=said, total=sum(counts.values()), done=0, notes=notes
            )


def _warned(checker: Checker, documents: Iterator[Document]) -> Generator[list[Document]]:
    """The documents in checked parts. While one part is checked, which is our work, the database looks for names like
    those of the part before."""
    with ThreadPoolExecutor(1) as beside:
        try:
            last: list[Document] = []
            warned: Callable[[], object] = list
            while part := list(islice(documents, PART)):
                checker.check(part)
                warned()
                if connection.in_atomic_block:  # what the caller has written, another connection does not see
                    checker.warn(part)
                else:
                    warned = beside.submit(checker.warn, part).result
                if last:
                    yield last
                last = part
            warned()
            if last:
                yield last
        finally:
            beside.submit(connections.close_all)


def _follows(last: Part) -> None:
    """Raises Overtaken unless the newest part is still the one this job wrote last. The import is locked."""
    newest = last.imp.parts.order_by("-n").values_list("pk", flat=True).first()
    if newest != last.pk:
        raise Overtaken


def check_part(imp: Import, part: Part, documents: list[Document]) -> None:
    """Check one part again after a cell was mended, and bring the counts up to date."""
    _, layout, checker = tools_of(imp)
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    old: dict[str, dict[str, Decimal]] = {}
    new: dict[str, dict[str, Decimal]] = {}
    tally(open_documents(part.body), layout, before, old)
    checker.check(documents)
    checker.warn(documents)
    tally(documents, layout, after, new)
    _keep(part, documents)
    imp.counts = {v: imp.counts.get(v, 0) - before[v] + after[v] for v in {*imp.counts, *after}}
    for path, sums in new.items():
        for verdict, value in sums.items():
            moved = Decimal(imp.totals[path][verdict]) - old[path][verdict] + value
            imp.totals[path][verdict] = str(moved)
    imp.save(update_fields=["counts", "totals"])


def _keep(part: Part, documents: Sequence[Document]) -> None:
    part.body = seal_documents(documents)
    part.bad = sum(1 for d in documents if d.verdict == BAD)
    part.warned = sum(1 for d in documents if d.warned and d.verdict != BAD)
    part.save()


# Write


def write(imp: Import) -> None:
    """Write part after part. What meanwhile can no longer be done is refused with its reason; the rest goes on."""
    plan, layout, checker = tools_of(imp)
    counts: Counter[str] = Counter()
    totals: dict[str, dict[str, Decimal]] = {}
    for part in _parts(imp, written=True):
        tally(open_documents(part.body), layout, counts, totals)
    for part in _parts(imp, written=False):
        documents = open_documents(part.body)
        try:
            checker.person = _allowed(imp)
            _recheck(imp, part, checker, documents)
            _create(imp, part, plan, checker, [d for d in documents if d.verdict == NEW])
            _change(imp, part, plan, checker, [d for d in documents if d.verdict == UPDATE])
        except NotAllowed as error:
            # What is in can be taken back; what is not goes on when the right is there again.
            _move(imp, WRITING, STOPPED, sentence=f"{error}找管理员开通后接着导入。", written_at=clock.now())
            return
        with transaction.atomic():
            part.written = True
            _keep(part, documents)
            if not _progress(imp, WRITING, imp.done + len(documents)):
                return
        tally(documents, layout, counts, totals)
    for path, sums in totals.items():
        given = imp.totals.get(path, {}).get("file")
        imp.totals[path] = {v: str(x) for v, x in sums.items()} | ({"file": given} if given is not None else {})
    with transaction.atomic():
        _remember(imp)
        _move(imp, WRITING, DONE, counts=dict(counts), totals=imp.totals, written_at=clock.now())


def _allowed(imp: Import) -> Any:
    """The import's person with the rights of this moment. Raises NotAllowed if importing is none of them."""
    person = actor_of(imp.person_id)
    if not person.may(RIGHT):
        raise NotAllowed("没有「导入」的权限。")
    return person


def _recheck(imp: Import, part: Part, checker: Checker, documents: list[Document]) -> None:
    """What has come into the system since the check is skipped, what can no longer be meant is refused.

    Kept before anything is written: a job that takes the part up again must know what was asked for. What the part
    itself has written meanwhile (the answers are there) is no news.
    """
    if not checker.recheck(documents):
        return
    keys = (f"import-{imp.pk}-{part.n}-{kind}" for kind in ("new", "change"))
    if any(answered(key, checker.person) for key in keys):
        documents[:] = open_documents(part.body)
    else:
        _keep(part, documents)


def _create(imp: Import, part: Part, plan: Plan, checker: Checker, documents: list[Document]) -> None:
    if not documents:
        return
    key = f"import-{imp.pk}-{part.n}-new"
    made = answered(key, checker.person)
    if made is None:
        rows, parsed = checker.new_rows(documents)
        made = perform(
            plan.creating(checker.mode), by=checker.person, rows=rows, parsed=parsed, key=key, source="import",
            seconds=30, params={"origins": checker.origins(documents)}, confirmed=[ALL],
        )  # fmt: skip
    _said(made, dict(enumerate(documents)))
    kept = [d for position, d in enumerate(documents) if position not in made.refused]
    for document, record in zip(kept, made.done, strict=True):
        document.record, document.version, document.parsed = record, 1, None


def _change(imp: Import, part: Part, plan: Plan, checker: Checker, documents: list[Document]) -> None:
    if not documents or plan.change is None:
        return
    key = f"import-{imp.pk}-{part.n}-change"
    seen = {d.record: d.version for d in documents if d.record and d.version}
    outcome = answered(key, checker.person) or perform(
        plan.change, list(seen), by=checker.person, rows=checker.change_rows(documents), versions=seen, key=key,
        source="import", seconds=30, confirmed=[ALL],
    )  # fmt: skip
    by_record = {d.record: d for d in documents if d.record}
    _said(outcome, by_record)
    for record in outcome.done:
        by_record[record].version = seen[record] + 1  # changed again meanwhile: then it will not be undone


def _said(outcome: Outcome, by_name: dict[Any, Document]) -> None:
    """What the action refused after all, on the document."""
    for name, refusal in outcome.refused.items():
        by_name[name].refuse(0, -1, refusal.text)


def _remember(imp: Import) -> None:
    mapping = {imp.columns[int(column)]: path for column, path in imp.mapping.items()}
    own = _own(imp.columns)
    Remembered.objects.update_or_create(
        resource=imp.resource,
        signature=imp.signature,
        defaults={"headers": own, "mapping": mapping, "person_id": imp.person_id, "at": clock.now()},
    )


# Undo


def undo(imp: Import) -> None:
    """Take back what was written, last part first. What later work stands on stays, with the reason."""
    plan, _, checker = tools_of(imp)
    action = withdraw_of(plan)
    for part in _parts(imp, written=True, undone=False, backwards=True):
        documents = open_documents(part.body)
        written = [d for d in documents if d.verdict in (NEW, UPDATE) and d.record and d.version]
        keys = [f"import-{imp.pk}-{part.n}-{kind}" for kind in ("new", "change")]
        try:
            outcome = answered(f"import-{imp.pk}-{part.n}-undo", checker.person) or perform(
                action, [d.record for d in written if d.record], by=checker.person, params={"keys": " ".join(keys)},
                versions={d.record: d.version for d in written if d.record and d.version},
                key=f"import-{imp.pk}-{part.n}-undo", source="import", seconds=30,
            )  # fmt: skip
        except (NotAllowed, TooSlow) as error:
            _move(imp, UNDOING, DONE, sentence=f"撤销停下了：{error}")
            return
        for document in written:
            refusal = outcome.refused.get(document.record or 0)
            document.why = refusal.text if refusal else "已撤销。"
            document.version = document.version if refusal else None
        with transaction.atomic():
            part.undone = True
            _keep(part, documents)
            if not _progress(imp, UNDOING, imp.done + len(documents)):
                return
    left = sum(1 for part in _parts(imp) for d in open_documents(part.body) if d.record and d.version is not None)
    _move(imp, UNDOING, UNDONE, undone_at=clock.now(), counts=imp.counts | {"left": left})


# What went wrong

STUCK = "中途出错停下了，系统管理员能在日志里看到原因。"
AFTER_STUCK = {READING: FAILED, CHECKING: FAILED, WRITING: STOPPED, UNDOING: DONE}


def rescue() -> None:
    """Every minute: an import whose job has given up is not left at work for ever. Repeatable."""
    rows = Import.objects.filter(state__in=WORKING).values_list("pk", "state")
    keys = {f"import-{pk}": (pk, state) for pk, state in rows}
    for key in given_up(JOB, list(keys)):
        pk, state = keys[key]
        Import.objects.filter(pk=pk, state=state).update(state=AFTER_STUCK[state], sentence=STUCK)


# The end


def throw_away(imp: Import, *states: str) -> bool:
    """Forget an import with its file and its cells, if it is in one of these states. What it wrote stays."""
    kept = imp.file
    with transaction.atomic():
        if locked(imp, *states) is None:
            return False
        imp.delete()
    store.forget(kept)
    return True


def tidy() -> None:
    """Throw imports away after a quarter: their cells are a copy of personal data nobody needs. Repeatable."""
    old = Import.objects.filter(created_at__lt=clock.now() - KEPT).exclude(state__in=WORKING)
    for imp in old.select_related("file").order_by("id")[:200]:
        throw_away(imp, *(state for state in STATES if state not in WORKING))


# Together


def _parts(imp: Import, *, backwards: bool = False, **of: bool) -> Iterator[Part]:
    """The parts in order, one in memory at a time."""
    numbers = list(imp.parts.filter(**of).order_by("-n" if backwards else "n").values_list("pk", flat=True))
    return (Part.objects.get(pk=pk) for pk in numbers)


def _progress(imp: Import, state: str, done: int) -> bool:
    """Say how far it is; False if the person has meanwhile stopped it (or thrown it away)."""
    imp.done = done
    return bool(Import.objects.filter(pk=imp.pk, state=state).update(done=done))


def _move(imp: Import, before: str, state: str, **values: Any) -> None:
    """The next state, unless the person has changed it meanwhile."""
    if Import.objects.filter(pk=imp.pk, state=before).update(state=state, **values):
        imp.state = state


STEPS = {READING: read, CHECKING: check, WRITING: write, UNDOING: undo}
