"""What groups of customers plug into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.customers.resources import customer
from neiqin.modules.groups import actions, following, resources

# What may bring a customer into a group or out of it, or give it another owner.
CUSTOMERS = (
    "created", "edited", "level_confirmed", "deactivated", "reactivated", "merged", "parted", "handed_over",
    "fell_into_pool", "released", "claimed", "assigned",
)  # fmt: skip
ORDERS = ("created", "edited", "confirmed", "orders_confirm_answer", "revised", "voided")

module = Module(
    label="客户分组",
    resources=[resources.group, resources.membership],
    panels={customer.key: [resources.panel]},
    hourly=[following.every_hour],
    effects={f"{customer.key}.{event}": following.of_customers for event in CUSTOMERS}
    | {f"orders.order.{event}": following.of_orders for event in ORDERS}
    | {f"{resources.group.key}.{event}": following.of_groups for event in ("created", "edited", "stopped", "resumed")},
    carries={"C-CUS-08": resources.group.url},
    permissions={"groups.view": "看客户分组", "groups.create": "新建客户分组", actions.EDIT: "修改、停用客户分组"},
)
