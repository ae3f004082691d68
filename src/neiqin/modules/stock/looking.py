"""库存流水: the last movements of a product with what lay there after each, on its page and on that of a stock."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import site
from neiqin.modules.stock.models import VIEW, Movement, Stock, Warehouse

MOST = 100
COLUMNS = (
    Field("at", "时间", "moment"), Field("warehouse", "仓库"), Field("what", "单据"), Field("came", "收入", "quantity"),
    Field("went", "发出", "quantity"), Field("left", "结存", "quantity"), Field("who", "经手人"),
)  # fmt: skip


def of_product(record: Any, person: Any) -> Bag | None:
    """On a product's page, all warehouses; nothing where there never was any."""
    return _panel(Movement.objects.filter(product=record), Stock.objects.filter(product=record), person)


def of_stock(record: Any, person: Any) -> Bag | None:
    """On the page of a product in a warehouse."""
    here = {"product": record.product_id, "warehouse": record.warehouse_id}
    return _panel(Movement.objects.filter(**here), Stock.objects.filter(**here), person)


def _numbers(model: str, ids: Collection[int]) -> dict[int, str]:
    resource = site().resources[model]
    return dict(resource.model._base_manager.filter(pk__in=ids).values_list("pk", resource.number))


def _panel(movements: Any, stocks: Any, person: Any) -> Bag | None:
    if not person.may(VIEW):
        return None
    left = defaultdict[int, Decimal](Decimal, stocks.values_list("warehouse_id", "on_hand"))
    if not left:
        return None
    found = list(movements.order_by("-pk")[:MOST])
    documents = defaultdict[str, set[int]](set)
    for one in found:
        documents[one.model].add(one.record)
    names = {model: _numbers(model, ids) for model, ids in documents.items()}
    people = site().names("people.person", sorted({m.person for m in found if m.person}))
    places = dict(Warehouse.objects.filter(pk__in=left).values_list("pk", "name"))
    rows = []
    for one in found:  # newest first: what lay there before it is what lies there now without it
        resource = site().resources[one.model]
        name = names[one.model].get(one.record, "")
        came, went = max(one.quantity, Decimal(0)), max(-one.quantity, Decimal(0))
        rows.append(panels.line(
            [one.at, places[one.warehouse_id], f"{resource.label} {name}".strip(), came or None, went or None,
             left[one.warehouse_id], people.get(one.person, "系统")],
            resource.url_of(one.record) if name else "", name,
        ))  # fmt: skip
        left[one.warehouse_id] -= one.quantity
    return panels.table("movements", "库存流水", COLUMNS, rows)
