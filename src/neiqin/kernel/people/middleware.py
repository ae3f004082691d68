"""request.person: the acting person of this request, from the session or from a bearer token."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from neiqin.kernel import clock
from neiqin.kernel.people import tokens
from neiqin.kernel.people.actors import actor_of, at
from neiqin.kernel.people.authentication import address_of
from neiqin.kernel.people.safety import ADMINISTRATION, lacks_factor, password_is_old
from neiqin.kernel.people.scope import nobody
from neiqin.kernel.resources.shell import shell_of

SEEN_EVERY = 60
BY_ITSELF = "X-By-Itself"  # a page asks without anybody doing something: that is no presence
FACTOR = "/account/codes/"
OPEN = ("/account/password/", "/account/confirm/", "/logout/", "/login/", "/static/")


class PersonMiddleware:
    """Sets `request.person` (an Actor; without any right when anonymous) and ends idle or revoked sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.person = self._person(request)
        request.shell = lambda: shell_of(request)
        if page := self._first(request):
            return redirect(page)
        return self.get_response(request)

    def _first(self, request: Any) -> str:
        """The page that comes before anything else: a one-time or old password is changed, a sensitive post sets up
        its second factor; "" when the way is free."""
        if request.person.id is None or request.token_used or request.path.startswith(OPEN):
            return ""
        limits = request.person.limits
        if request.user.must_change or password_is_old(request.user, limits.password_days):
            return "account_change_password"
        if limits.factor and not request.path.startswith(FACTOR) and lacks_factor(request.user):
            return "mfa_activate_totp"
        return ""

    def _person(self, request: Any) -> Any:
        bearer = request.headers.get("Authorization", "")
        if bearer.startswith("Bearer "):
            request.token_used = True
            found = tokens.person_of(bearer[7:].strip())
            return at(actor_of(found[0], epoch=found[1]), address_of(request)) if found else nobody()
        request.token_used = False
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return nobody()
        login = request.user
        if not login.is_authenticated or login.person_id is None:
            return nobody()
        actor = actor_of(login.person_id, epoch=login.epoch)
        idle = settings.SESSION_IDLE_ADMIN if ADMINISTRATION & actor.scopes.keys() else settings.SESSION_IDLE
        if self._ended(request, login, idle):
            logout(request)
            return nobody()
        return at(actor, address_of(request))

    def _ended(self, request: Any, login: Any, idle: timedelta) -> bool:
        """Idle too long, or the login's sessions were ended. The moment last seen is stored once a minute at most."""
        now = clock.now()
        seen = request.session.get("seen")
        if request.session.get("stamp") != str(login.session_stamp):
            return True
        if seen and now - datetime.fromisoformat(seen) > idle:
            return True
        if request.headers.get(BY_ITSELF):
            return False
        if not seen or (now - datetime.fromisoformat(seen)).total_seconds() > SEEN_EVERY:
            request.session["seen"] = now.isoformat()
        return False
