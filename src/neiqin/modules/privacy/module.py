"""What clearing personal information plugs into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import Module
from neiqin.modules.privacy import clearing, pages

module = Module(
    label="个人信息",
    verbs={"customers.customer": [clearing.clear]},
    tools=[pages.tools],
    urls=[path("privacy/", pages.clear)],
    restored=[clearing.again],
    permissions={clearing.MAY: "清除个人信息"},
)
