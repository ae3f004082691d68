"""Before a record is saved: is it there already under nearly the same name or a former one, with the same phone or
registry code? (C-DATA-01)

Who asks learns the name, number and owner of the record that is there, whoever may see it: what he would create twice
he must hear of; nothing else of the file is shown.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from neiqin.kernel.fields import formats
from neiqin.kernel.fields.formats import company_name_key as whole
from neiqin.kernel.resources import finding
from neiqin.kernel.resources.pages.screen import Bag, render
from neiqin.kernel.resources.resource import Resource
from neiqin.kernel.search import near

MOST = 5
MOST_PHONES = 20  # of one form: each is looked up by itself
NAME, FORMER, CODE, PHONE = "名称几乎一样", "曾用名几乎一样", "信用代码相同", "电话相同"


@dataclass(frozen=True)
class Nearby:
    """A record that may be the same. same: what they have in common, in words."""

    id: int
    title: str
    number: str
    owner: str  # 负责人周启明, or where it is if it has none
    same: str

    @property
    def sentence(self) -> str:
        said = "，".join(x for x in (self.number, self.owner) if x)
        return f"已有「{self.title}」（{said}），{self.same}。" if said else f"已有「{self.title}」，{self.same}。"


def by_name(resource: Resource, names: Sequence[str]) -> Mapping[str, Nearby]:
    """Names -> the record whose name is nearly the same. All names in two statements."""
    same = resource.same_name
    if same is None:
        return {}
    cores = {name: same(name) for name in names if name}
    found = near.candidates(resource.key, list(cores.values()))
    known = _told(resource, {i for ids in found.values() for i in ids})
    titles = {i: [told.title] for i, told in known.items()}
    result = {name: known[i] for name, i in _alike(cores, found, titles, same).items()}
    others = {name: core for name, core in cores.items() if name not in result and core in found}
    former = _former(resource, {i for core in others.values() for i in found[core] if i in known})
    return result | {name: replace(known[i], same=FORMER) for name, i in _alike(others, found, former, same).items()}


def _alike(
    cores: Mapping[str, str],
    found: Mapping[str, Sequence[int]],
    names: Mapping[int, Sequence[str]],
    same: Callable[[str], str],
) -> dict[str, int]:
    """Asked name -> the first candidate that has a name nearly like it."""
    result: dict[str, int] = {}
    for asked, core in cores.items():
        for i in found.get(core, ()):
            if any(core == same(n) or near.alike(whole(asked), whole(n)) for n in names.get(i, ())):
                result.setdefault(asked, i)
    return result


def _former(resource: Resource, ids: set[int]) -> dict[int, list[str]]:
    """The further names of these records."""
    found: dict[int, list[str]] = {}
    for path in resource.also_named if ids else ():
        rows = resource.model.objects.filter(pk__in=ids, **{f"{path}__isnull": False})
        for i, name in rows.values_list("pk", path):
            found.setdefault(i, []).append(name)
    return found


def by_phone(resource: Resource, phone: str) -> list[Nearby]:
    """The records with a line that has this phone number."""
    ids = finding.by_phone(resource, phone) if len(phone) > finding.PHONE_TAIL else []
    return list(_told(resource, set(ids[:MOST]), PHONE).values())


def _told(resource: Resource, ids: set[int], same: str = NAME) -> dict[int, Nearby]:
    columns = [resource.title, resource.number or "pk"]
    owned = any(f.name == "owner" for f in resource.model._meta.concrete_fields)
    rows = resource.model.objects.filter(pk__in=ids).values_list("pk", *columns, *(["owner__name"] if owned else []))
    return {
        pk: Nearby(pk, title, str(number) if resource.number else "", _owner(resource, rest), same)
        for pk, title, number, *rest in rows
    }


def _owner(resource: Resource, names: Sequence[str | None]) -> str:
    field = next((f for f in resource.fields if f.name == "owner"), None)
    return f"负责人{names[0]}" if names and names[0] else field.empty if field else ""


@require_POST
def show(request: Any, resource: Resource) -> HttpResponse:
    """What is there already, for the form while it is filled in (htmx). A POST: phones do not belong into addresses."""
    if resource.create is None or not request.person.may(resource.create.may):
        raise Http404
    return render(request, "nearby.html", Bag(rows=of_form(request, resource)), block="nearby")


def of_form(request: Any, resource: Resource) -> list[Bag]:
    """What is there already like the new record of a posted form: by its title, and by every phone of its lines."""
    found: dict[int, Nearby] = {}
    for entry in _from_form(resource, request.POST):
        found.setdefault(entry.id, entry)
    visible = resource.model.objects.filter(resource.model.visible_to(request.person), pk__in=found)
    known = set(visible.values_list("pk", flat=True)) if found else set()
    return [
        Bag(
            id=e.id, text=e.sentence, named=e.same in (NAME, FORMER), url=resource.url_of(e.id) if e.id in known else ""
        )
        for e in list(found.values())[:MOST]
    ]


def _from_form(resource: Resource, given: Any) -> list[Nearby]:
    try:
        title = formats.clean_text(given.get(resource.title, ""), 200)
    except formats.BadFormat:
        title = ""
    found = [*by_name(resource, [title]).values(), *_by_code(resource, given)]
    phones = [v for k, v in given.items() if k.endswith("-mobile") and 0 < len(v) < 40]
    for phone in list(dict.fromkeys(phones))[:MOST_PHONES]:
        with contextlib.suppress(formats.BadFormat):
            found += by_phone(resource, formats.half_width(phone).replace("+86", ""))
    return found


def _by_code(resource: Resource, given: Any) -> list[Nearby]:
    """The records with the registry code that was typed, once it is whole."""
    codes = {}
    for field in resource.shape.fields:
        if field.kind == "uscc" and (typed := given.get(field.name, "")):
            with contextlib.suppress(formats.BadFormat):
                codes[field.path] = formats.uscc(typed[:40])
    ids = {
        i
        for path, code in codes.items()
        for i in resource.model.objects.filter(**{path: code}).values_list("pk", flat=True)
    }
    return list(_told(resource, ids, CODE).values())
