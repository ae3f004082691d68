"""Cross-department projects (跨部门项目): milestones, members, risks, and how they stand each week (C-FLOW-14)."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Line
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes

RUNNING, DONE, STOPPED = "running", "done", "stopped"
STATES = (
    Choice(RUNNING, "进行中", "run", "50"), Choice(DONE, "已完成", "ok", "100"), Choice(STOPPED, "已中止", "off", "x"),
)  # fmt: skip
LOW, MEDIUM, HIGH = "low", "medium", "high"
LEVELS = (Choice(LOW, "低"), Choice(MEDIUM, "中"), Choice(HIGH, "高"))
NUMBERS = Numbers("number", Pattern("XM", by_day=True))


class Project(OwnedRecord):
    """It belongs to who leads it; its members see it as collaborators. goal: what is to come out."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=100)
    goal = models.TextField(default="", blank=True)
    start_on = models.DateField()
    due_on = models.DateField()
    ended_on = models.DateField(null=True)
    state = models.CharField(max_length=10, default=RUNNING)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="projects_project_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="projects_project_number"),
        ]
        indexes = scoped_indexes("project", "due_on")

    def __str__(self) -> str:
        return self.number or self.name


class Member(Line):
    """Somebody of any department who takes part, and sees the project."""

    parent = "project"

    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    part = models.CharField(max_length=100, default="", blank=True)


class Milestone(Line):
    """Something that is to be reached by a day."""

    parent = "project"

    project = models.ForeignKey(Project, models.CASCADE, related_name="milestones")
    name = models.CharField(max_length=100)
    due_on = models.DateField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    done_on = models.DateField(null=True)


class Risk(Line):
    """What may go wrong, and what is done about it; closed: it cannot any more."""

    parent = "project"

    project = models.ForeignKey(Project, models.CASCADE, related_name="risks")
    text = models.CharField(max_length=200)
    level = models.CharField(max_length=10, default=MEDIUM)
    measure = models.CharField(max_length=200, default="", blank=True)
    closed = models.BooleanField(default=False)


class Week(Line):
    """How it stood, as somebody said in a week."""

    parent = "project"

    project = models.ForeignKey(Project, models.CASCADE, related_name="weeks")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    text = models.CharField(max_length=500)
