"""Short-lived secrets of the system itself (a held run's parameters), under a key derived from the master key."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from neiqin.kernel.personal.keys import master_keys


def _ciphers() -> list[AESGCM]:
    """One a master key, the newest first."""
    masters = master_keys()
    return [AESGCM(HKDF(SHA256(), 32, None, b"neiqin blobs").derive(masters[v])) for v in sorted(masters, reverse=True)]


# A model that keeps such secrets names their columns in a tuple `sealed`, so that a new master key finds them.


def seal_blob(body: bytes) -> bytes:
    """Ciphertext of `body` under the newest master key, with its nonce in front."""
    nonce = os.urandom(12)
    return nonce + _ciphers()[0].encrypt(nonce, body, b"blob")


def open_blob(sealed: bytes) -> bytes:
    """The body again. Raises cryptography's InvalidTag if it was altered or its master key is gone."""
    return _open(sealed)[0]


def resealed(sealed: bytes) -> bytes | None:
    """The same under the newest master key; None if it is already. Raises as open_blob."""
    body, newest = _open(sealed)
    return None if newest else seal_blob(body)


def _open(sealed: bytes) -> tuple[bytes, bool]:
    for age, cipher in enumerate(_ciphers()):
        try:
            return cipher.decrypt(sealed[:12], sealed[12:], b"blob"), age == 0
        except InvalidTag:
            continue
    raise InvalidTag
