"""Spans of business days that figures are computed for, with the one before and the same one last year."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
KINDS = ("day", "week", "month", "quarter", "year", "statement", "spring")


@dataclass(frozen=True)
class Period:
    """first and last day, both in.

    kind: day, week (from Monday), month, quarter, year, statement (对账月: from the day after `cut` of the month before
    to `cut`, 26 to 25 by default) or spring (1-2月合并, since the Spring Festival moves between the two).
    """

    kind: str
    first: date
    last: date
    cut: int = 25

    @property
    def span(self) -> str:
        """As list filters take it: 2026-11-01..2026-11-30."""
        return f"{self.first}..{self.last}"

    @property
    def label(self) -> str:
        """In words: 2026年11月, 2026年第4季度, 2026年11月（10-26 到 11-25）."""
        day = self.last
        return {
            "day": f"{day.year}年{day.month}月{day.day}日",
            "week": f"{self.first:%Y-%m-%d} 到 {day:%m-%d}",
            "month": f"{day.year}年{day.month}月",
            "quarter": f"{day.year}年第{(day.month + 2) // 3}季度",
            "year": f"{day.year}年",
            "statement": f"{day.year}年{day.month}月（{self.first:%m-%d} 到 {day:%m-%d}）",
            "spring": f"{day.year}年{self.first.month}-{day.month}月",
        }[self.kind]

    @property
    def previous(self) -> "Period":
        """The one just before, for 环比. Before 1-2月 are November and December."""
        if self.kind == "spring":
            return Period("spring", *_months(self.first, -2, 2))
        return period(self.kind, self.first - DAY, self.cut)

    @property
    def last_year(self) -> "Period":
        """The same one a year before, for 同比: a week 52 weeks before, 29 February against the 28th."""
        if self.kind == "week":
            return Period("week", self.first - 52 * 7 * DAY, self.last - 52 * 7 * DAY)
        if self.kind == "spring":
            return Period("spring", *_months(self.first, -12, 2))
        year, month = self.last.year - 1, self.last.month
        return period(self.kind, date(year, month, min(self.last.day, _length(year, month))), self.cut)


def period(kind: str, day: date, cut: int = 25) -> Period:
    """The period of a kind in which a day lies; 1-2月 of its year. cut: the last day of a statement month, 1 to 28."""
    if kind == "day":
        return Period(kind, day, day)
    if kind == "week":
        monday = day - day.weekday() * DAY
        return Period(kind, monday, monday + 6 * DAY)
    if kind == "statement":
        if not 1 <= cut <= 28:
            raise ValueError(f"statement months end on day 1 to 28, not {cut}")
        ends = day.replace(day=cut) if day.day <= cut else _months(day, 1, 1)[0].replace(day=cut)
        return Period(kind, _months(ends, -1, 1)[0].replace(day=cut) + DAY, ends, cut)
    if kind == "spring":
        return Period(kind, *_months(date(day.year, 1, 1), 0, 2))
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    return Period(kind, *_months(day.replace(month=(day.month - 1) // months * months + 1, day=1), 0, months))


def _months(day: date, offset: int, count: int) -> tuple[date, date]:
    """First and last day of `count` months beginning `offset` months after the day's."""
    first, last = day.year * 12 + day.month - 1 + offset, day.year * 12 + day.month + offset + count - 2
    return date(first // 12, first % 12 + 1, 1), date(last // 12, last % 12 + 1, _length(last // 12, last % 12 + 1))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
