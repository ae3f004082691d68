"""Runs as a process of its own: parses a workbook with calamine and writes its rows as JSON lines.

The parser is native code and allocates the whole rectangle from A1 to the last cell: a file with two cells far apart
ends the process that reads it. So that is never the web or the job process, and this one has a ceiling of memory and
time. Started by path: it imports nothing of the house.

stdin: the file. argv: sheet index or -1 (only the first 200 rows of every sheet), most columns, rows, rows x columns.
stdout: {"sheet": name, "hidden": bool, "merged": [[row, col, row, col]]} and then {"rows": [[[text], kinds]]} for it;
or {"error": word}.
"""

import io
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson
from python_calamine import CalamineSheet, PasswordError, SheetVisibleEnum, load_workbook

MEMORY, SECONDS, HEAD, BATCH = 3 << 29, 300, 200, 500


def number(value: float) -> tuple[str, str]:
    """As Excel shows it in a wide cell: 15 digits, no exponent, no trailing .0; kind "N" when digits are lost."""
    kind = "N" if abs(value) >= 1e15 else "n"
    if kind == "n" and value == int(value):
        return str(int(value)), kind
    text = f"{value:.15g}"
    return (format(Decimal(text), "f") if "e" in text else text), kind


def moment(value: datetime) -> tuple[str, str]:
    """ISO, to the second; a whole day without its midnight."""
    if value.microsecond >= 500_000:
        value += timedelta(seconds=1)
    value = value.replace(microsecond=0)
    return (value.date().isoformat() if value.time() == time() else value.isoformat(" ")), "d"


SHOWN: dict[type, Callable[[Any], tuple[str, str]]] = {
    str: lambda v: (v, "t" if v else " "),
    float: number,
    int: number,
    bool: lambda v: ("是" if v else "否", "b"),
    datetime: moment,
    date: lambda v: (v.isoformat(), "d"),
    time: lambda v: (v.replace(microsecond=0).isoformat(), "d"),
    timedelta: lambda v: (str(v), "d"),
}


def shown(row: list[Any]) -> tuple[list[str], str]:
    """The cells of a row as texts, and a letter for the kind of each: t text, n number, N number that lost digits,
    d date or time, b bool, blank empty."""
    pairs = [SHOWN[type(cell)](cell) for cell in row]
    return [text for text, _ in pairs], "".join(kind for _, kind in pairs)


def write(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")


def sheets(book: Any, wanted: int, columns: int, rows: int, area: int) -> None:
    """The head of every sheet, or all rows of one."""
    for index, meta in enumerate(book.sheets_metadata):
        if wanted not in (-1, index):
            continue
        hidden = meta.visible != SheetVisibleEnum.Visible
        sheet = None if hidden and wanted == -1 else worksheet(book, index)
        merged = sheet.merged_cell_ranges or [] if sheet else []
        write({"sheet": meta.name, "hidden": hidden, "merged": [[*a, *b] for a, b in merged]})
        height, width = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet and sheet.end else (0, 0)
        if width > columns or height > rows or width * height > area:
            write({"error": "size", "sheet": meta.name, "rows": height, "columns": width})
            return
        source = iter(sheet.iter_rows() if sheet else [])
        for batch in batches(islice(source, HEAD) if wanted == -1 else source):
            write({"rows": batch})


def worksheet(book: Any, index: int) -> CalamineSheet | None:
    """A sheet, or None for a chart or dialog sheet, which has no cells."""
    try:
        return book.get_sheet_by_index(index)
    except Exception:
        if str(book.sheets_metadata[index].typ).endswith("WorkSheet"):
            raise
        return None


def batches(rows: Iterator[list[Any]]) -> Iterator[list[tuple[list[str], str]]]:
    while batch := [shown(row) for row in islice(rows, BATCH)]:
        yield batch


def main() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a ceiling below ours is in force, or the system has none of this kind
            resource.setrlimit(what, (most, most))
    try:
        with load_workbook(io.BytesIO(sys.stdin.buffer.read())) as book:
            sheets(book, *(int(argument) for argument in sys.argv[1:5]))
    except PasswordError:
        write({"error": "password"})
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
