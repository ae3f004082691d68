"""API tokens: shown once, stored as a digest, ended by expiry, revocation or the person's leaving."""

import hashlib
import secrets
from datetime import timedelta

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.people.models import Login, Token
from neiqin.kernel.people.scope import Actor

PREFIX = "nq_"
LIFE = timedelta(days=365)
# By hand, as every request of the API asks it: what Django needs to put it together takes longer than the answer.
_PERSON = """
SELECT t.id, l.person_id, t.used_on, (SELECT epoch FROM people_access LIMIT 1)
FROM people_token t JOIN people_login l ON l.id = t.login_id JOIN people_person p ON p.id = l.person_id
WHERE t.digest = %s AND (t.expires_at IS NULL OR t.expires_at > %s) AND l.is_active AND p.left_on IS NULL
"""


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
    with connection.cursor() as cursor:
        cursor.execute(_PERSON, [_digest(text), clock.now()])
        found = cursor.fetchone()
    if found is None:
        return None
    token, person, used_on, epoch = found
    if used_on != clock.today():
        Token.objects.filter(pk=token).update(used_on=clock.today())
    return person, epoch


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
