"""Locks between processes: the kernel frees them when a process dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_lock(path: Path) -> int:
    """A descriptor to lock; the caller closes it (which frees the lock)."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def take(descriptor: int, kind: int = fcntl.LOCK_EX, wait: float = 0) -> bool:
    """Lock within `wait` seconds; False when somebody else keeps it."""
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)


@contextmanager
def exclusive(path: Path, wait: float) -> Iterator[bool]:
    """Hold the lock on `path` inside the block; gives False when it could not be had in time."""
    descriptor = open_lock(path)
    try:
        yield take(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def free(path: Path) -> bool:
    """Whether nobody holds the lock on `path` now."""
    if not path.exists():
        return True
    descriptor = open_lock(path)
    try:
        return take(descriptor)
    finally:
        os.close(descriptor)
