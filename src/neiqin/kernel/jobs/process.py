"""The process that runs the jobs: two at a time, in threads; killed or cut off from the database, nothing is lost.

Each worker of the queue says every five seconds that it lives. Jobs of one that has been silent three times are put
back, by whichever process notices first. At SIGTERM running jobs get ten seconds; what is not done then is put back.
"""

import asyncio
import contextlib
import logging
import os
import signal

import psycopg
from django.db import Error, IntegrityError, close_old_connections, connection, transaction
from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from procrastinate.contrib.django.db_cleanup import close_db_connections
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool

logger = logging.getLogger("neiqin.jobs")

CONCURRENCY = 2
HEARTBEAT_SECONDS = 5.0
SILENT_SECONDS = 15.0
TIDY_SECONDS = 15.0
GRACE_SECONDS = 10.0
PATIENCE_SECONDS = 5.0  # for a connection
KEPT_DAYS = 7
MOST_DEATHS = 10  # a job whose process dies each time is not given to another one for ever

_ORPHANS = (
    "SELECT j.id, j.task_name, j.attempts FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w "
    "ON w.id = j.worker_id WHERE j.status = 'doing' AND w.id IS DISTINCT FROM %s AND "
    "(w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %s)) ORDER BY j.id FOR UPDATE OF j SKIP LOCKED"
)
_OLD = (
    "DELETE FROM procrastinate_jobs j WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted') AND NOT EXISTS "
    "(SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - make_interval(days => %s))"
)


def run() -> None:
    """Work until SIGTERM or SIGINT. A database that is away is waited for."""
    asyncio.run(_work())
    # A thread whose job did not end in time would keep the interpreter from ending.
    os._exit(0)


async def _work() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    while not stop.is_set():
        try:
            await _serve(stop)
        except (ConnectorException, Error, psycopg.Error, OSError) as error:
            cause = error.__cause__ or error
            logger.warning("database away, waiting: %s", (str(cause).strip().splitlines() or [repr(cause)])[0])
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)


async def _serve(stop: asyncio.Event) -> None:
    """One life of a worker, until told to stop or until the database goes away."""
    async with _pool() as pool:
        await pool.wait(PATIENCE_SECONDS)
        worker = await _worker(pool)
        tidying = asyncio.create_task(_tidy_always(worker))
        working = asyncio.create_task(worker.run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        worker.stop()
        await asyncio.wait({working}, timeout=GRACE_SECONDS)
        for task in (tidying, stopping):
            task.cancel()
        if not working.done():
            with contextlib.suppress(Error):
                await asyncio.to_thread(put_back, worker.worker_id)
            os._exit(0)
        working.result()


def _pool() -> AsyncConnectionPool:
    # Of its own: Django's pool is synchronous. Two connections for the queue, one more listens.
    return AsyncConnectionPool(
        kwargs=connector_params(),
        min_size=1,
        max_size=2,
        timeout=PATIENCE_SECONDS,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )


async def _worker(pool: AsyncConnectionPool) -> Worker:
    """The tasks stay bound to the first app: what a job asks for itself is asked in its own Django transaction."""
    connector = PsycopgConnector()
    await connector.open_async(pool)
    mine = App(connector=connector)
    mine.tasks = app.tasks
    return Worker(
        mine,
        concurrency=CONCURRENCY,
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=SILENT_SECONDS,
        task_middleware=[close_db_connections],
    )


async def _tidy_always(worker: Worker) -> None:
    while True:
        with contextlib.suppress(Error):  # the worker itself notices that the database is away
            await asyncio.to_thread(tidy, worker.worker_id)
        await asyncio.sleep(TIDY_SECONDS)


def tidy(worker: int | None = None) -> int:
    """Put back the jobs of silent workers, except `worker`'s; delete jobs that ended a week ago.

    Gives how many were put back. At start this takes what a killed process or a restored backup left running.
    """
    try:
        with transaction.atomic():
            count = _return(_ORPHANS, worker or 0, SILENT_SECONDS)
            with connection.cursor() as cursor:
                cursor.execute(_OLD, [KEPT_DAYS])
        return count
    finally:
        if not connection.in_atomic_block:
            close_old_connections()


def put_back(worker: int | None) -> None:
    """Put back what this worker has not finished, because its process is about to end."""
    with transaction.atomic():
        _return(
            "SELECT id, task_name, attempts FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %s "
            "ORDER BY id FOR UPDATE",
            worker,
        )


def _return(statement: str, *values: float | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
        for number, name, attempts in found:
            if attempts >= MOST_DEATHS:
                cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", [number])
                logger.error("job %s %s has failed: its process ended %s times", name, number, attempts + 1)
                continue
            try:
                with transaction.atomic():
                    cursor.execute("SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", [number])
                logger.info("job %s %s is put back: its process ended", name, number)
            except IntegrityError:  # another of the same key waits already and does its work
                cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'aborted', false)", [number])
        return len(found)
