"""Working time: which days are worked (调休 included), office hours with lunch, and sums over both.

`WorkCalendar` is a value without a database; `current()` is the company's, read again once its version has moved.
Days are business dates of the company, moments are aware.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.deadlines.models import WORKED, Day, Office

ONE_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FURTHEST = 366 * 60  # days: a calendar without a working day must not be searched for ever
Hours = tuple[tuple[time, time], ...]


@dataclass(frozen=True)
class WorkCalendar:
    """days: date -> is it worked, for the days of published years; hours: office hours in order, lunch left out."""

    days: Mapping[date, bool]
    hours: Hours
    zone: ZoneInfo = field(default_factory=clock.zone)
    _opened: dict[date, list[tuple[datetime, datetime]]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def published_years(self) -> frozenset[int]:
        """The years of which all days are known; others go by the weekday."""
        return frozenset(day.year for day in self.days if (day.month, day.day) == (7, 1))

    @cached_property
    def day_length(self) -> timedelta:
        """The working time of one day."""
        return sum((_span(a, b) for a, b in self.hours), timedelta())

    def is_workday(self, day: date) -> bool:
        """Is this day worked? In a year not yet published: is it Monday to Friday?"""
        return self.days.get(day, day.weekday() < 5)

    def add_working_days(self, day: date, count: int) -> date:
        """The count-th working day after `day` (before it, if negative); zero gives `day` itself.

        Vectors: practice of 调休, 2026-09-30 + 3 is Saturday 2026-10-10.
        """
        step = ONE_DAY if count > 0 else -ONE_DAY
        left, steps = abs(count), 0
        while left:
            day, steps = day + step, steps + 1
            left -= self.is_workday(day)
            if steps > FURTHEST + abs(count) * 7:
                raise ValueError("the calendar has no working days")
        return day

    def count_working_days(self, first: date, last: date) -> int:
        """Working days from `first` to `last`, both counted; none if `last` is earlier."""
        return sum(self.is_workday(first + timedelta(days=i)) for i in range((last - first).days + 1))

    def end_of_day(self, day: date) -> datetime:
        """When the office closes on a day, in UTC."""
        return self._moment(day, self.hours[-1][1])

    def add_working_time(self, moment: datetime, length: timedelta | int) -> datetime:
        """The moment at which `length` (minutes, or a timedelta) of office hours has passed since `moment`; in UTC.

        Zero gives `moment` itself; what ends with the office ends at its closing, not at the next opening. Negative
        goes back: the latest moment from which as much has passed.
        """
        length = length * MINUTE if isinstance(length, int) else length
        if length < timedelta():
            return self._back(moment, -length)
        day, left = moment.astimezone(self.zone).date(), length
        for _ in range(FURTHEST):
            if not left:
                break
            for opens, closes in self._open(day):
                begun = max(opens, moment)
                if begun < closes and left:
                    taken = min(left, closes - begun)
                    moment, left = begun + taken, left - taken
            day += ONE_DAY
        return moment.astimezone(UTC)

    def working_time_between(self, one: datetime, other: datetime) -> timedelta:
        """Office hours between two moments; negative if `other` is earlier."""
        if other < one:
            return -self.working_time_between(other, one)
        first, last = one.astimezone(self.zone).date(), other.astimezone(self.zone).date()
        total = self._on(first, one, other)
        if first == last:
            return total
        return (
            total
            + self._on(last, one, other)
            + self.day_length * self.count_working_days(first + ONE_DAY, last - ONE_DAY)
        )

    def working_minutes_between(self, one: datetime, other: datetime) -> int:
        """As working_time_between, in whole minutes; a begun minute does not count."""
        found = self.working_time_between(one, other)
        return found // MINUTE if found >= timedelta() else -(-found // MINUTE)

    def _back(self, moment: datetime, left: timedelta) -> datetime:
        day = moment.astimezone(self.zone).date()
        for _ in range(FURTHEST):
            if not left:
                break
            for opens, closes in reversed(self._open(day)):
                ended = min(closes, moment)
                if opens < ended and left:
                    taken = min(left, ended - opens)
                    moment, left = ended - taken, left - taken
            day -= ONE_DAY
        return moment.astimezone(UTC)

    def _on(self, day: date, one: datetime, other: datetime) -> timedelta:
        spans = (min(b, other) - max(a, one) for a, b in self._open(day))
        return sum((s for s in spans if s > timedelta()), timedelta())

    def _open(self, day: date) -> list[tuple[datetime, datetime]]:
        found = self._opened.get(day)
        if found is None:
            hours = self.hours if self.is_workday(day) else ()
            found = self._opened[day] = [(self._moment(day, a), self._moment(day, b)) for a, b in hours]
        return found

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def parse_hours(text: str) -> Hours:
    """「9:00-12:00，13:00-18:00」 as office hours. Raises ValueError with a Chinese sentence."""
    found: list[tuple[time, time]] = []
    for part in text.replace("，", ",").replace("：", ":").replace("、", ",").replace(" ", "").split(","):
        ends = part.replace("—", "-").replace("~", "-").replace("至", "-").split("-")
        try:
            opens, closes = map(_time, ends)
        except (ValueError, TypeError):
            raise ValueError(f"「{part[:20]}」看不出是几点到几点，写成 09:00-12:00,13:00-18:00。") from None
        if opens >= closes or (found and opens < found[-1][1]):
            raise ValueError(f"「{part}」早于前面的时间。按先后写，一段结束了再写下一段。")
        found.append((opens, closes))
    return tuple(found)


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def write_hours(hours: Hours) -> str:
    """The canonical text of office hours: 09:00-12:00,13:00-18:00."""
    return ",".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in hours)


_kept: dict[str, tuple[int, WorkCalendar]] = {}


def current() -> WorkCalendar:
    """The company's calendar as of now: one small query, and all days again only after they have changed."""
    name = connection.settings_dict["NAME"]
    version, hours = Office.objects.values_list("version", "hours").get()
    if name not in _kept or _kept[name][0] != version:
        _kept[name] = (version, load(hours))
    return _kept[name][1]


def load(hours: str) -> WorkCalendar:
    """The calendar of the table's days under the given office hours, past the cache."""
    days = Day.objects.values_list("date", "kind")
    return WorkCalendar({day: kind in WORKED for day, kind in days}, parse_hours(hours))


def is_workday(day: date) -> bool:
    """Is this day worked by the company?"""
    return current().is_workday(day)


def published(year: int) -> bool:
    """Are the holidays of this year known, or does it go by weekdays yet?"""
    return year in current().published_years


def add_working_days(day: date, count: int) -> date:
    """See WorkCalendar.add_working_days."""
    return current().add_working_days(day, count)


def count_working_days(first: date, last: date) -> int:
    """See WorkCalendar.count_working_days."""
    return current().count_working_days(first, last)


def add_working_time(moment: datetime, minutes: int) -> datetime:
    """See WorkCalendar.add_working_time."""
    return current().add_working_time(moment, minutes)


def working_minutes_between(one: datetime, other: datetime) -> int:
    """See WorkCalendar.working_minutes_between."""
    return current().working_minutes_between(one, other)


def _span(opens: time, closes: time) -> timedelta:
    return datetime.combine(date.min, closes) - datetime.combine(date.min, opens)
