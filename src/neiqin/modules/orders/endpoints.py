"""What the API has beyond the resources' own: a warehouse's system says what has gone out."""

from ninja import Router

from neiqin.kernel.resources.api import create_route
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.orders import delivering, resources


def add_endpoints(router: Router, resource: Resource) -> None:
    """POST /deliveries: on the screen it is the order's page 发货."""
    if resource is resources.delivery:
        create_route(router, resource, delivering.create)
