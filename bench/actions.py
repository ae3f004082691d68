"""Actions: one through screen and API, 8 clients at a time, 10,000 records at once, and what the audit costs."""

from typing import Any

from bench.base import LARGE, Inside, Results, cpu_text, load, median, neiqin_web, p10, p95, scratch, superuser
from bench.companies import have

MANY = 10_000
WHO = {"create": "rep5", "hand_over": "manager1"}
REQUESTS = {"create": "creations", "hand_over": "hand_overs"}


def run(results: Results, cluster: Any) -> None:
    """All of it in a copy of the big company, so that the lists are measured on a company nobody has touched."""
    template, _ = have(cluster, LARGE)
    with scratch(cluster, template) as database:
        if results.wants("one") or results.wants("clients8"):
            _one(results, database)
        if results.wants("preview"):
            with Inside(database) as inside:
                times = inside("preview_one", login="manager1", n=60)
                results.add("preview.hand_over", median(times), "ms", 15, most=1)
        if results.wants("bulk") or results.wants("audit") or results.wants("seal"):
            _bare_tables(cluster, database)
        if results.wants("bulk"):
            _bulk(results, database)
            _bulk_screen(results, database)
        if results.wants("audit"):
            _audit(results, database)
        if results.wants("seal") or results.wants("verify"):
            with Inside(database) as inside:
                found = inside("seal_and_verify")
                results.add("seal.rows", found["rows"] / found["seal_seconds"], "rows/s")
                results.add("verify.rows", found["verified"] / found["verify_seconds"], "rows/s")


def _one(results: Results, database: str) -> None:
    with Inside(database) as inside, neiqin_web(database) as web:
        start = 1000
        for kind in ("create", "hand_over"):
            for way, api in (("screen", False), ("api", True)):
                name = f"{kind}.{way}"
                if results.wants(f"one.{name}"):
                    requests = inside(REQUESTS[kind], n=102, start=start, api=api, login=WHO[kind])
                    found = inside("send", requests=requests)
                    said = f"{found['queries']} queries, the fastest tenth within {p10(found['times']):.1f} ms"
                    results.add(f"one.{name}", median(found["times"]), "ms", 12, most=1, extra=said)
                    results.add(f"one.{name}.p95", p95(found["times"]), "ms")
                start += 50_000
                if results.wants(f"clients8.{name}"):
                    rates = []
                    for _ in range(3):
                        requests = inside(REQUESTS[kind], n=400, start=start, api=api, login=WHO[kind])
                        answer = load(web, requests, 8)
                        good = sum(n for status, n in answer["statuses"].items() if status in ("200", "201", "302"))
                        if good != len(requests):
                            raise RuntimeError(f"{name}: {answer['statuses']}")
                        rates.append(good / answer["seconds"])
                        start += 20_000
                    results.add(f"clients8.{name}", median(rates), "per s", 200, least=1, extra=cpu_text(answer))


def _bare_tables(cluster: Any, database: str) -> None:
    """bare_customer and bare_event: the same columns, checks, rows and indexes; neither triggers nor foreign keys."""
    with superuser(cluster, database) as connection:
        for bare, table in (("bare_customer", "customers_customer"), ("bare_event", "actions_event")):
            kept = "" if bare == "bare_customer" else "INCLUDING INDEXES"
            connection.execute(f"CREATE TABLE {bare} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES {kept})")
        connection.execute("INSERT INTO bare_customer SELECT * FROM customers_customer")
        rows = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'customers_customer'").fetchall()
        connection.execute("SET maintenance_work_mem = '256MB'")
        for (definition,) in rows:
            head, _, tail = definition.partition(" ON public.customers_customer ")
            connection.execute(f"{head.replace('INDEX ', 'INDEX bare_', 1)} ON bare_customer {tail}")
        for bare in ("bare_customer", "bare_event"):
            connection.execute(f"ALTER TABLE {bare} OWNER TO neiqin_owner")
            connection.execute(f"GRANT SELECT, INSERT, UPDATE ON {bare} TO neiqin_app")
        connection.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO neiqin_app")
        connection.execute("VACUUM ANALYZE bare_customer")
        connection.execute("CHECKPOINT")


def _bulk(results: Results, database: str) -> None:
    start = 200_000
    for kind in ("hand_over", "deactivate"):
        for suffix, warm in (("", 0), (".after_one_row_updates", 50)):
            name = f"bulk.{kind}{suffix}"
            if results.wants(name):
                # A process of its own: its connection has run nothing else before.
                with Inside(database) as inside:
                    found = inside("bulk", kind=kind, start=start, rounds=3, warm=warm)
                ours, bare = median(found["ours"]), median(found["bare"])
                results.add(name, MANY / ours, "records/s", MANY / bare, least=0.25)
            start += 70_000


def _bulk_screen(results: Results, database: str) -> None:
    """10,000 records by one form of the screen, page of results included."""
    if results.wants("bulk.screen"):
        with Inside(database) as inside:
            requests = [inside("bulk_form", start=start) for start in (490_000, 520_000, 550_000, 580_000)]
            times = inside("send", requests=requests)["times"]
        results.add(
            "bulk.screen", median(times) / 1000, "s", extra="hand_over of 10,000 by form, with its page of results"
        )


def _audit(results: Results, database: str) -> None:
    with Inside(database) as inside:
        found = inside("audited", n=MANY, rounds=3)
    ours, bare = median(found["ours"]), median(found["bare"])
    results.add("audit.update", MANY / ours, "rows/s", MANY / bare, extra="limit: without triggers")
    results.add("audit.bytes", median(found["bytes"]), "bytes/change", extra="with its indexes")
