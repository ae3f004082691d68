"""Which customers in use share a name without its legal form, or a phone: over all of them at once, every night."""

import hashlib

from django.db import connection, transaction

from neiqin.kernel import clock, copying
from neiqin.kernel.fields.formats import company_core
from neiqin.kernel.jobs.queue import defer, job
from neiqin.modules.customers import states
from neiqin.modules.customers.models import Customer
from neiqin.modules.duplicates.models import Looked

NAME, PHONE = "name", "phone"
WHY = {NAME: "名称一样", PHONE: "电话一样"}
MOST = 20  # of one group: a phone that more customers share is an agent's, and says nothing

_GROUPS = """
INSERT INTO duplicates_suspect (pair, why, customer_id)
SELECT pair, %(why)s, unnest(ids) FROM (SELECT pair, array_agg(DISTINCT id) AS ids FROM ({pairs}) p GROUP BY pair) g
WHERE cardinality(ids) BETWEEN 2 AND %(most)s
"""
_PHONES = """
SELECT ('x' || left(encode(b.digest, 'hex'), 16))::bit(64)::bigint AS pair, c.id
FROM personal_blindindex b JOIN customers_contact t ON t.subject = b.subject
JOIN customers_customer c ON c.id = t.customer_id AND c.state = 'active' WHERE b.purpose IN ('mobile', 'phone')
"""


@job("duplicates.find")
def find(day: str) -> None:
    """Look through all customers in use; what was found before is forgotten. Repeatable."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Whole tables are joined, which after a large import the planner does not know yet.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute("DELETE FROM duplicates_suspect")
        cursor.execute("DROP TABLE IF EXISTS duplicates_core")
        cursor.execute("CREATE TEMPORARY TABLE duplicates_core (pair bigint, id bigint) ON COMMIT DROP")
        rows = Customer.objects.filter(state=states.ACTIVE).values_list("pk", "name").order_by()
        named = [(_digest(company_core(name)), pk) for pk, name in rows.iterator(chunk_size=20_000)]
        with copying.copying("duplicates_core", ("pair", "id")) as copy:
            for row in named:
                copy.write_row(row)
        cursor.execute(_GROUPS.format(pairs="SELECT pair, id FROM duplicates_core"), {"why": NAME, "most": MOST})
        cursor.execute(_GROUPS.format(pairs=_PHONES), {"why": PHONE, "most": MOST})
        cursor.execute("SELECT count(DISTINCT pair) FROM duplicates_suspect")
        done = {"groups": cursor.fetchone()[0], "done_at": clock.now()}
        Looked.objects.update_or_create(day=day, defaults=done)


def _digest(core: str) -> int:
    return int.from_bytes(hashlib.blake2b(core.encode(), digest_size=8).digest(), "big", signed=True)


def every_hour() -> None:
    """The first hour of a day in which the system runs is the night's."""
    today = clock.today().isoformat()
    if not Looked.objects.filter(day=today).exists():
        defer("duplicates.find", key=today, lock="duplicates.find", day=today)
