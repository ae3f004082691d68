"""What is known of orders, their lines and deliveries."""

from decimal import Decimal

from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats.masks import mask_mobile, whole
from neiqin.modules.catalog.models import TAX_RATES
from neiqin.modules.customers.fields import LEVELS, SETTLEMENTS
from neiqin.modules.orders.states import BOOKING_STATES, DELIVERY_STATES, PART_STATES, PROPOSAL_STATES, STATES

OFFLINE, PLATFORM, EXCEL, API = "offline", "platform", "excel", "api"
SOURCES = (
    Choice(OFFLINE, "线下（电话、传真、纸质、聊天）"), Choice(PLATFORM, "平台"), Choice(EXCEL, "表格"),
    Choice(API, "接口"),
)  # fmt: skip
PAID, CONTRACT, LINK, STAMPED, CALL, CHAT = "paid", "contract", "link", "stamped", "call", "chat"
MEANS = (
    Choice(PAID, "平台已付款"), Choice(CONTRACT, "框架合同"), Choice(LINK, "客户点链接"), Choice(STAMPED, "盖章回签"),
    Choice(CALL, "电话录音"), Choice(CHAT, "聊天截图"),
)  # fmt: skip

customer = Field("customer", "客户", "ref", ref="customers.customer", required=True, filter=True)
required_on = Field("required_on", "要求交期", "date", list=True, filter=True)
HEAD = (
    customer,
    Field("customer_po", "客户订单号", "code", maxlength=60, filter=True),
    Field("doc_date", "日期", "date", list=True, filter=True, help="空着是今天"),
    required_on,
    Field("source", "来源", "choice", choices=SOURCES, default=OFFLINE, filter=True),
    Field("settlement", "结算方式", "choice", choices=SETTLEMENTS, help="空着用客户档案里的"),
    Field("consignee", "收货人", personal=True, mask=whole, maxlength=40, section="收货"),
    Field("consignee_phone", "收货电话", "phone", personal=True, mask=mask_mobile, maxlength=30, section="收货"),
    Field("address", "收货地址", personal=True, mask=whole, maxlength=200, span=2, section="收货"),
    Field("region", "省", maxlength=20, filter=True, section="收货", help="空着用客户档案里的"),
    Field("order_discount", "整单优惠", "money", min=0, default=Decimal(0), section="金额"),
    Field("freight", "运费", "money", min=0, default=Decimal(0), section="金额"),
    Field("paper_total", "原单合计", "money", min=0, section="金额", help="线下订单照原件填，和明细合计一致才能提交"),
    Field("service", "客服", "person", ref="people.person", filter=True, help="客户问进度找谁"),
    Field("remark", "备注", "long", maxlength=1000, span=2),
)
KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("amount", "价税合计", "money", form=False, list=True, filter=True, role="amt"),
    Field("net", "不含税金额", "money", form=False),
    Field("tax", "税额", "money", form=False),
    Field("shipped", "发货 %", "quantity", column="progress__shipped", form=False, list=True, filter=True),
    Field("invoiced", "开票 %", "quantity", column="progress__invoiced", form=False),
    Field("collected", "收款 %", "quantity", column="progress__collected", form=False),
    Field("returned", "退货 %", "quantity", column="progress__returned", form=False),
    Field("channel", "平台", form=False, filter=True),
    Field("platform_number", "平台单号", "code", form=False, filter=True),
    Field("placed_at", "平台下单时间", "moment", form=False, filter=True),
    Field("refunded", "平台已退", "money", form=False),
    Field("hold", "挂起", form=False, list=True, filter=True, pri=2),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("clerk", "内勤", "person", ref="people.person", form=False, filter=True),
    Field("assigned_to", "执行负责人", "person", ref="people.person", form=False, filter=True, list=True, pri=3),
    Field("assigned_why", "分配依据", form=False),
    Field("checked_by", "核对人", "person", ref="people.person", form=False),
    Field("checked_at", "核对时间", "moment", form=False),
    Field("confirmed_by", "客户确认方式", "choice", choices=MEANS, form=False, filter=True),
    Field("confirmed_at", "客户确认时间", "moment", form=False),
    Field("confirmed_note", "确认凭证", form=False),
    Field("approved_at", "审核时间", "moment", form=False, filter=True),
    Field("contacted_at", "上次和客户沟通", "moment", column="progress__contacted_at", form=False),
    Field("revision", "版次", "number", form=False, filter=True),
    Field("created_at", "录入时间", "moment", form=False, filter=True),
    Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True),
    Field("state", "状态", "state", choices=STATES, form=False, list=True, filter=True, role="st"),
)
LINE = (
    Field("product", "产品", "ref", ref="catalog.product"),
    Field("item_name", "品名", maxlength=120, fold=True, help="空着用产品的"),
    Field("spec", "规格型号", maxlength=100, fold=True),
    Field("quantity", "数量", "quantity", required=True),
    Field("unit_name", "单位", maxlength=20, help="空着是基本单位"),
    Field("price", "含税单价", "quantity", min=0, help="空着按价目表"),
    Field("tax_rate", "税率", "choice", choices=TAX_RATES, fold=True),
    Field("is_gift", "赠品", "bool", fold=True),
    Field("promised_on", "行交期", "date", fold=True),
    Field("customer_item", "客户料号", "code", maxlength=60, fold=True),
    Field("remark", "备注", maxlength=200, fold=True),
    Field("list_price", "标准价", "quantity", form=False),
    Field("off", "优惠", "money", form=False, fold=True),
    Field("gross", "价税合计", "money", form=False),
    Field("price_rule", "价格依据", form=False),
)
# What the server says beside a line that is being typed.
TOLD = (
    Field("spec", "规格型号"), Field("list_price", "标准价", "money"), Field("last", "上次价", "money"),
    Field("gross", "金额", "money"),
)  # fmt: skip
QUERY = (
    Field("text", "疑问"),
    Field("asked_by", "提出人", "person", ref="people.person"),
    Field("asked_at", "提出时间", "moment"),
    Field("answer", "答复"),
    Field("answered_by", "答复人", "person", ref="people.person"),
    Field("answered_at", "答复时间", "moment"),
)
order = Field("order", "订单", "ref", ref="orders.order", required=True, list=True, filter=True)
DELIVERY = (
    order,
    Field("shipped_on", "发货日期", "date", list=True, filter=True, help="空着是今天"),
    Field("warehouse", "发货仓库", "ref", ref="stock.warehouse", filter=True, help="空着用默认发货仓"),
    Field("carrier", "承运商", maxlength=40, list=True, filter=True),
    Field("waybill", "运单号", "code", maxlength=60, list=True, filter=True),
    Field("packages", "件数", "number", min=0),
    Field("freight", "运费", "money", min=0),
    Field("remark", "备注", maxlength=200, span=2),
)
DELIVERY_KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("signed_on", "签收日期", "date", form=False, list=True, filter=True),
    Field("signed_by", "签收人", form=False),
    Field("difference", "差异", form=False),
    Field("owner", "业务员", "person", ref="people.person", form=False, filter=True, role="who"),
    Field("state", "状态", "state", choices=DELIVERY_STATES, form=False, list=True, filter=True, role="st"),
)
INVOICING = (
    Field("number", "发票号码", "code", required=True, maxlength=20, list=True, filter=True, role="id"),
    order,
    Field("issued_on", "开票日期", "date", required=True, list=True, filter=True),
    Field("amount", "金额", "money", required=True, list=True, filter=True, role="amt", help="价税合计"),
)
COLLECTION = (
    order,
    Field("received_on", "到款日期", "date", required=True, list=True, filter=True),
    Field("amount", "金额", "money", required=True, list=True, filter=True, role="amt"),
    Field("note", "说明", maxlength=200, span=2, help="付款户名、银行流水号"),
)
RETURN = (
    order,
    Field("returned_on", "退货日期", "date", required=True, list=True, filter=True),
    Field("reason", "原因", required=True, maxlength=200, span=2, list=True),
)
BACK = (
    Field("delivery_line", "发货行", "number", required=True, min=1, max=2**63 - 1),
    Field("quantity", "数量", "quantity", required=True),
)
BACK_SHOWN = (
    Field("delivery_line", "品名", column="delivery_line__order_line__item_name"),
    Field("spec", "规格型号", column="delivery_line__order_line__spec"),
    Field("quantity", "数量", "quantity"),
)
BOOKED_NUMBER = Field("number", "单号", "code", form=False, list=True, filter=True, role="id")
BOOKED = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("owner", "业务员", "person", ref="people.person", form=False, filter=True, role="who"),
    Field("created_at", "登记时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=BOOKING_STATES, form=False, list=True, filter=True, role="st"),
)
PART = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("order", "订单", "ref", ref="orders.order", form=False, list=True, filter=True),
    Field("department", "部门环节", form=False, list=True, filter=True, role="id"),
    Field("duty", "要做什么", form=False, list=True),
    Field("owner", "承办人", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("start_on", "计划开始", "date", form=False, list=True),
    Field("end_on", "计划完成", "date", form=False, list=True, filter=True),
    Field("promised_on", "答复的日期", "date", form=False, list=True, filter=True),
    Field("progress", "进度 %", "number", form=False, list=True),
    Field("note", "说明", form=False),
    Field("state", "状态", "state", choices=PART_STATES, form=False, list=True, filter=True, role="st"),
)
PROPOSAL = (
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("customer", "客户", "ref", ref="customers.customer", form=False, filter=True),
    Field("level", "现在", "choice", choices=LEVELS, form=False, list=True, filter=True),
    Field("proposed", "建议", "choice", choices=LEVELS, form=False, list=True, filter=True, role="id"),
    Field("amount", "近 12 个月订单金额", "money", form=False, list=True, role="amt"),
    Field("orders", "近 12 个月订单数", "number", form=False, list=True),
    Field("potential", "规模", form=False, list=True),
    Field("rule", "按哪条", form=False),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("reason", "原因", form=False),
    Field("created_at", "提出时间", "moment", form=False, filter=True),
    Field("decided_at", "决定时间", "moment", form=False),
    Field("state", "状态", "state", choices=PROPOSAL_STATES, form=False, list=True, filter=True, role="st"),
)
GOODS = (
    Field("order_line", "订单行", "number", required=True, min=1, max=2**63 - 1),
    Field("quantity", "数量", "quantity", required=True),
)
