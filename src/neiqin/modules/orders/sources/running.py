"""Pulling by itself: the folder `inbox/orders` each minute, the installation's sources in a job each when due.

A file is taken, that is committed and its mark kept, and only then it is moved away: killed in between, it is seen to
be taken already, and taking an order twice does nothing anyway.
"""

import logging
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError

from neiqin.kernel import clock
from neiqin.kernel.files import store
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.notices.tell import MAIL, Kind, tell
from neiqin.kernel.people.safety import holders
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.orders import taking
from neiqin.modules.orders.models import Pull, PullSource
from neiqin.modules.orders.sources.configured import Misconfigured, Source, sources
from neiqin.modules.orders.sources.connector import Connector, Fetched, Found, Left, Told, Trouble
from neiqin.modules.orders.sources.folder import Folder

logger = logging.getLogger("neiqin.orders")
JOB = "orders.pull"
TROUBLE = Kind("orders.source", "取单的来源出了问题", MAIL)
ADMINISTERS = "notices.channels"  # who sets up what the system is connected with
INBOX, SETTINGS = "文件夹", "来源设置"
LONGEST_REST = timedelta(hours=1)
BROKEN = "取的时候出错了，放到一边，原因在系统的日志里。"


def inbox() -> Path:
    """Where files are put to be taken by themselves: `inbox/orders` in the data folder."""
    return Path(settings.FILES).parent / "inbox" / "orders"


def every_minute() -> int:
    """Take what lies in the folder, ask for the sources that are due; gives how many files the folder had."""
    for source in _configured():
        due = PullSource.objects.filter(name=source.name).values_list("next_at", flat=True).first()
        if due is None or due <= clock.now():
            defer(JOB, key=source.name, lock=f"{JOB}:{source.name}", source=source.name)
    return pull(Source(INBOX, lambda: Folder(inbox())))


@job(JOB, attempts=1)
def pull_named(source: str) -> None:
    """Pull from the configured source of this name, if it still is one. Repeatable."""
    for one in _configured():
        if one.name == source:
            pull(one)


def pull(source: Source) -> int:
    """One visit: take every file that has not been taken; gives how many. Trouble is told once, until it is over."""
    row = PullSource.objects.filter(name=source.name).first() or PullSource(name=source.name)
    count = 0
    try:
        with closing(source.open()) as connector:
            there = connector.look(row.marks)
            for found in there:
                count += _pull_one(connector, found, row)
            gone = row.marks.keys() - {found.key for found in there}
            row.marks = {k: v for k, v in row.marks.items() if k not in gone}
    except (Trouble, Left) as problem:
        note_trouble(row, str(problem), source.minutes)
        return count
    if source.name != INBOX or row.pk:  # an office that uses no folder needs no row for it
        row.problem, row.failures, row.looked_at = "", 0, clock.now()
        row.next_at = clock.now() + timedelta(minutes=source.minutes, seconds=-30)  # the minutes of the worker wobble
        row.save()
    return count


def note_trouble(row: PullSource, problem: str, minutes: int = 1) -> None:
    """Keep it, rest longer after each time (a wrong password tried each minute locks a login), and tell it if it is
    new: on the page, and to who administers."""
    new = not row.problem
    row.problem, row.looked_at = problem[:500], clock.now()
    row.failures = min(row.failures + 1, 20)
    rest = max(min(timedelta(minutes=2**row.failures), LONGEST_REST), timedelta(minutes=minutes))
    row.next_at = clock.now() + rest
    row.save()
    if not new:
        return
    logger.warning("source %s: %s", row.name, problem)
    Pull.objects.create(name=row.name, at=clock.now(), words=f"{taking.NOT_TAKEN}{problem}")
    key = f"source-{row.pk}-{clock.now():%Y%m%d%H%M}"
    tell(holders(ADMINISTERS), f"取单的来源「{row.name}」出了问题", problem, kind=TROUBLE.name, key=key)


def _configured() -> list[Source]:
    """The sources, none while their file cannot be used; that is told once."""
    row = PullSource.objects.filter(name=SETTINGS).first()
    try:
        found = sources(settings.ORDER_SOURCES)
    except Misconfigured as error:
        row = row or PullSource(name=SETTINGS)
        if row.problem != str(error):
            row.problem = ""  # another mistake is news
            note_trouble(row, str(error))
        return []
    if row is not None:
        row.delete()
    return found


def _pull_one(connector: Connector, found: Found, row: PullSource) -> bool:
    known, mark = row.marks.get(found.key, ""), found.mark
    if mark and mark == known:
        return False
    try:
        fetched = connector.fetch(found, known)
        if fetched is None or fetched.mark == known:
            return False
        mark = fetched.mark
        told, taken = _take(found, fetched)
    except Left as left:
        mark = mark or f"left:{left}"
        if mark == known:
            return False
        words = f"{taking.NOT_TAKEN}{left}"
        Pull.objects.create(name=found.name[:200], at=clock.now(), words=words)
        told, taken = Told(words), False
    row.marks[found.key] = mark
    row.save()
    (connector.done if taken else connector.set_aside)(found, told)
    return True


def _take(found: Found, fetched: Fetched) -> tuple[Told, bool]:
    """What became of a file, and whether it was one that could be read."""
    try:
        pull = taking.take_and_keep(fetched.content, found.name, SYSTEM)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the file waits
    except Exception:
        logger.exception("platform file %s", found.name)  # one bad file must not keep the others from being taken
        raise Left(BROKEN) from None
    workbook = b"".join(store.pieces_of(pull.file)) if pull.file is not None else b""
    return Told(pull.words, pull.problems, workbook), pull.taken
