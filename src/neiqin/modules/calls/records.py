"""Call-record files of telephone systems as one neutral form. Pure: no database. What the systems call their columns,
and how they say that nobody answered, is data (`records.json`)."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.exchange.columns import Target, match
from neiqin.kernel.exchange.reading import Row, Sheet, Unreadable, read
from neiqin.kernel.fields.formats import BadFormat
from neiqin.modules.calls.knowing import canonical
from neiqin.modules.calls.states import IN, OUT

INSIDE = 6  # an extension has at most so many digits
_MOMENTS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S",
            "%d/%m/%Y %H:%M:%S")  # fmt: skip
_LENGTH = re.compile(r"(?:(\d+)\s*(?:小时|时|h))?\s*(?:(\d+)\s*(?:分钟|分|m))?\s*(?:(\d+)\s*(?:秒|s))?", re.I)


@dataclass(frozen=True)
class Record:
    """A call as the telephone system knows it. key: the same for the same call in every file."""

    row: int
    key: str
    direction: str
    other: str
    rang: datetime
    answered: datetime | None
    ended: datetime | None
    missed: bool
    extension: str
    person: str


@dataclass
class Reading:
    """records: those that could be read; inside: calls between extensions, left out; problems: sentences that name
    row, column and remedy."""

    records: list[Record] = field(default_factory=list)
    inside: int = 0
    problems: list[str] = field(default_factory=list)


@cache
def words() -> Mapping[str, Any]:
    """What is known of the telephone systems' words."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("records.json").read_text(encoding="utf-8"))
    return found


def read_records(content: bytes, name: str) -> Reading:
    """A file -> its calls. Raises Unreadable for one that holds no calls."""
    targets = [Target(path, names[0], tuple(names)) for path, names in words()["columns"].items()]
    book = read(content, name)
    if not book.sheets:
        raise Unreadable("文件里没有表格。")
    sheet = max(book.sheets, key=lambda s: len(match(s.headers, (), targets).as_mapping()))
    columns = {path: int(i) for i, path in match(sheet.headers, (), targets).as_mapping().items()}
    if "rang" not in columns or not columns.keys() & {"caller", "other"}:
        raise Unreadable("不像话单：没有找到主叫（或客户号码）和开始时间这两列。从电话系统导出通话记录，不用改表头。")
    return _read(sheet, columns)


def _read(sheet: Sheet, columns: Mapping[str, int]) -> Reading:
    done, keys = Reading(), Counter[str]()
    for row in sheet.rows():
        cells = {path: row.cells[i].strip() for path, i in columns.items()}
        if not any(cells.values()):
            continue
        try:
            found = _record(row, cells)
        except _Wrong as wrong:
            header = sheet.headers[columns[wrong.path]] if wrong.path in columns else wrong.path
            done.problems.append(f"第 {row.number} 行「{header}」{cells.get(wrong.path, '')[:30]}：{wrong.text}")
            continue
        if found is None:
            done.inside += 1
            continue
        keys[found.key] += 1
        if keys[found.key] > 1:  # the same second, line and length: another call all the same
            found = Record(**{**found.__dict__, "key": f"{found.key}#{keys[found.key]}"})
        done.records.append(found)
    return done


class _Wrong(Exception):
    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path, self.text = path, text


def _record(row: Row, cells: Mapping[str, str]) -> Record | None:
    """One call; None for one inside the house. Raises _Wrong."""
    if row.problem:
        raise _Wrong("rang", row.problem)
    direction, other, extension = _sides(cells)
    if direction == "":
        return None
    rang = _moment(cells, "rang")
    if rang is None:
        raise _Wrong("rang", "没有开始时间，补上再导。")
    try:
        number = canonical(other)
    except BadFormat as error:
        raise _Wrong("other" if cells.get("other") else "caller" if direction == IN else "callee", str(error)) from None
    answered, ended, missed = _times(cells, rang)
    said = cells.get("id", "")
    key = f"id:{said}" if said else (
        f"{rang:%Y%m%d%H%M%S}-{extension or '-'}-{direction}-"
        f"{int((answered - rang).total_seconds()) if answered else 'x'}-"
        f"{int((ended - rang).total_seconds()) if ended else 'x'}"
    )  # fmt: skip
    return Record(row.number, key[:70], direction, number, rang, answered, ended, missed, extension[:20],
                  cells.get("person", ""))  # fmt: skip


def _sides(cells: Mapping[str, str]) -> tuple[str, str, str]:
    """(direction, "" for inside the house; number of the other side; extension)."""
    known, said = words(), cells.get("direction", "").lower()
    caller, callee, extension = cells.get("caller", ""), cells.get("callee", ""), cells.get("extension", "")
    if said in known["inside"] or (_inside(caller) and _inside(callee)):
        return "", "", ""
    direction = IN if said in known["in"] else OUT if said in known["out"] else OUT if _inside(caller) else IN
    other = cells.get("other") or (caller if direction == IN else callee)
    own = callee if direction == IN else caller
    return direction, other, extension or (own if _inside(own) else "")


def _inside(number: str) -> bool:
    return number.isdecimal() and len(number) <= INSIDE and not number.startswith(("95", "10", "12"))


def _times(cells: Mapping[str, str], rang: datetime) -> tuple[datetime | None, datetime | None, bool]:
    """(answered, ended, missed) from what of moments and lengths there is."""
    answered, ended = _moment(cells, "answered"), _moment(cells, "ended")
    ring, talk, total = (_length(cells, name) for name in ("ring", "talk", "total"))
    if _missed(cells, answered, talk):
        length = ring if total is None else total
        return None, ended or (rang + length if length is not None else None), True
    if answered is None:
        answered = _worked_out(rang, ended, ring, talk, total)
    if answered is not None and ended is None and talk is not None:
        ended = answered + talk
    if answered is not None and answered < rang:
        raise _Wrong("answered", "接听比开始还早，核对这一行。")
    if answered is not None and ended is not None and ended < answered:
        raise _Wrong("ended", "结束比接听还早，核对这一行。")
    return answered, ended, False


def _missed(cells: Mapping[str, str], answered: datetime | None, talk: timedelta | None) -> bool:
    """As the file says; where it says nothing, a call without an answer and without a talk."""
    said, known = cells.get("status", "").lower(), words()
    return said in known["missed"] or (said not in known["answered"] and answered is None and not talk)


def _worked_out(
    rang: datetime, ended: datetime | None, ring: timedelta | None, talk: timedelta | None, total: timedelta | None
) -> datetime | None:
    """When it was answered, by the lengths."""
    if ring is not None:
        return rang + ring
    if talk is None:
        return None
    if ended is not None:
        return ended - talk
    return None if total is None else rang + total - talk


def _moment(cells: Mapping[str, str], name: str) -> datetime | None:
    text = cells.get(name, "").removesuffix(".0").replace("T", " ")
    if not text or text.startswith("0000"):
        return None
    for shape in _MOMENTS:
        try:
            return datetime.strptime(text, shape).replace(tzinfo=clock.zone())
        except ValueError:
            continue
    raise _Wrong(name, "不是时间，写成 2026-11-20 09:30:00。")


def _length(cells: Mapping[str, str], name: str) -> timedelta | None:
    """12, 00:00:12, 1:05, 1分5秒; None for nothing."""
    text = cells.get(name, "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d+(?:\.0+)?", text):
        return timedelta(seconds=int(float(text)))
    if re.fullmatch(r"\d+(?::\d{1,2}){1,2}", text):
        total = 0
        for part in text.split(":"):
            total = total * 60 + int(part)
        return timedelta(seconds=total)
    found = _LENGTH.fullmatch(text)
    if found and any(found.groups()):
        hours, minutes, seconds = (int(x or 0) for x in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    raise _Wrong(name, "不是时长，写成秒数或 00:01:05。")
