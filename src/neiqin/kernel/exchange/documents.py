"""Document: the rows of a file that make one record, as they lie sealed in a part, and what has been said of them."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import orjson

from neiqin.kernel.exchange.models import BAD, NEW
from neiqin.kernel.exchange.plans import Plan
from neiqin.kernel.exchange.reading import Row
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.personal.blobs import open_blob, seal_blob

RELEASE = version("neiqin")
PART = 1000  # documents; a part of customers with contacts is written in about half a second


@dataclass
class Mark:
    """What is wrong, or worth a look, in one cell (row and column of the document, -1: the whole row)."""

    row: int
    column: int
    text: str


@dataclass
class Document:
    """rows: row numbers in the sheet; cells: their texts; doubts: what the reader did not trust; verdict, wrong,
    warned: what the check said; record, version: the record meant or made; why: in words, if skipped or not undone;
    keys, parsed: what the check made of the cells, for who writes a new record: the values of the plan's keys (round
    trip first) and the create action's row, with decimals and dates as texts."""

    rows: list[int]
    cells: list[list[str]]
    doubts: list[Mark] = field(default_factory=list)
    verdict: str = NEW
    record: int | None = None
    version: int | None = None
    why: str = ""
    wrong: list[Mark] = field(default_factory=list)
    warned: list[Mark] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    parsed: dict[str, Any] | None = None

    def refuse(self, row: int, column: int, text: str) -> None:
        """Not to be imported as it stands."""
        self.verdict = BAD
        self.wrong.append(Mark(row, column, text))

    def reset(self) -> None:
        """Forget what was said: it will be checked again."""
        self.verdict, self.record, self.version, self.why, self.wrong, self.warned = NEW, None, None, "", [], []
        self.keys, self.parsed = [], None


def seal_documents(documents: Sequence[Document]) -> bytes:
    """The documents as a part keeps them: compressed, then encrypted (cells may be personal)."""
    kept = {"release": RELEASE, "documents": list(documents)}
    return seal_blob(zlib.compress(orjson.dumps(kept, default=str), 1))


def open_documents(body: bytes | memoryview) -> list[Document]:
    """The documents of a part. What another release has parsed is forgotten: its rules may have been others."""
    kept = orjson.loads(zlib.decompress(open_blob(bytes(body))))
    release, found = (kept["release"], kept["documents"]) if isinstance(kept, dict) else ("", kept)
    for one in found:
        for name in ("doubts", "wrong", "warned"):
            if one[name]:
                one[name] = [Mark(**mark) for mark in one[name]]
        if release != RELEASE:
            one |= {"keys": [], "parsed": None}
    return [Document(**one) for one in found]


class Layout:
    """Which column is what, for one import: target paths by column, and back."""

    def __init__(self, plan: Plan, mapping: Mapping[str, str]) -> None:
        self.plan = plan
        self.paths: dict[int, str] = {int(column): path for column, path in mapping.items() if path}
        self.columns: dict[str, int] = {path: column for column, path in self.paths.items()}
        self.root = [(c, p) for c, p in self.paths.items() if "." not in p]
        self.lines = {
            lines.name: [(c, p.split(".")[1]) for c, p in self.paths.items() if p.split(".")[0] == lines.name]
            for lines in plan.shape.lines
        }

    def documents(self, rows: Iterable[Row]) -> Iterator[Document]:
        """Rows as documents: a row whose key is the last one's, or that brings only lines, goes on with the same
        document. Without columns of lines every row is one document."""
        last: Document | None = None
        together = any(self.lines.values())
        for row in rows:
            if last is None or not together or not self._goes_on(last, row.cells):
                if last is not None:
                    yield last
                last = Document([], [])
            last.rows.append(row.number)
            last.cells.append(row.cells)
            last.doubts += _doubts(len(last.rows) - 1, row)
        if last is not None:
            yield last

    def _goes_on(self, last: Document, cells: Sequence[str]) -> bool:
        paths = dict.fromkeys(p for key in self.plan.keys for p in (key.path, key.within) if p)
        named = [c for p in paths if (c := self.columns.get(p)) is not None]
        here = [(c, value_at(cells, c)) for c in named]
        if any(value for _, value in here):
            return all(value == value_at(last.cells[0], c) for c, value in here)
        return not any(value_at(cells, c) for c, _ in self.root)

    def text(self, document: Document, column: int) -> str:
        """The first text of a column in the document's rows; "" if there is none, or no such column (-1)."""
        return next((t for cells in document.cells if column >= 0 and (t := value_at(cells, column))), "")

    def values(self, document: Document) -> dict[str, Any]:
        """What the cells say, unparsed: fields by name, lines as lists of rows with `_row` (their row here); later rows
        of a document may repeat a field or leave it empty, else it is refused."""
        found: dict[str, Any] = {}
        for column, path in self.root:
            for row, cells in enumerate(document.cells):
                text = value_at(cells, column)
                if text and found.setdefault(path, text) != text:
                    known = self.plan.field(path)
                    if known is None or not _mean_the_same(known, found[path], text):
                        label = known.label if known else path
                        document.refuse(row, column, f"和第 {document.rows[0]} 行的「{label}」不一样。")
        for name, columns in self.lines.items():
            rows = [
                {f: t for c, f in columns if (t := value_at(cells, c))} | {"_row": row}
                for row, cells in enumerate(document.cells)
            ]
            if columns:
                found[name] = [row for row in rows if len(row) > 1]
        return found


def _mean_the_same(known: Field, one: str, other: str) -> bool:
    """1,000.00 and 1000 are, and two times of one day where only the day is asked for."""
    try:
        return bool(known.parse(one) == known.parse(other))
    except BadFormat:
        return False


def _doubts(place: int, row: Row) -> list[Mark]:
    found = [Mark(place, column, why) for column, why in row.suspect.items()]
    return [*found, Mark(place, -1, row.problem)] if row.problem else found


def value_at(cells: Sequence[str], column: int) -> str:
    """A cell's text; short rows end in empty cells."""
    return cells[column] if column < len(cells) else ""
