from pathlib import Path

from django.db import migrations, models

SQL = (Path(__file__).parent.parent / "sql" / "redaction.sql").read_text("utf-8")


class Migration(migrations.Migration):
    dependencies = [("actions", "0002_seals_requests")]
    operations = [
        migrations.CreateModel(
            name="Redaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.TextField()),
                ("row", models.BigIntegerField()),
                ("digest", models.CharField(max_length=32)),
            ],
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
