"""What orders on their way in plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import Module
from neiqin.modules.intake import actions, filling, looking, resources
from neiqin.modules.orders.entering import Advice

module = Module(
    label="来单",
    resources=[resources.intake],
    permissions={actions.VIEW: "看来单", actions.CREATE: "聊天下单、交单"},
    panels={filling.ORDER: [looking.of_order]},
    tools=[looking.tools],
    home=[looking.todos],
    plugs=[filling.Brought(), Advice(filling.advise), actions.TOLD],
    urls=[path(looking.PAGE.lstrip("/"), looking.page, name="intake_paste")],
)
