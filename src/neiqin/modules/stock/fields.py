"""What is known of warehouses, entries and stocks."""

from neiqin.kernel.fields.field import Field
from neiqin.modules.stock import models as m

WAREHOUSE = (
    Field("code", "编码", "code", required=True, maxlength=30, list=True, role="id", filter=True),
    Field("name", "名称", required=True, maxlength=100, list=True, role="name", filter=True, sort="pinyin"),
    Field("place", "地址", maxlength=200, list=True, span=2),
    Field("main", "默认发货仓", "bool", list=True, help="发货时不选仓库就从这里出；只能有一个"),
    Field("bad", "放不良品", "bool", list=True, help="退货验出来的不良品进这里，不从这里发货"),
)
WAREHOUSE_STATE = Field(
    "state", "状态", "state", choices=m.WAREHOUSE_STATES, form=False, list=True, filter=True, role="st"
)
ENTRY = (
    Field("kind", "种类", "choice", choices=m.KINDS, required=True, default="bought", filter=True),
    Field("warehouse", "仓库", "ref", ref="stock.warehouse", list=True, filter=True, help="空着是默认发货仓"),
    Field("to", "调入仓库", "ref", ref="stock.warehouse", help="调拨才填", filter=True),
    Field("done_on", "日期", "date", list=True, filter=True, role="due", help="空着是今天"),
    Field("source", "来源或去向", maxlength=100, list=True, filter=True, help="供应商、车间、领用人、送货单号"),
    Field("remark", "备注", maxlength=200, span=2),
)
ENTRY_KEPT = (
    Field("number", "单号", "code", form=False, list=True, filter=True, role="id"),
    Field("name", "单据", form=False, list=True, filter=True, role="name"),
    Field("created_at", "记账时间", "moment", form=False, filter=True),
    Field("state", "状态", "state", choices=m.ENTRY_STATES, form=False, list=True, filter=True, role="st"),
)
LINE = (
    Field("product", "产品", "ref", ref="catalog.product", required=True),
    Field("quantity", "数量", "quantity", required=True, min=0, help="盘点写实盘数"),
    Field("unit_name", "单位", maxlength=20, help="空着是基本单位"),
    Field("remark", "备注", maxlength=200),
)
# On the page of an entry: products are told apart by number and kind.
LINE_SHOWN = (
    Field("code", "货号", "code", column="product__code"),
    LINE[0],
    Field("spec", "规格型号", column="product__spec"),
    *LINE[1:],
)
STOCK = (
    Field("code", "货号", "code", form=False, list=True, role="id", filter=True),
    Field("name", "品名", form=False, list=True, role="name", filter=True),
    Field("product", "产品", "ref", ref="catalog.product", form=False, filter=True),
    Field("spec", "规格型号", column="product__spec", form=False, list=True),
    Field("warehouse", "仓库", "ref", ref="stock.warehouse", form=False, list=True, filter=True),
    Field("on_hand", "现存量", "quantity", form=False, list=True, filter=True, role="amt"),
    Field("unit_name", "单位", column="product__unit_name", form=False, list=True),
    Field("updated_at", "最近变动", "moment", form=False, list=True, filter=True),
)
