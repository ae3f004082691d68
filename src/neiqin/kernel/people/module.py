"""What people plug into the system."""

from neiqin.kernel.people import resources
from neiqin.kernel.resources.resource import Module

module = Module(
    label="组织",
    sections=["", "业务", "管理"],
    resources=[resources.person, resources.unit, resources.position],
    permissions={
        "people.view": "看组织和人员",
        "people.manage": "改组织、岗位和人员",
        "people.rights": "改权限",
        "audit.view": "查操作日志",
    },
)
