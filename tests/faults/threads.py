"""Several people at once: each in a thread, with a database connection of his own."""

import threading
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
            start.wait(10)
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
