"""What happens to clocks without an event of their record: somebody is reminded, or the calendar itself moved."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from neiqin.kernel import clock as clocks
from neiqin.kernel.actions import history
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.deadlines.calendar import WorkCalendar
from neiqin.kernel.deadlines.clocks import KINDS, settle, write
from neiqin.kernel.deadlines.models import Clock, Moved
from neiqin.kernel.people.scope import SYSTEM

REMINDED = "deadlines.reminded"  # the event on the record; its data: clock, kind, share (50 to 200), words
BATCH = 1000
MOST_SHARES = 100


@dataclass(frozen=True)
class Reminder:
    """One clock past a share of its time (0.5, 1.0, …), to be told to the responsible person."""

    clock: int
    kind: str
    label: str
    model: str
    record_id: int
    share: float
    due_at: datetime
    person_id: int | None
    unit_id: int | None
    run: int


LISTENERS: list[Callable[[Sequence[Reminder]], None]] = []
TOLD: list[Callable[[Sequence[Moved]], None]] = []


def on_reminder(listener: Callable[[Sequence[Reminder]], None]) -> None:
    """Register who tells people: called in the transaction that marks the clocks as told."""
    LISTENERS.append(listener)


def on_moved(listener: Callable[[Sequence[Moved]], None]) -> None:
    """Register who tells people that due moments moved: called in the transaction of the calendar's change."""
    TOLD.append(listener)


def remind() -> int:
    """Tell of all clocks past their next share, a thousand a transaction; gives how many. Called every minute.

    Killed in between, the rest is told a minute later; after an outage only the highest share passed is told.
    """
    total = 0
    while count := _remind_some():
        total += count
    return total


@transaction.atomic
def _remind_some() -> int:
    now, cal = clocks.now(), calendar.current()
    due = Clock.objects.filter(next_at__lte=now, stopped_at=None, held_at=None).order_by("id")
    rows = list(due.select_for_update(skip_locked=True)[:BATCH])
    if not rows:
        return 0
    run = history.begin("deadlines.remind", by=SYSTEM, source="worker")
    _refresh(rows)
    _pass(rows, cal, now)
    reminders = []
    for row in rows:
        kind = KINDS.get(row.kind)
        if kind is not None:
            reminders.append(
                Reminder(
                    row.pk,
                    row.kind,
                    kind.label,
                    row.model,
                    row.record_id,
                    kind.remind[row.told - 1],
                    row.due_at,
                    row.person_id,
                    row.unit_id,
                    run,
                )
            )
    write(rows)
    for model in dict.fromkeys(r.model for r in reminders):
        events = [(REMINDED, r.record_id, None, None, _data(r)) for r in reminders if r.model == model]
        history.add_events(run, model, events)
    for listener in LISTENERS:
        listener(reminders)
    return len(rows)


def _pass(rows: Sequence[Clock], cal: WorkCalendar, now: datetime, upto: Mapping[int, int] | None = None) -> None:
    """Count the shares whose moment is behind us as told, `upto` so many of each clock if that is given."""
    most = upto or {}
    while passed := [
        r for r in rows if r.next_at is not None and r.next_at <= now and r.told < most.get(r.pk, MOST_SHARES)
    ]:
        for row in passed:
            row.told += 1
        settle(passed, cal)


def _data(reminder: Reminder) -> dict[str, object]:
    percent = round(reminder.share * 100)
    passed = "到期了" if percent == 100 else f"用了 {percent}% 的时间" if percent < 100 else f"超时，用了 {percent}%"
    words = f"「{reminder.label}」{passed}，期限 {clocks.local(reminder.due_at):%m-%d %H:%M}"
    return {"clock": reminder.clock, "kind": reminder.kind, "share": percent, "words": words}


def _refresh(rows: Sequence[Clock]) -> None:
    """Whoever is responsible now is told, not who was when the clock started."""
    by_kind: dict[str, list[Clock]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    for name, mine in by_kind.items():
        if name in KINDS:
            who = KINDS[name].who([row.record_id for row in mine])
            for row in mine:
                row.person_id, row.unit_id = who.get(row.record_id, (row.person_id, row.unit_id))


def recompute(cal: WorkCalendar, run: int, now: datetime) -> list[Moved]:
    """Bring all open clocks in line with a changed calendar, inside the caller's transaction; gives those that moved.

    A reminder that was given before its new moment will be given again.
    """
    rows = list(Clock.objects.filter(stopped_at=None).order_by("id").select_for_update())
    _refresh(rows)
    before = {row.pk: (row.due_at, row.next_at, row.told) for row in rows}
    running = [row for row in rows if row.held_at is None]
    for row in running:
        row.told = 0
    settle(rows, cal)
    _pass(running, cal, now, upto={row.pk: before[row.pk][2] for row in running})
    changed = [row for row in rows if before[row.pk] != (row.due_at, row.next_at, row.told)]
    moved = [
        Moved(run_id=run, at=now, clock=row, old_due=before[row.pk][0], new_due=row.due_at, person_id=row.person_id)
        for row in changed
        if before[row.pk][0] != row.due_at
    ]
    write(changed)
    Moved.objects.bulk_create(moved)
    for listener in TOLD if moved else ():
        listener(moved)
    return moved
