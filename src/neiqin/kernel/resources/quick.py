"""The quick line of the workbench: a few words become a form that is already filled in.

Nothing is saved by it: what it understood is shown, and Enter opens the form. What was typed travels sealed in the
address (`d`), since it may hold names and phones and addresses are logged.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag

from neiqin.kernel import clock
from neiqin.kernel.fields.formats import BadFormat, clean_text
from neiqin.kernel.personal.blobs import open_blob, seal_blob

LONGEST = 200
FRESH_SECONDS = 3600
QUICKS: dict[str, "Quick"] = {}


@dataclass(frozen=True)
class Guess:
    """What the words mean. url: the form; values: what goes into it, by the form's field names; verb: what Enter does;
    parts: further things understood."""

    title: str
    url: str
    verb: str
    parts: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quick:
    """A word that begins a line. guess: (person, the rest of the line) -> what it means, None while that is unclear."""

    word: str
    example: str
    may: str
    guess: Callable[[Any, str], Guess | None]

    def plug(self) -> None:
        """Make it known. Raises ValueError for a second one of the word."""
        if self.word in QUICKS:
            raise ValueError(f"quick word {self.word} is declared twice")
        QUICKS[self.word] = self


def known_to(person: Any) -> list[Quick]:
    """What this person may begin a line with."""
    return [quick for quick in QUICKS.values() if person.may(quick.may)]


def read(person: Any, text: str) -> tuple[Quick, Guess | None] | None:
    """The kind of line and what it means; None when it begins with no word we know."""
    try:
        text = clean_text(text, LONGEST)
    except BadFormat:
        return None
    for quick in known_to(person):
        if text.startswith(quick.word):
            rest = text[len(quick.word) :].strip(" ：:")
            return quick, quick.guess(person, rest) if rest else None
    return None


def carry(person: Any, values: Mapping[str, str]) -> str:
    """Values for a form of this person's, sealed, as text for an address."""
    body = orjson.dumps({"person": person.id, "at": clock.now().timestamp(), "values": dict(values)})
    return base64.urlsafe_b64encode(seal_blob(body)).decode()


def carried(request: Any) -> dict[str, str]:
    """What the address of this request carries for this person, within the hour; else nothing."""
    try:
        found = orjson.loads(open_blob(base64.urlsafe_b64decode(request.GET.get("d", "").encode())))
    except (binascii.Error, InvalidTag, ValueError):
        return {}
    fresh = clock.now().timestamp() - found["at"] < FRESH_SECONDS
    return found["values"] if fresh and found["person"] == request.person.id else {}
