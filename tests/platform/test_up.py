"""`neiqin up` as an operator meets it: started twice, killed anywhere, stopped; and how much it takes."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neiqin.config.supervisor import answers, office, port_is_free

pytestmark = pytest.mark.platform
COMMAND = [sys.executable, "-m", "neiqin.config.cli"]


def free_port() -> int:
    """Below the ports that the system gives to whoever asks for any: a server is away while it is started again."""
    while not port_is_free("127.0.0.1", port := random.randint(20000, 32000)):
        pass
    return port


class Up:
    """One running `neiqin up`."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait for the first answer; how soon it comes is measured elsewhere."""
        with (self.data.parent / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--port", str(self.port), "--data", str(self.data)], stdout=log, stderr=log
            )
        assert self.until_it_answers(300), self.log()  # the first start brings the tables up

    def log(self) -> str:
        return (self.data.parent / "up.log").read_text()

    def until_it_answers(self, seconds: float = 120) -> bool:
        return until(lambda: answers("127.0.0.1", self.port), seconds)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(120)

    def processes(self) -> dict[str, int]:
        """Process ids by what they are: up, office, web (granian's parent), granian, worker, jobs, postmaster."""
        up = self.process.pid
        found = {"up": up, "postmaster": self.postmaster()} | named(up)
        found = named(found.get("office", 0)) | found  # a fork that has not said its name yet has the office's
        if web := children(found.get("web", 0)):
            found["granian"] = web[0]
        return found

    def postmaster(self) -> int:
        """0 while a server that was killed is being started again: its file is away or empty for a moment."""
        try:
            return int((self.data / "postgres/postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return 0

    def all_running(self) -> bool:
        found = self.processes()
        return (
            {"office", "web", "granian", "worker", "jobs"} <= set(found)
            and found["postmaster"] > 0
            and answers("127.0.0.1", self.port)
        )


def children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def named(parent: int) -> dict[str, int]:
    """The children that say what they are, by that."""
    found = {}
    for pid in children(parent):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            if name.startswith("neiqin-"):
                found[name.removeprefix("neiqin-")] = pid
    return found


def until(condition, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.03)
    return False


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def running() -> Iterator[Up]:
    from tests.platform.installed import install

    place = Path(tempfile.mkdtemp(prefix="nq up "))
    place.chmod(0o755)
    install(place / "数据")
    up = Up(place / "数据", free_port())
    up.start()
    yield up
    if up.process.poll() is None:
        up.stop()
    subprocess.run([*COMMAND, "stop", "--data", str(up.data)], check=False, capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=os.environ | environment)


def test_a_second_up_says_where_the_first_one_runs(running):
    second = run("up", "--port", str(free_port()), "--data", str(running.data))
    assert second.returncode == 0
    assert f"http://127.0.0.1:{running.port}/" in second.stdout
    assert "已经在运行" in second.stdout


@pytest.mark.parametrize("victim", ["granian", "web", "worker", "jobs", "office", "postmaster"])
def test_whatever_is_killed_comes_back(running, victim):
    assert until(running.all_running)
    pid = running.processes()[victim]
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: not alive(pid))
    assert until(lambda: running.all_running() and running.processes().get(victim, pid) != pid), running.log()


def test_a_killed_supervisor_leaves_nobody_on_the_port_and_the_next_one_takes_over(running):
    assert until(running.all_running)
    before = running.processes()
    os.kill(before["up"], signal.SIGKILL)
    running.process.wait()
    assert until(lambda: not any(alive(before[kind]) for kind in ("office", "web", "granian", "worker", "jobs")))
    assert not answers("127.0.0.1", running.port)
    assert alive(before["postmaster"])
    running.start()
    assert running.processes()["postmaster"] == before["postmaster"]


def test_what_a_killed_supervisor_left_running_is_ended_by_the_next_one(running):
    assert until(running.all_running)
    left = office(["--port", str(free_port())], running.data)
    os.kill(running.processes()["up"], signal.SIGKILL)
    running.process.wait()
    # It follows this process, not the supervisor that died: as one does that has not heard of the death yet.
    left.start()
    assert until(lambda: len(named(left.process.pid)) == 3)
    forks = named(left.process.pid).values()
    running.start()
    assert until(lambda: left.process.poll() is not None)
    assert until(lambda: not any(alive(pid) for pid in forks))
    assert until(running.all_running)


def test_a_taken_port_is_told_in_a_sentence(running):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other = running.data.parent / "other"
        done = run("up", "--port", str(taken.getsockname()[1]), "--data", str(other))
    assert done.returncode == 2
    assert re.fullmatch(r"端口 \d+ 已被占用；请用 --port 换一个端口。\n", done.stderr)


def test_a_problem_is_one_line_and_exit_code_2(running):
    (running.data.parent / "file").write_text("")
    done = run("up", "--data", str(running.data.parent / "file"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_at_rest_it_stays_within_its_memory(running):
    """Web under 120 MB, everything with the database under 300 MB (proportional set size)."""
    assert until(running.all_running)
    for _ in range(50):
        answers("127.0.0.1", running.port)

    def tree(pid: int) -> int:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) + sum(tree(child) for child in children(pid))

    found = running.processes()
    assert tree(found["web"]) < 120 * 1024
    everything = tree(found["up"])
    if found["postmaster"] not in children(found["up"]):
        everything += tree(found["postmaster"])
    assert everything < 300 * 1024


def test_a_stop_ends_everything_and_a_restart_answers(running):
    assert until(running.all_running)
    before = running.processes()
    assert running.stop() == 0
    assert not any(alive(pid) for pid in before.values())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", running.port))
    running.start()
    assert until(running.all_running)


def test_the_stop_command_stops_a_running_system(running):
    assert until(running.all_running)
    before = running.processes()
    done = run("stop", "--data", str(running.data))
    assert done.stdout == "已停止。\n"
    assert running.process.wait(60) == 0
    assert not any(alive(pid) for pid in before.values())
    assert run("stop", "--data", str(running.data)).stdout == "没有在运行。\n"
