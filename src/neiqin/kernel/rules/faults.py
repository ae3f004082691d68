"""What is wrong with the cells of a table, all at once, for the page that marks them: Compiled stops at the first.

Stricter than Compiled, because it is asked of what is being written only: length, and what other rooms refuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from neiqin.kernel.rules import cells
from neiqin.kernel.rules.cells import BadCell, Column
from neiqin.kernel.rules.decide import DEFAULT
from neiqin.kernel.rules.models import Table

MOST_ROWS, MOST_LETTERS = 2000, 1000
_WRITTEN = {"date": "条件写成 ≥ 2026-01-01 或 2026-01-01..2026-06-30，不限就空着。"} | dict.fromkeys(
    cells.NUMBERS, "条件写成 ≥ 100、100..200 或 1、2，不限就空着。"
)


@dataclass(frozen=True)
class Fault:
    """row: from 1; place: of the column, from 0; text: the sentence, which names the column and how to mend it."""

    row: int
    place: int
    text: str

    def __str__(self) -> str:
        return f"第 {self.row} 行{self.text}"


def in_rules(table: Table, rows: Sequence[Sequence[str]], *, last: bool = True) -> list[Fault]:
    """The cells that cannot be. last: the last of these rows is the last of the table, where alone 其他 may stand."""
    inputs, outputs = cells.columns(table.inputs), cells.columns(table.outputs)
    found: list[Fault] = []
    for number, row in enumerate(rows, 1):
        if wrong := _width(table, row):
            found.append(Fault(number, 0, wrong))
            continue
        default, end = row[0].strip() == DEFAULT, last and number == len(rows)
        for place, (column, cell) in enumerate(zip([*inputs, *outputs], row, strict=True)):
            if place >= len(inputs):
                said = _result(table, column, cell, inputs)
            else:
                said = _default(place, cell, end) if default else _condition(column, cell)
            if said:
                found.append(Fault(number, place, _named(column, said)))
    return found


def in_examples(table: Table, rows: Sequence[Sequence[str]]) -> list[Fault]:
    """The cells of example rows that are no value of their column. Whether the examples hold is another question."""
    inputs, outputs = cells.columns(table.inputs), cells.columns(table.outputs)
    found: list[Fault] = []
    for number, row in enumerate(rows, 1):
        if wrong := _width(table, row):
            found.append(Fault(number, 0, wrong))
            continue
        for place, (column, cell) in enumerate(zip([*inputs, *outputs], row, strict=True)):
            parts = cell.split("、") if table.hit == "collect" and place >= len(inputs) else [cell]
            try:
                _short(cell)
                for part in parts:
                    column.parse(part)
            except BadCell as error:
                found.append(Fault(number, place, _named(column, str(error))))
    return found


def all_of(table: Table, rows: Sequence[Sequence[str]]) -> str:
    """The first five faults of the rules as one text, "" if there is none."""
    if many := too_many(rows):
        return many
    found = in_rules(table, rows)
    return "".join(map(str, found[:5])) + (f"还有 {len(found) - 5} 格要改。" if len(found) > 5 else "")


def too_many(rows: Sequence[Sequence[str]]) -> str:
    """The sentence if these are more rows than a table may have, or ""."""
    return f"有 {len(rows):,} 行，最多 {MOST_ROWS:,} 行。" if len(rows) > MOST_ROWS else ""


def _condition(column: Column, cell: str) -> str:
    try:
        _short(cell)
        cells.compiled(cells.condition(column, cell) or "true", "")
    except BadCell as error:
        return str(error) + _WRITTEN.get(column.kind, "")
    return ""


def _result(table: Table, column: Column, cell: str, inputs: Sequence[Column]) -> str:
    try:
        _short(cell)
        cells.compiled(cells.result(column, cell, inputs), "")
    except BadCell as error:
        return str(error)
    checker = cells.CHECKS.get((table.code, column.name))
    return checker(cell.strip()) if checker else ""


def _default(place: int, cell: str, last: bool) -> str:
    if place:
        return f"这一行写了「{DEFAULT}」，别的条件要空着。" if cell.strip() else ""
    return "" if last else f"「{DEFAULT}」只能写在最后一行。把这一行移到最后，或写明条件。"


def _width(table: Table, row: Sequence[str]) -> str:
    wanted = len(table.inputs) + len(table.outputs)
    return "" if len(row) == wanted else f"要有 {wanted} 格，有 {len(row)} 格。"


def _short(cell: str) -> None:
    if len(cell) > MOST_LETTERS:
        raise BadCell(f"写了 {len(cell):,} 个字，最多 {MOST_LETTERS:,} 个。分成几行写。")


def _named(column: Column, said: str) -> str:
    return said if said.startswith(f"「{column.label}」") else f"「{column.label}」：{said}"
