"""What printing plugs into the system."""

from django.urls import path

from neiqin.kernel.printing import handing, pages
from neiqin.kernel.printing.forms import RECORD
from neiqin.kernel.resources.resource import Module

module = Module(
    label="打印",
    permissions={pages.LIST: "打印列表"},
    forms=[RECORD],
    tools=[pages.tools],
    hourly=[pages.tidy],
    urls=[
        path("print/", pages.records, name="print"),
        path("print/list/", pages.of_list),
        path("print/hand/", handing.dialog),
        path("print/hand/picture/", handing.preview),
        path("print/jobs/", pages.jobs, name="prints"),
        path("print/jobs/<int:job_id>/", pages.result),
    ],
)
