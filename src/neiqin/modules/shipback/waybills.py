"""Files of warehouses and couriers as waybills of orders. Pure: no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from neiqin.kernel.exchange.columns import Target, match
from neiqin.kernel.exchange.reading import Row, Sheet, Unreadable, read
from neiqin.kernel.fields.formats import BadFormat, date_cn, half_width
from neiqin.modules.shipback import layouts

LONGEST = 60  # the column


@dataclass
class Waybill:
    """What went out for an order. number: ours or the platform's; waybills of several packages one after the other;
    guessed: the carrier is by the shape of the number; rows: of the file."""

    rows: list[int]
    number: str
    carrier: str
    waybills: list[str]
    shipped_on: date | None
    guessed: bool = False

    @property
    def text(self) -> str:
        return ",".join(self.waybills)


@dataclass
class Reading:
    """problems: sentences that name row, column and remedy; notes: what was read but should be looked at."""

    found: list[Waybill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Wrong(Exception):
    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path, self.text = path, text


def read_waybills(content: bytes, name: str) -> Reading:
    """A file -> its waybills, one an order. Raises Unreadable for a file without order and waybill numbers."""
    targets = [Target(path, names[0], names) for path, names in layouts.headers().items()]
    book = read(content, name)
    if not book.sheets:
        raise Unreadable("文件里没有表格。")
    sheet = max(book.sheets, key=lambda s: len(match(s.headers, (), targets).as_mapping()))
    matched = match(sheet.headers, (), targets)
    columns = {path: int(i) for i, path in matched.as_mapping().items()}
    if matched.contested.get("order"):
        # Two columns of order numbers: the platform's own comes first in such files.
        columns["order"] = matched.contested["order"][0]
    if not {"order", "waybill"} <= columns.keys():
        raise Unreadable("不像运单文件：没有找到订单号和运单号这两列。用仓库或快递导出的原文件，不用改表头。")
    return _read(sheet, columns)


def _read(sheet: Sheet, columns: Mapping[str, int]) -> Reading:
    done, there = Reading(), dict[tuple[str, str], Waybill]()
    for row in sheet.rows():
        cells = {path: _clean(row.cells[i]) for path, i in columns.items()}
        if not any(cells.values()):
            continue
        try:
            one = _waybill(row, cells, columns)
        except _Wrong as wrong:
            header = sheet.headers[columns[wrong.path]] if wrong.path in columns else layouts.headers()[wrong.path][0]
            done.problems.append(f"第 {row.number} 行「{header}」{cells.get(wrong.path, '')[:40]}：{wrong.text}")
            continue
        if layouts.odd(one.carrier, one.waybills[0]):
            done.notes.append(f"第 {row.number} 行：{one.waybills[0]} 不像{one.carrier}的单号，核对一下。")
        before = there.setdefault((one.number, one.carrier), one)
        if before is not one:
            _join(before, one, done)
    done.found = list(there.values())
    return done


def _join(before: Waybill, one: Waybill, done: Reading) -> None:
    """Another package of the same order: one more number, if it is another."""
    before.rows += one.rows
    if one.waybills[0] in before.waybills:
        return
    if len(before.text) + 1 + len(one.waybills[0]) > LONGEST:
        done.problems.append(f"第 {one.rows[0]} 行：{one.number} 的运单号太多，一张发货单放不下，分几次发。")
        return
    before.waybills += one.waybills


def _clean(text: str) -> str:
    return half_width(text).strip().strip("'\t\"=").strip()


def _waybill(row: Row, cells: Mapping[str, str], columns: Mapping[str, int]) -> Waybill:
    if row.problem:
        raise _Wrong("order", row.problem)
    for path in ("order", "waybill"):
        if why := row.suspect.get(columns[path]):
            raise _Wrong(path, why)
    number, waybill = cells["order"], re.sub(r"[\s-]", "", cells["waybill"]).upper()
    if not number:
        raise _Wrong("order", "没有订单号，补上再传。")
    if not re.fullmatch(r"[0-9A-Z]{6,40}", waybill):
        raise _Wrong("waybill", "不是运单号，只有字母和数字，6 到 40 位。" if waybill else "没有运单号，补上再传。")
    carrier, guess = layouts.named(cells.get("carrier", "")), False
    if not carrier:
        carrier, guess = layouts.guessed(waybill), True
    if not carrier:
        raise _Wrong("carrier", f"没有快递公司，{waybill} 也看不出是哪家，补上再传。")
    return Waybill([row.number], number[:60], carrier[:40], [waybill], _day(cells.get("shipped_on", "")), guess)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("/", "-")).date()
    except ValueError:
        pass
    try:
        return date_cn(text.split(" ")[0])
    except BadFormat:
        raise _Wrong("shipped_on", "不是日期，写成 2026-11-20。") from None
