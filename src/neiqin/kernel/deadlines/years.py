"""A year's holidays from a table, from the JSON of the public notice data, or from chinese-calendar; as whole years.

The State Council's notice (国务院办公厅关于…部分节假日安排的通知) usually comes in November of the year before.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import chinese_calendar

from neiqin.kernel.deadlines.models import Day
from neiqin.kernel.fields.formats import BadFormat, clean_text, date_cn

Kind = Day.Kind
KINDS: dict[str, Kind] = {k.label: k for k in Kind} | {k.value: k for k in Kind}
KINDS |= {"上班": Kind.SHIFTED, "班": Kind.SHIFTED, "假日": Kind.HOLIDAY, "放假": Kind.HOLIDAY, "休": Kind.HOLIDAY}
HEADINGS = ("日期", "date")
MOST_PROBLEMS = 10
FIRST_KNOWN = 2020
# 除夕 to 初三, 清明, 端午, 中秋 are statutory (全国年节及纪念日放假办法); 初一 and the other three, by year:
LUNAR = {
    2020: ("01-25", "04-04", "06-25", "10-01"),
    2021: ("02-12", "04-04", "06-14", "09-21"),
    2022: ("02-01", "04-05", "06-03", "09-10"),
    2023: ("01-22", "04-05", "06-22", "09-29"),
    2024: ("02-10", "04-04", "06-10", "09-17"),
    2025: ("01-29", "04-04", "05-31", "10-06"),
    2026: ("02-17", "04-05", "06-19", "09-25"),
}


@dataclass(frozen=True)
class Entry:
    """What is known of one day."""

    date: date
    kind: Kind
    name: str = ""
    statutory: bool = False


class BadYear(ValueError):
    """The table is no year's holidays; the sentences say which row and why."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - MOST_PROBLEMS
        super().__init__("".join(self.problems[:MOST_PROBLEMS]) + (f"还有 {more} 处。" if more > 0 else ""))


def read(text: str, year: int) -> list[Entry]:
    """The days that a table (one day a line: 日期, 类型, and if there are 名称 and 法定) or the JSON names for a year.

    Raises BadYear with a sentence for each row that is wrong.
    """
    entries = _from_json(text, year) if text.lstrip().startswith("{") else _from_table(text)
    problems = []
    seen: dict[date, Entry] = {}
    for row, entry in enumerate(entries, 1):
        if problem := _wrong(entry, seen.get(entry.date), year):
            problems.append(f"第 {row} 行：{problem}")
        seen[entry.date] = entry
    if not problems and not any(e.kind == Kind.HOLIDAY for e in entries):
        problems.append(f"里面没有一天放假。{year} 年的放假通知公布后再导入。")
    if problems:
        raise BadYear(problems)
    return list(seen.values())


def _wrong(entry: Entry, before: Entry | None, year: int) -> str:
    if before is not None and before.kind != entry.kind:
        return f"{entry.date} 出现两次，一次是{before.kind.label}，一次是{entry.kind.label}。"
    if entry.date.year != year:
        return f"{entry.date} 不在 {year} 年。"
    if entry.kind == Kind.SHIFTED and entry.date.weekday() < 5:
        return f"{entry.date} 是周{'一二三四五'[entry.date.weekday()]}，本来就上班，不是调休上班。"
    if entry.kind == Kind.WORKDAY and entry.date.weekday() > 4:
        return f"{entry.date} 是周{'六日'[entry.date.weekday() - 5]}，上班要写「调休上班」。"
    if entry.statutory and entry.kind != Kind.HOLIDAY:
        return f"{entry.date} 标了法定，类型却是{entry.kind.label}。"
    return ""


def _from_table(text: str) -> list[Entry]:
    found, problems = [], []
    lines = [line for line in text.replace("﻿", "").splitlines() if line.strip()]
    if lines and lines[0].strip().lower().startswith(HEADINGS):
        del lines[0]
    for row, line in enumerate(lines, 1):
        cells = [c.strip() for c in line.replace("\t", ",").replace("，", ",").split(",")]
        try:
            found.append(_entry(*cells[:4]))
        except (BadFormat, TypeError) as error:
            said = str(error) if isinstance(error, BadFormat) else "要有日期和类型两列。"
            problems.append(f"第 {row} 行：{said}")
    if problems:
        raise BadYear(problems)
    return found


def _entry(day: str, kind: str, name: str = "", statutory: str = "") -> Entry:
    if kind not in KINDS:
        raise BadFormat(f"类型里没有「{kind[:20]}」，可选 {'、'.join(k.label for k in Kind)}。")
    return Entry(date_cn(day), KINDS[kind], name[:40], statutory in ("是", "1", "true", "True", "√"))


def _from_json(text: str, year: int) -> list[Entry]:
    """The form {"year": …, "days": [{"name", "date", "isOffDay"}, …]}; days of the neighbouring years are left out."""
    try:
        given = json.loads(text)
        days = [
            (date.fromisoformat(d["date"]), bool(d["isOffDay"]), clean_text(str(d.get("name", ""))[:40]))
            for d in given["days"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # of a bad text too: BadFormat
        raise BadYear(["JSON 读不出来。要有 days，每天有 date、isOffDay、name。"]) from None
    if given.get("year", year) != year:
        raise BadYear([f"文件是 {given['year']} 年的，不是 {year} 年的。"])
    # A weekday may be named as worked after all, as on 2020-02-03.
    return [
        Entry(d, Kind.HOLIDAY if off else Kind.SHIFTED if d.weekday() > 4 else Kind.WORKDAY, name)
        for d, off, name in days
        if d.year == year
    ]


def whole(year: int, entries: Iterable[Entry]) -> list[Entry]:
    """All days of the year: those given, the others by their weekday."""
    given = {e.date: e for e in entries}
    first = date(year, 1, 1)
    days = (first + timedelta(days=i) for i in range((date(year + 1, 1, 1) - first).days))
    return [given.get(day) or Entry(day, Kind.WORKDAY if day.weekday() < 5 else Kind.REST) for day in days]


def known_years() -> range:
    """The years that come with the product."""
    return range(FIRST_KNOWN, max(day.year for day in chinese_calendar.constants.workdays) + 1)


def known(year: int) -> list[Entry]:
    """A year as chinese-calendar has it."""
    names: Mapping[str, str] = {h.value: h.chinese for h in chinese_calendar.Holiday}
    statutory = _statutory(year)
    off: dict[date, Any] = chinese_calendar.constants.holidays
    shifted: dict[date, Any] = chinese_calendar.constants.workdays
    entries = [Entry(d, Kind.HOLIDAY, names.get(n, ""), d in statutory) for d, n in off.items() if d.year == year]
    entries += [Entry(d, Kind.SHIFTED, names.get(n, "")) for d, n in shifted.items() if d.year == year]
    return whole(year, entries)


def _statutory(year: int) -> set[date]:
    if year not in LUNAR:
        return set()
    spring, *others = (date.fromisoformat(f"{year}-{day}") for day in LUNAR[year])
    new_rules = year >= 2025  # 除夕 and 5月2日 since then (国务院令第795号)
    days = {date(year, 1, 1), date(year, 5, 1), *(date(year, 10, d) for d in (1, 2, 3)), *others}
    days |= {spring + timedelta(days=i) for i in range(-1 if new_rules else 0, 3)}
    return days | ({date(year, 5, 2)} if new_rules else set())
