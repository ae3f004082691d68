"""The process in which the product is loaded, once. Web, worker and jobs are forked from it: they are there at once,
also when one has died, and share what was loaded (decision 0022).
"""

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial

from neiqin.config import serve
from neiqin.config.supervisor import Child, Supervisor

FORK = multiprocessing.get_context("fork")


def run(host: str, port: int, workers: int, threads: int, worker: bool) -> None:
    """Serve until SIGTERM; worker: also react to events, seal and run jobs."""
    load()
    kinds: dict[str, Callable[[], None]] = {"web": partial(serve.serve_web, host, port, workers, threads)}
    if worker:
        kinds |= {"worker": serve.run_worker, "jobs": serve.run_jobs}
    Supervisor([Child(kind, partial(Fork, kind, work)) for kind, work in kinds.items()]).run()


def load() -> None:
    """Load all that the forks need. Out of the garbage collector's rounds it stays shared, as what these touch does
    not. Nothing that is loaded may start a thread or open a connection: neither lives on in a fork."""
    serve.set_up()
    from neiqin.kernel.actions import worker  # noqa: F401
    from neiqin.kernel.jobs import process  # noqa: F401

    serve.warm_up()


class Fork:
    """A copy of this process that does `work`, leads a group of its own and ends with this one."""

    def __init__(self, kind: str, work: Callable[[], None]) -> None:
        self._process = FORK.Process(target=self._work, args=(os.getpid(), kind, work), name=kind)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has one. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self._process.exitcode

    @staticmethod
    def _work(parent: int, kind: str, work: Callable[[], None]) -> None:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        serve.follow_parent(parent)
        serve.name_process(f"neiqin-{kind}")
        work()
