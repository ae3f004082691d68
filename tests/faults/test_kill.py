"""kill -9 of every process at random moments under load; backup under load and restore elsewhere.

What is acknowledged is there once, nothing is there half, the chain verifies.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.effort import EFFORT
from tests.faults.load import Clerk
from tests.faults.orders_load import OrderDesk
from tests.fixtures import ROOT
from tests.platform.installed import install
from tests.platform.test_up import COMMAND, Up, children, free_port, until

pytestmark = pytest.mark.platform
KILLS = 7 * EFFORT
VICTIMS = ("web", "granian", "worker", "postmaster", "backend", "up", "office")
CLERKS = 6


def command(*arguments, data):
    done = subprocess.run([*COMMAND, *arguments, "--data", str(data)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def inside(what, data):
    environment = os.environ | {"NEIQIN_DATA": str(data)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.installation", what],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@dataclass
class Company:
    """An installation that runs, and the people who work with it."""

    up: Up
    people: list[int]
    tokens: list[str]
    desk: dict

    @contextlib.contextmanager
    def at_work(self, name, limit=10**9, clerks=CLERKS):
        """Clerks work inside the block; afterwards none of them has met anything wrong."""
        stop = threading.Event()
        found = [
            Clerk(
                f"{name}{n}",
                self.up.port,
                self.tokens[n % 2],
                stop,
                limit,
                people=self.people[n % 2 :] + self.people[: n % 2],
            )
            for n in range(clerks)
        ]
        for clerk in found:
            clerk.start()
        try:
            yield found
        finally:
            if limit == 10**9:
                stop.set()
            for clerk in found:
                clerk.join(120)
        assert [c.problems for c in found] == [[]] * clerks
        assert not any(c.is_alive() for c in found)


@pytest.fixture(scope="module")
def company():
    place = Path(tempfile.mkdtemp(prefix="nq kill "))
    place.chmod(0o755)
    install(place / "数据")
    up = Up(place / "数据", free_port())
    up.start()
    yield Company(up, **inside("people", up.data))
    with contextlib.suppress(subprocess.TimeoutExpired):
        up.stop()
    for data in place.iterdir():
        if data.is_dir():
            subprocess.run([*COMMAND, "stop", "--data", str(data)], check=False, capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def victim_of(up, kind):
    """A process id to be killed, or 0 if it is not there just now."""
    try:
        found = up.processes()
    except (FileNotFoundError, ValueError, IndexError):
        return 0
    if kind != "backend":
        return found.get(kind, 0)
    backends = []
    for pid in children(found["postmaster"]):
        with contextlib.suppress(FileNotFoundError):
            if b"neiqin_app" in Path(f"/proc/{pid}/cmdline").read_bytes():
                backends.append(pid)
    return random.choice(backends) if backends else 0


def kill(up, kind):
    """kill -9; False if there was nobody. Whoever started the system starts it again."""
    pid = victim_of(up, kind)
    if not pid:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    if kind == "up":
        up.process.wait()
        end = time.monotonic() + 240
        while "web" not in up.processes() and time.monotonic() < end:
            with (up.data.parent / "up.log").open("ab") as log:
                arguments = ["up", "--port", str(up.port), "--data", str(up.data)]
                up.process = subprocess.Popen([*COMMAND, *arguments], stdout=log, stderr=log, cwd=ROOT)
            until(lambda: up.process.poll() is not None or "web" in up.processes(), 120)
    return True


def kill_at_random(up, clerks, count):
    """Kill so many times, each time after some more was acknowledged than the last time. Gives how often each kind."""
    victims = [VICTIMS[n % len(VICTIMS)] for n in range(count)]
    random.shuffle(victims)
    killed = dict.fromkeys(VICTIMS, 0)
    for kind in victims:
        acknowledged = sum(c.done for c in clerks)
        assert until(lambda a=acknowledged: sum(c.done for c in clerks) > a + 5, 240), up.log()[-3000:]
        time.sleep(random.uniform(0, 0.4))
        assert until(lambda k=kind: kill(up, k), 120), f"no {kind} to be killed"
        killed[kind] += 1
    return killed


def matches(found, clerks):
    """What was acknowledged is there, exactly and once, and nothing else."""
    expected = {}
    for clerk in clerks:
        for number, known in clerk.customers.items():
            expected[str(number)] = vars(known)
    assert found["customers"] == expected


def test_killed_at_random_moments_everything_acknowledged_is_there_once_and_nothing_half(company):
    desk = OrderDesk.of(company.desk, port=company.up.port, stop=threading.Event())
    with company.at_work("kill", clerks=3) as clerks, desk.at_work():
        assert until(lambda: desk.under_way, 300), f"{desk.counts}"
        killed = kill_at_random(company.up, [*clerks, *desk.everybody], KILLS)
        assert until(company.up.all_running, 240), company.up.log()[-3000:]
        assert until(lambda: desk.busy, 300), f"{desk.counts}"
    assert sum(killed.values()) == KILLS
    assert all(killed.values())
    found = inside("look", company.up.data)
    assert found["never"] == {}
    matches(found, clerks)
    desk.matches(found["desk"])
    assert len(found["customers"]) == found["contacts"]
    assert sum(c.retried for c in clerks) > KILLS / 3  # the kills were felt
    report = command("verify", "--json", data=company.up.data)
    assert (report["ok"], report["problems"]) == (True, [])
    assert until(lambda: command("verify", "--json", data=company.up.data)["unsealed"] == 0, 120)
    everybody = [*clerks, *desk.everybody]
    done, again = sum(c.done for c in everybody), sum(c.retried for c in everybody)
    print(f"{killed}, {done} done, {again} sent again, {desk.counts}")  # noqa: T201


def test_a_backup_under_load_is_restored_elsewhere_and_goes_on_in_a_new_era(company):
    file, data = company.up.data.parent / "备份.tar", company.up.data.parent / "别处"
    with company.at_work("backup") as clerks:
        assert until(lambda: sum(c.done for c in clerks) > 60, 120)
        before = {i: list(k.events) for c in clerks for i, k in list(c.customers.items())}
        command("backup", "--with-keys", "--json", str(file), data=company.up.data)
        acknowledged = sum(c.done for c in clerks)
        assert until(lambda: sum(c.done for c in clerks) > acknowledged + 20, 120)
    restored = command("restore", str(file), data=data)
    assert restored["verify"]["ok"] is True
    assert restored["verify"]["unsealed"] == 0
    elsewhere = Company(Up(data, free_port()), company.people, company.tokens, company.desk)
    elsewhere.up.start()
    try:
        found = inside("look", data)
        assert (found["never"], found["eras"]) == ({}, 2)
        for number, events in before.items():  # acknowledged before the backup began
            assert found["customers"][str(number)]["events"][: len(events)] == events
        with elsewhere.at_work("new", limit=25, clerks=4) as new:
            pass
        assert sum(c.done for c in new) == 100
        after = inside("look", data)
        assert after["never"] == {}
        for clerk in new:
            for number, known in clerk.customers.items():
                assert after["customers"][str(number)] == vars(known)
        assert len(after["customers"]) == len(found["customers"]) + sum(len(c.customers) for c in new)
        assert until(lambda: command("verify", "--json", data=data)["unsealed"] == 0, 120)
        report = command("verify", "--json", data=data)
        assert (report["ok"], report["problems"]) == (True, [])
        assert inside("look", data)["eras"] == 2
    finally:
        elsewhere.up.stop()


HALF = """
import sys
from pathlib import Path
from neiqin.config import backup, environment, prepare
from neiqin.config.postgres import Cluster
data, workshop = environment.data_folder(), Path(sys.argv[2])
manifest = backup.read(Path(sys.argv[1]), workshop)
backup.put_keys(manifest, workshop, data, True)
with Cluster(data).used():
    prepare.forget()
    backup.put_database(workshop, True)
"""


def test_a_restore_killed_half_way_goes_on_in_a_new_era_at_the_next_start(company):
    file, data = company.up.data.parent / "又备份.tar", company.up.data.parent / "半路"
    with company.at_work("half", limit=10):
        pass
    command("backup", "--with-keys", "--json", str(file), data=company.up.data)
    (data / "keys").mkdir(parents=True)
    (data.parent / "工").mkdir()
    environment = os.environ | {"NEIQIN_DATA": str(data)}
    arguments = [sys.executable, "-c", HALF, str(file), str(data.parent / "工")]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    elsewhere = Company(Up(data, free_port()), company.people, company.tokens, company.desk)
    elsewhere.up.start()
    try:
        with elsewhere.at_work("later", limit=5, clerks=2):
            pass
        assert until(lambda: command("verify", "--json", data=data)["unsealed"] == 0, 120)
        report = command("verify", "--json", data=data)
        assert (report["ok"], report["problems"]) == (True, [])
        found = inside("look", data)
        assert (found["never"], found["eras"]) == ({}, 2)
    finally:
        elsewhere.up.stop()
