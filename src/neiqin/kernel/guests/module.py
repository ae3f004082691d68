"""What guests plug into the system. What they can be asked, modules plug in themselves (`plugs=[Ask(…)]`)."""

from django.urls import path

from neiqin.kernel.guests import asks, desk, limits, pages
from neiqin.kernel.resources.resource import MenuEntry, Module

module = Module(
    label="客户确认",
    plugs=[asks.REPLIED],
    permissions={asks.INVITE: "请客户确认"},
    panels={"*": [desk.panel]},
    hourly=[limits.tidy],
    menu=[MenuEntry("客户确认", "/guests/", "user-check", "管理", asks.INVITE)],
    urls=[
        path("g/<str:token>/", pages.show, name="guest"),
        path("g/<str:token>/<int:invitation>/", pages.show),
        path("guests/", desk.waiting, name="guests"),
        path("guests/<str:kind>/<int:record_id>/invite/", desk.invite),
        path("guests/<str:kind>/<int:record_id>/revoke/", desk.revoke),
    ],
)
