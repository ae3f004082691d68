"""Backup of a live system and restore on another cluster; a database server of the company's own."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from neiqin.config.postgres import Cluster, Roles
from tests.platform.installed import install

pytestmark = pytest.mark.platform
COMMAND = [sys.executable, "-m", "neiqin.config.cli"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=os.environ | environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def connect(cluster: Cluster, role: str = Roles.OWNER, **more: str) -> psycopg.Connection:
    return psycopg.connect(**cluster.dsn(role) | more)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Iterator[Cluster]:
    """A migrated installation with a file, running."""
    place = Path(tempfile.mkdtemp(prefix="nq-"))
    place.chmod(0o755)
    install(place / "data")
    with Cluster(place / "data", durable=False).used() as cluster:
        (cluster.data / "files/ab").mkdir(parents=True)
        (cluster.data / "files/ab/blob").write_bytes(b"\0\1" * 5000)
        with connect(cluster) as connection:
            connection.execute("CREATE TABLE pairs (pair bigint, half int)")
        yield cluster
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def backed_up(source) -> Path:
    """A backup with keys, taken while four writers write pairs of rows."""
    stop = threading.Event()
    target = source.data.parent / "备份 1.tar"

    def write(number: int) -> None:
        with connect(source) as connection:
            pair = number
            while not stop.is_set():
                connection.execute("INSERT INTO pairs VALUES (%s, 1)", [pair])
                connection.execute("INSERT INTO pairs VALUES (%s, 2)", [pair])
                connection.commit()
                pair += 4

    writers = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        done = run("backup", "--with-keys", "--json", "--data", str(source.data), str(target))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file"] == str(target)
    return target


def test_a_backup_is_private_and_holds_keys_only_on_request(source, backed_up):
    assert backed_up.stat().st_mode & 0o777 == 0o600
    plain = backed_up.with_name("plain.tar")
    done = run("backup", "--data", str(source.data), str(plain))
    assert "不含密钥" in done.stdout
    with tarfile.open(plain) as tar:
        assert not [name for name in tar.getnames() if name.startswith("keys/")]
    with tarfile.open(backed_up) as tar:
        assert "keys/master.key" in tar.getnames()
    assert not list(backed_up.parent.glob(".neiqin-backup-*"))


def test_a_backup_under_load_is_restored_whole_on_another_cluster(source, backed_up):
    data = backed_up.parent / "other"
    done = run("restore", str(backed_up), "--data", str(data))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["verify"]["ok"] is True
    assert told["files"] == 1
    assert (data / "files/ab/blob").read_bytes() == b"\0\1" * 5000
    assert (data / "keys/master.key").read_bytes() == (source.data / "keys/master.key").read_bytes()
    with Cluster(data).used() as cluster, connect(cluster) as connection:
        halves = connection.execute("SELECT count(*) FROM pairs GROUP BY pair HAVING count(*) <> 2").fetchall()
        assert halves == []
        assert connection.execute("SELECT count(*) > 0 FROM pairs").fetchone() == (True,)
        with connect(cluster, Roles.APP) as app:
            assert app.execute("SELECT count(*) FROM actions_run").fetchone() is not None
    again = run("restore", str(backed_up), "--data", str(data))
    assert (again.returncode, again.stderr) == (2, "目标数据库里已有数据；确认要用备份覆盖，请加 --force。\n")
    forced = run("restore", str(backed_up), "--force", "--data", str(data))
    assert forced.returncode == 0, forced.stderr


def test_a_job_that_was_running_at_the_backup_is_put_back_after_the_restore(source, backed_up):
    with connect(source) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', 'x.y', 'doing')"
        )
    target, data = backed_up.with_name("running.tar"), backed_up.parent / "running"
    run("backup", "--with-keys", "--data", str(source.data), str(target))
    assert run("restore", str(target), "--data", str(data)).returncode == 0
    script = (
        "from neiqin.config.setup import setup_as; setup_as('app')\n"
        "from neiqin.kernel.jobs import process; from django.db import connection; print(process.tidy())\n"
        "connection.close(); connection.close_pool()"
    )
    with Cluster(data).used() as cluster:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ | {"NEIQIN_DATA": str(data)}
        )
        assert done.stdout == "1\n", done.stderr
        with connect(cluster) as connection:
            found = connection.execute("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'x.y'").fetchall()
    assert found == [("todo",)]


def test_a_backup_without_keys_asks_for_them_before_anything_is_changed(source, backed_up):
    plain = backed_up.with_name("without.tar")
    run("backup", "--data", str(source.data), str(plain))
    data = backed_up.parent / "keyless"
    done = run("restore", str(plain), "--data", str(data))
    assert done.returncode == 2
    assert "不含密钥" in done.stderr
    assert not (data / "postgres").exists()


@pytest.mark.parametrize("damage", ["cut short", "altered", "no tar", "absent", "foreign member"])
def test_a_damaged_backup_is_refused_and_changes_nothing(source, backed_up, damage):
    bad = backed_up.with_name("bad.tar")
    content = bytearray(backed_up.read_bytes())
    if damage == "cut short":
        content = content[: len(content) // 2]
    elif damage == "altered":
        content[5000] ^= 255
    elif damage == "no tar":
        content = b"hello"
    bad.write_bytes(content)
    if damage == "absent":
        bad.unlink()
    elif damage == "foreign member":
        with tarfile.open(bad, "w") as tar:
            member = tarfile.TarInfo("../../evil")
            tar.addfile(member)
    data = backed_up.parent / "untouched"
    done = run("restore", str(bad), "--data", str(data))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (data / "postgres").exists()


def outside(source: Cluster, login: str, rights: str) -> str:
    """A server of the company's own: another database in the same cluster, with a login as a DBA would give it."""
    with psycopg.connect(**source.dsn(Roles.SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {login} LOGIN {rights} PASSWORD 'secret'")
        connection.execute(f"CREATE DATABASE {login} OWNER {login}")
    dsn = source.dsn()
    return f"postgresql://{login}:secret@/{login}?host={dsn['host']}&port={dsn['port']}"


def test_on_a_server_of_ones_own_the_application_steps_down_to_its_role(source, backed_up):
    # neiqin_app exists in this cluster already: the login may only use it once a DBA has granted it.
    url = outside(source, "company", "NOCREATEROLE")
    data = str(backed_up.parent / "company")
    refused = run("migrate", "--data", data, NEIQIN_DATABASE_URL=url)
    assert refused.returncode == 2
    statement = 'GRANT neiqin_app TO "company";'
    assert statement in refused.stderr
    with psycopg.connect(**source.dsn(Roles.SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(statement)
    assert run("migrate", "--data", data, NEIQIN_DATABASE_URL=url).returncode == 0
    script = (
        "from neiqin.config.setup import setup_as; setup_as('app')\n"
        "from django.db import connection\n"
        "with connection.cursor() as c: c.execute('select session_user, current_user'); print(*c.fetchone())\n"
        "connection.close(); connection.close_pool()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"NEIQIN_DATABASE_URL": url, "NEIQIN_DATA": data},
    )
    assert done.stdout == "company neiqin_app\n"
    restored = run("restore", str(backed_up), "--force", "--data", data, NEIQIN_DATABASE_URL=url)
    assert restored.returncode == 0, restored.stderr
    assert not (Path(data) / "postgres").exists()


def test_a_server_that_cannot_be_reached_is_told_in_a_sentence(source):
    done = run(
        "migrate", "--data", str(source.data.parent / "away"), NEIQIN_DATABASE_URL="postgresql://x@127.0.0.1:9/x"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("连不上 NEIQIN_DATABASE_URL 指定的数据库")
    assert done.stderr.count("\n") == 1
