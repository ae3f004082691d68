"""Clocks: declared as data by modules, started, held and stopped by the events of their records, set-wise.

An event's effect writes in the event's own transaction, so a clock runs exactly if its record is in that state.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.apps import apps
from django.db import connection

from neiqin.kernel import clock as clocks
from neiqin.kernel.actions import effects
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.deadlines.calendar import WorkCalendar
from neiqin.kernel.deadlines.models import Clock as Row

KINDS: dict[str, "Clock"] = {}
Responsible = Callable[[Sequence[int]], Mapping[int, tuple[int | None, int | None]]]


@dataclass(frozen=True)
class Clock:
    """A deadline of one kind of record.

    name: `<app>.<what>`; label: what is to be done, in Chinese; on: the event that starts it (full name, its first two
    parts are the model); until: events that end it, met or late; cancel: events after which it no longer matters;
    hold and resume: events that stop it for a while (the reason is the event's) and let it go on.
    One of minutes (working time), working_days (by the close of that day) and allowed, which gives the minutes of each
    record, a record left out having no clock. remind: shares of the time at which somebody is told.
    responsible: record ids -> (person, unit); by default the record's owner and unit.
    """

    name: str
    label: str
    on: str
    until: tuple[str, ...]
    cancel: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    minutes: int | None = None
    working_days: int | None = None
    allowed: Callable[[Happened], Mapping[int, int]] | None = None
    remind: tuple[float, ...] = (0.5, 1.0, 1.5, 2.0)
    responsible: Responsible | None = None

    @property
    def model(self) -> str:
        return ".".join(self.on.split(".")[:2])

    def plug(self) -> None:
        """Make the kind known and bind its effects. Raises ValueError for a second one of the name."""
        if self.name in KINDS:
            raise ValueError(f"clock {self.name} is declared twice")
        if sum(way is not None for way in (self.minutes, self.working_days, self.allowed)) != 1:
            raise ValueError(f"clock {self.name} needs one of minutes, working_days, allowed")
        KINDS[self.name] = self
        for events, effect in (
            ((self.on,), start), (self.until, stop), (self.cancel, drop), (self.hold, hold), (self.resume, resume),
        ):  # fmt: skip
            for event in events:
                effects.on(event, partial(effect, self))

    def who(self, ids: Sequence[int]) -> Mapping[int, tuple[int | None, int | None]]:
        """The responsible person and unit of each record, now."""
        if self.responsible is not None:
            return self.responsible(ids)
        rows = apps.get_model(self.model).objects.filter(pk__in=ids).values_list("pk", "owner_id", "unit_id")
        return {pk: (owner, unit) for pk, owner, unit in rows}


def start(kind: Clock, happened: Happened) -> None:
    """A clock for each record that has none of this kind running."""
    cal = calendar.current()
    allowed = kind.allowed(happened) if kind.allowed else dict.fromkeys(happened.ids, kind.minutes)
    ids = [i for i in happened.ids if i in allowed]
    who = kind.who(ids)
    rows = []
    for record in ids:
        person, unit = who.get(record, (None, None))
        row = Row(
            kind=kind.name, model=kind.model, record_id=record, started_at=happened.now, minutes=allowed[record],
            days=kind.working_days, person_id=person, unit_id=unit,
        )  # fmt: skip
        rows.append(row)
    settle(rows, cal)
    Row.objects.bulk_create(rows, ignore_conflicts=True)


def stop(kind: Clock, happened: Happened) -> None:
    """Met or late. A held clock stood still since it was held."""
    late, met = Row.State.LATE, Row.State.MET
    _end(kind, happened, f"CASE WHEN due_at < coalesce(held_at, %(now)s) THEN '{late}' ELSE '{met}' END")


def drop(kind: Clock, happened: Happened) -> None:
    """The record needs it no longer; counted neither as met nor as late."""
    _end(kind, happened, f"'{Row.State.DROPPED}'")


def hold(kind: Clock, happened: Happened) -> None:
    """Stand still; nobody is reminded. The event's reason is kept."""
    rows = list(_open(kind, happened.ids).filter(held_at=None))
    for row in rows:
        data = happened.data.get(row.record_id) or {}
        row.state, row.held_at, row.next_at = Row.State.HELD, happened.now, None
        row.reason = str(data.get("reason") or data.get("note") or "")[:200]
        row.holds = [*row.holds, [happened.now.isoformat(), None]]
    write(rows)


def resume(kind: Clock, happened: Happened) -> None:
    """Go on; the due moment moves by the working time that was held."""
    cal = calendar.current()
    rows = list(_open(kind, happened.ids).exclude(held_at=None))
    for row in rows:
        row.holds = [*row.holds[:-1], [row.holds[-1][0], happened.now.isoformat()]]
        row.state, row.held_at, row.reason = Row.State.RUNNING, None, ""
    settle(rows, cal)
    write(rows)


def settle(rows: Iterable[Row], cal: WorkCalendar) -> None:
    """Fill due_at and next_at from what was allowed, the holds that ended and the reminders behind us.

    What is the same for many rows, as for those of one run, is computed once.
    """
    found: dict[Any, tuple[datetime, datetime | None]] = {}
    for row in rows:
        key = (row.kind, row.started_at, row.minutes, row.days, row.told, str(row.holds))
        if key not in found:
            found[key] = _moments(row, cal)
        row.due_at, row.next_at = found[key]


def _moments(row: Row, cal: WorkCalendar) -> tuple[datetime, datetime | None]:
    base, held = _base(row, cal), _held(row, cal)
    shares = KINDS[row.kind].remind if row.kind in KINDS else ()
    due = cal.add_working_time(base, held)
    if row.held_at is not None or row.told >= len(shares):
        return due, None
    length = cal.working_time_between(row.started_at, base)
    return due, cal.add_working_time(row.started_at, length * shares[row.told] + held)


def _base(row: Row, cal: WorkCalendar) -> datetime:
    """When it would be due if it had never been held."""
    if row.minutes is not None:
        return cal.add_working_time(row.started_at, row.minutes)
    return cal.end_of_day(cal.add_working_days(clocks.local(row.started_at).date(), row.days or 0))


def _held(row: Row, cal: WorkCalendar) -> timedelta:
    ended = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row.holds if b]
    return sum((cal.working_time_between(a, b) for a, b in ended), timedelta())


def _open(kind: Clock, ids: Iterable[int]) -> Any:
    return Row.objects.filter(kind=kind.name, model=kind.model, record_id__in=list(ids), stopped_at=None)


def _end(kind: Clock, happened: Happened, state: str) -> None:
    """By hand, as most actions end some clock and Django takes longer to put the statement together than it runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE deadlines_clock SET state = {state}, stopped_at = %(now)s, next_at = NULL "
            "WHERE kind = %(kind)s AND model = %(model)s AND record_id = ANY(%(ids)s) AND stopped_at IS NULL",
            {"now": happened.now, "kind": kind.name, "model": kind.model, "ids": list(happened.ids)},
        )


COLUMNS = ("state", "due_at", "next_at", "told", "held_at", "reason", "holds", "person_id", "unit_id")


def write(rows: Sequence[Row]) -> None:
    """Bring what may change of open clocks to the table, in one statement."""
    if not rows:
        return
    fields = {f.attname: f for f in Row._meta.concrete_fields}
    arrays: list[Any] = [[row.pk for row in rows]]
    arrays += [[fields[n].get_db_prep_save(getattr(row, n), connection) for row in rows] for n in COLUMNS]
    types = "".join(f", %s::{fields[n].db_type(connection)}[]" for n in COLUMNS)
    names = ", ".join(COLUMNS)
    sets = ", ".join(f"{n} = v.{n}" for n in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE deadlines_clock t SET {sets} FROM unnest(%s::bigint[]{types}) AS v (id, {names}) "
            "WHERE t.id = v.id",
            arrays,
        )
