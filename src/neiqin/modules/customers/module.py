"""What customers plug into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.customers import figures, imports, resources

module = Module(
    label="客户",
    resources=[resources.customer],
    figures=figures.FIGURES,
    imports=[imports.customers],
    permissions={
        "customers.view": "看客户",
        "customers.create": "新建客户",
        "customers.edit": "修改客户",
        "customers.hand_over": "移交客户",
        "customers.confirm_level": "确认等级",
        "customers.deactivate": "停用和恢复",
        "customers.credit": "看和改信用额度、账期",
        "customers.reveal": "看完整联系方式",
    },
)
