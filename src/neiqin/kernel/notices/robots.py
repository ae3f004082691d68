"""Robots of group chats: what each of the three asks for, over HTTPS to a known host only.

Formats: WeCom developer.work.weixin.qq.com/document/path/91770 (2,048 bytes of text, 20 a minute); DingTalk
open.dingtalk.com custom robot (signature over "timestamp\\nsecret" in the address, 20 a minute); Feishu
open.feishu.cn custom bot (signature with "timestamp\\nsecret" as the key and nothing as the text, in the body).
"""

import base64
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, urlsplit

from django.conf import settings

from neiqin.kernel import clock

FORMS = {"wecom": "企业微信", "dingtalk": "钉钉", "feishu": "飞书"}
ORIGINS = {
    "wecom": "https://qyapi.weixin.qq.com",
    "dingtalk": "https://oapi.dingtalk.com",
    "feishu": "https://open.feishu.cn",
}
A_MINUTE = 20
MOST_BYTES = 2048
SECONDS = 5
MOST_ANSWER = 65536


class Refused(Exception):
    """The way out said no or did not answer; the sentence is for the administrator."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead anywhere: it is an error."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def check_address(form: str, address: str) -> str:
    """The problem with a robot's address in words, or "". Other hosts only if NEIQIN_ROBOT_ORIGINS names them."""
    try:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        origin = ""
    if not address.isascii() or origin not in (ORIGINS[form], *settings.ROBOT_ORIGINS):
        return f"地址要以 {ORIGINS[form]}/ 开头，从{FORMS[form]}群机器人的设置里整条复制。"
    return ""


def fit(text: str) -> str:
    """At most 2,048 bytes of UTF-8, cut between characters."""
    body = text.encode()
    return text if len(body) <= MOST_BYTES else body[: MOST_BYTES - 3].decode(errors="ignore") + "…"


def say(form: str, address: str, secret: str, text: str) -> None:
    """Say a text in the group of the robot. Raises Refused."""
    if problem := check_address(form, address):
        raise Refused(problem)
    target, body = _ASKING[form](address, secret, fit(text))
    request = urllib.request.Request(  # noqa: S310 - check_address has looked at the scheme
        target, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json; charset=utf-8"}
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS) as answer:
            said = json.loads(answer.read(MOST_ANSWER))
    except urllib.error.HTTPError as error:
        raise Refused(f"对方回答 HTTP {error.code}。") from None
    except (OSError, ValueError) as error:
        raise Refused(f"连不上或没有回答：{type(error).__name__}。") from None
    code = said.get("errcode", said.get("code", said.get("StatusCode", 0))) if isinstance(said, dict) else -1
    if code != 0:
        words = str(said.get("errmsg", said.get("msg", "")) if isinstance(said, dict) else said)[:120]
        raise Refused(f"对方不收，代码 {code}：{words}")


def _wecom(address: str, secret: str, text: str) -> tuple[str, dict[str, Any]]:
    return address, {"msgtype": "text", "text": {"content": text}}


def _dingtalk(address: str, secret: str, text: str) -> tuple[str, dict[str, Any]]:
    if secret:
        at = str(int(clock.now().timestamp() * 1000))
        sign = _sign(secret.encode(), f"{at}\n{secret}".encode())
        address += f"&timestamp={at}&sign={quote_plus(sign)}"
    return address, {"msgtype": "text", "text": {"content": text}}


def _feishu(address: str, secret: str, text: str) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if secret:
        at = str(int(clock.now().timestamp()))
        body |= {"timestamp": at, "sign": _sign(f"{at}\n{secret}".encode(), b"")}
    return address, body


def _sign(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.digest(key, text, "sha256")).decode()


_ASKING: dict[str, Callable[[str, str, str], tuple[str, dict[str, Any]]]] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
}
