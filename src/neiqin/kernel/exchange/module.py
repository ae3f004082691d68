"""What imports and exports plug into the system."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.urls import path

from neiqin.kernel.exchange import exporting, pages, plans, requesting, telling, working
from neiqin.kernel.resources.resource import MenuEntry, Module, Resource, Tool
from neiqin.kernel.rules.defaults import RuleFile


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """导入 and 导出 over a list."""
    found = []
    if person.may(pages.RIGHT) and resource in plans.importable(person):
        found.append(Tool("导入", f"/imports/?kind={resource.key}", "file-import"))
    if person.may(exporting.RIGHT):
        found.append(Tool("导出", f"/exports/new/?kind={resource.key}&q={quote(query)}", "download", dialog=True))
    return found


module = Module(
    label="导入导出",
    permissions={
        pages.RIGHT: "导入",
        exporting.RIGHT: "导出",
        exporting.PERSONAL: "导出完整联系方式",
        "exchange.requests": "看导出登记",
    },
    tools=[tools],
    resources=[requesting.request],
    rules=[RuleFile(Path(__file__).parent / "rules/export_limits.json")],
    plugs=[telling.FINISHED, requesting.ASKS],
    hourly=[exporting.tidy, working.tidy],
    minutely=[working.rescue, exporting.rescue],
    menu=[MenuEntry("导入", "/imports/", "file-import", "业务", pages.RIGHT)],
    carries={"C-DATA-08": "/imports/", "C-SEC-04": "/exchange/exportrequest/"},
    urls=[
        path("imports/", pages.home, name="imports"),
        path("imports/upload/", pages.upload),
        path("imports/template/", pages.template),
        path("imports/<int:import_id>/", pages.show, name="import"),
        path("imports/<int:import_id>/columns/", pages.columns),
        path("imports/<int:import_id>/cell/", pages.cell),
        path("imports/<int:import_id>/errors/", pages.errors),
        path("imports/<int:import_id>/<slug:what>/", pages.decide),
        path("exports/", exporting.home, name="exports"),
        path("exports/new/", exporting.new),
        path("exports/<int:export_id>/file/", exporting.download),
    ],
)
