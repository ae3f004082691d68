"""Units, positions, persons, roles and grants; logins and tokens apart from persons; owned records."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from neiqin.kernel.actions.models import Line, Record
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.fields.formats import pinyin_key

HERE, GONE = "here", "gone"


class Named(Record):
    """A record sorted by the pinyin of its name (the server has no collation that knows it)."""

    name = models.CharField("名称", max_length=100)
    pinyin = models.CharField(max_length=300, default="")

    class Meta:
        abstract = True

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        for record in records:
            record.pinyin = pinyin_key(record.name)[:300]
        return super().derive(records, batch)

    def __str__(self) -> str:
        return self.name


class Unit(Named):
    """A unit of the organisation; `parent` is the present one, the dated tree is in UnitPlace (C-ORG-01)."""

    VIEW = "people.view"

    code = models.CharField(max_length=30, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    leader = models.ForeignKey("Person", models.PROTECT, null=True, related_name="+")
    closed_on = models.DateField(null=True)


class UnitPlace(Line):
    """Where a unit hung in the tree, from and until (exclusive) which day."""

    parent = "unit"

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="+")
    above = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField(null=True)


class Position(Named):
    """An entry of the position catalogue (C-ORG-02). rank: 10 leader … 90 clerk; smaller is higher."""

    VIEW = "people.view"

    code = models.CharField(max_length=30, unique=True)
    rank = models.IntegerField(default=50)
    owns_key_customers = models.BooleanField(default=False)  # C-CUS-11
    sensitive = models.BooleanField(default=False)  # C-SEC-05: its holders work with a second factor only


class Duty(Line):
    """One version of a position's written duties. Published versions never change; the highest is in force."""

    parent = "position"

    position = models.ForeignKey(Position, models.CASCADE, related_name="duties")
    number = models.IntegerField()
    text = models.TextField()
    published_at = models.DateTimeField()
    published_by = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["position", "number"], name="people_duty_once")]


class DutyReading(Line):
    """A holder's signature under one version of the duties."""

    parent = "duty"

    duty = models.ForeignKey(Duty, models.CASCADE, related_name="readings")
    person = models.ForeignKey("Person", models.CASCADE, related_name="+")
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["duty", "person"], name="people_reading_once")]


class Role(Named):
    """A named set of grants; positions carry roles, persons do not (C-ORG-10)."""

    VIEW = "people.view"

    code = models.CharField(max_length=30, unique=True)


class Grant(Line):
    """role x permission -> scope."""

    parent = "role"

    class Scope(models.TextChoices):
        OWN = "own", "本人"
        UNIT = "unit", "本部门"
        BELOW = "below", "本部门及下级"
        ALL = "all", "全部"

    role = models.ForeignKey(Role, models.CASCADE, related_name="grants")
    permission = models.CharField(max_length=80)
    scope = models.CharField(max_length=10, choices=Scope)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "permission"], name="people_grant_once"),
            models.CheckConstraint(condition=Q(scope__in=["own", "unit", "below", "all"]), name="people_grant_scope"),
        ]


class PositionRole(Line):
    """Which roles a position carries."""

    parent = "position"

    position = models.ForeignKey(Position, models.CASCADE, related_name="roles")
    role = models.ForeignKey(Role, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["position", "role"], name="people_position_role_once")]


class Person(Named):
    """A member of staff, with or without a login. unit and position are the present main appointment's."""

    VIEW = "people.view"

    STATES: ClassVar[tuple[Choice, ...]] = (Choice(HERE, "在职"), Choice(GONE, "离职"))

    staff_no = models.CharField(max_length=30, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    position = models.ForeignKey(Position, models.PROTECT, related_name="+")
    left_on = models.DateField(null=True)
    theme = models.CharField(max_length=10, default="auto")
    density = models.CharField(max_length=10, default="normal")

    class Meta:
        indexes = [models.Index(fields=["pinyin", "id"], name="people_person_pinyin")]

    @property
    def state(self) -> str:
        """Here or gone: what actions on persons depend on."""
        return HERE if self.left_on is None else GONE

    @classmethod
    def visible_to(cls, person: Any, permission: str = "") -> Q:
        """Everybody sees at least himself: his settings and his signatures need no right."""
        if permission not in ("", cls.VIEW) or person.may(cls.VIEW):
            return super().visible_to(person, permission)
        return Q(pk=person.id)


class Appointment(Line):
    """Who holds which position in which unit, from and until (exclusive) which day; `main` once at a time."""

    parent = "person"

    person = models.ForeignKey(Person, models.CASCADE, related_name="appointments")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    position = models.ForeignKey(Position, models.PROTECT, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField(null=True)
    main = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until_on=None) | Q(until_on__gt=F("from_on")), name="people_appointment_span"
            ),
        ]


class WorksFor(Line):
    """An assistant works for a person: she sees and creates what is his; ownership stays his."""

    parent = "assistant"

    assistant = models.ForeignKey(Person, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField(null=True)


class Delegation(Line):
    """The giver's rights for the taker, for some days; an empty list of permissions means all of them. most: approvals
    up to this amount, incl. tax; empty: of any."""

    parent = "giver"

    giver = models.ForeignKey(Person, models.CASCADE, related_name="+")
    taker = models.ForeignKey(Person, models.CASCADE, related_name="+")
    permissions = models.JSONField(default=list)
    from_on = models.DateField()
    until_on = models.DateField()
    reason = models.CharField(max_length=200, default="")
    most = models.DecimalField(max_digits=18, decimal_places=2, null=True)


class Collaborator(Line):
    """A person who was let in on one record of any kind."""

    model = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "model", "record_id"], name="people_collaborator_once")
        ]
        indexes = [models.Index(fields=["model", "record_id"], name="people_collaborator_record")]


class Safety(Record):
    """How safe signing in and reading are to be: one row (practice.md 7.3, C-SEC-03, C-SEC-05).

    admin_addresses: networks from which administration is done, empty for everywhere; reads_an_hour: files that a
    person opens in an hour before somebody is told; reads_stop: beyond that no more are shown; reviewed_on: when the
    rights were last gone through.
    """

    VIEW = "people.rights"

    name = models.CharField(max_length=20, default="登录安全")
    password_days = models.IntegerField(default=90)
    admin_addresses = models.CharField(max_length=500, default="", blank=True)
    reads_an_hour = models.IntegerField(default=200)
    reads_stop = models.BooleanField(default=False)
    review_days = models.IntegerField(default=180)
    reviewed_on = models.DateField(null=True)

    def __str__(self) -> str:
        return self.name


class Access(models.Model):
    """One row: a counter that a trigger raises whenever anything that decides rights changes."""

    audited: ClassVar[bool] = False

    epoch = models.BigIntegerField(default=0)


class LoginManager(BaseUserManager["Login"]):
    def get_by_natural_key(self, username: str | None) -> "Login":
        return self.get(username=username)

    def create_user(self, username: str, password: str, person: Person | None = None) -> "Login":
        """A login; the person may be none for technical accounts."""
        login = Login(username=username, person=person)
        login.set_password(password)
        login.save()
        return login


class Login(AbstractBaseUser):
    """How somebody gets in. Kept apart from the person: a login can end while the person's records stay."""

    audited: ClassVar[bool] = False  # password hashes and failure counters do not belong into history; logins are noted

    username = models.CharField("账号", max_length=60, unique=True)
    person = models.OneToOneField(Person, models.CASCADE, null=True, related_name="login")
    email = models.EmailField(default="", blank=True)
    is_active = models.BooleanField(default=True)
    failures = models.IntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    session_stamp = models.UUIDField(default=uuid.uuid4)  # a new one ends all sessions
    password_changed_at = models.DateTimeField(null=True)
    must_change = models.BooleanField(default=False)  # a one-time password: nothing else is shown until it is changed

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = LoginManager()

    def get_full_name(self) -> str:
        return self.person.name if self.person else self.username


class OldPassword(models.Model):
    """The stored form of a password that a login has had: the last five are not used again."""

    audited: ClassVar[bool] = False

    login = models.ForeignKey(Login, models.CASCADE, related_name="+")
    password = models.CharField(max_length=128)


class Token(models.Model):
    """A key to the API for one login; only its digest is stored."""

    audited: ClassVar[bool] = False

    login = models.ForeignKey(Login, models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=60, default="")
    digest = models.BinaryField(unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    used_on = models.DateField(null=True)
