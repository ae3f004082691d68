"""Writing the index, set-wise. Everything here may be done again at any time."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, connection, transaction

from neiqin.kernel import copying
from neiqin.kernel.search import text


class Document(NamedTuple):
    """A record as the index needs it. texts: what finds it, the most telling first."""

    record: int
    owner: int | None
    unit: int | None
    version: int
    updated_at: datetime
    texts: Iterable[str]
    more: Sequence[int] = ()  # further tokens, not yet of a kind


_COLUMNS = ("kind", "record_id", "owner_id", "unit_id", "version", "updated_at", "format", "text", "sound", "tokens")
_PUT = f"""
INSERT INTO search_entry ({", ".join(_COLUMNS)})
SELECT %s, record, owner, unit, version, updated, {text.FORMAT}, text, sound, tokens::int[]
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
AS d (record, owner, unit, version, updated, text, sound, tokens) ORDER BY record
ON CONFLICT (kind, record_id) DO UPDATE SET
(owner_id, unit_id, version, updated_at, format, text, sound, tokens) = (EXCLUDED.owner_id, EXCLUDED.unit_id,
EXCLUDED.version, EXCLUDED.updated_at, EXCLUDED.format, EXCLUDED.text, EXCLUDED.sound, EXCLUDED.tokens)
WHERE search_entry.version <= EXCLUDED.version
"""


def salt(kind: str) -> int:
    """What the tokens of a kind are combined with, so that each kind has its own and none pays for the others."""
    return text.token("k", kind)


def scope_tokens(owners: Iterable[int], units: Iterable[int]) -> list[int]:
    """The tokens, not yet of a kind, of all entries of these owners and of these units."""
    return [*(text.token("o", owner) for owner in owners), *(text.token("u", unit) for unit in units)]


def put(kind: str, documents: Sequence[Document]) -> None:
    """Write the entries of these records, new or not, by id; many new ones by COPY, which takes half the time."""
    made = [(document, _entry(kind, document)) for document in documents]
    if len(made) >= copying.FROM:
        known = _known(kind, [document.record for document in documents])
        new = [pair for pair in made if pair[0].record not in known]
        try:
            with transaction.atomic():
                _copy(kind, new)
            made = [pair for pair in made if pair[0].record in known]
        except IntegrityError:  # a searcher has put one of them meanwhile
            pass
    if made:
        rows = [(*d[:5], e.text, e.sound, f"{{{','.join(map(str, e.tokens))}}}") for d, e in made]
        with connection.cursor() as cursor:
            cursor.execute(_PUT, [kind, *map(list, zip(*rows, strict=True))])


def _entry(kind: str, document: Document) -> text.Entry:
    mixed, owner, unit = salt(kind), document.owner, document.unit
    scope = scope_tokens([owner] if owner else [], [unit] if unit else [])
    made = text.entry(document.texts, [*scope, *document.more])
    return made._replace(tokens=[token ^ mixed for token in made.tokens])


def _known(kind: str, records: list[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id FROM search_entry WHERE kind = %s AND record_id = ANY(%s::bigint[])", [kind, records]
        )
        return {row[0] for row in cursor.fetchall()}


# COPY in the binary format: of the tokens alone there are some 150 an entry, and as texts they take both sides longer
# than all the rest. A value is its length and its bytes, -1 is NULL.

_NULL = struct.pack(">i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT4 = 23  # its type's number


def _copy(kind: str, entries: Sequence[tuple[Document, text.Entry]]) -> None:
    with copying.copying("search_entry", _COLUMNS, binary=True) as to:
        rows = [b"".join(_row(kind, document, entry)) for document, entry in entries]
        to.write(b"".join([struct.pack(">11sii", b"PGCOPY\n\xff\r\n\0", 0, 0), *rows, struct.pack(">h", -1)]))


def _row(kind: str, document: Document, entry: text.Entry) -> Iterator[bytes]:
    record, owner, unit, version, updated = document[:5]
    yield struct.pack(">h", len(_COLUMNS))
    yield _text(kind)
    for number in (record, owner, unit):
        yield _NULL if number is None else struct.pack(">iq", 8, number)
    yield struct.pack(">iiiqih", 4, version, 8, (updated - _EPOCH) // _MICROSECOND, 2, text.FORMAT)
    yield _text(entry.text)
    yield _text(entry.sound)
    count = len(entry.tokens)
    pairs = [4] * (2 * count)
    pairs[1::2] = entry.tokens
    yield struct.pack(f">iiiiii{2 * count}i", 20 + 8 * count, 1, 0, _INT4, count, 1, *pairs)


def _text(value: str) -> bytes:
    body = value.encode()
    return struct.pack(">i", len(body)) + body


def settle() -> None:
    """Bring what was written lately into its place in the index; until then every look-up reads it through, which is
    nothing for one and dear for a thousand."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_settle()")


def drop(kind: str, records: Iterable[int]) -> None:
    """Forget these records."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_entry WHERE kind = %s AND record_id = ANY(%s::bigint[])", [kind, [*records]])
