"""What goes on in the background: reactions to events, sealing, next months' partitions, alarms.

Everything here may be killed at any moment and started again; nothing is lost and nothing is done half.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db import Error, connection, transaction

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.effects import HOURLY, MINUTELY, REACTIONS
from neiqin.kernel.actions.models import Cursor, Era, Event

logger = logging.getLogger("neiqin.worker")
_due: dict[str, float] = {}  # when a reaction that failed is tried again

SEAL_SECONDS = 5
MAINTENANCE_SECONDS = 3600
TICK_SECONDS = 60
BATCH = 1000
LONGEST_PAUSE = 300.0
END = 2**63 - 1
ALARM_LAG = timedelta(minutes=5)


def run() -> None:
    """Work until SIGTERM or SIGINT. A database that is away is waited for."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sealed_at = ticked_at = maintained_at = float("-inf")  # the monotonic clock may begin with the machine
    while not stop.is_set():
        try:
            if time.monotonic() - maintained_at > MAINTENANCE_SECONDS:
                maintain()
                do_each(HOURLY)
                maintained_at = time.monotonic()
            if time.monotonic() - ticked_at > TICK_SECONDS:
                do_each(MINUTELY)
                ticked_at = time.monotonic()
            busy = react_once()
            if time.monotonic() - sealed_at > SEAL_SECONDS:
                seal_all()
                sealed_at = time.monotonic()
            stop.wait(0.05 if busy else 0.5)
        except Error as error:
            logger.warning("database away, waiting: %s", str(error).splitlines()[0])
            connection.close()
            stop.wait(1)
    connection.close()


def seal_all() -> int:
    """Seal until nothing settled is left. A failure is loud: it is logged as an error and shown by doctor."""
    total = 0
    try:
        while count := seals.seal():
            total += count
        if (late := seals.lag()) > ALARM_LAG:
            logger.error("history is unsealed since %s: a transaction holds it up", late)
    except Error:
        logger.exception("sealing failed")
        raise
    return total


def maintain() -> None:
    """Make the partitions of the coming months; complain if the default partition had to be used.

    A new partition needs the table alone for a moment: behind a running backup or verify all writers would queue, so it
    gives up soon and comes back in an hour. A failure is loud, and never keeps sealing from going on.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM kernel_default_used()")
        for (table,) in cursor.fetchall():
            logger.error("rows of %s are in its default partition: a month was missing", table)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            cursor.execute("SELECT kernel_make_partitions(3)")
    except Error as error:
        logger.error("partitions were not made: %s", str(error).splitlines()[0])  # noqa: TRY400 - one line
        if connection.connection is None or connection.connection.closed:
            raise


def do_each(jobs: Iterable[Callable[[], object]]) -> None:
    """The modules' jobs of the hour or minute; one that fails does not keep the others from their turn."""
    for job in jobs:
        try:
            job()
        except Exception:
            logger.exception("job %s failed", getattr(job, "__name__", job))


def react_once() -> bool:
    """Give each reaction its next events, at most 1,000, oldest first. True if any had work."""
    return any([_react(name) for name in REACTIONS])


def _react(name: str) -> bool:
    names, reaction = REACTIONS[name]
    if time.monotonic() < _due.get(name, 0):
        return False
    latest = Era.objects.order_by("-id").values_list("id", flat=True)[0]
    Cursor.objects.get_or_create(name=name, defaults={"era_id": latest, "xid": 0})
    try:
        with transaction.atomic():
            cursor = Cursor.objects.select_for_update(skip_locked=True).filter(name=name).first()
            if cursor is None:
                return False
            # What a closed era still holds comes first: after a restore nothing is passed over.
            following = Era.objects.filter(id__gt=cursor.era_id).order_by("id").first()
            events, upto = _next_events(cursor, _horizon() if following is None else END, names, following)
            if events:
                reaction(events)
            where = {"xid": upto} if following is None or upto < END else {"era_id": following.pk, "xid": 0}
            if upto != cursor.xid or cursor.problem:
                Cursor.objects.filter(pk=cursor.pk).update(**where, failures=0, problem="")
            return bool(events)
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise
        _failed(name, error)
        return False


def _failed(name: str, error: Exception) -> None:
    """Told by log and doctor, tried again after a longer pause each time; the other reactions and sealing go on."""
    logger.exception("reaction %s failed", name)
    cursor = Cursor.objects.get(name=name)
    Cursor.objects.filter(name=name).update(failures=cursor.failures + 1, problem=repr(error)[:500])
    _due[name] = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** min(cursor.failures, 20))


def _horizon() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return int(cursor.fetchone()[0])


def _next_events(cursor: Cursor, horizon: int, names: frozenset[str], following: Era | None) -> tuple[list[Event], int]:
    """Events of whole transactions only: a transaction's events are never split between two calls."""
    first = Era.objects.values_list("first_event", flat=True).get(pk=cursor.era_id)
    span = (
        "FROM actions_event WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8 "
        "AND id >= %s AND id < %s AND name = ANY(%s) ORDER BY xid, id"
    )
    rows: list[Any] = [first, END if following is None else following.first_event, list(names)]
    with connection.cursor() as sql:
        sql.execute(f"SELECT id, xid::text::bigint {span} LIMIT %s", [cursor.xid, horizon, *rows, BATCH])
        found = sql.fetchall()
        upto = horizon
        if len(found) == BATCH:
            upto = found[-1][1] if found[-1][1] != found[0][1] else found[-1][1] + 1
            sql.execute(f"SELECT id, xid::text::bigint {span}", [cursor.xid, upto, *rows])
            found = sql.fetchall()
    return list(Event.objects.filter(id__in=[row for row, _ in found]).order_by("id")), upto
