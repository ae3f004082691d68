"""What a held run is about, in words and as an address."""

from typing import Any

from neiqin.kernel.actions.held import action_of, ids_of, raw_of
from neiqin.kernel.actions.models import Held
from neiqin.kernel.resources.resource import Resource, site


def resource_of(held: Held) -> Resource:
    """The resource of its records."""
    return site().resources[action_of(held).kind]


def given_of(held: Held) -> dict[str, Any]:
    """What the person gave, raw: the parameters, or the row of a new record."""
    raw = raw_of(held)
    return {**raw["params"], **next(iter(raw["rows"]), {})}


def title_of(held: Held) -> str:
    """The records, or the new one by its title."""
    resource, ids = resource_of(held), ids_of(held)
    if not ids:
        return str(given_of(held).get(resource.title, "") or f"新的{resource.label}")
    titles = site().names(resource.key, ids[:3])
    return "、".join(titles.values()) + (f"等 {len(ids)} {resource.noun}" if len(ids) > 3 else "")
