"""Getting in: password rules, lock after failures, allauth's adapter, and what is noted about it (practice.md 7.3)."""

import re
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db.models import F, Subquery
from django.http import HttpRequest

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.models import Run
from neiqin.kernel.people.models import Access, Login, OldPassword, Person
from neiqin.kernel.people.scope import Actor

FAILURES = 5
LOCKED_FOR = timedelta(minutes=30)
TRYING_OUT, MOST_FAILED = timedelta(minutes=10), 30  # from one address, behind which a whole office may sit
LENGTH = 10
REMEMBERED = 5
CLASSES = (r"[a-z]", r"[A-Z]", r"\d", r"[^a-zA-Z\d]")


class PasswordRules:
    """At least 10 characters of 3 out of 4 classes, without the login or the person's name."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError with a Chinese sentence."""
        if len(password) < LENGTH:
            raise ValidationError(f"密码有 {len(password)} 位，至少要 {LENGTH} 位。")
        if sum(bool(re.search(c, password)) for c in CLASSES) < 3:
            raise ValidationError("密码要有小写、大写、数字、符号里的三种。")
        if user is not None and user.username and user.username.lower() in password.lower():
            raise ValidationError("密码里不能有账号。")
        if user is not None and user.pk and _was_used(user, password):
            raise ValidationError(f"最近 {REMEMBERED} 次用过这个密码，换一个。")

    def get_help_text(self) -> str:
        return f"至少 {LENGTH} 位，小写、大写、数字、符号里要有三种。"


def _was_used(login: Login, password: str) -> bool:
    used = [login.password, *_old(login).values_list("password", flat=True)[: REMEMBERED - 1]]
    return any(check_password(password, stored) for stored in used if stored)


def _old(login: Login) -> Any:
    return OldPassword.objects.filter(login=login).order_by("-pk")


class LoginBackend(ModelBackend):
    """Checks a password, counts failures and locks; loads login, person and the rights' epoch in one query."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Any:
        """The login, or None. Five failures lock it for 30 minutes, also for the right password."""
        login = Login.objects.filter(username=(username or "").strip().lower()[:60]).select_related("person").first()
        address = address_of(request)
        if login is None or password is None or "\0" in password:
            make_password(password)  # the same time for unknown logins
            history.note(
                "login.failed",
                by=None,
                source="web",
                address=address,
                params={"login": (username or "")[:60].replace("\0", "")},
            )
            return None
        if login.locked_until and login.locked_until > clock.now():
            return None
        if login.check_password(password) and self.user_can_authenticate(login):
            Login.objects.filter(pk=login.pk).update(failures=0, locked_until=None)
            history.note("login", by=_as_actor(login), source="web", address=address)
            return login
        _count_failure(login, address)
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        return user.is_active and (user.person is None or user.person.left_on is None)

    def get_user(self, user_id: int) -> Login | None:
        epoch = Subquery(Access.objects.values("epoch")[:1])
        login = Login.objects.select_related("person").annotate(epoch=epoch).filter(pk=user_id).first()
        return login if login is not None and self.user_can_authenticate(login) else None


def _count_failure(login: Login, address: str | None) -> None:
    row = Login.objects.filter(pk=login.pk)
    row.update(failures=F("failures") + 1)  # several at once are several
    locked = row.values_list("failures", flat=True).get() >= FAILURES
    if locked:
        row.update(failures=0, locked_until=clock.now() + LOCKED_FOR)
    history.note("login.locked" if locked else "login.failed", by=_as_actor(login), source="web", address=address)


def _is_trying_out(address: str | None) -> bool:
    since = clock.now() - TRYING_OUT
    failed = Run.objects.filter(action="login.failed", at__gte=since, address=address)
    return len(failed.order_by("-pk").values_list("pk")[:MOST_FAILED]) >= MOST_FAILED


def _as_actor(login: Login) -> Actor:
    return Actor(login.person_id, login.get_full_name())


def address_of(request: HttpRequest | None) -> str | None:
    """The caller's address: behind a proxy that we were told to believe, the last one that it did not add itself."""
    if request is None:
        return None
    near = request.META.get("REMOTE_ADDR") or None
    if near not in settings.PROXIES:
        return near
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    far = next((hop for hop in reversed(hops) if hop and hop not in settings.PROXIES), "")
    try:
        return str(ip_address(far))
    except ValueError:
        return near


class AccountAdapter(DefaultAccountAdapter):
    """allauth: nobody signs up by himself; the sentence under a failed login is ours."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "账号或密码不对。连错 5 次锁定 30 分钟，忘了密码找管理员重置。",
        "incorrect_code": "验证码不对，看一眼手机上的新码再填。",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """One address that tries many logins is held up before any password is looked at."""
        if _is_trying_out(address_of(request)):
            raise ValidationError(f"这个地址十分钟里输错了 {MOST_FAILED} 次密码，先停一停，十分钟后再登录。")

    def login(self, request: HttpRequest, user: Any) -> None:
        super().login(request, user)
        request.session["stamp"] = str(user.session_stamp)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def set_password(self, user: Any, password: str) -> None:
        if user.pk and user.password:
            OldPassword.objects.create(login=user, password=user.password)
            kept = list(_old(user).values_list("pk", flat=True)[: REMEMBERED - 1])
            OldPassword.objects.filter(login=user).exclude(pk__in=kept).delete()
        user.password_changed_at, user.must_change = clock.now(), False
        super().set_password(user, password)


class MfaAdapter(DefaultMFAAdapter):
    """allauth's second factor, with our sentences."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "验证码不对，看一眼手机上的新码再填。",
    }


def end_sessions(person: Person) -> None:
    """End all sessions of a person at once: their stamp no longer fits."""
    import uuid

    Login.objects.filter(person=person).update(session_stamp=uuid.uuid4())


def code_fits(person_id: int | None, code: str) -> str:
    """Why a code is not this person's second factor of now; "" if it is. Each code counts once."""
    found = Authenticator.objects.filter(user__person_id=person_id, type=Authenticator.Type.TOTP).first()
    if found is None:
        return "这一件要两步验证才能批。先在「设置」里打开两步验证，再来批。"
    if not code:
        return "这一件金额大，要填验证器上的六位动态码。"
    return "" if found.wrap().validate_code(code.strip()) else "动态码不对，或已经用过。等下一个再填。"
