"""What the company plugs into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.modules.company import entities, steps, views

module = Module(
    label="公司",
    resources=[entities.entity],
    permissions={"company.view": "看我方主体", entities.MANAGE: "改我方主体，办开张"},
    home=[steps.to_do],
    menu=[MenuEntry("开张", steps.START, "flag", "管理", entities.MANAGE, tucked=True)],
    urls=[
        path("start/", views.start, name="start"),
        path("company/start/", views.overview, name="company_start"),
        path("company/start/people/", views.people),
        path("company/start/numbers/", views.numbers),
        path("company/start/page.pdf", views.test_page),
    ],
)
