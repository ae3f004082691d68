"""What telephone calls plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.calls import backs, calling, looking, pages, resources, ringing

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
    rules=[RuleFile(RULES / f"{name}.json") for name in ("promises", "transfers")],
    clocks=[backs.CLOCK],
    tools=[pages.tools],
    urls=[
        path(ringing.PAGE.lstrip("/"), ringing.ring, name="calls_ring"),
        path(pages.RECORDS.lstrip("/"), pages.records, name="calls_records"),
        path(pages.RESPONSE.lstrip("/"), pages.response, name="calls_response"),
    ],
    menu=[MenuEntry("接听响应", pages.RESPONSE, "chart-bar", "业务", calling.VIEW, tucked=True)],
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
