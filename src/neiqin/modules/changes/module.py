"""What changes of orders plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.approvals.declare import Asks
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.changes import changing, departments, figures, impact, looking, resources

RULES = Path(__file__).parent / "rules"
CHANGE, ASSESSMENT, KNOWING = (r.key for r in (resources.change, resources.assessment, resources.knowing))

module = Module(
    label="订单变更",
    resources=[resources.change, resources.assessment, resources.knowing],
    panels={CHANGE: [looking.effect, looking.answers, looking.knows], "orders.order": [looking.of_order]},
    tools=[looking.tools],
    home=[looking.todos],
    plugs=[
        Asks(changing.apply.code, impact.measured, impact.NAME, impact.facts), departments.TOLD, changing.TOLD,
    ],
    rules=[RuleFile(RULES / "change_knowing.json")],
    clocks=[
        Clock(
            "changes.rep", "处理订单变更", on=f"{CHANGE}.created",
            until=(f"{CHANGE}.passed_on", f"{CHANGE}.refused"), cancel=(f"{CHANGE}.withdrawn",), minutes=240,
        ),
        Clock(
            "changes.assess", "评估订单变更", on=f"{ASSESSMENT}.created", until=(f"{ASSESSMENT}.answered",),
            minutes=240,
        ),
        Clock("changes.know", "确认订单变更", on=f"{KNOWING}.created", until=(f"{KNOWING}.known",), minutes=240),
    ],
    urls=[
        path("changes/new/", looking.new, name="changes_new"),
        path("changes/figures/", figures.page, name="changes_figures"),
        path("changes/look/", looking.look, name="changes_look"),
    ],
    menu=[MenuEntry("变更与版本", figures.URL, "chart-bar", "业务", changing.VIEW, tucked=True)],
    permissions={
        changing.VIEW: "看订单变更",
        changing.CREATE: "登记、撤回订单变更",
        departments.ANSWER: "答复变更评估，确认新版",
    },
    api=["neiqin.modules.changes.endpoints.add_endpoints"],
    carries={
        "C-ORD-13": resources.change.url,
        "C-ORD-14": (resources.change.url, "合同"),
        "C-ORD-15": resources.knowing.url,
        "C-FLOW-09": figures.URL,
    },
)  # fmt: skip
