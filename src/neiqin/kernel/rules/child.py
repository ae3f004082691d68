"""Runs as a process of its own: reads the sheets of a decision table's workbook.

The parser is native code and allocates the whole rectangle from A1 to the last cell: a file of 5 KB with two cells far
apart ends the process that reads it. So that is never the web process, and this one has a ceiling of memory and time.
Started by path: it imports nothing of the house.

stdin: the workbook. argv: most cells of a sheet, names of sheets. stdout: JSON, name -> rows of texts, of those it has.
"""

import io
import json
import resource
import sys
from contextlib import suppress
from typing import Any

from python_calamine import CalamineWorkbook

MEMORY, SECONDS = 3 << 29, 20


def written(cell: Any) -> str:
    """What a person typed: Excel makes 3.0 of 3, and 是 of nothing."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return str(cell).strip()


def main() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a ceiling below ours is in force, or the system has none of this kind
            resource.setrlimit(what, (most, most))
    area, wanted = int(sys.argv[1]), sys.argv[2:]
    book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    found = {}
    for name in wanted:
        if name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height * sheet.width > area:
                sys.exit(1)
            found[name] = [[written(cell) for cell in row] for row in sheet.to_python()]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
