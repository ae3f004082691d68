"""Processes of tests are forked from one that has loaded the product, as under `neiqin up`: they are there at once.

The nursery reads a JSON list a line and answers with a line: ["start", what to call ("module:function"), its arguments,
the database to work on, the file for what it says] gives the process id, ["poll", process id] its exit code or null.
"""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Nursery:
    """Starts processes; the first one waits until the product is loaded."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.nursery"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, *question: Any) -> Any:
        """One question and its answer."""
        print(json.dumps(question), file=self._process.stdin)
        answer = self._process.stdout.readline()
        assert answer, "the nursery died"
        return json.loads(answer)

    def start(self, call: str, *arguments: Any, database: str, log: Path) -> "Forked":
        """A process that calls it on that database."""
        return Forked(self, self.ask("start", call, arguments, database, str(log)))

    def close(self) -> None:
        """End it; all that it started ends with it."""
        self._process.communicate(timeout=30)


class Forked:
    """A process that the nursery started, to be handled like a Popen."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid, self._nursery = pid, nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self._code is None:
            self._code = self._nursery.ask("poll", self.pid)
        return self._code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal, if it is still there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = 60) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), seconds)
            time.sleep(0.01)
        return self._code

    def stop(self) -> None:
        """End it, in order if it can."""
        self.kill(signal.SIGTERM)
        try:
            self.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()


def _work(call: str, arguments: list[Any], database: str, log: str) -> None:
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(out, stream)
    from django.db import connections

    connections["default"].settings_dict["NAME"] = database
    module, _, name = call.partition(":")
    getattr(import_module(module), name)(*arguments)


def _main() -> None:
    from neiqin.config import office

    office.load()
    forks: dict[int, office.Fork] = {}
    for line in sys.stdin:
        verb, *given = json.loads(line)
        if verb == "start":
            made = office.Fork(given[0].rpartition("_")[2], partial(_work, *given))
            forks[made.pid] = made
            answer = made.pid
        else:
            answer = forks[given[0]].poll()
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
