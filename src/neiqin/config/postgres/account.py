"""The operating system's user under whom the database server runs."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neiqin.config.postgres.problem import ClusterProblem


@dataclass(frozen=True)
class Account:
    """uid and gid of the server; borrowed when we are root and the server runs as somebody else."""

    uid: int
    gid: int
    name: str
    borrowed: bool

    def popen(self) -> dict[str, Any]:
        """Arguments for subprocess that make a child run as this user."""
        if not self.borrowed:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, test: str, path: Path) -> bool:
        """Whether this user passes `test -x|-r|-w path`, asked of the kernel itself (so ACLs and mounts count)."""
        command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
        return subprocess.run(command, cwd="/", check=False, **self.popen()).returncode == 0

    def folder(self, path: Path) -> Path:
        """Make `path` a private folder of this user. Refuses a link, or a folder of anybody else (squatting)."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            if self.borrowed:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
        found = path.lstat()
        if path.is_symlink() or not path.is_dir() or found.st_uid != self.uid:
            raise ClusterProblem(f"目录 {path} 不属于用户 {self.name}，数据库不能使用它；请移走该目录后重试。")
        if found.st_mode & 0o077:
            path.chmod(0o700)
        return path


def candidates() -> list[Account]:
    """Ourselves; as root the existing users that may serve, because PostgreSQL refuses to run as root."""
    uid = os.geteuid()
    if uid != 0:
        return [Account(uid, os.getegid(), name_of(uid), borrowed=False)]
    found = []
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            found.append(Account(entry.pw_uid, entry.pw_gid, name, borrowed=True))
    if not found:
        raise ClusterProblem(
            "以 root 运行时数据库需要一个普通用户，而本机没有 postgres 或 nobody 用户；请改用普通用户运行。"
        )
    return found


def name_of(uid: int) -> str:
    """The user's name, or the number where nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
