"""Keeping and giving back bodies. A body is whole on disk before the database knows of it."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from neiqin.kernel import clock
from neiqin.kernel.fields.formats import clean_text
from neiqin.kernel.files import crypt
from neiqin.kernel.files.crypt import Damaged
from neiqin.kernel.files.models import StoredFile

ORPHAN_AFTER = timedelta(days=1)
UNUSED_AFTER = timedelta(days=30)


class TooLarge(ValueError):
    """The body is larger than allowed; the message is Chinese."""


def keep(body: bytes | Iterable[bytes], name: str, *, by: Any, kind: str = "", most: int = 0) -> StoredFile:
    """Store a body (bytes, or pieces of any size) under the name it came with.

    kind: its media type as the caller has found it by content. most: bytes allowed, 0 for any. Raises TooLarge.
    """
    place = uuid4().hex
    path = path_of(place)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, counted = hashlib.sha256(), [0]

    def pieces() -> Iterator[bytes]:
        for piece in (body,) if isinstance(body, bytes) else body:
            counted[0] += len(piece)
            if most and counted[0] > most:
                raise TooLarge(f"文件超过 {most // 1024 // 1024} MB，分成几个再传。")
            digest.update(piece)
            yield piece

    half = path.with_suffix(".part")
    try:
        with half.open("xb") as into:
            crypt.seal(pieces(), into, place)
            into.flush()
            os.fsync(into.fileno())
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    _sync(path.parent)
    return StoredFile.objects.create(
        place=place,
        sha256=digest.hexdigest(),
        size=counted[0],
        name=clean_text(name, 4000)[-200:] or "未命名",
        kind=kind,
        person_id=by.id if by else None,
        stored_at=clock.now(),
    )


def pieces_of(stored: StoredFile) -> Iterator[bytes]:
    """The body, piece by piece. Raises Damaged if the file on disk is gone or not what was stored."""
    digest = hashlib.sha256()
    try:
        with path_of(stored.place).open("rb") as file:
            for piece in crypt.unseal(file, stored.place):
                digest.update(piece)
                yield piece
    except FileNotFoundError:
        raise Damaged("the file is gone from disk") from None
    if digest.hexdigest() != stored.sha256:
        raise Damaged("the body has another hash than at filing")


def body_of(stored: StoredFile) -> bytes:
    """The whole body. Raises Damaged."""
    return b"".join(pieces_of(stored))


def forget(stored: StoredFile) -> None:
    """Delete a body that nothing refers to any more: the row first, so that a kill between leaves only an orphan."""
    stored.delete()
    path_of(stored.place).unlink(missing_ok=True)


def forget_when_committed(stored: StoredFile) -> None:
    """As forget, inside a transaction: the body goes when that is sure. A kill in between leaves an orphan, which the
    sweep removes after a day."""
    path = path_of(stored.place)
    stored.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))


def is_whole(stored: StoredFile) -> bool:
    """Whether the body on disk is the one that was stored: every piece opens, and the hash is that of filing."""
    try:
        for _ in pieces_of(stored):
            pass
    except Damaged:
        return False
    return True


def check(stored: StoredFile) -> bool:
    """is_whole, remembered: `damaged_at` says since when it has not been, and is cleared when it is again."""
    whole = is_whole(stored)
    if whole == (stored.damaged_at is not None):
        stored.damaged_at = None if whole else clock.now()
        StoredFile.objects.filter(pk=stored.pk).update(damaged_at=stored.damaged_at)
    return whole


def looks_whole(stored: StoredFile) -> bool:
    """A glance without reading: not known to be damaged, there, and of the right size on disk."""
    try:
        size = path_of(stored.place).stat().st_size
    except FileNotFoundError:
        return False
    return stored.damaged_at is None and size == crypt.stored_size(stored.size)


def path_of(place: str) -> Path:
    """Where a body lies. The folder of the installation is settings.FILES."""
    return Path(settings.FILES) / place[:2] / place


def rewrap_all() -> int:
    """Bring the keys of all bodies under the newest master key; returns how many were not. Repeatable.

    A body that is gone or damaged is passed over: no key opens it.
    """
    done = 0
    for place in StoredFile.objects.order_by("id").values_list("place", flat=True).iterator():
        with suppress(FileNotFoundError, Damaged):
            done += _rewrap(place)
    return done


def _rewrap(place: str) -> bool:
    path = path_of(place)
    with path.open("rb") as file:
        head = crypt.rewrapped(file.read(crypt.HEAD), place)
        if head is None:
            return False
        fresh = path.with_suffix(".part")
        with fresh.open("wb") as into:
            into.write(head)
            while piece := file.read(crypt.PIECE):
                into.write(piece)
            into.flush()
            os.fsync(into.fileno())
    fresh.rename(path)
    _sync(path.parent)
    return True


def sweep() -> int:
    """Remove bodies on disk that the database has never heard of (a process died between the two), and after a month
    those that nothing refers to (it died, or was refused, before something could). Repeatable."""
    root, removed = Path(settings.FILES), 0
    unused = StoredFile.objects.filter(stored_at__lt=clock.now() - UNUSED_AFTER)
    for relation in StoredFile._meta.related_objects:
        used = relation.related_model._base_manager.filter(**{relation.field.attname: OuterRef("pk")})
        unused = unused.filter(~Exists(used))
    for stored in unused[:1000]:
        forget(stored)
        removed += 1
    before = clock.now().timestamp() - ORPHAN_AFTER.total_seconds()
    for folder in sorted(root.glob("??")):
        old = {p.stem: p for p in folder.iterdir() if p.stat().st_mtime < before}
        known = set(StoredFile.objects.filter(place__in=old).values_list("place", flat=True))
        for place, path in old.items():
            if place not in known or path.suffix:
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _sync(folder: Path) -> None:
    """A rename is safe from a power cut only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
