"""What is known of returns and exchanges."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.returns.models import INVOICE_WAYS, KINDS, PARTIES, REASONS, STATES

party = Field("party", "责任方", "choice", choices=PARTIES, filter=True)
waybill = Field("waybill", "退回运单", "code", maxlength=60, filter=True)
detail = Field("detail", "说明", maxlength=200, span=2)
kind = Field("kind", "类型", "choice", choices=KINDS, required=True, list=True, filter=True, role="amt")
reason = Field("reason", "原因", "choice", choices=REASONS, required=True, list=True, filter=True)
TICKET = (
    Field("order", "订单", "ref", ref="orders.order", required=True, filter=True),
    kind,
    reason,
    party,
    waybill,
    detail,
)
EDITED = (party, waybill, detail)
LINE = (
    Field("order_line", "订单行", "number", required=True, min=1, max=2**63 - 1),
    Field("quantity", "数量", "quantity", required=True),
)
LINE_SHOWN = (
    Field("order_line", "品名", column="order_line__item_name"),
    Field("spec", "规格型号", column="order_line__spec"),
    Field("unit_name", "单位", column="order_line__unit_name"),
    Field("quantity", "申请数量", "quantity"),
    Field("amount", "申请金额", "money"),
    Field("good", "良品", "quantity"),
    Field("bad", "不良品", "quantity"),
    Field("scrap", "报废", "quantity"),
    Field("accepted", "认可数量", "quantity"),
    Field("credit", "退款", "money"),
)
FOUND = (
    Field("order_line", "订单行", "number", required=True, min=1, max=2**63 - 1),
    Field("good", "良品", "quantity"),
    Field("bad", "不良品", "quantity"),
    Field("scrap", "报废", "quantity"),
    Field("accepted", "认可数量", "quantity"),
)
finding = Field("finding", "验货说明", maxlength=200, span=2)
invoice_way = Field("invoice_way", "发票怎么办", "choice", choices=INVOICE_WAYS)
KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("order_number", "订单号", "code", column="order__number", form=False, list=True),
    Field("amount", "申请金额", "money", form=False, list=True, filter=True),
    Field("credit", "退款", "money", form=False, list=True, filter=True, section="结果"),
    Field("answer", "答复", form=False, section="结果"),
    finding.but(form=False, section="结果"),
    Field("inspected_by", "验货人", "person", ref="people.person", form=False, filter=True, section="结果"),
    Field("inspected_at", "验货时间", "moment", form=False, section="结果"),
    invoice_way.but(form=False, section="结果"),
    Field("settled_note", "结清说明", form=False, section="结果"),
    Field("settled_by", "结清人", "person", ref="people.person", form=False, section="结果"),
    Field("settled_at", "结清时间", "moment", form=False, section="结果"),
    Field("returned", "退货登记", "ref", ref="orders.return", form=False, section="结果"),
    Field("sent_again", "补发订单", "ref", ref="orders.order", form=False, section="结果"),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("created_at", "提交时间", "moment", form=False, list=True, filter=True),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
