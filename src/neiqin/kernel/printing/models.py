"""How often something was printed, how a person's printer is off, and big prints on their way. Technical tables."""

from django.db import models
from django.db.models import Q

WORKING, DONE, FAILED = "working", "done", "failed"


class Count(models.Model):
    """How often a record was printed on a form. That and when it was is told in the record's history."""

    kind = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    form = models.CharField(max_length=60)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "record_id", "form"], name="printing_count_once")]

    def __str__(self) -> str:
        return f"{self.form} {self.kind} {self.record_id}: {self.count}"


class Offset(models.Model):
    """By how many mm a person's printer is off to the right and down, by paper."""

    person_id = models.BigIntegerField()
    paper = models.CharField(max_length=10)
    left = models.DecimalField(max_digits=4, decimal_places=1)
    top = models.DecimalField(max_digits=4, decimal_places=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person_id", "paper"], name="printing_offset_once")]

    def __str__(self) -> str:
        return f"{self.paper} {self.left} {self.top}"


class Job(models.Model):
    """Something too large to print while one waits: records on a form, or a list (form empty) by its address."""

    person_id = models.BigIntegerField()
    kind = models.CharField(max_length=80)
    form = models.CharField(max_length=60, default="")
    ids = models.JSONField(default=list)
    query = models.TextField(default="")
    state = models.CharField(max_length=10, default=WORKING)
    sentence = models.TextField(default="")
    file = models.ForeignKey("files.StoredFile", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=(WORKING, DONE, FAILED)), name="printing_job_state")
        ]
        indexes = [models.Index(fields=["person_id", "-id"], name="printing_job_mine")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
