"""Where the header is: below titles and explanations, in one row or in two with merged groups."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

Merged = Sequence[tuple[int, int, int, int]]  # first row, first column, last row, last column, from 0

_VALUE = re.compile(r"[\d\s.,:/\\\-+%¥￥$()（）*#年月日时分秒T]+")
_NUMERIC = re.compile(r"[-+]?[¥￥$]?\s*[-+]?[\d,]+(?:\.\d+)?%?|\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}.*")
_PERIOD = re.compile(r"(?:19|20)\d\d年?|(?:(?:19|20)\d\d年)?1?\d月")  # a column for each year or month
_EXPLAINS = re.compile(r"必填|选填|示例|例如|例：|说明|填写|格式|[=＝+＋].*|.*之和")
_TITLE = re.compile(r"[:：{]")  # 时间：2026-11 over the table is no group of columns
SCANNED = 60  # rows in which a header is looked for
LONGEST = 60  # characters of a header cell


@dataclass(frozen=True)
class Header:
    """rows: indexes of the header rows, from 0 (none: a table without header); names: one for each column, unique;
    explained: index of the row below that explains instead of being data; unnamed: columns that got a name from us."""

    rows: tuple[int, ...]
    names: tuple[str, ...]
    explained: int | None = None
    unnamed: tuple[int, ...] = ()

    @property
    def last(self) -> int:
        return self.explained if self.explained is not None else self.rows[-1] if self.rows else -1


def find(rows: Sequence[Sequence[str]], merged: Merged = (), *, header: bool = True) -> Header:
    """The header of a table from its first rows (cleaned cells). `header`=False: there is none, columns are numbered.

    It is the first row that is filled nearly as wide as the table and says words, not values; of two rows the one
    clearly wider. A row with groups merged over it belongs to it.
    """
    width = max((_end(row) for row in rows), default=0)
    at = _header_row(_expanded(rows, merged, across=False)[:SCANNED], merged) if header else None
    if at is None:
        return Header((), _named([""] * width, width)[0])
    full = _expanded(rows, merged, across=True)
    groups = _groups(merged, at - 1, width) if at else []
    upper = at - 1 if groups and not any(_TITLE.search(full[at - 1][left]) for left, _ in groups) else None
    labels = [_one_line(cell) for cell in full[at]]
    if upper is not None:
        labels = [_joined(above, below) for above, below in zip(full[upper], labels, strict=True)]
    used = max(_end(labels), max((_end(row) for row in rows[at + 1 :]), default=0))
    names, unnamed = _named(labels, used)
    explained = at + 1 if _explains(rows[at + 1 : at + 22]) else None
    return Header((at,) if upper is None else (upper, at), names, explained, unnamed)


def _end(row: Sequence[str]) -> int:
    return next((i for i in range(len(row), 0, -1) if row[i - 1]), 0)


def _expanded(rows: Sequence[Sequence[str]], merged: Merged, *, across: bool) -> list[list[str]]:
    """The rows, equally long, with merged cells repeated downwards, and sideways too if `across`."""
    width = max((len(row) for row in rows), default=0)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    left_over = SCANNED * width  # more than this only overlapping ranges have, which no spreadsheet writes
    for top, left, bottom, right in merged:
        if top >= min(len(full), SCANNED) or left >= width:
            continue
        left_over -= (min(bottom, SCANNED) - top + 1) * (min(right, width) - left + 1)
        if left_over < 0:
            break
        for r in range(top, min(bottom + 1, len(full))):
            for c in range(left, min(right, width - 1) + 1 if across else left + 1):
                full[r][c] = full[top][left]
    return full


def _header_row(rows: list[list[str]], merged: Merged) -> int | None:
    filled = [sum(bool(cell) for cell in row) for row in rows]
    widest = max(filled, default=0)
    best, most = None, 0
    for at, row in enumerate(rows):
        words = sum(_is_word(cell) for cell in row)
        if words < max(1, 0.6 * widest) or words < 0.8 * filled[at] or (widest > 1 and words < 2):
            continue
        if _has_row_of_its_own_below(rows, at, merged):
            continue
        if best is None or words > 1.3 * most:
            best, most = at, words
    return best


def _is_word(cell: str) -> bool:
    if _PERIOD.fullmatch(cell):
        return True
    return 0 < len(cell) <= LONGEST and not _VALUE.fullmatch(cell) and not _NUMERIC.fullmatch(cell)


def _groups(merged: Merged, row: int, width: int) -> list[tuple[int, int]]:
    """Columns, first and last, of the cells merged sideways in this row alone; a title over everything is none."""
    return [
        (left, right)
        for top, left, bottom, right in merged
        if top == bottom == row and left < right and right - left + 1 < width
    ]


def _has_row_of_its_own_below(rows: list[list[str]], at: int, merged: Merged) -> bool:
    if at + 1 >= len(rows):
        return False
    below = rows[at + 1]
    return any(
        sum(_is_word(cell) for cell in below[left : right + 1]) >= 2 for left, right in _groups(merged, at, len(below))
    )


def _one_line(cell: str) -> str:
    """A header cell without its line breaks; between Chinese characters they stand for nothing."""
    return re.sub(r"\s*\n\s*", lambda m: " " if m.string[m.start() - 1 : m.start()].isascii() else "", cell).strip()


def _joined(above: str, below: str) -> str:
    above = _one_line(above)
    return below if above in ("", below) else above if not below else f"{above} {below}"


def _named(labels: Sequence[str], width: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Unique names: a blank one becomes 第 3 列, a repeated one 金额（2）."""
    names: list[str] = []
    unnamed = []
    taken: dict[str, int] = {}
    for column in range(width):
        name = labels[column] if column < len(labels) else ""
        if not name:
            unnamed.append(column)
            name = f"第 {column + 1} 列"
        while name in taken:
            taken[name] += 1
            name = f"{name}（{taken[name]}）"
        taken[name] = 1
        names.append(name)
    return tuple(names), tuple(unnamed)


def _explains(rows: Sequence[Sequence[str]]) -> bool:
    """The first of these rows is words where the others have numbers or dates, and has no value itself."""
    if len(rows) < 2 or any(cell and not _is_word(cell) and len(cell) <= LONGEST for cell in rows[0]):
        return False
    clashes = [cell for column, cell in enumerate(rows[0]) if cell and _numbers_below(rows[1:], column)]
    return len(clashes) >= 2 or any(_EXPLAINS.search(cell) for cell in clashes)


def _numbers_below(rows: Sequence[Sequence[str]], column: int) -> bool:
    cells = [row[column] for row in rows if column < len(row) and row[column]]
    return bool(cells) and all(_NUMERIC.fullmatch(cell) for cell in cells)
