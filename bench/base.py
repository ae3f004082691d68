"""What the benchmarks share: result lines, the cluster they work on, and the processes they measure.

A result is one JSON object a line: name, value, unit, limit, ratio (value / limit), goal, ok. `limit` is the plain
yardstick measured in the same run where there is one (bare SQL, a bare Django view), else the absolute goal.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / ".neiqin-bench"
SMALL, LARGE = 10_000, 1_000_000


class Results:
    """Prints each line as soon as it is known and keeps it. wanted: beginnings of the names to measure; empty: all."""

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        self.wanted = tuple(wanted)
        self.lines: list[dict[str, Any]] = []

    def wants(self, name: str) -> bool:
        """Whether lines of this name, or some whose names begin with it, are asked for."""
        return not self.wanted or any(name.startswith(w) or w.startswith(name) for w in self.wanted)

    def add(
        self, name: str, value: float, unit: str, limit: float | None = None, *, most: float | None = None,
        least: float | None = None, extra: str = "", also: bool = True,
    ) -> bool:  # fmt: skip
        """most / least: the bound of the ratio; neither: the line only informs. also: a further condition (`extra`)."""
        ratio = value / limit if limit else None
        ok = also and (ratio is None or ((most is None or ratio <= most) and (least is None or ratio >= least)))
        goal = f"ratio <= {most:g}" if most is not None else f"ratio >= {least:g}" if least is not None else ""
        line = {
            "name": name, "value": _rounded(value), "unit": unit, "limit": _rounded(limit), "ratio": _rounded(ratio),
            "goal": f"{goal}, {extra}" if goal and extra else goal or extra, "ok": ok,
        }  # fmt: skip
        self.lines.append(line)
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return ok


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def say(text: str) -> None:
    """Progress, for people; the results are on standard output."""
    sys.stderr.write(f"[bench] {text}\n")
    sys.stderr.flush()


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


def p10(values: Sequence[float]) -> float:
    """What it takes when nothing else happens on a shared machine."""
    return sorted(values)[len(values) // 10]


# The cluster and its databases


def environment(database: str = "", **more: str) -> dict[str, str]:
    """For child processes: our data folder, one of its databases, no outside server."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NEIQIN_") and k != "DJANGO_SETTINGS_MODULE"}
    paths = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", ""))))
    named = {"NEIQIN_DB_NAME": database} if database else {}
    return kept | {"NEIQIN_DATA": str(DATA), "PYTHONPATH": paths} | named | more


def run_python(*arguments: str, **env: Any) -> str:
    """Run one of our modules to its end; gives what it printed."""
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(**env), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}")
    return done.stdout


@contextmanager
def cluster() -> Iterator[Any]:
    """The benchmarks' own cluster, as durable as a real one, kept between runs in .neiqin-bench."""
    from neiqin.config.postgres import Cluster

    DATA.mkdir(exist_ok=True)
    (DATA / ".gitignore").write_text("*\n")
    with Cluster(DATA).used() as found:
        yield found


def superuser(found: Any, database: str) -> psycopg.Connection:
    """A superuser's connection, autocommit."""
    return psycopg.connect(**found.dsn("postgres", database), autocommit=True)


def make_database(found: Any, name: str, *, template: str = "", empty: bool = False) -> None:
    """A new database: migrated, `empty`, or a copy of `template`. An old one of this name is dropped."""
    drop_database(found, name)
    copied = f'TEMPLATE "{template}" STRATEGY file_copy' if template else ""
    with superuser(found, "postgres") as connection:
        connection.execute(f'CREATE DATABASE "{name}" OWNER neiqin_owner {copied}')
        connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO neiqin_app')
    if not template and not empty:
        migrate(name)


def migrate(name: str) -> None:
    """Bring a database up to this code, as the owner of its tables."""
    settings = "neiqin.config.settings"
    run_python(
        "-m", "django", "migrate", "--no-input", "-v0", database=name, NEIQIN_DB_ROLE="owner",
        DJANGO_SETTINGS_MODULE=settings,
    )  # fmt: skip
    run_python("-m", "django", "collectstatic", "--no-input", "-v0", database=name, DJANGO_SETTINGS_MODULE=settings)


def drop_database(found: Any, name: str) -> None:
    with superuser(found, "postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def scratch(found: Any, template: str) -> Iterator[str]:
    """A copy of a company's database to write in; the original stays as it was generated."""
    name = f"{template}_scratch"
    say(f"copying {template}")
    make_database(found, name, template=template)
    try:
        yield name
    finally:
        drop_database(found, name)


# Processes to measure


class Inside:
    """A Python process with Django on one database; runs the functions of bench.inside when asked."""

    def __init__(self, database: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench.inside"], cwd=ROOT, env=environment(database, **env),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, function: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"call": function, "with": arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process that measures {function} has ended")
        return json.loads(answer)

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


class Web:
    """A server process, started with `arguments` for Python and a free port."""

    def __init__(self, arguments: Sequence[str], database: str, ready: str = "/healthz", **env: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-W", "ignore", *arguments, "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment(database, **env))
        until(lambda: answers(self.port, ready), 60)

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()


def neiqin_web(database: str, **env: str) -> Web:
    """Our own web process as `neiqin up` starts it: granian, one worker, four threads."""
    return Web(["-m", "neiqin.config.serve", "web", "--threads", "4"], database, **env)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str = "/healthz") -> bool:
    """Whether this page is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def until(condition: Callable[[], bool], seconds: float, *, pause: float = 0.01) -> float:
    """Wait for it, asking every `pause` seconds; gives the seconds it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            raise RuntimeError(f"not within {seconds} seconds")
        time.sleep(pause)
    return time.monotonic() - begun


class Client:
    """A logged-in browser on one kept-alive connection."""

    def __init__(self, port: int, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = cookie

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        self.connection.request("GET", path, headers={"Cookie": self.cookie} | headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def post(self, path: str, fields: Mapping[str, str], file: tuple[str, bytes] | None = None) -> str:
        """Send a form, with a file as field `file`; gives where it leads."""
        token = self.cookie.rpartition("csrftoken=")[2]
        parts = [(f'name="{k}"', v.encode()) for k, v in {**fields, "csrfmiddlewaretoken": token}.items()]
        parts += [(f'name="file"; filename="{file[0]}"', file[1])] if file else []
        pieces = [b"--bench\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (h.encode(), v) for h, v in parts]
        headers = {"Cookie": self.cookie, "Content-Type": "multipart/form-data; boundary=bench"}
        self.connection.close()  # after minutes of waiting the server has closed it
        self.connection.request("POST", path, body=b"".join([*pieces, b"--bench--\r\n"]), headers=headers)
        response = self.connection.getresponse()
        response.read()
        if response.status != 302:
            raise RuntimeError(f"{path} answered {response.status}")
        return response.headers["Location"]

    def times(self, path: str, n: int) -> list[float]:
        """Milliseconds of n requests, each answered with 200."""
        found = []
        for _ in range(n):
            begun = time.perf_counter()
            status, _body = self.get(path)
            found.append((time.perf_counter() - begun) * 1000)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
        return found


def load(web: Web, requests: list[dict[str, Any]], clients: int) -> dict[str, Any]:
    """Send prepared requests from a process of its own with `clients` threads, each on a kept-alive connection.

    `cpu`: milliseconds of processor time a request, of web, database and client. Where others use the machine too, it
    tells more than requests a second.
    """
    given = json.dumps({"port": web.port, "clients": clients, "requests": requests})
    before = processor_seconds(web.process.pid), processor_seconds(postmaster())
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], cwd=ROOT, env=environment(), input=given, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    after = processor_seconds(web.process.pid), processor_seconds(postmaster())
    each = [(b - a) * 1000 / len(requests) for a, b in zip(before, after, strict=True)]
    found["cpu"] = [*each, found["client_seconds"] * 1000 / len(requests)]
    return found


def cpu_text(found: dict[str, Any]) -> str:
    """For the remarks of a line."""
    web, database, client = found["cpu"]
    return f"CPU a request: web {web:.1f} ms, database {database:.1f}, client {client:.1f}"


def children(pid: int) -> list[int]:
    return [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]


def family(pid: int) -> Iterator[int]:
    """All processes below this one."""
    for child in children(pid):
        yield child
        yield from family(child)


def processor_seconds(pid: int) -> float:
    """What a process and those below it have used of the processors so far; the dead are left out."""
    ticks = 0
    for one in (pid, *family(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> float:
    """Megabytes a process has held at most."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def postmaster() -> int:
    """The process id of the benchmarks' database server."""
    return int((DATA / "postgres/postmaster.pid").read_text().split()[0])


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
