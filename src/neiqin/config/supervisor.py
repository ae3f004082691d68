"""One tree: database, office, and under it web, worker and jobs. Whatever dies is started again; SIGTERM or Ctrl-C
stops all in order.

Imports the standard library only: this process lives as long as the system and must cost nothing.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neiqin.config.postgres import Cluster, ClusterProblem

STOP_SECONDS = 15
OFFICE_STOP_SECONDS = 20  # it waits for its own
STEADY_SECONDS = 10
LONGEST_PAUSE = 15.0
LEFTOVER_SECONDS = 5
# In the environment of every child and of what it forks: for which data folder it works, and who started it.
MARK, PARENT = "NEIQIN_SUPERVISED", "NEIQIN_SUPERVISOR"


class Process(Protocol):
    """What has been started, as `subprocess.Popen` says it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has one. Raises subprocess.TimeoutExpired."""


@dataclass
class Child:
    """A process that should run, and how it is started. It leads its own process group, so that what it forked can be
    ended with it."""

    name: str
    begin: Callable[[], Process]
    process: Process | None = None
    begun: float = 0
    pause: float = 0
    due: float = 0

    def start(self) -> None:
        self.begun = time.monotonic()
        self.process = self.begin()

    def tend(self, say: Callable[[str], None]) -> None:
        """Start it when it is due; after a death wait a little longer each time."""
        if self.process is None:
            if time.monotonic() >= self.due:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self.kill_group(signal.SIGKILL)
        lived = time.monotonic() - self.begun
        self.pause = 0 if lived > STEADY_SECONDS else min(LONGEST_PAUSE, self.pause * 2 + 0.2)
        self.due = time.monotonic() + self.pause
        self.process = None
        say(f"{self.name} 进程退出（代码 {code}），{self.pause:.1f} 秒后重新启动。")

    def kill_group(self, signal_number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal_number)


def office(arguments: list[str], data: Path) -> Child:
    """The process in which the product is loaded, from which web, worker and jobs are forked (config/office.py)."""
    command = [sys.executable, "-m", "neiqin.config.serve", "office", *arguments]

    def begin() -> Process:
        # Two arenas are enough for a few threads under one interpreter lock; glibc would keep one for each.
        kept = {"MALLOC_ARENA_MAX": "2"} | os.environ | {MARK: str(data), PARENT: str(os.getpid())}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=kept)

    return Child("office", begin)


class Supervisor:
    """Runs until told to stop. cluster: None when the database is somebody else's; ready: asked until it says that
    all serve."""

    def __init__(
        self,
        children: list[Child],
        cluster: Cluster | None = None,
        ready: Callable[[], bool] = lambda: True,
        patience: float = STOP_SECONDS,
    ) -> None:
        self.cluster = cluster
        self.children = children
        self.ready = ready
        self.patience = patience
        self.stopping = False
        self._awake, self._wake = socket.socketpair()
        self._database_due = 0.0

    def run(self) -> None:
        """Start everything and keep it running until a signal."""
        self._listen_to_signals()
        answered = False
        try:
            while not self.stopping:
                self._tend_database()
                for child in self.children:
                    child.tend(say)
                answered = answered or self.ready()
                due = [c.due - time.monotonic() for c in self.children if c.process is None]
                self._sleep(max(0.0, min([1.0, *due])) if answered else 0.05)
        finally:
            self._stop_children()

    def _tend_database(self) -> None:
        if self.cluster is None or self.cluster.alive() or time.monotonic() < self._database_due:
            return
        say("数据库进程不在了，正在重新启动。")
        try:
            self.cluster.attach()
        except ClusterProblem as problem:
            say(problem.sentence)
            self._database_due = time.monotonic() + 10

    def _listen_to_signals(self) -> None:
        for end in (self._awake, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # nohup has SIGHUP ignored, and means it.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopping = True

    def _sleep(self, seconds: float) -> None:
        readable, _, _ = select.select([self._awake], [], [], seconds)
        if readable:
            with contextlib.suppress(BlockingIOError):
                self._awake.recv(4096)

    def _stop_children(self) -> None:
        for child in self.children:
            if child.process is not None:
                child.process.terminate()
        end = time.monotonic() + self.patience
        for child in self.children:
            if child.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.1, end - time.monotonic()))
                child.kill_group(signal.SIGKILL)
                child.process.wait()


def end_leftovers(data: Path) -> None:
    """End the children of an earlier supervisor of this folder that was killed. The caller holds the folder's lock.

    They end with their parent, but not at once: under load one served on for seconds, and the next start, which
    found the port taken, gave up.
    """
    end = time.monotonic() + LEFTOVER_SECONDS
    while left := list(_marked(data)):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if time.monotonic() < end else signal.SIGKILL)
        time.sleep(0.05)


def _marked(data: Path) -> Iterator[int]:
    # Where there is no /proc nobody is found. The same path in a container seen from outside is another folder.
    mark = f"{MARK}={data}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            there = process / "root" / data.relative_to("/")
            if mark in (process / "environ").read_bytes().split(b"\0") and there.samefile(data):
                yield int(process.name)


def port_is_free(host: str, port: int) -> bool:
    """Asked before granian binds: it shares ports (SO_REUSEPORT), and two installations must not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(host: str, port: int) -> bool:
    """Whether something speaks HTTP there."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        with socket.create_connection((reachable, port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def say(sentence: str) -> None:
    """To the operator."""
    sys.stderr.write(f"[neiqin] {sentence}\n")
    sys.stderr.flush()
