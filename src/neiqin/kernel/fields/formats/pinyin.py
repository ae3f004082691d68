"""Pinyin for sorting (`pinyin_key`) and for typing (`initials`, 助记码), without a phrase dictionary in memory.

The readings are those of pypinyin's single-character file, read once on first use into two flat arrays (0.3 MB instead
of 13 MB for its dictionary and 57 MB with its phrases). What phrases decide is in readings.txt: characters whose first
reading is not the one that names use, the words in which they read otherwise, and surnames. Against pypinyin with its
phrases, 99.7 % of the characters of 47,000 company names read the same, and most of the rest are better here.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path


def _exceptions() -> dict[str, dict[str, str]]:
    """readings.txt -> section -> text -> its syllables, separated by an apostrophe."""
    sections: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("readings.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            for pair in line.split():
                text, _, syllables = pair.partition("=")
                section[text] = syllables
    return sections


_EXCEPTIONS = _exceptions()
_WORDS = {word: syllables.split("'") for word, syllables in _EXCEPTIONS["words"].items()}
_SURNAMES = _EXCEPTIONS["surnames"]
# A character that begins no word is not tried against all of them.
_WORD = f"(?=[{''.join(sorted({word[0] for word in _WORDS}))}])(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
_TOKEN = re.compile("|".join((_WORD, "[a-zA-Z]+", "[0-9]+", r"\S")))
_DIGIT_RUN = 6
KEY_LENGTH = 240


class _Readings(dict):
    """Code point -> first reading without tone, "" where there is none. Filled as characters come up."""

    def __init__(self) -> None:
        super().__init__((ord(char), reading) for char, reading in _EXCEPTIONS["characters"].items())
        self.codes, self.which, self.syllables = _load()

    def __missing__(self, code: int) -> str:
        at = bisect_left(self.codes, code)
        found = at < len(self.codes) and self.codes[at] == code
        self[code] = reading = self.syllables[self.which[at]] if found else ""
        return reading


def _character_file() -> str:
    """pypinyin's characters and their readings.

    The file is read, not the package imported: importing pypinyin loads its phrases whatever one asks of it.
    """
    spec = find_spec("pypinyin")
    places = list(spec.submodule_search_locations or []) if spec else []
    return (Path(places[0]) / "pinyin_dict.json").read_text("utf-8")


def _load() -> tuple[array, array, list[str]]:
    """The sorted code points of pypinyin's character file, the number of the syllable of each, and the syllables."""
    text = _character_file()
    numbers: dict[str, int] = {}
    plain: dict[str, int] = {}
    packed = array("Q")  # code point and syllable number in one: no 42,000 tuples
    for found in re.finditer(r'"(\d+)":\s*"([^",]+)', text):
        toned = found[2]
        if toned not in plain:
            plain[toned] = numbers.setdefault(_without_tone(toned), len(numbers))
        packed.append(int(found[1]) << 16 | plain[toned])
    packed = array("Q", sorted(packed))
    return array("I", (pair >> 16 for pair in packed)), array("H", (pair & 0xFFFF for pair in packed)), list(numbers)


@cache
def _all_readings() -> dict[str, tuple[str, ...]]:
    """Character -> its readings without tone where there is more than one: the likely one first, then those of the
    words and surnames of readings.txt, then those of the character file. Some 6,000 characters, 2 MB. Without those
    that readings.txt calls unsaid."""
    found: dict[str, list[str]] = {}
    for code, toned in re.findall(r'"(\d+)":\s*"([^"]+)', _character_file()):
        if "," in toned and 0x4E00 <= int(code) < 0xA000:
            found[chr(int(code))] = [_without_tone(reading) for reading in toned.split(",")]
    named = [
        (char, reading) for word, syllables in _WORDS.items() for char, reading in zip(word, syllables, strict=True)
    ]
    for char, reading in (*named, *_SURNAMES.items()):
        found.setdefault(char, []).insert(0, reading)
    for char, several in found.items():
        unsaid = _EXCEPTIONS["unsaid"].get(char, "").split("'")
        several[:] = [_readings()[ord(char)], *(reading for reading in several if reading not in unsaid)]
    return {char: tuple(filter(None, dict.fromkeys(several))) for char, several in found.items()}


def readings(char: str) -> tuple[str, ...]:
    """A Han character -> every reading that is used, without tones, the likely one first; () for others."""
    several = _all_readings().get(char)
    return several or tuple(filter(None, (_readings()[ord(char)],)))


@cache
def syllables() -> frozenset[str]:
    """All syllables that Han characters read as, without tones; not the vowelless calls (hm, ng)."""
    return frozenset(s for s in _readings().syllables if re.search("[aeiouv]", s))


def _without_tone(syllable: str) -> str:
    """lǜ -> lv: the way ü is typed."""
    parts = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v").replace("ê", "e")
    return "".join(char for char in parts if "a" <= char <= "z")


@cache
def _readings() -> _Readings:
    return _Readings()


@lru_cache(maxsize=4096)  # a name is asked for its key, then for its initials; in an import a whole part at a time
def _parts(text: str, person: bool) -> list[tuple[str, bool]]:
    """Text -> its syllables (True: one of a Han character), Latin words and digit runs in order; signs are dropped."""
    text = unicodedata.normalize("NFKC", text).strip()
    parts: list[tuple[str, bool]] = []
    for found in _TOKEN.finditer(text):
        if found[0] == "行" and text[found.end() : found.end() + 1] in ("", "("):
            parts.append(("hang", True))  # a firm that ends in 行 is a shop
        else:
            parts += _pieces(found[0])
    if person and text[:1] in _SURNAMES and text[:2] not in _WORDS:
        parts[0] = (_SURNAMES[text[0]], True)
    return parts


@lru_cache(maxsize=16384)
def _pieces(chars: str) -> tuple[tuple[str, bool], ...]:
    """What one match of _TOKEN is: a word, a character, a run, or a sign that is dropped."""
    if chars in _WORDS:
        return tuple((syllable, True) for syllable in _WORDS[chars])
    return (_part(chars),) if chars.isalnum() else ()


def _part(chars: str) -> tuple[str, bool]:
    """One character, or a run of Latin letters or digits. é is e; letters of other scripts go after all pinyin."""
    if chars.isascii():
        return chars.lower(), False
    if reading := _readings()[ord(chars)]:
        return reading, True
    return _without_tone(chars.lower()) or f"~{ord(chars):05x}", False


def pinyin_key(text: str, *, person: bool = False) -> str:
    """A name -> its sort key: syllables in lower-case ASCII with a space between, at most 240 characters.

    The space sorts before every letter, so names are ordered character by character as in a Chinese register: 西安
    (xi an) before 先锋 (xian feng). Runs of digits are padded with zeros to six places, so 2号 comes before 10号. Tones
    are left out: people look for zhang, not for its first tone. `person` reads the first character as a surname
    (单 shan, 仇 qiu). The same text always gives the same key; equal keys need a second column (id) to be ordered.
    """
    parts = (part.zfill(_DIGIT_RUN) if part.isdigit() else part for part, _ in _parts(text, person))
    return " ".join(parts)[:KEY_LENGTH].rstrip()


def initials(text: str, *, person: bool = False) -> str:
    """A name -> its 助记码: first letters in lower case, Latin words and digits whole: 恒川工业品 -> hcgyp."""
    return "".join(part[0] if han else part for part, han in _parts(text, person))
