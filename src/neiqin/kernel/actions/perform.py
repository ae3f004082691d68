"""perform: the one way anything is done. Lock, check, write, record, effects, numbers last; all or nothing.

The order inside the transaction is fixed: request key, run, locks (by id), the body's writes, events, effects (lower
module first), numbers and shared totals, the kept answer. Deadlocks and serialization failures are tried again.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    SerializationFailure,
    TransactionTimeout,
    UniqueViolation,
)

from neiqin.kernel import clock
from neiqin.kernel.actions import gate, history, requests
from neiqin.kernel.actions.batch import Batch, Emitted, NewBatch, Origin
from neiqin.kernel.actions.declare import REGISTRY, Action
from neiqin.kernel.actions.effects import EFFECTS, Happened
from neiqin.kernel.actions.models import Held
from neiqin.kernel.actions.refusals import NotAllowed, Outcome, Refusal, RefuseLate, TooSlow
from neiqin.kernel.fields.field import label_of
from neiqin.kernel.fields.shape import Invalid

ATTEMPTS = 6
# Not unique: somebody was quicker between our check and our write, so the check of the next attempt says so in words.
AGAIN = (DeadlockDetected, SerializationFailure, UniqueViolation)
PREVIEW_LIMIT = 200
WRITE_SECONDS = 5
RECORDS_A_SECOND = 500  # a large set gets a second more for so many records: 10,000 at a million rows take 4 to 9 s
PREVIEW_SECONDS = 2
PREVIEW_LOCK_MILLISECONDS = 200


@dataclass(frozen=True)
class Call:
    """One call of an action. `rows` for actions that create, `ids` for the others; `versions`: what the caller saw."""

    action: Action
    by: Any
    ids: tuple[int, ...] = ()
    params: Mapping[str, Any] | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    key: str | None = None
    versions: Mapping[int, int] | None = None
    source: str = ""
    address: str | None = None
    held: int | None = None
    passed: tuple[str, ...] = ()  # of a held run: the keepers that are not asked again
    seconds: int = WRITE_SECONDS
    parsed: bool = False
    confirmed: frozenset[str] = frozenset()  # warnings the caller has read and means all the same; "*": all of them
    nested: bool = False  # inside a caller's transaction, which owns time limit and retries


def perform(
    action: Action,
    ids: Sequence[int] = (),
    *,
    by: Any,
    params: Mapping[str, Any] | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
    key: str | None = None,
    versions: Mapping[int, int] | None = None,
    source: str = "",
    address: str | None = None,
    seconds: int = WRITE_SECONDS,
    parsed: bool = False,
    confirmed: Sequence[str] = (),
) -> Outcome:
    """Do `action` as person `by` on the records `ids`, or make records from `rows` (for actions on each record: `rows`
    in the order of `ids`), once per request `key`. Creating, `params` may hold `origins`: row position -> (author, ISO
    moment) of records that were kept elsewhere before. parsed: the rows are what `action.parse` has given already (an
    import parses them to check them). confirmed: marks of the warnings the person has read (a refusal of code `warned`
    has them in its data); "*" for all of them.

    Returns an Outcome; refused records carry their reason and stay as they were. Raises Invalid (wrong parameters),
    NotAllowed (no such right at all), KeyReused, TooSlow (over `seconds` and what a large set gets; nothing saved).
    """
    unique = tuple(dict.fromkeys(ids))
    seconds += (len(unique) + len(rows)) // RECORDS_A_SECOND
    call = Call(
        action, by, unique, params, tuple(rows), key, versions, source, address,
        seconds=seconds, parsed=parsed, confirmed=frozenset(confirmed),
    )  # fmt: skip
    return _perform(call)


def perform_held(held_id: int, *, actor_of: Callable[[int], Any], source: str = "gate") -> Outcome:
    """Perform a stored run once, on the stored versions, as its requester, who must still have the right.

    actor_of: how a person's id becomes the acting person with the rights of today.
    A second call returns the first one's outcome. Raises LookupError if there is no such run.
    """
    with transaction.atomic():
        held = Held.objects.select_for_update().filter(pk=held_id).first()
        if held is None:
            raise LookupError(f"no held run {held_id}")
        if held.closed_at is not None:
            return Outcome.from_json(held.outcome or {})
        raw = gate.parameters_of(held)
        versions = {int(k): v for k, v in held.versions.items()}
        by = actor_of(held.person_id)
        call = Call(
            REGISTRY[held.action],
            by,
            tuple(versions),
            raw.get("params"),
            tuple(raw.get("rows") or ()),
            versions=versions,
            source=source,
            held=held.pk,
            passed=tuple(held.passed),
        )
        outcome = _perform(call)
        held.closed_at, held.outcome = clock.now(), outcome.as_json()
        held.save(update_fields=["closed_at", "outcome"])
        return outcome


def preview(
    action: Action,
    ids: Sequence[int] = (),
    *,
    by: Any,
    params: Mapping[str, Any] | None = None,
    rows: Sequence[Mapping[str, Any]] = (),
    versions: Mapping[int, int] | None = None,
) -> Outcome:
    """What perform would do, with nothing kept: the outcome and, in `changes`, the rows the database would change.

    At most 200 records. Numbers are pending. Changes are raw: whoever shows them passes them through scope and masks.
    Raises Invalid, NotAllowed, ValueError (too many records), TooSlow (somebody is writing these records).
    """
    if len(ids) + len(rows) > PREVIEW_LIMIT:
        raise ValueError(f"一次最多预览 {PREVIEW_LIMIT} 条。")
    unique = tuple(dict.fromkeys(ids))
    call = Call(
        action,
        by,
        unique,
        params,
        tuple(rows),
        versions=versions,
        source="preview",
        seconds=PREVIEW_SECONDS,
        nested=connection.in_atomic_block,
    )
    values, invalid = _parse(call)
    late: dict[int, Refusal] = {}
    while True:
        try:
            with transaction.atomic():
                raise _Undo(_previewed(call, values, invalid, late))  # noqa: TRY301 - the way to roll back
        except _Undo as undo:
            return undo.outcome
        except RefuseLate as error:
            _accept(error, late)
        except DatabaseError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise TooSlow("别人正在改这条记录，过几秒再预览。") from None
            if isinstance(error.__cause__, TransactionTimeout):
                connection.close()
                raise TooSlow(f"预览超过 {PREVIEW_SECONDS} 秒，已停下。少选一些再看。") from None
            raise


def _previewed(call: Call, values: list[Any], invalid: dict[int, Invalid], late: dict[int, Refusal]) -> Outcome:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PREVIEW_LOCK_MILLISECONDS}ms"])
        outcome = _once(call, values, invalid, late, preview=True)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if outcome.run is not None:
        outcome.changes = history.changes_of(outcome.run)
    return outcome


class _Undo(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def _perform(call: Call) -> Outcome:
    try:
        values, invalid = _parse(call)
    except Invalid as error:
        raise gate.misread(call, error) from None
    outermost = not connection.in_atomic_block
    late: dict[int, Refusal] = {}
    attempt = 1
    while True:
        try:
            with transaction.atomic():
                return _once(replace(call, nested=not outermost), values, invalid, late)
        except RefuseLate as error:
            _accept(error, late)
        except gate.NotHeld as error:
            return Outcome(refused=dict.fromkeys(call.ids or range(len(call.rows)), Refusal(str(error))))
        except DatabaseError as error:  # a transaction timeout is an InternalError
            cause = error.__cause__
            if isinstance(cause, TransactionTimeout):
                connection.close()
                raise TooSlow(f"这次操作超过 {call.seconds} 秒，已停下，没有保存任何内容。少选一些再做。") from None
            if not outermost or attempt == ATTEMPTS or not isinstance(cause, AGAIN):
                raise
            time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter
            attempt += 1


def _accept(error: RefuseLate, late: dict[int, Refusal]) -> None:
    """Perform again without these records; an effect that refuses the same ones again is broken."""
    if not error.problems or error.problems.keys() <= late.keys():
        raise error
    late |= error.problems


def _parse(call: Call) -> tuple[list[dict[str, Any]], dict[int, Invalid]]:
    """Parameters (one dict), or for actions that create one dict a row and the rows that are wrong."""
    if not call.by.may(call.action.may):
        history.note(
            "refused", by=call.by, source=call.source, address=call.address, params={"action": call.action.code}
        )
        raise NotAllowed(f"没有「{call.action.label}」的权限。")
    if not call.action.rows:
        return [call.action.parse(call.params or {})], {}
    if call.parsed:
        return [dict(row) for row in call.rows], {}
    values, invalid = [], {}
    for position, row in enumerate(call.rows):
        try:
            values.append(call.action.parse(row))
        except Invalid as error:
            if len(call.rows) == 1 and not call.action.each:
                raise
            values.append({})
            invalid[position] = error
    return values, invalid


def _once(
    call: Call, values: list[Any], invalid: dict[int, Invalid], late: dict[int, Refusal], *, preview: bool = False
) -> Outcome:
    digest = None if preview or not call.key else requests.digest(call)
    said = gate.Word() if preview else gate.ask(call, values)
    if said.hold:
        return _hold(call, said, digest)
    run = history.open_run(call, params=_public(call, values), digest=digest)
    if run is None:
        return requests.kept_answer(call, digest)
    refused = {**said.refused, **(_hold_parts(call, said, run) if said.parts else {}), **late}
    batch = _batch(call, values, invalid, refused, run, preview=preview)
    if len(batch):
        call.action.body(batch, **({} if call.action.rows else values[0]))
        batch.write(call.action.to)
        try:
            _follow(call, batch)
        except RefuseLate as error:
            error.problems = batch.as_given(error.problems)
            raise
        if not preview:
            batch.finish()
    others = [r.pk for r in (*batch.left, *batch.gone)]
    done = sorted([*batch.ids, *others]) if others else batch.ids
    outcome = Outcome(run if done else None, done, batch.refused)
    if not preview:
        for step in said.after:
            step(run, batch)
        history.close_run(call, outcome)
    return outcome


def _batch(
    call: Call, values: list[Any], invalid: dict[int, Invalid], late: dict[int, Refusal], run: int, *, preview: bool
) -> Batch[Any]:
    common = {"by": call.by, "now": clock.now(), "run": run, "preview": preview, "versions": call.versions}
    wrong = {p: _invalid(error) for p, error in invalid.items()}
    if call.action.creates:
        made: NewBatch[Any] = NewBatch(call.action.model, values, **common)
        made.origins = _origins(call.params or {})
        made.refuse(wrong)
        made.refuse(late)
        return made
    batch: Batch[Any] = Batch(_lock(call), **common)
    if call.action.each:
        batch.rows = dict(zip(call.ids, values, strict=True))
        batch.refuse({call.ids[p]: refusal for p, refusal in wrong.items()})
    batch.refused.update(_absent(call, batch))
    batch.refuse(_unfit(call, batch))
    batch.refuse(late)
    return batch


def _origins(params: Mapping[str, Any]) -> dict[int, Origin]:
    """Of a call that creates: `origins`, position -> (author, moment in ISO)."""
    given = params.get("origins", {})
    return {int(p): Origin(by, datetime.fromisoformat(at) if at else None) for p, (by, at) in given.items()}


def _invalid(error: Invalid) -> Refusal:
    return Refusal(str(error), error.problems[0].field, "invalid", [vars(problem) for problem in error.problems])


def _lock(call: Call) -> list[Any]:
    """Lock by id before any set update: without the order, 146 of 150 opposite runs deadlocked; with it, none."""
    model = call.action.model
    rows = model.objects.filter(model.visible_to(call.by), id__in=call.ids).order_by("id")
    return list(rows.select_for_update(no_key=True, of=("self",)))


def _absent(call: Call, batch: Batch[Any]) -> dict[int, Refusal]:
    found = {record.pk for record in batch.records}
    missing = [i for i in call.ids if i not in found]
    if missing:
        history.note(
            "refused",
            by=call.by,
            source=call.source,
            address=call.address,
            params={"action": call.action.code, "ids": missing[:100]},
        )
    return dict.fromkeys(missing, Refusal(call.action.model.ABSENT, code="missing"))


def _unfit(call: Call, batch: Batch[Any]) -> dict[int, Refusal]:
    """Out of the action's scope, in a wrong state, or changed since the caller looked."""
    action, problems = call.action, {}
    allowed = _within_scope(call, batch)
    for record in batch.records:
        state = getattr(record, "state", None)
        seen = (call.versions or {}).get(record.pk)
        if record.pk not in allowed:
            problems[record.pk] = Refusal(f"你可以看这条记录，但没有「{action.label}」它的权限。", code="forbidden")
        elif not action.allows_state(state):
            label = label_of(getattr(type(record), "STATES", ()), state)
            problems[record.pk] = Refusal(f"状态是「{label}」，不能{action.label}。", "state", "state")
        elif seen is not None and seen != record.version and not action.merges:
            problems[record.pk] = Refusal("这条记录刚被别人改过，看一眼新的内容再操作。", code="stale")
    if forbidden := [i for i, p in problems.items() if p.code == "forbidden"]:
        history.note(
            "refused",
            by=call.by,
            source=call.source,
            address=call.address,
            params={"action": action.code, "ids": forbidden[:100]},
        )
    return problems


def _within_scope(call: Call, batch: Batch[Any]) -> set[int]:
    model, ids = call.action.model, batch.ids
    if call.by.same_scope(call.action.may, model.view_permission()):
        return set(ids)
    condition: Q = model.visible_to(call.by, call.action.may)
    return set(model.objects.filter(condition, id__in=ids).values_list("id", flat=True))


def _follow(call: Call, batch: Batch[Any]) -> None:
    """Events, one a record, in one statement; then their effects."""
    if not batch.records and not batch.gone:
        return
    model = call.action.kind
    states = {r.pk: getattr(r, "state", None) for r in batch.records} | {r.pk: None for r in batch.gone}
    own: list[Emitted] = [
        (call.action.event_name, i, batch.before.get(i), state, batch.said_of(i)) for i, state in states.items()
    ]
    events = own + [e for e in batch.emitted if e[1] in states]
    history.add_events(batch.run, model, events)
    for name in dict.fromkeys(e[0] for e in events):
        for effect in EFFECTS.get(name, ()):
            effect(_happened(name, events, batch))


def _happened(name: str, events: list[Emitted], batch: Batch[Any]) -> Happened:
    mine = [e for e in events if e[0] == name]
    return Happened(
        name,
        [e[1] for e in mine],
        {e[1]: e[2] for e in mine},
        {e[1]: e[3] for e in mine},
        {e[1]: e[4] for e in mine},
        batch.by,
        batch.run,
        batch.now,
        batch.preview,
    )


def _public(call: Call, values: list[Any]) -> Any:
    """The parameters as history keeps them: personal values are left out, they live only under their subject's key."""
    personal = {f.name for f in call.action.shape.fields if f.personal}
    lines = {line.name for line in call.action.shape.lines}
    if call.action.rows:
        return {"rows": len(values)}
    return {k: v for k, v in values[0].items() if k not in personal | lines and v not in (None, "")}


def _hold(call: Call, said: gate.Word, digest: bytes | None) -> Outcome:
    """The whole call waits."""
    hold, number = said.hold, gate.next_number()
    assert hold is not None
    run = history.open_run(call, params={"held": hold.reason}, held=number, digest=digest)
    if run is None:
        return requests.kept_answer(call, digest)
    versions = _versions(call)
    _store(call, said, hold, number, versions)
    told = {"words": hold.words} if hold.words else None
    history.add_events(run, call.action.kind, [(f"{call.action.code}.held", i, None, None, told) for i in versions])
    outcome = Outcome(run, held=number)
    history.close_run(call, outcome)
    return outcome


def _hold_parts(call: Call, said: gate.Word, run: int) -> dict[int, Refusal]:
    """Some records of the call wait, each as a run of its own; the others go on without them."""
    versions, refused = _versions(call), {}
    for record, hold in said.parts.items():
        if record in versions:
            number = gate.next_number()
            _store(replace(call, ids=(record,)), said, hold, number, {record: versions[record]})
            refused[record] = Refusal(hold.reason, code="held", data={"held": number})
    told = [(f"{call.action.code}.held", i, None, None, {"words": said.parts[i].words}) for i in refused]
    history.add_events(run, call.action.kind, told)
    history.resume(run)
    return refused


def _versions(call: Call) -> dict[int, int]:
    model = call.action.model
    return dict(model.objects.filter(model.visible_to(call.by), id__in=call.ids).values_list("id", "version"))


def _store(call: Call, said: gate.Word, hold: gate.Hold, number: int, versions: Mapping[int, int]) -> None:
    raw = {"params": dict(call.params or {}), "rows": [dict(r) for r in call.rows]}
    gate.store(number, call.action, versions, raw, call.by, hold.reason, said.passed)
    if hold.stored:
        hold.stored(number)
