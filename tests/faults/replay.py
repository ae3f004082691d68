"""Time travel to the present: the rows that the recorded changes add up to, and the rows that are there."""

import json

from django.db import connection


def replayed(table):
    """Row id -> columns, from the changes alone. None is left out."""
    rows = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_id, op::text, after::text FROM actions_change WHERE tbl = %s ORDER BY id", [table])
        for row, op, after in cursor.fetchall():
            if op == "D":
                del rows[row]
            elif op == "I":
                assert row not in rows
                rows[row] = json.loads(after)
            else:
                rows[row] = rows[row] | json.loads(after)
    return {row: {k: v for k, v in columns.items() if v is not None} for row, columns in rows.items()}


def present(table):
    """Row id -> columns, from the table. None is left out."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, jsonb_strip_nulls(to_jsonb(t))::text FROM "{table}" t')
        return {row: json.loads(columns) for row, columns in cursor.fetchall()}


def assert_time_travel_is_true(*tables):
    for table in tables or ("customers_customer", "customers_contact", "customers_address"):
        assert replayed(table) == present(table), table
