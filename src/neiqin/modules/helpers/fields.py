"""What is known of loans."""

from neiqin.kernel.fields.field import Choice, Field
from neiqin.modules.helpers import models as m

helper = Field("helper", "借谁", "person", ref="people.person", required=True, list=True, filter=True, role="who",
               help="本部门或别的部门的人；由他的部门负责人同意")  # fmt: skip
LOAN = (
    helper,
    Field("work", "来做什么", "choice", choices=tuple(Choice(w.key, w.label) for w in m.WORKS), required=True,
          list=True, filter=True, help="只给做这件事要用的权限"),
    Field("promotion", "为哪个促销", "ref", ref="promotions.promotion", filter=True,
          help="促销、大单、积压只填一样；他只看得到这件事的订单"),
    Field("order", "为哪张大单", "ref", ref="orders.order", filter=True),
    Field("of_unit", "为哪个部门的积压", "unit", ref="people.unit", filter=True),
    Field("backlog", "积压在哪一步", "choice", choices=m.BACKLOGS, filter=True, help="和积压的部门一起填"),
    Field("from_on", "第一天", "date", required=True, list=True, filter=True),
    Field("until_on", "最后一天", "date", required=True, list=True, filter=True, role="due",
          help="第二天起自动收回"),
    Field("why", "为什么要人", maxlength=200, required=True, span=2),
)  # fmt: skip
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "为哪件事", form=False, list=True, filter=True, role="name"),
    Field("owner", "谁要人", "person", ref="people.person", form=False, list=True, filter=True),
    Field("lender", "谁同意", "person", ref="people.person", form=False, filter=True),
    Field("answer", "答复", form=False),
    Field("answered_at", "答复时间", "moment", form=False, filter=True),
    Field("ended_note", "提前结束的原因", form=False),
    Field("state", "状态", "state", column="stage", choices=m.STAGES, form=False, list=True, filter=True, role="st"),
)
