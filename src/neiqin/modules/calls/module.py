"""What telephone calls plug into the system."""

from pathlib import Path

from neiqin.kernel.resources.resource import Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.calls import backs, calling, looking, resources

RULES = Path(__file__).parent / "rules"

module = Module(
    label="电话",
    resources=[resources.call, resources.callback, resources.extension],
    permissions={
        calling.VIEW: "看电话记录和回电",
        calling.CREATE: "记电话、导入话单",
        calling.DO: "转接、答复、回电",
        calling.REVEAL: "看电话记录里的完整号码",
        "calls.extensions": "管分机",
    },
    home=[looking.todos],
    panels={"customers.customer": [looking.of_customer]},
    rules=[RuleFile(RULES / "promises.json")],
    clocks=[backs.CLOCK],
    plugs=[calling.PASSED, backs.ASKED, backs.OVER, backs.Escalating()],
    effects={
        "calls.callback.called": calling.of_called,
        "calls.callback.voided": calling.of_voided,
        "customers.customer.merged": calling.of_merged,
    },
    carries={
        "C-OFF-10": resources.call.url,
        "C-OFF-11": resources.call.url,
        "C-OFF-12": resources.callback.url,
    },
)
