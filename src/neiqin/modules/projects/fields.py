"""What is known of projects."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.projects import models as m

PROJECT = (
    Field("name", "项目", required=True, maxlength=100, list=True, filter=True, role="name", span=2),
    Field("owner", "负责人", "person", ref="people.person", required=True, list=True, filter=True, role="who"),
    Field("start_on", "开始", "date", required=True, list=True),
    Field("due_on", "要完成", "date", required=True, list=True, filter=True, role="due"),
    Field("goal", "目标", "long", maxlength=2000, required=True, span=2),
)
KEPT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("ended_on", "结束", "date", form=False, list=True),
    Field("created_at", "立项时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=m.STATES, form=False, list=True, filter=True, role="st"),
)
MEMBER = (
    Field("person", "成员", "person", ref="people.person", required=True),
    Field("part", "负责什么", maxlength=100),
)
MILESTONE = (
    Field("name", "里程碑", required=True, maxlength=100),
    Field("due_on", "要到达", "date", required=True),
    Field("person", "谁负责", "person", ref="people.person"),
    Field("done_on", "到达了", "date"),
)
RISK = (
    Field("text", "风险", required=True, maxlength=200),
    Field("level", "高低", "choice", choices=m.LEVELS, default=m.MEDIUM),
    Field("measure", "应对", maxlength=200),
    Field("closed", "已消除", "bool"),
)
WEEK = (
    Field("at", "时间", "moment"),
    Field("person", "谁", "person", ref="people.person"),
    Field("text", "本周情况"),
)
