"""A big company in a database of its own: units, some 220 persons, rights as in the demo, n customers with contacts.

    python -m bench.company 1000000     fills the database named by NEIQIN_DB_NAME, which must be empty but migrated

Rows are those the actions would write: name keys, pinyin, numbers, contacts' phones sealed under keys of their own and
findable. They come by COPY past the audit, so the history is empty. Rep 1 (`newest`) owns the customers changed last,
rep 2 (`oldest`) those changed longest ago; each sees 10,000 of a million; the others share the rest. Ids do not
follow the moment of change, so that a rep's rows lie scattered over the table, which is the dearest case.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from bench.generate_names import companies, mobiles, person_names, regions, usccs
from neiqin.kernel.fields.formats import company_name_key, initials, pinyin_key

DEMO = Path(__file__).resolve().parent.parent / "src/neiqin/demo"
PRESETS = DEMO.parent / "modules/company/presets"
PASSWORD = "Hengchuan@2026"
COLLABORATED, VISIBLE = 20, 10_000  # a rep sees VISIBLE customers, COLLABORATED of them as a collaborator
GROUPS, REPS_OF_GROUP = 20, 10
CHUNK = 20_000
INDUSTRIES = ("工业品流通", "泵阀", "五金模具", "仪器仪表", "起重输送", "汽车零部件", "橡塑", "电气电机", "通用机械")
KINDS = ("dealer", "end_user", "end_user", "end_user", "platform")
SIZES = ("micro", "small", "medium", "large")
SOURCES = ("referral", "exhibition", "web", "phone", "cold_call", "platform", "other")


def main() -> None:
    """Fill the database; tells what took how long."""
    total = int(sys.argv[1])
    begun = time.monotonic()
    fork = multiprocessing.get_context("fork")
    organisation = fork.Process(target=_organisation)
    organisation.start()
    organisation.join()
    if organisation.exitcode:
        raise SystemExit(1)
    plan = Plan(total)
    with _superuser() as connection:
        indexes = _drop_indexes(connection, TABLES)
    counter = fork.Value("i", 0)
    workers = [fork.Process(target=_load, args=(plan, counter)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit(1)
    loaded = time.monotonic() - begun
    with _superuser() as connection:
        _finish(connection, indexes, total)
    found = {"customers": total, "rows_seconds": round(loaded, 1), **make_searchable(total)}
    found["seconds"] = round(time.monotonic() - begun, 1)
    print(json.dumps(found))


class Plan:
    """What every worker knows of all n customers; made once before they fork."""

    def __init__(self, total: int) -> None:
        random = Random(total)
        self.total = total
        self.names = companies(total, seed=5)
        self.codes = usccs([regions()[at].code for *_, at in self.names], 5)
        self.persons, self.mobiles = person_names(total, 5), mobiles(total, 5)
        self.order = list(range(total))  # position in the order of change of each id
        random.shuffle(self.order)
        with _superuser() as connection:
            rows = connection.execute("SELECT id, unit_id FROM people_person WHERE staff_no LIKE 'R%' ORDER BY id")
            self.reps: list[tuple[int, int]] = rows.fetchall()
        self.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def owner(self, rank: int) -> tuple[int, int]:
        """(person, unit) of the customer changed as the rank-th, oldest first."""
        special = min(VISIBLE - COLLABORATED, int(self.total * 0.45))
        if rank >= self.total - special:
            return self.reps[0]
        return self.reps[1] if rank < special else self.reps[2 + rank % (len(self.reps) - 2)]

    def customer(self, at: int) -> tuple[Any, ...]:
        """One row in the order of COLUMNS."""
        random, rank = Random(at), self.order[at]
        name, short, place = self.names[at]
        region = regions()[place]
        changed = self.now - timedelta(seconds=(self.total - rank) * (2 * 365 * 86400 / self.total))
        level = random.choices(("key", "ordinary", "prospect"), (5, 55, 40))[0]
        limit = None if level == "prospect" else Decimal(random.randrange(5, 300)) * 10_000
        person, unit = self.owner(rank)
        return (
            at + 1, 1, changed - timedelta(days=random.randrange(300)), changed, f"KH{at + 1:06}", name,
            company_name_key(name)[:100], pinyin_key(name)[:300], initials(name)[:100], short[:40], self.codes[at],
            level, random.choice(KINDS), random.choice(INDUSTRIES), random.choice(SOURCES), region.province,
            region.city, f"{region.province}{region.city}{region.district}人民路 {at % 900 + 1} 号", "", "", "", limit,
            None if limit is None else 30, None, "inactive" if random.random() < 0.03 else "active", person, unit,
            random.choice(SIZES), region.district, "", "", "", changed.date(), changed.date(), random.random() < 0.1,
            random.randrange(20, 101, 5),
        )  # fmt: skip


CUSTOMER = (
    "id, version, created_at, updated_at, number, name, name_key, pinyin, mnemonic, short_name, uscc, level, kind, "
    "industry, source, province, city, address, business_scope, intention, remark, credit_limit, credit_days, "
    "statement_day, state, owner_id, unit_id, size_band, district, varieties, settlement_method, price_level, "
    "obtained_on, reviewed_on, late, completeness"
)
CONTACT = (
    "id, customer_id, subject, name, title, mobile, phone, wechat, email, decides, qq, department, receives_goods, "
    'receives_invoices, receives_statements, consent_basis, order_news, "left"'
)


def _load(plan: Plan, counter: Any) -> None:
    """Write chunk after chunk until none is left."""
    from neiqin.config.setup import setup_as

    setup_as("owner")
    with _superuser() as connection:
        # Neither audit nor foreign keys: the rows are right by construction.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        while True:
            with counter.get_lock():
                start = counter.value
                counter.value += CHUNK
            if start >= plan.total:
                return
            span = range(start, min(start + CHUNK, plan.total))
            _copy(connection, f"customers_customer ({CUSTOMER})", (plan.customer(at) for at in span))
            _contacts(connection, plan, span)


def _contacts(connection: psycopg.Connection, plan: Plan, span: range) -> None:
    """One contact a customer, sealed with the product's own functions; keys and indexes by COPY."""
    from neiqin.kernel.personal import keys

    random = Random(span.start)
    subjects = [UUID(int=random.getrandbits(128), version=4) for _ in span]
    wrapped = {s: keys._wrap(s, os.urandom(keys.KEY_BYTES)) for s in subjects}
    sealing = keys.Keys(wrapped)
    rows, found = [], []
    for at, subject in zip(span, subjects, strict=True):
        mobile = plan.mobiles[at]
        name = sealing.seal(subject, "contact.name", plan.persons[at])
        sealed = sealing.seal(subject, "contact.mobile", mobile)
        rows.append((at + 1, at + 1, subject, name, "采购经理", sealed, b"", b"", b"", True, b"", "",
                     False, False, False, "", "", False))  # fmt: skip
        found.append((subject, "mobile", keys.blind(mobile, "mobile")))
        found.append((subject, "mobile:last4", keys.blind(mobile[-4:], "mobile:last4")))
    _copy(connection, f"customers_contact ({CONTACT})", rows)
    _copy(connection, "personal_personalkey (subject, wrapped)", wrapped.items())
    _copy(connection, "personal_blindindex (subject, purpose, digest)", found)


def _copy(connection: psycopg.Connection, target: str, rows: Any) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


TABLES = ["customers_customer", "customers_contact", "personal_personalkey", "personal_blindindex"]


def _drop_indexes(connection: psycopg.Connection, tables: list[str], keep: str = "") -> list[str]:
    """Drop all indexes and unique constraints but primary keys and one; gives the statements that make them again."""
    found = connection.execute(
        "SELECT i.relname, t.relname, pg_get_indexdef(i.oid), c.conname, pg_get_constraintdef(c.oid) FROM pg_index x "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
        "LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype = 'u' "
        "WHERE t.relname = ANY(%s) AND NOT x.indisprimary AND i.relname <> %s",
        [tables, keep],
    ).fetchall()
    again = []
    for index, table, definition, constraint, meaning in found:
        if constraint:
            connection.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint}"')
            again.append(f'ALTER TABLE "{table}" ADD CONSTRAINT "{constraint}" {meaning}')
        else:
            connection.execute(f'DROP INDEX "{index}"')
            again.append(definition)
    return again


def _finish(connection: psycopg.Connection, indexes: list[str], total: int) -> None:
    connection.execute("SET maintenance_work_mem = '512MB'")
    for statement in indexes:
        connection.execute(statement)
    for table in ("customers_customer", "customers_contact", "personal_blindindex"):
        connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM " + table, [table])
    connection.execute(
        "INSERT INTO numbering_series (code, entity_id, period, next) VALUES ('KH', 1, '', %s)", [total + 1]
    )
    # The newest rep is let in on some customers of others, as happens.
    connection.execute(
        "INSERT INTO people_collaborator (model, record_id, person_id) SELECT 'customers.customer', c.id, p.id "
        "FROM people_person p CROSS JOIN LATERAL (SELECT id FROM customers_customer WHERE owner_id <> p.id ORDER BY id "
        f"LIMIT {COLLABORATED}) c WHERE p.staff_no IN ('R001', 'R002')"
    )
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")


def make_searchable(total: int) -> dict[str, Any]:
    """Fill the search index as `neiqin reindex` does, by two processes, its own indexes made last; times and sizes."""
    begun, fork = time.monotonic(), multiprocessing.get_context("fork")
    with _superuser() as connection:
        connection.execute("TRUNCATE search_entry")
        indexes = _drop_indexes(connection, ["search_entry"], keep="search_entry_once")
    counter = fork.Value("i", 0)
    workers = [fork.Process(target=_make_searchable, args=(counter, total)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit(1)
    filled = time.monotonic() - begun
    with _superuser() as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        for statement in indexes:
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE) search_entry")
        connection.execute("CHECKPOINT")
        sizes = connection.execute(
            "SELECT relname, pg_relation_size(oid) / 1000000 FROM pg_class WHERE relname IN ('search_entry', "
            "'search_entry_tokens')"
        ).fetchall()
    seconds = {"search_rows_seconds": round(filled, 1), "search_seconds": round(time.monotonic() - begun, 1)}
    return seconds | {f"{name}_mb": size for name, size in sizes}


def _make_searchable(counter: Any, total: int) -> None:
    from neiqin.config.setup import setup_as

    setup_as("app")
    from django.db import connection

    from neiqin.kernel.resources import finding
    from neiqin.kernel.resources.resource import site

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    while True:
        with counter.get_lock():
            start = counter.value
            counter.value += finding.CHUNK
        if start >= total:
            break
        finding.reindex(site().resources["customers.customer"], range(start + 1, start + finding.CHUNK + 1))
    if start < total + finding.CHUNK:  # the first one to be done
        for resource in site().resources.values():
            if resource.key != "customers.customer":
                finding.mend(resource)


def _superuser() -> psycopg.Connection:
    from neiqin.config import environment

    return psycopg.connect(**environment.dsn("postgres"), autocommit=True)  # type: ignore[arg-type]


def _organisation() -> None:
    """Head office, 20 groups of 10 reps with leader and assistant, 4 managers, a director, back office."""
    from neiqin.config.setup import setup_as

    setup_as("app")
    from django.contrib.auth.hashers import make_password
    from django.db import transaction

    with transaction.atomic():
        _People(make_password(PASSWORD)).make()


class _People:
    def __init__(self, password: str) -> None:
        from neiqin.kernel import clock
        from neiqin.kernel.people import models

        self.models, self.password = models, password
        self.stamps = {"created_at": clock.now(), "updated_at": clock.now()}
        self.since = clock.today() - timedelta(days=730)
        self.names: Iterator[str] = iter(person_names(400, 9))
        self.positions = self._positions()

    def make(self) -> None:
        company = self._unit("恒川工业品", "HC", None)
        sales, office = self._unit("销售部", "XS", company), self._unit("内勤部", "NQ", company)
        self.person("director", "D001", "sales_director", sales)
        self.person("supervisor", "S001", "office_supervisor", office)
        regions_ = [self._unit(f"大区 {n}", f"XS-{n}", sales) for n in range(1, 5)]
        for n, region in enumerate(regions_, 1):
            self.person(f"manager{n}", f"M{n:03}", "sales_manager", region)
        number = 0
        for n in range(GROUPS):
            group = self._unit(f"销售 {n + 1} 组", f"XS-{n % 4 + 1}-{n + 1}", regions_[n % 4])
            self.person(f"leader{n + 1}", f"L{n + 1:03}", "team_leader", group)
            reps = []
            for _ in range(REPS_OF_GROUP):
                number += 1
                login = {1: "newest", 2: "oldest"}.get(number, f"rep{number}")
                reps.append(self.person(login, f"R{number:03}", "sales_rep", group))
            assistant = self.person(f"assistant{n + 1}", f"A{n + 1:03}", "sales_assistant", office)
            self.models.WorksFor.objects.bulk_create(
                self.models.WorksFor(assistant=assistant, person=rep, from_on=self.since) for rep in reps[:4]
            )

    def _unit(self, name: str, code: str, parent: Any) -> Any:
        made = self.models.Unit.objects.create(
            name=name, code=code, pinyin=pinyin_key(name), parent=parent, **self.stamps
        )
        self.models.UnitPlace.objects.create(unit=made, above=parent, from_on=self.since)
        return made

    def person(self, login: str, number: str, position: str, unit: Any) -> Any:
        models, name = self.models, next(self.names)
        person = models.Person.objects.create(
            name=name, pinyin=pinyin_key(name, person=True), staff_no=number, unit=unit,
            position=self.positions[position], **self.stamps,
        )  # fmt: skip
        models.Appointment.objects.create(person=person, unit=unit, position=person.position, from_on=self.since)
        models.Login.objects.create(username=login, person=person, password=self.password)
        return person

    def _positions(self) -> dict[str, Any]:
        models, made = self.models, {}
        grants = json.loads((PRESETS / "grants.json").read_text("utf-8"))
        for row in json.loads((PRESETS / "positions.json").read_text("utf-8")):
            key = {"code": row["code"], "name": row["name"], "pinyin": pinyin_key(row["name"])}
            owns = row["code"] in ("sales_director", "sales_manager")
            position = models.Position.objects.create(rank=row["rank"], owns_key_customers=owns, **key, **self.stamps)
            role = models.Role.objects.create(**key, **self.stamps)
            models.PositionRole.objects.create(position=position, role=role)
            wanted = {"people.view": "all"} | grants[row["code"]]
            models.Grant.objects.bulk_create(models.Grant(role=role, permission=p, scope=s) for p, s in wanted.items())
            made[row["code"]] = position
        return made


if __name__ == "__main__":
    main()
