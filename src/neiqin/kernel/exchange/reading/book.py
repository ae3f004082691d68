"""A file as sheets with headers, rows as texts, and sentences about everything that was left out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from neiqin.kernel.exchange.reading import cells, container, foot, head, text, workbook
from neiqin.kernel.exchange.reading.limits import Limits, Unreadable
from neiqin.kernel.exchange.reading.workbook import Raw
from neiqin.kernel.fields.formats import BadFormat

_NOTHING: Mapping[int, str] = {}
_ALL_OWN: frozenset[int] = frozenset()
HEAD = 200  # rows from which header and `Sheet.sample` are taken
MERGED = 2_000_000  # cells filled from a merged cell above, at most


@dataclass(frozen=True, slots=True)
class Row:
    """A row of data. number: as the spreadsheet counts it, from 1; cells: one text for each header; kinds: a letter for
    each cell (t text, n number, d date, b bool, blank empty), or "" for a text file; suspect: column -> why the
    digits of this cell cannot be trusted: to be refused unless the column takes free text; filled: columns whose value
    comes from a merged cell above; problem: why the whole row must be refused, or ""."""

    number: int
    cells: list[str]
    kinds: str = ""
    suspect: Mapping[int, str] = field(default_factory=dict)
    filled: frozenset[int] = _ALL_OWN
    problem: str = ""


@dataclass(frozen=True)
class Sheet:
    """One table. headers: unique names; header_rows: their row numbers, from 1; sample: the first rows of data;
    notes: what was left out above and in the sample (`rows()` gives those of the whole sheet)."""

    name: str
    headers: tuple[str, ...]
    header_rows: tuple[int, ...]
    sample: tuple[Row, ...]
    notes: tuple[str, ...]
    _open: Callable[[], "Rows"] = field(repr=False, compare=False)

    def rows(self) -> "Rows":
        """All rows, read from the start each time; notes, totals and count are complete when it is exhausted."""
        return self._open()


@dataclass(frozen=True)
class Book:
    """A file. kind: xlsx, xls or text; sheets: those that hold something; notes: hidden and empty sheets, formulas."""

    kind: str
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...] = ()


class Rows:
    """The rows of data of one sheet, once; beside them what was left out.

    notes: sentences with row numbers; totals: header -> sum that the file itself claims (合计), to compare with the
    data; count: rows given so far.
    """

    def __init__(
        self, raw: Iterator[Raw], header: head.Header, merged: head.Merged, bad: Mapping[str, str] | None
    ) -> None:
        self.totals: dict[str, Decimal] = {}
        self.count = 0
        self._raw, self._header, self._bad = raw, header, bad
        self._merges = _down(merged, header.last)
        self._left_out: dict[str, list[int]] = {}
        self._blank: list[int] = []
        self._filled: dict[int, int] = {}
        self._summary: list[str] = []

    @property
    def notes(self) -> list[str]:
        notes = list(_about_header(self._header))
        for what, numbers in self._left_out.items():
            notes.append(f"第 {foot.ranges(numbers)} 行是{what}，没有当数据。")
        for column, times in sorted(self._filled.items()):
            notes.append(f"「{self._header.names[column]}」有 {times} 格是合并单元格，按上面一格补齐。")
        return notes

    def __iter__(self) -> Iterator[Row]:
        for number, (texts, kinds) in enumerate(self._raw, 1):
            if number - 1 <= self._header.last:
                continue
            row = self._row(number, texts, kinds)
            if row is not None:
                self.count += 1
                yield row

    def _row(self, number: int, texts: list[str], kinds: str) -> Row | None:
        values = _cleaned(texts, number)
        if not any(values):
            self._blank.append(number)
            return None
        width = len(self._header.names)
        own = values[:width] + [""] * (width - len(values))
        if self._aside(number, own):
            return None
        filled = self._fill(number, own) if self._merges else _ALL_OWN
        if self._blank:
            self._left_out.setdefault("空行", []).extend(self._blank)
            self._blank.clear()
        problem = ""
        if extra := sum(bool(value) for value in values[width:]):
            problem = f"比表头多 {extra} 格，多半有一格里带着分隔符却没有加引号。核对这一行。"
        return Row(number, own, kinds, self._suspect(number, own, kinds), filled, problem)

    def _aside(self, number: int, values: list[str]) -> bool:
        """Whether the row is no data; then it is noted, and its totals kept."""
        if self._summary:
            what, names, self._summary = "汇总", self._summary, []
        else:
            what, names = foot.what_is(values, self._header.names), list(self._header.names)
        if not what:
            return False
        self._left_out.setdefault(what, []).append(number)
        if what in ("合计", "汇总"):
            self.totals |= foot.amounts(values, names)
        if values[0] == foot.WECHAT_SUMMARY:
            self._summary = values
        return True

    def _suspect(self, number: int, values: list[str], kinds: str) -> Mapping[int, str]:
        from xlsxwriter.utility import xl_rowcol_to_cell

        found: dict[int, str] = {}
        for column, value in enumerate(values):
            if len(value) > 4 and value[0] in "+-0123456789":
                kind = kinds[column] if column < len(kinds) else ""
                if why := cells.suspicion(value, kind):
                    found[column] = why
            elif not value and self._bad and (why := self._bad.get(xl_rowcol_to_cell(number - 1, column), "")):
                found[column] = why
        return found or _NOTHING

    def _fill(self, number: int, values: list[str]) -> frozenset[int]:
        """Give merged cells the value of their first row; the columns that got one."""
        got = []
        for merge in self._merges.get(number - 1, ()):
            top, column, value = merge
            if number - 1 == top:
                merge[2] = values[column] if column < len(values) else ""
            elif value and column < len(values) and not values[column]:
                values[column] = value
                got.append(column)
                self._filled[column] = self._filled.get(column, 0) + 1
        return frozenset(got)


def _down(merged: head.Merged, last_header: int) -> dict[int, list[list[Any]]]:
    """Merged cells over several rows of data, by each row they touch: [top row, column, value to come]."""
    tall = [(top, left, bottom) for top, left, bottom, _ in merged if last_header < top < bottom]
    if sum(bottom - top for top, _, bottom in tall) > MERGED:
        raise Unreadable("合并单元格太多，读不动。在 Excel 或 WPS 里取消合并，填好每一格，再导入。")
    touched: dict[int, list[list[Any]]] = {}
    for top, left, bottom in tall:
        one: list[Any] = [top, left, ""]
        for row in range(top, bottom + 1):
            touched.setdefault(row, []).append(one)
    return touched


def _cleaned(texts: list[str], number: int) -> list[str]:
    try:
        return [cells.clean(value) if value else "" for value in texts]
    except BadFormat as error:
        raise Unreadable(f"第 {number} 行有一格存不下：{error.sentence}") from None


def _about_header(header: head.Header) -> Iterator[str]:
    if not header.rows:
        yield "没有找到表头，各列按顺序叫「第 1 列」「第 2 列」。"
        return
    if first := header.rows[0]:
        yield f"第 {foot.ranges(range(1, first + 1))} 行是标题或说明，没有读。"
    if len(header.rows) == 2:
        yield f"表头占两行（第 {header.rows[0] + 1}、{header.rows[1] + 1} 行），上下合成一个名字。"
    if header.explained is not None:
        yield f"第 {header.explained + 1} 行是对表头的说明，没有当数据。"
    if header.unnamed:
        yield f"{'、'.join(header.names[c] for c in header.unnamed[:8])}没有表头，按位置起名。"


def _sheet(
    name: str,
    first: list[Raw],
    again: Callable[[], Iterator[Raw]],
    *,
    merged: head.Merged = (),
    bad: Mapping[str, str] | None = None,
    header: bool = True,
) -> Sheet | None:
    """A sheet from its first rows; None when they hold nothing."""
    known = [_cleaned(texts, number) for number, (texts, _) in enumerate(first, 1)]
    if not any(any(row) for row in known):
        return None
    found = head.find(known, merged, header=header)
    sample = Rows(iter(first), found, merged, bad)
    taken = tuple(sample)
    return Sheet(
        name,
        found.names,
        tuple(row + 1 for row in found.rows),
        taken,
        tuple(sample.notes),
        lambda: Rows(again(), found, merged, bad),
    )


def read(body: bytes, filename: str, *, limits: Limits | None = None) -> Book:
    """A file a person gave -> its tables. The name is used only to call the sheet of a text file.

    Formats are told by content: .xlsx and .xls (parsed in a process of their own), text in UTF-8, UTF-16 with BOM or
    GB18030 cut by comma, TAB, semicolon or bar. Unreadable: a sentence for the person. Rows past the first 200 are
    read when `Sheet.rows()` is iterated, and can raise Unreadable then (a text file broken further down).
    """
    limits = limits or Limits()
    kind = container.kind_of(body, limits)
    if kind == "text":
        return _text_book(text.decode(body), filename.rsplit("/", 1)[-1], limits)
    unfinished = container.checked_zip(body, limits) if kind == "xlsx" else {}
    return _workbook(body, kind, unfinished, limits)


def read_clipboard(pasted: str, *, header: bool = True, limits: Limits | None = None) -> Book:
    """Cells copied out of a spreadsheet (TAB between cells; cells with line breaks in quotes) -> one table.

    header: whether the first row may be a header; without, the columns are called 第 1 列 and so on.
    """
    pasted = pasted.replace("\r\n", "\n").replace("\r", "\n")
    if not pasted.strip():
        raise Unreadable("剪贴板里没有内容。先在表格里选中区域，复制，再粘贴。")
    return _text_book(pasted, "剪贴板", limits or Limits(), "\t" if "\t" in pasted else None, header=header)


def _text_book(content: str, name: str, limits: Limits, sign: str | None = None, *, header: bool = True) -> Book:
    if sign is None:
        sign = text.delimiter(content)
    if content.count("\n") >= limits.rows:
        for _ in text.records(content, sign, limits):
            pass
    first = list(islice(text.records(content, sign, limits), HEAD))
    sheet = _sheet(name, first, lambda: text.records(content, sign, limits), header=header)
    if sheet is None:
        raise Unreadable(f"文件前 {HEAD} 行是空的，没有读。删掉上面的空行，或核对选的是不是这个文件。")
    return Book("text", (sheet,))


def _workbook(body: bytes, kind: str, unfinished: dict[str, list[str]], limits: Limits) -> Book:
    found = workbook.heads(body, limits)
    alone = sum(bool(raw.head) for raw in found) == 1 == len(found)
    bad = dict.fromkeys(unfinished.get("errors", ()), cells.BLANKED)
    bad |= dict.fromkeys(unfinished.get("uncounted", ()), cells.UNCOUNTED)
    notes = [f"工作表「{raw.name}」是隐藏的，没有读。" for raw in found if raw.hidden]
    if bad:
        notes.append(f"有 {len(bad)} 格是公式错误或没有算出值（如 {next(iter(bad))}），读成空。")
    sheets = []
    for index, raw in ((index, raw) for index, raw in enumerate(found) if not raw.hidden):
        sheet = _sheet(
            raw.name,
            raw.head,
            lambda index=index: workbook.rows(body, index, limits),  # type: ignore[misc]
            merged=raw.merged,
            bad=bad if alone else None,
        )
        if sheet is None:
            notes.append(f"工作表「{raw.name}」前 {HEAD} 行是空的，没有读。")
        else:
            sheets.append(sheet)
    if not sheets:
        raise Unreadable("工作簿里没有内容，或只有隐藏的工作表。在 Excel 或 WPS 里取消隐藏，保存，再导入。")
    return Book(kind, tuple(sheets), tuple(notes))
