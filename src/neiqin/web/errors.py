"""Error pages in plain words: what happened, why, what to do now, and a number to name on the telephone."""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from neiqin.web.jinja import render

log = logging.getLogger("neiqin.web.errors")


class DatabaseAway:
    """Middleware: while the database is away (restart, crash) say so with 503 and when to come back, never a crash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            return self._away(request, error)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view raised; None leaves it to the page for our own faults."""
        return self._away(request, error) if isinstance(error, (OperationalError, InterfaceError)) else None

    def _away(self, request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("database away for %s: %s", request.path, str(error).split("\n", 1)[0])
        message = _("数据库暂时连不上，没有办成，也没有办一半。过几秒再试。")
        answer: HttpResponse
        if request.path.startswith("/api/"):
            answer = JsonResponse({"message": message, "problems": []}, status=503)
        else:
            request.shell = None  # type: ignore[attr-defined]
            answer = _page(request, 503, _("稍等几秒"), _("没有打开。"), message, _("填过的内容在草稿里，刷新这一页。"))
        answer["Retry-After"] = "3"
        return answer


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: signed in, and not allowed. The exception's text, if any, says which right is missing."""
    why = str(exception) if exception and str(exception) else _("你的角色没有这项权限。")
    return _page(request, 403, _("这一页不给看"), _("没有打开。"), why, _("需要的话找系统管理员加权限。"))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: also for records outside the person's scope, which must look the same."""
    why = _("地址不对，或者这条记录不在你能看到的范围里。")
    return _page(request, 404, _("没有这一页"), _("没有找到。"), why, _("从列表里重新找一次。"))


def conflict(request: HttpRequest, why: str, now: str = "") -> HttpResponse:
    """409: the record has moved on since the page was opened."""
    return _page(request, 409, _("这条刚刚变了"), _("没有办成。"), why, now or _("回到记录看最新的样子，再办一次。"))


def failed(request: HttpRequest) -> HttpResponse:
    """500: our fault. The number stands in the log."""
    number = secrets.token_hex(4)
    log.error("error page %s for %s", number, request.path)
    why, now = _("系统内部出错，已经记下。"), _("再试一次；还不行，把错误编号告诉系统管理员。")
    return _page(request, 500, _("出错了"), _("没有办成，也没有办一半。"), why, now, number)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token has expired or is missing (settings.CSRF_FAILURE_VIEW)."""
    why = _("页面开得太久，或者期间重新登录过。")
    return _page(
        request, 403, _("这页过期了"), _("没有提交。"), why, _("返回上一页刷新后再提交，填过的内容还在草稿里。")
    )


def lockout(request: HttpRequest, until: datetime, attempts: int) -> HttpResponse:
    """Too many wrong passwords."""
    page = SimpleNamespace(until=until, attempts=attempts)
    return render(request, "account/lockout.html", {"page": page}, status=429)


def _page(request: HttpRequest, status: int, *words: str) -> HttpResponse:
    title, what, why, now, number = (*words, "")[:5]
    links = [SimpleNamespace(label=_("回工作台"), url="/")]
    page = SimpleNamespace(title=title, what=what, why=why, now=now, number=number or None, links=links)
    context: dict[str, Any] = {"page": page}
    if status >= 500:
        request.shell = None  # type: ignore[attr-defined]  # what failed may be the database
    return render(request, "error.html", context, status=status)
