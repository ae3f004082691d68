"""What every test may ask for. A database is never built twice and never flushed: it is cloned and dropped.

`db` (and `@pytest.mark.django_db`) wraps the test in a transaction on this worker's clone, as the role of the
application. Tests that need commits, threads or other processes ask for `own_database`; tests that need a real
server ask for `server`.
"""

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src/neiqin"


MEMORY = Path("/dev/shm")
# Made and removed by the thousand (a clone is 1,500 files, a browser's profile hundreds): on disks that takes three
# times as long as all else that these tests do.
ROOMY = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30


def _test_data(worker: str) -> Path:
    """A folder of this checkout, user and worker, kept between runs so that the second run finds its template; in
    memory where there is room. Each worker has a cluster of its own: what looks for settled rows would wait for the
    transactions of the others."""
    if ROOMY:
        return _elsewhere(MEMORY, worker)
    inside = ROOT / ".neiqin-test" / str(os.geteuid()) / worker
    try:
        inside.mkdir(parents=True, exist_ok=True)
        if os.access(inside, os.W_OK):
            return inside
    except OSError:
        pass
    return _elsewhere(Path(tempfile.gettempdir()), worker)


def _keep_temporary_files_in_memory() -> None:
    place = MEMORY / f"nq-{os.geteuid()}"
    place.mkdir(mode=0o711, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(place)


def _elsewhere(place: Path, worker: str) -> Path:
    digest = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]
    return place / f"neiqin-test-{os.geteuid()}-{digest}" / worker


if ROOMY:
    _keep_temporary_files_in_memory()
# Settings are read when pytest-django first looks at them, which is after this module is imported.
os.environ["NEIQIN_DATA"] = str(_test_data(os.environ.get("PYTEST_XDIST_WORKER", "alone")))
os.environ["NEIQIN_DB_ROLE"] = "app"
for _name in ("NEIQIN_DATABASE_URL", "NEIQIN_DB_NAME"):
    os.environ.pop(_name, None)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from neiqin.config.postgres import Cluster, Roles, locks  # noqa: E402
from tests.nursery import Forked, Nursery  # noqa: E402


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs) -> None:
    """A worker finds the name of the settings in what it inherits, so that pytest-django reads them before this module
    is imported there: its data folder has to be known by then."""
    for spec in specs:
        spec.env["NEIQIN_DATA"] = str(_test_data(spec.id))


def pytest_configure() -> None:
    """Load the settings now: pytest-django then sets Django up."""
    from django.conf import settings

    # One plain connection per thread: a pool would keep a clone open that is to be dropped.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    # Each test client would look through all static files anew; the servers that are started serve them.
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if not m.startswith("whitenoise.")]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse what would flush by TRUNCATE, which the database itself refuses."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if "transactional_db" in getattr(item, "fixturenames", ()) or (mark and mark.kwargs.get("transaction")):
            raise pytest.UsageError(f"{item.nodeid}: use the fixture own_database instead of transactional_db")


class Databases:
    """Makes and drops clones of the template in the tests' cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.data = cluster.data
        self.template = ""

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A superuser's connection, autocommit."""
        return psycopg.connect(**self.cluster.dsn(Roles.SUPERUSER, database), autocommit=True)  # type: ignore[arg-type]

    def prepare(self) -> None:
        """Have the template of these migrations and the static files of this code; built by whoever comes first."""
        with locks.exclusive(self.data / "locks/template", wait=300) as got:
            assert got, "another test run keeps building the template"
            self.template = f"template_{_digest(_shapes_the_schema)}"
            with self.connect() as connection:
                self._drop_left_overs(connection)
                known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [self.template]).rowcount
            if not known:
                self._build()
            self._collect_static()

    def clone(self, template: str = "") -> str:
        """A new database equal to the template, or to another clone that nobody is connected to; its name tells which
        process may drop it."""
        name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
        with self.connect() as connection:
            source = template or self.template
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" OWNER {Roles.OWNER} STRATEGY file_copy')
        return name

    def drop(self, name: str) -> None:
        """Drop a clone, ending whoever is still connected."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _build(self) -> None:
        building = f"{self.template}_building"
        self.drop(building)
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{building}" OWNER {Roles.OWNER}')
            connection.execute(f'GRANT CONNECT ON DATABASE "{building}" TO {Roles.APP}')
        _manage("migrate", "--no-input", "--skip-checks", "-v0", NEIQIN_DB_ROLE="owner", NEIQIN_DB_NAME=building)
        with self.connect() as connection:
            # Nobody may connect: a connection would keep it from being cloned.
            connection.execute(f'ALTER DATABASE "{building}" ALLOW_CONNECTIONS false')
            connection.execute(f'ALTER DATABASE "{building}" RENAME TO "{self.template}"')

    def _collect_static(self) -> None:
        stamp, now = self.data / "static.stamp", _digest(lambda path: "static" in path.parts)
        if not stamp.exists() or stamp.read_text() != now:
            _manage("collectstatic", "--no-input", "--skip-checks", "-v0")
            stamp.write_text(now)

    def _drop_left_overs(self, connection: psycopg.Connection) -> None:
        """Clones of dead processes, and all but the newest templates."""
        names = [row[0] for row in connection.execute("SELECT datname FROM pg_database ORDER BY oid DESC")]
        templates = [n for n in names if n.startswith("template_") and n != self.template]
        dead = [n for n in names if n.startswith("test_") and not _lives(int(n.split("_")[1]))]
        for name in templates[3:] + dead:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _shapes_the_schema(path: Path) -> bool:
    return (
        "migrations" in path.parts
        or ("rules" in path.parts and path.suffix == ".json")
        or path.suffix == ".sql"
        or path.name in ("clauses.json", "install.py", "shipped.py", "module.py", "models.py", "apps.py", "settings.py")
    )


def _digest(wanted) -> str:
    digest = hashlib.sha256()
    for path in sorted([*PACKAGE.rglob("*"), *(ROOT / "tests/stranger").rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts and wanted(path.relative_to(ROOT)):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _manage(*arguments: str, **environment: str) -> None:
    command = [sys.executable, "-m", "django", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def _pointing_to(name: str) -> Iterator[None]:
    """Django's default connection of this process leads to `name`, in every thread."""
    from django.db import connections

    settings = connections["default"].settings_dict
    before = settings["NAME"]
    connections["default"].close()
    settings["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = before


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """This worker's cluster, stopped when the last who uses it is done."""
    with Cluster(Path(os.environ["NEIQIN_DATA"]), durable=False).used() as cluster:
        found = Databases(cluster)
        found.prepare()
        yield found


@pytest.fixture(scope="session")
def django_db_setup(databases: Databases, django_db_blocker) -> Iterator[None]:
    """This worker's clone, as the role of the application."""
    from django.db import connections

    name = databases.clone()
    dsn = databases.cluster.dsn(Roles.APP, name)
    settings = connections["default"].settings_dict
    settings.update(NAME=name, USER=dsn["user"], PASSWORD=dsn["password"], HOST=dsn["host"], PORT=dsn["port"])
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    databases.drop(name)


@pytest.fixture
def own_database(databases: Databases, django_db_setup, django_db_blocker) -> Iterator[str]:
    """A database for this test alone, with real commits; gives its name. Not together with `db`."""
    yield from _own_database(databases, django_db_blocker)


@pytest.fixture(scope="module")
def module_database(databases: Databases, django_db_setup, django_db_blocker) -> Iterator[str]:
    """As own_database, for all tests of a module; none of them may ask for `db`."""
    yield from _own_database(databases, django_db_blocker)


@pytest.fixture(scope="session")
def demo_company(databases: Databases, django_db_setup, django_db_blocker) -> Iterator[str]:
    """The name of a database with the demo company, loaded once: to be cloned, never to be worked on."""
    name = databases.clone()
    with django_db_blocker.unblock(), _pointing_to(name):
        from neiqin import demo

        demo.load()
    yield name
    databases.drop(name)


def _own_database(databases: Databases, django_db_blocker) -> Iterator[str]:
    name = databases.clone()
    try:
        with django_db_blocker.unblock(), _pointing_to(name):
            yield name
    finally:
        databases.drop(name)


@pytest.fixture
def superuser_connection(databases: Databases, django_db_setup) -> Iterator[psycopg.Connection]:
    """A superuser's own connection to the database the test uses. It does not see what `db` has not committed."""
    from django.db import connections

    with databases.connect(connections["default"].settings_dict["NAME"]) as connection:
        yield connection


@dataclass
class Server:
    """A real granian process on a database of its own."""

    url: str
    database: str
    web: Forked
    beside: list[Forked]
    log: Path
    _django_db_blocker: object

    def __str__(self) -> str:
        return self.url

    @contextmanager
    def django(self) -> Iterator[None]:
        """Inside the block Django in this process works on the server's database, with real commits."""
        with self._django_db_blocker.unblock(), _pointing_to(self.database):
            yield


@pytest.fixture(scope="session")
def nursery(databases: Databases) -> Iterator[Nursery]:
    """Starts processes that have the product loaded: nursery.start("module:function", ..., database=, log=)."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="module")
def start_server(databases: Databases, nursery, django_db_setup, django_db_blocker, tmp_path_factory):
    """A function that starts one more server: start_server(worker=False, jobs=False, database=None) -> Server;
    of the database, if it is named, a clone of its own."""
    started: list[Server] = []

    def start(worker: bool = False, jobs: bool = False, database: str | None = None) -> Server:
        name = databases.clone(database or "")
        log = tmp_path_factory.mktemp("server") / "log.txt"
        port = _free_port()

        def run(kind: str, *arguments: object) -> Forked:
            return nursery.start(f"neiqin.config.serve:{kind}", *arguments, database=name, log=log)

        web = run("serve_web", "127.0.0.1", port, 1, 4)
        beside = [run(kind) for kind, wanted in (("run_worker", worker), ("run_jobs", jobs)) if wanted]
        made = Server(f"http://127.0.0.1:{port}", name, web, beside, log, django_db_blocker)
        started.append(made)
        _wait_for(made, port)
        return made

    yield start
    for made in started:
        for process in (made.web, *made.beside):
            process.stop()
        databases.drop(made.database)


@pytest.fixture(scope="module")
def server(start_server) -> Server:
    """A running server for the tests of this module: server.url, server.database, server.django()."""
    return start_server()


def path_of_chromium() -> str | None:
    """The lightest there is: the shell without windows needs a third of the processor time for a page."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    return path_of_chromium() or pytest.skip("no Chromium on this machine: browser tests are skipped")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(server: Server, port: int) -> None:
    from neiqin.config.supervisor import answers

    end = time.monotonic() + 240
    while time.monotonic() < end:
        if answers("127.0.0.1", port):
            return
        if server.web.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"the server did not start:\n{server.log.read_text()[-4000:]}")
