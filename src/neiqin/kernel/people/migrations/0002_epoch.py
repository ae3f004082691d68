"""The rights' epoch: one counter, raised by the database itself with any change that decides who may do what."""

from django.db import migrations

TABLES = (
    "people_unit people_position people_role people_grant people_positionrole people_person people_appointment "
    "people_worksfor people_delegation"
).split()

FORWARD = (
    """
CREATE SEQUENCE people_epoch;  -- not rolled back: a value once seen never means other rights
INSERT INTO people_access (epoch) VALUES (nextval('people_epoch'));
CREATE FUNCTION people_raise_epoch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE people_access SET epoch = nextval('people_epoch');
    RETURN NULL;
END $$;
"""
    + "".join(
        f"CREATE TRIGGER raise_epoch AFTER INSERT OR UPDATE OR DELETE ON {t} "
        "FOR EACH STATEMENT EXECUTE FUNCTION people_raise_epoch();\n"
        for t in TABLES
    )
)


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
