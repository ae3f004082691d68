"""What the organisation plugs into the system."""

from django.urls import path

from neiqin.kernel.people import appointments, home, panels, resources, views
from neiqin.kernel.resources import log
from neiqin.kernel.resources.resource import MenuEntry, Module

module = Module(
    label="组织",
    sections=["", "业务", "管理"],
    resources=[resources.person, resources.unit, resources.position, resources.role],
    permissions={
        "people.view": "看组织和人员",
        "people.manage": "改组织、岗位和人员",
        "people.duties": "发布岗位职责，看谁没签",
        "people.rights": "改权限",
        "audit.view": "查操作日志",
    },
    panels={"people.person": [panels.what_he_can_do, panels.account], "people.position": [panels.written_duties]},
    home=[home.to_sign, home.to_review, home.for_administrators],
    hourly=[appointments.settle_appointments],
    urls=[
        path("", views.home, name="home"),
        path("settings/", views.settings, name="settings"),
        path("people/logins/<int:person_id>/", views.login, name="person_login"),
        path("people/duties/", views.duties, name="duties"),
        path("people/duties/<int:duty_id>/", views.duty, name="duty"),
        path("people/rights/", views.rights, name="rights"),
        path("people/safety/", views.secure, name="safety"),
        path("people/review/", views.review, name="review"),
        path("log/", log.show, name="log"),
        path("log/<int:run_id>/", log.one, name="log_run"),
    ],
    menu=[
        MenuEntry("工作台", "/", "layout-dashboard", phone=True),
        MenuEntry("职责签收", "/people/duties/", "file-certificate", "管理", "people.duties"),
        MenuEntry("权限", "/people/rights/", "shield-lock", "管理", "people.rights", tucked=True),
        MenuEntry("登录安全", "/people/safety/", "lock", "管理", "people.rights", tucked=True),
        MenuEntry("操作日志", "/log/", "history", "管理", "audit.view"),
    ],
    carries={
        "C-ORG-01": (resources.unit.url, "审批和团队报表照架构走"),
        "C-ORG-02": "/people/duties/",
        "C-ORG-08": (resources.person.url, "排定客户、报表和值班"),
        "C-ORG-10": "/people/rights/",
        "C-ORG-11": (resources.person.url, "按金额和单据限定委托"),
        "C-DATA-10": "/log/",
        "C-SEC-05": "/people/safety/",
    },
)
