"""A folder of an SFTP server. The server is known by the fingerprint of its key, never trusted at first sight."""

import base64
import hashlib
import io
import logging
import socket
import stat
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import paramiko

from neiqin.modules.orders.sources.connector import (
    ASIDE,
    DONE,
    MOST_BYTES,
    SUFFIXES,
    TOO_LARGE,
    Fetched,
    Found,
    Left,
    Told,
    Trouble,
)
from neiqin.modules.orders.sources.web import unreachable

STEP_SECONDS, WHOLE_SECONDS = 15, 180
STILL_SECONDS = 5
# What it has to say is said once, in Chinese, by who pulls; it would say it at each visit with a traceback.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Sftp:
    """secrets: a password, or a key file with maybe a password. keep: files stay where they are, for a server that
    we may only read."""

    def __init__(
        self, host: str, *, user: str, port: int = 22, folder: str = ".", password: str = "", key_file: str = "",
        host_key: str = "", keep: bool = False,
    ) -> None:  # fmt: skip
        self.host, self.port, self.folder, self.host_key, self.keep = host, port, folder, host_key, keep
        self._login = {
            "username": user, "password": None if key_file else password, "key_filename": key_file or None,
            "passphrase": password if key_file and password else None,
        }  # fmt: skip
        self._client: paramiko.SSHClient | None = None
        self._files: paramiko.SFTPClient | None = None

    def look(self, known: Mapping[str, str]) -> Sequence[Found]:
        there = self._there()
        if any(known.get(f.key) != f.mark for f in there):
            # Its clock may be another one: what does not change while we wait is whole.
            time.sleep(STILL_SECONDS)
            before = set(there)
            there = [f for f in self._there() if f in before]
        return there

    def fetch(self, found: Found, known: str) -> Fetched | None:
        files, until, out = self._open(), time.monotonic() + WHOLE_SECONDS, io.BytesIO()

        def guard(so_far: int, size: int) -> None:
            if max(so_far, size) > MOST_BYTES:
                raise Left(TOO_LARGE)
            if time.monotonic() > until:
                raise TimeoutError

        try:
            if (files.stat(self._path(found.key)).st_size or 0) > MOST_BYTES:
                raise Left(TOO_LARGE)
            files.getfo(self._path(found.key), out, callback=guard)
        except PermissionError:
            raise Left("服务器不让读这个文件。") from None
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise Trouble(self._words(error)) from None
        return Fetched(out.getvalue(), found.mark)

    def done(self, found: Found, told: Told) -> None:
        self._move(found, DONE)

    def set_aside(self, found: Found, told: Told) -> None:
        self._move(found, ASIDE)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _there(self) -> list[Found]:
        try:
            listed = self._open().listdir_attr(self.folder)
        except FileNotFoundError:
            raise Trouble(f"{self.host} 上没有文件夹 {self.folder}。") from None
        except PermissionError:
            raise Trouble(f"{self.host} 不让看文件夹 {self.folder}。") from None
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise Trouble(self._words(error)) from None
        return [
            Found(a.filename, a.filename[:200], f"{a.st_size}:{a.st_mtime}")
            for a in sorted(listed, key=lambda a: a.filename)
            if a.filename.lower().endswith(SUFFIXES) and stat.S_ISREG(a.st_mode or 0)
        ]

    def _move(self, found: Found, where: str) -> None:
        if self.keep:
            return
        files, target = self._open(), self._path(where)
        try:
            names = set(files.listdir(self.folder))
            if where not in names:
                files.mkdir(target)
            name = found.key
            if name in files.listdir(target):
                name = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"  # noqa: DTZ005 - a name for who looks into the folder
            files.rename(self._path(found.key), f"{target}/{name}")
        except (OSError, paramiko.SSHException, EOFError):
            raise Trouble(
                f"{self.host} 不让把文件移到 {target}；已经取过的不会再取。要留在原处就写 keep = true。"
            ) from None

    def _open(self) -> paramiko.SFTPClient:
        if self._files is not None:
            return self._files
        self._client = paramiko.SSHClient()
        self._client.set_missing_host_key_policy(_Known(self.host, self.host_key))
        try:
            self._client.connect(
                self.host, self.port, timeout=STEP_SECONDS, banner_timeout=STEP_SECONDS, auth_timeout=STEP_SECONDS,
                channel_timeout=STEP_SECONDS, allow_agent=False, look_for_keys=False, **self._login,
            )  # fmt: skip
            self._files = self._client.open_sftp()
        except paramiko.AuthenticationException:
            raise Trouble(f"{self.host} 不让进，检查用户名、密码或密钥。") from None
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise Trouble(self._words(error)) from None
        channel = self._files.get_channel()
        if channel is not None:
            channel.settimeout(STEP_SECONDS)
        return self._files

    def _path(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}"

    def _words(self, error: Exception) -> str:
        if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
            error = next(iter(error.errors.values()), error)
        if isinstance(error, FileNotFoundError):
            return f"{error.filename or '密钥文件'} 不在这台机器上，或者文件刚被拿走。"
        if isinstance(error, paramiko.SSHException | EOFError) and not isinstance(error, socket.error):
            return f"{self.host} 的 SFTP 连接中断了。"
        return unreachable(self.host, error)


class _Known(paramiko.MissingHostKeyPolicy):
    """Lets in the one server that the administrator has looked at."""

    def __init__(self, host: str, expected: str) -> None:
        self.host, self.expected = host, expected

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        shown = "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        if not self.expected:
            raise Trouble(f"{self.host} 的指纹是 {shown}。向对方核对，一致就写进 host_key。")
        if shown != self.expected.rstrip("="):
            raise Trouble(f"{self.host} 的指纹变成了 {shown}，和 host_key 不一致，没有连。先向对方核对。")
