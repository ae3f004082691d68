"""The first minute of an installation: whoever holds the start code becomes its administrator.

The code is a file in the data folder, made with the tables and printed by `neiqin up`: who can read it could read the
database too. It is gone once the first login exists.
"""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.fields.formats import BadFormat, clean_text, pinyin_key
from neiqin.kernel.people.models import Appointment, Login, Person, Unit, UnitPlace
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.company import presets

ADMINISTRATOR, SUPERVISOR = "administrator", "office_supervisor"
FIELDS = {"company": ("公司简称", 60), "name": ("姓名", 40), "username": ("账号", 60)}


class Wrong(ValueError):
    """What was filled in cannot be used. problems: field -> Chinese sentence."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("；".join(problems.values()))
        self.problems = problems


def is_new() -> bool:
    """Whether nobody can sign in yet."""
    return not Login.objects.exists()


def prepare_code() -> None:
    """Have a start code while there is no login, and none afterwards."""
    if not is_new():
        settings.START_CODE.unlink(missing_ok=True)
    elif not settings.START_CODE.exists():
        settings.START_CODE.touch(mode=0o600)
        settings.START_CODE.write_text(secrets.token_urlsafe(12))


def code_fits(code: str) -> bool:
    """Whether this is the start code of an installation without logins."""
    try:
        wanted = settings.START_CODE.read_text()
    except FileNotFoundError:
        return False
    return is_new() and secrets.compare_digest(code.encode(), wanted.encode())


def open_company(given: dict[str, str], *, alone: bool, address: str | None) -> Login:
    """Make the topmost unit, the positions of the regulations, and the first administrator with a login.

    given: company, name, username, password; alone: she also does the office's work, as in a small company.
    Raises Wrong; two at once: the second one finds a login.
    """
    clean = _checked(given)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE people_login IN SHARE ROW EXCLUSIVE MODE")
        if not is_new():
            raise Wrong({"": "已经有管理员了，直接登录。"})
        history.begin("company.opened", by=SYSTEM, source="web")
        login = _make(clean, alone)
        history.note("login.first", by=SYSTEM, source="web", address=address, params={"login": login.username})
    settings.START_CODE.unlink(missing_ok=True)
    return login


def _checked(given: dict[str, str]) -> dict[str, str]:
    problems, clean = {}, {"password": given["password"]}
    for field, (label, most) in FIELDS.items():
        try:
            clean[field] = clean_text(given[field], most)
        except BadFormat as error:
            problems[field] = str(error)
        else:
            if not clean[field]:
                problems[field] = f"「{label}」没有填。"
    try:
        validate_password(given["password"], Login(username=given["username"]))
    except ValidationError as error:
        problems["password"] = "".join(error.messages)
    if given["password"] != given["again"]:
        problems["again"] = "两次填的密码不一样。"
    if problems:
        raise Wrong(problems)
    return clean


def _make(given: dict[str, str], alone: bool) -> Login:
    today, stamps = clock.today(), {"created_at": clock.now(), "updated_at": clock.now()}
    unit = Unit.objects.create(code="1", name=given["company"], pinyin=pinyin_key(given["company"]), **stamps)
    UnitPlace.objects.create(unit=unit, above=None, from_on=today)
    positions = presets.load()
    person = Person.objects.create(
        staff_no="1", name=given["name"], pinyin=pinyin_key(given["name"], person=True), unit=unit,
        position=positions[ADMINISTRATOR], **stamps,
    )  # fmt: skip
    held: list[tuple[str, bool]] = [(ADMINISTRATOR, True), *([(SUPERVISOR, False)] if alone else [])]
    Appointment.objects.bulk_create(
        Appointment(person=person, unit=unit, position=positions[code], from_on=today, main=main) for code, main in held
    )
    login: Any = Login(username=given["username"].lower(), person=person, password_changed_at=clock.now())
    login.set_password(given["password"])
    login.save()
    return login
