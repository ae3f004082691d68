"""What is indexed of a text and what a typed query asks for; pure.

A text is flattened to its letters, digits and Chinese characters; each of them is a cell with the sounds it may have.
Tokens (crc32 as int4) only choose candidates: characters and pairs of them, syllables, and runs of one to three
initials, a Latin letter or digit being its own initial, so that codes and Latin words need no tokens of their own.
Whether a candidate is a hit is decided on two stored texts:

    text    恒川工业品         the flattened texts, one a line
    sound   'heng'chuan'gong'ye'pin    the cells of those with Chinese, readings of a cell joined by "/"
"""

import re
import unicodedata
from binascii import crc32
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from neiqin.kernel.fields.formats import readings, syllables

FORMAT = 2  # to be raised when entries come out differently: the old ones are then written anew
MOST_TERMS, MOST_TOKENS, MOST_SPLITS = 6, 12, 8
LONGEST_SPELLING = 40
LONGEST_LINE = 400
OFFSET = 0x80000000  # a checksum has no sign, an int4 has
_LATIN = re.compile("[a-z0-9]+")
_RUNS = re.compile("[a-z0-9]+|[^a-z0-9]+")


class Entry(NamedTuple):
    """What is stored of one record."""

    text: str
    sound: str
    tokens: list[int]


@dataclass(frozen=True)
class Way:
    """One way to read a term: candidates have all tokens of `every` and one of `some`; a hit contains `text` or its
    sound matches the regular expression `sound` ("": not asked)."""

    text: str = ""
    sound: str = ""
    every: tuple[int, ...] = ()
    some: tuple[int, ...] = ()

    def holds(self, entry: Entry) -> bool:
        """Whether it reads this entry: what the database decides too."""
        tokens = set(entry.tokens)
        if not tokens.issuperset(self.every) or (self.some and tokens.isdisjoint(self.some)):
            return False
        found = bool(self.text) and self.text in entry.text
        return found or (bool(self.sound) and re.search(self.sound, entry.sound) is not None)


@dataclass(frozen=True)
class Asked:
    """A typed query. Each term must be found, in one of its ways. No terms: nothing can be found."""

    terms: tuple[tuple[Way, ...], ...] = ()

    def matches(self, entry: Entry) -> bool:
        """Whether an entry is a hit."""
        return bool(self.terms) and all(any(way.holds(entry) for way in ways) for ways in self.terms)


def token(kind: str, value: object) -> int:
    """The int4 that stands for a token. kind: one letter (c character or pair, s syllable, i initials, o owner, …)."""
    return crc32(f"{kind}{value}".encode()) - OFFSET


def flat(text: str) -> str:
    """The letters, digits and characters of a text, half-width and lower: （苏州）KH-01 -> 苏州kh01."""
    if text.isascii() or not text.isalnum():
        text = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
    else:
        text = unicodedata.normalize("NFKC", text).lower()
    return text[:LONGEST_LINE]


class _Cell(NamedTuple):
    """tokens of one character, its initials as one text, its readings as they stand in `sound`."""

    tokens: tuple[int, ...]
    initials: str
    sound: str


class _Cells(dict[str, _Cell]):
    """Filled as characters come up."""

    def __missing__(self, char: str) -> _Cell:
        sounds = (char,) if char.isascii() else readings(char)
        own = () if char.isascii() else (token("c", char), *(token("s", sound) for sound in sounds))
        initials = "".join(dict.fromkeys(sound[0] for sound in sounds))
        self[char] = made = _Cell((*own, *_grams(initials)), initials, "/".join(sounds) or "-")
        return made


_CELLS = _Cells()


@lru_cache(100_000)
def _grams(*initials: str) -> tuple[int, ...]:
    """Tokens of a run of one to three cells, for every combination of what each may begin with."""
    return tuple(token("i", "".join(run)) for run in product(*initials))


def entry(texts: Iterable[str], more: Iterable[int] = ()) -> Entry:
    """What to store of a record that these texts shall find. more: further tokens (scope, kind)."""
    tokens, lines, sounds = set(more), "", []
    for line in map(flat, texts):
        if not line or line in lines:
            continue
        lines = f"{lines}\n{line}" if lines else line
        cells = [_CELLS[char] for char in line]
        initials = [cell.initials for cell in cells]
        tokens.update(
            *[cell.tokens for cell in cells],
            *map(_grams, initials, initials[1:]),
            *map(_grams, initials, initials[1:], initials[2:]),
        )
        if not line.isascii():
            tokens.update(map(_pair, line, line[1:]))
            sounds.append("'" + "'".join([cell.sound for cell in cells]))
    return Entry(lines, "\n".join(sounds), list(tokens))


@lru_cache(200_000)
def _pair(a: str, b: str) -> int:
    return token("c", a + b)


def asked(text: str) -> Asked:
    """A typed query -> its terms: parts between spaces, cut where Latin and Chinese meet. Signs are dropped."""
    runs = [run for part in text.split() for run in _RUNS.findall(flat(part))]
    return Asked(tuple(_ways(run) for run in dict.fromkeys(runs[:MOST_TERMS])))


def _ways(run: str) -> tuple[Way, ...]:
    if not _LATIN.fullmatch(run):
        return (Way(run, "", _few([token("c", pair) for pair in _windows(run, 2)])),)
    spoken = _pattern(f"{letter}[a-z]*" for letter in run) if len(run) <= LONGEST_SPELLING else ""
    plain = Way(run, spoken, _initials(run))
    return (plain, *map(_spelling, _splits(run[:LONGEST_SPELLING]))) if run.isalpha() else (plain,)


def _windows(run: Sequence[str], size: int) -> list[str]:
    return ["".join(run[at : at + size]) for at in range(max(1, len(run) - size + 1))]


def _initials(run: Sequence[str]) -> tuple[int, ...]:
    return _few([token("i", window) for window in _windows(run, min(3, len(run)))])


def _few(tokens: Sequence[int]) -> tuple[int, ...]:
    """Of many tokens some from all over: more only cost, the stored text decides anyway."""
    step = -(-len(tokens) // MOST_TOKENS)
    return tuple(dict.fromkeys(tokens[::step]))


def _pattern(sounds: Iterable[str]) -> str:
    """Cells in a row, each with one of its readings: a regular expression that PostgreSQL and Python both know."""
    return "'" + "(?:/[a-z0-9]+)*'".join(f"(?:[a-z0-9]+/)*{sound}" for sound in sounds)


def _spelling(split: tuple[str, ...]) -> Way:
    """Letters read as syllables, of which the last may be unfinished."""
    whole, last = split[:-1], split[-1]
    every = [token("s", syllable) for syllable in whole]
    some: list[int] = []
    if whole:
        every += _initials([syllable[0] for syllable in split])
    else:
        some = [token("s", syllable) for syllable in sorted(syllables()) if syllable.startswith(last)]
    return Way("", _pattern([*whole, f"{last}[a-z]*"]), _few(every) if every else (), tuple(some))


@lru_cache(2000)
def _splits(letters: str) -> tuple[tuple[str, ...], ...]:
    """The ways to cut letters into syllables (xian is 先 and 西安), at most MOST_SPLITS, those of fewest cuts first."""
    found: list[tuple[str, ...]] = []
    fronts: list[tuple[str, ...]] = [()]
    while fronts and len(found) < MOST_SPLITS:
        longer: list[tuple[str, ...]] = []
        for front in fronts:
            rest = letters[sum(map(len, front)) :]
            if rest in _beginnings():
                found.append((*front, rest))
            longer += [(*front, rest[:n]) for n in range(1, min(7, len(rest))) if rest[:n] in syllables()]
        fronts = longer[: MOST_SPLITS * 8]
    return tuple(found[:MOST_SPLITS])


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(s[:n] for s in syllables() for n in range(1, len(s) + 1))
