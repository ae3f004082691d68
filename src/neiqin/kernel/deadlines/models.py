"""The working calendar with its office hours, and the clocks that run by it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Record

MANAGE = "deadlines.manage"


class Office(Record):
    """The company's working calendar as a record: one row. Its days hang on it; each change of them adds a version."""

    VIEW: ClassVar[str] = MANAGE

    name = models.CharField(max_length=60, default="工作日历")
    hours = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Day(models.Model):
    """One day of a published year."""

    class Kind(models.TextChoices):
        WORKDAY = "workday", "工作日"
        REST = "rest", "休息日"
        HOLIDAY = "holiday", "法定假日"
        SHIFTED = "shifted", "调休上班"

    audited: ClassVar[bool] = True

    date = models.DateField(unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=40, blank=True)
    statutory = models.BooleanField(default=False)  # one of the days of the 放假办法 itself, not moved or weekend
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="deadlines_day_kind", condition=Q(kind__in=["workday", "rest", "holiday", "shifted"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.date} {self.get_kind_display()}"


WORKED = frozenset({Day.Kind.WORKDAY, Day.Kind.SHIFTED})


class Clock(models.Model):
    """A deadline that runs for one record.

    minutes or days: what was allowed, in working time; holds: [[from, until or null], …], moments in ISO format;
    next_at: when the next reminder falls due, null while held and after the last; told: reminders behind us;
    person_id, unit_id: who is responsible, as last told.
    """

    class State(models.TextChoices):
        RUNNING = "running", "计时中"
        HELD = "held", "暂停"
        MET = "met", "按时"
        LATE = "late", "超时"
        DROPPED = "dropped", "取消"

    audited: ClassVar[bool] = True

    kind = models.CharField(max_length=80)
    model = models.CharField(max_length=80)
    record_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    minutes = models.IntegerField(null=True)
    days = models.IntegerField(null=True)
    due_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    told = models.IntegerField(default=0)
    held_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    holds = models.JSONField(default=list)
    stopped_at = models.DateTimeField(null=True)
    person_id = models.BigIntegerField(null=True)
    unit_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "record_id", "kind"], condition=Q(stopped_at=None), name="deadlines_clock_runs_once"
            ),
            models.CheckConstraint(
                name="deadlines_clock_state", condition=Q(state__in=["running", "held", "met", "late", "dropped"])
            ),
            models.CheckConstraint(
                name="deadlines_clock_allowed", condition=Q(minutes__isnull=False) ^ Q(days__isnull=False)
            ),
            models.CheckConstraint(
                name="deadlines_clock_stopped",
                condition=Q(stopped_at=None, state__in=["running", "held"])
                | Q(stopped_at__isnull=False, state__in=["met", "late", "dropped"]),
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="deadlines_clock_next"),
            models.Index(fields=["person_id", "due_at"], condition=Q(stopped_at=None), name="deadlines_clock_mine"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model} #{self.record_id}"


class Moved(models.Model):
    """An open clock whose due moment moved because the calendar did, under the run that changed it."""

    audited: ClassVar[bool] = False  # a list for people; the clock's own change is in the history

    run_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField()
    clock = models.ForeignKey(Clock, models.CASCADE, related_name="+")
    old_due = models.DateTimeField()
    new_due = models.DateTimeField()
    person_id = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.clock_id}: {self.old_due} -> {self.new_due}"
