"""Workbooks and text tables out: templates, workbooks of errors, exports. Never a live formula or link in one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from neiqin.kernel import clock
from neiqin.kernel.exchange.columns import KEY, LINE_NUMBER, REASON, Target
from neiqin.kernel.exchange.reading.foot import MARK

if TYPE_CHECKING:  # loaded by who writes a workbook: web processes at rest do without
    import xlsxwriter
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

ROWS_A_SHEET = 1_048_000  # of the 1,048,576 a sheet can hold
LONGEST = 32_767  # characters of a cell
LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # at the start of a text: Excel may run the cell
_BOOK = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
_FORMATS = {"money": "#,##0.00", "quantity": "0.######", "percent": "0.00", "number": "0", "date": "yyyy-mm-dd",
            "moment": "yyyy-mm-dd hh:mm"}  # fmt: skip
_KIND_WORDS = {
    "money": ("数字，最多两位小数", "3862.50"),
    "quantity": ("数字，最多六位小数", "12.5"),
    "percent": ("数字", "13"),
    "number": ("整数", "30"),
    "date": ("日期，年份四位", "2026-11-20"),
    "moment": ("日期和时间", "2026-11-20 09:30"),
    "bool": ("是 或 否", "是"),
    "mobile": ("11 位手机号", "13800000000"),
    "phone": ("区号加号码", "0571-88880000"),
    "uscc": ("18 位统一社会信用代码", "91330000MA00000007"),
    "email": ("邮箱", "zhang@example.com"),
    "postcode": ("6 位邮政编码", "310000"),
    "person": ("同事姓名", "张三"),
}


# Template


def template(targets: Sequence[Target], notes: str, choices: Mapping[str, Sequence[str]]) -> bytes:
    """An empty workbook to fill in, as .xlsx (practice.md 5.1).

    notes: the sentence of row 1; choices: target path -> allowed values, as drop-downs. Headers of required targets
    are red with *; every column that is not a number is text, so that codes and phones keep their digits; the hidden
    column `_key` is for files that come back. A second sheet explains each column.
    """
    out = io.BytesIO()
    import xlsxwriter

    with xlsxwriter.Workbook(out, {"in_memory": True, **_BOOK}) as book:
        head, must = _header(book), _header(book, "#C00000")
        sheet, told = book.add_worksheet("导入"), book.add_worksheet("填写说明")
        sheet.write_string(0, 0, notes[:LONGEST])
        lists: list[Sequence[str]] = []
        asked = [target for target in targets if target.path != KEY]
        for column, target in enumerate(asked):
            style = book.add_format({"num_format": _FORMATS.get(target.kind, "@")})
            sheet.set_column(column, column, max(12, 2 * len(target.label) + 4), style)
            label = f"*{target.label}" if target.required else target.label
            sheet.write_string(1, column, label, must if target.required else head)
            _drop_down(sheet, column, choices.get(target.path, ()), lists)
        sheet.set_column(len(asked), len(asked), 12, book.add_format({"num_format": "@"}), {"hidden": True})
        sheet.write_string(1, len(asked), KEY, head)
        sheet.freeze_panes(2, 0)
        _explain(told, asked, choices, head)
        if lists:
            _lists(book.add_worksheet("选项"), lists)
    return out.getvalue()


def _header(book: xlsxwriter.Workbook, colour: str = "#000000") -> Format:
    return book.add_format({"bold": True, "font_color": colour, "bg_color": "#F2F2F2", "bottom": 1, "num_format": "@"})


def _drop_down(sheet: Worksheet, column: int, allowed: Sequence[str], lists: list[Sequence[str]]) -> None:
    """Excel holds a list of at most 255 characters in place, and no comma in a value; others go to a hidden sheet."""
    from xlsxwriter.utility import xl_col_to_name

    if not allowed:
        return
    source: Any = list(allowed)
    if len(",".join(allowed)) > 255 or any("," in value or value[:1] == "=" for value in allowed):
        lists.append(allowed)
        letter = xl_col_to_name(len(lists) - 1)
        source = f"=选项!${letter}$1:${letter}${len(allowed)}"
    sheet.data_validation(2, column, ROWS_A_SHEET, column, {
        "validate": "list", "source": source, "error_title": "不在选项里", "error_message": "从下拉里选一个。",
    })  # fmt: skip


def _lists(sheet: Worksheet, lists: Iterable[Sequence[str]]) -> None:
    sheet.hide()
    for column, allowed in enumerate(lists):
        for row, value in enumerate(allowed):
            sheet.write_string(row, column, value)


def _explain(sheet: Worksheet, targets: Iterable[Target], choices: Mapping[str, Sequence[str]], head: Format) -> None:
    _texts(sheet, 0, ("列名", "必填", "格式", "例子", "可选值"), head)
    sheet.set_column(0, 4, 24)
    sheet.freeze_panes(1, 0)
    for row, target in enumerate(targets, 1):
        allowed = choices.get(target.path, ())
        form, example = ("从下拉里选", allowed[0]) if allowed else _KIND_WORDS.get(target.kind, ("文字", ""))
        _texts(sheet, row, (target.label, "是" if target.required else "否", form, example, "、".join(allowed)))


def _texts(sheet: Worksheet, row: int, texts: Iterable[str], style: Format | None = None) -> None:
    for column, text in enumerate(texts):
        sheet.write_string(row, column, text[:LONGEST], style)


# What went wrong


def error_workbook(
    headers: Sequence[str],
    rows: Iterable[tuple[int, Sequence[str]]],
    problems: Mapping[int, Sequence[tuple[int, str]]],
) -> bytes:
    """The rows that failed, to be mended and given again, as .xlsx: the columns of the file, 行号 and 错误原因.

    rows: row number of the file and its cells; problems: row number -> (column, sentence), column -1 for the whole
    row. Rows without a problem are left out. A wrong cell is red with its sentence as a comment (the first 2,000).
    """
    out = io.BytesIO()
    import xlsxwriter

    with xlsxwriter.Workbook(out, {"constant_memory": True, **_BOOK}) as book:
        plain = book.add_format({"num_format": "@"})
        wrong = book.add_format({"num_format": "@", "bg_color": "#FFC7CE", "font_color": "#9C0006"})
        sheet = book.add_worksheet("要改的行")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headers), 16, plain)
        sheet.set_column(len(headers) + 1, len(headers) + 1, 60, plain)
        _texts(sheet, 0, (*headers, LINE_NUMBER, REASON), _header(book))
        comments = 2000
        for at, (number, cells) in enumerate((r for r in rows if problems.get(r[0])), 1):
            said = dict(reversed(problems[number]))  # of several sentences on one cell the first
            for column, cell in enumerate(cells):
                sheet.write_string(at, column, cell[:LONGEST], wrong if column in said else plain)
                if column in said and comments:
                    comments -= 1
                    sheet.write_comment(at, column, said[column])
            reason = "".join(_named(headers, column, text) for column, text in problems[number])
            sheet.write_string(at, len(headers), str(number), plain)
            sheet.write_string(at, len(headers) + 1, reason[:LONGEST], plain)
    return out.getvalue()


def _named(headers: Sequence[str], column: int, text: str) -> str:
    """A sentence that says which column it is about."""
    if 0 <= column < len(headers) and headers[column] not in text:
        return f"{headers[column]}：{text}"
    return text


# Export


@dataclass(frozen=True)
class Heading:
    """A column of an export. kind: as of a Field; it decides how values are written and shown."""

    label: str
    kind: str = "text"


@dataclass(frozen=True)
class About:
    """What an export says of itself: title, the filter in words, who took it, why, when (aware)."""

    title: str
    person: str
    at: datetime
    filter: str = "全部"
    purpose: str = ""


class Export:
    """Rows to a file as they come, in little memory: `with Export(out, headings, about) as e: e.extend(rows)`.

    form: "xlsx" (sheets of 1,048,000 rows, header frozen, filter, widths from the first 200 rows, a last sheet 说明)
    or "csv" (UTF-8 with BOM, CRLF, at the end a line that says who took it, which `reading.foot` leaves out). Values:
    text; Decimal or int; date; aware datetime; bool; None. Nothing is written to `out` for an xlsx before the end; if
    the block raises, the file is not finished. `count`: rows so far.
    """

    def __init__(self, out: IO[bytes], headings: Sequence[Heading], about: About, form: str = "xlsx") -> None:
        self.count = 0
        self._to: _Workbook | _Text
        self._to = _Workbook(out, headings, about) if form == "xlsx" else _Text(out, headings, about)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._to.close(self.count, whole=error is None)

    def extend(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write these rows, each with one value for every heading."""
        for row in rows:
            self._to.write(row)
            self.count += 1


class _Text:
    def __init__(self, out: IO[bytes], headings: Sequence[Heading], about: About) -> None:
        self._about = about
        self._file = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=False)
        self._rows = csv.writer(self._file, lineterminator="\r\n")
        self._rows.writerow([defused(h.label) for h in headings])

    def write(self, row: Sequence[Any]) -> None:
        self._rows.writerow([_plain(value) for value in row])

    def close(self, _count: int, *, whole: bool) -> None:
        self._rows.writerow([f"{MARK}{_mark(self._about)}" + ("" if whole else "，没有写完，不要使用")])
        self._file.flush()
        self._file.detach()  # the file belongs to the caller


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return defused(value)
    if isinstance(value, datetime):
        return f"{clock.local(value):%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return format(value, "f")
    return "" if value is None else "是" if value is True else "否" if value is False else str(value)


def defused(text: str) -> str:
    """A text for a csv cell: with ' in front if Excel would run it. `reading` takes the ' off again."""
    return f"'{text}" if text.startswith(LIVE) else text


class _Workbook:
    def __init__(self, out: IO[bytes], headings: Sequence[Heading], about: About) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(out, {"constant_memory": True, "remove_timezone": True, **_BOOK})
        self._headings, self._about = headings, about
        self._head = _header(self._book)
        self._styles = [self._book.add_format({"num_format": _FORMATS.get(h.kind, "@")}) for h in headings]
        self._writers = [self._number if h.kind in _FORMATS else self._text for h in headings]
        self._widths = [_width(h.label) for h in headings]
        self._sheets: list[Worksheet] = []
        self._row = 0
        self._open()

    def _open(self) -> None:
        n = len(self._sheets) + 1
        self._sheet: Worksheet = self._book.add_worksheet("数据" if n == 1 else f"数据{n}")
        self._sheets.append(self._sheet)
        self._sheet.freeze_panes(1, 0)
        _texts(self._sheet, 0, (h.label for h in self._headings), self._head)
        _watermark(self._sheet, self._about)
        self._row = 0

    def write(self, row: Sequence[Any]) -> None:
        if self._row == ROWS_A_SHEET:
            self._finish()
            self._open()
        self._row += 1
        for column, value in enumerate(row):
            if value is not None and value != "":
                self._writers[column](column, value)
        if self._row <= 200 and len(self._sheets) == 1:
            self._widths = [max(w, _width(str(v))) for w, v in zip(self._widths, row, strict=True)]

    def _text(self, column: int, value: Any) -> None:
        text = value if isinstance(value, str) else _plain(value)
        self._sheet.write_string(self._row, column, text[:LONGEST], self._styles[column])

    def _number(self, column: int, value: Any) -> None:
        """A number Excel can hold exactly (15 digits) as a number, a longer one as text."""
        style = self._styles[column]
        if isinstance(value, datetime):
            self._sheet.write_datetime(self._row, column, clock.local(value).replace(tzinfo=None), style)
        elif isinstance(value, date):
            self._sheet.write_datetime(self._row, column, value, style)
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool) and _exact(value):
            self._sheet.write_number(self._row, column, value, style)
        else:
            self._text(column, value)

    def _finish(self) -> None:
        self._sheet.autofilter(0, 0, self._row, max(len(self._headings) - 1, 0))
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, min(width, 60))

    def close(self, count: int, *, whole: bool) -> None:
        """An export that broke off is closed too, so that its temporary files go, but says that it is not whole."""
        self._finish()
        sheet = self._book.add_worksheet("说明")
        sheet.set_column(0, 0, 14)
        sheet.set_column(1, 1, 80)
        _watermark(sheet, self._about)
        for row, pair in enumerate(_facts(self._about, count, len(self._sheets), whole)):
            _texts(sheet, row, pair)
        self._book.close()


def _exact(value: int | Decimal) -> bool:
    return value == 0 or len(Decimal(value).normalize().as_tuple().digits) <= 15


def _width(text: str) -> int:
    return 3 + sum(2 if ord(char) > 0x2E7F else 1 for char in text[:60])


def _mark(about: About) -> str:
    purpose = f"，用途：{about.purpose}" if about.purpose else ""
    return f"{about.person} {clock.local(about.at):%Y-%m-%d %H:%M} 导出{purpose}"


def _watermark(sheet: Worksheet, about: About) -> None:
    """Person, time and purpose on every printed page; & is a command in a header and must be doubled."""
    mark = _mark(about)[:200]  # a header has room for 255 characters, and half of a doubled & would be a command
    mark = mark.replace("&", "&&") if mark.count("&") < 40 else mark.replace("&", "＆")
    sheet.set_header(f"&R{mark}")
    sheet.set_footer(f"&L{mark}&R&P / &N")


def _facts(about: About, count: int, sheets: int, whole: bool) -> Iterator[tuple[str, str]]:
    yield "内容", about.title
    yield "筛选", about.filter
    yield "行数", f"{count} 行" + (f"，分在 {sheets} 个工作表" if sheets > 1 else "")
    yield "导出时间", f"{clock.local(about.at):%Y-%m-%d %H:%M}"
    yield "导出人", about.person
    yield "用途", about.purpose or "没有写"
    yield "水印", _mark(about)
    if not whole:
        yield "注意", "导出中途停了，数据不全，不要使用。"
