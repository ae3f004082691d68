"""What hand-over packages plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.people.handover import moving, pages, resources
from neiqin.kernel.people.handover.actions import MAY
from neiqin.kernel.printing.forms import Form
from neiqin.kernel.resources.resource import Module

module = Module(
    label="交接",
    resources=[resources.package],
    panels={"handover.package": [resources.what_goes, resources.items_of]},
    reactions={"handover.leavers": (["people.person.left"], moving.of_leavers)},
    hourly=[moving.due_back],
    home=[pages.to_do],
    tools=[pages.tools],
    forms=[Form("handover.list", "交接清单", Path(__file__).with_name("list.typ"), pages.sheets, "handover.package")],
    urls=[path("handover/begin/", pages.begin)],
    permissions={"handover.view": "看交接包", MAY: "办交接"},
)
