"""What telling platforms of shipments plugs into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.shipback import handing, pages, promising, resources

module = Module(
    label="回传发货",
    resources=[resources.handout],
    permissions={handing.VIEW: "看回传文件", handing.CREATE: "导入运单、写回传文件"},
    marks={"orders.order": promising.marks},
    rules=[RuleFile(Path(__file__).parent / "rules/promises.json")],
    home=[pages.todos],
    tools=[pages.tools],
    urls=[
        path(pages.PAGE.lstrip("/"), pages.page, name="shipback"),
        path(f"{pages.FILE.lstrip('/')}<int:handout>/", pages.file),
    ],
    menu=[MenuEntry("回传发货", pages.PAGE, "truck-delivery", "业务", handing.CREATE)],
)
