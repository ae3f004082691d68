"""What a file is, by its content; under which name it is kept; and which kinds are not taken at all.

Signatures are those of the formats' own specifications, read in the first and last 64 KB only. Nothing is unpacked.
"""

import re
import unicodedata
import warnings
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

from neiqin.kernel.fields.formats import clean_text

PEEK = 64 * 1024
MOST_PIXELS = 100_000_000
NAME_LENGTH = 120
PLAIN = "application/octet-stream"
# Endings that a double click runs, whatever is inside.
RUNS = frozenset(
    re.findall(
        r"\w+",
        "exe com scr pif cpl msi msp dll sys bat cmd ps1 vbs vbe js jse wsf wsh hta sh bash py pyw rb pl jar apk app "
        "dmg lnk url reg inf scf gadget iso vhd",
    )
)
# A picture shows itself; what browsers would run as a page is only ever handed out for keeping.
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/bmp", "image/tiff", "image/webp"})


class NotTaken(ValueError):
    """A file that is not stored; the message is a Chinese sentence with the remedy."""


@dataclass(frozen=True)
class Kind:
    """media: media type; word: for people; endings: the usual ones, the first is given to a file that lies."""

    media: str
    word: str
    endings: tuple[str, ...]


PROGRAM = Kind("application/x-executable", "程序", ())
PAGE = Kind("text/html", "网页", ("html", "htm", "xhtml", "mht"))
SVG = Kind("image/svg+xml", "SVG 图", ("svg",))
TEXT = Kind("text/plain", "文本", ("txt", "csv", "tsv", "json", "xml", "md", "log", "eml", "ics", "vcf", "dxf"))
UNKNOWN = Kind(PLAIN, "文件", ())
ZIP = Kind("application/zip", "压缩包", ("zip",))
OLE = Kind(
    "application/x-ole-storage", "旧版 Office 文件", ("doc", "xls", "ppt", "msg", "wps", "et", "dps", "mpp", "vsd")
)
HEIC = Kind("image/heic", "HEIC 图片", ("heic", "heif", "avif"))
MEDIA = Kind("video/mp4", "影音", ("mp4", "m4a", "mov", "m4v", "3gp"))
OFFICE = "application/vnd.openxmlformats-officedocument."
MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"%PDF-", Kind("application/pdf", "PDF", ("pdf",))),
    (0, b"\x89PNG\r\n\x1a\n", Kind("image/png", "PNG 图片", ("png",))),
    (0, b"\xff\xd8\xff", Kind("image/jpeg", "JPEG 图片", ("jpg", "jpeg", "jfif"))),
    (0, b"GIF8", Kind("image/gif", "GIF 图片", ("gif",))),
    (0, b"BM", Kind("image/bmp", "BMP 图片", ("bmp", "dib"))),
    (0, b"II*\0", Kind("image/tiff", "TIFF 图片", ("tif", "tiff"))),
    (0, b"MM\0*", Kind("image/tiff", "TIFF 图片", ("tif", "tiff"))),
    (8, b"WEBP", Kind("image/webp", "WebP 图片", ("webp",))),
    (8, b"WAVE", Kind("audio/wav", "录音", ("wav",))),
    (4, b"ftyphei", HEIC),
    (4, b"ftypmif1", HEIC),
    (4, b"ftypavif", HEIC),
    (4, b"ftyp", MEDIA),
    (0, b"#!AMR", Kind("audio/amr", "录音", ("amr",))),
    (0, b"ID3", Kind("audio/mpeg", "录音", ("mp3",))),
    (0, b"OggS", Kind("audio/ogg", "录音", ("ogg", "oga"))),
    (0, b"{\\rtf", Kind("application/rtf", "RTF 文档", ("rtf", "doc"))),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", "压缩包", ("7z",))),
    (0, b"Rar!\x1a\x07", Kind("application/vnd.rar", "压缩包", ("rar",))),
    (0, b"\x1f\x8b", Kind("application/gzip", "压缩包", ("gz", "tgz"))),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"PK\x03\x04", ZIP),
    (0, b"MZ", PROGRAM),
    (0, b"\x7fELF", PROGRAM),
    (0, b"\xca\xfe\xba\xbe", PROGRAM),
    (0, b"\xce\xfa\xed\xfe", PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", PROGRAM),
    (0, b"dex\n", PROGRAM),
    (0, b"L\0\0\0\x01\x14\x02\0", PROGRAM),
    (0, b"#!", PROGRAM),
)
# Names of members, as they stand uncompressed in a zip file's headers and directory.
INSIDE: tuple[tuple[bytes, Kind], ...] = (
    (b"AndroidManifest.xml", PROGRAM),
    (b".class", PROGRAM),
    (b"word/document.xml", Kind(OFFICE + "wordprocessingml.document", "Word 文档", ("docx", "docm", "dotx"))),
    (b"xl/workbook", Kind(OFFICE + "spreadsheetml.sheet", "Excel 工作簿", ("xlsx", "xlsm", "xltx", "xlsb"))),
    (b"ppt/presentation.xml", Kind(OFFICE + "presentationml.presentation", "演示文稿", ("pptx", "pptm", "ppsx"))),
    (b"OFD.xml", Kind("application/ofd", "OFD 文件", ("ofd",))),
    (b"opendocument", Kind("application/vnd.oasis.opendocument", "文档", ("odt", "ods", "odp"))),
)
_MARKUP = re.compile(rb"<\s*(!doctype\s+html|html|head|body|script|iframe|svg)\b", re.IGNORECASE)


def tidy_name(name: str) -> str:
    """The name a file came with -> one that is a name everywhere: no folders, no control or direction characters, no
    signs that Windows refuses, at most 120 characters with its ending kept; 「未命名」 if nothing is left."""
    last = re.split(r"[/\\]", name)[-1].replace("\0", "")
    last = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    last = clean_text(re.sub(r'[<>:"|?*]', "_", last)).strip(". ")
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 10:
        return last[:NAME_LENGTH] or "未命名"
    return f"{stem[: NAME_LENGTH - 1 - len(ending)] or '未命名'}.{ending}"


def look(body: IO[bytes], name: str) -> tuple[Kind, str, str]:
    """(kind, the name it is kept under, a note when the name lied). `name` is tidy. Raises NotTaken.

    The body is read at both ends and left at its beginning.
    """
    kind = _kind(body, name)
    ending = PurePath(name).suffix.lower().lstrip(".")
    if kind is PROGRAM or ending in RUNS:
        raise NotTaken(f"「{name}」是程序或脚本，不收。需要留存的内容存成 PDF 或图片再传。")
    if kind.media in PICTURES:
        _fits(body, name)
    if not kind.endings or ending in kind.endings:
        return kind, name, ""
    told = f"扩展名写的是 .{ending}，" if ending else "没有扩展名，"
    return kind, f"{name}.{kind.endings[0]}", f"{told}内容是{kind.word}。"


def _kind(body: IO[bytes], name: str) -> Kind:
    size = body.seek(0, 2)
    if not size:
        raise NotTaken(f"「{name}」是空的。在原来的地方打开看看，重新存一份再传。")
    body.seek(0)
    head = body.read(PEEK)
    body.seek(max(0, size - PEEK))
    ends = head + body.read(PEEK)
    body.seek(0)
    found = next((kind for at, magic, kind in MAGIC if head[at : at + len(magic)] == magic), None)
    if found is ZIP:
        return next((kind for member, kind in INSIDE if member in ends), ZIP)
    return found or _text(head)


def _text(head: bytes) -> Kind:
    """Text in an encoding that offices use, and whether a browser would take it for a page; else unknown."""
    markup = _MARKUP.search(head.replace(b"\0", b"")[:4096])  # also in UTF-16
    if markup:
        return SVG if markup.group(1).lower() == b"svg" else PAGE
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return UNKNOWN
    for encoding in ("utf-8", "gb18030", "utf-16"):
        try:
            head[: len(head) - 4 if len(head) == PEEK else None].decode(encoding)
        except UnicodeDecodeError:
            continue
        return TEXT
    return UNKNOWN


def _fits(body: IO[bytes], name: str) -> None:
    """Refuse a picture that would unfold to a monster: its header says how large it is."""
    from PIL import Image  # loaded by who is given a picture: web processes at rest do without

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            width, height = Image.open(body).size
    except Image.DecompressionBombError:
        width = height = MOST_PIXELS
    except Exception:
        raise NotTaken(f"「{name}」像图片但打不开，可能没传完整。重新存一份再传。") from None
    finally:
        body.seek(0)
    if width * height > MOST_PIXELS:
        raise NotTaken(f"「{name}」超过 {MOST_PIXELS // 10_000:,} 万像素，打开会卡死电脑。缩小再传。")
