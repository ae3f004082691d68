"""Logins: given with a one-time password that is shown once, reset, unlocked. No password is ever in history."""

import secrets
import uuid
from typing import Annotated, Any

from django.contrib.auth.hashers import get_hasher

from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.actions import MANAGE
from neiqin.kernel.people.checks import beyond
from neiqin.kernel.people.models import HERE, Login, Person, Token

USERNAME = Field("username", "账号", "code", required=True, maxlength=60, help="登录时填的名字，常用姓名全拼")
# personal: so that it is in no history, and encrypted while it waits behind the gate
PASSWORD = Field("password", "一次性密码", required=True, personal=True)
LETTERS = ("abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKMNPQRSTUVWXYZ", "23456789")  # without 0 O 1 l I


def one_time_password() -> str:
    """Twelve letters and digits in three groups, easy to read out, of three classes."""
    while True:
        text = "-".join("".join(secrets.choice("".join(LETTERS)) for _ in range(4)) for _ in range(3))
        if all(set(text) & set(letters) for letters in LETTERS):
            return text


def one_time_hash(password: str) -> str:
    """The stored form of a one-time password. Its 69 random bits cannot be guessed however fast the guesser, so that
    500 logins need not take 500 times the slow hash; it is made slow when the person sets a password of her own."""
    hasher: Any = get_hasher()
    return hasher.encode(password, hasher.salt(), **({"iterations": 10_000} if hasattr(hasher, "iterations") else {}))


@action(Person, "开账号", may=MANAGE, from_=HERE, event="login_created", icon="key", button=False, bulk=False)
def create_login(
    people: Batch[Person], *, username: Annotated[str, USERNAME], password: Annotated[str, PASSWORD]
) -> None:
    """A login for somebody who has none."""
    username = username.lower()
    people.refuse(beyond(people.by, people))
    having = set(Login.objects.filter(person_id__in=people.ids).values_list("person_id", flat=True))
    people.refuse({p: Refusal("已经有账号了，忘了密码就重置。") for p in people.ids if p in having})
    if Login.objects.filter(username=username).exists():
        people.refuse(dict.fromkeys(people.ids, Refusal(f"账号「{username}」已经有人用，换一个。", "username")))
    for person in people:
        login = Login(username=username, person=person, must_change=True, password=one_time_hash(password))
        login.save()
    people.tell({key: {"note": username} for key in people.ids})
    people.unchanged_but_told()


@action(Person, "重置密码", may=MANAGE, from_=HERE, event="password_reset", icon="key", button=False, bulk=False)
def reset_password(people: Batch[Person], *, password: Annotated[str, PASSWORD]) -> None:
    """A new one-time password; sessions and tokens of the old one end at once. Also lets a returned person in again."""
    people.refuse({p: r for p, r in beyond(people.by, people).items() if p != people.by.id})
    logins = {x.person_id: x for x in Login.objects.filter(person_id__in=people.ids)}
    people.refuse({p: Refusal("还没有账号，先开账号。") for p in people.ids if p not in logins})
    for person in people:
        login = logins[person.pk]
        login.is_active, login.must_change, login.failures, login.locked_until = True, True, 0, None
        login.session_stamp = uuid.uuid4()
        login.password = one_time_hash(password)
        login.save()
    Token.objects.filter(login__person_id__in=people.ids).delete()
    people.unchanged_but_told()


@action(Person, "解锁", may=MANAGE, event="login_unlocked", icon="lock-open", button=False, bulk=False)
def unlock(people: Batch[Person]) -> None:
    """Lets a login that was locked after failures try again now."""
    locked = Login.objects.filter(person_id__in=people.ids).exclude(locked_until=None)
    known = set(locked.values_list("person_id", flat=True))
    people.refuse({p: Refusal("没有锁着，不用解。") for p in people.ids if p not in known})
    locked.update(failures=0, locked_until=None)
    people.unchanged_but_told()
