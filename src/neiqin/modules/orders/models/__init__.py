"""Orders, and what is kept around them."""

from neiqin.modules.orders.models.booking import Booking, Collection, Invoicing, Return, ReturnLine
from neiqin.modules.orders.models.contact import CustomerNews, CustomerQuestion, Renewal
from neiqin.modules.orders.models.delivery import SHIP, Delivery, DeliveryLine, shipped_of
from neiqin.modules.orders.models.order import NOT_TAKEN, Order, OrderLine, Progress, Pull, Query
from neiqin.modules.orders.models.source import PullSource
from neiqin.modules.orders.models.work import ClassProposal, Part, VersionError

__all__ = [
    "NOT_TAKEN",
    "SHIP",
    "Booking",
    "ClassProposal",
    "Collection",
    "CustomerNews",
    "CustomerQuestion",
    "Delivery",
    "DeliveryLine",
    "Invoicing",
    "Order",
    "OrderLine",
    "Part",
    "Progress",
    "Pull",
    "PullSource",
    "Query",
    "Renewal",
    "Return",
    "ReturnLine",
    "VersionError",
    "shipped_of",
]
