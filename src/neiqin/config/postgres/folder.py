"""The folder of one cluster: where it lies, whose it is, and whether a server can use it."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from neiqin.config.postgres import account as accounts
from neiqin.config.postgres.account import Account
from neiqin.config.postgres.binaries import MAJOR, SHARED_PLACE
from neiqin.config.postgres.problem import ClusterProblem

NEEDED_BYTES = 200 * 1024 * 1024
# PostgreSQL refuses paths of 1024 bytes and appends up to about 100 of its own.
LONGEST_PATH = 900
# sockaddr_un holds 107 bytes; the server appends "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 85
NO_SPACE = "磁盘空间不足（{path} 只剩 {free} MB，至少需要 {need} MB）；请清理磁盘或用 --data 换一个位置后重试。"


@dataclass(frozen=True)
class Folder:
    """home: where the cluster lies; DATA itself, or a shared place when root's home shuts the server out."""

    account: Account
    home: Path
    sockets: Path

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"


def locate(data: Path) -> Folder:
    """Find the cluster of `data`, or the place for a new one. Raises ClusterProblem when neither can be used."""
    recorded = read_record(data).get("home")
    existing = Path(recorded) if recorded else data
    account = _account_for(existing / "postgres")
    if recorded and not existing.is_dir():
        raise ClusterProblem(f"数据库文件夹 {existing} 不存在；请从备份恢复（neiqin restore），或把它移回原处。")
    if (existing / "postgres").exists():
        home = existing
    elif account.may("-x", data):
        home = data
    else:
        home = SHARED_PLACE / _digest(data)
    if len(os.fsencode(home)) > LONGEST_PATH:
        raise ClusterProblem(f"数据目录的路径太长（{len(os.fsencode(home))} 字节）；请用 --data 指定较短的路径。")
    if account.borrowed and (home / "postgres").exists() and not account.may("-x", home):
        raise ClusterProblem(f"用户 {account.name} 进不了数据目录 {home}；请执行 chmod o+x 放行上级目录后重试。")
    return Folder(account, home, _sockets(data, home))


def check(folder: Folder) -> bool:
    """Whether the cluster exists. Raises ClusterProblem for another version, another owner or foreign content."""
    cluster = folder.cluster
    if not cluster.exists():
        return False
    owner = cluster.stat().st_uid
    if owner != folder.account.uid:
        name = accounts.name_of(owner)
        raise ClusterProblem(
            f"数据库文件夹 {cluster} 属于用户 {name}；请用该用户运行（此前若以 root 运行，请仍用 root）。"
        )
    try:
        found = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ClusterProblem(f"文件夹 {cluster} 不是数据库文件夹；请移走它，或用 --data 换一个数据目录。") from None
    if found != str(MAJOR):
        raise ClusterProblem(
            f"数据库文件夹 {cluster} 是 PostgreSQL {found} 的，本版需要 {MAJOR}；"
            "请用原来的版本执行 neiqin backup 备份，再用本版执行 neiqin restore 恢复到新的数据目录。"
        )
    return True


def create(folder: Folder, programs: Path, password: str, durable: bool) -> None:
    """Run initdb beside the final place and rename: a creation cut short leaves nothing half done."""
    free = shutil.disk_usage(folder.home).free
    if free < NEEDED_BYTES:
        raise ClusterProblem(no_space(folder.home))
    # A sub-folder of the server's user: it may not write into DATA itself.
    workshop = folder.home / "postgres.new"
    shutil.rmtree(workshop, ignore_errors=True)
    folder.account.folder(workshop)
    try:
        _initdb(folder, programs, workshop, password, durable)
        (workshop / "cluster").rename(folder.cluster)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def no_space(path: Path) -> str:
    """The sentence for a full disk."""
    free = shutil.disk_usage(path).free
    return NO_SPACE.format(path=path, free=free // 1024**2, need=NEEDED_BYTES // 1024**2)


def clean_environment() -> dict[str, str]:
    """Our environment without what would steer PostgreSQL's programs elsewhere."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}


def read_record(data: Path) -> dict[str, str]:
    """What the launcher noted about this installation: home (when not DATA), sockets, roles."""
    try:
        found = json.loads((data / "database.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_record(data: Path, **changes: str) -> None:
    """Replace the note as a whole, so that a reader never sees half of it."""
    before = read_record(data)
    if before | changes == before:
        return
    with tempfile.NamedTemporaryFile("w", dir=data, prefix=".database-", delete=False) as file:
        json.dump(before | changes, file)
    Path(file.name).replace(data / "database.json")


def _initdb(folder: Folder, programs: Path, workshop: Path, password: str, durable: bool) -> None:
    secret = workshop / "password"
    secret.touch(mode=0o600)
    if folder.account.borrowed:
        os.chown(secret, folder.account.uid, folder.account.gid)
    secret.write_text(password + "\n")
    command = [str(programs / "initdb"), "-D", str(workshop / "cluster"), "-U", "postgres", "-E", "UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"]
    if not durable:
        command.append("--no-sync")
    done = subprocess.run(
        command,
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(),
        **folder.account.popen(),
    )
    if done.returncode:
        said = done.stderr + done.stdout
        if "No space left" in said:
            raise ClusterProblem(no_space(folder.home))
        line = next((line for line in said.splitlines() if "error" in line.lower() or "FATAL" in line), said[-300:])
        raise ClusterProblem(f"无法在 {folder.home} 建立数据库：{line.strip()}")


def _account_for(cluster: Path) -> Account:
    """Whoever began as root under `nobody` goes on so, although `postgres` may have been installed since."""
    found = accounts.candidates()
    if cluster.exists():
        owner = cluster.stat().st_uid
        for account in found:
            if account.uid == owner:
                return account
    return found[0]


def _sockets(data: Path, home: Path) -> Path:
    """A short private folder. libpq splits hosts at commas, and the server splits folders at commas and quotes."""
    inside = home / "socket"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER and not set(",\"'\\") & set(str(inside)):
        return inside
    return Path("/tmp") / f"neiqin-{os.geteuid()}-{_digest(data)}"  # noqa: S108 (ownership is checked)


def _digest(data: Path) -> str:
    return hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
