"""History can be added to and read, by nobody altered: not by the application, not by the owner of the tables."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from neiqin.config.postgres import Roles
from neiqin.kernel.actions import install
from neiqin.kernel.actions.models import Change, Run
from neiqin.kernel.actions.perform import perform
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer

HISTORY = ("actions_run", "actions_event", "actions_change", "actions_seal", "actions_era")


def partitions(connection):
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class p ON p.oid = inhparent "
        "WHERE p.relkind = 'p' AND p.relname LIKE 'actions_%' ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def attempts(table):
    column = {"actions_seal": "rows = 0", "actions_era": "reason = ''"}.get(table, "id = id")
    return f"UPDATE {table} SET {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"


def test_the_application_may_not_alter_delete_or_truncate_history(past, as_role):
    app = as_role(Roles.APP)
    for table in HISTORY:
        for statement in attempts(table):
            with pytest.raises(InsufficientPrivilege):
                app.execute(statement)


def test_the_owner_of_the_tables_is_refused_by_the_trigger(past, as_role):
    owner = as_role(Roles.OWNER)
    for table in HISTORY:
        for statement in attempts(table):
            with pytest.raises(psycopg.DatabaseError, match="refused") as caught:
                owner.execute(statement)
            assert caught.value.sqlstate == "NQ001", statement


def test_every_partition_refuses_the_owner_too_and_the_application_cannot_even_name_it(past, as_role):
    owner, app = as_role(Roles.OWNER), as_role(Roles.APP)
    found = partitions(owner)
    assert len(found) >= 15
    for table in found:
        with pytest.raises(psycopg.DatabaseError, match="refused"):
            owner.execute(f"TRUNCATE {table}")
        for statement in (*attempts(table), f"SELECT FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
            with pytest.raises(InsufficientPrivilege):
                app.execute(statement)
    used = [t for t in found if owner.execute(f"SELECT EXISTS (SELECT FROM {t})").fetchone()[0]]
    assert len(used) >= 3
    for table in used:
        for statement in attempts(table)[:2]:
            with pytest.raises(psycopg.DatabaseError, match="refused"):
                owner.execute(statement)


def test_no_business_table_can_be_truncated(past, as_role):
    owner, app = as_role(Roles.OWNER), as_role(Roles.APP)
    tables = install.audited_tables()
    assert {"customers_customer", "customers_contact", "people_person", "stranger_sample"} <= set(tables)
    for table in tables:
        with pytest.raises(InsufficientPrivilege):
            app.execute(f"TRUNCATE {table} CASCADE")
        with pytest.raises(psycopg.DatabaseError, match="refused") as caught:
            owner.execute(f"TRUNCATE {table} CASCADE")
        assert caught.value.sqlstate == "NQ001"


def test_the_application_owns_no_table_and_cannot_switch_a_trigger_off(past, as_role):
    app = as_role(Roles.APP)
    owned = app.execute("SELECT relname FROM pg_class WHERE relowner = current_user::regrole").fetchall()
    assert owned == []
    for statement in (
        "SET session_replication_role = replica",
        "ALTER TABLE customers_customer DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_update ON customers_customer",
        "ALTER TABLE actions_change DISABLE TRIGGER ALL",
        "ALTER TABLE actions_change DETACH PARTITION actions_change_default",
        "CREATE OR REPLACE FUNCTION kernel_audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TABLE public.customers_shadow (id bigint)",
        f"SET ROLE {Roles.OWNER}",
    ):
        with pytest.raises(InsufficientPrivilege):
            app.execute(statement)


def test_the_application_cannot_write_a_change_itself(past, as_role):
    app = as_role(Roles.APP)
    with pytest.raises(InsufficientPrivilege):
        app.execute("INSERT INTO actions_change (run_id, tbl, row_id, op) VALUES (1, 'customers_customer', 1, 'D')")


def test_the_application_cannot_forge_changes_by_a_temporary_table_of_the_same_name(past, as_role):
    app = as_role(Roles.APP)
    app.execute("CREATE TEMPORARY TABLE customers_customer (id bigint, name text)")
    with pytest.raises(InsufficientPrivilege):
        app.execute(
            "CREATE TRIGGER a AFTER INSERT ON pg_temp.customers_customer REFERENCING NEW TABLE AS new_rows "
            "FOR EACH STATEMENT EXECUTE FUNCTION kernel_audit()"
        )


def test_the_application_cannot_choose_number_moment_or_transaction_of_a_run_or_event(past, as_role):
    app = as_role(Roles.APP)
    for column, value in (("id", "1"), ("at", "'2020-01-01'"), ("xid", "'5'")):
        with pytest.raises(InsufficientPrivilege):
            app.execute(f"INSERT INTO actions_run (action, {column}) VALUES ('x', {value})")
        with pytest.raises(InsufficientPrivilege):
            app.execute(
                f"INSERT INTO actions_event (run_id, name, model, record_id, {column}) VALUES (1, 'x', 'x', 1, {value})"
            )
    with pytest.raises(InsufficientPrivilege):
        app.execute("SELECT setval('actions_run_id_seq', 1)")


def test_nobody_writes_under_a_run_that_another_transaction_opened(past, as_role):
    foreign = Run.objects.order_by("-id")[0].pk
    for role in (Roles.APP, Roles.OWNER):
        connection = as_role(role)
        with pytest.raises(psycopg.DatabaseError, match="not opened by this transaction") as caught:
            connection.execute(
                "WITH s AS (SELECT set_config('neiqin.run', %s, false)) "
                "UPDATE customers_customer SET city = 'x' FROM s WHERE set_config IS NOT NULL",
                [str(foreign)],
            )
        assert caught.value.sqlstate == "NQ002"
    assert not Customer.objects.filter(city="x").exists()


def test_a_direct_edit_is_on_record_with_who_made_it(past, as_role):
    owner = as_role(Roles.OWNER)
    owner.execute("SET application_name = 'psql of the dba'")
    owner.execute("UPDATE customers_customer SET city = '太仓' WHERE id = %s", [past.ids[0]])
    change = Change.objects.order_by("-id")[0]
    assert (change.tbl, change.row_id, change.before["city"], change.after["city"]) == (
        "customers_customer", past.ids[0], "昆山", "太仓")  # fmt: skip
    assert Run.objects.get(pk=change.run_id).source == f"{Roles.OWNER} psql of the dba"


def test_a_direct_edit_of_a_primary_key_is_one_row_gone_and_one_come(past, as_role):
    owner = as_role(Roles.OWNER)
    contact, last = owner.execute("SELECT min(id), max(id) FROM customers_contact").fetchone()
    owner.execute("UPDATE customers_contact SET id = %s WHERE id = %s", [last + 1000, contact])
    found = {c.row_id: c for c in Change.objects.order_by("-id")[:2]}
    gone, come = found[contact], found[last + 1000]
    assert (gone.op, gone.after, come.op, come.before) == ("D", None, "I", None)
    assert gone.before["name"] == come.after["name"] != "潘工", "sealed, as in the table"


def test_a_run_that_changes_nothing_in_a_row_leaves_no_change(past):
    before = Change.objects.count()
    Customer.objects.filter(pk=past.ids[0]).update(city="昆山")
    assert Change.objects.count() == before
    assert perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "昆山"}).done == past.ids[:1]
    assert Change.objects.count() == before
