"""Where a clause is carried out: the screen's name, and its address for whom it opens."""

from typing import Any, NamedTuple

from neiqin.kernel.resources.resource import site


class Place(NamedTuple):
    """url: "" for who may not open it; missing: what is not carried out yet, "" for nothing."""

    label: str
    url: str
    missing: str


def of(code: str, person: Any) -> Place | None:
    """The place of a clause for this person; None where no module carries it out."""
    carried = site().carried.get(code)
    if carried is None:
        return None
    label, permission = known()[carried.url]
    return Place(label, carried.url if person.may(permission) else "", carried.missing)


def known() -> dict[str, tuple[str, str]]:
    """Address -> (name, permission) of every screen that a clause may point to: lists, forms for new ones, the menu."""
    found: dict[str, tuple[str, str]] = {}
    for resource in site().resources.values():
        found[resource.url] = (resource.label, resource.view_permission)
        if resource.create is not None:
            found[f"{resource.url}new/"] = (resource.create.label, resource.create.may)
    return found | {entry.url: (entry.label, entry.permission) for m in site().modules for entry in m.menu}
