"""Decision tables that staff can read and change, in versions that hold from day to day."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from neiqin.kernel.actions.models import Record

VIEW, MANAGE = "rules.view", "rules.manage"


class Table(Record):
    """What is decided from what. inputs, outputs: columns as [{"name", "label", "kind"}, …].

    The name stands in formulas. hit: the first row that fits decides, or all that fit are collected.
    """

    VIEW: ClassVar[str] = VIEW

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    inputs = models.JSONField()
    outputs = models.JSONField()
    hit = models.CharField(max_length=10, default="first")

    class Meta:
        constraints = [models.CheckConstraint(name="rules_table_hit", condition=Q(hit__in=["first", "collect"]))]

    def __str__(self) -> str:
        return self.name


class Version(Record):
    """The rows of a table for a span of days. What is published never changes again but for its end.

    rows: [[cell, …], …], inputs then outputs, as written; examples: the same shape, inputs given and outputs expected.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        ACTIVE = "active", "生效"
        RETIRED = "retired", "停用"

    VIEW: ClassVar[str] = VIEW
    STATES: ClassVar[Any] = State

    table = models.ForeignKey(Table, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    from_on = models.DateField(null=True)
    until_on = models.DateField(null=True)  # the last day
    rows = models.JSONField()
    examples = models.JSONField(default=list)
    author_id = models.BigIntegerField(null=True)
    published_by = models.BigIntegerField(null=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table", "number"], name="rules_version_once"),
            models.CheckConstraint(name="rules_version_state", condition=Q(state__in=["draft", "active", "retired"])),
            models.CheckConstraint(
                name="rules_version_span",
                condition=Q(state="draft", from_on=None)
                | Q(from_on__isnull=False, until_on=None)
                | Q(from_on__isnull=False, until_on__gte=F("from_on")),
            ),
        ]

    def __str__(self) -> str:
        return f"《{self.table.name}》第 {self.number} 版"
