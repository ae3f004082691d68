"""Backup and restore of a whole installation: database, files, and on request the keys, in one tar file.

The tar holds `database.dump` (pg_dump -Fc, one consistent snapshot of the live database), `files/…` and, last,
`manifest.json` with the SHA-256 of every member and the fingerprints of the keys. Files are written once under a name
of their own and never changed, so what is copied after the snapshot holds everything that the snapshot mentions.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Any

from neiqin.config import environment, keys
from neiqin.config.postgres import ClusterProblem, Roles, binaries, folder

FORMAT = 1
BLOCK = 1024 * 1024
PROLOGUE = b"""SET client_min_messages = warning;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


def backup(target: Path, with_keys: bool = False) -> dict[str, Any]:
    """Write the backup of the running system to `target`; gives the manifest.

    The file appears under its name only when it is whole. Raises ClusterProblem with a sentence.
    """
    data = environment.data_folder()
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".neiqin-backup-") as workshop:
            dump = Path(workshop) / "database.dump"
            _dump(dump)
            # A backup holds the whole company: nobody else may read it.
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                manifest = _write(file, dump, data, with_keys)
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise ClusterProblem(f"备份没有完成：{error.strerror or error}（{error.filename or target}）。") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def read(source: Path, workshop: Path) -> dict[str, Any]:
    """Unpack a backup into `workshop`, comparing every member with the manifest; gives the manifest.

    Raises ClusterProblem for a file that is not a backup, is cut short or was altered.
    """
    digests: dict[str, str] = {}
    try:
        with tarfile.open(source) as tar:
            for member in tar:
                if not member.isfile() or not _expected(member.name):
                    raise ClusterProblem(f"{source} 不是内勤的备份文件（含有 {member.name}）。")
                content = tar.extractfile(member)
                if content is not None:
                    digests[member.name] = _copy(content, workshop / member.name)
        manifest = json.loads((workshop / "manifest.json").read_text())
    except FileNotFoundError as error:
        raise ClusterProblem(f"备份文件 {source} 不存在或不完整（缺少 {Path(str(error.filename)).name}）。") from error
    except (tarfile.TarError, ValueError, EOFError, IsADirectoryError) as error:
        raise ClusterProblem(f"{source} 不是完整的备份文件；请换一份备份。") from error
    if manifest.get("format") != FORMAT:
        raise ClusterProblem(f"备份 {source} 由更新的版本生成；请先升级本系统再恢复。")
    del digests["manifest.json"]
    wrong = [name for name, digest in manifest["members"].items() if digests.pop(name, "") != digest] + list(digests)
    if wrong:
        raise ClusterProblem(f"备份文件 {source} 已损坏或被改动（{wrong[0]}）；请换一份备份。")
    return dict(manifest)


def put_keys(manifest: dict[str, Any], workshop: Path, data: Path, force: bool) -> None:
    """Have the keys of the backup in `data`, or refuse before anything is changed."""
    for name in filter(keys.KEY.fullmatch, manifest["keys"]):
        here, theirs = data / f"keys/{name}.key", workshop / f"keys/{name}.key"
        if here.exists() and _fingerprint(here) == manifest["keys"][name]:
            continue
        if not theirs.exists():
            why = f"而 {here} 不是它的密钥" if here.exists() else f"而 {here} 还不存在"
            raise ClusterProblem(f"这份备份不含密钥，{why}；请把原系统的 keys/{name}.key 放到这里后重试。")
        if here.exists():
            if not force:
                raise ClusterProblem(f"{here} 与备份的密钥不同；确认要用备份的密钥替换，请加 --force。")
            here.replace(here.with_name(f"{here.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}"))
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(theirs, here)
        here.chmod(0o600)


def put_database(workshop: Path, force: bool) -> None:
    """Replace the database by the dump in one transaction: a failure leaves everything as it was."""
    if not force and _tables():
        raise ClusterProblem("目标数据库里已有数据；确认要用备份覆盖，请加 --force。")
    connect, variables = _connection()
    listing = [str(binaries.client("pg_restore")), "--no-owner", "-f", "-", str(workshop / "database.dump")]
    command = [str(binaries.client("psql")), "-Xq", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    command += ["-f", "-", "-d", connect]
    with tempfile.TemporaryFile() as said:
        script = subprocess.Popen(listing, stdout=subprocess.PIPE, stderr=said)
        target = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=variables)
        assert script.stdout is not None
        assert target.stdin is not None
        try:
            target.stdin.write(PROLOGUE)
            shutil.copyfileobj(script.stdout, target.stdin, BLOCK)
            # A dump that could not be read to its end must not be committed.
            if script.wait():
                target.kill()
            target.stdin.close()
        except BrokenPipeError:
            script.kill()
        codes = script.wait(), target.wait()
        if any(codes):
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["没有说明原因"]
            raise ClusterProblem(f"恢复没有完成，原有数据没有改变：{lines[0]}。")


def put_files(workshop: Path, data: Path) -> int:
    """Replace DATA/files; what was there stays beside it. Gives how many files there are."""
    restored, here = workshop / "files", data / "files"
    if here.exists():
        here.replace(data / f"files.{datetime.now(UTC):%Y%m%dT%H%M%S}")
    if restored.exists():
        shutil.move(restored, here)
    return sum(1 for path in here.rglob("*") if path.is_file()) if here.exists() else 0


def _write(file: IO[bytes], dump: Path, data: Path, with_keys: bool) -> dict[str, Any]:
    members: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in _members(dump, data, with_keys):
            members[name] = _add(tar, name, path)
        manifest = {
            "format": FORMAT,
            "version": version("neiqin"),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "keys": {name: _fingerprint(data / f"keys/{name}.key") for name in _keys(data)},
            "with_keys": with_keys,
            "members": members,
        }
        content = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        tar.addfile(_entry("manifest.json", len(content)), io.BytesIO(content))
    return manifest


def _members(dump: Path, data: Path, with_keys: bool) -> Iterator[tuple[str, Path]]:
    yield "database.dump", dump
    for path in sorted((data / "files").rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(data).as_posix()), path
    if with_keys:
        for name in _keys(data):
            yield f"keys/{name}.key", data / f"keys/{name}.key"


class _Hashing:
    """A file that remembers the digest of what was read from it, so that each is read once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.digest.update(content)
        return content


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str:
    with path.open("rb") as file:
        reading = _Hashing(file)
        tar.addfile(_entry(name, os.fstat(file.fileno()).st_size), reading)
    return reading.digest.hexdigest()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _expected(name: str) -> bool:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return False
    if path.parent == PurePosixPath("keys"):
        return path.suffix == ".key" and keys.KEY.fullmatch(path.stem) is not None
    return name in ("database.dump", "manifest.json") or path.parts[0] == "files"


def _keys(data: Path) -> list[str]:
    return [*keys.master_names(data), "secret"]


def _copy(source: IO[bytes], target: Path) -> str:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    reading = _Hashing(source)
    with target.open("wb") as file:
        while block := reading.read(BLOCK):
            file.write(block)
    return reading.digest.hexdigest()


def _dump(target: Path) -> None:
    connect, variables = _connection()
    command = [str(binaries.client("pg_dump")), "-Fc", "--no-owner", "-f", str(target), "-d", connect]
    done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["没有说明原因"]
        raise ClusterProblem(f"备份没有完成：{lines[-1]}。")


def _connection() -> tuple[str, dict[str, str]]:
    """A connection string without the password, and the environment that holds it: arguments are public."""
    from psycopg.conninfo import make_conninfo

    found = environment.dsn(Roles.OWNER)
    password = found.pop("password", "")
    return make_conninfo(**found), folder.clean_environment() | {"PGPASSWORD": password}


def _tables() -> int:
    import psycopg

    with psycopg.connect(**environment.dsn(Roles.OWNER)) as connection:  # type: ignore[arg-type]
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    return int(row[0]) if row else 0


def _fingerprint(key: Path) -> str:
    return hashlib.sha256(b"neiqin-key-fingerprint" + key.read_bytes()).hexdigest()
