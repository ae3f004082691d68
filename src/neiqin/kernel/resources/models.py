"""What a person keeps for himself about lists and forms. Working state, not business: left out of history."""

from typing import ClassVar

from django.db import models


class SavedView(models.Model):
    """A named filter and sort of one list: the query part of its address. shared: everybody may use it."""

    audited: ClassVar[bool] = False

    person_id = models.BigIntegerField()
    resource = models.CharField(max_length=80)
    name = models.CharField(max_length=20)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person_id", "resource", "name"], name="resources_view_once")]


class Layout(models.Model):
    """Which columns a person sees in a list, in which order and width."""

    audited: ClassVar[bool] = False

    person_id = models.BigIntegerField()
    resource = models.CharField(max_length=80)
    columns = models.JSONField(default=list)
    widths = models.JSONField(default=dict)
    size = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person_id", "resource"], name="resources_layout_once")]


class Reading(models.Model):
    """That a person opened a record with personal data in it, once an hour. Kept for as long as the law wants access
    logs to be (网络安全法, six months)."""

    audited: ClassVar[bool] = False

    person_id = models.BigIntegerField()
    hour = models.DateTimeField()
    model = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_id", "hour", "model", "record_id"], name="resources_reading_once")
        ]
        indexes = [models.Index(fields=["hour"], name="resources_reading_hour")]


class Draft(models.Model):
    """A form not yet saved, encrypted because it may hold personal data. record_id 0: a new record."""

    sealed: ClassVar = ("body",)

    audited: ClassVar[bool] = False

    person_id = models.BigIntegerField()
    resource = models.CharField(max_length=80)
    record_id = models.BigIntegerField(default=0)
    body = models.BinaryField()
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_id", "resource", "record_id"], name="resources_draft_once")
        ]
