"""Cells as people write them, compiled to expressions of zen-engine, which computes with exact decimals.

A condition: empty or 任意 fits everything; text 「A、B」 or 「非 A」; numbers and dates 「100」, 「1、2」, 「>= 100」,
「100..200」 (both ends in; numbers also 「100-200」), 「[100, 200)」, several joined by 且; 是 or 否. A result: a text,
a number, or a formula over the inputs, by name or label (in a text column with = in front).

A whole row becomes one expression. zen's own table node is not used: it takes a broken cell for one that does not fit.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any

import orjson

from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats import BadFormat, half_width

NUMBERS = frozenset({"number", "money", "quantity", "percent"})
KINDS = NUMBERS | {"text", "choice", "date", "bool"}
_COMPARED = re.compile(r"(>=|<=|!=|>|<|=)?\s*(\S.*)")
_OPERATORS = {"≥": ">=", "≤": "<=", "≠": "!=", "＝": "=", "＞": ">", "＜": "<", "～": "..", "~": "..", "，": ","}
_DASHED = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*[-－–—至到]\s*(\d[\d,]*(?:\.\d+)?)")
_SPAN = re.compile(r"([\[(])?\s*([^,.\s\[(]+(?:\.\d+)?)\s*(?:\.\.|,)\s*([^,\s\])]+)\s*([\])])?")


Checker = Callable[[str], str]
CHECKS: dict[tuple[str, str], Checker] = {}


def check_cells(code: str, column: str, checker: Checker) -> None:
    """Another room says what an output column of a table may hold: checker(text) -> the sentence of the problem or "".

    Asked when a draft is saved and when a version is published, never when something is decided: what is in force goes
    on deciding. Raises ValueError for a second checker of a column.
    """
    if (code, column) in CHECKS:
        raise ValueError(f"cells of {code} {column} are checked twice")
    CHECKS[code, column] = checker


class BadCell(ValueError):
    """A cell that cannot be understood or computed; the sentence is for people."""


@dataclass(frozen=True)
class Column:
    """One input or output. kind: text, choice, date, bool, or a kind of number; choices: the words allowed, if any."""

    name: str
    label: str
    kind: str = "text"
    choices: tuple[str, ...] = ()

    @cached_property
    def field(self) -> Field:
        return Field(self.name, self.label, self.kind, required=True, choices=tuple(Choice(c, c) for c in self.choices))

    def parse(self, raw: Any) -> Any:
        """The value of this column's kind. Raises BadCell."""
        try:
            return self.field.parse(raw if isinstance(raw, (bool, int, date)) else str(raw))
        except BadFormat as error:
            raise BadCell(str(error)) from None

    def literal(self, raw: str) -> str:
        """A value as zen writes it."""
        value = self.parse(raw)
        if isinstance(value, date):
            return f'd("{value:%Y-%m-%d}")'
        return str(value) if self.kind in NUMBERS else str(value).lower() if self.kind == "bool" else _quoted(value)

    @property
    def operand(self) -> str:
        return f"d({self.name})" if self.kind == "date" else self.name


def columns(described: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Columns from their JSON. Raises ValueError for a kind or name that cannot be."""
    found = tuple(Column(d["name"], d["label"], d.get("kind", "text"), tuple(d.get("choices", ()))) for d in described)
    for column in found:
        if column.kind not in KINDS or not re.fullmatch(r"[a-z][a-z0-9_]*", column.name):
            raise ValueError(f"column {column.name} of kind {column.kind}")
    return found


def condition(column: Column, cell: str) -> str:
    """The cell as a zen expression that is true or false; "" if it fits everything. Raises BadCell."""
    text = str(cell).strip()
    if text in ("", "-", "—", "任意"):
        return ""
    if column.kind in ("text", "choice"):
        negated = text.startswith(("非", "!="))
        words = [w.strip() for w in re.split("[、,，]", text.removeprefix("非").removeprefix("!=")) if w.strip()]
        listed = f"{column.name} in [{', '.join(column.literal(w) for w in words)}]"
        return f"not ({listed})" if negated else listed
    if column.kind == "bool":
        return f"{column.name} == {column.literal(text)}"
    if column.kind in NUMBERS and (dashed := _DASHED.fullmatch(half_width(text))):
        text = f"{dashed[1]}..{dashed[2]}".replace(",", "")
    for written, operator in _OPERATORS.items():
        text = text.replace(written, operator)
    return " and ".join(_compared(column, part.strip()) for part in re.split("且| and ", half_width(text)))


def _compared(column: Column, text: str) -> str:
    if (span := _SPAN.fullmatch(text)) and (".." in text or span[1]):
        low, high = column.literal(span[2]), column.literal(span[3])
        lower, upper = ">" if span[1] == "(" else ">=", "<" if span[4] == ")" else "<="
        return f"{column.operand} {lower} {low} and {column.operand} {upper} {high}"
    if "、" in text:
        return "(" + " or ".join(f"{column.operand} == {column.literal(p)}" for p in text.split("、")) + ")"
    found = _COMPARED.fullmatch(text)
    if found is None:
        raise BadCell(f"「{column.label}」里的「{text[:30]}」看不懂。")
    operator = {"=": "==", None: "=="}.get(found[1], found[1])
    return f"{column.operand} {operator} {column.literal(found[2])}"


def result(column: Column, cell: str, inputs: Sequence[Column]) -> str:
    """The cell as a zen expression for the text of the value, which keeps all digits. Raises BadCell."""
    text = str(cell).strip()
    if not text:
        raise BadCell(f"「{column.label}」没有填。")
    formula = text.removeprefix("=").strip()
    if text == formula and column.kind not in NUMBERS:
        return _quoted(str(column.parse(text)))
    if text == formula:
        with contextlib.suppress(BadCell):
            return f"string({column.literal(formula)})"
        _plausible(column, text, inputs)
    for given in sorted(inputs, key=lambda c: -len(c.label)):
        formula = formula.replace(given.label, given.name)
    for written, operator in {"×": "*", "÷": "/", "（": "(", "）": ")", "－": "-", "＋": "+"}.items():
        formula = formula.replace(written, operator)
    unknown = set(re.findall(r"[a-z_]\w*(?!\w*\()", formula)) - {c.name for c in inputs} - {"and", "or", "not", "in"}
    if _engine().validate_expression(formula) is not None or unknown:
        raise BadCell(f"「{column.label}」的算式「{text[:60]}」算不出来：只能用 {_names(inputs)} 和 + - * / 括号。")
    return f"string({formula})"


def _plausible(column: Column, text: str, inputs: Sequence[Column]) -> None:
    """What is hardly meant as a formula gets its own sentence. Raises BadCell."""
    if _DASHED.fullmatch(half_width(text)):
        raise BadCell(f"「{column.label}」要一个数，「{text[:30]}」是范围。真要相减就在前面写 =。")
    if not NUMBERS & {c.kind for c in inputs} and not re.search(r"\d", text):
        raise BadCell(f"「{column.label}」要写数，「{text[:30]}」不是。写成 20 这样。")


def context(inputs: Sequence[Column], given: Mapping[str, Any]) -> str:
    """The inputs as JSON in which decimals keep their digits. Raises BadCell for one that is missing or wrong."""
    parts = []
    for column in inputs:
        value = given.get(column.name)
        if value is None or value == "":
            raise BadCell(f"缺「{column.label}」，不能判断。")
        if type(value) is str and column.kind in ("text", "choice"):
            parts.append(_words(column, value))
            continue
        if not isinstance(value, (Decimal, int, date)):
            value = column.parse(value)
        if column.kind in NUMBERS:
            parts.append(f'"{column.name}":{value:f}')
        else:
            parts.append(f'"{column.name}":{orjson.dumps(value).decode()}')
    return "{" + ",".join(parts) + "}"


@lru_cache(4096)
def _words(column: Column, text: str) -> str:
    """A text as it stands in the context; of ten thousand records most say the same few."""
    return f'"{column.name}":{orjson.dumps(column.parse(text)).decode()}'


def value_of(column: Column, text: Any) -> Any:
    """What a result's text says, by the column's kind. Raises BadCell: dividing by nothing gives null."""
    if text in (None, "null"):
        raise BadCell(f"「{column.label}」算出空值，算式里有除以零或缺项。")
    if column.kind in NUMBERS:
        return Decimal(text)
    return column.parse(
        "是" if text == "true" else "否" if text == "false" else str(text)[:10] if column.kind == "date" else text
    )


@cache
def _engine() -> Any:
    """zen, loaded by whoever decides first: it costs 9 MB in each process."""
    import zen

    return zen


def compiled(expression: str, where: str) -> Any:
    """The expression ready to run. Raises BadCell."""
    try:
        return _engine().compile_expression(expression)
    except RuntimeError:
        raise BadCell(f"{where}看不懂，照写法改。") from None


def run(expression: Any, context_: str, where: str) -> Any:
    """Its value. Raises BadCell."""
    try:
        return expression.evaluate(context_)
    except RuntimeError:
        raise BadCell(f"{where}算不出来：算式里的数太大，或拿文字去算。") from None


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        raise BadCell(f"「{text[:30]}」里不能有引号和反斜杠。")
    return f'"{text}"'


def _names(inputs: Sequence[Column]) -> str:
    return "、".join(f"「{c.label}」" for c in inputs)
