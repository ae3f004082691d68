"""Writing the index, set-wise. Everything here may be done again at any time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

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


_PUT = f"""
INSERT INTO search_entry (kind, record_id, owner_id, unit_id, version, updated_at, format, text, sound, tokens)
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
    """Write the entries of these records, new or not, in one statement, by id."""
    if not documents:
        return
    mixed, rows = salt(kind), []
    for document in documents:
        owner, unit = document.owner, document.unit
        scope = scope_tokens([owner] if owner else [], [unit] if unit else [])
        made = text.entry(document.texts, [*scope, *document.more])
        tokens = ",".join([str(token ^ mixed) for token in made.tokens])
        rows.append((*document[:5], made.text, made.sound, f"{{{tokens}}}"))
    with connection.cursor() as cursor:
        cursor.execute(_PUT, [kind, *map(list, zip(*rows, strict=True))])


def drop(kind: str, records: Iterable[int]) -> None:
    """Forget these records."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_entry WHERE kind = %s AND record_id = ANY(%s::bigint[])", [kind, [*records]])
