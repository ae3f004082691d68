"""What stock plugs into the system."""

from neiqin.kernel.resources.resource import Module
from neiqin.modules.stock import imports, looking, moving, resources
from neiqin.modules.stock.models import KEEP, SETUP, VIEW

module = Module(
    label="库存",
    resources=[resources.stock, resources.entry, resources.warehouse],
    permissions={VIEW: "看库存", KEEP: "登记出入库、调拨、盘点", SETUP: "建和改仓库"},
    panels={"catalog.product": [looking.of_product], "stock.stock": [looking.of_stock]},
    effects={"catalog.product.edited": moving.of_products},
    imports=[imports.entries],
)
