"""Telephone calls (电话记录), the call-backs promised in them, and whose extension is whose (C-OFF-10 to C-OFF-12)."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from neiqin.kernel.actions.models import Record
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice, label_of
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person, Unit
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.kernel.personal.columns import PersonalText, subject_field
from neiqin.modules.calls import states as s
from neiqin.modules.calls.knowing import recognise
from neiqin.modules.customers.models import Customer

NUMBERS = Numbers("number", Pattern("DH", by_day=True))
UNKNOWN = "没登记的号码"


class Extension(Record):
    """Whose telephone rings at an extension (分机): so that call records know who was called."""

    VIEW: ClassVar[str] = "calls.extensions"

    name = models.CharField(max_length=20, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """An extension is somebody's, and one person's only."""
        here = set(
            Person.objects.filter(pk__in=[r.person_id for r in records], left_on=None).values_list("pk", flat=True)
        )
        rows = cls.objects.filter(name__in=[r.name for r in records]).select_related("person")
        there = {e.name: e for e in rows}
        problems, names = {}, set[str]()
        for position, record in enumerate(records):
            other = there.get(record.name)
            if (other is not None and other.pk != record.pk) or record.name in names:
                whose = f"给{other.person.name}" if other else ""
                problems[position] = Refusal(f"分机 {record.name} 已经登记{whose}了，改那一条。", "name")
            elif record.person_id not in here:
                problems[position] = Refusal("「谁的」没有填，或已离职，选一位。", "person")
            names.add(record.name)
        return problems


class Call(OwnedRecord):
    """One call. It belongs to who has to see to it: whoever took it, or to whom it was handed over.

    subject: of the contact whose number it is, so that both are erased at once; else of its own.
    answered_at: null where it is not known or nobody answered; ring_seconds, talk_seconds: between those moments, null
    where one is not known; source_key: what a call-record file knows it by, "" for one taken down by hand only.
    """

    STATES: ClassVar[tuple[Choice, ...]] = s.CALL_STATES

    number = models.CharField(max_length=20, default="")
    headline = models.CharField(max_length=140, default="")
    direction = models.CharField(max_length=3, default=s.IN)
    subject = subject_field()
    other = PersonalText(30, "call.other")
    who = PersonalText(40, "call.who")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+", db_index=False)
    rang_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    missed = models.BooleanField(default=False)
    ring_seconds = models.IntegerField(null=True)
    talk_seconds = models.IntegerField(null=True)
    extension = models.CharField(max_length=20, default="")
    answerer = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    topic = models.CharField(max_length=10, default="")
    need = models.TextField(default="", blank=True)
    result = models.TextField(default="", blank=True)
    passed_to = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", db_index=False)
    passed_unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+", db_index=False)
    passed_at = models.DateTimeField(null=True)
    transfer = models.CharField(max_length=10, default="")
    resolved_at = models.DateTimeField(null=True)
    source_key = models.CharField(max_length=80, default="")
    state = models.CharField(max_length=10, default=s.OPEN)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[c.value for c in s.CALL_STATES]), name="calls_call_state"),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="calls_call_number"),
            models.UniqueConstraint(fields=["source_key"], condition=~Q(source_key=""), name="calls_call_source"),
        ]
        indexes = [
            models.Index(fields=["customer", "-rang_at"], name="calls_customer"),
            models.Index(fields=["subject"], name="calls_subject"),
            *scoped_indexes("call", "rang_at"),
        ]

    def __str__(self) -> str:
        return self.headline

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """The caller by number, the times between the moments, and where a new call stands."""
        new = [(p, r) for p, r in enumerate(records) if r.pk is None]
        for _, record in new:
            record.owner_id = record.owner_id or record.answerer_id
        rows = list(batch.rows.values()) if new else []
        known = recognise({row["other"] for row in rows if row["other"]})
        for position, record in new:
            found = known.get(rows[position]["other"], [])
            homes = {k.customer for k in found} if record.customer_id is None else {record.customer_id}
            if len(homes) == 1:
                record.customer_id = record.customer_id or found[0].customer
                mine = [k for k in found if k.customer == record.customer_id and k.subject]
                record.subject = mine[0].subject if mine else record.subject
            record.state = stand(record)
            record.resolved_at = batch.now if record.state == s.DONE else None
        named = batch.read(Customer, {r.customer_id for r in records if r.customer_id})
        problems = cls._owned(records, batch)
        for position, record in enumerate(records):
            record.measure()
            record.title(named[record.customer_id].name if record.customer_id in named else "")
            if refusal := record.unfit(batch.now):
                problems[position] = refusal
        return problems

    @classmethod
    def _owned(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """A call that a file brings belongs to whom it rang at, who need not be within reach of who brings the file."""
        filed = [r for r in records if r.source_key and r.pk is None]
        units = batch.read(Person, {r.answerer_id for r in filed if r.answerer_id})
        for record in filed:
            if record.answerer_id in units:
                record.owner_id, record.unit_id = record.answerer_id, units[record.answerer_id].unit_id
        own = {p: r for p, r in enumerate(records) if r.pk is None and not (r in filed and r.unit_id)}
        refused = super().derive(list(own.values()), batch)
        return {list(own)[p]: refusal for p, refusal in refused.items()}

    def measure(self) -> None:
        """Seconds from ring to answer and from answer to end."""
        ends = self.answered_at
        self.ring_seconds = int((ends - self.rang_at).total_seconds()) if ends else None
        self.talk_seconds = int((self.ended_at - ends).total_seconds()) if ends and self.ended_at else None

    def title(self, customer: str) -> None:
        topic = label_of(s.TOPICS, self.topic) if self.topic else "来电" if self.direction == s.IN else "去电"
        self.headline = f"{customer or UNKNOWN} {topic}"

    def unfit(self, now: Any) -> Refusal | None:
        if self.rang_at > now and (self.rang_at - now).total_seconds() > 300:
            return Refusal("「响铃时间」还没到，写已经打过的电话。", "rang_at")
        if self.missed and self.answered_at:
            return Refusal("没接到的电话没有接起时间，两样只写一样。", "answered_at")
        if self.ring_seconds is not None and self.ring_seconds < 0:
            return Refusal("「接起时间」比响铃还早。", "answered_at")
        if self.talk_seconds is not None and self.talk_seconds < 0:
            return Refusal("「结束时间」比接起还早。", "ended_at")
        return None


def stand(call: Call) -> str:
    """The state of a call as its words say."""
    if call.result:
        return s.DONE
    if call.missed:
        return s.MISSED if call.direction == s.IN else s.DONE
    return s.OPEN if call.need else s.BARE


class CallBack(OwnedRecord):
    """A promise to call back (回电). It belongs to who has to call. promised_at: what the caller was told, which no
    change of the working calendar moves; minutes: of working time until then; delay_minutes: by the clock, how much
    later than promised, negative for earlier; told_at: when the manager heard of it."""

    STATES: ClassVar[tuple[Choice, ...]] = s.BACK_STATES

    call = models.ForeignKey(Call, models.PROTECT, related_name="backs")
    headline = models.CharField(max_length=160, default="")
    subject = subject_field()
    phone = PersonalText(30, "callback.phone")
    who = PersonalText(40, "callback.who")
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, related_name="+", db_index=False)
    topic = models.CharField(max_length=10, default="")
    need = models.TextField(default="", blank=True)
    promised_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    promised_at = models.DateTimeField()
    minutes = models.IntegerField()
    tries = models.SmallIntegerField(default=0)
    result = models.TextField(default="", blank=True)
    done_at = models.DateTimeField(null=True)
    delay_minutes = models.IntegerField(null=True)
    told_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=s.WAITING)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[c.value for c in s.BACK_STATES]), name="calls_back_state"),
            models.UniqueConstraint(fields=["call"], condition=Q(state=s.WAITING), name="calls_back_once"),
        ]
        indexes = [
            models.Index(fields=["customer"], name="callback_customer"),
            *scoped_indexes("callback", "promised_at"),
        ]

    def __str__(self) -> str:
        return self.headline

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Refusal]:
        """What the call says, unless said otherwise."""
        calls = batch.read(Call, {r.call_id for r in records})
        for record in records:
            call = calls[record.call_id]
            record.subject, record.customer_id, record.topic = call.subject, call.customer_id, call.topic
            record.headline = f"回电：{call.headline}"
            record.promised_by_id = record.promised_by_id or batch.by.id
        return super().derive(records, batch)
