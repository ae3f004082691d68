"""One embedded cluster: start it, share it, stop it."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neiqin.config import keys
from neiqin.config.postgres import binaries, conf, folder, locks
from neiqin.config.postgres.folder import Folder
from neiqin.config.postgres.problem import ClusterProblem

PORT = "5432"
START_SECONDS = 300
STOP_SECONDS = 60
# After a kill of the postmaster its children need a moment to notice.
LEAVING_SECONDS = 30
LOG_BYTES = 10 * 1024 * 1024


# Servers this process started. They may outlive their Cluster, and are reaped when they end.
_STARTED: list[subprocess.Popen[bytes]] = []


class Roles:
    """The three roles; only the first can change what the database itself enforces."""

    SUPERUSER = "postgres"
    OWNER = "neiqin_owner"
    APP = "neiqin_app"


class Cluster:
    """The cluster of a data folder. Any number of processes may use it; the last one to leave stops it."""

    def __init__(self, data: Path, durable: bool = True) -> None:
        self.data = data
        self.durable = durable
        self._server: subprocess.Popen[bytes] | None = None
        self._use: int | None = None

    # For those who connect

    def dsn(self, role: str = Roles.APP, database: str = "neiqin") -> dict[str, str]:
        """libpq's parameters for `role`. Before the first start the password is empty."""
        password = keys.read_password(self.data, role)
        sockets = folder.read_record(self.data).get("sockets", str(self.data / "socket"))
        return {"host": sockets, "port": PORT, "user": role, "password": password, "dbname": database}

    # For those who run it

    def attach(self) -> bool:
        """Start the server unless it runs, and count this process among its users. True if it was started now.

        Raises ClusterProblem with a sentence for the person. Calling it again revives a server that has died.
        """
        self._prepare_data()
        try:
            with self._starting():
                started = self._ensure()
                self._count()
                return started
        except OSError as error:
            raise ClusterProblem(self._sentence(error)) from error

    def leave(self) -> bool:
        """Stop counting this process; stop the server when nobody is left. True if it was stopped."""
        if self._use is None:
            return False
        descriptor, self._use = self._use, None
        try:
            with self._starting():
                last = locks.take(descriptor, fcntl.LOCK_EX)
                if last:
                    self._stop()
                return last
        finally:
            os.close(descriptor)

    @contextmanager
    def used(self) -> Iterator["Cluster"]:
        """attach for the block, leave afterwards."""
        self.attach()
        try:
            yield self
        finally:
            self.leave()

    def stop(self) -> bool:
        """Stop the server whoever uses it (`fast`: open transactions are rolled back). False if it did not run."""
        if not self.data.is_dir():
            return False
        with self._starting():
            return self._stop()

    def alive(self) -> bool:
        """Whether a server process holds the data; cheap enough to ask every second."""
        for server in _STARTED:
            server.poll()
        return not locks.free(self._lock("server"))

    # Starting

    def _ensure(self) -> bool:
        place = folder.locate(self.data)
        if self._running(place):
            return False
        self._note(place)
        programs = binaries.server_folder(place.account)
        if folder.check(place):
            if not keys.read_password(self.data, Roles.SUPERUSER):
                raise ClusterProblem(f"{self.data}/keys 里缺少数据库密码；请放回原来的 keys 文件夹，或从备份恢复。")
        else:
            folder.create(place, programs, self._password(Roles.SUPERUSER), self.durable)
            folder.write_record(self.data, created=secrets.token_hex(8))
        self._launch(place, programs)
        self._create_roles()
        return True

    def _running(self, place: Folder) -> bool:
        """The server's own lock tells, never a process id: ids are reused, and differ between containers."""
        begun = time.monotonic()
        while self.alive():
            there = self._postmaster(place) is not None
            if there and _status(place.cluster) == "ready" and _answers(place.sockets):
                return True
            waited = time.monotonic() - begun
            # Without its postmaster the children of a killed server are still leaving; or we cannot see whose they are.
            if not there and waited > LEAVING_SECONDS:
                raise ClusterProblem(
                    f"另一个环境（例如容器）里的数据库正在使用 {place.cluster}；请先在那里执行 neiqin stop。"
                )
            if waited > START_SECONDS:
                raise ClusterProblem(f"数据库在 {START_SECONDS} 秒内没有应答；请查看日志 {place.log}。")
            time.sleep(0.02)
        return False

    def _note(self, place: Folder) -> None:
        if place.home != self.data:
            binaries.SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
            place.home.mkdir(mode=0o711, exist_ok=True)
            folder.write_record(self.data, home=str(place.home))
        folder.write_record(self.data, sockets=str(place.sockets))
        place.account.folder(place.sockets)

    def _launch(self, place: Folder, programs: Path) -> None:
        self._configure(place)
        # Only the holder of the start lock comes here, and the server's lock is free: whatever these files name, it is
        # not a server of this cluster, even if that process id lives again in an unrelated process.
        for left_over in (place.cluster / "postmaster.pid", *place.sockets.glob(".s.PGSQL.*")):
            left_over.unlink(missing_ok=True)
        if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
            place.log.replace(place.log.with_suffix(".log.1"))
        lock = locks.open_lock(self._lock("server"))
        try:
            locks.take(lock)
            with place.log.open("ab") as log:
                begin = log.tell()
                self._server = _remember(
                    subprocess.Popen(
                        [str(programs / "postgres"), "-D", str(place.cluster)],
                        cwd="/",
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        # The server inherits the lock and so holds it exactly as long as any process of it lives.
                        pass_fds=[lock],
                        # Ctrl-C in a terminal must not reach it: the supervisor stops web and worker first.
                        start_new_session=True,
                        env=folder.clean_environment(),
                        **place.account.popen(),
                    )
                )
        finally:
            os.close(lock)
        self._wait_until_ready(place, begin)

    def _configure(self, place: Folder) -> None:
        account = place.account
        main = place.cluster / "postgresql.conf"
        include = "include_if_exists 'neiqin.conf'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write("\n" + include)
        for name, content in (("neiqin.conf", conf.text(self.durable, place.sockets)), ("pg_hba.conf", conf.ACCESS)):
            path = place.cluster / name
            path.touch(mode=0o600)
            if account.borrowed:
                os.chown(path, account.uid, account.gid)
            path.write_text(content)

    def _wait_until_ready(self, place: Folder, begin: int) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._server is None or self._server.poll() is not None:
                raise ClusterProblem(self._failure(place, begin))
            if _status(place.cluster) == "ready":
                return
            time.sleep(0.02)
        raise ClusterProblem(f"数据库在 {START_SECONDS} 秒内没有就绪；请查看日志 {place.log}。")

    def _failure(self, place: Folder, begin: int) -> str:
        with place.log.open("rb") as file:
            file.seek(begin)
            said = file.read()[-20_000:].decode(errors="replace")
        if "No space left" in said:
            return folder.no_space(place.home)
        lines = [line for line in said.splitlines() if any(w in line for w in ("FATAL", "PANIC", "could not", "error"))]
        reason = lines[-1].strip() if lines else "没有说明原因"
        return f"数据库没有启动：{reason}；日志在 {place.log}。"

    # Stopping

    def _stop(self) -> bool:
        if locks.free(self._lock("server")):
            return False
        place = folder.locate(self.data)
        for signal_number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10)):
            postmaster = self._postmaster(place)
            if postmaster is not None:
                os.kill(postmaster, signal_number)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if not self.alive():
                    _clear(place)
                    return True
                time.sleep(0.02)
        raise ClusterProblem(f"数据库没有在 {STOP_SECONDS} 秒内停下；请查看日志 {place.log}。")

    # Roles

    def _create_roles(self) -> None:
        """Both roles and the database, idempotent; skipped when nothing has changed since the last time."""
        owner, app = self._password(Roles.OWNER), self._password(Roles.APP)
        script = ROLES_SQL.format(owner=Roles.OWNER, owner_password=owner, app=Roles.APP, app_password=app)
        digest = hashlib.sha256(script.encode()).hexdigest()
        if folder.read_record(self.data).get("roles") == digest:
            return
        dsn = self.dsn(Roles.SUPERUSER, "postgres")
        command = [str(binaries.package() / "pginstall/bin/psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", dsn["host"], "-p", dsn["port"], "-U", dsn["user"], "-d", dsn["dbname"]]
        environment = folder.clean_environment() | {"PGPASSWORD": dsn["password"]}
        done = subprocess.run(command, input=script, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise ClusterProblem(f"无法建立数据库用户：{done.stderr.strip().splitlines()[-1]}")
        folder.write_record(self.data, roles=digest)

    def _password(self, role: str) -> str:
        return keys.read_password(self.data, role) or keys.write_password(self.data, role, secrets.token_urlsafe(24))

    # Locks and processes

    def _prepare_data(self) -> None:
        try:
            # Others must be able to pass through, or the server's user cannot reach its own folder.
            keys.make_data_folder(self.data)
        except (FileExistsError, NotADirectoryError):
            raise ClusterProblem(f"{self.data} 不是文件夹；请用 --data 指定一个文件夹。") from None
        except OSError as error:
            raise ClusterProblem(self._sentence(error)) from error

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with locks.exclusive(self._lock("start"), wait=START_SECONDS) as got:
            if not got:
                raise ClusterProblem(f"另一个进程一直在启动 {self.data} 的数据库；请稍后再试。")
            yield

    def _count(self) -> None:
        if self._use is None:
            self._use = locks.open_lock(self._lock("use"))
            locks.take(self._use, fcntl.LOCK_SH, wait=5)

    def _lock(self, name: str) -> Path:
        return self.data / "locks" / name

    def _postmaster(self, place: Folder) -> int | None:
        """The server's process id, if that process is really the server of this folder."""
        lines = _pid_file(place.cluster)
        if not lines or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        return pid if _serves(pid, place.cluster) else None

    def _sentence(self, error: OSError) -> str:
        if isinstance(error, PermissionError):
            return f"没有权限使用 {error.filename or self.data}；请用该目录的主人运行，或用 --data 换一个数据目录。"
        if error.errno == 28:  # ENOSPC
            return folder.no_space(self.data if self.data.exists() else Path("/"))
        return f"数据目录 {self.data} 不能使用：{error.strerror or error}。"


def _remember(server: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    _STARTED[:] = [known for known in _STARTED if known.poll() is None] + [server]
    return server


def _clear(place: Folder) -> None:
    """Leave nothing of a stopped server outside its home."""
    if not place.sockets.is_relative_to(place.home):
        with contextlib.suppress(OSError):
            place.sockets.rmdir()


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _status(cluster: Path) -> str:
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 else ""


def _answers(sockets: Path) -> bool:
    """Whether a living postmaster speaks: a killed one stays listed, with its file saying "ready", for a moment."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(sockets / f".s.PGSQL.{PORT}"))
            # The question whether it would encrypt: 8 bytes, answered by one.
            connection.sendall((8).to_bytes(4, "big") + (80877103).to_bytes(4, "big"))
            return len(connection.recv(1)) == 1
    except OSError:
        return False


def _serves(pid: int, cluster: Path) -> bool:
    """Whether this process was started by us as the server of this folder."""
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return words[1:3] == [b"-D", os.fsencode(cluster)]
    # Elsewhere (macOS) the arguments come as one line.
    told = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.rstrip().endswith(f"-D {cluster}")


ROLES_SQL = """
SELECT 'CREATE ROLE {owner}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{owner}') \\gexec
SELECT 'CREATE ROLE {app}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{app}') \\gexec
ALTER ROLE {owner} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{owner_password}';
ALTER ROLE {app} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{app_password}';
SELECT 'CREATE DATABASE neiqin OWNER {owner}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'neiqin')
\\gexec
REVOKE ALL ON DATABASE neiqin FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE neiqin TO {app};
"""
