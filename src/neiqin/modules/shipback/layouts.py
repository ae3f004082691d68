"""What is known of couriers and of the platforms' files, as data (`couriers.toml`, `layouts.toml`). Pure."""

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Courier:
    """name: as we write it; aliases: what else it is called; shapes, loose: of its numbers."""

    name: str
    aliases: tuple[str, ...]
    shapes: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()

    def fits(self, waybill: str, *, loosely: bool = False) -> bool:
        return any(re.fullmatch(shape, waybill) for shape in (self.loose if loosely else self.shapes))


@dataclass(frozen=True)
class Layout:
    """A platform's file. columns: (header, number / carrier / waybill); names: our name of a courier -> the platform's;
    certain: False where the columns are from memory of other people's and not of the platform."""

    channel: str
    format: str
    columns: tuple[tuple[str, str], ...]
    names: Mapping[str, str]
    encoding: str
    certain: bool

    @property
    def headers(self) -> list[str]:
        return [header for header, _ in self.columns]

    def row(self, values: Mapping[str, str]) -> list[str]:
        """number, carrier and waybill -> the cells of a row."""
        said = {**values, "carrier": self.names.get(values["carrier"], values["carrier"])}
        return [said[what] for _, what in self.columns]


@cache
def couriers() -> tuple[Courier, ...]:
    """All of them, in the order of the file."""
    return tuple(
        Courier(c["name"], tuple(c["aliases"]), tuple(c.get("shapes", ())), tuple(c.get("loose", ())))
        for c in _read("couriers.toml")["courier"]
    )


@cache
def layouts() -> Mapping[str, Layout]:
    """channel -> its file."""
    return {
        channel: Layout(
            channel, found["format"], tuple((h, w) for h, w in found["columns"]), found.get("names", {}),
            found.get("encoding", "utf-8-sig"), found["certain"],
        )
        for channel, found in _read("layouts.toml")["platforms"].items()
    }  # fmt: skip


@cache
def headers() -> Mapping[str, tuple[str, ...]]:
    """What a file of waybills may call order, carrier, waybill and day."""
    return {path: tuple(names) for path, names in _read("layouts.toml")["read"].items()}


def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))


def named(text: str) -> str:
    """A courier as a file calls it -> as we do; one nobody knows stays as it is written."""
    said = text.strip()
    for one in couriers():
        if said in (one.name, *one.aliases) or said.upper() in one.aliases:
            return one.name
    return said


def guessed(waybill: str) -> str:
    """The only courier whose numbers look like this, "" for none or several: a guess, to be shown as one."""
    for loosely in (False, True):
        found = [c.name for c in couriers() if c.fits(waybill, loosely=loosely)]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


def odd(carrier: str, waybill: str) -> bool:
    """Whether a courier we know has no numbers of this shape."""
    one = next((c for c in couriers() if c.name == carrier), None)
    return one is not None and not (one.fits(waybill) or one.fits(waybill, loosely=True))


def written(layout: Layout, rows: Iterable[Mapping[str, str]]) -> bytes:
    """The file. Numbers are text in it: a spreadsheet would round long ones."""
    cells = [layout.row(row) for row in rows]
    return _csv(layout, cells) if layout.format == "csv" else _xlsx(layout, cells)


def _csv(layout: Layout, cells: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(layout.headers)
    writer.writerows([_harmless(cell) for cell in row] for row in cells)
    return out.getvalue().encode(layout.encoding, errors="replace")


def _harmless(text: str) -> str:
    """No formula leaves the house."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _xlsx(layout: Layout, cells: Sequence[Sequence[str]]) -> bytes:
    import xlsxwriter  # the web process does without it until it writes one

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("Sheet1")
        text = book.add_format({"num_format": "@"})
        sheet.set_column(0, len(layout.columns) - 1, 26, text)
        for number, row in enumerate([layout.headers, *cells]):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell, text)
    return out.getvalue()
