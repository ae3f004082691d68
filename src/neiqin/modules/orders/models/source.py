"""Where the pulling of platform files stands, for each place they come from."""

from typing import ClassVar

from django.db import models


class PullSource(models.Model):
    """marks: key -> mark of the files that were taken (sources/connector.py); problem: "" while all is well."""

    audited: ClassVar[bool] = False

    name = models.CharField(max_length=60, unique=True)
    marks = models.JSONField(default=dict)
    problem = models.TextField(default="")
    failures = models.SmallIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
