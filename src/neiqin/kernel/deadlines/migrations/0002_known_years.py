"""The company's calendar with the years that come with the product, and the usual office hours."""

from django.db import migrations

from neiqin.kernel import clock
from neiqin.kernel.deadlines import years


def fill(apps, schema_editor):
    now = clock.now()
    apps.get_model("deadlines", "Office").objects.create(
        hours="09:00-12:00,13:00-18:00", created_at=now, updated_at=now
    )
    Day = apps.get_model("deadlines", "Day")
    Day.objects.bulk_create(
        Day(date=e.date, kind=e.kind, name=e.name, statutory=e.statutory, source="chinese-calendar")
        for year in years.known_years()
        for e in years.known(year)
    )


class Migration(migrations.Migration):
    dependencies = [("deadlines", "0001_initial"), ("actions", "0002_seals_requests")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
