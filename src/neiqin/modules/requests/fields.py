"""What is known of requests to another department."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.requests.models import STATES, TIMELY

unit = Field("unit", "找哪个部门", "unit", ref="people.unit", required=True, list=True, filter=True)
owner = Field("owner", "找谁", "person", ref="people.person", list=True, filter=True, role="who",
              help="空着由部门负责人答复")  # fmt: skip
need_on = Field("need_on", "哪天要", "date", required=True, list=True, filter=True, role="due")
REQUEST = (
    Field("name", "事项", required=True, maxlength=100, list=True, filter=True, role="name", span=2),
    unit,
    owner,
    need_on,
    Field("customer", "客户", "ref", ref="customers.customer", filter=True),
    Field("order", "订单", "ref", ref="orders.order", filter=True),
    Field("what", "要什么", "long", required=True, maxlength=1000, span=2),
)
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("asker", "提出人", "person", ref="people.person", form=False, list=True, filter=True),
    Field("asker_unit", "提出部门", "unit", ref="people.unit", form=False, filter=True),
    Field("created_at", "提出时间", "moment", form=False, filter=True),
    Field("answer_due_at", "答复期限", "moment", form=False, list=True, filter=True),
    Field("answered_at", "答复时间", "moment", form=False, filter=True),
    Field("answer", "答复", "long", form=False),
    Field("promised_on", "答应哪天", "date", form=False, list=True, filter=True, pri=3),
    Field("result", "结果", "long", form=False),
    Field("done_at", "办结时间", "moment", form=False, filter=True),
    Field("timely", "48 小时答复", "choice", choices=TIMELY, form=False, list=True, filter=True, pri=2),
    Field("escalated_at", "上报时间", "moment", form=False),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
