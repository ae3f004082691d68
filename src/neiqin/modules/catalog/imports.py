"""How rows of a file become products."""

from neiqin.kernel.exchange.plans import Key, Plan
from neiqin.modules.catalog import resources

products = Plan(
    resources.product,
    keys=(Key("code"),),
    synonyms={
        "code": ("商家编码", "产品编码", "物料编码", "SKU", "商品编码", "Product ID"),
        "name": ("商品名称", "产品名称", "Product Name"),
        "spec": ("规格", "型号"),
        "unit_name": ("计量单位",),
        "cost": ("成本", "成本价"),
    },
    line_keys={"units": ("name",), "customer_items": ("item_no",)},
)
