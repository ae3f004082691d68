"""The two generated companies, made when missing or when what decides their rows has changed; else migrated."""

import hashlib
import json
import time
from typing import Any

from bench.base import LARGE, ROOT, SMALL, make_database, migrate, run_python, say, superuser

NAMES = {SMALL: "bench_10k", LARGE: "bench_1m"}


def have(cluster: Any, total: int) -> tuple[str, float]:
    """(database, seconds it took to generate now or when it was)."""
    name, wanted = NAMES[total], _digest()
    with superuser(cluster, "postgres") as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    note = json.loads(found[0]) if found and found[0] else {}
    if note.get("digest") == wanted:
        migrate(name)
        return name, note["seconds"]
    say(f"generating {total:,} customers")
    make_database(cluster, name)
    begun = time.monotonic()
    say(run_python("-m", "bench.company", str(total), database=name).strip())
    seconds = round(time.monotonic() - begun, 1)
    with superuser(cluster, "postgres") as connection:
        note = json.dumps({"digest": wanted, "seconds": seconds})
        connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{note}'")
    return name, seconds


def _digest() -> str:
    """Of what decides the rows and the tables."""
    source = ROOT / "src/neiqin"
    files = [ROOT / "bench/company.py", ROOT / "bench/generate_names.py", ROOT / "bench/name_parts.txt"]
    files += [source / "kernel/search/text.py", *(source / "kernel/search/migrations").glob("*.py")]
    files += [*(source / "modules/customers/migrations").glob("*.py"), source / "modules/company/presets/grants.json"]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
