"""Reading and adding to history: runs, events, changes. Nothing here ever changes a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from neiqin.kernel import copying
from neiqin.kernel.actions.batch import Emitted


@dataclass(frozen=True)
class ChangedRow:
    """A row-level change: op is I, U or D; before and after hold only the changed columns of an update."""

    table: str
    row: int
    op: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    at: datetime | None = None
    run: int = 0


def _dumps(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


# The request key is claimed by the same statement: who comes second waits here, gets no run, and reads the kept answer.
_CLAIM = (
    "claim AS (INSERT INTO actions_request (person_id, key, body, at) VALUES (%s, %s, %s, now()) "
    "ON CONFLICT (person_id, key) DO NOTHING RETURNING id), "
)
_RUN = (
    "run AS (INSERT INTO actions_run "
    "(action, person_id, behalf_id, source, address, request_key, params, held_id, count) "
    "SELECT %s, %s::bigint, %s::bigint, %s, %s::inet, %s, %s::json, %s::bigint, %s{} RETURNING id) "
    "SELECT id, set_config('neiqin.run', id::text, true), set_config('transaction_timeout', %s, true) FROM run"
)


def open_run(call: Any, *, params: Any, held: int | None = None, digest: bytes | None = None) -> int | None:
    """Insert the run and make it the transaction's current one; a write transaction is given `call.seconds` to end.

    digest: what the call asks for, if it has a request key. None is returned if that key is somebody's already.
    """
    values = [
        call.action.code,
        call.by.id,
        call.by.behalf_of(call.action.may) if call.by.id else None,
        call.source,
        call.address or call.by.address,
        call.key,
        _dumps(params),
        held or call.held,
        len(call.ids) or len(call.rows),
        "0" if call.nested else f"{call.seconds}s",
    ]
    claim = [call.by.id or 0, call.key, digest] if digest else []
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {_CLAIM if digest else ''}{_RUN.format(' FROM claim' if digest else '')}", claim + values)
        found = cursor.fetchone()
        return found[0] if found else None


def begin(action: str, *, by: Any, source: str) -> int:
    """Open a run for work that is no action (loading a demo, a migration of data) inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH run AS (INSERT INTO actions_run (action, person_id, source) VALUES (%s, %s, %s) RETURNING id) "
            "SELECT id, set_config('neiqin.run', id::text, true) FROM run",
            [action, by.id, source],
        )
        return cursor.fetchone()[0]


def resume(run: int) -> None:
    """Make a run the transaction's current one again, after others were opened inside it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('neiqin.run', %s, true)", [str(run)])


def close_run(call: Any, outcome: Any) -> None:
    """Keep the answer under the request key. Inside a caller's transaction also forget the current run."""
    with connection.cursor() as cursor:
        if call.key:
            cursor.execute(
                "UPDATE actions_request SET outcome = %s::jsonb WHERE person_id = %s AND key = %s",
                [_dumps(outcome.as_json()), call.by.id or 0, call.key],
            )
        if call.nested:
            cursor.execute("SELECT set_config('neiqin.run', '', true)")


def note(action: str, *, by: Any, source: str = "", address: str | None = None, params: Any = None) -> None:
    """Record something that changes no record: a refusal, a login, an export, a revealed value."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO actions_run (action, person_id, source, address, params) VALUES (%s, %s, %s, %s, %s::json)",
            [action, by.id if by else None, source, address or (by.address if by else None), _dumps(params)],
        )


def add_events(run: int, model: str, events: Sequence[Emitted]) -> None:
    """Insert events (name, record, before, after, data) of one run in one statement; many by COPY."""
    rows = [(*event[:4], _dumps(event[4])) for event in events]
    if len(rows) >= copying.FROM:
        columns = ("run_id", "model", "name", "record_id", "before", "after", "data")
        with copying.copying("actions_event", columns) as copy:
            for row in rows:
                copy.write_row((run, model, *row))
    elif rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO actions_event (run_id, model, name, record_id, before, after, data) "
                "SELECT %s, %s, e.* FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::json[]) AS e",
                [run, model, *map(list, zip(*rows, strict=True))],
            )


def changes_of(run: int, limit: int = 5000) -> list[ChangedRow]:
    """The row changes of one run, in order."""
    return _changes("run_id = %s", [run], limit)


def changes_since_version(table: str, row: int, version: int, lines: Mapping[str, str]) -> list[ChangedRow]:
    """What has changed in a record and its lines (table -> foreign key column) since it had `version`.

    Table by table, oldest first.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT run_id FROM actions_change WHERE tbl = %s AND row_id = %s "
            "AND (after->>'version')::int > %s",
            [table, row, version],
        )
        runs = [r[0] for r in cursor.fetchall()]
    # By record, not by run: a bulk run has thousands of changes, and none of this record may be missed.
    found = _changes("tbl = %s AND row_id = %s AND run_id = ANY(%s)", [table, row, runs], 100000)
    for line_table, column in lines.items():
        mine = "(row_id = ANY(%s) OR (after->>%s)::bigint = %s OR (before->>%s)::bigint = %s)"
        ids = _line_ids(line_table, column, row)
        given = [runs, line_table, ids, column, row, column, row]
        found += _changes(f"run_id = ANY(%s) AND tbl = %s AND {mine}", given, 100000)
    return found


def changes_under(runs: Sequence[int], tables: Sequence[str]) -> list[ChangedRow]:
    """The changes of some tables under some runs, oldest first, at most 20,000."""
    return _changes("run_id = ANY(%s) AND tbl = ANY(%s)", [list(runs), list(tables)], 20000)


def as_of(table: str, row: int, moment: datetime) -> dict[str, Any] | None:
    """The columns of a row as they were at a past moment, or None if it did not exist (time travel, from changes)."""
    state: dict[str, Any] | None = None
    for change in _changes("tbl = %s AND row_id = %s AND at <= %s", [table, row, moment], 100000):
        state = None if change.op == "D" else {**(state or {}), **change.after}
    return state


def _line_ids(table: str, column: str, row: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id FROM "{table}" WHERE "{column}" = %s', [row])
        return [r[0] for r in cursor.fetchall()]


def _changes(where: str, values: Sequence[Any], limit: int) -> list[ChangedRow]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tbl, row_id, op::text, before::text, after::text, at, run_id FROM actions_change "
            f"WHERE {where} ORDER BY id LIMIT {limit}",
            values,
        )
        return [
            ChangedRow(tbl, row, op, orjson.loads(before or "{}"), orjson.loads(after or "{}"), at, run)
            for tbl, row, op, before, after, at, run in cursor.fetchall()
        ]
