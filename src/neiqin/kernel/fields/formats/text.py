"""Plain text: what may be stored at all, and how much of its width and spacing is accident."""

import re
import unicodedata

from django.utils.translation import gettext as _


class BadFormat(ValueError):
    """Text that cannot be stored in this field. `sentence` is for people: what is wrong, why, what to write instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


# Full-width letters and digits, and the signs that occur inside numbers, codes and addresses. Chinese punctuation
# （，。：） stays: in sentences and company names it is right as typed (DESIGN.md section 7).
_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_SPACES = dict.fromkeys([0x00A0, 0x2002, 0x2003, 0x2009, 0x202F, 0x205F, 0x3000], " ")
_TEXT = _WIDTH | _SPACES
_CODE = _TEXT | {
    ord(wide): half
    for wide, half in zip("＋－＠．／（），：＃＊＿￥’‘–—−‐‑", "+-@./(),:#*_¥''-----", strict=True)  # noqa: RUF100, RUF001
}

_PLAIN = re.compile(r"[ -~\u4e00-\u9fa5，。、；：（）《》「」“”？！]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Controls, and the invisible characters (zero width, direction overrides) that make two equal looking texts differ.
_INVISIBLE = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_BREAKS = re.compile("[\t\n\r]+")
_LINE_END = re.compile("\r\n?")


def clean_text(text: str, maxlen: int | None = None, *, multiline: bool = False) -> str:
    """Any text from a person or a file -> text as stored; empty text gives "".

    Composed (NFC), full-width letters and digits made half-width, odd spaces made plain, controls and invisible
    characters dropped, ends trimmed; line breaks become spaces unless `multiline`. Full NFKC would be wrong here: it
    turns ㎡ into m2, ① into 1 and （） into (); so it is kept to comparison keys (`company_name_key`).
    BadFormat: NUL or half a character (lone surrogate), which UTF-8 and PostgreSQL cannot hold; longer than `maxlen`
    characters.
    """
    if not _PLAIN.fullmatch(text):
        text = _repaired(text, multiline)
    text = text.strip()
    if maxlen is not None and len(text) > maxlen:
        raise BadFormat(
            _("写了 %(have)d 个字，最多 %(most)d 个，多出 %(over)d 个。删短到 %(most)d 个字以内。")
            % {"have": len(text), "most": maxlen, "over": len(text) - maxlen}
        )
    return text


def _repaired(text: str, multiline: bool) -> str:
    if "\0" in text:
        raise BadFormat(
            _("第 %(at)d 个字符是空字符（NUL），数据库存不下，多半来自损坏的文件。删掉它，或从原处重新复制。")
            % {"at": text.index("\0") + 1}
        )
    if half := _SURROGATE.search(text):
        raise BadFormat(
            _("第 %(at)d 个字符只有半个，多半是表情符号被截断了，存不下来。删掉它，或从原处重新复制。")
            % {"at": half.start() + 1}
        )
    text = unicodedata.normalize("NFC", text).translate(_TEXT)
    text = _LINE_END.sub("\n", text) if multiline else _BREAKS.sub(" ", text)
    return _INVISIBLE.sub("", text)


def half_width(text: str) -> str:
    """Text of a code or number -> the same with half-width letters, digits and signs, trimmed, without invisible
    characters and without the apostrophe that Excel users put in front of numbers (practice.md 2.1).

    BadFormat: as for `clean_text`.
    """
    if not text.isascii() or not text.isprintable():
        text = _repaired(text, multiline=False).translate(_CODE)
    return text.strip().removeprefix("'").strip()
