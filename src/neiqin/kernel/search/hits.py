"""Asking the index: which records of a kind a typed query finds, inside a reach, newest first.

No single plan is fast for all words. A frequent word has hits enough among the newest entries, which are read first;
its bitmap would have hundreds of thousands of rows. What is not frequent goes through the GIN index, whose bitmap is
small. Each hit is decided on the stored text, so neither colliding tokens nor scattered pairs are hits.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection

from neiqin.kernel.search.index import salt, scope_tokens
from neiqin.kernel.search.text import Asked, Way

WALKED, FARTHER = 1000, 8  # newest entries read first, and how many times as many when that promises to be enough
PROMISING = 3  # hits among them that promise it
OWN_WALKED = 300  # of each owner, where these are few
FEW_OWNERS = 10
MOST_RANKED = 2000
MOST_FOUND = 5000


class Reach(NamedTuple):
    """Which entries may be found: of these owners or units, or these records."""

    owners: Sequence[int] = ()
    units: Sequence[int] = ()
    records: Sequence[int] = ()

    @property
    def narrow(self) -> bool:
        """Few owners: their entries are few, and the newest of all are hardly theirs."""
        return not self.units and len(self.owners) <= FEW_OWNERS


class Found(NamedTuple):
    """ids: newest first; total: how many there are, None for many."""

    ids: list[int]
    total: int | None


Part = tuple[str, list[Any]]


def newest(reaches: Mapping[str, Reach | None], asked: Asked, limit: int) -> dict[str, Found]:
    """Of each kind, in its reach, the newest hits, at most `limit`; of more than MOST_RANKED that the newest entries do
    not show, some. One statement for all small kinds together: the palette asks forty of them at each letter."""
    small = _small(tuple(reaches), _minute())
    found = {kind: _newest(kind, asked, reach, limit) for kind, reach in reaches.items() if kind not in small}
    return found | _ranked({kind: reach for kind, reach in reaches.items() if kind in small}, asked, limit)


def _newest(kind: str, asked: Asked, reach: Reach | None, limit: int) -> Found:
    ids = _walked(kind, asked, reach, limit)
    if len(ids) >= limit:
        return Found(ids, None)
    ranked = _indexed(kind, asked, reach, MOST_RANKED)
    return Found(ranked[:limit], len(ranked) if len(ranked) < MOST_RANKED else None)


def every(kind: str, asked: Asked, reach: Reach | None) -> list[int] | None:
    """All hits, or None when there are more than MOST_FOUND: then walk the list and ask `is_hit` row by row."""
    # Walking the list pays from one hit in a hundred rows of all, and from one in five of the few that are one's own.
    own = len(reach.owners) if reach and reach.narrow else 0
    read, pays = (OWN_WALKED, OWN_WALKED * own // 5) if own else (WALKED, WALKED // 100)
    if kind not in _small((kind,), _minute()) and len(_read(kind, asked, reach, read, pays + 1)) > pays:
        return None
    ids = _indexed(kind, asked, reach, MOST_FOUND + 1)
    return None if len(ids) > MOST_FOUND else ids


def count(kind: str, asked: Asked, reach: Reach | None, most: int) -> int:
    """How many hits there are, at most `most`. Where they are every fifth of one's own, reading those is quicker."""
    if reach and reach.narrow and (found := len(_read(kind, asked, reach, 5 * most, most, newest_first=False))) == most:
        return found
    return len(_indexed(kind, asked, reach, most))


def is_hit(kind: str, asked: Asked, column: str) -> Part:
    """SQL that holds for a row whose id (`column`) the query finds. Asked row by row: OFFSET keeps it from becoming a
    join, which would look for all hits first."""
    where, values = _condition(kind, asked)
    sql = f"EXISTS (SELECT FROM search_entry WHERE kind = %s AND record_id = {column} AND {where} OFFSET 0)"
    return sql, [kind, *values]


def all_hits(kind: str, asked: Asked, reach: Reach | None) -> Part:
    """SQL of a query for the ids of all hits."""
    where, values = _condition(kind, asked)
    parts = [
        (f"SELECT record_id FROM search_entry WHERE kind = %s AND {part} AND {where}", [kind, *own, *values])
        for part, own in _reached(kind, reach)
    ]
    return " UNION ALL ".join(sql for sql, _ in parts), [value for _, own in parts for value in own]


def _minute() -> int:
    return int(time.monotonic() / 60)


@lru_cache(1000)
def _small(kinds: tuple[str, ...], minute: int) -> set[str]:
    """Those of which all entries may as well be ranked."""
    most = f"SELECT kind FROM search_entry WHERE kind = %s OFFSET {MOST_RANKED - 1} LIMIT 1"
    large = _rows(" UNION ALL ".join(f"({most})" for _ in kinds), kinds) if kinds else []
    return set(kinds) - {kind for (kind,) in large}


def _walked(kind: str, asked: Asked, reach: Reach | None, limit: int) -> list[int]:
    if reach and reach.narrow:
        return _read(kind, asked, reach, OWN_WALKED, limit)
    ids = _read(kind, asked, reach, WALKED, limit)
    if len(ids) < limit <= len(ids) * FARTHER and len(ids) >= PROMISING:
        ids = _read(kind, asked, reach, WALKED * FARTHER, limit)
    return ids


def _read(
    kind: str, asked: Asked, reach: Reach | None, entries: int, limit: int, *, newest_first: bool = True
) -> list[int]:
    """The hits among the newest `entries`: of each owner where these are few, else of the kind."""
    where, values = _condition(kind, asked)
    if reach and reach.narrow:
        source = (
            "unnest(%s::bigint[]) AS owner (key) CROSS JOIN LATERAL (SELECT * FROM search_entry WHERE kind = %s "
            f"AND owner_id = owner.key ORDER BY updated_at DESC LIMIT {entries}) AS e"
        )
        keys: list[Any] = [[*reach.owners], kind]
        order = "ORDER BY updated_at DESC" if newest_first else ""
    else:
        within, own = _within(reach)
        source = f"(SELECT * FROM search_entry WHERE kind = %s ORDER BY updated_at DESC LIMIT {entries}) AS e"
        keys, where, order = [kind, *own], f"{within} AND {where}", ""
    return _ids(f"SELECT record_id FROM {source} WHERE {where} {order} LIMIT {limit}", [*keys, *values])


def _ranked(reaches: Mapping[str, Reach | None], asked: Asked, limit: int) -> dict[str, Found]:
    """Of small kinds. What differs between them stands in rows beside them: planning forty SELECTs takes 50 ms."""
    found = dict.fromkeys(reaches, Found([], 0))
    if not reaches or not asked.terms:
        return found
    arrays: list[Sequence[int]] = []

    def column(tokens: Sequence[int]) -> Part:
        arrays.append(tokens)
        return f"k.t{len(arrays)}", []

    where, values = _all_of(asked, column)
    rows = [
        [
            kind, reach is None, [key ^ salt(kind) for key in scope_tokens(reach.owners, reach.units)] if reach else [],
            [*reach.records] if reach else [], *([token ^ salt(kind) for token in tokens] for tokens in arrays),
        ]
        for kind, reach in reaches.items()
    ]  # fmt: skip
    types = ("text", "boolean", "int[]", "bigint[]", *["int[]"] * len(arrays))
    row = f"({', '.join(f'%s::{kind}' for kind in types)})"
    names = ", ".join(["kind", "everywhere", "mine", "records", *(f"t{n + 1}" for n in range(len(arrays)))])
    sql = (
        f"SELECT k.kind, f.ids, f.total FROM (VALUES {', '.join([row] * len(rows))}) AS k ({names}) CROSS JOIN LATERAL "
        f"(SELECT (array_agg(record_id ORDER BY updated_at DESC, record_id DESC))[:{limit}] AS ids, count(*) AS total "
        "FROM search_entry WHERE kind = k.kind AND (k.everywhere OR tokens && k.mine OR record_id = ANY(k.records)) "
        f"AND {where}) AS f WHERE f.total > 0"
    )
    hits = _rows(sql, [value for row in rows for value in row] + values)
    return found | {kind: Found(ids, total) for kind, ids, total in hits}


def _indexed(kind: str, asked: Asked, reach: Reach | None, limit: int) -> list[int]:
    hits, params = _hits(kind, asked, reach, limit)
    return _ids(f"SELECT record_id FROM ({hits}) AS hits ORDER BY updated_at DESC, 1 DESC LIMIT {limit}", params)


def _hits(kind: str, asked: Asked, reach: Reach | None, limit: int) -> Part:
    """SQL of record_id and updated_at of the hits, by the index; at most `limit` of each way within reach."""
    where, values = _condition(kind, asked)
    parts = _reached(kind, reach)
    select = "SELECT record_id, updated_at FROM search_entry WHERE kind = %s AND"
    sql = " UNION ".join(f"({select} {part} AND {where} LIMIT {limit})" for part, _ in parts)
    return sql, [value for _, own in parts for value in (kind, *own, *values)]


def _reached(kind: str, reach: Reach | None) -> list[Part]:
    """Conditions that each have an index and together hold for the entries within reach."""
    if reach is None:
        return [("true", [])]
    keys = [key ^ salt(kind) for key in scope_tokens(reach.owners, reach.units)]
    shared: list[Part] = [("record_id = ANY(%s::bigint[])", [[*reach.records]])] if reach.records else []
    return [("tokens && %s::int[]", [keys]), *shared]


def _within(reach: Reach | None) -> Part:
    if reach is None:
        return "true", []
    sql = "(owner_id = ANY(%s::bigint[]) OR unit_id = ANY(%s::bigint[]) OR record_id = ANY(%s::bigint[]))"
    return sql, [[*reach.owners], [*reach.units], [*reach.records]]


def _condition(kind: str, asked: Asked) -> Part:
    """SQL over the columns of search_entry that holds for the entries of the kind which the query finds."""
    mixed = salt(kind)
    return _all_of(asked, lambda tokens: ("%s::int[]", [[token ^ mixed for token in tokens]]))


def _all_of(asked: Asked, array: Callable[[Sequence[int]], Part]) -> Part:
    """The same, with SQL for arrays of tokens from `array`."""
    if not asked.terms:
        return "false", []
    return _joined(" AND ", [_joined(" OR ", [_way(way, array) for way in ways]) for ways in asked.terms])


def _way(way: Way, array: Callable[[Sequence[int]], Part]) -> Part:
    # A pattern has letters, digits and characters only: nothing that LIKE or a regular expression reads otherwise.
    decide: list[Part] = [("text LIKE %s", [f"%{way.text}%"])] if way.text else []
    decide += [("sound ~ %s", [way.sound])] if way.sound else []
    parts = [_joined(" OR ", decide)]
    for sign, tokens in (("&&", way.some), ("@>", way.every)):
        if tokens:
            sql, values = array(tokens)
            parts.insert(0, (f"tokens {sign} {sql}", values))
    return _joined(" AND ", parts)


def _joined(word: str, parts: list[Part]) -> Part:
    return f"({word.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]


def _ids(sql: str, params: Sequence[Any]) -> list[int]:
    return [row[0] for row in _rows(sql, params)]


def _rows(sql: str, params: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
