"""A request: a held run on its way through the route that a table gave it, with its nodes and the tasks of each."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Held
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.people.models import Person
from neiqin.kernel.people.ownership import OwnedRecord

VIEW, MANAGE = "approvals.view", "approvals.manage"

OPEN, RETURNED, DONE, FAILED, WITHDRAWN, ENDED = "open", "returned", "done", "failed", "withdrawn", "ended"
STATES = (
    Choice(OPEN, "审批中", "run", "50"),
    Choice(RETURNED, "已驳回", "warn", "x"),
    Choice(DONE, "已办理", "ok", "100"),
    Choice(FAILED, "通过了，没办成", "bad", "!"),
    Choice(WITHDRAWN, "已撤回", "off", "x"),
    Choice(ENDED, "已终止", "off", "x"),
)
LOW, USUAL, HIGH = "低", "一般", "高"


class Request(OwnedRecord):
    """One call that waits for approval. The owner is who asked; who is to decide sees it as a collaborator.

    held: the run as it was last submitted, helds: all of its rounds; route: as the table's row says it, with version
    and row; then: the place to which a refused request goes straight back once it is mended; amount: incl. tax.
    """

    STATES = STATES
    LEFT_BEHIND = False

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=200)
    action = models.TextField()
    model = models.TextField()
    record_id = models.BigIntegerField(null=True)
    held = models.ForeignKey(Held, models.PROTECT, related_name="+")
    helds = models.JSONField(default=list)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    route = models.CharField(max_length=300)
    copies = models.CharField(max_length=200, default="", blank=True)
    rule = models.CharField(max_length=120)
    rule_version_id = models.BigIntegerField()
    rule_row = models.IntegerField()
    risk = models.CharField(max_length=10, default=USUAL)
    hours = models.DecimalField(max_digits=6, decimal_places=1)
    urgent = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default=OPEN)
    then = models.IntegerField(null=True)
    reason = models.CharField(max_length=300, default="", blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="approvals_request_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="approvals_request_number"),
            # One way at a time for a record: what it is asked for a second time, it is told.
            models.UniqueConstraint(
                fields=["model", "record_id"], condition=Q(state="open"), name="approvals_request_once"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "created_at", "id"], name="approvals_owner"),
            models.Index(fields=["unit", "created_at", "id"], name="approvals_unit"),
            models.Index(fields=["created_at", "id"], name="approvals_created"),
            models.Index(fields=["model", "record_id", "id"], name="approvals_record"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """The unit is that of who asked: the gate opens requests for everybody who may ask for what they are about."""
        units = dict(Person.objects.filter(pk__in={r.owner_id for r in records}).values_list("pk", "unit_id"))
        for record in records:
            record.unit_id = units[record.owner_id]
        return {}


class Node(models.Model):
    """A step of the route, opened; again for each time the request comes past. needed: of how many seats the consent
    is enough."""

    class State(models.TextChoices):
        OPEN = "open", "审批中"
        PASSED = "passed", "通过"
        REFUSED = "refused", "驳回"
        CLOSED = "closed", "没有走完"

    audited: ClassVar[bool] = True

    request = models.ForeignKey(Request, models.CASCADE, related_name="nodes")
    place = models.IntegerField()
    label = models.CharField(max_length=120)
    seats = models.IntegerField()
    needed = models.IntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "passed", "refused", "closed"]), name="approvals_node_state"
            ),
            models.UniqueConstraint(fields=["request"], condition=Q(state="open"), name="approvals_node_open"),
        ]


class Task(models.Model):
    """What one person has to decide. seat: of one seat the first decision counts (或签); stands_for: the person whose
    delegation brought it here; way: how it came about; back: the task that waits for this one."""

    class State(models.TextChoices):
        OPEN = "open", "待审批"
        WAITING = "waiting", "等加签"
        AGREED = "agreed", "同意"
        REFUSED = "refused", "驳回"
        PASSED_ON = "passed_on", "转交"
        OTHERS = "others", "已由他人处理"
        REMOVED = "removed", "减签"
        CLOSED = "closed", "没有轮到"

    class Way(models.TextChoices):
        ROUTE = "route", ""
        CHOOSE = "choose", "选审批人"
        BEFORE = "before", "前加签"
        AFTER = "after", "后加签"
        LENT = "lent", "委派"
        KNOWN = "known", "前面已同意"

    audited: ClassVar[bool] = True

    request = models.ForeignKey(Request, models.CASCADE, related_name="tasks")
    node = models.ForeignKey(Node, models.CASCADE, related_name="tasks")
    seat = models.IntegerField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    stands_for = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    label = models.CharField(max_length=60, default="")
    way = models.CharField(max_length=10, choices=Way, default=Way.ROUTE)
    back = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_index=False)
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opinion = models.CharField(max_length=300, default="", blank=True)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    urged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[
                    "open", "waiting", "agreed", "refused", "passed_on", "others", "removed", "closed",
                ]),
                name="approvals_task_state",
            ),
            models.CheckConstraint(
                condition=Q(way__in=["route", "choose", "before", "after", "lent", "known"]), name="approvals_task_way"
            ),
            # Nobody decides one step of one request twice at the same time.
            models.UniqueConstraint(
                fields=["node", "person"], condition=Q(state__in=["open", "waiting"]), name="approvals_task_once"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["person", "request"], condition=Q(state="open"), name="approvals_task_mine"),
        ]


class Copy(models.Model):
    """抄送: somebody who is to know, and when he looked."""

    audited: ClassVar[bool] = True

    request = models.ForeignKey(Request, models.CASCADE, related_name="copied")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "request"], name="approvals_copy_once")]


def visible_requests(person: Any) -> Any:
    """The requests this person may see."""
    return Request.objects.filter(Request.visible_to(person))
