"""How rows of a file become entries: an opening stock, or another system's 入库单."""

from neiqin.kernel.exchange.plans import Key, Plan
from neiqin.modules.stock import resources

entries = Plan(
    resources.entry,
    keys=(Key("source", within="warehouse"),),
    synonyms={
        "kind": ("单据类型", "业务类型", "入库类型"),
        "warehouse": ("仓库名称", "仓库编码"),
        "source": ("来源单号", "入库单号", "单据编号", "送货单号"),
        "done_on": ("入库日期", "单据日期"),
        "lines.product": ("产品编码", "物料编码", "存货编码", "货号", "商家编码", "SKU", "商品编码"),
        "lines.quantity": ("入库数量", "实收数量", "期初数量", "结存数量", "UnitsInStock"),
        "lines.unit_name": ("计量单位",),
    },
    line_keys={"lines": ("product",)},
    given={"kind": "bought"},
)
