"""What customers plug into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.customers import fields, figures, followups, imports, looking, pages, pool, quick, resources

RULES = Path(__file__).parent / "rules"
# What may give a customer another owner, or make one.
MOVES = (
    "created",
    "handed_over",
    "level_confirmed",
    "fell_into_pool",
    "released",
    "claimed",
    "assigned",
    "withdrawn",
)

module = Module(
    label="客户",
    resources=[resources.customer, pool.resource, followups.resource],
    figures=[*figures.FIGURES, followups.due, followups.aimless],
    imports=[imports.customers, followups.plan],
    tools=[pages.tools],
    home=[looking.todos, followups.to_follow, pool.falling_soon, followups.without_next_step],
    hourly=[pool.every_hour],
    plugs=[pool.SOON, *quick.QUICKS],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("limits", "completeness", "next_step", "pool", "pool_limits")],
    menu=[MenuEntry("档案质量", "/customers/quality/", "target-arrow", "业务", fields.PROFILE)],
    urls=[
        path("customers/follow/", pages.follow),
        path("customers/pool/", pages.pool_ahead),
        path("customers/quality/", looking.table),
    ],
    effects={f"customers.customer.{event}": followups.of_customers for event in MOVES}
    | {
        "customers.followup.created": followups.of_followups,
        "customers.followup.edited": followups.of_followups,
        "customers.followup.withdrawn": followups.of_withdrawn,
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
        pool.CLAIM: "看公海、领取",
        pool.RELEASE: "放入公海",
        pool.MANAGE: "从公海分配",
        followups.MAY: "记跟进",
        followups.CORRECT: "更正跟进记录，替人补记",
    },
)
