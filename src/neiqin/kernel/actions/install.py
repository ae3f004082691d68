"""What the database itself guarantees, brought up to date after every migrate: audit, refusals and rights.

Runs as the owner of the tables. The application's role owns nothing, cannot write changes nor name a partition.
"""

from typing import Any

from django.apps import apps
from django.db import connection

APP_ROLE = "neiqin_app"
HISTORY = ("actions_run", "actions_event", "actions_change")
APPEND_ONLY = ("actions_seal", "actions_era", "actions_redaction")
# What the application may say of a run or an event itself; id, moment and transaction id are the database's.
SAID = {
    "actions_run": "action, person_id, behalf_id, source, address, request_key, params, rules, held_id, count",
    "actions_event": "run_id, name, model, record_id, before, after, data",
}
DEFAULT_USED = """
CREATE OR REPLACE FUNCTION kernel_default_used() RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE parent text; used boolean;
BEGIN
    FOREACH parent IN ARRAY ARRAY['actions_run', 'actions_event', 'actions_change'] LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', parent || '_default') INTO used;
        IF used THEN RETURN NEXT parent; END IF;
    END LOOP;
END $$
"""
EVENTS = (
    ("audit_insert", "INSERT", "REFERENCING NEW TABLE AS new_rows"),
    ("audit_update", "UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ("audit_delete", "DELETE", "REFERENCING OLD TABLE AS old_rows"),
)


def install_after_migrate(sender: Any, **_: Any) -> None:
    """Handler of post_migrate; acts once, for the actions app."""
    if sender.label == "actions" and connection.vendor == "postgresql":
        install()


def audited_tables() -> list[str]:
    """Tables whose rows are captured: every managed model that says `audited = True`."""
    return sorted({m._meta.db_table for m in apps.get_models() if getattr(m, "audited", False) and m._meta.managed})


def install() -> None:
    """Bring triggers and rights in line with the models. Repeatable."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('actions_run')")
        if cursor.fetchone()[0] is None:
            return
        cursor.execute("SELECT kernel_make_partitions(3)")
        cursor.execute(DEFAULT_USED)
        existing = set(_triggers(cursor))
        for table in audited_tables():
            for name, event, referencing in EVENTS:
                if (table, name) not in existing:
                    cursor.execute(
                        f'CREATE TRIGGER {name} AFTER {event} ON "{table}" {referencing} '
                        "FOR EACH STATEMENT EXECUTE FUNCTION kernel_audit()"
                    )
            _refuse(cursor, existing, table, "TRUNCATE", "rows are deleted one by one, so that history sees them")
        for table in APPEND_ONLY:
            _refuse(cursor, existing, table, "UPDATE OR DELETE", "history is append-only")
            _refuse(cursor, existing, table, "TRUNCATE", "history is append-only")
        cursor.execute(
            "INSERT INTO actions_era (opened_at, reason, first_run, first_event, first_change) "
            "SELECT now(), 'first', 0, 0, 0 WHERE NOT EXISTS (SELECT FROM actions_era)"
        )
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone():
            _grant(cursor)


def _triggers(cursor: Any) -> list[tuple[str, str]]:
    cursor.execute(
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
    )
    return cursor.fetchall()


def _refuse(cursor: Any, existing: set[tuple[str, str]], table: str, event: str, reason: str) -> None:
    name = "refuse_truncate" if event == "TRUNCATE" else "refuse_change"
    if (table, name) not in existing:
        level = "" if event == "TRUNCATE" else "FOR EACH ROW"
        cursor.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON \"{table}\" {level} EXECUTE FUNCTION kernel_refuse('{reason}')"
        )
        existing.add((table, name))


def _grant(cursor: Any) -> None:
    """Rights by kind of table: history is read and added to, partitions are not even named, the rest is worked with."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
        "AND NOT c.relispartition AND pg_get_userbyid(c.relowner) = current_user"
    )
    tables = {row[0] for row in cursor.fetchall()}
    plain = tables - set(HISTORY) - set(APPEND_ONLY) - {"django_migrations"}
    listed = ", ".join(f'"{t}"' for t in sorted(plain))
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {listed} TO {APP_ROLE}",
        f"GRANT SELECT ON actions_change, django_migrations TO {APP_ROLE}",
        f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY)} TO {APP_ROLE}",
        f"REVOKE INSERT ON actions_run, actions_event FROM {APP_ROLE}",
        *(f"GRANT SELECT, INSERT ({columns}) ON {table} TO {APP_ROLE}" for table, columns in SAID.items()),
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}",
        # kernel_audit too: on a temporary table of a business table's name it would write any change one likes.
        "REVOKE ALL ON FUNCTION kernel_make_partitions(integer), kernel_current_run(), kernel_audit(), "
        "kernel_default_used(), kernel_redact(text[], text, bigint[], bigint[], bigint[]) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION kernel_make_partitions(integer), kernel_default_used(), "
        f"kernel_redact(text[], text, bigint[], bigint[], bigint[]) TO {APP_ROLE}",
    ):
        cursor.execute(statement)
