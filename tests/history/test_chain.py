"""Forced past all refusals by a superuser, an alteration is named by verify; the chain can be recomputed by anybody."""

import struct

import pytest
from django.db import connection

from neiqin.config.postgres import Roles
from neiqin.kernel.actions import seals
from neiqin.kernel.actions.models import Era, Seal
from neiqin.kernel.actions.perform import perform
from neiqin.modules.customers import actions
from tests import factories
from tests.history import offline
from tests.history.conftest import seal_everything


def named():
    report = seals.verify()
    assert report["ok"] is (not report["problems"])
    return {(p["table"], p["id"]) for p in report["problems"]}


def test_an_untouched_history_verifies_and_everything_is_sealed(past):
    report = seals.verify()
    assert (report["ok"], report["unsealed"], report["seals"]) == (True, 0, 2)


@pytest.mark.parametrize("table", list(seals.TABLES))
def test_an_altered_row_is_named(past, forced, table):
    column = {"actions_run": "source", "actions_event": "name", "actions_change": "tbl"}[table]
    rows = [r[0] for r in forced(f"SELECT id FROM {table} ORDER BY id").fetchall()]
    altered = {rows[0], rows[-1]}
    forced(f"UPDATE {table} SET {column} = {column} || ' ' WHERE id = ANY(%s)", [list(altered)])
    assert named() == {(table, row) for row in altered}


@pytest.mark.parametrize("table", list(seals.TABLES))
@pytest.mark.parametrize("column", ["at", "xid", "run_id"])
def test_a_row_moved_in_time_or_to_another_run_is_named(past, forced, table, column):
    if (table, column) == ("actions_run", "run_id"):
        column = "person_id"
    value = {"at": "at - interval '1 second'", "xid": "'1'"}.get(column, f"coalesce({column}, 0) + 1")
    last = f"(SELECT max(id) FROM {table})"
    (row,) = forced(f"UPDATE {table} SET {column} = {value} WHERE id = {last} RETURNING id").fetchone()
    assert named() == {(table, row)}


@pytest.mark.parametrize("table", list(seals.TABLES))
def test_a_deleted_row_is_named(past, forced, table):
    (row,) = forced(f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table}) RETURNING id").fetchone()
    assert named() == {(table, row)}


@pytest.mark.parametrize("table", list(seals.TABLES))
def test_a_smuggled_in_row_is_named(past, forced, table):
    listed = ", ".join(f'"{c}"' for c in seals.TABLES[table][1:])
    (row,) = forced(
        f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {table} ORDER BY id LIMIT 1 RETURNING id"
    ).fetchone()
    assert named() == {(table, row)}


def test_a_row_smuggled_beyond_all_seals_by_a_transaction_id_that_has_not_been_is_named(past, forced):
    (row,) = forced("INSERT INTO actions_run (action, xid) VALUES ('x', '9000000000000') RETURNING id").fetchone()
    assert named() == {("actions_run", row)}


def test_a_row_rewritten_together_with_its_leaf_breaks_the_seal(past, forced):
    (row,) = forced("SELECT max(id) FROM actions_change").fetchone()
    forced("UPDATE actions_change SET tbl = 'people_person' WHERE id = %s", [row])
    last = Seal.objects.order_by("-id")[0]
    leaves = bytearray(bytes(last.leaves))
    digests = {(kind, i): digest for kind, i, digest in seals._digests(last.era, last.xid_from, last.xid_to)}
    for at in range(0, len(leaves), 25):
        kind, number, _ = struct.unpack_from(">BQ16s", leaves, at)
        struct.pack_into(">BQ16s", leaves, at, kind, number, digests[kind, number])
    assert bytes(last.leaves) != bytes(leaves)
    forced("UPDATE actions_seal SET leaves = %s WHERE id = %s", [bytes(leaves), last.pk])
    assert named() == {("actions_seal", last.pk)}


def test_a_seal_rewritten_whole_breaks_the_one_behind_it_and_changes_the_head(past, forced):
    head = seals.verify()["head"]
    first, second = Seal.objects.order_by("id")
    (row,) = forced("SELECT min(id) FROM actions_change").fetchone()
    forced("UPDATE actions_change SET tbl = 'people_person' WHERE id = %s", [row])
    leaves = b"".join(seals.LEAF.pack(*leaf) for leaf in seals._digests(first.era, first.xid_from, first.xid_to))
    link = seals._link(b"", first.era_id, first.xid_from, first.xid_to, first.sealed_at, leaves)
    forced("UPDATE actions_seal SET leaves = %s, hash = %s WHERE id = %s", [leaves, link, first.pk])
    assert named() == {("actions_seal", second.pk)}
    link = seals._link(link, second.era_id, second.xid_from, second.xid_to, second.sealed_at, bytes(second.leaves))
    forced("UPDATE actions_seal SET hash = %s WHERE id = %s", [link, second.pk])
    assert named() == set()
    # Whoever rewrites the whole chain cannot keep a head that was noted elsewhere.
    assert seals.verify()["head"] != head


def test_a_removed_seal_is_named_by_the_one_behind_it(past, forced):
    first, second = Seal.objects.order_by("id")
    forced("DELETE FROM actions_seal WHERE id = %s", [first.pk])
    assert named() == {("actions_seal", second.pk)}


def test_a_removed_last_seal_leaves_its_rows_unsealed_and_another_head(past, forced):
    head = seals.verify()["head"]
    forced("DELETE FROM actions_seal WHERE id = (SELECT max(id) FROM actions_seal)")
    report = seals.verify()
    assert report["unsealed"] > 0
    assert report["head"] != head


def test_a_removed_era_is_named(past, forced):
    (era,) = forced("SELECT id FROM actions_era").fetchone()
    seals.open_era("restore")
    perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "太仓"})
    seal_everything()
    forced("DELETE FROM actions_era WHERE id = %s", [era])
    assert ("actions_era", era) in named()


def test_a_row_smuggled_into_a_closed_era_is_named(past, forced):
    forced("SELECT nextval('actions_run_id_seq')")
    (gap,) = forced("SELECT currval('actions_run_id_seq')").fetchone()
    perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "太仓"})
    seals.open_era("restore")
    perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "常熟"})
    seal_everything()
    assert named() == set()
    forced("INSERT INTO actions_run (id, action, xid) VALUES (%s, 'x', '8000000000')", [gap])
    assert named() == {("actions_run", gap)}


def test_the_head_is_recomputed_from_plain_copies_by_another_program(past, superuser_connection):
    awkward = {"city": '常熟，"a"\\N', "remark": "\t'\n"}
    perform(actions.edit, past.ids, by=past.ann, params=awkward, address="2001:db8::1")
    perform(actions.edit, past.ids, by=past.ann, params={"industry": "水泵"}, address="10.0.0.1")
    seal_everything()
    seals.open_era("restore")
    perform(actions.deactivate, past.ids, by=past.ann, params={"reason": "关厂"})
    seal_everything()
    stored, found, rows = offline.head(superuser_connection)
    report = seals.verify()
    assert report["ok"]
    assert stored == found == report["head"]
    assert rows == report["rows"] > 30


SETTINGS = {
    "lc_messages": "C.UTF-8",
    "datestyle": "ISO, DMY",
    "timezone": "America/St_Johns",
    "intervalstyle": "postgres_verbose",
    "bytea_output": "escape",
    "extra_float_digits": "-5",
    "lc_monetary": "C.UTF-8",
    "lc_numeric": "C.UTF-8",
}


def test_the_seals_do_not_depend_on_the_settings_of_the_session(past, superuser_connection, own_database):
    head = seals.verify()["head"]
    for name, value in SETTINGS.items():
        superuser_connection.execute(f"ALTER ROLE {Roles.APP} IN DATABASE {own_database} SET {name} = '{value}'")
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SET timezone = 'America/St_Johns'")
        cursor.execute("SELECT current_setting('bytea_output'), current_setting('extra_float_digits')")
        assert cursor.fetchone() == ("escape", "-5")
        assert seals.verify()["head"] == head
        era = Era.objects.get()
        plain = list(seals._digests(era, 0, 2**62))
        cursor.execute("SET datestyle = 'German, DMY'")
        assert list(seals._digests(era, 0, 2**62)) == plain
        cursor.execute("SET datestyle = 'ISO, DMY'")
    factories.customer(past.ann, credit_limit="1234567.89", credit_days=30)  # bytea, numeric, timestamps
    perform(actions.edit, past.ids[:1], by=past.ann, params={"credit_limit": "0.01"})
    seal_everything()
    head = seals.verify()["head"]
    for name in SETTINGS:
        superuser_connection.execute(f"ALTER ROLE {Roles.APP} IN DATABASE {own_database} RESET {name}")
    connection.close()
    assert (seals.verify()["ok"], seals.verify()["head"]) == (True, head)
    assert offline.head(superuser_connection)[:2] == (head, head)


def test_canonical_bytes_are_netstrings_of_the_text():
    assert seals.canonical(("1", None, "", "内勤")) == "1:1,-0:,6:内勤,".encode()
    assert seals.canonical(("1", "23")) != seals.canonical(("12", "3"))


def test_the_row_over_which_the_beginning_of_an_era_is_moved_is_named(past, forced):
    seals.open_era("restore")
    perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "太仓"})
    seal_everything()
    assert named() == set()
    update = (
        "UPDATE actions_era SET first_change = first_change + 1 WHERE reason = 'restore' RETURNING first_change - 1"
    )
    (first,) = forced(update).fetchone()
    assert named() == {("actions_change", first)}
