"""What is known of order exceptions."""

from neiqin.kernel.fields.field import Choice, Field
from neiqin.modules.exceptions import plans
from neiqin.modules.exceptions.models import STATES

WAYS = (
    Choice("call", "电话"), Choice("sms", "短信"), Choice("wechat", "微信"), Choice("mail", "邮件"),
    Choice("visit", "当面"),
)  # fmt: skip

department = Field("department", "责任部门", "unit", ref="people.unit", filter=True, list=True, pri=2)
cause = Field("cause", "原因", "long", maxlength=1000, span=2)
measure = Field("measure", "措施", "long", maxlength=1000, span=2)
what = Field("what", "出了什么事", "long", required=True, maxlength=1000, span=2)
EXCEPTION = (
    Field("order", "订单", "ref", ref="orders.order", required=True, filter=True),
    Field("kind", "类型", "choice", choices=plans.KINDS, required=True, list=True, filter=True, role="amt"),
    Field("days_late", "晚几天", "number", min=0, max=3650, help="交货延迟填；空着按订单的要求交期算"),
    Field("affected", "涉及金额", "money", min=0, help="出问题的货值多少，定级用；交货延迟不用填"),
    department,
    what,
)
EDITED = (department, what, cause, measure)
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("level", "级别", "choice", choices=plans.LEVELS, form=False, list=True, filter=True, section="处理"),
    Field("level_rule", "定级依据", form=False, section="处理"),
    Field("order_number", "单号", "code", column="order__number", form=False, list=True),
    cause.but(form=False, section="处理"),
    measure.but(form=False, section="处理"),
    Field("compensation", "赔付", "money", form=False, list=True, filter=True, pri=3, section="处理"),
    Field("granted_by", "批赔付的人", "person", ref="people.person", form=False, section="处理"),
    Field("granted_at", "批赔付的时间", "moment", form=False, section="处理"),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("opened_by", "登记人", "person", ref="people.person", form=False, filter=True),
    Field("created_at", "登记时间", "moment", form=False, list=True, filter=True),
    Field("told_at", "上次告诉客户", "moment", form=False),
    Field("closed_at", "关闭时间", "moment", form=False),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
TOLD = (
    Field("at", "时间", "moment"),
    Field("person", "谁说的", "person", ref="people.person"),
    Field("way", "方式", "choice", choices=WAYS),
    Field("text", "说了什么"),
)
