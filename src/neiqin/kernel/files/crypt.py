"""The form of a stored file: a key of its own wrapped by the master key, then pieces of AES-GCM.

    magic, master key version, nonce, wrapped key | piece 0 | piece 1 | … | last piece

Each piece is bound to its place and to being the last or not, so pieces cannot be swapped, dropped or cut off. Master
keys are the ones of personal columns, each use under a derived key of its own.
"""

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from neiqin.kernel.personal.keys import master_keys

MAGIC = b"NQF1"
PIECE = 1 << 20
TAG = 16
NONCE = 12
WRAPPED = 32 + TAG
HEAD = len(MAGIC) + 1 + NONCE + WRAPPED


class Damaged(Exception):
    """The file on disk is not what was stored: altered, cut, swapped, or its master key is missing."""


def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, b"neiqin files").derive(master))


def _head(key: bytes, name: str) -> bytes:
    masters = master_keys()
    version, nonce = max(masters), os.urandom(NONCE)
    return MAGIC + bytes((version,)) + nonce + _wrapping(masters[version]).encrypt(nonce, key, name.encode())


def _key(head: bytes, name: str) -> bytes:
    if len(head) != HEAD or not head.startswith(MAGIC):
        raise Damaged("not a stored file")
    master = master_keys().get(head[len(MAGIC)])
    if master is None:
        raise Damaged(f"needs master key version {head[len(MAGIC)]}, which this installation lacks")
    nonce, wrapped = head[len(MAGIC) + 1 : -WRAPPED], head[-WRAPPED:]
    try:
        return _wrapping(master).decrypt(nonce, wrapped, name.encode())
    except InvalidTag:
        raise Damaged("its key does not open") from None


def _place(number: int, *, last: bool) -> tuple[bytes, bytes]:
    return number.to_bytes(NONCE, "big"), b"last" if last else b"more"


def seal(pieces: Iterable[bytes], into: BinaryIO, name: str) -> None:
    """Write the stored form of a body, given in pieces of any size, to `into`; bound to the file's `name`."""
    key = AESGCM.generate_key(256)
    cipher = AESGCM(key)
    into.write(_head(key, name))
    waiting, number = b"", 0
    for piece in pieces:
        waiting += piece
        while len(waiting) > PIECE:
            nonce, place = _place(number, last=False)
            into.write(cipher.encrypt(nonce, waiting[:PIECE], place))
            waiting, number = waiting[PIECE:], number + 1
    nonce, place = _place(number, last=True)
    into.write(cipher.encrypt(nonce, waiting, place))


def stored_size(size: int) -> int:
    """Bytes on disk of a body of `size` bytes."""
    return HEAD + size + TAG * max(1, -(-size // PIECE))


def unseal(stored: BinaryIO, name: str) -> Iterator[bytes]:
    """The body again, piece by piece. Raises Damaged at the first piece that does not open."""
    cipher = AESGCM(_key(stored.read(HEAD), name))
    piece, number = stored.read(PIECE + TAG), 0
    while True:
        following = stored.read(PIECE + TAG)
        nonce, place = _place(number, last=not following)
        try:
            yield cipher.decrypt(nonce, piece, place)
        except InvalidTag:
            raise Damaged(f"piece {number} does not open") from None
        if not following:
            return
        piece, number = following, number + 1


def rewrapped(head: bytes, name: str) -> bytes | None:
    """The head under the newest master key, or None if it is already."""
    key = _key(head, name)
    return None if head[len(MAGIC)] == max(master_keys()) else _head(key, name)
