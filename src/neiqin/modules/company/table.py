"""A pasted block of cells with a heading, as Excel, WPS or a chat gives it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """columns: the names that were found; rows: (line in the paste, name -> text, empty without such a column)."""

    columns: frozenset[str]
    rows: list[tuple[int, dict[str, str]]]


def cells_of(text: str, names: Mapping[str, Sequence[str]]) -> Table:
    """The paste as a table: cells between tabs, else commas, else wide spaces; the first line names the columns by any
    of `names`, and without such a line they come in the order of `names`."""
    lines = [(n, line.strip("\r\n")) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        return Table(frozenset(), [])
    cut = [(n, [c.strip() for c in re.split(_separator(lines[0][1]), line)]) for n, line in lines]
    headings = {alias: name for name, aliases in names.items() for alias in aliases}
    order: list[str] = [headings.get(c.replace(" ", ""), "") for c in cut[0][1]]
    if not any(order):
        order = list(names)[: len(cut[0][1])]
    else:
        cut = cut[1:]
    empty = dict.fromkeys(names, "")
    rows = [(n, empty | {name: cell for name, cell in zip(order, cells, strict=False) if name}) for n, cells in cut]
    return Table(frozenset(filter(None, order)), rows)


def _separator(line: str) -> str:
    return "\t" if "\t" in line else "[,，]" if "," in line or "，" in line else r"\s+"
