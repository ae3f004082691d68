"""What approvals plug into the system."""

from decimal import Decimal
from pathlib import Path

from django.urls import path

from neiqin.kernel.actions import gate
from neiqin.kernel.approvals import keeper, pages, printed, resources, room, routes
from neiqin.kernel.approvals.models import MANAGE, VIEW, Request
from neiqin.kernel.deadlines.clocks import Clock
from neiqin.kernel.printing.forms import Form
from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.cells import check_cells
from neiqin.kernel.rules.defaults import RuleFile

LABEL = Request._meta.label_lower


class AtTheGate:
    """Approvals stand behind the checks: what is wrong is mended before anybody is asked. A route that cannot be read,
    or names a position nobody knows, is refused while the table is written."""

    def plug(self) -> None:
        gate.keep(keeper.keeper, "approvals")
        check_cells(keeper.TABLE, "route", routes.unknown)


def _minutes(happened: object) -> dict[int, int]:
    rows = Request.objects.filter(pk__in=happened.ids).values_list("pk", "hours")  # type: ignore[attr-defined]
    return {pk: int(hours * Decimal(60)) for pk, hours in rows}


module = Module(
    label="审批",
    resources=[resources.request],
    permissions={VIEW: "看和办审批", MANAGE: routes.LAST_RESORT},
    plugs=[AtTheGate(), room.ASKED, room.TOLD, room.COPIED],
    rules=[RuleFile(Path(__file__).parent / "rules/approvals.json")],
    clocks=[
        Clock(
            "approvals.decide",
            "审批",
            on=f"{LABEL}.submitted",
            until=(f"{LABEL}.finished",),
            allowed=_minutes,
            responsible=room.responsible,
        )
    ],
    forms=[Form("approvals.trace", "审批单", Path(__file__).with_name("trace.typ"), printed.sheets, LABEL)],
    home=[pages.todos],
    panels={"*": [pages.panel]},
    urls=[
        path("approvals/", pages.queue, name="approvals"),
        path("approvals/times/", pages.times, name="approval_times"),
    ],
    menu=[
        MenuEntry("审批", "/approvals/", "rubber-stamp", permission=VIEW, phone=True, count=pages.count_for),
    ],
    carries={"C-FLOW-01": "/approvals/"},
)
