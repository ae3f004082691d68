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
    rows = resource.model._base_manager.filter(pk__in=ids[:3]).order_by("pk")
    columns = dict.fromkeys(filter(None, (resource.number, resource.title)))
    titles = [" ".join(filter(None, row)) for row in rows.values_list(*columns)]
    return "、".join(titles) + (f"等 {len(ids)} {resource.noun}" if len(ids) > 3 else "")
