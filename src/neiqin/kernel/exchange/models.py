"""An import on its way: the file, how its columns are read, its documents part by part, and what became of them.

Technical tables: what an import does to records is in their history, as runs of its person. Cells may be personal, so
they lie sealed; with the import they are deleted after a while.
"""

from typing import ClassVar

from django.db import models

from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes

READING, MAPPING, CHECKING, READY = "reading", "mapping", "checking", "ready"
WRITING, STOPPED, DONE = "writing", "stopped", "done"
UNDOING, UNDONE, FAILED = "undoing", "undone", "failed"
STATES = (READING, MAPPING, CHECKING, READY, WRITING, STOPPED, DONE, UNDOING, UNDONE, FAILED)
WORKING = (READING, CHECKING, WRITING, UNDOING)  # a job is at it
NEW, UPDATE, SKIP, BAD = "new", "update", "skip", "bad"
VERDICTS = (NEW, UPDATE, SKIP, BAD)


class Import(models.Model):
    """One file on its way into one kind of record.

    columns: the headers in order; mapping: target path by column number; totals: money sums by target path and verdict
    (and `file`: the file's own total row); done of total: documents the present step has gone through.
    """

    sealed: ClassVar = ("peek",)

    resource = models.CharField(max_length=60)
    person_id = models.BigIntegerField()
    file = models.ForeignKey("files.StoredFile", models.PROTECT, related_name="+")
    sheet = models.CharField(max_length=100, default="")
    mode = models.CharField(max_length=10, default="new")
    state = models.CharField(max_length=10, default=READING)
    sentence = models.TextField(default="")  # why it failed, or what the reader noticed
    notes = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    signature = models.CharField(max_length=64, default="")
    mapping = models.JSONField(default=dict)
    peek = models.BinaryField(default=bytes)  # the first rows, sealed
    counts = models.JSONField(default=dict)
    totals = models.JSONField(default=dict)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    written_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(state__in=STATES), name="exchange_import_state")]
        indexes = [models.Index(fields=["person_id", "-id"], name="exchange_import_mine")]

    def __str__(self) -> str:
        return f"{self.resource} {self.pk}"


class Part(models.Model):
    """Some hundred documents of an import, sealed; the unit that is checked, written and undone at once."""

    sealed: ClassVar = ("body",)

    imp = models.ForeignKey(Import, models.CASCADE, related_name="parts")
    n = models.IntegerField()
    body = models.BinaryField()
    bad = models.IntegerField(default=0)
    warned = models.IntegerField(default=0)
    written = models.BooleanField(default=False)
    undone = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["imp", "n"], name="exchange_part_once")]


class Remembered(models.Model):
    """How the columns of a kind of file were read the last time: by its signature, the hash of its headers."""

    resource = models.CharField(max_length=60)
    signature = models.CharField(max_length=64)
    headers = models.JSONField()
    mapping = models.JSONField()  # header -> target path
    person_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resource", "signature"], name="exchange_remembered_once")]


class ExportRequest(OwnedRecord):
    """Who has exported what, for which purpose; it stays when the file is long gone. rows: how many records when it was
    asked for; filter: in words."""

    VIEW = "exchange.requests"
    LEFT_BEHIND = False

    kind = models.CharField(max_length=60)
    label = models.CharField(max_length=60)
    rows = models.IntegerField()
    filter = models.TextField(default="")
    form = models.CharField(max_length=5)
    full = models.BooleanField(default=False)
    purpose = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        indexes = scoped_indexes("exportrequest", "created_at")

    def __str__(self) -> str:
        return self.purpose or self.label


class Export(models.Model):
    """One list on its way into a file. query: the list's address; file: when it is there."""

    request = models.ForeignKey(ExportRequest, models.PROTECT, null=True, related_name="+")

    resource = models.CharField(max_length=60)
    person_id = models.BigIntegerField()
    query = models.TextField()
    columns = models.JSONField()
    form = models.CharField(max_length=5)  # xlsx, csv
    purpose = models.TextField(default="")
    state = models.CharField(max_length=10, default=WRITING)
    sentence = models.TextField(default="")
    done = models.IntegerField(default=0)
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=(WRITING, DONE, FAILED)), name="exchange_export_state")
        ]
        indexes = [models.Index(fields=["person_id", "-id"], name="exchange_export_mine")]
