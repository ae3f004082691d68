"""Who is in which group follows by itself: from orders and customers at once, set-wise, and at night for all."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.jobs.queue import defer, job
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import fields
from neiqin.modules.customers.models import Customer
from neiqin.modules.groups.models import Group, Membership, Night
from neiqin.modules.groups.states import ACTIVE, OUT
from neiqin.modules.orders import trade

CHUNK = 2000
JOB = "groups.follow"

_GROUPS = f"SELECT id FROM groups_group WHERE state = '{ACTIVE}'"
_BOUGHT = f"{_GROUPS} AND num_nonnulls(orders_min, orders_max, amount_min, amount_max) > 0"

# Pairs of group and customer that should be and are not (id is null), or are and should not be (owed is null).
_DIFFERENCES = """
WITH bought AS (
SELECT o.customer_id, s.span, count(*) AS orders, sum(o.amount) AS amount
FROM orders_order o JOIN unnest(%(spans)s::text[], %(since)s::timestamptz[]) AS s(span, since)
ON o.confirmed_at >= s.since WHERE o.customer_id = ANY(%(ids)s) AND o.state <> 'void' GROUP BY 1, 2),
wanted AS (
SELECT g.id AS group_id, c.id AS customer_id, c.name, c.owner_id, c.unit_id, true AS owed
FROM groups_group g JOIN customers_customer c ON c.state = 'active'
LEFT JOIN bought n ON n.customer_id = c.id AND n.span = g.orders_within
LEFT JOIN bought a ON a.customer_id = c.id AND a.span = g.amount_within
WHERE g.id = ANY(%(groups)s) AND g.state = 'active' AND c.id = ANY(%(ids)s)
AND (g.industry = '' OR EXISTS (
SELECT FROM unnest(string_to_array(g.industry, '、')) AS w WHERE strpos(c.industry, w) > 0))
AND (g.region = '' OR EXISTS (
SELECT FROM unnest(string_to_array(g.region, '、')) AS w WHERE strpos(concat(c.province, c.city, c.district), w) > 0))
AND (g.level = '' OR c.level = g.level)
AND (g.size_band = '' OR array_position(%(sizes)s::text[], c.size_band::text)
>= array_position(%(sizes)s::text[], g.size_band::text))
AND (g.orders_min IS NULL OR coalesce(n.orders, 0) >= g.orders_min)
AND (g.orders_max IS NULL OR coalesce(n.orders, 0) <= g.orders_max)
AND (g.amount_min IS NULL OR coalesce(a.amount, 0) >= g.amount_min)
AND (g.amount_max IS NULL OR coalesce(a.amount, 0) <= g.amount_max)),
present AS (
SELECT id, group_id, customer_id FROM groups_membership
WHERE state = 'in' AND group_id = ANY(%(groups)s) AND customer_id = ANY(%(ids)s))
SELECT group_id, customer_id, w.name, w.owner_id, w.unit_id, p.id
FROM wanted w FULL JOIN present p USING (group_id, customer_id) WHERE w.owed IS NULL OR p.id IS NULL
ORDER BY group_id, customer_id
"""
# Whose the customer is now, and its name.
_MOVE = """
UPDATE groups_membership m SET owner_id = c.owner_id, unit_id = c.unit_id, name = c.name
FROM customers_customer c WHERE c.id = m.customer_id AND m.customer_id = ANY(%s)
AND (m.owner_id, m.unit_id, m.name) IS DISTINCT FROM (c.owner_id, c.unit_id, c.name)
"""


def since(today: date) -> dict[str, datetime]:
    """Span -> the moment it begins: the calendar month and quarter of this day, and 365 days with it."""
    days = {
        "month": today.replace(day=1), "quarter": today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
        "year": today - timedelta(days=364),
    }  # fmt: skip
    return {span: clock.midnight(day) for span, day in days.items()}


def follow(customers: Sequence[int], groups: Sequence[int], run: int | None = None) -> int:
    """Bring these customers into and out of these groups; a second call changes nothing. Gives how many came and went.

    run: the run under which it happens; without, one is opened if there is anything to do. In a transaction.
    """
    found = _differences(customers, groups) if customers and groups else []
    if not found:
        return 0
    run = run or history.begin("groups.follow", by=SYSTEM, source="worker")
    now = clock.now()
    Membership.objects.bulk_create(
        [
            Membership(group_id=group, customer_id=customer, name=name, owner_id=owner, unit_id=unit, joined_at=now,
                       created_at=now, updated_at=now)
            for group, customer, name, owner, unit, member in found if member is None
        ],
        ignore_conflicts=True,  # somebody else's run was faster
    )  # fmt: skip
    gone = [member for *_, member in found if member is not None]
    Membership.objects.filter(pk__in=gone).update(state=OUT, left_at=now, updated_at=now)
    _tell(found, run)
    return len(found)


def _differences(customers: Sequence[int], groups: Sequence[int]) -> list[tuple[Any, ...]]:
    spans = since(clock.today())
    values: dict[str, Any] = {
        "ids": list(customers), "groups": list(groups), "spans": list(spans), "since": list(spans.values()),
        "sizes": [size.value for size in fields.SIZES],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES, values)
        return cursor.fetchall()


def _tell(found: Sequence[tuple[Any, ...]], run: int) -> None:
    """One event on each customer, and one on each group with how many; who they are shows its list of members."""
    names = dict(Group.objects.filter(pk__in={row[0] for row in found}).values_list("pk", "name"))
    history.add_events(run, "customers.customer", [
        ("customers.customer.grouped", customer, None, None,
         {"words": f"{'进入' if member is None else '离开'}分组「{names[group]}」"})
        for group, customer, *_, member in found
    ])  # fmt: skip
    said = []
    for group, rows in groupby(found, key=lambda row: row[0]):
        came = [row[-1] is None for row in rows]
        parts = [f"{verb} {n} 家" for verb, n in (("进来", sum(came)), ("离开", len(came) - sum(came))) if n]
        said.append(("groups.group.followed", group, None, None, {"words": "，".join(parts)}))
    history.add_events(run, "groups.group", said)


def of_orders(happened: Happened) -> None:
    """Effect of orders that were confirmed, changed or voided: their customers, and groups that count orders."""
    groups = _groups(_BOUGHT)
    if not groups:
        return
    follow(trade.locked_customers(happened.ids), groups, happened.run)


def of_customers(happened: Happened) -> None:
    """Effect of customers that are new or others' now, or of whom something else is known."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [happened.ids])
    follow(happened.ids, _groups(), happened.run)


def of_groups(happened: Happened) -> None:
    """Effect of a group made, changed, stopped or resumed: all customers are looked at in the background."""
    if not happened.preview:
        for group in happened.ids:
            defer(JOB, key=str(group), lock=JOB, group=group)


def _groups(which: str = _GROUPS) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"{which} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


@job(JOB)
def fill(group: int = 0) -> int:
    """All customers against one group, or against all that are in use; some thousand a transaction. Gives how many came
    and went. Killed, it goes on the next time."""
    groups, last, moved = [group] if group else _groups(), 0, 0
    while ids := list(Customer.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic():
            moved += follow(ids, groups)
        last = ids[-1]
    if not group:
        Night.objects.update_or_create(day=clock.today(), defaults={"done_at": clock.now()})
    return moved


def every_hour() -> None:
    """The first hour of a day in which the system runs is the night's: a new month begins, orders grow old."""
    if not Night.objects.filter(day=clock.today()).exists():
        defer(JOB, key="all", lock=JOB)
