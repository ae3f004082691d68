"""What is known of an order on its way in."""

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.masks import whole
from neiqin.modules.intake.models import STATES
from neiqin.modules.intake.reading import LONGEST

customer = Field("customer", "客户", "ref", ref="customers.customer", list=True, filter=True,
                 help="还不知道就空着，录入时再选")  # fmt: skip
INTAKE = (
    customer,
    Field("said", "客户怎么说的", "long", personal=True, mask=whole, maxlength=LONGEST, span=2, required=True,
          help="微信文字、表格、清单连同地址，原样粘贴"),
    Field("note", "说明", maxlength=200, span=2),
)  # fmt: skip
KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("asked_by", "谁交的", "person", ref="people.person", form=False, list=True, filter=True),
    Field("created_at", "交来时间", "moment", form=False, list=True, filter=True),
    Field("order", "订单", "ref", ref="orders.order", form=False, list=True, filter=True),
    Field("taken_by", "谁录的", "person", ref="people.person", form=False, filter=True),
    Field("taken_at", "录入时间", "moment", form=False, filter=True),
    Field("reason", "退回原因", form=False),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
