"""The chain of seals over history, and its proof.

A seal covers every run, event and change with xid_from <= xid < xid_to of its era, and never goes past the oldest
transaction still running (a plain high-water mark lost 1,453 of 6,605 rows). Its `leaves` name each row and its digest,
so that an altered, removed or smuggled-in row is found by name; its `hash` binds the leaves to the seal before.

Canonical bytes of a row: for each column in the order of TABLES a netstring `<octets>:<utf-8 text>,`, NULL is `-`.
Moments are whole microseconds since 1970 UTC, transaction ids and numbers are decimal, JSON is the text as stored,
addresses carry the length of their prefix (127.0.0.1/32).
Nothing in them depends on language, locale, time zone or a library's version.
"""

import hashlib
import logging
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from neiqin.kernel.actions.models import Change, Era, Redaction, Seal

logger = logging.getLogger("neiqin.seals")

TABLES: dict[str, tuple[str, ...]] = {
    "actions_run": (
        "id",
        "at",
        "xid",
        "action",
        "person_id",
        "behalf_id",
        "source",
        "address",
        "request_key",
        "params",
        "rules",
        "held_id",
        "count",
    ),
    "actions_event": ("id", "at", "xid", "run_id", "name", "model", "record_id", "before", "after", "data"),
    "actions_change": ("id", "at", "xid", "run_id", "tbl", "row_id", "op", "before", "after"),
}
LEAF = struct.Struct(">BQ16s")
LOCK = 7_301_001
MOST_ROWS = 200_000
NOT_YET = "xid >= pg_snapshot_xmax(pg_current_snapshot()) AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()"


@dataclass
class Report:
    """What verify found. problems: table, id (0 when a whole seal is meant) and what, in Chinese."""

    ok: bool = True
    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    redacted: int = 0  # rows that a person's words were taken from, as the history says itself
    head: str = ""
    problems: list[dict[str, Any]] = field(default_factory=list)

    def add(self, table: str, row: int, what: str) -> None:
        self.ok = False
        self.problems.append({"table": table, "id": row, "problem": what})


def canonical(row: tuple[str | None, ...]) -> bytes:
    """The canonical bytes of one history row."""
    parts = []
    for value in row:
        if value is None:
            parts.append(b"-")
        else:
            octets = value.encode()
            parts.append(b"%d:%b," % (len(octets), octets))
    return b"".join(parts)


def seal() -> int:
    """Seal what is settled since the last seal. Returns how many rows; 0 if nothing, or another process does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        horizon = cursor.fetchone()[0]
        era = Era.objects.order_by("-id")[0]
        last = Seal.objects.filter(era=era).order_by("-id").only("xid_to").first()
        start = last.xid_to if last else 0
        return _seal(era, start, _not_too_much(cursor, era, start, horizon))


def _not_too_much(cursor: Any, era: Era, start: int, horizon: int) -> int:
    """Lower the horizon so that one seal stays small enough to compute in memory; one transaction is never split."""
    span = "FROM actions_change WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8 AND id >= %s ORDER BY xid"
    given = [start, horizon, era.first_change]
    cursor.execute(f"SELECT xid::text::bigint {span} OFFSET %s LIMIT 1", [*given, MOST_ROWS])
    found = cursor.fetchone()
    if found is None:
        return horizon
    cursor.execute(f"SELECT xid::text::bigint {span} LIMIT 1", given)
    return max(found[0], cursor.fetchone()[0] + 1)


def _seal(era: Era, start: int, end: int) -> int:
    leaves = b"".join(LEAF.pack(kind, row, digest) for kind, row, digest in _digests(era, start, end))
    count = len(leaves) // LEAF.size
    if not count:
        return 0
    previous = Seal.objects.order_by("-id").values_list("hash", flat=True).first()
    moment = datetime.now(UTC)
    link = _link(bytes(previous or b""), era.pk, start, end, moment, leaves)
    Seal.objects.create(era=era, xid_from=start, xid_to=end, sealed_at=moment, rows=count, leaves=leaves, hash=link)
    return count


def _link(previous: bytes, era: int, start: int, end: int, moment: datetime, leaves: bytes) -> bytes:
    head = canonical((str(era), str(start), str(end), str(_microseconds(moment))))
    return hashlib.sha256(previous + head + hashlib.sha256(leaves).digest()).digest()


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _digests(era: Era, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """(kind, id, digest) of every row of the span, ordered by kind and id."""
    first = {"actions_run": era.first_run, "actions_event": era.first_event, "actions_change": era.first_change}
    beyond = Era.objects.filter(id__gt=era.pk).order_by("id").first()
    for kind, (table, columns) in enumerate(TABLES.items()):
        limit = getattr(beyond, first_column(table)) if beyond else 2**63 - 1
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.id, {', '.join(_as_text(c) for c in columns)} FROM {table} t "
                "WHERE t.xid >= %s::text::xid8 AND t.xid < %s::text::xid8 AND t.id >= %s AND t.id < %s ORDER BY t.id",
                [start, end, first[table], limit],
            )
            while rows := cursor.fetchmany(5000):
                for row in rows:
                    yield kind, row[0], hashlib.sha256(canonical(row[1:])).digest()[:16]


def digests_of(rows: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int, bytes]]:
    """(table, id) of rows of history -> each with its digest now."""
    for table, columns in TABLES.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.id, {', '.join(map(_as_text, columns))} FROM {table} t WHERE t.id = ANY(%s) ORDER BY t.id",
                [[row for name, row in rows if name == table]],
            )
            for row in cursor.fetchall():
                yield table, row[0], hashlib.sha256(canonical(row[1:])).digest()[:16]


def _redacted() -> dict[tuple[str, int], bytes]:
    """Rows that have lost a person's words, with the digest they have had since: as the history itself recorded it,
    which is sealed like everything else, and not as the table says."""
    found = Change.objects.filter(tbl=Redaction._meta.db_table, op="I").order_by("id").values_list("after", flat=True)
    return {(a["table"], a["row"]): bytes.fromhex(a["digest"]) for a in found.iterator() if a is not None}


def first_column(table: str) -> str:
    """The column of Era that says where this table's rows of the era begin."""
    return {"actions_run": "first_run", "actions_event": "first_event", "actions_change": "first_change"}[table]


def _as_text(column: str) -> str:
    return "((extract(epoch FROM t.at) * 1000000)::bigint)::text" if column == "at" else f't."{column}"::text'


def verify() -> dict[str, Any]:
    """Recompute the whole chain from the stored rows. Returns Report as a dict; `ok` False names the rows."""
    report = Report()
    previous = b""
    with transaction.atomic():
        eras = {era.pk: era for era in Era.objects.order_by("id")}
        end = {pk: 0 for pk in eras}
        redacted = _redacted()
        for number in Seal.objects.order_by("id").values_list("id", flat=True).iterator(chunk_size=500):
            link = Seal.objects.get(pk=number)
            if link.era_id not in eras:
                report.add("actions_era", link.era_id, "封条所在的纪元不见了。")
                previous = bytes(link.hash)
                continue
            _check_seal(link, eras[link.era_id], end[link.era_id], previous, redacted, report)
            previous, end[link.era_id] = bytes(link.hash), link.xid_to
        report.unsealed = _unsealed(max(eras), end[max(eras)]) if eras else 0
        _check_strays(list(eras.values()), end, report)
    report.head = previous.hex()
    return vars(report)


def _check_seal(
    link: Seal,
    era: Era,
    expected_start: int,
    previous: bytes,
    redacted: dict[tuple[str, int], bytes],
    report: Report,
) -> None:
    report.seals += 1
    leaves = bytes(link.leaves)
    if link.xid_from != expected_start:
        report.add("actions_seal", link.pk, "链条缺了一段：前一个封条不见了。")
    if _link(previous, era.pk, link.xid_from, link.xid_to, link.sealed_at, leaves) != bytes(link.hash):
        report.add("actions_seal", link.pk, "封条本身或它前面的封条被改过。")
    kept = {(kind, row): digest for kind, row, digest in LEAF.iter_unpack(leaves)}
    names = list(TABLES)
    for kind, row, digest in _digests(era, link.xid_from, link.xid_to):
        report.rows += 1
        sealed = kept.pop((kind, row), None)
        if sealed is None:
            report.add(names[kind], row, "封存之后才塞进来的。")
        elif sealed != digest and redacted.get((names[kind], row)) == digest:
            report.redacted += 1
        elif sealed != digest:
            report.add(names[kind], row, "封存之后被改过。")
    for kind, row in kept:
        report.add(names[kind], row, "封存之后被删掉了。")


def _check_strays(eras: list[Era], end: dict[int, int], report: Report) -> None:
    """Rows that no seal will ever cover: beyond the end of a closed era, or of a transaction that has not been yet."""
    for era, following in zip(eras, [*eras[1:], None], strict=True):
        for table in TABLES:
            column = first_column(table)
            if following is not None:
                condition, values = "xid >= %s::text::xid8 AND id < %s", [end[era.pk], getattr(following, column)]
            else:
                condition, values = NOT_YET, []
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT id FROM {table} WHERE id >= %s AND {condition} ORDER BY id LIMIT 100",
                    [getattr(era, column), *values],
                )
                for (row,) in cursor.fetchall():
                    report.add(table, row, "不属于任何封条能盖到的时间，是塞进来的。")


def _unsealed(era: int, start: int) -> int:
    first = Era.objects.get(pk=era)
    total = 0
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE xid >= %s::text::xid8 AND id >= %s",
                [start, getattr(first, first_column(table))],
            )
            total += cursor.fetchone()[0]
    return total


def open_era(reason: str, since: datetime | None = None) -> int:
    """After a restore: seal the tail of the old era, then open a new one (transaction ids start anew). Returns its id.

    Only when nobody else writes; not again if one was opened after `since`. The old era's rows keep their old
    transaction ids, told apart by their row ids.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        era = Era.objects.order_by("-id")[0]
        if since is not None and era.opened_at >= since:
            return era.pk
        last = Seal.objects.filter(era=era).order_by("-id").only("xid_to").first()
        highest, first = 0, {}
        for table in TABLES:
            cursor.execute(
                f"SELECT coalesce(max(xid::text::bigint), 0), coalesce(max(id), 0) FROM {table} WHERE id >= %s",
                [getattr(era, first_column(table))],
            )
            xid, row = cursor.fetchone()
            highest, first[first_column(table)] = max(highest, xid), row + 1
        _seal(era, last.xid_to if last else 0, highest + 1)
        return Era.objects.create(opened_at=datetime.now(UTC), reason=reason, **first).pk


def open_era_if_brought_here() -> None:
    """A history whose transaction ids this cluster has not reached comes from another one: open its era before writing.

    So also a restore that was killed half-way, or one made by hand, goes on with a chain that verifies.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('actions_era')")
        if cursor.fetchone()[0] is None or (era := Era.objects.order_by("-id").first()) is None:
            return
        for table in TABLES:
            first = getattr(era, first_column(table))
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table} WHERE id >= %s AND {NOT_YET})", [first])
            if cursor.fetchone()[0]:
                open_era("brought from another cluster")
                return


def lag() -> timedelta:
    """How old the oldest row is that no seal covers yet. More than a few minutes is an alarm."""
    era = Era.objects.order_by("-id")[0]
    last = Seal.objects.filter(era=era).order_by("-id").only("xid_to").first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT now() - min(at) FROM actions_run WHERE xid >= %s::text::xid8 AND id >= %s",
            [last.xid_to if last else 0, era.first_run],
        )
        return cursor.fetchone()[0] or timedelta()
