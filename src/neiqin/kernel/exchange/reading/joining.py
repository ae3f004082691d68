"""Two tables that belong together, heads and their lines by a number that both have, as one."""

import csv
import io
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from neiqin.kernel.exchange.reading.book import Row, Sheet, read
from neiqin.kernel.exchange.reading.limits import Unreadable


def join(heads: bytes, heads_name: str, lines: bytes, lines_name: str) -> bytes:
    """A text file with a row for each line, the columns of its head before its own; heads without lines and lines
    without a head stay, each with the other's columns empty. Of the columns that both files have, the first whose
    values are unique in the heads joins them. Raises Unreadable."""
    above, below = read(heads, heads_name).sheets[0], read(lines, lines_name).sheets[0]
    rows = [_kept(row, heads_name) for row in above.rows()]
    key = _key(above, below, rows)
    at, there = above.headers.index(key), below.headers.index(key)
    by_key: dict[str, list[list[str]]] = defaultdict(list)
    for row in below.rows():
        cells = _kept(row, lines_name)
        by_key[cells[there]].append(cells[:there] + cells[there + 1 :])
    rest = [h for h in below.headers if h != key]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*above.headers, *(h if h not in above.headers else f"明细{h}" for h in rest)])
    for cells in rows:
        writer.writerows([*cells, *line] for line in by_key.pop(cells[at], [[""] * len(rest)]))
    for value, lost in by_key.items():
        head = [value if h == key else "" for h in above.headers]
        writer.writerows([*head, *line] for line in lost)
    return out.getvalue().encode("utf-8-sig")


def _kept(row: Row, name: str) -> list[str]:
    """The cells as they are read again out of a text file, where a number whose digits a spreadsheet has lost looks
    like any other: written as 1.67E+17 it is doubted there as well. Raises Unreadable for a row that is no row."""
    if row.problem:
        raise Unreadable(f"{name}第 {row.number} 行：{row.problem}")
    cells = list(row.cells)
    for column in row.suspect:
        with suppress(InvalidOperation):
            cells[column] = f"{Decimal(cells[column]):E}"
    return cells


def _key(above: Sheet, below: Sheet, rows: list[list[str]]) -> str:
    both = [h for h in above.headers if h in below.headers]
    for header in both:
        at = above.headers.index(header)
        values = [row[at] for row in rows]
        if all(values) and len(set(values)) == len(values):
            return header
    if both:
        said = f"两个文件都有「{'」「'.join(both)}」，但主表里有重复或空着的，对不上。"
    else:
        said = "两个文件没有同名的列，不知道按哪一列对上。把单号那一列改成一样的名字。"
    raise Unreadable(said)
