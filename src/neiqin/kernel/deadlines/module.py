"""What the working calendar plugs into the system."""

from django.urls import path

from neiqin.kernel.deadlines import telling, views, watch
from neiqin.kernel.deadlines.models import MANAGE
from neiqin.kernel.resources.resource import MenuEntry, Module

module = Module(
    label="期限",
    permissions={MANAGE: "改工作日历和上班时间"},
    minutely=[watch.remind],
    plugs=[telling.DUE, telling.MOVED, telling.Listening()],
    home=[views.unpublished],
    urls=[path("deadlines/calendar/", views.show, name="work_calendar")],
    menu=[MenuEntry("工作日历", "/deadlines/calendar/", "calendar", "管理", MANAGE, tucked=True)],
)
