"""Follow-ups (跟进记录): what was said with a customer and what comes next; and where each customer stands by them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.models import Change
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.deadlines import calendar
from neiqin.kernel.exchange.plans import Plan
from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats import whole
from neiqin.kernel.fields.shape import Shape
from neiqin.kernel.figures.figure import counting
from neiqin.kernel.figures.periods import Period
from neiqin.kernel.resources.resource import Resource, Todo
from neiqin.kernel.rules.decide import decide
from neiqin.modules.customers import states
from neiqin.modules.customers.models import Contact, FollowUp, Standing
from neiqin.modules.customers.resources import customer

MAY, CORRECT = "customers.follow", "customers.correct_followup"
WAYS = tuple(
    Choice(value, label)
    for value, label in (
        ("visit", "上门"),
        ("phone", "电话"),
        ("wechat", "微信"),
        ("video", "视频"),
        ("mail", "邮件"),
        ("fair", "展会"),
        ("other", "其他"),
    )
)
TODAY_MOST = 8
AUTHORS_OWN = timedelta(days=1)

of = Field("customer", "客户", "ref", ref="customers.customer", required=True, list=True, filter=True, role="id")
contact = Field("contact", "联系人", personal=True, mask=whole, maxlength=40, list=True, pri=2)
way = Field("way", "方式", "choice", choices=WAYS, required=True, list=True, filter=True, role="st")
happened_at = Field("happened_at", "跟进时间", "moment", required=True, list=True, filter=True, role="due")
content = Field("content", "内容", "long", required=True, maxlength=2000, span=3)
headline = Field("headline", "内容摘要", form=False, list=True, filter=True, role="name")
result = Field("result", "结果", maxlength=200, span=2)
next_on = Field("next_on", "下次跟进", "date", list=True, filter=True)
next_what = Field("next_what", "下次做什么", maxlength=100, span=2)
author = Field(
    "author",
    "跟进人",
    "person",
    ref="people.person",
    right=CORRECT,
    help="空着就是自己",
    list=True,
    filter=True,
    role="who",
)
late = Field("late", "补录", "bool", form=False, list=True, filter=True, pri=3)
owner = Field("owner", "客户负责人", "person", ref="people.person", form=False, filter=True, empty="公海")
unit = Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True)
created_at = Field("created_at", "录入时间", "moment", form=False, filter=True)

SAID = (contact, way, happened_at, content, result, next_on, next_what)
FOLLOWUP = Shape((of, *SAID, author))


def still_open(followups: Batch[FollowUp], changes: Changes) -> Mapping[int, Refusal]:
    """For a day the author may put right what he wrote; later it takes the right to correct, on this record."""
    if followups.by.may(CORRECT):
        reach = followups.by.scope(CORRECT)
        theirs = {f.pk for f in followups if reach is not None and reach.covers(f.owner_id, f.unit_id)}
    else:
        theirs = set()
    fresh = {f.pk for f in followups if f.author_id == followups.by.id and followups.now - f.created_at < AUTHORS_OWN}
    named = {f.pk: (f.customer_id, changes[f.pk]["contact"]) for f in followups if "contact" in changes[f.pk]}
    known = Contact.subjects({c for c, _ in named.values()})
    for followup in followups:
        if followup.pk in named:  # the new name is sealed for whom it names
            followup.subject = known.get(named[followup.pk]) or uuid4()
    followups.set_each("subject", {f.pk: f.subject for f in followups})
    text = "录入超过一天，只有能更正跟进记录的人才能改。有新情况再记一条。"
    return dict.fromkeys(set(followups.ids) - theirs - fresh, Refusal(text))


create = creating(FollowUp, FOLLOWUP, label="记跟进", may=MAY)
edit = editing(FollowUp, Shape(SAID), check=still_open, label="改跟进记录", may=MAY)
resource = Resource(
    FollowUp,
    "跟进记录",
    icon="message",
    confidential=True,
    section="业务",
    slug="followups",
    fields=(headline, *FOLLOWUP.fields[:-1], author.but(right=""), late, owner, unit, created_at),
    shape=FOLLOWUP,
    fast_sorts=("-happened_at",),
    title="headline",
    create=create,
    edit=edit,
)
plan = Plan(
    resource,
    keys=(),
    synonyms={
        "customer": ("客户名称", "客户编号", "统一社会信用代码", "公司名称"),
        "author": ("记录人", "业务员", "跟进人员"),
        "happened_at": ("跟进日期", "拜访时间", "拜访日期", "联系时间"),
        "content": ("跟进内容", "拜访内容", "沟通内容", "备注"),
        "way": ("跟进方式", "联系方式", "拜访方式"),
        "next_on": ("下次跟进时间", "下次联系时间", "下次跟进日期"),
    },
)

# Where a customer stands. All of it is reckoned anew from what is there, so it may be asked for twice.
_SETTLE = """
INSERT INTO customers_standing AS s
(customer_id, owner_id, owned_since, followed_at, next_on, next_what, pooled_at, pooled_why)
SELECT c.id, c.owner_id, %(now)s, f.happened_at, f.next_on, coalesce(f.next_what, ''),
CASE WHEN c.owner_id IS NULL THEN %(now)s END, CASE WHEN c.owner_id IS NULL THEN v.why ELSE '' END
FROM unnest(%(ids)s::bigint[], %(whys)s::text[]) AS v(id, why) JOIN customers_customer c ON c.id = v.id
LEFT JOIN LATERAL (SELECT happened_at, next_on, next_what FROM customers_followup
WHERE customer_id = c.id ORDER BY happened_at DESC, id DESC LIMIT 1) f ON true ORDER BY c.id
ON CONFLICT (customer_id) DO UPDATE SET
owner_id = coalesce(EXCLUDED.owner_id, s.owner_id),
owned_since = CASE WHEN {taken} OR (EXCLUDED.owner_id IS NOT NULL AND s.owner_id IS DISTINCT FROM EXCLUDED.owner_id)
THEN %(now)s ELSE s.owned_since END,
claimed_at = CASE WHEN {taken} THEN %(now)s ELSE s.claimed_at END,
followed_at = EXCLUDED.followed_at,
next_on = CASE WHEN {planned} THEN EXCLUDED.next_on END,
next_what = CASE WHEN {planned} THEN EXCLUDED.next_what ELSE '' END,
pooled_at = CASE WHEN EXCLUDED.owner_id IS NULL THEN coalesce(s.pooled_at, %(now)s) END,
pooled_why = CASE WHEN EXCLUDED.owner_id IS NOT NULL THEN ''
ELSE coalesce(nullif(s.pooled_why, ''), EXCLUDED.pooled_why) END
""".format(
    taken="(s.pooled_at IS NOT NULL AND EXCLUDED.owner_id IS NOT NULL)",
    # What somebody had planned who then lost the customer is nobody's next step.
    planned="(s.pooled_at IS NULL AND EXCLUDED.owner_id IS NOT NULL "
    "AND (s.claimed_at IS NULL OR EXCLUDED.followed_at >= s.claimed_at))",
)
_MOVE = """
WITH mine AS (SELECT f.id, c.owner_id, c.unit_id
FROM customers_followup f JOIN customers_customer c ON c.id = f.customer_id WHERE f.customer_id = ANY(%s)
AND (f.owner_id, f.unit_id) IS DISTINCT FROM (c.owner_id, c.unit_id)
ORDER BY f.id FOR NO KEY UPDATE OF f)
UPDATE customers_followup f SET owner_id = mine.owner_id, unit_id = mine.unit_id FROM mine WHERE f.id = mine.id
"""


def settle(customers: Sequence[int], now: datetime, whys: Mapping[int, str] | None = None) -> None:
    """Write where these customers stand. whys: why those that came into the pool did."""
    reasons = [(whys or {}).get(i, "") for i in customers]
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"now": now, "ids": list(customers), "whys": reasons})


def of_customers(happened: Happened) -> None:
    """Effect of what may have given customers another owner: their follow-ups go along."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, [happened.ids])
    whys = {i: str((data or {}).get("reason", ""))[:100] for i, data in happened.data.items()}
    settle(happened.ids, happened.now, whys)


def of_followups(happened: Happened) -> None:
    """Effect of follow-ups written or put right."""
    rows = FollowUp.objects.filter(pk__in=happened.ids).order_by("customer_id")
    settle(list(rows.values_list("customer_id", flat=True).distinct()), happened.now)


def of_withdrawn(happened: Happened) -> None:
    """Effect of imported follow-ups taken back."""
    gone = Change.objects.filter(run_id=happened.run, tbl=FollowUp._meta.db_table, op="D").values_list(
        "before", flat=True
    )
    settle(sorted({row["customer_id"] for row in gone if row}), happened.now)


# The workbench


def to_follow(person: Any) -> list[Todo]:
    """Customers of hers whose next step is due: the latest first that waits longest."""
    today = clock.today()
    rows = Standing.objects.filter(
        owner_id=person.id, pooled_at=None, next_on__lte=today, customer__state=states.ACTIVE
    ).order_by("next_on", "customer_id")
    due = list(rows.values_list("customer_id", "customer__name", "next_on", "next_what")[: TODAY_MOST + 1])
    found = [
        Todo(
            name,
            customer.url_of(pk),
            what or "跟进",
            "phone",
            "今天该跟进" if on == today else f"过了 {(today - on).days} 天",
            "warn" if on == today else "bad",
        )
        for pk, name, on, what in due[:TODAY_MOST]
        if on
    ]
    if len(due) > TODAY_MOST:
        here = f"{customer.url}?f=owner:in:{person.id}&f=next_on:to:{today}"
        found.append(Todo(f"还有 {rows.count() - TODAY_MOST} 家该跟进", here, "按下次跟进排好了", "list-details"))
    return found


def quiet_until(person: Any, day: date) -> date:
    """The last day since which a customer without a next step may have been quiet; working days by the rules."""
    days = int(decide("customers.next_step", [{"position": person.position}], day)[0].outputs["days"])
    return calendar.current().add_working_days(day, -days)


def _aimless(person: Any, _: Period | None) -> list[dict[str, str]]:
    return [
        {"field": "owner", "op": "in", "value": str(person.id)},
        {"field": "state", "op": "in", "value": states.ACTIVE},
        {"field": "next_on", "op": "empty", "value": ""},
        {"field": "quiet_since", "op": "to", "value": quiet_until(person, clock.today()).isoformat()},
    ]


aimless = counting(
    "customers.aimless",
    "没有下一步的客户",
    customer,
    "负责人是我，没有约下次跟进，并且《没有下一步几天提醒》规定的工作日里没有动静的客户",
    _aimless,
    good=False,
    queue=True,
)


def _due(person: Any, _: Period | None) -> list[dict[str, str]]:
    return [
        {"field": "owner", "op": "in", "value": str(person.id)},
        {"field": "state", "op": "in", "value": states.ACTIVE},
        {"field": "next_on", "op": "to", "value": clock.today().isoformat()},
    ]


due = counting(
    "customers.due", "该跟进", customer, "负责人是我、下次跟进是今天或更早的客户", _due, good=False, queue=True
)


def without_next_step(person: Any) -> list[Todo]:
    """One thing to do for all customers of hers that nobody has a plan for."""
    reading = aimless.read(person)
    if reading is None or not reading.value:
        return []
    return [Todo(f"{reading.shown}客户没有下一步", reading.url, "给每家约个日期，或放入公海", "calendar", "", "warn")]
