"""What duplicates plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.modules.duplicates import finding, merging, pages
from neiqin.modules.followups import followups

module = Module(
    label="疑似重复",
    verbs={"customers.customer": [merging.merge, merging.part]},
    panels={"customers.customer": [pages.merged_into]},
    moved={"customers.customer": pages.gone_to},
    tools=[pages.tools],
    hourly=[finding.every_hour],
    effects=dict.fromkeys(("customers.customer.merged", "customers.customer.parted"), followups.of_customers)
    | {
        f"customers.customer.{event}": merging.of_gone for event in ("edited", "reactivated", "handed_over", "assigned")
    },
    menu=[MenuEntry("疑似重复", "/duplicates/", "copy", "业务", merging.MAY)],
    urls=[
        path("duplicates/", pages.suspects),
        path("duplicates/merge/", pages.merge),
        path("duplicates/part/<int:run_id>/", pages.part),
    ],
    permissions={merging.MAY: "合并重复的客户"},
)
