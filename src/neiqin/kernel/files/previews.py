"""Pictures of files: drawn on demand by a process of its own, never the file itself.

Drawn anew each time (a page of a PDF 0.2 s, a photo of 8 MB 0.55 s): kept previews would be one more copy of personal
papers to encrypt, count, back up and erase.
"""

import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore

from neiqin.kernel.files import store
from neiqin.kernel.files.kinds import PICTURES
from neiqin.kernel.files.models import StoredFile

PDF = "application/pdf"
MOST_PAGES, SECONDS, PATIENCE, MOST_BYTES = 20, 25, 5, 60 * 1024 * 1024
_CHILD = str(Path(__file__).with_name("child.py"))
_few = BoundedSemaphore(2)  # drawing takes a core and up to 1.5 GB: not many at once in one web process


class NoPreview(Exception):
    """There is nothing to show: the message says why, in Chinese."""


def has_preview(stored: StoredFile) -> bool:
    """Whether it is of a kind that can be shown."""
    return stored.size <= MOST_BYTES and (stored.kind == PDF or stored.kind in PICTURES)


def pages_of(stored: StoredFile) -> tuple[int, int]:
    """(pages that can be looked at, pages it has). Raises NoPreview, Damaged."""
    if stored.kind in PICTURES and has_preview(stored):
        return 1, 1
    said = _child(stored, -1)
    return min(int(said), MOST_PAGES), int(said)


def picture_of(stored: StoredFile, page: int) -> tuple[bytes, str]:
    """(picture, its media type) of page 0 to 19. Raises NoPreview, Damaged."""
    drawn = _child(stored, page)
    return drawn, "image/png" if drawn.startswith(b"\x89PNG") else "image/jpeg"


def _child(stored: StoredFile, page: int) -> bytes:
    if not has_preview(stored):
        raise NoPreview("这种文件不能预览，下载后打开。")
    command = [sys.executable, "-I", _CHILD, stored.kind, str(page)]
    if not _few.acquire(timeout=PATIENCE):  # who waits keeps a thread of the web from everybody else
        raise NoPreview("正在画别的文件，过一会再看，或下载后打开。")
    try:
        body = store.body_of(stored)
        done = subprocess.run(command, input=body, capture_output=True, env={}, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoPreview("画这一页太久，已停下。下载后打开。") from None
    finally:
        _few.release()
    if done.returncode or not done.stdout:
        raise NoPreview("文件有密码、坏了或太大，画不出来。下载后打开。")
    return done.stdout
