"""What the regulations plug into the system."""

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.modules.policy import book, resources

module = Module(
    label="制度",
    resources=[resources.clause],
    permissions={resources.MANAGE: "改写制度条款，定不适用"},
    menu=[MenuEntry("制度条款", book.BOOK, "scale", "管理")],
    urls=[path("policy/", book.show, name="policy")],
    carries={"C-ORG-13": (book.BOOK, "起草、批准和按日期查旧版")},
)
