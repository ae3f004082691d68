"""A customer's status follows its orders at once, and at night the calendar: at risk, lost, regained."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.notices.tell import Kind, News, tell_each
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules.decide import Undecided, decide
from neiqin.modules.customers.fields import LEVELS
from neiqin.modules.customers.models import Customer
from neiqin.modules.customers.moving import take_along
from neiqin.modules.orders import trade
from neiqin.modules.orders.states import IN_FORCE
from neiqin.modules.retention.models import Dealing, Loss, Night
from neiqin.modules.retention.states import ACTIVE, AT_RISK, FIRST, LOST, POTENTIAL, REGAINED, STATUSES

CHUNK = 2000
JOB = "retention.follow"
PAGE, LOSSES = "/customers/retention/", "/retention/loss/"
TOLD = Kind("retention.risk", "客户快流失、已流失")
RECENT = timedelta(days=7)  # a loss of long ago, as the first night finds many, is no news
NAMED = 3

_DEALT = """
SELECT c.id, c.name, c.level, c.owner_id, c.unit_id, coalesce(o.orders, 0), o.days[1], o.days[2], d.status
FROM customers_customer c
LEFT JOIN (SELECT customer_id, count(*) AS orders, array_agg(DISTINCT doc_date ORDER BY doc_date DESC) AS days
FROM orders_order WHERE customer_id = ANY(%(ids)s) AND state = ANY(%(held)s) GROUP BY 1) o ON o.customer_id = c.id
LEFT JOIN retention_dealing d ON d.customer_id = c.id
WHERE c.id = ANY(%(ids)s) AND c.state = 'active' ORDER BY c.id
"""
_REGAIN = """
UPDATE retention_loss l SET regained_on = v.day FROM unnest(%s::bigint[], %s::date[]) AS v(id, day)
WHERE l.customer_id = v.id AND l.regained_on IS NULL AND l.last_on < v.day
"""
# Whose the customer is now.
_MOVE = """
UPDATE retention_loss l SET owner_id = c.owner_id, unit_id = c.unit_id FROM customers_customer c
WHERE c.id = l.customer_id AND l.customer_id = ANY(%s)
AND (l.owner_id, l.unit_id) IS DISTINCT FROM (c.owner_id, c.unit_id)
"""

_SAME_SILENCE = """EXISTS (SELECT FROM retention_loss s
WHERE s.customer_id = v."into" AND s.last_on = t.last_on AND s.id <> t.id)"""


class Limits(NamedTuple):
    """After how many days without an order a customer is lost (0: never), and how many before its owner is told."""

    lost: int
    warn: int


class Dealt(NamedTuple):
    """A customer in use with its orders that hold: how many, the last day of any and the one before; status: so far."""

    pk: int
    name: str
    level: str
    owner: int | None
    unit: int
    orders: int
    last_on: date | None
    before_on: date | None
    status: str | None

    def now(self, limits: Limits, today: date) -> str:
        """How it stands on a day. Regained: between its last two days of orders it was lost."""
        if self.last_on is None:
            return POTENTIAL
        if limits.lost and today >= self.lost_on(limits):
            return LOST
        if limits.lost and today >= self.lost_on(limits) - timedelta(days=limits.warn):
            return AT_RISK
        if self.before_on and limits.lost and (self.last_on - self.before_on).days >= limits.lost:
            return REGAINED
        return FIRST if self.orders == 1 else ACTIVE

    def lost_on(self, limits: Limits) -> date:
        """The day of the limit."""
        assert self.last_on is not None
        return self.last_on + timedelta(days=limits.lost)


class Turn(NamedTuple):
    """That a customer stands otherwise now."""

    dealt: Dealt
    status: str
    limits: Limits


def limits_on(day: date) -> dict[str, Limits]:
    """Level -> what the table 《流失期限》 says; never lost where it says nothing."""
    try:
        made = decide("retention.limits", [{"level": c.label} for c in LEVELS], day)
    except Undecided:
        return {c.value: Limits(0, 0) for c in LEVELS}
    return {c.value: Limits(int(d.outputs["lost"]), int(d.outputs["warn"])) for c, d in zip(LEVELS, made, strict=True)}


def follow(customers: Sequence[int], run: int | None = None) -> int:
    """Bring the status of these customers up to today; a second call changes nothing. Gives how many have turned.

    run: the run under which it happens; without, one is opened if there is anything to do. In a transaction.
    """
    today = clock.today()
    turned = _turned(customers, today)
    if not turned:
        return 0
    run = run or history.begin(JOB, by=SYSTEM, source="worker")
    Dealing.objects.bulk_create(
        [Dealing(customer_id=t.dealt.pk, status=t.status, since=today) for t in turned],
        update_conflicts=True, unique_fields=["customer"], update_fields=["status", "since"],
    )  # fmt: skip
    _keep_losses([t for t in turned if t.status == LOST])
    _regain([t.dealt for t in turned if t.dealt.status == LOST and t.status != LOST])
    labels = {s.value: s.label for s in STATUSES}
    history.add_events(run, "customers.customer", [
        ("customers.customer.turned", t.dealt.pk, None, None,
         {"words": f"成交状态：{labels[t.dealt.status or POTENTIAL]} → {labels[t.status]}"})
        for t in turned
    ])  # fmt: skip
    tell_each([*_risks(turned, run), *_losses(turned, run, today)])
    return len(turned)


def _turned(customers: Sequence[int], today: date) -> list[Turn]:
    with connection.cursor() as cursor:
        cursor.execute(_DEALT, {"ids": list(customers), "held": list(IN_FORCE)})
        rows = [Dealt(*row) for row in cursor.fetchall()]
    limits = limits_on(today) if rows else {}
    found = [Turn(row, row.now(limits[row.level], today), limits[row.level]) for row in rows]
    return [t for t in found if t.status != (t.dealt.status or POTENTIAL)]


def _keep_losses(lost: Iterable[Turn]) -> None:
    now = clock.now()
    Loss.objects.bulk_create(
        [
            Loss(customer_id=d.pk, name=d.name, level=d.level, owner_id=d.owner, unit_id=d.unit, last_on=d.last_on,
                 lost_on=d.lost_on(limits), created_at=now, updated_at=now)
            for d, _, limits in lost if d.last_on
        ],
        ignore_conflicts=True,  # the same silence is one loss
    )  # fmt: skip


def _regain(back: Sequence[Dealt]) -> None:
    if back:
        with connection.cursor() as cursor:
            cursor.execute(_REGAIN, [[d.pk for d in back], [d.last_on for d in back]])


def _risks(turned: Iterable[Turn], run: int) -> list[News]:
    """Before the limit each owner is told, once for all of a run."""
    news = []
    for owner, rows in _by_owner(t for t in turned if t.status == AT_RISK).items():
        first = min(t.dealt.lost_on(t.limits) for t in rows)
        title, text = f"客户快流失：{_names(rows)}", f"到 {first} 还没有订单就算流失，联系一次。"
        news.append(News(owner, title, text, _page(rows), TOLD.name, key=f"risk-{run}-{owner}", run=run))
    return news


def _losses(turned: Iterable[Turn], run: int, today: date) -> list[News]:
    lost = (t for t in turned if t.status == LOST and t.dealt.lost_on(t.limits) > today - RECENT)
    return [
        News(
            owner,
            f"客户流失：{_names(rows)}",
            "写上流失的原因。",
            LOSSES,
            TOLD.name,
            key=f"lost-{run}-{owner}",
            run=run,
        )
        for owner, rows in _by_owner(lost).items()
    ]


def _by_owner(turned: Iterable[Turn]) -> Mapping[int, list[Turn]]:
    found: dict[int, list[Turn]] = defaultdict(list)
    for turn in turned:
        if turn.dealt.owner:
            found[turn.dealt.owner].append(turn)
    return found


def _names(rows: Sequence[Turn]) -> str:
    shown = "、".join(t.dealt.name for t in rows[:NAMED])
    return shown if len(rows) <= NAMED else f"{shown} 等 {len(rows)} 家"


def _page(rows: Sequence[Turn]) -> str:
    return f"/customers/customer/{rows[0].dealt.pk}/" if len(rows) == 1 else PAGE


def of_orders(happened: Happened) -> None:
    """Effect of orders that begin or cease to hold."""
    follow(trade.locked_customers(happened.ids), happened.run)


def of_customers(happened: Happened) -> None:
    """Effect of customers that are others' now, or of another class: losses go along, other limits hold."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [happened.ids])
    follow(happened.ids, happened.run)


def of_merged(happened: Happened) -> None:
    """Effect of customers merged into one, or parted again: it stands by the orders that it has now."""
    take_along(happened, "retention_loss", unless=_SAME_SILENCE)
    of_customers(happened)


@job(JOB)
def nightly() -> int:
    """All customers in use, some thousand a transaction. Gives how many have turned. Killed, it goes on."""
    last, turned = 0, 0
    while ids := list(Customer.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic():
            turned += follow(ids)
        last = ids[-1]
    Night.objects.update_or_create(day=clock.today(), defaults={"done_at": clock.now()})
    return turned


def every_hour() -> None:
    """The first hour of a day in which the system runs is the night's."""
    if not Night.objects.filter(day=clock.today()).exists():
        defer(JOB, key="all", lock=JOB)
