"""decide: what a table says about each of many inputs on a day, and which row said it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.rules import cells
from neiqin.kernel.rules.cells import BadCell, Column
from neiqin.kernel.rules.models import Table, Version

DEFAULT = "其他"  # in the first input cell of a last row: it decides where no other does
MOST_KEPT = 5000  # decisions of a version: what was asked once is often asked again
_kept: dict[tuple[str, int], "Compiled"] = {}
# By hand, as nearly every action asks it: what Django needs to put it together takes longer than the answer.
_IN_FORCE = """
SELECT v.id FROM rules_version v JOIN rules_table t ON t.id = v.table_id
WHERE t.code = %s AND v.state <> 'draft' AND v.from_on <= %s AND (v.until_on IS NULL OR v.until_on >= %s)
ORDER BY v.id LIMIT 1
"""


@dataclass(frozen=True)
class Decision:
    """outputs: name -> value, or with hit `collect` name -> all values; rows: numbers of the rows that fit, from 1."""

    outputs: Mapping[str, Any]
    rows: tuple[int, ...]
    version: "Compiled"

    @property
    def row(self) -> int:
        return self.rows[0]

    @property
    def where(self) -> str:
        """The row that decided, in words: 《…》第 n 版第 m 行."""
        return f"《{self.version.name}》第 {self.version.number} 版第 {self.row} 行"


class Undecided(Exception):
    """Some inputs could not be decided. problems: position -> sentence; the others are in `decisions` by position."""

    def __init__(self, problems: Mapping[int, str], decisions: Mapping[int, Decision]) -> None:
        self.problems, self.decisions = dict(problems), dict(decisions)
        super().__init__("；".join(list(self.problems.values())[:3]))


class Compiled:
    """A version ready to decide. Raises BadCell naming row and column when a cell cannot be understood."""

    def __init__(self, table: Table, number: int, rows: Sequence[Sequence[str]], version_id: int = 0) -> None:
        self.id, self.code, self.name, self.number = version_id, table.code, table.name, number
        self.inputs, self.outputs = cells.columns(table.inputs), cells.columns(table.outputs)
        self.collects = table.hit == "collect"
        self.rows = [self._row(n, row, last=n == len(rows)) for n, row in enumerate(rows, 1)]
        self._made: dict[str, Decision] = {}
        self._first, self._mentioned = [row[0] for row in rows], dict[str, bool]()

    def _row(self, number: int, row: Sequence[str], *, last: bool) -> tuple[Any, list[Any], bool]:
        where = f"第 {number} 行"
        if len(row) != len(self.inputs) + len(self.outputs):
            raise BadCell(f"{where}要有 {len(self.inputs) + len(self.outputs)} 格，有 {len(row)} 格。")
        given, wanted = row[: len(self.inputs)], row[len(self.inputs) :]
        default = str(given[0]).strip() == DEFAULT
        if default and (not last or any(str(c).strip() for c in given[1:])):
            raise BadCell(f"{where}：「{DEFAULT}」只能是最后一行，别的条件留空。")
        try:
            parts = (
                []
                if default
                else [p for c, cell in zip(self.inputs, given, strict=True) if (p := cells.condition(c, cell))]
            )
            results = [cells.result(c, cell, self.inputs) for c, cell in zip(self.outputs, wanted, strict=True)]
        except BadCell as error:
            raise BadCell(f"{where}：{error}") from None
        fits = cells.compiled(" and ".join(f"({p})" for p in parts) or "true", where)
        return fits, [cells.compiled(r, where) for r in results], default

    def mentions(self, word: str) -> bool:
        """Whether a row before the last one for all others speaks of inputs whose first is this text."""
        if word not in self._mentioned:
            found = (str(cell).strip() for cell in self._first if str(cell).strip() != DEFAULT)
            self._mentioned[word] = any(c in ("", "-", "—", "任意") or c.startswith(("非", "!=")) or word in
                                        re.split(r"\s*[、,，]\s*", c) for c in found)  # fmt: skip
        return self._mentioned[word]

    def decide(self, given: Mapping[str, Any]) -> Decision:
        """What the rows say. Raises BadCell: an input is missing, a formula fails, or no row fits."""
        context = cells.context(self.inputs, given)
        made = self._made.get(context)
        if made is None:
            made = self._decided(context, given)
            if len(self._made) >= MOST_KEPT:  # other threads decide too: nothing is read from it after this
                self._made.clear()
            self._made[context] = made
        return made

    def _decided(self, context: str, given: Mapping[str, Any]) -> Decision:
        fitting: list[tuple[int, dict[str, Any]]] = []
        for number, (fits, results, default) in enumerate(self.rows, 1):
            where = f"《{self.name}》第 {self.number} 版第 {number} 行"
            if (default and fitting) or cells.run(fits, context, where) is not True:
                continue
            values = (
                cells.value_of(c, cells.run(r, context, where)) for c, r in zip(self.outputs, results, strict=True)
            )
            fitting.append((number, {c.name: v for c, v in zip(self.outputs, values, strict=True)}))
            if not self.collects:
                return Decision(fitting[0][1], (number,), self)
        if not fitting:
            asked = "，".join(f"{c.label} {given[c.name]}" for c in self.inputs)
            raise BadCell(f"《{self.name}》第 {self.number} 版没有一行适用：{asked}。")
        collected = {c.name: [values[c.name] for _, values in fitting] for c in self.outputs}
        return Decision(collected, tuple(n for n, _ in fitting), self)


def decide(code: str, inputs: Sequence[Mapping[str, Any]], on: date, batch: Batch[Any] | None = None) -> list[Decision]:
    """What the table `code` in force on a day says about each input, in order; one query for any number.

    With a batch, one input a record of it in order: those that cannot be decided are refused, the decisions are of the
    records left, and each record's event says which row of which version decided. Without, raises Undecided.
    Raises Undecided also when no version is in force (for all positions).
    """
    problems: dict[int, str] = {}
    decisions: dict[int, Decision] = {}
    try:
        version: Compiled | None = in_force(code, on)
    except BadCell as error:
        version, problems = None, dict.fromkeys(range(len(inputs)), str(error))
    for position, given in enumerate(inputs if version else ()):
        try:
            decisions[position] = version.decide(given)  # type: ignore[union-attr]
        except BadCell as error:
            problems[position] = str(error)
    if batch is None:
        if problems:
            raise Undecided(problems, decisions)
        return list(decisions.values())
    keys = batch.keys
    if len(keys) != len(inputs):
        raise ValueError(f"{len(inputs)} inputs for {len(keys)} records")
    for position, made in decisions.items():
        batch.decided(
            keys[position], {"title": made.version.name, "version": made.version.number, "rows": list(made.rows)}
        )
    batch.refuse({keys[position]: text for position, text in problems.items()})
    return list(decisions.values())


def in_force(code: str, on: date) -> Compiled:
    """The version that holds on a day. Raises BadCell if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE, [code, on, on])
        found = cursor.fetchone()
    if found is None:
        raise BadCell(f"{on:%Y-%m-%d} 没有生效的规则表「{_name(code)}」。")
    return of(found[0])


def of(version_id: int) -> Compiled:
    """A version by id, compiled once a process: what is published does not change."""
    key = (connection.settings_dict["NAME"], version_id)
    if key not in _kept:
        version = Version.objects.select_related("table").get(pk=version_id)
        _kept[key] = Compiled(version.table, version.number, version.rows, version_id)
    return _kept[key]


def wrong_examples(compiled: Compiled, examples: Sequence[Sequence[str]]) -> list[str]:
    """A sentence for each example row that does not hold: expected and got."""
    problems = enumerate(run_examples(compiled, examples), 1)
    return [f"样例第 {number} 行：{problem}" for number, problem in problems if problem]


def run_examples(compiled: Compiled, examples: Sequence[Sequence[str]]) -> list[str]:
    """Of each example row in order: "" if it holds, or what was expected and what came out."""
    found = []
    for row in examples:
        try:
            found.append(_wrong(compiled, row))
        except BadCell as error:
            found.append(str(error))
    return found


def _wrong(compiled: Compiled, row: Sequence[str]) -> str:
    inputs, outputs = compiled.inputs, compiled.outputs
    if len(row) != len(inputs) + len(outputs):
        return f"要有 {len(inputs) + len(outputs)} 格，有 {len(row)} 格。"
    made = compiled.decide({c.name: c.parse(cell) for c, cell in zip(inputs, row, strict=False)})
    for column, cell in zip(outputs, row[len(inputs) :], strict=True):
        got, expected = made.outputs[column.name], _expected(column, cell, compiled.collects)
        if got != expected:
            return f"「{column.label}」应为 {said(expected)}，算出 {said(got)}（第 {made.row} 行）。"
    return ""


def _expected(column: Column, cell: str, collects: bool) -> Any:
    return [column.parse(part) for part in str(cell).split("、")] if collects else column.parse(cell)


def said(value: Any) -> str:
    """A result as people read it; of a table that collects, all of them."""
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)


def _name(code: str) -> str:
    return Table.objects.filter(code=code).values_list("name", flat=True).first() or code
