"""What helpers plug into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.helpers import actions, lending, looking, resources

module = Module(
    label="增派与借调",
    resources=[resources.loan],
    permissions={actions.VIEW: "看增派与借调，答复借本部门的人", actions.CREATE: "借人"},
    panels={"orders.order": [looking.of_order]},
    home=[looking.todos],
    plugs=[lending.LENDING, actions.ASKING, actions.TOLD],
    carries={"C-ORG-07": resources.loan.url},
)
