"""The processes that serve: `office`, in which the product is loaded, and what is forked from it (or started alone):
`web` (granian, WSGI), `worker` (reactions, seals) and `jobs` (the queue).

Each ends when its parent is gone.
"""

import argparse
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from neiqin.config.supervisor import PARENT

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


def main(arguments: list[str] | None = None) -> None:
    """Run one of them until SIGTERM."""
    parser = argparse.ArgumentParser(prog="neiqin.config.serve")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("office", "web"):
        web = kinds.add_parser(kind)
        web.add_argument("--host", default="127.0.0.1")
        web.add_argument("--port", type=int, default=8000)
        web.add_argument("--workers", type=int, default=1)
        web.add_argument("--threads", type=int, default=4)
        if kind == "office":
            web.add_argument("--no-worker", action="store_true")
    kinds.add_parser("worker")
    kinds.add_parser("jobs")
    given = parser.parse_args(arguments)
    follow_parent(int(os.environ.get(PARENT) or os.getppid()))
    name_process(f"neiqin-{given.kind}")
    if given.kind == "office":
        from neiqin.config import office

        office.run(given.host, given.port, given.workers, given.threads, worker=not given.no_worker)
    elif given.kind == "web":
        serve_web(given.host, given.port, given.workers, given.threads)
    elif given.kind == "worker":
        run_worker()
    else:
        run_jobs()


def serve_web(host: str, port: int, workers: int, threads: int) -> None:
    """Serve HTTP. Threads are the requests answered at a time by each worker; the database pool holds as many."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "neiqin.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=10,
    ).serve(target_loader=partial(_application, os.getpid()))


def run_worker() -> None:
    """React to events, seal, do what is to be done every hour."""
    set_up()
    _collect_seldom()
    from neiqin.kernel.actions import worker

    worker.run()


def run_jobs() -> None:
    """Run the jobs of the queue, gently: people at their screens come first."""
    os.nice(10)
    set_up()
    _collect_seldom()
    from neiqin.kernel.jobs import process

    process.run()


def set_up() -> None:
    """Bring Django up as the application, with all modules."""
    from neiqin.config.setup import setup_as

    setup_as("app")
    from neiqin.kernel.resources.resource import site

    site()  # the manifests say what is reacted to, done every hour, and which jobs there are


def _collect_seldom() -> None:
    gc.collect()
    gc.freeze()
    # Not after 700 new objects: a part of an import makes a million, hardly any of them garbage in a circle; looking
    # for it took a sixth of the time.
    gc.set_threshold(200_000, 20, 20)


def follow_parent(parent: int) -> None:
    """Ask the kernel to end us with this parent: left-over servers would share the port with the next ones."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def name_process(name: str) -> None:
    """What `top` calls this process; forks all have the command line of the one they come from."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15])


def _application(parent: int, _target: str) -> Callable[..., Any]:
    # Called inside each granian worker. Until granian sets its own, it has its parent's signal handlers, which would
    # swallow the order to end.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    follow_parent(parent)
    return warm_up()


def warm_up() -> Callable[..., Any]:
    """Load what the first request would, then take it out of the garbage collector's rounds: they cost the slowest
    pages 35 ms. Gives the application; a second call in a process costs little."""
    from django.template import engines
    from django.urls import get_resolver

    from neiqin.config.wsgi import application

    engines["jinja2"].from_string("")
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()
    return application


if __name__ == "__main__":
    main()
