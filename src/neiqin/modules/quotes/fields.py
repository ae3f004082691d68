"""What is known of quotes, their lines and templates."""

from decimal import Decimal

from neiqin.kernel.fields.field import Choice, Field
from neiqin.kernel.fields.formats.masks import mask_mobile, whole
from neiqin.modules.catalog.models import TAX_RATES
from neiqin.modules.customers.fields import SETTLEMENTS
from neiqin.modules.quotes.states import STAGES

US, THEM = "us", "them"
BEARERS = (Choice(US, "我方承担"), Choice(THEM, "客户承担"))
LINK, STAMPED, ORDERED, CHAT, CALL = "link", "stamped", "ordered", "chat", "call"
MEANS = (
    Choice(LINK, "客户点链接"), Choice(STAMPED, "盖章回签"), Choice(ORDERED, "客户下了采购单"),
    Choice(CHAT, "聊天、邮件"), Choice(CALL, "电话"),
)  # fmt: skip
WECHAT, MAIL, PAPER = "wechat", "mail", "paper"
WAYS = (Choice(WECHAT, "微信"), Choice(MAIL, "邮件"), Choice(PAPER, "纸质"))

customer = Field("customer", "客户", "ref", ref="customers.customer", required=True, filter=True)
valid_until = Field("valid_until", "有效期至", "date", required=True, list=True, filter=True, role="due")
order_discount = Field("order_discount", "整单优惠", "money", min=0, default=Decimal(0), section="金额")
freight = Field("freight", "运费", "money", min=0, default=Decimal(0), section="金额", help="客户承担、另收的")
TERMS = (
    Field("settlement", "付款方式", "choice", choices=SETTLEMENTS, help="空着用客户档案里的", section="条款"),
    Field("place", "交货地点", maxlength=100, section="条款"),
    Field("freight_by", "运费承担", "choice", choices=BEARERS, default=US, section="条款"),
    Field("warranty", "质保", maxlength=100, section="条款", help="例如 12 个月"),
    Field("remark", "备注", "long", maxlength=1000, span=2, section="条款"),
)
HEAD = (
    customer,
    Field("contact", "联系人", personal=True, mask=whole, maxlength=40),
    Field("contact_phone", "联系电话", "phone", personal=True, mask=mask_mobile, maxlength=30),
    Field("doc_date", "报价日期", "date", list=True, filter=True, help="空着是今天"),
    valid_until,
    *TERMS,
    order_discount,
    freight,
)
KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "客户名称", form=False, list=True, filter=True, role="name"),
    Field("edition", "版本", "number", form=False, list=True, filter=True, pri=3),
    Field("amount", "价税合计", "money", form=False, list=True, filter=True, role="amt"),
    Field("net", "不含税金额", "money", form=False),
    Field("tax", "税额", "money", form=False),
    Field("owner", "业务员", "person", ref="people.person", form=False, list=True, filter=True, role="who"),
    Field("clerk", "制单人", "person", ref="people.person", form=False, filter=True),
    Field("sent_at", "发送时间", "moment", form=False, filter=True),
    Field("answered_at", "客户答复时间", "moment", form=False, filter=True),
    Field("answered_by", "客户怎么答复的", "choice", choices=MEANS, form=False, filter=True),
    Field("answered_note", "客户的答复", form=False),
    Field("created_at", "录入时间", "moment", form=False, filter=True),
    Field("unit", "部门", "unit", ref="people.unit", form=False, filter=True),
    Field("state", "状态", "state", column="stage", choices=STAGES, form=False, list=True, filter=True, role="st"),
)
product = Field("product", "产品", "ref", ref="catalog.product")
SOLD = (
    product,
    Field("item_name", "品名", maxlength=120, fold=True, help="空着用产品的"),
    Field("spec", "规格型号", maxlength=100, fold=True),
    Field("quantity", "数量", "quantity", required=True),
    Field("unit_name", "单位", maxlength=20, help="空着是基本单位"),
    Field("price", "含税报价", "quantity", min=0, help="空着按价目表"),
    Field("factor", "折扣率", "quantity", min=0, max=10, fold=True, help="0.95 是 95 折；不填报价时按标准价乘它"),
    Field("tax_rate", "税率", "choice", choices=TAX_RATES, fold=True),
    Field("days", "交期（天）", "number", min=0, max=3650),
    Field("remark", "备注", maxlength=200, fold=True),
)
LINE = (
    *SOLD,
    Field("list_price", "标准价", "quantity", form=False),
    Field("off", "优惠", "money", form=False, fold=True),
    Field("gross", "金额", "money", form=False),
    Field("price_rule", "价格依据", form=False, fold=True),
)
# What the server says beside a line that is being typed.
TOLD = (
    Field("spec", "规格型号"), Field("list_price", "标准价", "money"), Field("off_rate", "折扣"),
    Field("last", "上次价", "money"), Field("gross", "金额", "money"),
)  # fmt: skip
TEMPLATE = (
    Field("name", "模板名称", required=True, maxlength=40, list=True, filter=True, role="name"),
    Field("valid_days", "有效天数", "number", min=1, max=365, default=30, list=True, role="amt"),
    *TERMS,
)
GOODS = (
    Field("quote_line", "报价行", "number", required=True, min=1, max=2**63 - 1),
    Field("quantity", "数量", "quantity", required=True),
)
