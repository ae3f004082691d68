"""The public pool (公海): customers nobody has. They fall into it by the rules, are claimed within caps, or assigned.

A customer in the pool has no owner and keeps its unit, so that whoever sees the unit sees it, and nobody else does.
What the rules say is read once for each level and unit and joined to the customers, so that the nightly run, the
reminder and the preview ask the same question, of a million rows as of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.records import creating
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.notices.tell import Kind, News, tell_each
from neiqin.kernel.people.models import Person, Unit
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Resource, Todo
from neiqin.kernel.rules.decide import decide
from neiqin.modules.customers import actions, fields, states
from neiqin.modules.customers.models import Customer, Pooled, PoolNight, PoolUse, Standing

CLAIM, RELEASE, MANAGE = "customers.claim", "customers.release", "customers.pool_manage"
PAGE = "/customers/pool/"
CHUNK = 2000  # customers of one transaction of the night
CLAIMED, VIEWED = "claim", "view"
SOON = Kind("customers.pool_soon", "客户快回公海")
REASON = Field("reason", "原因", "long", required=True, maxlength=100)
TO = Field("to", "分配给", "person", required=True, ref="people.person")

# Who falls, and when


@dataclass(frozen=True)
class Due:
    """A customer that falls into the pool on a day, and why."""

    customer: int
    owner: int
    on: date
    why: str


_DUE = """
SELECT id, owner_id, fall_on, CASE WHEN quiet_on <= coalesce(deal_on, quiet_on) THEN follow || ' 天没有跟进'
ELSE deal || ' 天没有成交' END
FROM (SELECT d.*, greatest(least(quiet_on, deal_on), held_on) AS fall_on FROM (
SELECT c.id, c.owner_id, r.follow, r.deal, r.warn,
CASE WHEN r.follow > 0 THEN (coalesce(s.quiet_since, c.created_at) AT TIME ZONE %(zone)s)::date + r.follow
END AS quiet_on,
CASE WHEN r.deal > 0
THEN coalesce(s.dealt_on, (coalesce(s.owned_since, c.created_at) AT TIME ZONE %(zone)s)::date) + r.deal END AS deal_on,
(coalesce(s.owned_since, c.created_at) AT TIME ZONE %(zone)s)::date + r.protect AS held_on
FROM customers_customer c LEFT JOIN customers_standing s ON s.customer_id = c.id
JOIN unnest(%(levels)s::text[], %(units)s::bigint[], %(follow)s::int[], %(deal)s::int[], %(protect)s::int[],
%(warn)s::int[]) AS r(level, unit_id, follow, deal, protect, warn) ON r.level = c.level AND r.unit_id = c.unit_id
WHERE c.owner_id IS NOT NULL AND c.state = 'active' AND (r.follow > 0 OR r.deal > 0) {among}) AS d) AS f
WHERE {when} ORDER BY id
"""
FALLING = "fall_on <= %(on)s"
SOON_FALLING = "fall_on > %(on)s AND fall_on <= %(on)s + warn"
TO_WARN = "fall_on = %(on)s + warn"


def due(on: date, when: str = FALLING, *, among: str = "", **values: Any) -> list[Due]:
    """The customers that fall on a day (or, with another `when`, soon after), by id. among: SQL that narrows c, the
    customer, with its `values`."""
    sql = _DUE.format(among=among, when=when)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"on": on, "zone": str(clock.zone()), **_rules(on), **values})
        return [Due(*row) for row in cursor.fetchall()]


def _rules(on: date) -> dict[str, list[Any]]:
    """What the table says for each level and unit, as columns."""
    pairs = [(level, unit, name) for level in fields.LEVELS for unit, name in Unit.objects.values_list("pk", "name")]
    said = decide("customers.pool", [{"level": level.label, "unit": name} for level, _, name in pairs], on)
    columns: dict[str, list[Any]] = {"levels": [p[0].value for p in pairs], "units": [p[1] for p in pairs]}
    return columns | {n: [int(d.outputs[n]) for d in said] for n in ("follow", "deal", "protect", "warn")}


@action(Customer, "回公海", may=MANAGE, event="fell_into_pool", button=False, bulk=False, icon="share")
def fall(customers: Batch[Customer], *, on: Annotated[date, Field("on", "哪天", "date", required=True)]) -> None:
    """What the rules take from its owner; what was followed up in the meantime stays."""
    whys = {d.customer: d.why for d in due(on, among="AND c.id = ANY(%(ids)s)", ids=customers.ids)}
    customers.leave(set(customers.ids) - whys.keys())
    customers.tell({i: {"reason": why} for i, why in whys.items()})
    customers.set(owner_id=None)


@job("customers.pool")
def nightly(day: str) -> None:
    """Put what is due into the pool, some thousand a transaction, and remind whose turn comes. Killed, it goes on."""
    on, fell = date.fromisoformat(day), 0
    ids = [d.customer for d in due(on)]
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        done = perform(fall, chunk, by=SYSTEM, params={"on": on}, source="pool", seconds=30)
        fell += Event.objects.filter(run_id=done.run or 0, name=fall.event_name).count()
    with transaction.atomic():
        _remind(on)
        PoolNight.objects.update_or_create(day=on, defaults={"fell": fell, "done_at": clock.now()})


def every_hour() -> None:
    """The first hour of a day in which the system runs is the night's."""
    today = clock.today()
    if not PoolNight.objects.filter(day=today).exists():
        defer("customers.pool", key=today.isoformat(), lock="customers.pool", day=today.isoformat())


def _remind(on: date) -> None:
    soon: dict[int, list[Due]] = {}
    for one in due(on, TO_WARN):
        soon.setdefault(one.owner, []).append(one)
    tell_each(
        [
            News(
                person, f"{len(rows)} 家客户快回公海，最早 {min(d.on for d in rows):%m-%d}", "跟进一次就留住。", PAGE,
                SOON.name, key=f"pool-{on}",
            )
            for person, rows in soon.items()
        ]
    )  # fmt: skip


def falling_soon(person: Any) -> list[Todo]:
    """One thing to do for all customers of hers that the rules take soon."""
    if not person.may(RELEASE):
        return []
    soon = due(clock.today(), SOON_FALLING, among="AND c.owner_id = %(person)s", person=person.id)
    if not soon:
        return []
    first = min(d.on for d in soon)
    return [Todo(f"{len(soon)} 家客户快回公海", PAGE, "跟进一次就留住", "clock", f"最早 {first:%m-%d}", "warn")]


def ahead(person: Any, on: date, when: str) -> list[Due]:
    """Those a person sees that fall on a day, or soon after."""
    scope = person.scope(Customer.view_permission())
    if scope.everything:
        return due(on, when)
    among = "AND (c.owner_id = ANY(%(owners)s) OR c.unit_id = ANY(%(seen)s))"
    return due(on, when, among=among, owners=sorted(scope.owners), seen=sorted(scope.units))


# Claiming and giving up


def limits_of(position: str, on: date) -> Mapping[str, int]:
    """hold, claims, views and cool of somebody in this position."""
    return {
        name: int(v) for name, v in decide("customers.pool_limits", [{"position": position}], on)[0].outputs.items()
    }


@action(Pooled, "领取", may=CLAIM, event="claimed", icon="hand-stop", primary=True)
def claim(customers: Batch[Pooled]) -> None:
    """Take customers from the pool: within one's caps, not those just lost, key ones only as a manager (C-CUS-11)."""
    person = Person.objects.select_related("position").filter(pk=customers.by.id, left_on=None).first()
    if person is None:
        customers.refuse(dict.fromkeys(customers.ids, Refusal("只有在职的人能领取。")))
        return
    today = clock.local(customers.now).date()
    limits = limits_of(person.position.name, today)
    _refuse_key(customers, person)
    lost = dict(
        Standing.objects.filter(customer__in=customers.ids, owner_id=person.pk).values_list("customer_id", "pooled_at")
    )
    free = {i: clock.local(at).date() + timedelta(days=limits["cool"]) for i, at in lost.items() if at}
    text = "前不久还在你名下，{:%m-%d} 起才能再领。"
    customers.refuse({i: text.format(day) for i, day in free.items() if day > today})
    _refuse_above(customers, person, limits["hold"])
    claimed = PoolUse.objects.filter(person=person, day=today, what=CLAIMED).count()
    rest = customers.ids[max(0, limits["claims"] - claimed) :]
    customers.refuse(dict.fromkeys(rest, f"一天最多领 {limits['claims']} 家，今天已领 {claimed} 家，明天再领。"))
    _keep_use(person.pk, today, CLAIMED, customers.ids)
    customers.set(owner_id=person.pk, unit_id=person.unit_id)


@action(Pooled, "分配", may=MANAGE, event="assigned", icon="user-plus")
def assign(customers: Batch[Pooled], *, to: Annotated[int, TO]) -> None:
    """Give customers from the pool to somebody, within what he may hold."""
    person = Person.objects.select_related("position").filter(pk=to, left_on=None).first()
    if person is None:
        customers.refuse(dict.fromkeys(customers.ids, Refusal("这个人不存在或已离职，换一位。", "to")))
        return
    _refuse_key(customers, person)
    _refuse_above(customers, person, limits_of(person.position.name, clock.local(customers.now).date())["hold"])
    customers.tell({i: {"to": to} for i in customers.ids})
    customers.set(owner_id=person.pk, unit_id=person.unit_id)


@action(Customer, "放入公海", may=RELEASE, from_=states.ACTIVE, event="released", icon="share")
def release(customers: Batch[Customer], *, reason: Annotated[str, REASON]) -> None:
    """Give customers up: anybody of the unit may claim them."""
    customers.refuse({c.pk: "已经在公海里。" for c in customers if c.owner_id is None})
    customers.tell({i: {"reason": reason} for i in customers.ids})
    customers.set(owner_id=None)


create = creating(Pooled, actions.CUSTOMER, numbers=actions.NUMBERS, check=actions.complete, label="新建到公海")


def _refuse_key(customers: Batch[Pooled], person: Person) -> None:
    if not person.position.owns_key_customers:
        text = f"重点客户由销售经理或总监负责，{person.name}是{person.position.name}。让经理领，或分配给经理。"
        customers.refuse({c.pk: text for c in customers if c.level == fields.KEY})


def _refuse_above(customers: Batch[Pooled], person: Person, most: int) -> None:
    """The first ones while there is room. Whoever takes customers for the same person waits here for this one."""
    _one_at_a_time(person.pk)
    held = Customer.objects.filter(owner=person, state=states.ACTIVE).count()
    text = f"{person.name}名下有 {held} 家，最多 {most} 家。先放掉几家。"
    customers.refuse(dict.fromkeys(customers.ids[max(0, most - held) :], text))


def _one_at_a_time(person: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('customers.pool', %s))", [person])


def _keep_use(person: int, day: date, what: str, customers: Sequence[int]) -> None:
    uses = [PoolUse(person_id=person, day=day, what=what, customer_id=i) for i in customers]
    PoolUse.objects.bulk_create(uses, ignore_conflicts=True)


def opening(record: Pooled, person: Any) -> str:
    """A card that is opened counts, once a day; above the cap it is not shown."""
    today = clock.today()
    most = limits_of(person.position, today)["views"]
    with transaction.atomic():
        _one_at_a_time(person.id)
        seen = set(
            PoolUse.objects.filter(person_id=person.id, day=today, what=VIEWED).values_list("customer_id", flat=True)
        )
        if record.pk not in seen and len(seen) >= most:
            return f"公海客户一天最多看 {most} 家，今天看满了。明天再看，或先领取再看。"
        _keep_use(person.id, today, VIEWED, [record.pk])
    return ""


# What is seen of the pool

_of = "standing__"
CARD = (
    fields.name,
    fields.level,
    fields.kind,
    fields.industry,
    fields.source,
    fields.province,
    fields.city.but(role="id"),
    Field(
        "pooled_at", "进公海", "moment", column=f"{_of}pooled_at", list=True, filter=True, role="due", sort="updated_at"
    ),
    Field("pooled_why", "为什么", column=f"{_of}pooled_why", list=True, filter=True, pri=2),
    Field(
        "last_owner", "上一位", "person", column=f"{_of}owner", ref="people.person", list=True, filter=True, role="who"
    ),
    fields.unit.but(label="哪个部门的公海", list=True, pri=3),
    fields.business_scope,
    Field("last_followed", "最后跟进", "moment", column=f"{_of}followed_at", filter=True),
)
resource = Resource(
    Pooled,
    "公海",
    noun="家",
    icon="inbox",
    confidential=True,
    section="业务",
    phone=True,
    slug="pool",
    fields=CARD,
    fast_sorts=("-updated_at",),
    found=("name", "short_name", "number"),
    actions=(claim, assign),
    opening=opening,
)
