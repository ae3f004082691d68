"""Keys of subjects: make, use, destroy. Everything works on sets and costs one query however large the set.

A subject is one natural person (a uuid). Each has a random AES-256 data key, stored wrapped by the installation's
master key. Data keys are not cached between calls: reading ten thousand of them costs less than knowing in every
process which were destroyed a moment ago (figures in docs/decisions/0005-personal-columns.md).
"""

import hmac
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection

from neiqin.kernel import copying

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
BLIND_BYTES = 16
FORMAT = b"\x01"
OVERHEAD = len(FORMAT) + NONCE_BYTES + TAG_BYTES


class Erased(Exception):
    """A value was to be sealed for subjects whose keys are destroyed. `subjects` names them."""

    def __init__(self, subjects: Collection[UUID]) -> None:
        super().__init__(f"the keys of {len(subjects)} subjects are destroyed")
        self.subjects = frozenset(subjects)


class Tampered(Exception):
    """A stored value or key does not open: altered, moved to another subject or column, or another master key."""


def master_keys() -> dict[int, bytes]:
    """Version (1 to 255) -> master key; the highest is the one in use, older ones still open what they wrapped.

    From settings.MASTER_KEYS.
    """
    return dict(settings.MASTER_KEYS)


@lru_cache(maxsize=256)
def _derived(master: bytes, info: str) -> bytes:
    if len(master) != KEY_BYTES:
        raise ValueError(f"a master key has {KEY_BYTES} bytes, this one {len(master)}")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"neiqin/personal/{info}".encode()).derive(master)


@lru_cache(maxsize=16)
def _wrapping(master: bytes) -> AESGCM:
    return AESGCM(_derived(master, "wrap"))


def _wrap(subject: UUID, key: bytes) -> bytes:
    """version byte, nonce, AES-GCM of the data key; bound to its subject."""
    masters = master_keys()
    version, nonce = max(masters), os.urandom(NONCE_BYTES)
    return bytes((version,)) + nonce + _wrapping(masters[version]).encrypt(nonce, key, subject.bytes)


def _unwrap(subject: UUID, wrapped: bytes) -> bytes:
    master = master_keys().get(wrapped[0])
    if master is None:
        raise Tampered(f"the key of {subject} needs master key version {wrapped[0]}, which this installation lacks")
    try:
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        return _wrapping(master).decrypt(nonce, sealed, subject.bytes)
    except InvalidTag:
        raise Tampered(f"the key of {subject} does not open with the master key") from None


class Keys:
    """The data keys of a set of subjects, read together; None for a destroyed or unknown one. Keep it for one call."""

    def __init__(self, wrapped: Mapping[UUID, bytes], made: Mapping[UUID, bytes] | None = None) -> None:
        """made: keys of these subjects that are there unwrapped already."""
        plain = made or {}
        self._ciphers = {
            subject: AESGCM(plain.get(subject) or _unwrap(subject, stored)) if stored else None
            for subject, stored in wrapped.items()
        }

    @property
    def erased(self) -> set[UUID]:
        """The subjects whose key is destroyed."""
        return {subject for subject, cipher in self._ciphers.items() if cipher is None}

    def seal(self, subject: UUID, kind: str, text: str) -> bytes:
        """Text -> format byte, random nonce, AES-256-GCM bound to subject and kind. "" stays b"" (that nothing is there
        is no secret). Erased: the subject's key is destroyed; KeyError: it was not loaded."""
        if not text:
            return b""
        if (cipher := self._ciphers[subject]) is None:
            raise Erased([subject])
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + cipher.encrypt(nonce, text.encode(), subject.bytes + kind.encode())

    def open(self, subject: UUID, kind: str, sealed: bytes) -> str | None:
        """The text again; None where the subject is erased. Tampered: not sealed for this subject and kind."""
        if not sealed:
            return ""
        if (cipher := self._ciphers.get(subject)) is None:
            return None
        sealed = bytes(sealed)
        if sealed[:1] != FORMAT:
            raise Tampered(f"a value of {subject} in {kind} is not of a known format")
        try:
            nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
            return cipher.decrypt(nonce, body, subject.bytes + kind.encode()).decode()
        except (InvalidTag, ValueError):
            raise Tampered(f"a value of {subject} in {kind} does not open") from None


_SELECT = "SELECT subject, wrapped FROM personal_personalkey WHERE subject = ANY(%s)"
# Sorted, so that two writers of the same new subjects wait for each other in one order.
_INSERT = """
INSERT INTO personal_personalkey (subject, wrapped)
SELECT subject, wrapped FROM unnest(%s::uuid[], %s::bytea[]) AS new (subject, wrapped) ORDER BY subject
ON CONFLICT DO NOTHING RETURNING subject
"""


def load_keys(subjects: Iterable[UUID], *, create: bool = False, fresh: bool = False) -> Keys:
    """The keys of these subjects in one query; `create` makes the missing ones in one more, in your transaction.

    fresh: the subjects were made just now, so do not look first.
    """
    wanted = set(subjects)
    if not wanted:
        return Keys({})
    found = {} if fresh else _select(wanted)
    made: dict[UUID, bytes] = {}
    if create and (missing := wanted - found.keys()):
        plain = {subject: os.urandom(KEY_BYTES) for subject in missing}
        new = {subject: _wrap(subject, key) for subject, key in plain.items()}
        made = {subject: plain[subject] for subject in _insert(new, fresh=fresh)}
        found |= {subject: new[subject] for subject in made}
        if lost := missing - found.keys():  # another transaction made them first; it has committed, or we would wait
            found |= _select(lost)
    return Keys(found, made)


def _insert(new: Mapping[UUID, bytes], *, fresh: bool) -> Collection[UUID]:
    """The subjects whose keys are kept: all but those that have one."""
    if fresh and len(new) >= copying.FROM:
        with copying.copying("personal_personalkey", ("subject", "wrapped")) as copy:
            for row in new.items():
                copy.write_row(row)
        return new.keys()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(new), list(new.values())])
        return {row[0] for row in cursor.fetchall()}


def _select(subjects: Collection[UUID]) -> dict[UUID, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [list(subjects)])
        return {subject: bytes(wrapped) for subject, wrapped in cursor.fetchall()}


def seal_many(pairs: Sequence[tuple[UUID, str]], kind: str) -> list[bytes]:
    """(subject, text) of one column -> what to store, in the same order; makes missing keys. Erased: any of them is."""
    keys = load_keys((subject for subject, text in pairs if text), create=True)
    if keys.erased:
        raise Erased(keys.erased)
    return [keys.seal(subject, kind, text) for subject, text in pairs]


def open_many(pairs: Sequence[tuple[UUID, bytes]], kind: str) -> list[str | None]:
    """(subject, stored) of one column -> texts in the same order; None where the subject is erased."""
    keys = load_keys(subject for subject, sealed in pairs if sealed)
    return [keys.open(subject, kind, sealed) for subject, sealed in pairs]


def blind(text: str, purpose: str) -> bytes:
    """Canonical text -> 16 bytes of HMAC-SHA256 under the key of this purpose ("mobile", "mobile:last4").

    Equal texts give equal bytes, so it can be looked up, and only with the master key. "" gives b"".
    Do not store it in an audited column: with the master key a mobile number can be found from it by trying them all,
    so it must go when the person is erased. `index_many` keeps it where `erase` finds it.
    """
    return _blind(text, purpose, _current_master())


def _current_master() -> bytes:
    masters = master_keys()
    return masters[max(masters)]


def _blind(text: str, purpose: str, master: bytes) -> bytes:
    return hmac.digest(_derived(master, f"blind/{purpose}"), text.encode(), "sha256")[:BLIND_BYTES] if text else b""


_INDEX = """
INSERT INTO personal_blindindex (subject, purpose, digest)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS new (subject, purpose, digest) ORDER BY subject, purpose
ON CONFLICT (subject, purpose) DO UPDATE SET digest = EXCLUDED.digest
WHERE personal_blindindex.digest <> EXCLUDED.digest
"""


def index_many(entries: Sequence[tuple[UUID, str, str]], *, fresh: bool = False) -> None:
    """(subject, purpose, canonical text), each subject and purpose at most once: make them findable, in one statement.
    "" makes the entry unfindable. fresh: the subjects were made just now, so none of it is there."""
    master = _current_master()
    if entries:
        rows = [(subject, purpose, _blind(text, purpose, master)) for subject, purpose, text in entries]
        if fresh and len(rows) >= copying.FROM:
            with copying.copying("personal_blindindex", ("subject", "purpose", "digest")) as copy:
                for row in rows:
                    copy.write_row(row)
            return
        with connection.cursor() as cursor:
            cursor.execute(_INDEX, [*map(list, zip(*rows, strict=True))])


def find_many(entries: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[UUID]]:
    """(canonical text, purpose) -> the subjects indexed with it, as `find_subjects` finds them; one query."""
    digests = {
        _blind(text, purpose, master): (text, purpose)
        for text, purpose in entries if text for master in master_keys().values()
    }  # fmt: skip
    found: dict[tuple[str, str], list[UUID]] = {}
    if digests:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT digest, subject FROM personal_blindindex WHERE digest = ANY(%s::bytea[])", [list(digests)]
            )
            for digest, subject in cursor.fetchall():
                found.setdefault(digests[bytes(digest)], []).append(subject)
    return found


def find_subjects(text: str, purpose: str) -> list[UUID]:
    """The subjects indexed with this canonical text, under any master key still in use. "" finds none."""
    if not text:
        return []
    digests = [_blind(text, purpose, master) for master in master_keys().values()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject FROM personal_blindindex WHERE digest = ANY(%s::bytea[])", [digests])
        return [row[0] for row in cursor.fetchall()]


_ERASE = """
WITH gone AS (DELETE FROM personal_blindindex WHERE subject = ANY(%(subjects)s))
INSERT INTO personal_personalkey (subject, wrapped, destroyed_at)
SELECT subject, '', now() FROM unnest(%(subjects)s::uuid[]) AS gone (subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET wrapped = '', destroyed_at = now() WHERE personal_personalkey.destroyed_at IS NULL
"""


def erase(subjects: Collection[UUID]) -> int:
    """Destroy the keys and blind indexes of these subjects in one statement -> how many were not destroyed before.

    Final once committed: nothing sealed for them opens again, in any process, in history or in an export of ciphertext.
    A subject that never had a key is marked as destroyed too, so that none is made later. PIPL art. 47.
    """
    if not subjects:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_ERASE, {"subjects": list(set(subjects))})
        return cursor.rowcount


_STALE = """
SELECT subject, wrapped FROM personal_personalkey
WHERE destroyed_at IS NULL AND get_byte(wrapped, 0) <> %s ORDER BY subject LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_REWRAP = """
UPDATE personal_personalkey AS k SET wrapped = new.wrapped
FROM unnest(%s::uuid[], %s::bytea[]) AS new (subject, wrapped) WHERE k.subject = new.subject AND k.destroyed_at IS NULL
"""


def rewrap(limit: int = 10_000) -> int:
    """Wrap up to `limit` keys of older master key versions again with the newest -> how many; 0 means done.

    Values are not touched. Blind indexes of the old version are found until it is removed; write them again
    (`index_many`) before that. Call inside a transaction, again and again.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [max(master_keys()), limit])
        stale = cursor.fetchall()
        if stale:
            renewed = [_wrap(subject, _unwrap(subject, bytes(wrapped))) for subject, wrapped in stale]
            cursor.execute(_REWRAP, [[subject for subject, _ in stale], renewed])
    return len(stale)
