import uuid

from django.db import migrations, models

from neiqin.kernel.personal.columns import PersonalText, Sealed
from neiqin.kernel.personal.keys import seal_many

CHUNK = 1000


def seal_names(apps, schema_editor):
    """Names of contacts, consignees and whom follow-ups name go under the keys of their rows, chunk by chunk."""
    contact, address, followup = (apps.get_model("customers", name) for name in ("Contact", "Address", "FollowUp"))
    seal(contact, "name", "contact.name")
    seal(address, "consignee", "address.consignee")
    for rows in chunks(followup):
        known = {
            (c, name): subject
            for c, name, subject in contact.objects.filter(customer__in={r.customer_id for r in rows})
            .order_by("-id").values_list("customer_id", "name", "subject")
        }
        for row in rows:
            row.subject = known.get((row.customer_id, row.contact)) or uuid.uuid4()
        save(followup, rows, "contact", "followup.contact", "subject")


def seal(model, plain, kind):
    for rows in chunks(model):
        save(model, rows, plain, kind)


def save(model, rows, plain, kind, *more):
    sealed = seal_many([(row.subject, getattr(row, plain)) for row in rows], kind)
    for row, stored in zip(rows, sealed):
        setattr(row, f"sealed_{plain}", Sealed(stored))
    model.objects.bulk_update(rows, [f"sealed_{plain}", *more])


def chunks(model):
    last = 0
    while True:
        rows = list(model.objects.filter(pk__gt=last).order_by("pk")[:CHUNK])
        if not rows:
            return
        last = rows[-1].pk
        yield rows


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_files"), ("personal", "0001_initial"), ("actions", "0001_initial")]

    operations = [
        *(
            migrations.AddField(model, "erased_at", models.DateTimeField(editable=False, null=True))
            for model in ("contact", "address")
        ),
        migrations.AddField("contact", "sealed_name", PersonalText(kind="contact.name", maxlen=40)),
        migrations.AddField("address", "sealed_consignee", PersonalText(kind="address.consignee", maxlen=40)),
        migrations.AddField("followup", "sealed_contact", PersonalText(kind="followup.contact", maxlen=40)),
        migrations.AddField("followup", "subject", models.UUIDField(editable=False, null=True)),
        migrations.RunPython(seal_names),
        *(
            operation
            for model, name in (("contact", "name"), ("address", "consignee"), ("followup", "contact"))
            for operation in (
                migrations.RemoveField(model, name),
                migrations.RenameField(model, f"sealed_{name}", name),
            )
        ),
        migrations.AlterField("followup", "subject", models.UUIDField(default=uuid.uuid4, editable=False)),
        migrations.AddIndex("followup", models.Index(fields=["subject"], name="followup_subject")),
    ]
