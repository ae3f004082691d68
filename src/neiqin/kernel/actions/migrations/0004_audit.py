from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent.parent / "sql" / "audit.sql").read_text("utf-8")


class Migration(migrations.Migration):
    dependencies = [("actions", "0003_redaction")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
