"""What the demo company has been doing: follow-ups of the last weeks, next steps around today, the pool."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import fields, states
from neiqin.modules.customers.models import Contact, Customer
from neiqin.modules.followups import followups
from neiqin.modules.pool import pool

TALKS = (
    ("phone", "问了下季度的用量，轴承比去年多两成", "要报价", "把报价单发过去"),
    ("visit", "看了现场，气缸漏气，答应换密封件", "下单意向", "带样品再去一次"),
    ("wechat", "发了新目录，对方转给了采购", "等回复", "问采购看了没有"),
    ("phone", "催上月的对账单，财务说周五盖章", "已答应", "收回对账单"),
    ("visit", "谈年度框架，对方要月结 60 天", "要请示", "带着账期方案再谈"),
    ("mail", "发了图纸确认，等工程师回签", "等回复", "催工程师回签"),
    ("fair", "在工博会上认识，做减速机配套", "有兴趣", "约上门"),
)
REASONS = ("对方换了供应商，今年没有计划", "联系不上，电话打了三次没人接", "改由集团统一采购")
CHUNK = 200
TALKED_WITHIN = 26  # days: less than the pool's rules allow
FORGOTTEN = 29  # days: falls tonight


def live(customers: Sequence[int]) -> None:
    """Tell it of these customers, which have just been made; relative to today, always the same."""
    rows = dict(enumerate(Customer.objects.filter(pk__in=customers, state=states.ACTIVE).order_by("pk")))
    contacts = {customer: name or "" for customer, name in Contact.subjects(customers)}
    said, moments, since = [], [], []
    for n, record in rows.items():
        ago = FORGOTTEN if n % 31 == 6 and record.level == fields.PROSPECT else n * 7 % TALKED_WITHIN
        moment = clock.now() - timedelta(days=ago, hours=n % 7)
        since.append((record.pk, moment - timedelta(days=40)))
        way, content, result, what = TALKS[n % len(TALKS)]
        next_on = max(clock.today() + timedelta(days=n * 5 % 13 - 3), clock.local(moment).date())
        step = {"next_on": next_on, "next_what": what} if n % 4 and ago != FORGOTTEN else {}
        talk = {"way": way, "content": content, "result": result, "contact": contacts.get(record.pk, "")}
        said.append(talk | step | {"customer": record.pk, "author": record.owner_id, "happened_at": moment})
        moments.append(moment)
    made: list[int] = []
    for start in range(0, len(said), CHUNK):
        made += perform(followups.create, by=SYSTEM, rows=said[start : start + CHUNK], source="demo").done
    given_up = [r.pk for n, r in rows.items() if n % 12 == 4 and r.level != fields.KEY]
    for n, reason in enumerate(REASONS):
        perform(pool.release, given_up[n :: len(REASONS)], by=SYSTEM, params={"reason": reason}, source="demo")
    with transaction.atomic(), connection.cursor() as cursor:
        history.begin("demo", by=SYSTEM, source="demo")
        cursor.execute(
            "UPDATE customers_followup f SET created_at = v.at, updated_at = v.at, late = false "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, at) WHERE f.id = v.id",
            [made, moments],
        )
        cursor.execute(
            "UPDATE customers_standing s SET owned_since = v.at "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS v(id, at) WHERE s.customer_id = v.id",
            [[pk for pk, _ in since], [at for _, at in since]],
        )
        cursor.execute(
            "UPDATE customers_standing SET pooled_at = now() - make_interval(days => 1 + (customer_id % 25)::int) "
            "WHERE pooled_at IS NOT NULL"
        )
        cursor.execute(
            "UPDATE customers_customer c SET updated_at = s.pooled_at "
            "FROM customers_standing s WHERE s.customer_id = c.id AND s.pooled_at IS NOT NULL"
        )
