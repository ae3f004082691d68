"""What the checks plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.actions import gate
from neiqin.kernel.checks import look, pages, second
from neiqin.kernel.checks.models import VIEW
from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile


class AtTheGate:
    """The checks stand in front of every call by a person."""

    def plug(self) -> None:
        gate.keep(look.keeper, "checks")
        gate.on_invalid(look.misread)


module = Module(
    label="校验",
    permissions={VIEW: "看校验记录"},
    plugs=[AtTheGate(), second.TOLD],
    rules=[RuleFile(Path(__file__).parent / "rules/checks.json")],
    home=[pages.todos],
    panels={"*": [pages.panel]},
    urls=[
        path("checks/", pages.results, name="checks"),
        path("checks/second/", pages.queue, name="seconds"),
        path("checks/second/<int:number>/", pages.show, name="second"),
    ],
    menu=[MenuEntry("校验记录", "/checks/", "target-arrow", "管理", VIEW, tucked=True)],
    carries={"C-DATA-02": ("/checks/", "订单、价格和回款")},
)
