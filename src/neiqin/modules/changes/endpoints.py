"""What the API has beyond the resources' own: a customer's or a shop's system asks for a change."""

from ninja import Router

from neiqin.kernel.resources.api import create_route
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.changes import changing, resources


def add_endpoints(router: Router, resource: Resource) -> None:
    """POST /order-changes: on the screen it is the order's page 登记变更."""
    if resource is resources.change:
        create_route(router, resource, changing.create)
