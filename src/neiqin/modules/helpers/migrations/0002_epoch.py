"""Loans decide who may do what: the rights' epoch is raised with them, as with appointments."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("helpers", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER raise_epoch AFTER INSERT OR UPDATE OR DELETE ON helpers_loan "
            "FOR EACH STATEMENT EXECUTE FUNCTION people_raise_epoch();",
            migrations.RunSQL.noop,
        )
    ]
