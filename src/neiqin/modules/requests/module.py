"""What requests to other departments plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.modules.requests import looking, requests, resources

module = Module(
    label="跨部门需求",
    resources=[resources.request],
    permissions={
        requests.VIEW: "看跨部门需求",
        requests.CREATE: "向别的部门提需求",
        requests.DO: "答复、办理跨部门需求",
    },
    home=[looking.todos],
    minutely=[requests.every_minute],
    plugs=[requests.TOLD, requests.NEWS, requests.DUE],
    urls=[path(looking.PAGE.lstrip("/"), looking.page, name="requests_share")],
    menu=[MenuEntry("48 小时答复", looking.PAGE, "chart-bar", "业务", requests.VIEW, tucked=True)],
    carries={"C-FLOW-07": looking.PAGE},
)
