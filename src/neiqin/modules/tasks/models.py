"""What somebody is told to do by when (交办), its reports, and who confirms that it is done (C-FLOW-14)."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order
from neiqin.modules.projects.models import Project

ASKED, DOING, HANDED_IN, DONE, ANSWERED, VOID = "asked", "doing", "handed_in", "done", "answered", "void"
STATES = (
    Choice(ASKED, "待签收", "warn", "0"), Choice(DOING, "办理中", "run", "50"),
    Choice(HANDED_IN, "待确认", "warn", "75"), Choice(DONE, "已办结", "ok", "100"),
    Choice(ANSWERED, "退给交办人", "bad", "!"), Choice(VOID, "已取消", "off", "x"),
)  # fmt: skip
OPEN = (ASKED, DOING, HANDED_IN, ANSWERED)
USUAL, URGENT = "usual", "urgent"
WEIGHTS = (Choice(USUAL, "一般"), Choice("high", "重要"), Choice(URGENT, "紧急"))
RATINGS = (Choice("good", "满意"), Choice("fair", "一般"), Choice("poor", "不满意"))
NUMBERS = Numbers("number", Pattern("RW", by_day=True))


class AssignedTask(OwnedRecord):
    """It belongs to who is to do it; assigner: who asked, sees it as a collaborator and confirms it. wanted: what is to
    come out; result: what has come out; told_late: for the present due_on somebody was told that it is over."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=100)
    wanted = models.TextField(default="", blank=True)
    assigner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    due_on = models.DateField()
    weight = models.CharField(max_length=10, default=USUAL)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="+")
    progress = models.SmallIntegerField(default=0)
    result = models.TextField(default="", blank=True)
    rating = models.CharField(max_length=10, default="", blank=True)
    done_at = models.DateTimeField(null=True)
    told_late = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default=ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="tasks_task_state"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=100), name="tasks_task_progress"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="tasks_task_number"),
        ]
        indexes = scoped_indexes("task", "due_on")

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """The assigner is who writes it."""
        for record in records:
            if record.pk is None:
                record.assigner_id = batch.by.id
        return super().derive(records, batch)


class Helper(Line):
    """Somebody who helps (协办), and sees the task."""

    parent = "task"

    task = models.ForeignKey(AssignedTask, models.CASCADE, related_name="helpers")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    part = models.CharField(max_length=100, default="", blank=True)


class Report(Line):
    """How far somebody said it was."""

    parent = "task"

    task = models.ForeignKey(AssignedTask, models.CASCADE, related_name="reports")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    progress = models.SmallIntegerField()
    text = models.CharField(max_length=300, default="", blank=True)
