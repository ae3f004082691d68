"""Data and a Typst template to PDF, or to a picture. Data goes in as JSON, never as part of the template, so none of it
is markup.

Only our own fonts are used (fonts/README.md), the same on every machine; what they lack is found before printing.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import segno

HERE = Path(__file__).parent
LONG_RUN = re.compile(r"[!-~]{24}(?=[!-~])")
ALLOWED = frozenset("\n\t\r\u200b")


@dataclass(frozen=True)
class Paper:
    """Millimetres; size: of the text in points."""

    width: float
    height: float
    margin: float
    size: float


PAPERS = {
    "A4": Paper(210, 297, 15, 9.5),
    "A4 横": Paper(297, 210, 12, 8.5),
    "241": Paper(241, 140, 12, 9.5),  # three-part continuous forms, and their halves
    "241/3": Paper(241, 93.3, 10, 9),
}


class Missing(ValueError):
    """Characters that our fonts do not have; the message is a Chinese sentence that names them. named: them alone."""

    def __init__(self, named: str) -> None:
        super().__init__(f"{named} 没有印刷字形，没有打印。改成别的字再打印。")
        self.named = named


def pdf(template: Path, paper: str, data: Mapping[str, Any], *, left: float = 0, top: float = 0) -> bytes:
    """The PDF of a template over `data` (JSON-able). left and top: what the printer is off, in mm.

    Raises Missing, and TypstError for a template that is wrong.
    """
    sheet = vars(PAPERS[paper]) | {"left": left, "top": top}
    return _compiled(template, {"paper": sheet, **data}, format="pdf", pdf_tags=False)


def png(template: Path, data: Mapping[str, Any], scale: float) -> bytes:
    """One picture of a template that makes one page, `scale` pixels for each of its points. Raises as pdf() does."""
    return _compiled(template, data, format="png", ppi=72 * scale)


def _compiled(template: Path, data: Mapping[str, Any], **how: Any) -> bytes:
    check_glyphs(data)
    given = orjson.dumps(_walked(data, _breakable), default=str).decode()
    compiler = _typst().Compiler(template.read_bytes(), root=str(HERE / "templates"), font_paths=_fonts())
    made = compiler.compile(sys_inputs={"data": given}, **how)
    assert isinstance(made, bytes)
    return made


def check_glyphs(data: Any) -> None:
    """Raises Missing if a text in `data` has a character that would print as a box."""
    lacking = {c for text in texts_in(data) for c in text if c not in _covered() and c not in ALLOWED}
    if lacking:
        raise Missing("、".join(f"「{c}」" for c in sorted(lacking)[:10]))


def qr(text: str) -> str:
    """A QR code as SVG, or "" for no text."""
    if not text:
        return ""
    out = io.BytesIO()
    segno.make(text, micro=False, error="m").save(out, kind="svg", border=0, xmldecl=False)
    return out.getvalue().decode()


@cache
def _typst() -> Any:
    """typst, loaded by whoever prints first: it costs 11 MB in each process."""
    import typst

    return typst


@cache
def _fonts() -> Any:
    return _typst().Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")])


@cache
def _covered() -> frozenset[str]:
    found: set[str] = set()
    for part in (HERE / "fonts/coverage.txt").read_text().split():
        first, _, last = part.partition("-")
        found |= {chr(code) for code in range(int(first, 16), int(last or first, 16) + 1)}
    return frozenset(found)


def texts_in(data: Any) -> Iterator[str]:
    """All texts in JSON-able data, without its keys."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from texts_in(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            yield from texts_in(value)


def _walked(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, Mapping):
        return {key: value if key == "qr" else _walked(value, change) for key, value in data.items()}
    return [_walked(value, change) for value in data] if isinstance(data, (list, tuple)) else data


def _breakable(text: str) -> str:
    """A run of letters and signs longer than a column may be broken somewhere."""
    return LONG_RUN.sub(lambda m: m.group() + "\u200b", text) if len(text) > 24 else text
