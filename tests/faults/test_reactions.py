"""What follows an event a moment later: each event once and in order, whoever fails, commits late or is restored."""

import logging
from itertools import chain

import pytest
from django.db import IntegrityError, connection

from neiqin.config import doctor
from neiqin.kernel.actions import seals, worker
from neiqin.kernel.actions.effects import REACTIONS, react
from neiqin.kernel.actions.models import Cursor, Era
from neiqin.kernel.actions.perform import perform
from neiqin.modules.customers import actions
from tests import factories
from tests.faults.threads import until_settled

CREATED = "customers.customer.created"


@pytest.fixture
def office(own_database, monkeypatch):
    """ann, and no reactions but the test's own."""
    monkeypatch.setattr(worker, "_due", {})
    before = dict(REACTIONS)
    REACTIONS.clear()
    yield factories.actor("周启明")
    REACTIONS.clear()
    REACTIONS.update(before)


def made(by, count=1):
    return perform(actions.create, by=by, rows=[factories.customer_row() for _ in range(count)]).done


def follow(name="books"):
    """A reaction that notes the records of its events, call by call."""
    calls = []
    react(name, [CREATED], lambda events: calls.append([e.record_id for e in events]))
    return calls


def flat(calls):
    return list(chain.from_iterable(calls))


def work():
    until_settled()
    while worker.react_once():
        pass


def test_each_event_comes_once_in_order_and_an_empty_look_is_none(office):
    calls = follow()
    work()
    first, second = made(office, 3), made(office, 2)
    work()
    work()
    assert calls == [first + second]
    third = made(office)
    work()
    assert calls == [first + second, third]


def test_a_transaction_is_never_split_however_many_events_it_has(office, monkeypatch):
    monkeypatch.setattr(worker, "BATCH", 4)
    calls = follow()
    runs = [made(office, n) for n in (2, 3, 9, 1)]
    work()
    assert flat(calls) == flat(runs)
    for run in runs:
        assert sum(set(run) <= set(call) for call in calls) == 1


def test_who_commits_late_is_not_passed_over(office, databases, own_database):
    import psycopg

    from neiqin.config.postgres import Roles

    calls = follow()
    with psycopg.connect(**databases.cluster.dsn(Roles.APP, own_database)) as slow:
        slow.execute("INSERT INTO actions_event (run_id, name, model, record_id) VALUES (0, %s, 'x', 77)", [CREATED])
        early = made(office)
        worker.react_once()
        assert calls == []  # nothing beyond the oldest transaction that runs
    work()
    assert calls == [[77, *early]]


@pytest.mark.parametrize("error", [ValueError("x"), IntegrityError("y")])
def test_a_failing_reaction_is_told_tried_again_and_holds_up_nobody_else(office, error, caplog, monkeypatch):
    broken, tries = [True], []

    def fail(events):
        tries.append([e.record_id for e in events])
        if broken:
            raise error

    def fail_in_the_database(events):
        if broken:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO actions_request (person_id) VALUES (NULL)")

    react("failing", [CREATED], fail)
    react("failing too", [CREATED], fail_in_the_database)
    calls = follow()
    ids = made(office)
    monkeypatch.setattr(doctor, "_django", lambda: None)
    with caplog.at_level(logging.ERROR, "neiqin.worker"):
        work()
    assert calls == [ids]
    assert tries == [ids]
    worker.react_once()
    assert tries == [ids]  # not again and again at once
    assert Cursor.objects.get(name="failing").failures == 1
    assert {r.getMessage() for r in caplog.records} == {"reaction failing failed", "reaction failing too failed"}
    ok, sentence = doctor.reactions()
    assert not ok
    assert "failing" in sentence
    worker.seal_all()
    assert seals.verify()["unsealed"] == 0

    broken.clear()
    worker._due.clear()
    work()
    assert tries == [ids, ids]
    assert calls == [ids]
    assert Cursor.objects.get(name="failing").problem == ""
    assert doctor.reactions()[0]


def test_what_nobody_has_reacted_to_before_a_restore_is_reacted_to_after_it(office):
    calls = follow()
    first = made(office)
    work()
    second = made(office, 2)
    until_settled()
    seals.open_era("restore")
    third = made(office)
    work()
    assert flat(calls) == first + second + third
    assert Cursor.objects.get().era_id == Era.objects.order_by("-id")[0].pk
    work()
    assert flat(calls) == first + second + third
