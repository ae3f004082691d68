"""History (runs, events, changes, seals) and the base of every business record.

Run, Event and Change are partitioned by month and written in sql/history.sql; Django only reads and inserts them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q


@dataclass(frozen=True)
class ScopeKeys:
    """How a person's rows are found key by key: column -> values; shared: SQL that yields further record ids."""

    columns: dict[str, list[int]]
    shared: tuple[str, list[Any]] | None = None


class Record(models.Model):
    """A business object. Every action on it or its lines adds one to `version`; effects never do.

    Class attributes a model may set: `audited` (False leaves its table out of the history) `VIEW` (the permission that
    lets a person see rows) and `ABSENT` (what is said of a record that is not there for a person).
    """

    audited: ClassVar[bool] = True
    VIEW: ClassVar[str] = ""
    ABSENT: ClassVar[str] = "找不到这条记录：可能已删除，或不在你能看到的范围内。"

    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        abstract = True

    @classmethod
    def view_permission(cls) -> str:
        """The permission codename that shows rows of this model, `<app>.view` unless the model says otherwise."""
        return cls.VIEW or f"{cls._meta.app_label}.view"

    @classmethod
    def visible_to(cls, person: Any, permission: str = "") -> Q:
        """The condition for the rows on which `person` holds `permission` (default: may see)."""
        wanted = permission or cls.view_permission()
        return Q() if person.may(wanted) and not person.only_lent(wanted) else Q(pk__in=[])

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """Fill computed columns of unsaved records, set-wise. Returns refusals by position in `records`."""
        return {}

    @classmethod
    def scope_keys(cls, person: Any, permission: str = "") -> ScopeKeys | None:
        """How listing finds the person's rows key by key; None: all rows of the table."""
        wanted = permission or cls.view_permission()
        return None if person.may(wanted) and not person.only_lent(wanted) else ScopeKeys({})


class Line(models.Model):
    """A row that belongs to a root record: no version of its own, seen and locked through its root.

    parent: the name of its foreign key to the root.
    """

    audited: ClassVar[bool] = True
    parent: ClassVar[str] = ""

    class Meta:
        abstract = True

    @classmethod
    def derive(cls, rows: Any, batch: Any) -> dict[int, Any]:
        """Fill computed columns of unsaved rows, set-wise."""
        return {}


class StoredJSON(models.JSONField):
    """A column of type json (not jsonb), which the driver has parsed already."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value


class Run(models.Model):
    """One call of an action by a person, or one direct edit of the database."""

    at = models.DateTimeField()
    action = models.TextField()
    person_id = models.BigIntegerField(null=True)
    behalf_id = models.BigIntegerField(null=True)
    source = models.TextField(default="")
    address = models.GenericIPAddressField(null=True)
    request_key = models.TextField(null=True)
    params = StoredJSON(null=True)
    rules = StoredJSON(null=True)
    held_id = models.BigIntegerField(null=True)
    count = models.IntegerField(default=0)

    class Meta:
        managed = False
        db_table = "actions_run"


class Event(models.Model):
    """One record's part in a run: what happened to it, states before and after."""

    at = models.DateTimeField()
    run_id = models.BigIntegerField()
    name = models.TextField()
    model = models.TextField()
    record_id = models.BigIntegerField()
    before = models.TextField(null=True)
    after = models.TextField(null=True)
    data = StoredJSON(null=True)

    class Meta:
        managed = False
        db_table = "actions_event"


class Change(models.Model):
    """The row-level before and after that the database itself recorded under a run."""

    at = models.DateTimeField()
    run_id = models.BigIntegerField()
    tbl = models.TextField()
    row_id = models.BigIntegerField()
    op = models.CharField(max_length=1)
    before = StoredJSON(null=True)
    after = StoredJSON(null=True)

    class Meta:
        managed = False
        db_table = "actions_change"


class Era(models.Model):
    """A span in which transaction ids only grow; a restore opens the next one."""

    opened_at = models.DateTimeField()
    reason = models.TextField()
    first_run = models.BigIntegerField()
    first_event = models.BigIntegerField()
    first_change = models.BigIntegerField()


class Seal(models.Model):
    """A link of the chain over all history rows with xid_from <= xid < xid_to of its era."""

    era = models.ForeignKey(Era, models.PROTECT, related_name="+")
    xid_from = models.BigIntegerField()
    xid_to = models.BigIntegerField()
    sealed_at = models.DateTimeField()
    rows = models.IntegerField()
    leaves = models.BinaryField()
    hash = models.BinaryField()


class Redaction(models.Model):
    """A row of history from whose texts a person's words were taken, and its digest since. Proof is not this row but
    the change that the database recorded of it, which a seal covers."""

    audited: ClassVar[bool] = True

    table = models.TextField()
    row = models.BigIntegerField()
    digest = models.CharField(max_length=32)  # hexadecimal


class Request(models.Model):
    """An answered request key: the same call again gives the same answer and no second effect."""

    person_id = models.BigIntegerField()
    key = models.CharField(max_length=80)
    body = models.BinaryField()
    at = models.DateTimeField()
    outcome = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person_id", "key"], name="actions_request_once")]


class Held(models.Model):
    """A run that waits behind the gate, with its parameters (encrypted: they may be personal) and record versions.
    passed: the keepers that have let it through or hold it now."""

    sealed: ClassVar = ("params",)

    action = models.TextField()
    person_id = models.BigIntegerField()
    versions = models.JSONField()
    params = models.BinaryField()
    reason = models.TextField()
    passed = models.JSONField(default=list)
    held_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True)


class Cursor(models.Model):
    """How far a reaction has read the events: all transactions below `xid` of the era are done."""

    name = models.TextField(unique=True)
    era_id = models.BigIntegerField()
    xid = models.BigIntegerField()
    failures = models.IntegerField(default=0)
    problem = models.TextField(default="")
