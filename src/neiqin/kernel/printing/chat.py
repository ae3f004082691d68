"""A record in a chat: its form in words to paste, and as one long picture for a phone. Both from the form's sheet, so
what is not on the paper is not in them either.

Beside what its template prints a sheet may say: heading: what it is called in a chat (default: the form's label);
company; parts: what each column of `head` is (PARTS); total: (label, amount, in words); notes: further lines; closing:
what the other is asked to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.printing import typeset
from neiqin.kernel.printing.forms import Form, Sheet, gathered
from neiqin.kernel.resources.resource import Resource

TEMPLATE = typeset.HERE / "templates/long.typ"
PARTS = ("", "no", "name", "unit", "quantity", "price", "amount")  # "": said with its label
MOST_LINES, MOST_SIGNS = 200, 24_000
FULL, SMALL = 2.0, 0.6  # pixels a point; the small one is to look at, too coarse to be sent


class TooLong(ValueError):
    """The record has more than one picture can show; the message is a Chinese sentence."""


@dataclass(frozen=True)
class Line:
    """One row. count: 10 个; price, amount: (label, money); details: with their labels; "" and nothing for what it has
    not."""

    name: str
    count: str
    price: tuple[str, str]
    amount: tuple[str, str]
    details: list[str]

    @property
    def words(self) -> str:
        money = [f"{label} {text}" for label, text in (self.price, self.amount) if text]
        return "，".join([f"{self.name} ×{self.count}" if self.count else self.name, *money, *self.details])


@dataclass(frozen=True)
class Table:
    label: str
    lines: list[Line]


@dataclass(frozen=True)
class Slip:
    """A sheet as a chat shows it: nothing that is empty, no columns. ends: (label, amount, in words)."""

    heading: str
    number: str
    company: str
    about: str
    mark: str
    facts: list[tuple[str, str]]
    tables: list[Table]
    ends: list[tuple[str, str, str]]
    notes: list[str]

    @property
    def lines(self) -> int:
        return sum(len(t.lines) for t in self.tables)


def slip_of(form: Form, resource: Resource, record: Any, person: Any) -> tuple[Slip, str]:
    """The record on this form, as this person may see it, and the same in words for a chat."""
    (sheet,) = gathered(form, resource, [record], person)
    heading = sheet.get("heading") or (f"{resource.label}{form.label}" if form.kind == "*" else form.label)
    notes = [sheet.get("note", ""), sheet.get("words", ""), *sheet.get("notes", ()), *sheet.get("terms", ())]
    notes += [] if sheet["watermark"] else [sheet.get("closing", "")]  # of a draft nothing is asked
    slip = Slip(
        heading, sheet["number"], sheet.get("company", ""), sheet.get("title", ""), sheet["watermark"],
        [(label, value) for label, value in sheet["facts"] if value], _tables(sheet),
        [sheet["total"]] if sheet.get("total") else [],
        [n for n in notes if n],
    )  # fmt: skip
    said = form.said(record, sheet) if form.said else _words(slip)
    return slip, f"【{slip.mark}】\n{said}" if slip.mark else said


def picture(slip: Slip, person: Any, scale: float = FULL) -> bytes:
    """The slip as one PNG, 375 points wide and as high as it gets. Raises as check() does."""
    return typeset.png(TEMPLATE, check(slip, person), scale)


def check(slip: Slip, person: Any) -> dict[str, Any]:
    """What the template draws. Raises TooLong, and Missing for characters that have no glyph."""
    given = asdict(slip) | {"by": person.name, "at": f"{clock.local(clock.now()):%Y-%m-%d %H:%M}"}
    if slip.lines > MOST_LINES:
        raise TooLong(f"有 {slip.lines:,} 行，一张图片最多放 {MOST_LINES} 行。用「打印」出 PDF 发给对方。")
    if sum(map(len, typeset.texts_in(given))) > MOST_SIGNS:
        raise TooLong("字太多，一张图片放不下。用「打印」出 PDF 发给对方。")
    typeset.check_glyphs(given)
    return given


def _tables(sheet: Sheet) -> list[Table]:
    tables = sheet["tables"] if "tables" in sheet else [{"label": "", "head": sheet["head"], "rows": sheet["rows"]}]
    found = [Table(t["label"], _lines(t["head"], t["rows"], sheet.get("parts", ()))) for t in tables]
    return [t for t in found if t.lines]


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]], parts: Sequence[str]) -> list[Line]:
    """Without parts the first column is the name and the others are said with their labels."""
    meant = parts or ("name", *[""] * (len(head) - 1))
    return [_line([(p, h, c) for p, h, c in zip(meant, head, row, strict=True) if c and p != "no"]) for row in rows]


def _line(cells: list[tuple[str, str, str]]) -> Line:
    """cells: (part, label, text) of those that have a text."""
    by: Mapping[str, tuple[str, str]] = {p: (h, c) for p, h, c in cells}
    details = [f"{h} {c}" for p, h, c in cells if not p]
    name = " ".join(c for p, _, c in cells if p == "name") or (details.pop(0) if details else "—")
    count = " ".join(by[p][1] for p in ("quantity", "unit") if p in by) if "quantity" in by else ""
    return Line(name, count, by.get("price", ("", "")), by.get("amount", ("", "")), details)


def _words(slip: Slip) -> str:
    company = f"【{slip.company}】" if slip.company else ""
    said = [f"{company}{slip.heading} {slip.number}".strip(), slip.about]
    said += [f"{label}：{value}" for label, value in slip.facts]
    for table in slip.tables:
        said += [f"{table.label}：" if table.label else "", *(f"{n}. {x.words}" for n, x in enumerate(table.lines, 1))]
    said += [f"{label}：{amount}" for label, amount, _ in slip.ends]
    return "\n".join(filter(None, [*said, *slip.notes]))
