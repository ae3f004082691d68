"""Several people at once: each in a thread, with a database connection of his own."""

import threading
import time
from collections.abc import Callable
from typing import Any


def at_once(*works: Callable[[], Any], seconds: float = 60) -> list[Any]:
    """Start all works at the same moment; gives their results in order. An exception of any is raised."""
    from django.db import connection

    results: list[Any] = [None] * len(works)
    errors: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            start.wait(60)
            results[number] = work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(works)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(seconds)
        assert not thread.is_alive(), "a thread did not come to an end"
    if errors:
        raise errors[0]
    return results


def until_settled(seconds: float = 300) -> None:
    """Wait for transactions of other tests in the same cluster: nothing that looks for settled rows passes them."""
    from django.db import connection

    end = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(xid::text::bigint) FROM actions_run")
        (last,) = cursor.fetchone()
        while time.monotonic() < end:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] > (last or 0):
                return
            time.sleep(0.02)
