"""The sources of this installation, from `order-sources.toml` in the data folder. Knows neither database nor Django.

The secrets stand in that file, which nobody but the system's user may read; they are never stored or logged.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from neiqin.modules.orders.sources.connector import Connector

SECRETS = {"password", "token"}
# kind -> (what must be there, what may be there); of which type each is
KINDS: dict[str, tuple[set[str], set[str]]] = {
    "folder": ({"path"}, set()),
    "http": ({"url"}, {"user", "password", "token", "plain"}),
    "sftp": ({"host", "user"}, {"port", "folder", "password", "key_file", "host_key", "keep"}),
}
TYPES = {"plain": bool, "keep": bool, "port": int, "every": int}
LONGEST_MINUTES = 24 * 60


class Misconfigured(Exception):
    """The file cannot be used: a Chinese sentence, without any secret."""


@dataclass(frozen=True)
class Source:
    """A place that is asked every so many minutes. open: begins a visit."""

    name: str
    open: Callable[[], Connector] = field(repr=False)
    minutes: int = 1


def sources(path: Path) -> list[Source]:
    """What the file says; none without the file. Raises Misconfigured."""
    if not path.is_file():
        return []
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")).get("source", [])
    except OSError as error:
        raise Misconfigured(f"读不了 {path}（{error.strerror}）。") from None
    except ValueError:  # its words quote the line, where a secret may stand
        raise Misconfigured(f"{path} 不是正确的 TOML 文件。") from None
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Misconfigured(f"{path} 里每个来源以 [[source]] 开头。")
    if path.stat().st_mode & 0o077 and any(SECRETS & one.keys() for one in given):
        raise Misconfigured(f"{path} 里有密码，别的用户也能读，没有用它；先执行 chmod 600 {path}。")
    found = [_source(one, number) for number, one in enumerate(given, 1)]
    twice = {s.name for s in found if sum(s.name == t.name for t in found) > 1}
    if twice:
        raise Misconfigured(f"有两个来源叫「{min(twice)}」，名字要不一样。")
    return found


def _source(given: Mapping[str, Any], number: int) -> Source:
    name = str(given.get("name", "")).strip()
    called = f"来源「{name}」" if name else f"第 {number} 个来源"
    if not name or len(name) > 60:
        raise Misconfigured(f"{called}要有 name，最多 60 个字。")
    kind = str(given.get("kind", ""))
    if kind not in KINDS:
        raise Misconfigured(f"{called}的 kind 要写 {'、'.join(KINDS)} 中的一个。")
    rest = {k: v for k, v in given.items() if k not in ("name", "kind", "every")}
    _check(called, kind, given, rest)
    minutes = given.get("every", 1)
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise Misconfigured(f"{called}的 every 是分钟数，1 到 {LONGEST_MINUTES}。")
    return Source(name, lambda: _open(kind, rest), minutes)


def _check(called: str, kind: str, given: Mapping[str, Any], rest: Mapping[str, Any]) -> None:
    needed, more = KINDS[kind]
    if lacking := needed - rest.keys():
        raise Misconfigured(f"{called}缺 {'、'.join(sorted(lacking))}。")
    if unknown := rest.keys() - needed - more:
        raise Misconfigured(f"{called}里不认得 {'、'.join(sorted(unknown))}。")
    for key, value in given.items():
        if type(value) is not TYPES.get(key, str):
            raise Misconfigured(f"{called}的 {key} 写法不对。")
    if "@" in urlsplit(rest.get("url", "")).netloc:
        raise Misconfigured(f"{called}的 url 里不要写用户名和密码，写在 user 和 password 里。")


def _open(kind: str, rest: Mapping[str, Any]) -> Connector:
    # Imported here: paramiko alone takes 10 MB, which only who uses it should pay.
    if kind == "folder":
        from neiqin.modules.orders.sources.folder import Folder

        return Folder(Path(rest["path"]).expanduser(), must_exist=True)
    if kind == "http":
        from neiqin.modules.orders.sources.web import Web

        return Web(**rest)
    from neiqin.modules.orders.sources.sftp import Sftp

    return Sftp(**rest)
