"""Which taker of a package gets what."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from neiqin.kernel.people.handover.models import Item, Package, Taker
from neiqin.kernel.resources.resource import Resource, site


def kinds() -> list[Resource]:
    """The kinds of records that can be handed over by themselves; others go along with these."""
    return [r for r in site().resources.values() if r.hand_over is not None and r.key == r.kind]


def shares(package: Package) -> dict[str, dict[int, list[int]]]:
    """What each taker would get now: kind -> taker -> record ids. Of the takers that fit a record the most particular
    gets it (area before kind before none); the equally particular take turns."""
    takers = list(Taker.objects.filter(package=package).order_by("id"))
    done = defaultdict(set)
    for kind, record in Item.objects.filter(package=package).values_list("kind", "record_id"):
        done[kind].add(record)
    return {r.key: _shared(r, package.owner_id, takers, done[r.key]) for r in kinds()}


def _shared(resource: Resource, giver: int, takers: Sequence[Taker], done: set[int]) -> dict[int, list[int]]:
    fit = [t for t in takers if t.kind in ("", resource.key)]
    rows = resource.model.objects.filter(owner_id=giver).order_by("pk").values_list("pk", *resource.areas)
    found, turns = defaultdict(list), Counter[int]()
    for pk, *areas in rows.iterator(chunk_size=5000) if fit else ():
        best = _most_particular(fit, areas)
        if best and pk not in done:
            line = min(best, key=lambda t: (turns[t.pk], t.pk))
            turns[line.pk] += 1
            found[line.person_id].append(pk)
    return dict(found)


def _most_particular(takers: Sequence[Taker], areas: Sequence[str]) -> list[Taker]:
    fit = [t for t in takers if not t.part or any(a.startswith(t.part) for a in areas if a)]
    most = max(((bool(t.part), bool(t.kind)) for t in fit), default=None)
    return [t for t in fit if (bool(t.part), bool(t.kind)) == most]
