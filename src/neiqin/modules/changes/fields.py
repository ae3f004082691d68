"""What is known of changes, assessments and acknowledgements."""

from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats.masks import mask_mobile, whole
from neiqin.modules.changes import models as m
from neiqin.modules.orders.fields import MEANS

CHANGE = (
    Field("order", "订单", "ref", ref="orders.order", required=True, list=True, filter=True, role="id"),
    Field("said_by", "谁提的", required=True, maxlength=60, list=True, help="客户的谁，或我们的谁，怎么说的"),
    Field("reason", "原因", required=True, maxlength=200, list=True, span=2),
    Field("whole", "取消整单", "bool", help="没发过货的作废，发过的关闭"),
    Field("required_on", "新交期", "date", filter=True, help="空着不变"),
    Field("consignee", "新收货人", personal=True, mask=whole, maxlength=40, help="空着不变", section="收货"),
    Field("consignee_phone", "新收货电话", "phone", personal=True, mask=mask_mobile, maxlength=30, section="收货"),
    Field("address", "新收货地址", personal=True, mask=whole, maxlength=200, span=2, section="收货"),
)
KEPT = (
    Field("number", "变更单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("kinds", "变更内容", form=False, list=True, filter=True),
    Field("base", "原版次", "number", form=False),
    Field("was_required_on", "原交期", "date", form=False),
    Field("was_consignee", "原收货人", personal=True, mask=whole, form=False),
    Field("was_consignee_phone", "原收货电话", "phone", personal=True, mask=mask_mobile, form=False),
    Field("was_address", "原收货地址", personal=True, mask=whole, form=False),
    Field("amount", "原价税合计", "money", form=False, list=True),
    Field("new_amount", "新价税合计", "money", form=False, list=True, role="amt"),
    Field("agreed_by", "客户同意方式", "choice", choices=MEANS, form=False, filter=True),
    Field("agreed_at", "客户同意时间", "moment", form=False),
    Field("agreed_note", "同意凭证", form=False),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("created_at", "登记时间", "moment", form=False, filter=True),
    Field("applied_at", "生效时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=m.STATES, form=False, list=True, filter=True, role="st"),
)
LINE = (
    Field("order_line", "订单行", "number", min=1, help="空着是加一行"),
    Field("product", "产品", "ref", ref="catalog.product"),
    Field("item_name", "品名", maxlength=120),
    Field("spec", "规格型号", maxlength=100),
    Field("unit_name", "单位", maxlength=20),
    Field("quantity", "新数量", "quantity", min=0, help="0 是不要这一行"),
    Field("price", "新含税单价", "quantity", min=0),
    Field("promised_on", "新行交期", "date"),
)
SHOWN_LINE = (
    Field("item_name", "品名"),
    Field("spec", "规格型号"),
    Field("was_quantity", "原数量", "quantity"),
    Field("quantity", "新数量", "quantity"),
    Field("unit_name", "单位"),
    Field("was_price", "原单价", "quantity"),
    Field("price", "新单价", "quantity"),
    Field("was_promised_on", "原行交期", "date"),
    Field("promised_on", "新行交期", "date"),
)
_DEPARTMENT = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("change", "变更单", "ref", ref="changes.change", form=False, list=True, filter=True),
    Field("department", "部门环节", form=False, list=True, filter=True, role="id"),
    Field("owner", "承办人", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
)
ASSESSMENT = (
    *_DEPARTMENT,
    Field("possible_on", "能完成的日期", "date", form=False, list=True),
    Field("spent", "已发生成本", "money", form=False, list=True),
    Field("note", "说明", form=False, list=True),
    Field("answered_at", "答复时间", "moment", form=False),
    Field("created_at", "要求时间", "moment", form=False),
    Field("state", "状态", "state", choices=m.ASSESSMENT_STATES, form=False, list=True, filter=True, role="st"),
)
KNOWING = (
    *_DEPARTMENT,
    Field("revision", "新版次", "number", form=False, list=True),
    Field("known_at", "知悉时间", "moment", form=False, list=True),
    Field("created_at", "通知时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=m.KNOWING_STATES, form=False, list=True, filter=True, role="st"),
)
