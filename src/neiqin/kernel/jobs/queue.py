"""Background work in the same PostgreSQL (procrastinate): declare it, ask for it, run it in a test.

A job is asked for inside the caller's transaction: rolled back, it was never asked for. It may run twice, because its
process can be killed at any moment, so it must be repeatable. Arguments are ids and plain values, never personal data:
they stand in the queue's table and in the log.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection, transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

F = TypeVar("F", bound=Callable[..., object])
JOBS: dict[str, Any] = {}
FIRST_WAIT = 4  # seconds before the second attempt; four times as long before each further one


def job(name: str, *, attempts: int = 3) -> Callable[[F], F]:
    """Register the function below (keyword arguments of JSON) as the job `name`.

    A run that raises is tried again after 4, 16, 64, … seconds until there were `attempts` runs; then it has failed,
    which the log and `neiqin doctor` say. Raises ValueError if the name is taken.
    """

    def register(function: F) -> F:
        if name in JOBS:
            raise ValueError(f"job {name} is declared twice")
        retry = RetryStrategy(max_attempts=attempts - 1, exponential_wait=FIRST_WAIT) if attempts > 1 else False
        JOBS[name] = app.task(name=name, retry=retry)(function)
        return function

    return register


def defer(name: str, *, key: str = "", lock: str = "", **arguments: Any) -> None:
    """Have the job `name` run once the caller's transaction is committed.

    key: while a job of this name and key waits, asking again does nothing; once it runs, asking again makes another.
    lock: jobs of one lock, of whatever name, run one after another. Raises KeyError for an unknown name.
    """
    asked = JOBS[name].configure(lock=lock or None, queueing_lock=f"{name}:{key}" if key else None)
    try:
        with transaction.atomic():  # the refused second one must not spoil the caller's transaction
            asked.defer(**arguments)
    except AlreadyEnqueued:
        return


def given_up(name: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys whose job of this name has failed for good: none waits or runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queueing_lock FROM procrastinate_jobs WHERE queueing_lock = ANY(%s) GROUP BY queueing_lock "
            "HAVING bool_or(status = 'failed') AND NOT bool_or(status IN ('todo', 'doing'))",
            [[f"{name}:{key}" for key in keys]],
        )
        return {lock.removeprefix(f"{name}:") for (lock,) in cursor.fetchall()}


def drain() -> int:
    """For tests: run every job that is due in this thread, and those they ask for; gives how many ran.

    What a job raises is raised here, and its job has failed.
    """
    done = 0
    worker = _one("SELECT worker_id FROM procrastinate_register_worker_v1()")[0]
    while (found := _fetch(worker)) is not None:
        number, name, arguments = found
        status = "failed"
        try:
            JOBS[name].func(**arguments)
            status = "succeeded"
        finally:
            if not connection.needs_rollback:
                _one("SELECT procrastinate_finish_job_v1(%s, %s, false)", number, status)
        done += 1
    _one("SELECT procrastinate_unregister_worker_v1(%s)", worker)
    return done


def _fetch(worker: int) -> tuple[int, str, dict[str, Any]] | None:
    number, name = _one("SELECT id, task_name FROM procrastinate_fetch_job_v2(NULL, %s)", worker)
    if number is None:
        return None
    return number, name, _one("SELECT args::text::json FROM procrastinate_jobs WHERE id = %s", number)[0]


def _one(statement: str, *values: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
