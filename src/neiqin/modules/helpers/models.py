"""增派与借调: who helps with which one job, from and until which day, and what her manager said to it (C-ORG-07)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.db.models import Case, F, Q, Value, When

from neiqin.kernel import clock
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Choice, label_of
from neiqin.kernel.numbering.series import Numbers, Pattern
from neiqin.kernel.people.models import Person, Unit
from neiqin.kernel.people.ownership import OwnedRecord, scoped_indexes
from neiqin.modules.orders.models import Order
from neiqin.modules.orders.states import APPROVED, DRAFT, EXECUTING, SUBMITTED
from neiqin.modules.promotions.models import Promotion

ASKED, AGREED, REFUSED, ENDED, VOID = "asked", "agreed", "refused", "ended", "void"
COMING, HELPING, OVER = "coming", "helping", "over"
STATES = (
    Choice(ASKED, "待同意", "warn", "0"), Choice(AGREED, "已同意", "ok", "50"), Choice(REFUSED, "没同意", "bad", "x"),
    Choice(ENDED, "提前结束", "off", "100"), Choice(VOID, "已撤回", "off", "x"),
)  # fmt: skip
STAGES = (
    STATES[0], Choice(COMING, "还没开始", "run", "25"), Choice(HELPING, "借调中", "ok", "50"),
    Choice(OVER, "已到期", "off", "100"), *STATES[2:],
)  # fmt: skip
NUMBERS = Numbers("number", Pattern("JD", by_day=True))
BACKLOGS = (
    Choice(DRAFT, "草稿"), Choice(SUBMITTED, "待审"), Choice(APPROVED, "已审"), Choice(EXECUTING, "执行中"),
)  # fmt: skip


class Work(NamedTuple):
    """What a helper is there for, and the rights that it needs; she gets no other."""

    key: str
    label: str
    rights: tuple[str, ...]


WORKS = (
    Work("look", "看单、答复疑问", ("orders.view", "orders.answer")),
    Work("check", "核单、改单、跟客户确认", ("orders.view", "orders.edit")),
    Work("ship", "备货、发货", ("orders.view", "orders.part", "orders.ship")),
)
RIGHTS = {w.key: w.rights for w in WORKS}


class Staged(models.Manager["Loan"]):
    """Loans with the stage that people see: the day is asked for each time."""

    def get_queryset(self) -> Any:
        today = clock.today()
        stage = Case(
            When(state=AGREED, from_on__gt=today, then=Value(COMING)),
            When(state=AGREED, until_on__lt=today, then=Value(OVER)),
            When(state=AGREED, then=Value(HELPING)),
            default=F("state"),
            output_field=models.CharField(),
        )
        return super().get_queryset().annotate(stage=stage)


class Loan(OwnedRecord):
    """It belongs to who asked; helper and lender see it as collaborators. The job is one of three: a promotion, an
    order, or the orders of a unit (and those below it) in a state. name: the job in words; lender: who leads the
    helper's unit, decides; until_on: the last day; answer: what the lender said, ended_note: why it was over early."""

    STATES: ClassVar[tuple[Choice, ...]] = STATES

    number = models.CharField(max_length=20, default="")
    name = models.CharField(max_length=100, default="")
    helper = models.ForeignKey(Person, models.PROTECT, related_name="+")
    lender = models.ForeignKey(Person, models.PROTECT, related_name="+")
    promotion = models.ForeignKey(Promotion, models.PROTECT, null=True, related_name="+")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="+")
    of_unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    backlog = models.CharField(max_length=10, default="", blank=True)
    work = models.CharField(max_length=10)
    from_on = models.DateField()
    until_on = models.DateField()
    why = models.CharField(max_length=200, default="", blank=True)
    answer = models.CharField(max_length=200, default="", blank=True)
    answered_at = models.DateTimeField(null=True)
    ended_note = models.CharField(max_length=200, default="", blank=True)
    state = models.CharField(max_length=10, default=ASKED)

    objects = Staged()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[s.value for s in STATES]), name="helpers_loan_state"),
            models.CheckConstraint(condition=Q(until_on__gte=F("from_on")), name="helpers_loan_span"),
            models.CheckConstraint(
                condition=Q(promotion__isnull=False, order=None, of_unit=None, backlog="")
                | Q(promotion=None, order__isnull=False, of_unit=None, backlog="")
                | Q(promotion=None, order=None, of_unit__isnull=False) & ~Q(backlog=""),
                name="helpers_loan_job",
            ),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="helpers_loan_number"),
        ]
        indexes = [
            *scoped_indexes("loan", "from_on"),
            models.Index(fields=["helper", "until_on"], condition=Q(state="agreed"), name="helpers_loan_helper"),
        ]

    def __str__(self) -> str:
        return self.number or self.name

    @classmethod
    def derive(cls, records: Any, batch: Any) -> dict[int, Any]:
        """The job in words, and who decides; of whom the asker leads himself nobody has to be asked."""
        new = {p: r for p, r in enumerate(records) if r.pk is None}
        leads, words = lenders([r.helper_id for r in new.values()]), _words(list(new.values()))
        problems = {}
        for position, record in new.items():
            record.name = words(record)[:100]
            record.lender_id = leads.get(record.helper_id)
            if record.lender_id is None:
                text = "他的部门和上级部门都没有负责人，先在「部门」里定负责人，或换一位。"
                problems[position] = Refusal(text, "helper")
            elif record.lender_id == batch.by.id:
                record.state, record.answered_at = AGREED, batch.now
        return super().derive(records, batch) | problems


def _words(loans: Sequence[Loan]) -> Callable[[Loan], str]:
    """What calls their jobs by name; three queries for any number."""
    promotions = Promotion.objects.in_bulk({x.promotion_id for x in loans if x.promotion_id})
    orders = Order.objects.in_bulk({x.order_id for x in loans if x.order_id})
    units = Unit.objects.in_bulk({x.of_unit_id for x in loans if x.of_unit_id})

    def words(loan: Loan) -> str:
        if loan.promotion_id:
            return f"促销：{promotions[loan.promotion_id].name}"
        if loan.order_id:
            return f"大单：{orders[loan.order_id].number} {orders[loan.order_id].name}"
        return f"积压：{units[loan.of_unit_id or 0].name}{label_of(BACKLOGS, loan.backlog)}的订单"

    return words


def lenders(helpers: Iterable[int]) -> dict[int, int]:
    """person -> who leads the person's unit, or the next above who is here and somebody else."""
    units = {u.pk: u for u in Unit.objects.select_related("leader")}
    found = {}
    for person, unit in Person.objects.filter(pk__in=list(helpers)).values_list("pk", "unit_id"):
        at: Unit | None = units[unit]
        while at is not None:
            if at.leader is not None and at.leader.pk != person and at.leader.left_on is None:
                found[person] = at.leader.pk
                break
            at = units.get(at.parent_id or 0)
    return found
