"""An address that answers with a file, or with a list of files in JSON.

    {"files": [{"name": "0427.csv", "url": "files/0427.csv", "mark": "any text that changes with the content"}]}

`url` is taken from where the list stands and must be on the same host. Without `mark` the answer's ETag, Last-Modified
or content tells whether it has been taken. Nothing is written there.
"""

import base64
import email.message
import hashlib
import http.client
import ipaddress
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from neiqin.modules.orders.sources.connector import MOST_BYTES, TOO_LARGE, Fetched, Found, Left, Told, Trouble

STEP_SECONDS, WHOLE_SECONDS = 15, 180
PIECE = 1 << 16
MOST_FILES, MOST_LIST_BYTES = 1000, 1 << 20
ITSELF = "."  # the key of what the address itself answers
ETAG, MODIFIED = "etag:", "modified:"


@dataclass(frozen=True)
class Answer:
    """What an address gave."""

    content: bytes
    mark: str
    name: str
    is_list: bool


class Web:
    """secrets: a user with password, or a token (Bearer). plain: http is allowed, and only inside the house."""

    def __init__(
        self, url: str, *, user: str = "", password: str = "", token: str = "", plain: bool = False
    ) -> None:  # fmt: skip
        self.url, self.plain = url, plain
        self._headers = {"User-Agent": "neiqin", "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif user:
            self._headers["Authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        inside = [urllib.request.ProxyHandler({})] if plain else []
        self._opener = urllib.request.build_opener(SameHost(), *inside)
        self._brought: Answer | None = None
        self._urls: dict[str, str] = {}

    def look(self, known: Mapping[str, str]) -> Sequence[Found]:
        before = known.get(ITSELF, "")
        answer = self._get(self.url, before)
        if answer is None:
            return [Found(ITSELF, _name(self.url), before)]
        if answer.is_list:
            return self._listed(answer.content)
        self._brought = answer
        return [Found(ITSELF, answer.name, answer.mark)]

    def fetch(self, found: Found, known: str) -> Fetched | None:
        answer = self._brought if found.key == ITSELF else self._get(self._urls[found.key], known, of_list=True)
        return Fetched(answer.content, found.mark or answer.mark) if answer else None

    def done(self, found: Found, told: Told) -> None:
        """The mark is enough."""

    def set_aside(self, found: Found, told: Told) -> None:
        """The mark is enough."""

    def close(self) -> None:
        self._brought = None

    def _listed(self, content: bytes) -> list[Found]:
        try:
            given = json.loads(content)
            files = given["files"] if isinstance(given, dict) else given
            found = [_found(self.url, one) for one in files[:MOST_FILES]]
            self._urls = {f.key: url for f, url in found}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Trouble(f"{_host(self.url)} 给的清单看不懂，应为 files 里每个文件一项，写 name 和 url。") from None
        away = next((url for url in self._urls.values() if _origin(url) != _origin(self.url)), "")
        if away:
            raise Trouble(f"{_host(self.url)} 的清单指到别的主机 {_host(away)}，没有取。")
        return [f for f, _ in found]

    def _get(self, url: str, known: str, *, of_list: bool = False) -> Answer | None:
        """None: it is still what is known."""
        self._check_scheme(url)
        request = urllib.request.Request(url, headers=self._headers | _conditions(known))  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=STEP_SECONDS) as response:
                return _read(response, url)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.client.NOT_MODIFIED:
                    return None
                if of_list and error.code in (http.client.NOT_FOUND, http.client.GONE):
                    raise Left("清单里有这个文件，地址上却没有。") from None
                raise Trouble(_refusal(url, error.code)) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise Trouble(unreachable(_host(url), error)) from None

    def _check_scheme(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme != "http" or not parts.hostname:
            raise Trouble("来源的 url 要以 https:// 开头。")
        if not self.plain or not _inside(parts.hostname):
            raise Trouble(f"{_host(url)} 用的是 http，不加密，没有去取；只有内网的主机可以，并要写 plain = true。")


class SameHost(urllib.request.HTTPRedirectHandler):
    """Follows only inside one host, so that neither orders nor secrets go anywhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: email.message.Message, newurl: str
    ) -> urllib.request.Request | None:  # fmt: skip
        if _origin(newurl) != _origin(req.full_url):
            fp.close()
            raise Trouble(f"{_host(req.full_url)} 转到别的主机 {_host(newurl)}，没有跟去；把 url 改成要取的地址。")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def unreachable(host: str, error: Exception) -> str:
    """Why a host cannot be reached, in words; used for SFTP too."""
    reason = getattr(error, "reason", error)
    for kind, words in (
        (ssl.SSLCertVerificationError, "的证书不可信，没有取"),
        (ssl.SSLError, "的加密连接建立不了"),
        (socket.gaierror, "找不到，检查主机名和网络"),
        (ConnectionRefusedError, "拒绝连接，检查端口和对方的服务"),
        (TimeoutError, "没有回答，超时了"),
        (ConnectionError, "连上后断开了"),
        (http.client.HTTPException, "的回答没有传完"),
    ):
        if isinstance(reason, kind):
            return f"{host} {words}。"
    return f"{host} 连不上（{type(reason).__name__}）。"


def _read(response: Any, url: str) -> Answer:
    most = MOST_LIST_BYTES if (is_list := response.headers.get_content_type() == "application/json") else MOST_BYTES
    told = response.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > most:
        raise Left(TOO_LARGE)
    pieces, size, until = [], 0, time.monotonic() + WHOLE_SECONDS
    while piece := response.read(PIECE):
        size += len(piece)
        if size > most:
            raise Left(TOO_LARGE)
        if time.monotonic() > until:
            raise TimeoutError
        pieces.append(piece)
    if told.isdecimal() and size < int(told):  # http.client does not mind a short answer that is read in pieces
        raise http.client.IncompleteRead(b"")
    content = b"".join(pieces)
    return Answer(content, _mark(response.headers, content), response.headers.get_filename() or _name(url), is_list)


def _mark(headers: Any, content: bytes) -> str:
    if etag := headers.get("ETag"):
        return f"{ETAG}{etag}"
    if modified := headers.get("Last-Modified"):
        return f"{MODIFIED}{modified}"
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _conditions(known: str) -> dict[str, str]:
    for start, header in ((ETAG, "If-None-Match"), (MODIFIED, "If-Modified-Since")):
        if known.startswith(start):
            return {header: known.removeprefix(start)}
    return {}


def _found(base: str, one: Mapping[str, Any]) -> tuple[Found, str]:
    """A file of the list, and its address. Its key is kept: what follows the ? of an address may be a secret."""
    url = urljoin(base, str(one["url"]))
    mark = str(one.get("mark") or "")
    name = str(one.get("name") or _name(url))[:200]
    return Found(f"{urlsplit(url).path} {name}", name, f"list:{mark[:200]}" if mark else ""), url


def _refusal(url: str, code: int) -> str:
    if code in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return f"{_host(url)} 不让进（{code}），检查用户名、密码或令牌。"
    if code in (http.client.NOT_FOUND, http.client.GONE):
        return f"{_host(url)} 上没有这个地址（{code}），检查 url。"
    return f"{_host(url)} 回答出错（{code}）。"


def _inside(host: str) -> bool:
    """Does every address of the host belong to this machine or the house?"""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return True  # not found: the call itself says so better
    return all(ipaddress.ip_address(str(a).split("%")[0]).is_private for a in found)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)[:200] or _host(url)
