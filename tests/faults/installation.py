"""Run as a module inside an installation (NEIQIN_DATA): `people` makes two clerks, `look` tells what is there.

Both print one JSON object.
"""

import json
import sys
from typing import Any

# What changes the customer's own row: how it stands by its orders (turned) is a row beside it.
OWN = "model = 'customers.customer' AND name <> 'customers.customer.turned'"
NEVER = {
    "customers without a contact": """SELECT id FROM customers_customer c
        WHERE NOT EXISTS (SELECT FROM customers_contact WHERE customer_id = c.id)""",
    "contacts without their personal key": """SELECT id FROM customers_contact c
        WHERE NOT EXISTS (SELECT FROM personal_personalkey WHERE subject = c.subject AND wrapped <> '')""",
    "versions that are not the number of events": f"""SELECT id FROM customers_customer c
        WHERE version <> (SELECT count(*) FROM actions_event WHERE {OWN} AND record_id = c.id)""",
    "events without their change": f"""SELECT id FROM actions_event e WHERE {OWN}
        AND NOT EXISTS (SELECT FROM actions_change
                        WHERE run_id = e.run_id AND tbl = 'customers_customer' AND row_id = e.record_id)""",
    "changes of customers without their event": f"""SELECT id FROM actions_change c WHERE tbl = 'customers_customer'
        AND NOT EXISTS (SELECT FROM actions_event WHERE {OWN} AND run_id = c.run_id AND record_id = c.row_id)""",
    "events without their run": """SELECT id FROM actions_event e
        WHERE NOT EXISTS (SELECT FROM actions_run WHERE id = e.run_id)""",
    "changes without their run": """SELECT id FROM actions_change c
        WHERE NOT EXISTS (SELECT FROM actions_run WHERE id = c.run_id)""",
    "runs of actions without an event": """SELECT id FROM actions_run r WHERE action LIKE 'customers.customer.%'
        AND NOT EXISTS (SELECT FROM actions_event WHERE run_id = r.id)""",
    "requests without their answer or run": """SELECT id FROM actions_request q WHERE outcome IS NULL OR NOT EXISTS
        (SELECT FROM actions_run WHERE request_key = q.key AND person_id = q.person_id
         AND id = coalesce((q.outcome->>'run')::bigint, id))""",
    "runs of refused requests that changed or said something": """SELECT r.id FROM actions_request q JOIN actions_run r
        ON r.request_key = q.key AND r.person_id = q.person_id WHERE q.outcome->>'run' IS NULL
        AND (EXISTS (SELECT FROM actions_change WHERE run_id = r.id)
             OR EXISTS (SELECT FROM actions_event WHERE run_id = r.id))""",
    "refused requests without a reason": """SELECT id FROM actions_request
        WHERE outcome->>'run' IS NULL AND outcome->'refused' = '{}'""",
    "keys with two runs": """SELECT min(id) FROM actions_run WHERE request_key IS NOT NULL
        GROUP BY request_key, person_id HAVING count(*) > 1""",
    "runs with a key but no request": """SELECT id FROM actions_run r WHERE request_key IS NOT NULL AND NOT EXISTS
        (SELECT FROM actions_request WHERE key = r.request_key AND person_id = r.person_id)""",
    "numbers out of order": """SELECT id FROM (SELECT id, number, row_number() OVER (ORDER BY number) AS place
        FROM customers_customer) AS n WHERE number <> 'KH' || lpad(place::text, 6, '0')""",
    "changes of another transaction than their run": """SELECT c.id FROM actions_change c
        JOIN actions_run r ON r.id = c.run_id WHERE c.at <> r.at OR c.xid <> r.xid""",
}


def people() -> dict[str, Any]:
    """Two clerks who may do everything with all customers, and those of the order desk."""
    from neiqin.kernel.people import tokens
    from tests import factories
    from tests.faults import orders_inside

    position = factories.rep_position("all")
    found = [factories.person(name, position_=position) for name in ("周启明", "何雨桐")]
    return {
        "people": [p.pk for p in found],
        "tokens": [tokens.issue(factories.login_of(p).username) for p in found],
        "desk": orders_inside.people(),
    }


def look() -> dict[str, Any]:
    """What there is, and whatever should never be."""
    from django.db import connection

    from neiqin.kernel.actions.models import Era
    from neiqin.kernel.personal.columns import open_columns
    from neiqin.modules.customers.models import Contact, Customer
    from tests.faults import orders_inside, replay

    never = {}
    with connection.cursor() as cursor:
        for name, statement in (NEVER | orders_inside.NEVER).items():
            cursor.execute(statement)
            if rows := cursor.fetchall():
                never[name] = [row[0] for row in rows[:20]]
        cursor.execute("SELECT record_id, array_agg(name ORDER BY id) FROM actions_event "
                       "WHERE model = 'customers.customer' GROUP BY record_id")  # fmt: skip
        events = {row: [name.rsplit(".", 1)[1] for name in names] for row, names in cursor.fetchall()}
    for table in ("customers_customer", "customers_contact", *orders_inside.TABLES):
        if replay.replayed(table) != replay.present(table):
            never[f"{table} is not what its changes add up to"] = []
    mine = Customer.objects.exclude(name__startswith=orders_inside.NAME)
    contacts = list(Contact.objects.filter(customer__in=mine))
    if any(opened["mobile"] != "13800138000" for opened in open_columns(contacts, ["mobile"])):
        never["personal values that cannot be read"] = []
    customers = {
        pk: {"remark": remark, "owner": owner, "state": state, "events": events.get(pk, [])}
        for pk, remark, owner, state in mine.values_list("id", "remark", "owner_id", "state")
    }
    desk = orders_inside.look()
    if desk["unread"]:
        never["personal values of orders that cannot be read"] = desk["unread"]
    return {
        "never": never, "customers": customers, "contacts": len(contacts), "eras": Era.objects.count(), "desk": desk,
    }  # fmt: skip


if __name__ == "__main__":
    from neiqin.config.setup import setup_as

    setup_as("app")
    print(json.dumps({"people": people, "look": look}[sys.argv[1]](), ensure_ascii=False, default=str))  # noqa: T201
