"""The borrower says whether the sample is right; borrowers are the contacts of the owner's customers."""

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.guests.asks import Answer, Ask, Contact, Given, Shown
from neiqin.kernel.personal.columns import open_columns
from neiqin.modules.customers.models import Contact as CustomerContact
from tests.stranger.models import Sample


def contacts(sample: Sample) -> list[Contact]:
    rows = CustomerContact.objects.filter(customer__owner_id=sample.owner_id, erased_at=None).order_by("id")
    names = open_columns(list(rows), ["name"])
    return [Contact("customers.contact", c.pk, c.subject, t["name"] or "") for c, t in zip(rows, names, strict=True)]


def show(sample: Sample) -> Shown:
    return Shown(sample.name, [("数量", str(sample.quantity or "—"))], ["规格", "数量"], [[sample.name, "1"]])


def confirmed(samples: Batch[Sample], given: Given) -> None:
    if given.choice == "ok":
        samples.set(back_on=clock.today())


ASKS = [
    Ask(
        "stranger.confirm",
        "确认样品",
        Sample,
        contacts,
        show,
        (Answer("ok", "确认", "optional"), Answer("wrong", "有出入", "required")),
        confirmed,
    ),
    Ask("stranger.return", "预约归还", Sample, contacts, show, (Answer("yes", "可以归还"),)),
]
