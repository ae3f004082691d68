"""What falls into the pool tonight, and soon."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, Tool, site
from neiqin.modules.customers.models import Customer, PoolNight
from neiqin.modules.customers.resources import customer
from neiqin.modules.pool import pool

MOST = 200


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """Over the pool's list: what will come into it."""
    may = resource is pool.resource and person.may(customer.view_permission)
    return [Tool("今晚回公海的", pool.PAGE, "clock")] if may else []


@screen(Customer.view_permission())
def pool_ahead(request: Any) -> HttpResponse:
    """What the rules will take tonight of the customers one sees, and what soon: the same question the night asks."""
    tomorrow = clock.today() + timedelta(days=1)
    tonight, soon = (pool.ahead(request.person, tomorrow, when) for when in (pool.FALLING, pool.SOON_FALLING))
    page = Bag(
        mine=pool.resource.url if request.person.may(pool.CLAIM) else customer.url,
        tonight=len(tonight),
        by_owner=_by_owner(tonight),
        parts=[Bag(label="今晚", rows=_named(tonight)), Bag(label="接下来", rows=_named(soon))],
        soon=len(soon),
        most=MOST,
        last=PoolNight.objects.order_by("-day").first(),
    )
    return render(request, "pool/ahead.html", page)


def _by_owner(rows: Sequence[pool.Due]) -> list[tuple[str, str, int]]:
    """(owner, reason, how many), the most first."""
    counted = Counter((d.owner, d.why) for d in rows)
    names = site().names("people.person", [owner for owner, _ in counted])
    return [(names[owner], why, count) for (owner, why), count in counted.most_common(MOST)]


def _named(rows: Sequence[pool.Due]) -> list[Bag]:
    first = sorted(rows, key=lambda d: (d.on, d.customer))[:MOST]
    names = dict(Customer.objects.filter(pk__in=[d.customer for d in first]).values_list("pk", "name"))
    owners = site().names("people.person", list({d.owner for d in first}))
    return [
        Bag(name=names.get(d.customer, ""), url=customer.url_of(d.customer), owner=owners[d.owner], why=d.why, on=d.on)
        for d in first
    ]
