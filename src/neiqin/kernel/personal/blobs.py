"""Short-lived secrets of the system itself (a held run's parameters), under a key derived from the master key."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def _cipher() -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, b"neiqin blobs").derive(settings.MASTER_KEY))


def seal_blob(body: bytes) -> bytes:
    """Ciphertext of `body`, with its nonce in front."""
    nonce = os.urandom(12)
    return nonce + _cipher().encrypt(nonce, body, b"blob")


def open_blob(sealed: bytes) -> bytes:
    """The body again. Raises cryptography's InvalidTag if it was altered."""
    return _cipher().decrypt(sealed[:12], sealed[12:], b"blob")
