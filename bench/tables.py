"""Tables in and out: an import of 100,000 customers with contacts, as a person waits for it, beside a bare COPY of the
same rows into the same audited tables; exports of a million rows as text and of a manager's quarter of them as a
workbook."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.base import (
    LARGE,
    ROOT,
    SMALL,
    Client,
    Inside,
    Results,
    environment,
    median,
    neiqin_web,
    peak,
    postmaster,
    processor_seconds,
    run_python,
    say,
    scratch,
    superuser,
    until,
)  # fmt: skip
from bench.companies import have

MANY = 100_000
LOOK = 0.2  # seconds between looks at how far an import is
TABLES = ("customers_customer", "customers_contact")


def run(results: Results, cluster: Any) -> None:
    """In copies of the generated companies."""
    if results.wants("import"):
        _import(results, cluster)
    if results.wants("export"):
        name, _ = have(cluster, LARGE)
        with scratch(cluster, name) as database:
            if results.wants("export.beside"):
                _beside(results, database)
            for form in ("xlsx", "csv"):
                if results.wants(f"export.{form}"):
                    found = json.loads(run_python("-m", "bench.tables", "export", form, database=database))
                    rate = found["rows"] / found["seconds"]
                    results.add(f"export.{form}", rate, "rows/s", extra=f"{found['rows']:,} rows")
                    results.add(f"export.{form}.memory", found["memory"], "MB", 256, most=1)


def _beside(results: Results, database: str) -> None:
    """What ten exports in the background do to the lists of everybody else."""
    with Inside(database) as inside, neiqin_web(database) as web:
        client = Client(web.port, inside("session", login="rep5"))
        alone = median(client.times("/customers/customer/", 60))
        run_python("-m", "bench.tables", "ask", "10", database=database)
        with _serving(database, "jobs"):
            beside = median(client.times("/customers/customer/", 200))
    results.add("export.beside", beside, "ms", alone, most=3, extra="a list over HTTP while ten exports are written")


@contextmanager
def _serving(database: str, kind: str) -> Iterator[int]:
    """One of our background processes, started and settled; its process id."""
    command = [sys.executable, "-W", "ignore", "-m", "neiqin.config.serve", kind]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(database))
    try:
        time.sleep(10)  # it starts
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _import(results: Results, cluster: Any) -> None:
    name, _ = have(cluster, SMALL)
    with scratch(cluster, name) as database, superuser(cluster, database) as connection:
        first = {table: connection.execute(f"SELECT max(id) + 1 FROM {table}").fetchone()[0] for table in TABLES}
        with (
            Inside(database) as inside, neiqin_web(database) as web,
            _serving(database, "worker") as worker, _serving(database, "jobs") as jobs,
        ):  # fmt: skip
            cookie = inside("session", login="supervisor")
            waited = _waited(connection, Client(web.port, cookie), first["customers_customer"], (jobs, worker))
        rows = {table: _dump(connection, table, first[table]) for table in TABLES}
    with scratch(cluster, name) as database:
        found = json.loads(run_python("-m", "bench.tables", "import", str(MANY), database=database))
        say(str(found))
    with scratch(cluster, name) as database, superuser(cluster, database) as connection:
        begun = time.monotonic()
        for table, body in rows.items():
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
                copy.write(body)
        bare = time.monotonic() - begun
    seconds = waited["check"] + waited["write"] + waited["index"]
    said = (
        f"{waited['check']:.1f} s until checked, {waited['write']:.1f} s until written, {waited['index']:.1f} s more "
        "until found by search; CPU: jobs {:.1f} s, worker {:.1f} s, database {:.1f} s".format(*waited["cpu"])
    )
    results.add("import.customers", MANY / seconds, "per s", MANY / bare, least=1 / 8, extra=said)
    results.add("import.memory", max(waited["memory"], found["memory"]), "MB", 512, most=1)
    alone = found["read"] + found["check"] + found["write"] + found["index"]
    said = f"{found['check']:.1f} s checked, {found['write']:.1f} s written, {found['index']:.1f} s indexed"
    results.add("import.phases", MANY / alone, "per s", extra=f"one after the other in one process: {said}")


def _waited(connection: Any, client: Client, first: int, processes: tuple[int, int]) -> dict[str, Any]:
    """What a person waits for: from the upload until it is checked, from the click until all is written, and until the
    last record is found by search. The worker indexes beside the job that writes."""
    late = (
        "SELECT count(*) FROM customers_customer c LEFT JOIN search_entry e ON e.kind = 'customers.customer' "
        "AND e.record_id = c.id WHERE c.id >= %s AND e.version IS DISTINCT FROM c.version"
    )
    last = "SELECT max(id) FROM customers_customer"  # indexed last; to ask for all of them costs what is measured
    busy = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' OR status = 'todo' AND scheduled_at IS NULL"

    def rest() -> bool:
        return connection.execute(busy).fetchone()[0] == connection.execute(late, [0]).fetchone()[0] == 0

    def reached(state: str) -> bool:
        now = connection.execute("SELECT state, sentence FROM exchange_import ORDER BY id DESC LIMIT 1").fetchone()
        if now[0] in ("failed", "mapping", "stopped"):
            raise RuntimeError(f"the import is {now}")
        return bool(now[0] == state)

    until(rest, 600)  # what is done every hour is done
    before = [processor_seconds(p) for p in (*processes, postmaster())]
    times, begun = {}, time.monotonic()
    place = client.post("/imports/upload/", {"kind": "customers.customer", "mode": "new"}, ("客户.csv", _table(MANY)))
    until(lambda: reached("ready"), 600, pause=LOOK)
    times["check"], begun = time.monotonic() - begun, time.monotonic()
    client.post(f"{place}start/", {})
    until(lambda: reached("done"), 600, pause=LOOK)
    times["write"], begun = time.monotonic() - begun, time.monotonic()
    until(lambda: connection.execute(late, connection.execute(last).fetchone()).fetchone()[0] == 0, 600, pause=LOOK)
    assert connection.execute(late, [first]).fetchone()[0] == 0
    times["index"] = time.monotonic() - begun
    after = [processor_seconds(p) for p in (*processes, postmaster())]
    written = connection.execute("SELECT count(*) FROM customers_customer WHERE id >= %s", [first]).fetchone()[0]
    assert written == MANY, written
    return times | {"cpu": [b - a for a, b in zip(before, after, strict=True)], "memory": peak(processes[0])}


def _dump(connection: Any, table: str, first: int) -> bytes:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY (SELECT * FROM {table} WHERE id >= {first} ORDER BY id) TO STDOUT (FORMAT binary)") as copy,
    ):
        return b"".join(bytes(piece) for piece in copy)


# Inside the measured process


def main(arguments: list[str]) -> None:
    """import N, export FORM or ask N: prints one JSON object."""
    from neiqin.config.setup import setup_as

    setup_as("app")
    from neiqin.kernel.resources.resource import site

    site()
    does = {"import": lambda n: _imported(int(n)), "export": _exported, "ask": lambda n: _asked(int(n))}
    print(json.dumps(does[arguments[0]](arguments[1])))


def _memory() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _person(login: str) -> Any:
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login

    return actor_of(Login.objects.values_list("person_id", flat=True).get(username=login))


def _imported(total: int) -> dict[str, Any]:
    from neiqin.kernel import clock
    from neiqin.kernel.exchange import working
    from neiqin.kernel.exchange.models import CHECKING, DONE, READING, READY, WRITING, Import
    from neiqin.kernel.files import store
    from neiqin.kernel.resources import finding
    from neiqin.modules.customers.resources import customer

    person = _person("supervisor")
    stored = store.keep(_table(total), "客户.csv", by=person)
    imp = Import.objects.create(resource=customer.key, person_id=person.id, file=stored, created_at=clock.now())
    times: dict[str, float] = {}
    for state, name in ((READING, "read"), (CHECKING, "check"), (WRITING, "write")):
        imp.refresh_from_db()
        if state == WRITING:
            assert imp.state == READY, (imp.state, imp.sentence)
            Import.objects.filter(pk=imp.pk).update(state=WRITING)
            imp.refresh_from_db()
        begun = time.monotonic()
        working.STEPS[state](imp)
        times[name] = time.monotonic() - begun
    imp.refresh_from_db()
    assert (imp.state, imp.counts.get("new")) == (DONE, total), (imp.state, imp.counts, imp.sentence)
    begun = time.monotonic()
    finding.mend(customer)
    times["index"] = time.monotonic() - begun
    return times | {"memory": _memory()}


def _table(total: int) -> bytes:
    from bench.generate_names import company_names

    lines = ["客户名称,联系人,手机,职务,城市,信用额度,账期（天）,行业,经营地址"]
    lines += [
        f"{name}新{n},{'王李张刘陈杨'[n % 6]}工{n % 97},13{n:09},采购经理,苏州市,{n % 900}000.00,30,通用机械,园区{n}号"
        for n, name in enumerate(company_names(total, 7))
    ]
    return "\r\n".join(lines).encode("utf-8-sig")


def _asked(times: int) -> int:
    from neiqin.kernel import clock
    from neiqin.kernel.exchange import exporting
    from neiqin.kernel.exchange.models import Export
    from neiqin.kernel.jobs.queue import defer
    from neiqin.modules.customers.resources import customer

    for n in range(times):
        person = _person(f"rep{n + 10}" if n else "supervisor")
        made = Export.objects.create(
            resource=customer.key, person_id=person.id, query="", columns=["number", "name", "city"], form="xlsx",
            created_at=clock.now(),
        )  # fmt: skip
        defer(exporting.JOB, key=f"export-{made.pk}", lock=f"export-{person.id}", export_id=made.pk)
    return times


def _exported(form: str) -> dict[str, Any]:
    from neiqin.kernel import clock
    from neiqin.kernel.exchange import exporting
    from neiqin.kernel.exchange.models import DONE, Export
    from neiqin.modules.customers.resources import customer

    person = _person({"csv": "supervisor", "xlsx": "manager1"}[form])
    columns = [f.name for f in customer.fields_for(person).values() if f.list]
    made = Export.objects.create(
        resource=customer.key,
        person_id=person.id,
        query="sort=-updated_at",
        columns=columns,
        form=form,
        created_at=clock.now(),
    )
    begun = time.monotonic()
    exporting.make(export_id=made.pk)
    seconds = time.monotonic() - begun
    made.refresh_from_db()
    assert made.state == DONE, made.sentence
    return {"rows": made.done, "seconds": seconds, "memory": _memory()}


if __name__ == "__main__":
    main(sys.argv[1:])
