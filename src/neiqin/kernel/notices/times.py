"""When nobody is disturbed, and when mail that sums up goes out. Wall clock of the company."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from neiqin.kernel import clock

SLOTS = (time(8, 30), time(17, 30))
ONE_DAY = timedelta(days=1)
FURTHEST = 60  # days without a working day


def _weekend(day: date) -> bool:
    return day.weekday() >= 5


_is_quiet: list[Callable[[date], bool]] = [_weekend]


def quiet_days(is_quiet: Callable[[date], bool]) -> None:
    """Set the rule that says on which days nobody is disturbed; without one those are Saturday and Sunday."""
    _is_quiet[:] = [is_quiet]


def is_quiet_day(day: date) -> bool:
    """Is nobody to be disturbed on this day?"""
    return _is_quiet[0](day)


def quiet_hour(at: time, from_: time, until: time) -> bool:
    """Is `at` inside the span, which may go over midnight? Equal ends: never."""
    return from_ <= at < until if from_ < until else at >= from_ or at < until if from_ > until else False


def next_loud(moment: datetime, from_: time, until: time) -> datetime:
    """The first moment not before `moment` that is on no quiet day and outside the quiet hours; in UTC."""
    local = clock.local(moment)
    for _ in range(FURTHEST):
        if is_quiet_day(local.date()):
            local = datetime.combine(local.date() + ONE_DAY, time(), clock.zone())
        elif quiet_hour(local.time(), from_, until):
            day = local.date() + (ONE_DAY if from_ > until and local.time() >= from_ else timedelta())
            local = datetime.combine(day, until, clock.zone())
        else:
            break
    return max(moment, local.astimezone(moment.tzinfo))


def last_slot(moment: datetime) -> datetime | None:
    """Today's latest moment for summing up that has passed; None before the first one and on quiet days."""
    local = clock.local(moment)
    passed = [s for s in SLOTS if s <= local.time()]
    if not passed or is_quiet_day(local.date()):
        return None
    return datetime.combine(local.date(), passed[-1], clock.zone()).astimezone(moment.tzinfo)
