"""What is known of stored files, and which record they hang on. Bodies lie encrypted in the data folder, never here."""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class StoredFile(models.Model):
    """One body, never changed once stored. `place` is its random name on disk; sha256 is of the body as given."""

    place = models.CharField(max_length=40, unique=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=80)  # the media type its content shows, not the one it claims
    person_id = models.BigIntegerField(null=True)
    stored_at = models.DateTimeField()
    damaged_at = models.DateTimeField(null=True)  # when it was first found not to be what was stored

    def __str__(self) -> str:
        return self.name


class Attachment(models.Model):
    """One version of a file of a record. `kind` is the record's resource; versions of one file share their `group`.

    Hash and size stand here too, so that history and its seals know them. Once filed (归档) the row can never change
    again: the database refuses it.
    """

    audited: ClassVar[bool] = True

    kind = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    group = models.UUIDField()
    number = models.IntegerField()
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=20, default="")
    note = models.CharField(max_length=200, default="")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")  # null: removed and swept
    added_at = models.DateTimeField()
    added_by = models.BigIntegerField(null=True)
    filed_at = models.DateTimeField(null=True)
    filed_by = models.BigIntegerField(null=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "number"], name="files_attachment_version"),
            models.CheckConstraint(
                condition=Q(filed_at=None) | Q(removed_at=None, file__isnull=False), name="files_attachment_filed_stays"
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "record_id"], name="files_attachment_of"),
            models.Index(fields=["removed_at"], condition=Q(removed_at__isnull=False), name="files_attachment_removed"),
        ]

    def __str__(self) -> str:
        return self.name
