"""What the catalog plugs into the system."""

from pathlib import Path

from django.urls import path

from neiqin.kernel.resources.resource import MenuEntry, Module
from neiqin.kernel.rules.defaults import RuleFile
from neiqin.modules.catalog import actions, imports, pages, resources
from neiqin.modules.catalog.models import COST, PRICES, VIEW

RULES = Path(__file__).parent / "rules"

module = Module(
    label="产品与价格",
    resources=[resources.product, resources.price_list, resources.category],
    permissions={VIEW: "看产品和价目表", actions.EDIT: "建和改产品", COST: "看成本和底价", PRICES: "建和改价目表"},
    imports=[imports.products],
    tools=[pages.tools],
    rules=[RuleFile(RULES / f"{name}.json") for name in ("price_policy", "floor_price")],
    effects={"customers.customer.merged": actions.of_merged},
    urls=[path(pages.URL.lstrip("/"), pages.price, name="catalog_price")],
    menu=[MenuEntry("这个价怎么来的", pages.URL, "search", "业务", VIEW, tucked=True)],
    carries={"C-LEAD-11": (resources.price_list.url, "优惠政策的文件")},
)
