"""What is known of products and price lists."""

from decimal import Decimal

from neiqin.kernel.fields.field import Field
from neiqin.modules.catalog import models as m
from neiqin.modules.customers.fields import PRICE_LEVELS

CATEGORY = (
    Field("code", "编码", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("name", "名称", required=True, maxlength=100, list=True, role="name", filter=True, sort="pinyin"),
)
PRODUCT = (
    Field("code", "货号", "code", required=True, maxlength=40, list=True, role="id", filter=True),
    Field("name", "品名", required=True, maxlength=100, list=True, role="name", filter=True, sort="pinyin", span=2),
    Field("spec", "规格型号", maxlength=100, list=True, filter=True),
    Field("category", "类别", "ref", ref="catalog.category", list=True, filter=True),
    Field("unit_name", "单位", required=True, maxlength=20, list=True, default="个"),
    Field("barcode", "条码", "code", maxlength=40),
    Field("tax_rate", "税率", "choice", choices=m.TAX_RATES, default="0.13", list=True, pri=2),
    Field("tax_code", "税收分类编码", "code", maxlength=19, help="19 位"),
    Field("cost", "成本（不含税）", "quantity", min=0, right=m.COST, section="价格"),
    Field("floor_price", "最低限价（含税）", "quantity", min=0, right=m.COST, section="价格",
          help="空着就按规则表《最低限价》由成本算出"),
    Field("tolerance", "超发容差（%）", "quantity", min=0, max=100, default=Decimal(0), section="交付"),
)  # fmt: skip
PRODUCT_STATE = Field("state", "状态", "state", choices=m.PRODUCT_STATES, form=False, list=True, filter=True, role="st")
UNIT = (
    Field("name", "单位", required=True, maxlength=20),
    Field("factor", "等于几个基本单位", "quantity", required=True, min=0),
    Field("barcode", "条码", "code", maxlength=40),
)
ITEM = (
    Field("customer", "客户", "ref", ref="customers.customer", required=True),
    Field("item_no", "客户料号", "code", required=True, maxlength=60),
    Field("item_name", "客户叫它什么", maxlength=100),
)
LIST = (
    Field("name", "名称", required=True, maxlength=100, list=True, role="name", filter=True, sort="pinyin", span=2),
    Field("kind", "种类", "choice", choices=m.KINDS, required=True, default=m.STANDARD, list=True, filter=True),
    Field("customer", "客户", "ref", ref="customers.customer", list=True, filter=True, help="协议价和专价要填"),
    Field("level", "客户价格等级", "choice", choices=PRICE_LEVELS, filter=True, help="等级价要填"),
    Field("region", "地区（省）", maxlength=20, filter=True, help="空着是全部"),
    Field("channel", "渠道", maxlength=20, filter=True, help="空着是全部"),
    Field("from_on", "从哪天起", "date", required=True, list=True, filter=True, role="due"),
    Field("until_on", "最后一天", "date", list=True, filter=True),
)
LIST_NUMBER = Field("number", "编号", "code", form=False, list=True, filter=True, role="id")
LIST_STATE = Field("state", "状态", "state", choices=m.LIST_STATES, form=False, list=True, filter=True, role="st")
ROW = (
    Field("product", "产品", "ref", ref="catalog.product", required=True),
    Field("unit_name", "单位（空着是基本单位）", maxlength=20),
    Field("min_quantity", "起订量", "quantity", min=0, default=Decimal(0)),
    Field("price", "含税单价", "quantity", required=True, min=0),
)
