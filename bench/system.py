"""`neiqin up` and `neiqin demo` as an operator has them: memory at rest, restart, first page."""

import http.client
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.base import ROOT, Client, Results, answers, children, environment, family, free_port, median, remove, until

COMMAND = [sys.executable, "-W", "ignore", "-m", "neiqin.config.cli"]
LOGIN, PASSWORD = "zhouqiming", "Hengchuan@2026"
REST_SECONDS = 8


def run(results: Results, cluster: Any) -> None:
    """In a data folder of its own, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="neiqin-bench-"))
    folder.chmod(0o755)
    data = folder / "data"
    try:
        begun = time.monotonic()
        _neiqin("demo", "--no-serve", "--data", str(data)).wait()
        loaded = time.monotonic() - begun
        with _Up(data) as up:
            seconds = time.monotonic() - begun
            results.add("demo.load", loaded, "s")
            results.add("demo.first_page", seconds, "s", 90, most=1)
            if results.wants("memory"):
                _memory(results, up)
            if results.wants("restart"):
                _restart(results, up)
    finally:
        remove(folder)


def _neiqin(*arguments: str) -> "subprocess.Popen[bytes]":
    env = environment()
    del env["NEIQIN_DATA"]
    return subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)


class _Up:
    """A running `neiqin up`."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()

    def __enter__(self) -> "_Up":
        self.start("/login/")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, path: str) -> float:
        begun = time.monotonic()
        self.process = _neiqin("up", "--port", str(self.port), "--data", str(self.data))
        until(lambda: answers(self.port, path), 60)
        return time.monotonic() - begun

    def stop(self) -> float:
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - begun


def _memory(results: Results, up: _Up) -> None:
    """PSS of the processes, a while after somebody logged in and looked at 20 pages."""
    client = Client(up.port, _logged_in(up.port))
    pages = re.findall(r'href="(/customers/customer/\d+/)"', client.get("/customers/customer/")[1].decode())
    for path in ["/customers/customer/", "/customers/customer/new/", "/people/person/", *dict.fromkeys(pages)][:20]:
        status, _ = client.get(path)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
    time.sleep(REST_SECONDS)
    postmaster = int((up.data / "postgres/postmaster.pid").read_text().split()[0])
    web = _named("web", _named("office", up.process.pid))
    parts = {"web": [web, *family(web)], "database": [postmaster, *family(postmaster)]}
    everybody = {up.process.pid, *family(up.process.pid), *parts["database"]}
    megabytes = {name: sum(_pss(p) for p in processes) for name, processes in parts.items()}
    total = sum(_pss(p) for p in everybody)
    results.add("memory.web", megabytes["web"], "MB", 120, most=1)
    results.add("memory.database", megabytes["database"], "MB")
    results.add(
        "memory.rest",
        total - megabytes["web"] - megabytes["database"],
        "MB",
        extra="supervisor, office, worker and jobs",
    )
    results.add("memory.all", total, "MB", 300, most=1)


def _restart(results: Results, up: _Up) -> None:
    """From SIGTERM to the first answer of the new process."""
    for name, path in (("healthz", "/healthz"), ("login", "/login/")):
        stops, starts = [], []
        for _ in range(5):
            stops.append(up.stop())
            starts.append(up.start(path))
        whole = [a + b for a, b in zip(stops, starts, strict=True)]
        said = f"stopping {median(stops):.2f} s, starting {median(starts):.2f} s"
        results.add(f"restart.{name}", median(whole), "s", 2.4, most=1, extra=said)


def _logged_in(port: int) -> str:
    """The cookies after the real login form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/login/")
    response = connection.getresponse()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', response.read().decode())
    cookies = _cookies(response)
    assert token is not None
    body = urlencode({"login": LOGIN, "password": PASSWORD, "csrfmiddlewaretoken": token[1]})
    headers = {"Cookie": _header(cookies), "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login/", body=body, headers=headers)
    response = connection.getresponse()
    response.read()
    cookies |= _cookies(response)
    if "neiqin" not in cookies:
        raise RuntimeError("the demo's login did not work")
    return _header(cookies)


def _cookies(response: http.client.HTTPResponse) -> dict[str, str]:
    pairs = (v.partition(";")[0].partition("=") for k, v in response.getheaders() if k.lower() == "set-cookie")
    return {name: value for name, _, value in pairs}


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _named(kind: str, parent: int) -> int:
    """The child that says it is this."""
    return next(p for p in children(parent) if Path(f"/proc/{p}/comm").read_text() == f"neiqin-{kind}\n")


def _pss(pid: int) -> float:
    """Megabytes: what is shared counts in parts."""
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
