"""What returns and exchanges plug into the system."""

from django.urls import path

from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.refusals import Refusal, RefuseLate
from neiqin.kernel.figures.figure import counting
from neiqin.kernel.resources.resource import Module
from neiqin.modules.returns import asking, guest, looking, printed, resources
from neiqin.modules.returns.models import OPEN, Ticket

OPEN_ONES = [{"field": "state", "op": "in", "value": ",".join(OPEN)}]


def of_voided(happened: Happened) -> None:
    """What a ticket has booked on its order goes with its stock and its money, and is not taken back alone."""
    tickets = Ticket.objects.filter(returned__in=happened.ids).values_list("returned_id", "number")
    if found := dict(tickets):
        raise RefuseLate(
            {pk: Refusal(f"这是退换货 {number} 验货时登记的，不能单独作废。") for pk, number in found.items()}
        )


module = Module(
    label="退换货",
    resources=[resources.ticket],
    panels={
        asking.KEY: [looking.way],
        "orders.order": [looking.of_order],
        "customers.customer": [looking.of_customer],
    },
    tools=[looking.tools],
    home=[looking.todos],
    figures=[counting("returns.open", "没办完的退换货", resources.ticket, "还没有结清的退货、换货、补发、维修",
                      lambda person, period: OPEN_ONES, queue=True, good=False)],
    plugs=[asking.ASKS, asking.TOLD, guest.BESIDE],
    forms=printed.FORMS,
    effects={"orders.return.voided": of_voided},
    urls=[
        path(looking.NEW.lstrip("/"), looking.new, name="returns_new"),
        path(looking.CHECK.lstrip("/"), looking.check, name="returns_inspect"),
        path("g/order/<str:token>/return/", guest.page, name="guest_return"),
    ],
    permissions={
        asking.VIEW: "看退换货",
        asking.CREATE: "登记、撤回退换货",
        asking.HANDLE: "同意、结清退换货",
    },
    carries={"C-ORD-18": (resources.ticket.url, "应收")},
)  # fmt: skip
