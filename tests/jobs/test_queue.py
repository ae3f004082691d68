"""The queue in one transaction: asked for with the caller's work, once, in order, and done again after a kill."""

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from neiqin.config import doctor
from neiqin.kernel.jobs import process
from neiqin.kernel.jobs.queue import defer, drain, job
from tests.stranger import jobs as _jobs  # noqa: F401 - declares them


def states() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def until(condition, seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_job_runs_with_its_arguments_and_what_it_asks_for_runs_too(db, tmp_path):
    defer("stranger.ask_again", path=str(tmp_path / "a"), left=2)
    assert not (tmp_path / "a").exists()
    assert drain() == 3
    assert (tmp_path / "a").read_text() == "left 2\nleft 1\nleft 0\n"
    assert states() == ["succeeded"] * 3
    assert drain() == 0


def test_a_caller_that_rolls_back_never_asked(db, tmp_path):
    with transaction.atomic():
        defer("stranger.note", path=str(tmp_path / "a"), text="x")
        transaction.set_rollback(True)
    assert states() == []


def test_asked_twice_under_one_key_it_waits_once_and_the_callers_work_is_kept(db, tmp_path):
    with transaction.atomic():
        for text in "xyz":
            defer("stranger.note", key="7", path=str(tmp_path / "a"), text=text)
        defer("stranger.note", key="8", path=str(tmp_path / "a"), text="other")
    assert drain() == 2
    assert (tmp_path / "a").read_text() == "x\nother\n"
    defer("stranger.note", key="7", path=str(tmp_path / "a"), text="again")
    assert drain() == 1


def test_an_unknown_job_and_a_name_declared_twice_are_mistakes(db):
    with pytest.raises(KeyError):
        defer("stranger.nothing")
    with pytest.raises(ValueError, match="declared twice"):
        job("stranger.note")(print)


def test_what_a_job_raises_is_raised_by_drain_and_doctor_names_it(db, monkeypatch):
    defer("stranger.fail")
    with pytest.raises(ValueError, match="the stranger cannot"):
        drain()
    assert states() == ["failed"]


def test_a_job_whose_process_died_is_put_back_unless_its_key_waits_again(db, tmp_path):
    defer("stranger.note", key="7", path=str(tmp_path / "a"), text="first")
    defer("stranger.note", lock="one", path=str(tmp_path / "a"), text="alone")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    defer("stranger.note", key="7", path=str(tmp_path / "a"), text="second")
    assert process.tidy() == 2
    assert states() == ["aborted", "todo", "todo"]
    assert drain() == 2
    assert (tmp_path / "a").read_text() == "alone\nsecond\n"


def test_a_job_that_kills_its_process_each_time_fails_at_last(db):
    defer("stranger.fail")
    with connection.cursor() as cursor:
        for _ in range(process.MOST_DEATHS):
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
            process.tidy()
            assert states() == ["todo"]
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        process.tidy()
    assert states() == ["failed"]


def test_a_finished_job_is_forgotten_after_a_week(db, tmp_path):
    for text in "ab":
        defer("stranger.note", path=str(tmp_path / "a"), text=text)
    drain()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '8 days' "
            "WHERE job_id = (SELECT min(id) FROM procrastinate_jobs)"
        )
    process.tidy()
    assert states() == ["succeeded"]


class Jobs:
    """The real process on this test's database."""

    def __init__(self, nursery, database: str, log: Path) -> None:
        self.log = log
        self.process = nursery.start("neiqin.config.serve:run_jobs", database=database, log=log)


@pytest.fixture
def start(nursery, own_database, tmp_path):
    started = []

    def make() -> Jobs:
        started.append(Jobs(nursery, own_database, tmp_path / "log"))
        return started[-1]

    yield make
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.mark.platform
def test_a_job_whose_process_is_killed_in_its_middle_is_done_by_the_next_one(start, tmp_path):
    path = tmp_path / "a"
    defer("stranger.wait_for_file", path=str(path))
    first = start()
    assert until(path.exists), first.log.read_text()
    assert os.getpriority(os.PRIO_PROCESS, first.process.pid) >= 10
    first.process.kill()
    first.process.wait()
    assert states() == ["doing"]
    (tmp_path / "a.go").touch()
    second = start()
    assert until(lambda: states() == ["succeeded"], 60), second.log.read_text()
    begun, again, done = path.read_text().splitlines()
    assert (begun, again, done) == (
        f"begun {first.process.pid}",
        f"begun {second.process.pid}",
        f"done {second.process.pid}",
    )
    assert "job stranger.wait_for_file 1 is put back: its process ended" in second.log.read_text()


@pytest.mark.platform
def test_told_to_end_it_puts_back_what_is_not_done(start, tmp_path):
    path = tmp_path / "a"
    defer("stranger.wait_for_file", path=str(path))
    defer("stranger.note", path=str(tmp_path / "b"), text="quick")
    running = start()
    assert until(lambda: path.exists() and (tmp_path / "b").exists()), running.log.read_text()
    running.process.kill(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert states() == ["todo", "succeeded"]


@pytest.mark.platform
def test_jobs_of_one_lock_run_one_after_another(start, tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    defer("stranger.wait_for_file", lock="export:1", path=str(one))
    defer("stranger.wait_for_file", lock="export:1", path=str(other))
    defer("stranger.note", lock="export:2", path=str(tmp_path / "c"), text="meanwhile")
    running = start()
    assert until((tmp_path / "c").exists), running.log.read_text()
    assert one.exists()
    assert not other.exists()
    (tmp_path / "a.go").touch()
    assert until(other.exists)
    (tmp_path / "b.go").touch()
    assert until(lambda: states() == ["succeeded"] * 3)


@pytest.mark.platform
def test_cut_off_from_its_database_it_waits_and_goes_on(start, databases, own_database, tmp_path):
    running = start()
    defer("stranger.note", path=str(tmp_path / "a"), text="before")
    assert until((tmp_path / "a").exists), running.log.read_text()
    with databases.connect() as superuser:
        superuser.execute(f'ALTER DATABASE "{own_database}" ALLOW_CONNECTIONS false')
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [own_database])
        assert until(lambda: "database away, waiting" in running.log.read_text(), 60), running.log.read_text()
        superuser.execute(f'ALTER DATABASE "{own_database}" ALLOW_CONNECTIONS true')
    connection.close()
    defer("stranger.note", path=str(tmp_path / "a"), text="after")
    assert until(lambda: (tmp_path / "a").read_text() == "before\nafter\n", 60), running.log.read_text()
    assert running.process.poll() is None


def test_doctor_counts_the_jobs(own_database, monkeypatch):
    monkeypatch.setenv("NEIQIN_DB_NAME", own_database)
    assert doctor.jobs() == (True, "等待 0 个，正在做 0 个，没有失败的。")
    defer("stranger.fail")
    defer("stranger.fail")
    with pytest.raises(ValueError):
        drain()
    assert doctor.jobs() == (
        False,
        "等待 1 个，正在做 0 个；最近七天有 1 个没有做成（stranger.fail），原因见日志。",
    )
