"""History: partitioned, append-only tables in SQL; the rest by Django."""

from pathlib import Path

from django.db import migrations, models

HISTORY = (Path(__file__).resolve().parent.parent / "sql/history.sql").read_text()


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(HISTORY),
        migrations.CreateModel(
            name="Run",
            fields=[("id", models.BigAutoField(primary_key=True))],
            options={"managed": False, "db_table": "actions_run"},
        ),
        migrations.CreateModel(
            name="Event",
            fields=[("id", models.BigAutoField(primary_key=True))],
            options={"managed": False, "db_table": "actions_event"},
        ),
        migrations.CreateModel(
            name="Change",
            fields=[("id", models.BigAutoField(primary_key=True))],
            options={"managed": False, "db_table": "actions_change"},
        ),
    ]
