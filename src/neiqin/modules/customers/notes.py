"""What is said at the top of a customer's page: licences that have ended, what is missing, tax numbers of old."""

from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import site
from neiqin.modules.customers import fields, quality, queries
from neiqin.modules.customers.models import Customer


def of(record: Customer, person: Any) -> list[Bag]:
    """What is wrong with a file, as far as this person may know."""
    found = []
    if person.may(fields.PROFILE):
        found += [_expired(record), _incomplete(record, person)]
    if person.may(fields.INVOICES):
        found.append(_old_tax_numbers(record))
    return [note for note in found if note]


def _expired(record: Customer) -> Bag | None:
    if not record.licence_until or record.licence_until >= clock.today():
        return None
    kind = next(f for f in fields.LICENCE if f.name == "kind")
    rows = record.licences.filter(expires_on__lt=clock.today()).order_by("expires_on")
    said = "；".join(f"{kind.choice(x.kind).label} {x.number} 已在 {x.expires_on} 过期" for x in rows)
    return Bag(tone="warn", bold="", text=f"{said}。", links=[])


def _incomplete(record: Customer, person: Any) -> Bag | None:
    """How complete the file is and what is missing, the heaviest first, each a way to its field in the form."""
    weighing, has = quality.weights(), queries.lines_of([record.pk])[record.pk]
    gaps = [g for g in quality.gaps(record, has, weighing) if person.may(quality.WEIGHED[g].right)]
    gaps.sort(key=lambda name: -weighing[name])
    form = f"{site().resources[record._meta.label_lower].url_of(record.pk)}edit/#f-"
    edits = person.may("customers.edit")
    named = [Bag(label=quality.WEIGHED[g].label, url=f"{form}{g}" if edits else "") for g in gaps]
    whole = quality.percent(record, has, weighing)
    return Bag(tone="run", bold=f"完整度 {whole}%。", text="还缺", named=named, links=[]) if gaps else None


def _old_tax_numbers(record: Customer) -> Bag | None:
    old = [x.tax_no for x in record.invoices.all() if x.tax_no and len(x.tax_no) != 18]
    text = f"{'、'.join(old)} 不是 18 位，是旧税号。开票前向客户核对。"
    return Bag(tone="warn", bold="开票信息的税号旧了。", text=text, links=[]) if old else None
