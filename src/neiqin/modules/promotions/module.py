"""What promotions plug into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.orders.entering import Advice
from neiqin.modules.promotions import actions, looking, resources, using

ORDER = "orders.order"

module = Module(
    label="促销活动",
    resources=[resources.promotion],
    permissions={
        actions.VIEW: "看促销活动",
        actions.CREATE: "写促销方案",
        actions.EDIT: "报批、停止促销活动",
    },
    panels={actions.KEY: [looking.uses], "catalog.product": [looking.of_product]},
    home=[looking.todos],
    plugs=[actions.ASKS, using.TOLD, Advice(using.advise)],
    effects={f"{ORDER}.{verb}": using.of_orders for verb in ("approved", "unapproved", "voided", "revised")},
    carries={
        "C-LEAD-15": (resources.promotion.url, "返利和赠品"),
        "C-FLOW-02": resources.promotion.url,
    },
)
