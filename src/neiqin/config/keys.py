"""Keys and passwords of an installation: random, made once, readable by their owner only."""

import os
import re
import secrets
from pathlib import Path

KEY = re.compile(r"secret|master(-[1-9][0-9]{0,2})?")


def make_data_folder(data: Path) -> None:
    """Create the data folder and its private parts. Raises OSError."""
    # As root the server's own user must be able to pass through to its folder.
    data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    for name in ("keys", "locks"):
        (data / name).mkdir(mode=0o700, exist_ok=True)


def secret(data: Path, name: str, length: int = 32) -> bytes:
    """The key `name` of this installation, made at the first call. Two callers at once get the same one."""
    path = data / "keys" / f"{name}.key"
    if not path.exists():
        make_data_folder(data)
        _write_once(path, secrets.token_bytes(length))
    return path.read_bytes()


def master_keys(data: Path) -> dict[int, bytes]:
    """Version -> master key: master.key is 1, master-2.key is 2, …; the first is made when there is none at all.

    An old one may be moved away once `neiqin rotate-keys` has said so; it is then not made anew.
    """
    named = {name: data / "keys" / f"{name}.key" for name in master_names(data)}
    if not named:
        return {1: secret(data, "master")}
    return {int(name.partition("-")[2] or 1): path.read_bytes() for name, path in named.items()}


def master_names(data: Path) -> list[str]:
    """master, master-2, …: the master keys that are there."""
    found = (path.stem for path in (data / "keys").glob("master*.key"))
    return sorted((name for name in found if KEY.fullmatch(name)), key=lambda name: (len(name), name))


def read_password(data: Path, role: str) -> str:
    """The database password of `role`, or "" when there is none."""
    try:
        return (data / "keys" / f"{role}.password").read_text()
    except FileNotFoundError:
        return ""


def write_password(data: Path, role: str, password: str) -> str:
    """Keep a new password; gives the one that is kept, should another process have been first."""
    make_data_folder(data)
    _write_once(data / "keys" / f"{role}.password", password.encode())
    return read_password(data, role)


def _write_once(path: Path, content: bytes) -> None:
    # Written aside and linked: a reader never finds an empty key, and the first writer wins.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
