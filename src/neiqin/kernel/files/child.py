"""Runs as a process of its own: draws a page of a PDF, or a picture anew, as PNG or JPEG.

Decoders are native code fed with strangers' files, so they run neither in the web process nor with its secrets, and
under a ceiling of memory and time. Started by path: it imports nothing of the house.

argv: media type, page from 0 or -1 to count pages. stdin: the file. stdout: the number, or the picture.
"""

import io
import resource
import sys
from contextlib import suppress

from PIL import Image, ImageOps

MEMORY, SECONDS, SIDE, PIXELS = 3 << 29, 20, 1600, 100_000_000


def draw_pdf(body: bytes, page: int) -> bytes:
    """A page, its longer side 1,600 px at most. Forms and scripts of the file are not started."""
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(body)
    if page < 0:
        return str(len(document)).encode()
    sheet = document[page]
    scale = min(SIDE / max(*sheet.get_size(), 1), 4)
    return as_bytes(sheet.render(scale=scale, may_draw_forms=False).to_pil(), "PNG")


def draw_picture(body: bytes) -> bytes:
    """The picture upright, without EXIF or anything else that came along."""
    Image.MAX_IMAGE_PIXELS = PIXELS // 2  # Pillow refuses at twice this
    picture = Image.open(io.BytesIO(body))
    photo = picture.format == "JPEG"
    picture.draft("RGB", (SIDE, SIDE))
    picture.thumbnail((SIDE, SIDE))
    upright = ImageOps.exif_transpose(picture).convert("RGB" if photo else "RGBA")
    return as_bytes(Image.frombytes(upright.mode, upright.size, upright.tobytes()), "JPEG" if photo else "PNG")


def as_bytes(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **({"quality": 85} if form == "JPEG" else {"compress_level": 3}))
    return out.getvalue()


def main() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # a ceiling below ours is in force, or the system has none of this kind
            resource.setrlimit(what, (most, most))
    media, page = sys.argv[1], int(sys.argv[2])
    body = sys.stdin.buffer.read()
    sys.stdout.buffer.write(draw_pdf(body, page) if media == "application/pdf" else draw_picture(body))


if __name__ == "__main__":
    main()
