"""The index: one row for each record that can be found by typing."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class SearchEntry(models.Model):
    """What finds a record (text.py), and whose it was when this was written. Derived, so left out of history.

    kind: the resource's key; version, updated_at: the record's; owner_id, unit_id: null for kinds without scope;
    format: of text.py, when it was written.
    """

    audited: ClassVar[bool] = False

    kind = models.TextField()
    record_id = models.BigIntegerField()
    owner_id = models.BigIntegerField(null=True)
    unit_id = models.BigIntegerField(null=True)
    version = models.IntegerField()
    updated_at = models.DateTimeField()
    format = models.SmallIntegerField()
    text = models.TextField()
    sound = models.TextField()
    tokens = ArrayField(models.IntegerField())

    class Meta:
        db_table = "search_entry"
        constraints = [models.UniqueConstraint(fields=["kind", "record_id"], name="search_entry_once")]
        indexes = [
            models.Index(fields=["kind", "-updated_at"], name="search_entry_newest"),
            models.Index(fields=["kind", "owner_id", "-updated_at"], name="search_entry_mine"),
        ]
