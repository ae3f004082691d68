"""What customers plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.checks.declare import Checks, digit, times, value
from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.customers import fields, figures, imports, looking, measures, quick, resources

RULES = Path(__file__).parent / "rules"
FILES = resources.customer.url
CHECKS = Checks(resources.customer.key, times("credit_limit"), value("credit_limit"), digit("uscc"))

module = Module(
    label="客户",
    resources=[resources.customer],
    figures=figures.FIGURES,
    imports=[imports.customers],
    home=[looking.todos],
    plugs=[*measures.ASKS, *quick.QUICKS, CHECKS],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("limits", "completeness")],
    menu=[MenuEntry("档案质量", "/customers/quality/", "target-arrow", "业务", fields.PROFILE)],
    urls=[path("customers/quality/", looking.table)],
    carries={
        "C-CUS-01": "/customers/customer/new/",
        "C-CUS-02": (FILES, "各渠道的比较"),
        "C-CUS-03": "/customers/quality/",
        "C-CUS-04": "/customers/quality/",
        "C-CUS-05": (FILES, "客户的组织结构"),
        "C-CUS-06": (FILES, "从订单和合同自动更新"),
        "C-CUS-07": (FILES, "采购、报价、合同、投诉和回款"),
        "C-CUS-09": (FILES, "系统定期提出调整"),
        "C-CUS-11": FILES,
        "C-CUS-13": FILES,
        "C-CUS-16": (FILES, "开票和合同取用这些资料"),
        "C-DATA-01": (FILES, "合并重复的档案"),
        "C-SEC-03": FILES,
    },
    permissions={
        "customers.view": "看客户",
        "customers.create": "新建客户",
        "customers.edit": "修改客户",
        "customers.hand_over": "移交客户",
        "customers.confirm_level": "确认等级",
        "customers.deactivate": "停用和恢复",
        "customers.profile": "看和改客户情况（等级、行业、来源、证照）",
        "customers.preferences": "看和改采购意向、使用品种、价格等级",
        "customers.contacts": "看和改联系人",
        "customers.addresses": "看和改收货地址",
        "customers.invoices": "看和改开票信息",
        "customers.credit": "看和改信用额度、账期、结算方式",
        "customers.reveal": "看完整联系方式",
    },
)
