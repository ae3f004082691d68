"""API tokens: shown once, stored as a digest, ended by expiry, revocation or the person's leaving."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q, Subquery

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.people.models import Access, Login, Token
from neiqin.kernel.people.scope import Actor

PREFIX = "nq_"
LIFE = timedelta(days=365)


def issue(username: str, label: str = "") -> str:
    """A new token for this login, valid for a year. Raises LookupError if there is no such login."""
    login = Login.objects.filter(username=username, is_active=True).first()
    if login is None:
        raise LookupError(f"没有账号「{username}」，或已停用。")
    text = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    Token.objects.create(login=login, label=label, digest=_digest(text), created_at=now, expires_at=now + LIFE)
    history.note(
        "token.issued", by=Actor(login.person_id, ""), source="cli", params={"login": username, "label": label}
    )
    return text


def person_of(text: str) -> tuple[int, int] | None:
    """The person behind a token and the rights' present epoch, in one query; None if the token is unknown or expired,
    or the person may not come in any more."""
    found = (
        Token.objects.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()), digest=_digest(text))
        .filter(login__is_active=True, login__person__left_on=None)
        .values_list("id", "login__person_id", "used_on", Subquery(Access.objects.values("epoch")[:1]))
    )
    if not (rows := list(found[:1])):
        return None
    token, person, used_on, epoch = rows[0]
    if used_on != clock.today():
        Token.objects.filter(pk=token).update(used_on=clock.today())
    return person, epoch


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
