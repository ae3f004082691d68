"""Making and changing categories, products and price lists."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from neiqin.kernel.actions.batch import Batch, NewBatch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.records import Changes, creating, editing
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Lines, Shape
from neiqin.kernel.people.checks import taken
from neiqin.kernel.resources.references import unseen
from neiqin.modules.catalog import fields
from neiqin.modules.catalog.models import (
    ACTIVE,
    AGREEMENT,
    DRAFT,
    ENDED,
    LEVEL,
    NUMBERS,
    ON_SALE,
    OWN,
    PRICES,
    PROMOTION,
    STOPPED,
    Category,
    CustomerItem,
    PriceList,
    PriceRow,
    Product,
    ProductUnit,
)
from neiqin.modules.customers.moving import take_along

EDIT = "catalog.edit"
CATEGORY = Shape(fields.CATEGORY)
PRODUCT = Shape(
    fields.PRODUCT,
    (
        Lines("units", "辅助单位", ProductUnit, "product", fields.UNIT, 0, "加单位"),
        Lines("customer_items", "客户料号", CustomerItem, "product", fields.ITEM, 0, "加客户料号"),
    ),
)
LIST = Shape(fields.LIST, (Lines("rows", "价格", PriceRow, "price_list", fields.ROW, 0, "加价格"),))


def _once(model: Any, shape: Shape) -> Any:
    """The code is nobody else's, and what is referred to is there."""
    field = shape.fields[0]

    def check(batch: NewBatch[Any]) -> Mapping[int, Refusal]:
        codes = taken(model, field, {p: row[field.name] for p, row in batch.rows.items()}, editing=False)
        return codes | unseen(shape, batch.rows, batch.by)

    return check


def _still_once(model: Any, shape: Shape) -> Any:
    field = shape.fields[0]

    def check(batch: Batch[Any], changes: Changes) -> Mapping[int, Refusal]:
        codes = taken(model, field, {i: c[field.name] for i, c in changes.items() if field.name in c}, editing=True)
        return codes | unseen(shape, changes, batch.by)

    return check


create_category = creating(Category, CATEGORY, check=_once(Category, CATEGORY), label="新建产品类别", may=EDIT)
edit_category = editing(Category, CATEGORY, check=_still_once(Category, CATEGORY), label="修改产品类别", may=EDIT)
create_product = creating(Product, PRODUCT, check=_once(Product, PRODUCT), label="新建产品", may=EDIT)
edit_product = editing(Product, PRODUCT, check=_still_once(Product, PRODUCT), label="修改产品", may=EDIT)


@action(Product, "停售", may=EDIT, from_=ON_SALE, to=STOPPED, event="stopped", icon="circle-x", danger=True)
def stop(products: Batch[Product]) -> None:
    """It is not ordered any more; what was ordered stays."""


@action(Product, "恢复销售", may=EDIT, from_=STOPPED, to=ON_SALE, event="resumed", icon="rotate")
def resume(products: Batch[Product]) -> None:
    """Back on sale."""


def _whose(row: Mapping[str, Any], stored: PriceList | None = None) -> Refusal | None:
    """A list says for whom it is, where its kind asks for it."""
    kind, customer, level, first, last = (
        row.get(name, getattr(stored, f"{name}_id" if name == "customer" else name, None))
        for name in ("kind", "customer", "level", "from_on", "until_on")
    )
    if kind in (AGREEMENT, OWN) and not customer:
        return Refusal("协议价和专价是给一家客户的，「客户」要填。", "customer")
    if kind == LEVEL and not level:
        return Refusal("等级价要填「客户价格等级」。", "level")
    if first and last and last < first:
        return Refusal("「最后一天」早于「从哪天起」。", "until_on")
    return None


def _approved_first(rows: Mapping[int, Mapping[str, Any]], by: Any) -> dict[int, Refusal]:
    """Promotional prices come from a promotion that marketing, finance and legal have approved (C-LEAD-15)."""
    text = "促销价从「促销活动」来：市场、财务、法务都批了才生效。"
    typed = by.id is not None
    return {k: Refusal(text, "kind") for k, row in rows.items() if typed and row.get("kind") == PROMOTION}


def _fit(batch: NewBatch[PriceList]) -> Mapping[int, Refusal]:
    return (
        _approved_first(batch.rows, batch.by)
        | unseen(LIST, batch.rows, batch.by)
        | {p: r for p, row in batch.rows.items() if (r := _whose(row))}
    )


def _still_fit(batch: Batch[PriceList], changes: Changes) -> Mapping[int, Refusal]:
    return (
        _approved_first(changes, batch.by)
        | unseen(LIST, changes, batch.by)
        | {one.pk: r for one in batch if (r := _whose(changes[one.pk], one))}
    )


create_list = creating(PriceList, LIST, numbers=NUMBERS, check=_fit, label="新建价目表", may=PRICES)
edit_list = editing(PriceList, LIST, check=_still_fit, label="修改价目表", may=PRICES, from_=frozenset({DRAFT}))


@action(PriceList, "启用", may=PRICES, from_=DRAFT, to=ACTIVE, event="activated", icon="checkbox", primary=True)
def activate(lists: Batch[PriceList]) -> None:
    """In force from its day on; never changed again but for its end."""
    lists.refuse(_approved_first({one.pk: {"kind": one.kind} for one in lists}, lists.by))
    filled = set(PriceRow.objects.filter(price_list_id__in=lists.ids).values_list("price_list_id", flat=True))
    lists.refuse({i: "还没有一行价格，先填价格再启用。" for i in lists.ids if i not in filled})


@action(PriceList, "停用", may=PRICES, from_=ACTIVE, to=ENDED, event="ended", icon="x", danger=True)
def end(
    lists: Batch[PriceList], *, until_on: Annotated[date, Field("until_on", "最后一天", "date", required=True)]
) -> None:
    """In force up to and with a day; what was priced before stays as it was."""
    early = {one.pk: Refusal(f"早于生效日 {one.from_on}。", "until_on") for one in lists if until_on < one.from_on}
    lists.refuse(early)
    lists.set(until_on=until_on)


@action(PriceList, "出新版", may=PRICES, from_=(ACTIVE, ENDED), event="renewed", icon="copy", bulk=False)
def renew(
    lists: Batch[PriceList], *, from_on: Annotated[date, Field("from_on", "新版从哪天起", "date", required=True)]
) -> None:
    """A draft with the same rows, to be changed and activated; the old one ends with its own day or when ended."""
    lists.refuse(_approved_first({one.pk: {"kind": one.kind} for one in lists}, lists.by))
    for old in lists:
        new = PriceList.objects.create(
            name=old.name, pinyin=old.pinyin, kind=old.kind, customer_id=old.customer_id, level=old.level,
            region=old.region, channel=old.channel, from_on=from_on, created_at=lists.now, updated_at=lists.now,
        )  # fmt: skip
        PriceRow.objects.bulk_create(
            PriceRow(price_list=new, product_id=r.product_id, unit_name=r.unit_name, min_quantity=r.min_quantity,
                     price=r.price)
            for r in PriceRow.objects.filter(price_list=old).order_by("pk")
        )  # fmt: skip
        if not lists.preview:
            lists.last(lambda new=new: NUMBERS.assign([new]))  # type: ignore[misc]
    lists.unchanged_but_told()
    lists.tell({i: {"note": f"{from_on:%Y-%m-%d} 起，在草稿里改"} for i in lists.ids})


_SAME_NUMBER = """EXISTS (SELECT FROM catalog_customeritem s
WHERE s.customer_id = v."into" AND s.item_no = t.item_no AND s.id <> t.id)"""


def of_merged(happened: Happened) -> None:
    """Effect of customers merged into another: its prices and item numbers are the other's now."""
    take_along(happened, "catalog_pricelist")
    take_along(happened, "catalog_customeritem", unless=_SAME_NUMBER)
