"""Numbers without gaps: KH000001, DD20261122-0001, HT-2026-XS-0001 (practice.md section 2).

`take` locks its series until the transaction ends: that is what makes a rolled back number come back instead of leaving
a gap, and what makes everybody else who wants one wait. So numbers are taken by the last statement of an action: with
8 clients 1,490 actions a second against 195 when they are taken first (ARCHITECTURE section 3).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from neiqin.kernel import clock
from neiqin.kernel.numbering.models import Series

MOST_AT_ONCE = 100_000


class NotOfThisPattern(ValueError):
    """A number that the pattern cannot have made. `sentence` is for people."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Pattern:
    """How the numbers of one kind of document look.

    code: 1 to 12 upper-case letters or digits, also the name of the series. digits: least digits of the counter; it
    grows past them rather than stop. by_year, by_month, by_day: the period in which counting starts anew, at most one.
    infix: a fixed part before the counter (XS in HT-2026-XS-0001). Two patterns with the same code and different infix
    are two series.
    """

    code: str
    digits: int = 4
    by_year: bool = False
    by_month: bool = False
    by_day: bool = False
    infix: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z0-9]{1,12}", self.code) or not re.fullmatch(r"[A-Z0-9]*", self.infix):
            raise ValueError(f"code and infix are upper-case letters and digits: {self.code!r}, {self.infix!r}")
        if self.by_year + self.by_month + self.by_day > 1 or not 1 <= self.digits <= 18:
            raise ValueError("a pattern has one period at most and 1 to 18 digits")
        if len(self.series) > 24:
            raise ValueError(f"code and infix together have at most 23 characters: {self.series}")

    @property
    def series(self) -> str:
        """The name of the series in the database."""
        return f"{self.code}-{self.infix}" if self.infix else self.code

    def period(self, on: date) -> str:
        """The counting period that this business date falls into: "", "2026", "202611" or "20261122"."""
        if self.by_day:
            return f"{on:%Y%m%d}"
        if self.by_month:
            return f"{on:%Y%m}"
        return f"{on:%Y}" if self.by_year else ""

    def prefix(self, period: str) -> str:
        """What stands before the counter."""
        if self.infix or self.by_year:
            return "-".join(filter(None, (self.code, period, self.infix))) + "-"
        return f"{self.code}{period}-" if period else self.code

    def write(self, period: str, number: int) -> str:
        """DD20261122-0001."""
        return f"{self.prefix(period)}{number:0{self.digits}d}"

    def read(self, text: str) -> tuple[str, int]:
        """A number of this pattern -> its period and counter. NotOfThisPattern: it has another shape."""
        length = 8 if self.by_day else 6 if self.by_month else 4 if self.by_year else 0
        before, after = self.prefix("#" * length).split("#" * length) if length else (self.prefix(""), "")
        shape = f"{re.escape(before)}([0-9]{{{length}}}){re.escape(after)}([0-9]{{{self.digits},18}})"
        found = re.fullmatch(shape, text.strip().upper())
        if not found or int(found[2]) == 0:
            example = self.write("20261122"[:length], 1)
            raise NotOfThisPattern(
                _("「%(text)s」不是这种编号，编号形如 %(example)s。照最后一张单据上的编号填写。")
                % {"text": text.strip()[:40], "example": example}
            )
        return found[1], int(found[2])


_TAKE = """
INSERT INTO numbering_series AS s (code, entity_id, period, next) VALUES (%s, %s, %s, 1 + %s)
ON CONFLICT (code, entity_id, period) DO UPDATE SET next = s.next + EXCLUDED.next - 1
RETURNING next
"""
_CONTINUE = """
INSERT INTO numbering_series AS s (code, entity_id, period, next) VALUES (%s, %s, %s, %s)
ON CONFLICT (code, entity_id, period) DO UPDATE SET next = GREATEST(s.next, EXCLUDED.next)
RETURNING next
"""


def take(pattern: Pattern, count: int, on: date, entity_id: int = 1) -> list[str]:
    """The next `count` numbers (0 to 100,000) of the period of business date `on`, consecutive, in one statement.

    Call it last in the transaction, and where several series are needed, in the order of their codes: the series stays
    locked until commit. A rollback, also to a savepoint, gives the numbers back. Outside a transaction the numbers are
    used up at once, whatever happens to the document.
    """
    if not 0 <= count <= MOST_AT_ONCE:
        raise ValueError(f"0 to {MOST_AT_ONCE} numbers at once, not {count}")
    if not count:
        return []
    period = pattern.period(on)
    after = _next(_TAKE, [pattern.series, entity_id, period, count])
    return [pattern.write(period, number) for number in range(after - count, after)]


def assign(records: Sequence[Any], column: str, pattern: Pattern, on: date, entity_id: int = 1) -> None:
    """Number saved records of one model, in order: takes the numbers and writes them, two statements for any number.

    The last thing a transaction does, like `take`.
    """
    if not records:
        return
    numbers = take(pattern, len(records), on, entity_id)
    table = records[0]._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{table}" t SET "{column}" = v.number FROM unnest(%s::bigint[], %s::text[]) AS v (id, number) '
            "WHERE t.id = v.id",
            [[record.pk for record in records], numbers],
        )
    for record, number in zip(records, numbers, strict=True):
        setattr(record, column, number)


@dataclass(frozen=True)
class Numbers:
    """The number column of a model and its series, as `creating` wants them; numbers are of today's period."""

    column: str
    pattern: Pattern

    def give(self, records: Sequence[Any]) -> None:
        """Number records that are about to be saved."""
        for record, number in zip(records, take(self.pattern, len(records), clock.today()), strict=True):
            setattr(record, self.column, number)

    def assign(self, records: Sequence[Any]) -> None:
        """Number records that are saved, as the last thing."""
        assign(records, self.column, self.pattern, clock.today())


def upcoming(pattern: Pattern, on: date, entity_id: int = 1) -> str:
    """The number that the next document of this business date would get if it came now; nothing is taken."""
    period = pattern.period(on)
    row = Series.objects.filter(code=pattern.series, entity_id=entity_id, period=period).first()
    return pattern.write(period, row.next if row else 1)


def continue_from(pattern: Pattern, last_number: str, entity_id: int = 1) -> int:
    """Go on after the last number of the system used before -> the counter that comes next in that number's period.

    Never goes back: if this series is already further, it stays. NotOfThisPattern: the number has another shape.
    """
    period, number = pattern.read(last_number)
    return _next(_CONTINUE, [pattern.series, entity_id, period, number + 1])


def _next(statement: str, parameters: list[str | int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.fetchone()[0])
