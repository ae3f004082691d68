"""A version as an Excel workbook and back: columns by their labels, the examples on a second sheet."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.models import Table, Version

SHEETS = ("规则", "样例")
MOST_CELLS, SECONDS = 500_000, 30
_CHILD = str(Path(__file__).with_name("child.py"))


def write(version: Version) -> bytes:
    """The workbook. Every cell is text, so that nothing is rounded and no formula runs."""
    import xlsxwriter  # loaded by who writes a workbook

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        head, text = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "@"})
        for name, rows in zip(SHEETS, (version.rows, version.examples), strict=True):
            sheet = book.add_worksheet(name)
            sheet.set_column(0, 30, 18, text)
            sheet.freeze_panes(1, 0)
            for x, label in enumerate(_labels(version.table)):
                sheet.write_string(0, x, label, head)
            for y, row in enumerate(rows, 1):
                for x, cell in enumerate(row):
                    sheet.write_string(y, x, str(cell), text)
    return target.getvalue()


def read(content: bytes, table: Table) -> dict[str, list[list[str]]]:
    """Rows and examples of a workbook whose columns have the table's labels, in any order. Raises BadCell."""
    command = [sys.executable, "-I", _CHILD, str(MOST_CELLS), *SHEETS]
    try:
        done = subprocess.run(command, input=content, capture_output=True, env={}, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BadCell("这个文件读得太久，已停下。只留规则和样例，存成新的 xlsx 再导入。") from None
    if done.returncode or not done.stdout:
        raise BadCell("不是 Excel 文件，或文件坏了，或有格子在很远的地方。存成新的 xlsx 再导入。")
    cells = json.loads(done.stdout)
    found = [_rows(cells[name], table, name) if name in cells else [] for name in SHEETS]
    if not found[0]:
        raise BadCell(f"找不到「{SHEETS[0]}」工作表，或里面没有规则。")
    return {"rows": found[0], "examples": found[1]}


def _rows(cells: Sequence[Sequence[str]], table: Table, name: str) -> list[list[str]]:
    head = cells[0] if cells else []
    missing = [label for label in _labels(table) if label not in head]
    if missing:
        raise BadCell(f"「{name}」工作表缺「{'」「'.join(missing)}」这几列。")
    places = [head.index(label) for label in _labels(table)]
    rows = [[row[place] for place in places] for row in cells[1:]]
    return [row for row in rows if any(row)]


def _labels(table: Table) -> list[str]:
    return [column["label"] for column in [*table.inputs, *table.outputs]]
