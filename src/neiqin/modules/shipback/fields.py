"""What is known of files for platforms."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.shipback.models import STATES

HANDOUT = (
    Field("number", "编号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "文件", form=False, list=True, filter=True, role="name"),
    Field("channel", "平台", form=False, list=True, filter=True),
    Field("count", "单数", "number", form=False, list=True),
    Field("owner", "谁写的", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("created_at", "写出时间", "moment", form=False, list=True, filter=True, role="due"),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
TOLD = (
    Field("platform_number", "平台单号", "code"), Field("carrier", "物流公司"), Field("waybill", "运单号", "code"),
    Field("delivery", "发货单", "ref", ref="orders.delivery"),
)  # fmt: skip
