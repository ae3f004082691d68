"""Text tables: which encoding, which delimiter, and the records as a spreadsheet would number them."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from neiqin.kernel.exchange.reading.limits import Limits, Unreadable

DELIMITERS = ",\t;|"
_ANOTHER = "用记事本或 WPS 打开，另存为 UTF-8 编码的 .csv，再导入。"
_UTF8_CHINESE = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def decode(body: bytes) -> str:
    """The bytes of a text file -> its text with LF line ends: UTF-16 with BOM, else strict UTF-8, else strict GB18030
    that reads as Chinese. Unreadable: anything else, naming line and byte; NUL characters."""
    marked = body[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = _utf16(body) if marked else _utf8_or_gb(body.removeprefix(b"\xef\xbb\xbf"))
    if "\0" in text:
        raise _nul(text.count("\n", 0, text.index("\0")) + 1)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _utf16(body: bytes) -> str:
    try:
        return body.decode("utf-16").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable(f"文件标明是 UTF-16，第 {error.start + 1} 个字节起却不是，多半没有传完。{_ANOTHER}") from None


def _nul(line: int) -> Unreadable:
    return Unreadable(f"第 {line} 行里有空字符（NUL），不是文本表格，或是没有标记的 UTF-16。{_ANOTHER}")


def _utf8_or_gb(body: bytes) -> str:
    if b"\0" in body:
        raise _nul(body.count(b"\n", 0, body.index(b"\0")) + 1)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start
    if (utf8 := _utf8_inside(body)) is not None:
        raise _broken(body, at if utf8 < at else utf8, "前后编码不一致，一部分是 UTF-8")
    try:
        text = body.decode("gb18030")
    except UnicodeDecodeError as error:
        raise _broken(body, error.start, "不是 UTF-8，也不是 GBK") from None
    if not _reads_as_chinese(text):
        raise Unreadable(f"认不出文字编码：不是 UTF-8，按 GBK 读出来是乱码，可能是繁体（Big5）或外文编码。{_ANOTHER}")
    return text


def _utf8_inside(body: bytes) -> int | None:
    """Where the first line with Chinese in UTF-8 has it. GB18030 text looks so only by a very rare accident."""
    for found in _UTF8_CHINESE.finditer(body):
        start, end = body.rfind(b"\n", 0, found.start()) + 1, body.find(b"\n", found.end())
        try:
            body[start : end if end >= 0 else len(body)].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return found.start()
    return None


def _broken(body: bytes, at: int, why: str) -> Unreadable:
    line = body.count(b"\n", 0, at) + 1
    column = at - body.rfind(b"\n", 0, at)
    return Unreadable(f"第 {line} 行第 {column} 个字节（0x{body[at]:02X}）读不出来：{why}。{_ANOTHER}")


def _reads_as_chinese(text: str) -> bool:
    """Nearly all Chinese text lies in GB2312 and mostly in its first level (lead bytes up to D7); text of another
    encoding that happens to be valid GB18030 does not."""
    counts = Counter(_NOT_ASCII.findall(text[:2_000_000]))
    common = rare = 0
    for char, times in counts.items():
        code = char.encode("gb2312", "ignore")
        common, rare = (common + times, rare) if code and code[0] <= 0xD7 else (common, rare + times)
    return common >= 2 * rare or (rare <= 2 and all(char.encode("gb2312", "ignore") for char in counts))


def delimiter(text: str) -> str:
    """The sign that cuts the first records most evenly into most cells; a comma when nothing cuts them."""
    head = list(islice(_lines(text[:65_536]), 200))
    return max(DELIMITERS, key=lambda sign: (_evenness(head, sign), sign == ","))


def _evenness(lines: list[str], sign: str) -> int:
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=sign))
    return max((times * (width - 1) for width, times in widths.items()), default=0)


def records(text: str, sign: str, limits: Limits) -> Iterator[tuple[list[str], str]]:
    """The records of a text table, each with its cells and no kinds.

    Unreadable: a quote that is never closed, a cell longer than `limits.cell`, more than `limits.rows` records or
    `limits.columns` cells.
    """
    open_lines: list[str] = []

    def lines() -> Iterator[str]:
        for line in _lines(text):
            open_lines.append(line)
            yield line

    number = 0
    try:
        for number, row in enumerate(csv.reader(lines(), delimiter=sign), 1):
            if len(open_lines) > 1:
                _refuse_unclosed(open_lines, sign, number)
            open_lines.clear()
            _within(row, number, limits)
            yield row, ""
    except csv.Error:
        raise Unreadable(_too_long(number + 1, limits)) from None


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        stop = text.find("\n", start) + 1 or len(text)
        yield text[start:stop]
        start = stop


def _refuse_unclosed(lines: list[str], sign: str, number: int) -> None:
    """A record over several lines must be closed; strict parsing of just this record tells."""
    try:
        list(csv.reader(lines, delimiter=sign, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise Unreadable(
                f"第 {number} 行有一个没有收尾的双引号，后面 {len(lines) - 1} 行都被并进了一格。"
                "补上或删掉这个引号，再导入。"
            ) from None


def _within(row: list[str], number: int, limits: Limits) -> None:
    if len(row) > limits.columns:
        raise Unreadable(f"第 {number} 行有 {len(row)} 列，最多 {limits.columns} 列。删掉不用的列，再导入。")
    if number > limits.rows:
        raise Unreadable(f"超过 {limits.rows} 行，表格软件也放不下。按月份或部门拆成几个文件，分开导入。")
    if any(len(cell) > limits.cell for cell in row):
        raise Unreadable(_too_long(number, limits))


def _too_long(number: int, limits: Limits) -> str:
    return f"第 {number} 行有一格超过 {limits.cell} 个字，不像表格里的内容，多半是引号没有配对。核对这一行，再导入。"
