"""What the checks found, and what waits for a second person."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from neiqin.kernel.actions.models import Held

VIEW = "checks.view"


class Result(models.Model):
    """One check that was not simply passed: what was seen, which row of the table decided, what became of it."""

    class Fate(models.TextChoices):
        STOPPED = "stopped", "拦下了"
        ASKED = "asked", "提醒了，没有保存"
        CONFIRMED = "confirmed", "核对过，照样保存"
        HELD = "held", "交第二人"

    run_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    person_id = models.BigIntegerField()
    model = models.TextField()
    record_id = models.BigIntegerField(null=True)  # none: a new record that was not made
    field = models.TextField()
    check_name = models.TextField()
    value = models.TextField(blank=True)
    against = models.TextField(blank=True)
    rule = models.TextField()  # in words: table, version and row
    version_id = models.BigIntegerField()
    row = models.IntegerField()
    fate = models.TextField(choices=Fate)
    held = models.ForeignKey(Held, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["model", "record_id", "-id"], name="checks_result_record")]
        constraints = [
            models.CheckConstraint(
                name="checks_result_fate", condition=Q(fate__in=["stopped", "asked", "confirmed", "held"])
            )
        ]


class Second(models.Model):
    """A held run that a second person must check. mode: types the key fields again without seeing them, or reviews
    what would change; entered: what the second person typed, encrypted like the run's parameters."""

    class State(models.TextChoices):
        OPEN = "open", "待复核"
        DONE = "done", "已办理"
        DIFFERENT = "different", "两次录入不同"
        REFUSED = "refused", "不通过"
        WITHDRAWN = "withdrawn", "已撤回"
        FAILED = "failed", "没有办成"

    BLIND: ClassVar[str] = "blind"
    REVIEW: ClassVar[str] = "review"
    audited: ClassVar[bool] = True
    sealed: ClassVar = ("entered",)

    held = models.OneToOneField(Held, models.PROTECT, related_name="second")
    person_id = models.BigIntegerField()
    mode = models.TextField()
    keys = models.JSONField()
    rule = models.TextField()
    state = models.TextField(choices=State, default=State.OPEN)
    checker_id = models.BigIntegerField(null=True)
    checked_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    entered = models.BinaryField(default=bytes)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(state="open"), name="checks_second_open")]
        constraints = [
            models.CheckConstraint(
                name="checks_second_state",
                condition=Q(state__in=["open", "done", "different", "refused", "withdrawn", "failed"]),
            ),
            models.CheckConstraint(name="checks_second_mode", condition=Q(mode__in=["blind", "review"])),
            models.CheckConstraint(
                name="checks_second_other", condition=Q(checker_id=None) | ~Q(checker_id=F("person_id"))
            ),
        ]
