"""A seal never passes a running transaction; whatever the order of commits, every row is sealed exactly once."""

import logging
import struct
import time
from collections import Counter
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from neiqin.config import doctor
from neiqin.kernel.actions import seals, worker
from neiqin.kernel.actions.effects import EFFECTS
from neiqin.kernel.actions.models import Event, Run, Seal
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.actions.refusals import TooSlow
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.effort import tries
from tests.history.conftest import seal_everything

DEACTIVATED = "customers.customer.deactivated"


def begin(link):
    return link.execute("INSERT INTO actions_run (action) VALUES ('x') RETURNING id").fetchone()[0]


def sealed():
    """How often each row is in a leaf: (kind, id) -> times."""
    found = Counter()
    for leaves in Seal.objects.order_by("id").values_list("leaves", flat=True):
        found.update((kind, row) for kind, row, _ in struct.iter_unpack(">BQ16s", bytes(leaves)))
    return found


def all_rows():
    found = set()
    with connection.cursor() as cursor:
        for kind, table in enumerate(seals.TABLES):
            cursor.execute(f"SELECT id FROM {table}")
            found |= {(kind, row) for (row,) in cursor.fetchall()}
    return found


def test_a_transaction_that_commits_late_is_sealed_later_and_once(past, as_role):
    slow, fast = as_role(), as_role()
    slow.execute("BEGIN")
    late = begin(slow)
    early = begin(fast)
    seals.seal()
    assert sealed()[0, early] == sealed()[0, late] == 0
    slow.execute("COMMIT")
    seal_everything()
    assert sealed()[0, early] == sealed()[0, late] == 1
    assert set(sealed()) == all_rows()
    assert set(sealed().values()) == {1}
    assert (seals.verify()["ok"], seals.verify()["unsealed"]) == (True, 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 3), st.sampled_from(["write", "write", "savepoint", "commit", "roll back"])),
        st.just((0, "seal")),
    ),
    min_size=5,
    max_size=40,
)


def take(step, link, odd=0):
    """One step of one connection; those that end a transaction do nothing outside one."""
    inside = link.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    if step in ("commit", "roll back"):
        if inside:
            link.execute("COMMIT" if step == "commit" else "ROLLBACK")
        return
    if not inside:
        link.execute("BEGIN")
    begin(link)
    if step == "savepoint":
        link.execute("SAVEPOINT s")
        begin(link)
        link.execute("ROLLBACK TO s" if odd else "RELEASE s")


def test_whatever_the_interleaving_every_committed_row_is_sealed_exactly_once(past, as_role):
    links = [as_role() for _ in range(4)]

    @given(STEPS)
    @tries(30)
    def holds(steps):
        for number, step in steps:
            if step == "seal":
                seals.seal()
            else:
                take(step, links[number], number % 2)
        for link in links:
            take("commit", link)
        seal_everything()
        found = sealed()
        assert set(found) == all_rows()
        assert set(found.values()) == {1}

    holds()
    assert (seals.verify()["ok"], seals.verify()["unsealed"]) == (True, 0)
    assert Seal.objects.count() > 20


def test_one_transaction_larger_than_a_seal_may_be_is_sealed_all_the_same(past, monkeypatch):
    monkeypatch.setattr(seals, "MOST_ROWS", 5)
    perform(actions.create, by=past.ann, rows=[factories.customer_row() for _ in range(10)])
    perform(actions.create, by=past.ann, rows=[factories.customer_row() for _ in range(10)])
    before = Seal.objects.count()
    seal_everything()
    assert seals.verify()["unsealed"] == 0
    assert Seal.objects.count() >= before + 2


def test_what_holds_up_sealing_is_told_by_log_and_doctor(past, as_role, monkeypatch, caplog):
    def seconds_matter(limit):
        monkeypatch.setattr(worker, "ALARM_LAG", limit)
        monkeypatch.setattr(doctor, "LONGEST_UNSEALED", limit)

    monkeypatch.setattr(doctor, "_django", lambda: None)  # Django is set up; a second time would take caplog's handler
    assert seals.lag() == timedelta()
    assert doctor.seals()[0]
    slow = as_role()
    slow.execute("BEGIN")
    begin(slow)
    perform(actions.edit, past.ids[:1], by=past.ann, params={"city": "太仓"})
    time.sleep(0.3)
    assert worker.seal_all() == 0
    assert timedelta(seconds=0.3) < seals.lag() < timedelta(minutes=1)
    assert "unsealed" not in caplog.text  # a moment is no alarm
    seconds_matter(timedelta(seconds=0.2))
    with caplog.at_level(logging.ERROR, "neiqin.worker"):
        worker.seal_all()
    assert "history is unsealed since" in caplog.text
    assert doctor.seals()[0] is False
    assert "没有长事务" in doctor.seals()[1]
    slow.execute("COMMIT")
    seal_everything()
    assert seals.lag() == timedelta()
    assert doctor.seals()[0]


@pytest.mark.parametrize("where", ["in the database", "in Python"])
def test_a_slow_writer_is_ended_with_a_sentence_and_nothing_is_saved(past, where):
    def effect(happened):
        if where == "in the database":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(20)")
        else:
            time.sleep(1.5)
            Customer.objects.filter(pk__in=happened.ids).update(city="慢")

    before = Run.objects.count(), Event.objects.count()
    EFFECTS[DEACTIVATED] = [effect]
    begun = time.monotonic()
    try:
        with pytest.raises(TooSlow, match="超过 1 秒，已停下，没有保存任何内容"):
            perform(actions.deactivate, past.ids, by=past.ann, params={"reason": "x"}, key="slow", seconds=1)
    finally:
        del EFFECTS[DEACTIVATED]
    assert time.monotonic() - begun < 20  # it was not waited for
    assert (Run.objects.count(), Event.objects.count()) == before
    assert set(Customer.objects.values_list("state", "city")) == {("active", "昆山")}
    # The same request, sent again, is not taken for the one that was not done.
    assert perform(actions.deactivate, past.ids, by=past.ann, params={"reason": "x"}, key="slow").done == past.ids


def test_a_slow_preview_is_ended_too(past):
    def effect(happened):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    EFFECTS[DEACTIVATED] = [effect]
    try:
        with pytest.raises(TooSlow, match="预览"):
            preview(actions.deactivate, past.ids, by=past.ann, params={"reason": "x"})
    finally:
        del EFFECTS[DEACTIVATED]


def test_a_writer_has_five_seconds(past):
    def effect(happened):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    EFFECTS[DEACTIVATED] = [effect]
    begun = time.monotonic()
    try:
        with pytest.raises(TooSlow, match="超过 5 秒"):
            perform(actions.deactivate, past.ids, by=past.ann, params={"reason": "x"})
    finally:
        del EFFECTS[DEACTIVATED]
    assert 4.9 < time.monotonic() - begun < 30
