"""What the retention of customers plugs into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.customers.resources import customer
from neiqin.modules.retention import following, looking, losses

RULES = Path(__file__).parent / "rules"
# What may give a customer another owner, other limits or another life.
CUSTOMERS = (
    "level_confirmed", "reactivated", "handed_over", "fell_into_pool", "released", "claimed", "assigned",
)  # fmt: skip

module = Module(
    label="成交与留存",
    resources=[losses.resource],
    figures=[losses.today],
    panels={customer.key: [looking.panel]},
    home=[losses.todos],
    hourly=[following.every_hour],
    plugs=[following.TOLD],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("limits", "benchmark")],
    effects={f"orders.order.{event}": following.of_orders for event in ("approved", "unapproved", "voided")}
    | {f"{customer.key}.{event}": following.of_customers for event in CUSTOMERS}
    | {f"{customer.key}.{event}": following.of_merged for event in ("merged", "parted")},
    urls=[path(following.PAGE.lstrip("/"), looking.page, name="retention")],
    menu=[MenuEntry("客户留存", following.PAGE, "chart-bar", "业务", looking.VIEW, tucked=True)],
    carries={"C-CUS-15": following.PAGE},
    permissions={looking.VIEW: "看成交、流失与留存", losses.EXPLAIN: "登记流失原因"},
)
