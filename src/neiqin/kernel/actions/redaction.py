"""Taking a person's words out of history, so that the seals still prove the rest (docs/decisions/0012-erasing.md)."""

import json
from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from neiqin.kernel.actions import seals
from neiqin.kernel.actions.models import Redaction, Request

_HOLDS = "EXISTS (SELECT FROM unnest(%(said)s::text[]) AS w WHERE strpos({text}, w) > 0)"
_CHANGES = f"""
SELECT c.id, c.run_id FROM actions_change c
JOIN unnest(%(tables)s::text[], %(rows)s::bigint[]) AS r (tbl, row_id) ON c.tbl = r.tbl AND c.row_id = r.row_id
WHERE {_HOLDS.format(text="concat(c.before::text, c.after::text)")}
"""
_EVENTS = f"""
SELECT e.id, e.run_id, {_HOLDS.format(text="coalesce(e.data::text, '')")} FROM actions_event e
JOIN unnest(%(models)s::text[], %(records)s::bigint[]) AS r (model, record_id)
ON e.model = r.model AND e.record_id = r.record_id
"""
_RUNS = f"""
SELECT r.id FROM actions_run r WHERE r.id = ANY(%(runs)s) AND {_HOLDS.format(text="coalesce(r.params::text, '')")}
"""


def redact(
    words: Sequence[str], mark: str, *, rows: Mapping[str, Collection[int]], records: Mapping[str, Collection[int]]
) -> int:
    """Put `mark` for these words (two characters at least) into the texts of history about these rows (by table) and
    records (by model label), and into the kept answers to requests. Inside a run. Gives how many rows changed."""
    said = [json.dumps(word, ensure_ascii=False)[1:-1] for word in words]
    given = {"said": said} | _pairs("tables", "rows", rows) | _pairs("models", "records", records)
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, given)
        changes = dict(cursor.fetchall())
        cursor.execute(_EVENTS, given)
        events = cursor.fetchall()
        cursor.execute(_RUNS, {"said": said, "runs": [*changes.values(), *(run for _, run, _ in events)]})
        runs = [row[0] for row in cursor.fetchall()]
        told = [event for event, _, holds in events if holds]
        cursor.execute(
            "SELECT tbl, row_id FROM kernel_redact(%s::text[], %s, %s::bigint[], %s::bigint[], %s::bigint[])",
            [list(words), mark, list(changes), told, runs],
        )
        done = cursor.fetchall()
        cursor.execute(
            f"UPDATE {Request._meta.db_table} SET outcome = kernel_without(outcome, %(words)s, %(mark)s) "
            f"WHERE {_HOLDS.format(text='outcome::text')}",
            {"words": list(words), "mark": mark, "said": said},
        )
    Redaction.objects.bulk_create(
        Redaction(table=table, row=row, digest=digest.hex()) for table, row, digest in seals.digests_of(done)
    )
    return len(done)


def _pairs(first: str, second: str, by: Mapping[str, Collection[int]]) -> dict[str, list[object]]:
    pairs = [(name, i) for name, ids in by.items() for i in ids]
    return {first: [name for name, _ in pairs], second: [i for _, i in pairs]}
