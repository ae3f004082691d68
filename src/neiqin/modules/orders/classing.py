"""Classes of customers by purchase amount, frequency and potential: proposed by a table, decided by the manager
(C-CUS-09)."""

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.notices.tell import Kind, News, tell_each
from neiqin.kernel.people.models import Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Resource
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers import fields as customer_fields
from neiqin.modules.customers import states
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import fields
from neiqin.modules.orders.models import ClassProposal, Order
from neiqin.modules.orders.states import IN_FORCE, LEFT, PROPOSED, TAKEN_UP

MAY = "customers.confirm_level"
TOLD = Kind("orders.class", "客户分类建议")
YEAR, REST = timedelta(days=365), timedelta(days=90)
CHUNK, NIGHT = 2000, 3
REASON = Field("reason", "原因", required=True, maxlength=200)


def numbers(ids: Collection[int]) -> dict[int, tuple[Decimal, int]]:
    """customer -> amount incl. tax and number of its orders of the last twelve months that hold."""
    held = Order.objects.filter(customer_id__in=ids, state__in=IN_FORCE, doc_date__gt=clock.today() - YEAR)
    rows = held.values_list("customer_id").annotate(total=Coalesce(Sum("amount"), Decimal(0)), count=Count("pk"))
    return {pk: (total, count) for pk, total, count in rows}


def every_night() -> int:
    """Asked every hour, at work once a night."""
    return propose() if clock.local(clock.now()).hour == NIGHT else 0


def propose() -> int:
    """Look at all customers in use once; propose another class where the table says so and nobody has decided against
    it in the last ninety days. Gives how many were proposed. A second run proposes nothing new."""
    made, last = 0, 0
    while True:
        rows = Customer.objects.filter(state=states.ACTIVE, owner__isnull=False, pk__gt=last).order_by("pk")[:CHUNK]
        batch = list(rows)
        if not batch:
            return made
        last = batch[-1].pk
        made += _propose(batch)


def _propose(batch: list[Customer]) -> int:
    known = numbers([c.pk for c in batch])
    recent = ClassProposal.objects.filter(customer__in=batch)
    settled = set(recent.filter(state=PROPOSED).values_list("customer_id", flat=True))
    settled |= set(recent.filter(state=LEFT, decided_at__gt=clock.now() - REST).values_list("customer_id", flat=True))
    sizes = {c.value: c.label for c in customer_fields.SIZES}
    asked: list[dict[str, Any]] = []
    for customer in batch:
        amount, count = known.get(customer.pk, (Decimal(0), 0))
        asked.append({"amount": amount, "orders": count, "potential": sizes.get(customer.size_band, "无")})
    try:
        decisions = decide("customer_classes", asked, clock.today())
    except Undecided:
        return 0
    values = {c.label: c.value for c in customer_fields.LEVELS}
    rows = []
    for customer, given, made in zip(batch, asked, decisions, strict=True):
        wanted = values.get(str(made.outputs["level"]), customer.level)
        if wanted != customer.level and customer.pk not in settled:
            rows.append(ClassProposal(
                customer=customer, name=customer.name, owner_id=customer.owner_id or 0, unit_id=customer.unit_id,
                level=customer.level, proposed=wanted, amount=given["amount"], orders=given["orders"],
                potential=given["potential"], rule=made.where, created_at=clock.now(), updated_at=clock.now(),
            ))  # fmt: skip
    if rows:
        history.begin("orders.classes", by=SYSTEM, source="worker")
        ClassProposal.objects.bulk_create(rows)
        heads = dict(Unit.objects.filter(pk__in={r.unit_id for r in rows}).values_list("pk", "leader_id"))
        by_head: dict[int, int] = {}
        for one in rows:
            if head := heads.get(one.unit_id):
                by_head[head] = by_head.get(head, 0) + 1
        tell_each([
            News(head, f"{count} 家客户建议调整等级", "看三个数，采纳或不采纳。", "/orders/classproposal/", TOLD.name,
                 key=f"classes-{clock.today()}-{head}-{rows[0].customer_id}")
            for head, count in by_head.items()
        ])  # fmt: skip
    return len(rows)


@action(ClassProposal, "采纳", may=MAY, from_=PROPOSED, to=TAKEN_UP, event="taken", icon="check", primary=True)
def take_up(proposals: Batch[ClassProposal]) -> None:
    """The customer's class becomes what was proposed, by the action that a person would use."""
    problems: dict[int, Refusal] = {}
    by_level: dict[str, dict[int, int]] = defaultdict(dict)
    for one in proposals:
        by_level[one.proposed][one.customer_id] = one.pk
    for level, customer_ids in by_level.items():
        outcome = perform(
            customers.confirm_level, list(customer_ids), by=proposals.by, params={"level": level}, source="web"
        )
        problems |= {customer_ids[i]: refusal for i, refusal in outcome.refused.items()}
        if outcome.held:
            text = "确认等级要审批，已经提交。批了以后等级会变。"
            problems |= dict.fromkeys(customer_ids.values(), Refusal(text))
    history.resume(proposals.run)
    proposals.refuse(problems)
    proposals.set(decided_at=proposals.now)


@action(ClassProposal, "不采纳", may=MAY, from_=PROPOSED, to=LEFT, event="left", icon="x")
def leave(proposals: Batch[ClassProposal], *, reason: Annotated[str, REASON]) -> None:
    """The class stays as it is, for a reason; it is not proposed again for ninety days."""
    proposals.set(decided_at=proposals.now, reason=reason)
    proposals.tell({i: {"reason": reason} for i in proposals.ids})


resource = Resource(
    ClassProposal,
    "分类建议",
    noun="家",
    icon="star",
    section="业务",
    slug="class-proposals",
    fields=fields.PROPOSAL,
    fast_sorts=("-created_at",),
    title="name",
    actions=(take_up, leave),
    tucked=True,
)
