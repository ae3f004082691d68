"""Screens and API of warehouses, entries and stocks."""

from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.resources.resource import Resource
from neiqin.modules.stock import actions, fields
from neiqin.modules.stock.models import Entry, EntryLine, Stock, Warehouse

stock = Resource(
    Stock,
    "库存",
    noun="种",
    icon="package",
    section="业务",
    slug="stocks",
    fields=fields.STOCK,
    fast_sorts=("code",),
    found=("name", "code", "product__spec"),
    number="code",
)
entry = Resource(
    Entry,
    "出入库单",
    noun="单",
    icon="clipboard-list",
    section="业务",
    slug="stock-entries",
    fields=(*fields.ENTRY_KEPT[:2], *fields.ENTRY, *fields.ENTRY_KEPT[2:]),
    shape=Shape(fields.ENTRY),
    fast_sorts=("-done_on",),
    found=("number", "name", "source"),
    number="number",
    create=actions.create_entry,
    actions=(actions.void,),
    kept=(Lines("lines", "明细", EntryLine, "entry", fields.LINE_SHOWN),),
)
warehouse = Resource(
    Warehouse,
    "仓库",
    noun="个",
    icon="building",
    section="业务",
    tucked=True,
    fields=(*fields.WAREHOUSE, fields.WAREHOUSE_STATE),
    shape=actions.WAREHOUSE,
    fast_sorts=("pinyin",),
    number="code",
    create=actions.create_warehouse,
    edit=actions.edit_warehouse,
    actions=(actions.shut, actions.reopen),
)
