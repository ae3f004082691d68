"""Request keys: the same call again gets the answer it got, and has no second effect."""

import hashlib
from typing import Any

import orjson
from django.db import connection

from neiqin.kernel.actions.models import Request
from neiqin.kernel.actions.refusals import KeyReused, Outcome


def digest(call: Any) -> bytes:
    """What the call asks for, so that its key is not used for another one."""
    body = orjson.dumps(
        [call.action.code, call.ids, call.params, call.rows, *sorted(call.confirmed)],
        default=str,
        option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
    )
    return hashlib.sha256(body).digest()


def kept_answer(call: Any, digest: bytes | None) -> Outcome:
    """The answer that was given under this key. Raises KeyReused if it was for another call."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body, outcome FROM actions_request WHERE person_id = %s AND key = %s", [call.by.id or 0, call.key]
        )
        body, outcome = cursor.fetchone()
    if bytes(body) != digest:
        raise KeyReused("这个请求号已经用在另一次操作上，换一个再提交。")
    return Outcome.from_json(orjson.loads(outcome) if isinstance(outcome, str) else outcome)


def answered(key: str, by: Any) -> Outcome | None:
    """The answer a person's call of this key got, whatever it asked for; None if there was none.

    For work that is taken up again after a kill and can no longer tell word for word what it had asked.
    """
    found = Request.objects.filter(person_id=by.id or 0, key=key, outcome__isnull=False).first()
    return Outcome.from_json(found.outcome) if found and found.outcome else None
