"""What is known of promotions."""

from decimal import Decimal

from neiqin.kernel.fields.field import Field
from neiqin.modules.customers.fields import PRICE_LEVELS
from neiqin.modules.promotions.models import STATES

PROMOTION = (
    Field("name", "名称", required=True, maxlength=60, list=True, filter=True, role="name", span=2),
    Field("from_on", "第一天", "date", required=True, list=True, filter=True),
    Field("until_on", "最后一天", "date", required=True, list=True, filter=True, role="due"),
    Field("budget", "预算", "money", required=True, min=Decimal("0.01"), list=True, filter=True,
          help="比标准价少收的钱，含税；用完自动停"),
    Field("level", "客户价格等级", "choice", choices=PRICE_LEVELS, filter=True, help="空着是全部客户"),
    Field("region", "地区（省）", maxlength=20, filter=True, help="空着是全部"),
    Field("channel", "渠道", maxlength=20, filter=True, help="空着是全部"),
    Field("goal", "目的和预期", "long", maxlength=1000, span=2),
)  # fmt: skip
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("used", "已用预算", "money", form=False, list=True, filter=True, sort="used", role="amt"),
    Field("left", "还剩", "money", form=False, list=True, filter=True, sort="left"),
    Field("approved_at", "批准时间", "moment", form=False, filter=True),
    Field("stop_note", "停止原因", form=False),
    Field("owner", "负责人", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
DEAL = (
    Field("product", "产品", "ref", ref="catalog.product", required=True),
    Field("unit_name", "单位（空着是基本单位）", maxlength=20),
    Field("min_quantity", "起订量", "quantity", min=0, default=Decimal(0)),
    Field("price", "促销价（含税）", "quantity", required=True, min=0),
)
