"""A cell as a clerk sees it: without the tricks that keep long numbers whole, and without invisible marks."""

import re

from neiqin.kernel.fields.formats import clean_text

_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # ="1930…": a formula that keeps a number a text
_QUOTED = re.compile(r"^'(?=[0-9=+\-@＝＋－＠]|[A-Za-z][A-Za-z0-9_-]*$)")  # '00123 and our own '=1+1
_TICKED = re.compile(r"^`(?=\S)")
_TRICKS = ("=", "'", "`")
_SCIENTIFIC = re.compile(r"[+-]?[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]{1,3}")

LOST = "表格软件把这格存成了数字，第 16 位起已经丢了。在原文件里把这一列设成文本，重新填这一格。"
SCIENTIFIC = "这格是科学计数法，后面几位已经丢了，不能还原。从原系统重新导出，这一列按文本存。"
BLANKED = "这格是公式错误（如 #N/A），没有值。在原文件里改好公式，或粘贴成数值。"
UNCOUNTED = "这格的公式没有算出值。在 Excel 或 WPS 里打开存一次，再导入。"


def clean(text: str) -> str:
    """The text of a cell -> the same without padding, TAB, zero-width and control characters, ="…", leading ' and `;
    full-width digits and letters made half-width; line breaks inside kept. BadFormat: NUL or half a character."""
    if not (text.isascii() and text.isprintable()):
        text = clean_text(text, multiline=True)
    text = text.strip()
    while text[:1] in _TRICKS and (bare := _bare(text)) != text:  # until nothing is left: what is written out and
        text = bare  # read again must be the same
    return text


def _bare(text: str) -> str:
    if kept := _AS_TEXT.fullmatch(text):
        return kept[1].replace('""', '"').strip()
    return (_TICKED if text[0] == "`" else _QUOTED).sub("", text, count=1).strip() if text[0] != "=" else text


def suspicion(text: str, kind: str) -> str:
    """Why the digits of a cell cannot be trusted in a code, phone or number column; "" when they can."""
    if kind == "N":
        return LOST
    return SCIENTIFIC if "E+" in text.upper() and _SCIENTIFIC.fullmatch(text) else ""
