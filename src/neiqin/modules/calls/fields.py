"""What is known of calls and call-backs."""

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import mask_mobile, whole
from neiqin.modules.calls import states as s

other = Field("other", "对方号码", personal=True, mask=mask_mobile, maxlength=30, help="没显示号码就空着")
who = Field("who", "谁打来的", personal=True, mask=whole, maxlength=40)
customer = Field("customer", "客户", "ref", ref="customers.customer", list=True, filter=True, role="id", empty="没认出")
direction = Field("direction", "方向", "choice", choices=s.DIRECTIONS, default=s.IN, filter=True)
rang_at = Field("rang_at", "响铃时间", "moment", required=True, list=True, filter=True, role="due")
answered_at = Field("answered_at", "接起时间", "moment", filter=True, help="空着等话单来补")
ended_at = Field("ended_at", "结束时间", "moment")
missed = Field("missed", "没接到", "bool", list=True, filter=True)
answerer = Field("answerer", "接听人", "person", ref="people.person", list=True, filter=True, role="who",
                 empty="没对上人", help="空着就是自己")  # fmt: skip
topic = Field("topic", "事由", "choice", choices=s.TOPICS, list=True, filter=True)
need = Field("need", "对方要什么", "long", maxlength=1000, span=2)
result = Field("result", "怎么答复的", "long", maxlength=1000, span=2, help="当场答复了就写，没有写就一直跟着")
CALL = (direction, other, who, customer, rang_at, answered_at, ended_at, missed, answerer, topic, need, result)
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, pri=3),
    Field("headline", "来电", form=False, list=True, filter=True, role="name"),
    Field("ring_seconds", "响铃秒数", "number", form=False, list=True, filter=True, pri=2),
    Field("talk_seconds", "通话秒数", "number", form=False, filter=True),
    Field("extension", "分机", "code", form=False, filter=True),
    Field("passed_to", "转给", "person", ref="people.person", form=False, filter=True),
    Field("passed_unit", "转给部门", "unit", ref="people.unit", form=False, filter=True),
    Field("passed_at", "转接时间", "moment", form=False),
    Field("transfer", "对方接了没有", "choice", choices=s.TRANSFERS, form=False, filter=True),
    Field("owner", "谁负责", "person", ref="people.person", form=False, filter=True),
    Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True),
    Field("resolved_at", "答复时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=s.CALL_STATES, form=False, list=True, filter=True, role="st"),
)
TAKEN_DOWN = (who, customer, topic, need, result)

BACK = (
    Field("call", "来电", "ref", ref="calls.call", form=False, filter=True),
    Field("headline", "给谁回电", form=False, list=True, filter=True, role="name"),
    Field("customer", "客户", "ref", ref="customers.customer", form=False, filter=True, role="id"),
    Field("phone", "回电号码", personal=True, mask=mask_mobile, maxlength=30, form=False),
    Field("who", "找谁", personal=True, mask=whole, maxlength=40, form=False, list=True, pri=2),
    Field("topic", "事由", "choice", choices=s.TOPICS, form=False, filter=True),
    Field("need", "对方要什么", "long", form=False),
    Field("owner", "谁回电", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True),
    Field("promised_by", "谁答应的", "person", ref="people.person", form=False, filter=True),
    Field("promised_at", "答应的时间", "moment", form=False, list=True, filter=True, role="due"),
    Field("created_at", "答应于", "moment", form=False, filter=True),
    Field("tries", "没打通几次", "number", form=False, filter=True),
    Field("done_at", "回电时间", "moment", form=False, filter=True),
    Field("delay_minutes", "比答应的晚（分钟）", "number", form=False, list=True, filter=True, pri=2),
    Field("told_at", "上报经理", "moment", form=False, filter=True),
    Field("result", "回电结果", "long", form=False),
    Field("state", "状态", "state", choices=s.BACK_STATES, form=False, list=True, filter=True, role="st"),
)
EXTENSION = (
    Field("name", "分机", "code", required=True, maxlength=20, list=True, filter=True, role="id"),
    Field("person", "谁的", "person", ref="people.person", required=True, list=True, filter=True, role="who"),
)
