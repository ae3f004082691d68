"""A month without its partition: nothing is lost, it is told, and the next maintenance mends it."""

import logging

import pytest
from django.db import connection

from neiqin.config import doctor
from neiqin.config.postgres import Roles
from neiqin.kernel.actions import seals, worker
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.history.conftest import seal_everything


@pytest.fixture
def no_month(own_database, superuser_connection, monkeypatch):
    """Only the default partitions are there."""
    run = superuser_connection.execute
    run("SET session_replication_role = replica")
    for table in seals.TABLES:
        run(f"DELETE FROM {table}")
        for (name,) in run(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table]
        ).fetchall():
            if not name.endswith("_default"):
                run(f"DROP TABLE {name}")
    monkeypatch.setenv("NEIQIN_DB_NAME", own_database)
    return run


def in_default(run):
    return {t for t in seals.TABLES if run(f"SELECT EXISTS (SELECT FROM {t}_default)").fetchone()[0]}


def counts():
    return Run.objects.count(), Event.objects.count(), Change.objects.count()


def test_without_its_month_nothing_is_lost_and_maintenance_mends_it(no_month, caplog, as_role):
    ann = factories.actor("周启明")
    one = factories.customer(ann)
    perform(actions.edit, [one.pk], by=ann, params={"city": "昆山"})
    assert in_default(no_month) == set(seals.TABLES)
    seal_everything()
    head, before = seals.verify()["head"], counts()
    perform(actions.edit, [one.pk], by=ann, params={"city": "太仓"})
    ok, sentence = doctor.default_partitions()
    assert not ok
    assert "数据没有丢失" in sentence
    assert doctor.partitions()[0] is False

    with caplog.at_level(logging.ERROR, "neiqin.worker"):
        worker.maintain()
    assert {r.getMessage().split()[2] for r in caplog.records} == set(seals.TABLES)
    assert in_default(no_month) == set()
    assert doctor.default_partitions()[0]
    assert doctor.partitions()[0]
    assert counts() > before
    assert (seals.verify()["ok"], seals.verify()["head"]) == (True, head)
    perform(actions.deactivate, [one.pk], by=ann, params={"reason": "关厂"})
    seal_everything()
    assert (seals.verify()["ok"], seals.verify()["unsealed"]) == (True, 0)
    assert in_default(no_month) == set()

    caplog.clear()
    worker.maintain()
    assert caplog.records == []
    owner = as_role(Roles.OWNER)
    children = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'actions_run'::regclass"
    for (name,) in no_month(children):
        with pytest.raises(Exception, match="refused"):
            owner.execute(f"TRUNCATE {name}")
    with pytest.raises(Exception, match="refused"):
        owner.execute("UPDATE actions_run SET source = 'x'")


def test_rows_keep_coming_while_the_partition_is_mended(no_month):
    ann = factories.actor("周启明")
    for _ in range(3):
        factories.customer(ann)
    assert no_month("SELECT kernel_make_partitions(3)").fetchone()[0] > 3
    for _ in range(3):
        factories.customer(ann)
    assert Customer.objects.count() == Event.objects.filter(name="customers.customer.created").count() == 6
    assert no_month("SELECT kernel_make_partitions(3)").fetchone()[0] == 0


def test_a_long_backup_makes_maintenance_wait_its_turn_not_the_writers(past, as_role, superuser_connection, caplog):
    superuser_connection.execute("SET session_replication_role = replica")
    (last,) = superuser_connection.execute(
        "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'actions_run'::regclass "
        "AND inhrelid::regclass::text NOT LIKE '%default'"
    ).fetchone()
    superuser_connection.execute(f"DROP TABLE {last}")
    backup = as_role(Roles.OWNER)
    backup.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    backup.execute("LOCK TABLE actions_run IN ACCESS SHARE MODE")
    with caplog.at_level(logging.ERROR, "neiqin.worker"):
        worker.maintain()
    assert "partitions were not made" in caplog.text
    assert perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "太仓"}).done
    backup.execute("COMMIT")
    worker.maintain()
    assert superuser_connection.execute("SELECT to_regclass(%s)", [last]).fetchone() == (last,)


def test_a_failing_maintenance_is_loud_and_does_not_stop_sealing(past, superuser_connection, caplog):
    superuser_connection.execute("ALTER FUNCTION kernel_make_partitions(integer) RENAME TO away")
    with caplog.at_level(logging.ERROR, "neiqin.worker"):
        worker.maintain()
    assert "partitions were not made" in caplog.text
    assert connection.connection is not None
