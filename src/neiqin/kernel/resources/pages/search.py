"""What typing finds: the candidates of a picker, and the palette over all kinds of records, places and new ones."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.http import HttpResponse, JsonResponse

from neiqin.kernel.actions.models import Event
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources import finding, masks, shell
from neiqin.kernel.resources.listing import Listing, Query
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, site
from neiqin.kernel.search.hits import Found
from neiqin.kernel.search.text import Entry, asked, entry

PICKED, OF_A_KIND, COMMANDS = 20, 5, 6
LONGEST = 60
RECENT = 8
RECENT_RUNS = 60


def pick(request: Any, resource: Resource) -> JsonResponse:
    """Candidates of a picker as JSON: without words those of the list's first page, else what the words find, newest
    first, in scope. label: the name; meta: number and one thing more that tells two of a name apart."""
    try:
        text = formats.clean_text(request.GET.get("q", ""), LONGEST)
    except formats.BadFormat:
        return JsonResponse({"items": []})
    if text:
        finding.catch_up([resource])
        found = finding.proposed([resource], request.person, text, PICKED)[resource.key]
        items, _ = _found(resource, request.person, found, PICKED)
    else:
        fields = _telling(resource, request.person)
        page = Listing(resource, request.person, Query(size=PICKED)).page(fields)
        items = [_item(resource, i, fields, cells) for i, cells in zip(page.ids, page.cells, strict=True)]
    return JsonResponse({"items": [{"id": item.id, "label": item.label, "meta": item.meta} for item in items]})


@screen("")
def palette(request: Any) -> HttpResponse:
    """A fragment for the palette: what `q` finds in each kind and among places and new records; recent ones without."""
    try:
        text = formats.clean_text(request.GET.get("q", ""), LONGEST)
    except formats.BadFormat as problem:
        return HttpResponse(str(problem), status=422, content_type="text/plain; charset=utf-8")
    page = Bag(q=text, recent=[] if text else recent(request.person), groups=[], commands=[])
    if text:
        page.groups = groups(request.person, text)
    page.commands = _commands(request.person, text)
    return render(request, "palette.html", page)


def groups(person: Any, text: str) -> list[Bag]:
    """What the text finds, by kind, of the kinds this person may see: resource, items (at most OF_A_KIND), total (None
    for a great many) and whether there is more."""
    kinds = [r for r in site().resources.values() if r.kind == r.key and person.may(r.view_permission)]
    finding.catch_up(kinds)
    made, proposed = [], finding.proposed(kinds, person, text, OF_A_KIND + 1)
    for resource in kinds:
        items, total = _found(resource, person, proposed[resource.key], OF_A_KIND + 1)
        if items:
            more = len(items) > OF_A_KIND
            made.append(Bag(resource=resource, items=items[:OF_A_KIND], total=total, more=more))
    return made


def _telling(resource: Resource, person: Any) -> list[Field]:
    """The fields that tell records of a kind apart: name, number and who."""
    known = [f for f in resource.fields_for(person).values() if f.role in ("name", "id", "who") and not f.personal]
    return sorted(known, key=lambda field: field.role != "name")


def _found(resource: Resource, person: Any, found: Found, limit: int) -> tuple[list[Bag], int | None]:
    """What was proposed as the person may see it, and how many there are."""
    if not found.ids:
        return [], 0
    fields = _telling(resource, person)
    rows, total = finding.seen(resource, person, found, limit, *masks.paths(fields))
    cells = masks.shown_all(resource.model, fields, [row[1:] for row in rows])
    items = [_item(resource, row[0], fields, shown) for row, shown in zip(rows, cells, strict=True)]
    for record, marks in site().marks(resource.kind, [item.id for item in items]).items():
        for item in items:
            if item.id == record:
                item.meta = " · ".join([*(mark.label for mark in marks), item.meta])
    return items, total


def _item(resource: Resource, record: int, fields: Sequence[Field], cells: Sequence[Any]) -> Bag:
    words = [cell.name if isinstance(cell, masks.Face) else str(cell) for cell in cells if cell]
    named = bool(fields) and fields[0].role == "name" and bool(cells[0])
    label = words[0] if named else str(record)
    meta = " · ".join(words[named:])
    return Bag(id=record, label=label, meta=meta, url=resource.url_of(record))


def _commands(person: Any, text: str) -> list[Any]:
    """Places and new records that the words or their pinyin find; all of them without words."""
    given, known = asked(text), shell.commands(person)
    return [c for c in known if given.matches(_entry(c.label))][:COMMANDS] if text else known


@lru_cache(500)
def _entry(label: str) -> Entry:
    return entry([label])


def recent(person: Any) -> list[Bag]:
    """The records this person acted on last, newest first, as far as she still sees them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id FROM (SELECT id, at FROM actions_run WHERE person_id = %s ORDER BY id DESC LIMIT %s) AS r "
            "CROSS JOIN LATERAL (SELECT id FROM actions_event WHERE run_id = r.id AND at = r.at LIMIT 3) AS e",
            [person.id, RECENT_RUNS],
        )
        ids = [row[0] for row in cursor.fetchall()]
    last: dict[tuple[str, int], datetime] = {}
    for event in Event.objects.filter(id__in=ids).order_by("-id"):
        last.setdefault((event.model, event.record_id), event.at)
    titles: dict[tuple[str, int], str] = {}
    for key in {key for key, _ in last}:
        resource = site().resources.get(key)
        if resource is not None and person.may(resource.view_permission):
            rows = resource.model.objects.filter(
                resource.model.visible_to(person), pk__in=[i for k, i in last if k == key]
            )
            titles |= {(key, pk): title for pk, title in rows.values_list("pk", resource.title)}
    return [
        Bag(label=titles[k], url=site().resources[k[0]].url_of(k[1]), icon=site().resources[k[0]].icon, at=at)
        for k, at in last.items()
        if k in titles and k != ("people.person", person.id)
    ][:RECENT]
