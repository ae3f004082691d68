"""The chain of seals recomputed from plain copies of the tables, by what the documentation says and nothing else."""

import csv
import hashlib
import io
import struct
from datetime import UTC, datetime

COLUMNS = {
    "actions_run": "id at xid action person_id behalf_id source address request_key params rules held_id count",
    "actions_event": "id at xid run_id name model record_id before after data",
    "actions_change": "id at xid run_id tbl row_id op before after",
}
SEALS = "era_id xid_from xid_to sealed_at leaves hash"
ERAS = "id first_run first_event first_change"


def read(connection, table, columns):
    """Rows as dicts of text, None for NULL."""
    listed = ", ".join(f'"{c}"' for c in columns.split())
    statement = f"COPY (SELECT {listed} FROM {table} ORDER BY id) TO STDOUT (FORMAT csv, NULL '\\N')"
    with connection.cursor().copy(statement) as copy:
        text = b"".join(copy).decode()
    rows = csv.reader(io.StringIO(text, newline=""))
    return [{k: None if v == "\\N" else v for k, v in zip(columns.split(), row, strict=True)} for row in rows]


def moment(text):
    since = datetime.fromisoformat(text).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return str(since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds)


def netstrings(values):
    return b"".join(b"-" if v is None else str(len(v.encode())).encode() + b":" + v.encode() + b"," for v in values)


def head(connection):
    """(hash of the last seal as stored, the same recomputed, how many rows are sealed)."""
    rows = {table: read(connection, table, columns) for table, columns in COLUMNS.items()}
    eras = [{k: int(v) for k, v in era.items()} for era in read(connection, "actions_era", ERAS)]
    found, stored, total = b"", b"", 0
    for seal in read(connection, "actions_seal", SEALS):
        at = next(i for i, era in enumerate(eras) if era["id"] == int(seal["era_id"]))
        low, high = int(seal["xid_from"]), int(seal["xid_to"])
        leaves = b""
        for kind, (table, known) in enumerate(rows.items()):
            first = f"first_{table.removeprefix('actions_')}"
            beyond = eras[at + 1][first] if at + 1 < len(eras) else 2**63
            for row in known:
                if low <= int(row["xid"]) < high and eras[at][first] <= int(row["id"]) < beyond:
                    text = row | {"at": moment(row["at"])}
                    if text.get("address") and "/" not in text["address"]:
                        text["address"] += "/128" if ":" in text["address"] else "/32"
                    digest = hashlib.sha256(netstrings(text.values())).digest()[:16]
                    leaves += struct.pack(">BQ16s", kind, int(row["id"]), digest)
        assert bytes.fromhex(seal["leaves"][2:]) == leaves
        own = netstrings([seal["era_id"], seal["xid_from"], seal["xid_to"], moment(seal["sealed_at"])])
        found = hashlib.sha256(found + own + hashlib.sha256(leaves).digest()).digest()
        stored, total = bytes.fromhex(seal["hash"][2:]), total + len(leaves) // 25
    return stored.hex(), found.hex(), total
