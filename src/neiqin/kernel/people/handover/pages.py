"""Where a hand-over begins, what waits for whom, and the list on paper."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect

from neiqin.kernel.people.handover import actions, resources
from neiqin.kernel.people.handover.models import DRAFT, OVER, RETURNED, Item, Package, Signature, Taker
from neiqin.kernel.people.models import Person
from neiqin.kernel.resources.pages.records import facts
from neiqin.kernel.resources.pages.screen import screen
from neiqin.kernel.resources.quick import carry
from neiqin.kernel.resources.resource import Resource, Todo, Tool, site

MOST = 5000  # records on a printed list


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """办交接, on a person."""
    may = resource.key == "people.person" and person.may(actions.MAY)
    return [Tool("办交接", "/handover/begin/?", "share", rows=True)] if may else []


@screen(actions.MAY)
def begin(request: Any) -> HttpResponse:
    """The form of a new package with its giver filled in."""
    given = request.GET.get("id", "")
    giver = Person.objects.filter(pk=int(given)).first() if given.isdecimal() and len(given) < 19 else None
    if giver is None:
        raise Http404
    values = {"owner": str(giver.pk), "reason": "离职" if giver.left_on else ""}
    return HttpResponseRedirect(f"{resources.package.url}new/?d={carry(request.person, values)}")


def to_do(person: Any) -> list[Todo]:
    """Packages this person has yet to sign, or to carry out."""
    if person.id is None:
        return []
    over = Package.objects.filter(state__in=(*OVER, RETURNED)).exclude(
        pk__in=Signature.objects.filter(person_id=person.id).values("package_id")
    )
    mine = over.filter(pk__in=Taker.objects.filter(person_id=person.id).values("package_id")) | over.filter(
        owner_id=person.id
    )
    found = [_todo(p, "签收", "checkbox") for p in mine.order_by("done_at", "id")[:MOST]]
    if person.may(actions.MAY):
        waiting = Package.objects.filter(Package.visible_to(person, actions.MAY), state=DRAFT).order_by("id")
        found += [_todo(p, "交出", "share") for p in waiting]
    return found


def _todo(package: Package, verb: str, icon: str) -> Todo:
    return Todo(f"{verb}{package.name}", resources.package.url_of(package.pk), package.reason, icon)


def sheets(records: Sequence[Package], person: Any) -> list[dict[str, Any]]:
    """What the printed list says of each package; titles only of records the person may see."""
    return [_sheet(record, person) for record in records]


def _sheet(record: Package, person: Any) -> dict[str, Any]:
    rows = Item.objects.filter(package=record).order_by("kind", "taker_id", "id")
    labels = {r.key: r.label for r in site().resources.values()}
    items = list(rows[:MOST])
    listed = [
        [labels[i.kind], link.label, taker, state[0], why]
        for i, (link, taker, state, why) in zip(items, resources.listed(items, person), strict=True)
    ]
    total = rows.count()
    signed = dict(Signature.objects.filter(package=record).values_list("person_id", "signed_at"))
    people = [record.owner_id, *dict.fromkeys(record.takers.order_by("id").values_list("person_id", flat=True))]
    names = site().names("people.person", people)
    return {
        "title": record.name,
        "facts": [
            (f.label, str(getattr(f.value, "name", f.value)))
            for f in facts(resources.package, resources.package.fields_for(person), record)
        ],
        "note": f"共 {total:,} 条" + (f"，只印前 {MOST:,} 条" if total > MOST else ""),
        "head": ["种类", "记录", "接手人", "状态", "原因"],
        "rows": listed,
        "sign": [
            (
                f"{'交出人' if p == record.owner_id else '接手人'} {names[p]}",
                f"{signed[p]:%Y-%m-%d}" if p in signed else "",
            )
            for p in people
        ],
    }
