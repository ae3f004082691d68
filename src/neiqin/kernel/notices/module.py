"""What notices plug into the system."""

from django.urls import path

from neiqin.kernel.notices import closing, reading, sending, tell, views
from neiqin.kernel.notices.tell import Kind
from neiqin.kernel.resources.resource import MenuEntry, Module

module = Module(
    label="消息",
    plugs=[Kind("general", "其他"), reading.KIND, closing.KIND],
    permissions={views.MANAGE: "管消息渠道"},
    minutely=[closing.every_minute, sending.every_minute, reading.watch],
    hourly=[sending.tidy, reading.tidy],
    menu=[
        MenuEntry("消息", "/notices/", "bell", phone=True, count=tell.unread, renew="/notices/count/"),
        MenuEntry("消息渠道", "/notices/channels/", "send", "管理", views.MANAGE, tucked=True),
    ],
    urls=[
        path("notices/", views.inbox, name="notices"),
        path("notices/count/", views.count),
        path("notices/read/", views.read),
        path("notices/settings/", views.wishes, name="notices_settings"),
        path("notices/channels/", views.channels, name="notices_channels"),
        path("notices/<int:notice>/", views.follow, name="notice"),
    ],
)
