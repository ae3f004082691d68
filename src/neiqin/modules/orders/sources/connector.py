"""What a connector is: it says which files lie at its place, brings one, and notes there what became of it.

It knows nothing of orders and keeps nothing: what has been taken is remembered by the runner (running.py) as marks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

MOST_BYTES = 64 << 20
TOO_LARGE = "文件超过 64 MB，按日期分成几个再放。"
SUFFIXES = (".csv", ".xlsx", ".xls")
DONE, ASIDE = "done", "aside"


class Trouble(Exception):
    """The place cannot be reached or does not let us in: a Chinese sentence, without any secret."""


class Left(Exception):
    """This one file cannot be fetched, for the reason in the text (Chinese); the others go on."""


@dataclass(frozen=True)
class Found:
    """A file that lies there. key: tells it from the others of its place; name: as people know it; mark: is another
    when the content is another, "" when that is not known before it is fetched."""

    key: str
    name: str
    mark: str = ""


@dataclass(frozen=True)
class Fetched:
    """The whole of a file. mark: as in Found, now known for sure."""

    content: bytes
    mark: str


@dataclass(frozen=True)
class Told:
    """What became of a file. workbook: the orders that were left out, to be mended."""

    words: str
    problems: Sequence[str] = ()
    workbook: bytes = b""


class Connector(Protocol):
    """One visit to a place. Every method may raise Trouble, which ends the visit; `close` must not."""

    def look(self, known: Mapping[str, str]) -> Sequence[Found]:
        """Everything that lies there whole (nothing that is still being written), in the order in which it is to be
        taken. known: key -> mark of what has been taken before; the runner leaves out what has the same mark."""

    def fetch(self, found: Found, known: str) -> Fetched | None:
        """Bring it, at most MOST_BYTES; None: it is the one with the mark `known`. Raises Left."""

    def done(self, found: Found, told: Told) -> None:
        """It has been taken and this is committed: move it away, if the place allows that."""

    def set_aside(self, found: Found, told: Told) -> None:
        """It could not be taken, and will not be tried again as it is."""

    def close(self) -> None:
        """End the visit."""
