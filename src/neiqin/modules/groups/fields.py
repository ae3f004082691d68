"""What is said of a group, and shown of its members."""

from neiqin.kernel.fields.field import Choice, Field
from neiqin.modules.customers import fields as customers
from neiqin.modules.groups.states import MEMBER_STATES, STATES

SPANS = (Choice("month", "本月"), Choice("quarter", "本季度"), Choice("year", "最近 365 天"))
SEVERAL = "几个用顿号分开，有其中一个就算"

FORM = (
    Field("name", "分组名称", required=True, maxlength=40, list=True, filter=True, role="name", span=2),
    Field("industry", "行业", list=True, help=SEVERAL),
    Field("size_band", "规模至少", "choice", choices=customers.SIZES, list=True, filter=True),
    Field("level", "等级", "choice", choices=customers.LEVELS, list=True, filter=True),
    Field("region", "地区", list=True, help=f"省、市或区县，{SEVERAL}"),
    Field(
        "orders_min", "订单数至少", "number", min=0, list=True, section="购买频率", help="客户确认过、没有作废的订单"
    ),
    Field("orders_max", "订单数至多", "number", min=0, section="购买频率"),
    Field("orders_within", "订单数算哪段", "choice", choices=SPANS, default="month", list=True, section="购买频率"),
    Field("amount_min", "订单金额至少", "money", min=0, list=True, section="购买金额", help="同样的订单，含税"),
    Field("amount_max", "订单金额至多", "money", min=0, section="购买金额"),
    Field("amount_within", "金额算哪段", "choice", choices=SPANS, default="year", list=True, section="购买金额"),
    Field("remark", "备注", "long", maxlength=200, span=2, section="购买金额"),
)
KEPT = (
    Field("updated_at", "更新", "moment", form=False, role="due"),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
_of = "customer__"
MEMBER = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("group", "分组", "ref", ref="groups.group", form=False, list=True, filter=True, role="id"),
    Field("customer", "客户", "ref", ref="customers.customer", form=False, list=True, filter=True),
    customers.level.but(column=f"{_of}level", sortable=False, role=""),
    customers.industry.but(column=f"{_of}industry", form=False),
    customers.city.but(column=f"{_of}city", form=False),
    Field(
        "owner", "负责人", "person", ref="people.person", form=False, list=True, filter=True, role="who", empty="公海"
    ),
    Field("joined_at", "进组时间", "moment", form=False, list=True, filter=True, role="due"),
    Field("left_at", "离开时间", "moment", form=False, list=True, filter=True),
    Field("state", "状态", "state", choices=MEMBER_STATES, form=False, list=True, filter=True, role="st"),
)
