"""Names that are nearly the same: found by their deletions, judged by their likeness.

Two texts within one edit of each other share a text that comes from either by leaving out at most one character, so the
hashes of those texts, kept in the index, find all candidates without comparing with anything else.
"""

import difflib
from binascii import crc32
from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from neiqin.kernel.search import index, text

ALIKE = 0.90  # practice.md 2.1
LONGEST = 40
MANY = 50  # names looked up at once


def tokens(name: str) -> list[int]:
    """What a name is found by: itself and every way to leave out one character; under three characters, nothing."""
    name = name[:LONGEST]
    if len(name) < 3:
        return []
    found, before, rest = {text.token("n", name)}, crc32(b"n"), name.encode()
    for char in map(str.encode, name):  # text.token of what is left: the checksum goes on behind the gap
        rest = rest[len(char) :]
        found.add(crc32(rest, before) - text.OFFSET)
        before = crc32(char, before)
    return list(found)


def alike(one: str, other: str) -> bool:
    """At least 0.90 of the characters of both stand in both, in order."""
    return one == other or difflib.SequenceMatcher(None, one, other, False).ratio() >= ALIKE


def candidates(kind: str, names: Sequence[str], most: int = 5) -> Mapping[str, list[int]]:
    """Records of a kind whose name may be nearly one of these, by name; whoever they belong to."""
    mixed = index.salt(kind)
    wanted = [
        (name, ",".join(str(t ^ mixed) for t in found)) for name in dict.fromkeys(names) if (found := tokens(name))
    ]
    if not wanted:
        return {}
    result: dict[str, list[int]] = {}
    if len(wanted) > MANY:
        index.settle()
    with transaction.atomic(), connection.cursor() as cursor:
        # What a name's tokens hit cannot be estimated; after a large import the planner would read the whole table for
        # every name (400 names: 3 s instead of 7 ms), or all of the kind, were it asked for that inside.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "SELECT n.name, e.record_id FROM unnest(%s::text[], %s::text[]) AS n (name, tokens) CROSS JOIN LATERAL "
            "(SELECT record_id, kind FROM search_entry WHERE tokens && ('{' || n.tokens || '}')::int[] "
            f"LIMIT {most}) AS e WHERE e.kind = %s",
            [*map(list, zip(*wanted, strict=True)), kind],
        )
        for name, record in cursor.fetchall():
            result.setdefault(name, []).append(record)
        cursor.execute("SET LOCAL enable_seqscan = on")
    return result
