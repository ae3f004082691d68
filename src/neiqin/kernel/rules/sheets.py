"""A version as an Excel workbook and back: columns by their labels, the examples on a second sheet."""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from neiqin.kernel.rules.cells import BadCell
from neiqin.kernel.rules.models import Table, Version

SHEETS = ("规则", "样例")


def write(version: Version) -> bytes:
    """The workbook. Every cell is text, so that nothing is rounded and no formula runs."""
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
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        found = [
            _rows(book.get_sheet_by_name(n).to_python(), table, n) if n in book.sheet_names else [] for n in SHEETS
        ]
    except CalamineError:
        raise BadCell("不是 Excel 文件，或文件坏了。存成 xlsx 再导入。") from None
    if not found[0]:
        raise BadCell(f"找不到「{SHEETS[0]}」工作表，或里面没有规则。")
    return {"rows": found[0], "examples": found[1]}


def _rows(cells: Sequence[Sequence[Any]], table: Table, name: str) -> list[list[str]]:
    head = [str(c).strip() for c in cells[0]] if cells else []
    missing = [label for label in _labels(table) if label not in head]
    if missing:
        raise BadCell(f"「{name}」工作表缺「{'」「'.join(missing)}」这几列。")
    places = [head.index(label) for label in _labels(table)]
    rows = [[_written(row[place]) for place in places] for row in cells[1:]]
    return [row for row in rows if any(row)]


def _written(cell: Any) -> str:
    """What a person typed: Excel makes 3.0 of 3, and 是 of nothing."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return f"{cell:.15g}"
    return str(cell).strip()


def _labels(table: Table) -> list[str]:
    return [column["label"] for column in [*table.inputs, *table.outputs]]
