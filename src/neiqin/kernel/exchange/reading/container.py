"""What a file really is, told by its bytes and never by its name; and whether a workbook's zip is safe to unpack."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from neiqin.kernel.exchange.reading.limits import Limits, Unreadable

CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (b"%PDF", "PDF 文件"),
    (b"\x89PNG", "PNG 图片"),
    (b"\xff\xd8\xff", "JPEG 图片"),
    (b"GIF8", "GIF 图片"),
    (b"MZ", "Windows 程序"),
    (b"\x7fELF", "Linux 程序"),
    (b"Rar!", "RAR 压缩包"),
    (b"7z\xbc\xaf", "7z 压缩包"),
    (b"\x1f\x8b", "GZIP 压缩包"),
)
_ZIPPED = (
    ("xl/workbook.bin", "二进制工作簿（.xlsb）"),
    ("word/document.xml", "Word 文档"),
    ("ppt/presentation.xml", "PowerPoint 文件"),
    ("OFD.xml", "OFD 版式文件"),
    ("content.xml", "OpenDocument 文件（.ods）"),
)
_TEXT_TABLES = (
    (re.compile(rb"^\s*(?:<!doctype html|<html|<head|<meta|<style|<table|<div)", re.I), "网页（HTML）"),
    (re.compile(rb"^(?:mime-version:|from: <?saved by|message-id:)", re.I), "单个网页文件（MHT）"),
    (re.compile(rb"^\s*<\?xml|^\s*<(?:ss:)?workbook", re.I), "XML 文件"),
)
_ERROR = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*?\bt="e"')
_UNCOUNTED = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*><f\b[^<]*(?:</f>|/>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
_AGAIN = "用 Excel 或 WPS 打开，另存为 .xlsx，再导入。"


def kind_of(body: bytes, limits: Limits) -> str:
    """The bytes of a file -> "xlsx", "xls" or "text". Unreadable: anything else, saying what it is and what to do."""
    if not body.strip():
        raise Unreadable("文件是空的，没有内容。核对选的是不是这个文件，重新选。")
    if len(body) > limits.packed:
        raise Unreadable(
            f"文件有 {len(body) >> 20} MB，一次最多 {limits.packed >> 20} MB。按月份或部门拆成几个文件，分开导入。"
        )
    if body.startswith(CFB):
        return _compound(body)
    if body.startswith(b"PK"):
        return _zipped(body)
    _refuse_other(body)
    return "text"


def _refuse_other(body: bytes) -> None:
    for magic, what in _MAGIC:
        if body.startswith(magic):
            raise Unreadable(f"这是{what}，不是表格，改名字没有用。在原来的软件里导出 .xlsx 或 .csv，再导入。")
    head = body[:4096].removeprefix(b"\xef\xbb\xbf")
    head = head.replace(b"\0", b"").lstrip(b"\xff\xfe") if body[:2] in (b"\xff\xfe", b"\xfe\xff") else head
    for pattern, what in _TEXT_TABLES:
        if pattern.search(head):
            raise Unreadable(f"这是{what}，只是名字像表格。{_AGAIN}")


def _compound(body: bytes) -> str:
    """An OLE compound file (MS-CFB): its directory names its streams in UTF-16."""
    names = {name: name.encode("utf-16-le") in body for name in ("EncryptedPackage", "Workbook", "Book")}
    if names["EncryptedPackage"] and not names["Workbook"]:
        raise Unreadable("工作簿有密码，打不开。在 Excel 或 WPS 里去掉密码，另存一份，再导入。")
    if not (names["Workbook"] or names["Book"]):
        raise Unreadable("这是旧版 Office 文件，里面没有工作表。选表格文件，或另存为 .xlsx 再导入。")
    return "xls"


def _zipped(body: bytes) -> str:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(body)).namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise Unreadable(f"工作簿不完整，多半没有下载完。重新下载，或{_AGAIN}") from None
    if "xl/workbook.xml" in names:
        return "xlsx"
    for part, what in _ZIPPED:
        if part in names:
            raise Unreadable(f"这是{what}，不能直接读。{_AGAIN}")
    raise Unreadable("这是压缩包。先解压，再选里面的表格文件（账单选名字里有「明细」的那个）。")


def checked_zip(body: bytes, limits: Limits) -> dict[str, list[str]]:
    """Inflate every part once, counting, and keep nothing -> cells whose value the file does not hold.

    The answer has "errors" (#N/A and its like) and "uncounted" (formulas that were never computed), each a list of
    references such as C3, of the whole workbook. Unreadable: more than `limits.unpacked` bytes, a part that packs
    better than `limits.ratio`, a DTD (entities, "billion laughs"), a damaged part, an encrypted part.
    """
    found: dict[str, list[str]] = {"errors": [], "uncounted": []}
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            left = limits.unpacked
            for info in parts.infolist():
                if info.flag_bits & 1:
                    raise Unreadable("工作簿有密码，打不开。在 Excel 或 WPS 里去掉密码，另存一份，再导入。")
                if info.file_size > left or info.file_size > max(info.compress_size, 50_000) * limits.ratio:
                    raise _bomb(limits)
                for chunk in _chunks(parts, info):
                    left -= len(chunk)
                    _look(chunk, info.filename, found)
                    if left < 0:
                        raise _bomb(limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError):
        raise Unreadable(f"工作簿坏了，里面有一部分解不开。重新下载，或{_AGAIN}") from None
    return found


def _bomb(limits: Limits) -> Unreadable:
    return Unreadable(
        f"工作簿解开后超过 {limits.unpacked >> 20} MB，或压缩得不正常，没有读。"
        "只留要导入的行和列，另存为新的 .xlsx 再导入。"
    )


def _chunks(parts: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with parts.open(info) as part:
        while chunk := part.read(1 << 20):
            yield chunk


def _look(chunk: bytes, name: str, found: dict[str, list[str]]) -> None:
    """A cell that lies across two chunks may be missed here; it then reads as empty, like any empty cell."""
    if (b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk) and name.endswith((".xml", ".rels", ".vml")):
        raise Unreadable(f"工作簿里有外部定义（DTD），不是 Excel 存出来的，没有读。{_AGAIN}")
    if name.startswith("xl/worksheets/"):
        if b't="e"' in chunk:
            found["errors"] += [ref.decode() for ref in _ERROR.findall(chunk)]
        if b"<f" in chunk:
            found["uncounted"] += [ref.decode() for ref in _UNCOUNTED.findall(chunk)]
