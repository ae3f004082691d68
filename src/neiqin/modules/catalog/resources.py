"""Screens and API of products and price lists."""

from neiqin.kernel.resources.resource import Resource
from neiqin.modules.catalog import actions, fields
from neiqin.modules.catalog.models import Category, PriceList, Product

category = Resource(
    Category,
    "产品类别",
    noun="类",
    icon="list-details",
    section="业务",
    tucked=True,
    slug="categories",
    fields=fields.CATEGORY,
    shape=actions.CATEGORY,
    fast_sorts=("pinyin",),
    number="code",
    create=actions.create_category,
    edit=actions.edit_category,
)
product = Resource(
    Product,
    "产品",
    noun="种",
    icon="package",
    section="业务",
    phone=True,
    new_key="P",
    fields=(*fields.PRODUCT, fields.PRODUCT_STATE),
    shape=actions.PRODUCT,
    fast_sorts=("pinyin",),
    found=("name", "spec", "code", "barcode"),
    number="code",
    create=actions.create_product,
    edit=actions.edit_product,
    actions=(actions.stop, actions.resume),
)
price_list = Resource(
    PriceList,
    "价目表",
    noun="张",
    icon="receipt-yuan",
    section="业务",
    slug="price-lists",
    fields=(fields.LIST_NUMBER, *fields.LIST, fields.LIST_STATE),
    shape=actions.LIST,
    fast_sorts=("-from_on",),
    number="number",
    create=actions.create_list,
    edit=actions.edit_list,
    actions=(actions.activate, actions.end, actions.renew),
)
