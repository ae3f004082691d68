"""What is known of assigned tasks."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.tasks import models as m

owner = Field("owner", "承办人", "person", ref="people.person", required=True, list=True, filter=True, role="who")
due_on = Field("due_on", "时限", "date", required=True, list=True, filter=True, role="due")
TASK = (
    Field("name", "事项", required=True, maxlength=100, list=True, filter=True, role="name", span=2),
    owner,
    due_on,
    Field("weight", "轻重", "choice", choices=m.WEIGHTS, default=m.USUAL, list=True, filter=True),
    Field("customer", "客户", "ref", ref="customers.customer", filter=True),
    Field("order", "订单", "ref", ref="orders.order", filter=True),
    Field("project", "项目", "ref", ref="projects.project", filter=True),
    Field("wanted", "要什么结果", "long", maxlength=1000, span=2, required=True),
)
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("assigner", "交办人", "person", ref="people.person", form=False, list=True, filter=True),
    Field("progress", "进度 %", "number", form=False, list=True),
    Field("result", "结果", "long", form=False),
    Field("rating", "评价", "choice", choices=m.RATINGS, form=False, filter=True),
    Field("created_at", "交办时间", "moment", form=False, filter=True),
    Field("done_at", "办结时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=m.STATES, form=False, list=True, filter=True, role="st"),
)
HELPER = (
    Field("person", "协办", "person", ref="people.person", required=True),
    Field("part", "帮什么", maxlength=100),
)
REPORT = (
    Field("at", "时间", "moment"),
    Field("person", "谁", "person", ref="people.person"),
    Field("progress", "进度 %", "number"),
    Field("text", "说明"),
)
