"""Jobs of the stranger, for tests of the queue: what they did is read from files."""

import os
import time
from pathlib import Path

from neiqin.kernel.jobs.queue import defer, job


@job("stranger.note")
def note(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{text}\n")


@job("stranger.ask_again")
def ask_again(path: str, left: int) -> None:
    note(path, f"left {left}")
    if left:
        defer("stranger.ask_again", path=path, left=left - 1)


@job("stranger.wait_for_file")
def wait_for_file(path: str) -> None:
    """Done only once `path`.go is there."""
    note(path, f"begun {os.getpid()}")
    while not Path(f"{path}.go").exists():
        time.sleep(0.02)
    note(path, f"done {os.getpid()}")


@job("stranger.fail", attempts=2)
def fail() -> None:
    raise ValueError("the stranger cannot")
