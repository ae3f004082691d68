"""What one department wants of another by when, and its first answer (C-FLOW-07)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person, Unit
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.models import Order

ASKED, ANSWERED, DECLINED, DONE, VOID = "asked", "answered", "declined", "done", "void"
STATES = (
    Choice(ASKED, "待答复", "warn", "0"), Choice(ANSWERED, "已答复，办理中", "run", "50"),
    Choice(DECLINED, "办不了", "bad", "!"), Choice(DONE, "已办结", "ok", "100"), Choice(VOID, "已撤回", "off", "x"),
)  # fmt: skip
RUNS, MET, LATE = "runs", "met", "late"
TIMELY = (Choice(RUNS, "计时中"), Choice(MET, "按时答复"), Choice(LATE, "超过 48 小时"))
NUMBERS = Numbers("number", Pattern("XQ", by_day=True))
ANSWER_IN = timedelta(hours=48)
WARN_BEFORE = timedelta(hours=12)


class DepartmentRequest(OwnedRecord):
    """It belongs to who answers for the department (`unit` is that one); asker: who wants it, as a collaborator.
    answer_due_at: 48 hours by the clock after it was asked, nights and holidays included: the regulation says 48小时内
    and that it goes up at that hour, while the clocks of kernel/deadlines run in office hours only, where 48 would be
    six working days. timely: whether the first substantive answer came in that time. warned: that it is near was told.
    """

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=100)
    what = models.TextField()
    asker = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    asker_unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    need_on = models.DateField()
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+")
    answer_due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(default="", blank=True)
    promised_on = models.DateField(null=True)
    result = models.TextField(default="", blank=True)
    done_at = models.DateTimeField(null=True)
    timely = models.CharField(max_length=10, default=RUNS)
    warned = models.BooleanField(default=False)
    escalated_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="requests_state"),
            models.CheckConstraint(condition=Q(timely__in=[t.value for t in TIMELY]), name="requests_timely"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="requests_number"),
        ]
        indexes = [
            *scoped_indexes("request", "created_at", "need_on"),
            models.Index(fields=["answer_due_at"], condition=Q(state=ASKED, timely=RUNS), name="requests_waiting"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """The department answers by whom was named, else by its head. Everybody may ask every department, so the owner
        need not be within the asker's scope."""
        new = {p: r for p, r in enumerate(records) if r.pk is None}
        units = {u.pk: u for u in Unit.objects.all()} if new else {}
        people = Person.objects.filter(left_on=None).in_bulk({r.owner_id for r in new.values() if r.owner_id})
        problems = {}
        for position, record in new.items():
            record.asker_id, record.asker_unit_id = batch.by.id, batch.by.unit_id or None
            record.answer_due_at = batch.now + ANSWER_IN
            unit = units.get(record.unit_id)
            if refusal := _unfit(unit, record, people, units):
                problems[position] = refusal
            elif unit is not None:
                record.owner_id = record.owner_id or unit.leader_id
        return problems


def _unfit(unit: Unit | None, record: DepartmentRequest, people: dict[int, Person], units: Any) -> Refusal | None:
    if unit is None or unit.closed_on is not None:
        return Refusal("「找哪个部门」不存在或已撤销，换一个。", "unit")
    if record.asker_unit_id == unit.pk:
        return Refusal("这是你自己的部门，直接说，或用「交办」。", "unit")
    if record.owner_id is None and unit.leader_id is None:
        return Refusal(f"{unit.name}没有负责人，写上「找谁」。", "owner")
    if record.owner_id is not None:
        named = people.get(record.owner_id)
        if named is None or unit.pk not in above(named.unit_id, units):
            return Refusal(f"这个人不在{unit.name}，换一位，或空着由负责人答复。", "owner")
    return None


def above(unit: int | None, units: Any) -> Sequence[int]:
    """The unit and those it hangs under, the nearest first."""
    found: list[int] = []
    while unit is not None and unit not in found and unit in units:
        found.append(unit)
        unit = units[unit].parent_id
    return found
