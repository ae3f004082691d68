"""What customers offer for the workbench."""

from typing import Any

from neiqin.kernel.people.scope import Scope
from neiqin.kernel.resources.listing import COUNT_CAP, Listing, Query
from neiqin.kernel.resources.resource import Stat
from neiqin.modules.customers.resources import customer


def mine(person: Any) -> list[Stat]:
    """How many files are mine, and how many of them are new this month; each opens its list."""
    if not person.may(customer.view_permission):
        return []
    active = {"field": "state", "op": "in", "value": "active"}
    new = {"field": "created_at", "op": "span", "value": "month"}
    own = {"field": "owner", "op": "in", "value": str(person.id)}
    found = [_stat("我负责的客户", person, own, active), _stat("其中本月新建", person, own, new)]
    helped = sorted((person.scope(customer.view_permission) or Scope()).owners - {person.id})
    if helped:
        theirs = {"field": "owner", "op": "in", "value": ",".join(map(str, helped))}
        found.append(_stat("我协助的人的客户", person, theirs, active))
    return found


def _stat(label: str, person: Any, *conditions: dict[str, str]) -> Stat:
    query = Query(conditions=conditions)
    count = Listing(customer, person, query).count()
    return Stat(
        label,
        f"{COUNT_CAP:,}+ {customer.noun}" if count > COUNT_CAP else f"{count:,} {customer.noun}",
        query.address(customer.url),
    )
