"""Orders and what lies in the warehouses: shipping takes from them, a voided delivery gives back, and what is ordered
and not yet shipped is promised (decision 0016). A company without warehouses notices nothing of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

from neiqin.kernel.actions.batch import NewBatch
from neiqin.kernel.actions.effects import Happened
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Problem
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.modules.catalog.models import Product
from neiqin.modules.orders.models import Delivery, DeliveryLine, OrderLine
from neiqin.modules.stock import moving
from neiqin.modules.stock.models import OPEN, VIEW, Stock, Warehouse
from neiqin.modules.stock.moving import Move, Place

MODEL = "orders.delivery"
COLUMNS = (Field("where", "仓库"), Field("quantity", "数量", "quantity"), Field("unit", "单位"))


def short(batch: NewBatch[Delivery], problems: Collection[int], lines: Mapping[int, OrderLine]) -> dict[int, Refusal]:
    """Deliveries for which there is not enough where they are shipped from; those that say nothing get the main
    warehouse. Rows one after the other."""
    rows = {p: row for p, row in batch.rows.items() if p not in problems}
    main, used = moving.main_warehouse(), {row["warehouse"] for row in rows.values() if row["warehouse"]}
    in_use = set(Warehouse.objects.filter(pk__in=used, state=OPEN, bad=False).values_list("pk", flat=True))
    for row in rows.values():
        row["warehouse"] = row["warehouse"] or (main.pk if main else None)
    return _compared(rows, lines, in_use | ({main.pk} if main else set()), lock=batch.locks)


def _shut() -> Refusal:
    return Refusal("这个仓库已停用或放不良品，不能从这里发货，换一个。", "warehouse")


def _compared(
    rows: Mapping[int, Mapping[str, Any]], lines: Mapping[int, OrderLine], in_use: Collection[int], *, lock: bool
) -> dict[int, Refusal]:
    goods = [lines[x["order_line"]] for row in rows.values() for x in row["lines"]]
    counted = moving.counted({x.product_id for x in goods if x.product_id})
    known = factors_of(x for x in goods if x.product_id in counted)
    found = {p: refusal for p, row in rows.items() if (refusal := _unfit(row, lines, known, counted, in_use))}
    wanted = {p: _needs(row, lines, known, counted) for p, row in rows.items() if p not in found}
    for position, short in moving.in_turn(wanted, lock=lock).items():
        goods_of = [lines[x["order_line"]].product_id for x in rows[position]["lines"]]
        found[position] = Refusal(short.text, f"lines-{goods_of.index(short.product)}-quantity")
    return found


def factors_of(lines: Iterable[OrderLine]) -> dict[tuple[int, str], Decimal]:
    """(product, unit) of these lines -> base units in one; an unknown unit is left out."""
    return moving.factors({(x.product_id, x.unit_name) for x in lines if x.product_id})


def _needs(
    row: Mapping[str, Any], lines: Mapping[int, OrderLine], known: Mapping[tuple[int, str], Decimal],
    counted: Collection[int],
) -> dict[Place, Decimal]:  # fmt: skip
    """What a delivery takes of goods whose stock is kept, in the base unit."""
    needs = defaultdict[Place, Decimal](Decimal)
    for one in row["lines"]:
        line = lines[one["order_line"]]
        if (product := line.product_id) and product in counted:
            needs[row["warehouse"], product] += one["quantity"] * known[product, line.unit_name]
    return needs


def _unfit(
    row: Mapping[str, Any], lines: Mapping[int, OrderLine], known: Mapping[tuple[int, str], Decimal],
    counted: Collection[int], in_use: Collection[int],
) -> Refusal | None:  # fmt: skip
    if row["warehouse"] and row["warehouse"] not in in_use:
        return _shut()
    for n, one in enumerate(row["lines"]):
        line = lines[one["order_line"]]
        if line.product_id not in counted:
            continue
        if not row["warehouse"]:
            return Refusal("没有默认发货仓，选「发货仓库」。", "warehouse")
        if (line.product_id, line.unit_name) not in known:
            text = f"「{line.item_name}」没有写一{line.unit_name}等于几个基本单位，先在产品的「辅助单位」里写。"
            return Refusal(text, f"lines-{n}-quantity")
    return None


def of_deliveries(happened: Happened) -> None:
    """Goods go out with a delivery, and come back when it is voided."""
    voided = happened.name.endswith(".voided")
    moves = moving.back(moving.moved(MODEL, happened.ids)) if voided else _out(happened.ids)
    moving.move(moves, MODEL, now=happened.now, run=happened.run, by=happened.by)


def _out(deliveries: Collection[int]) -> list[Move]:
    rows = DeliveryLine.objects.filter(delivery__in=deliveries, order_line__product__isnull=False)
    rows = rows.exclude(delivery__warehouse=None).select_related("delivery", "order_line").order_by("pk")
    lines = list(rows)
    known = factors_of(x.order_line for x in lines)
    counted = moving.counted({x.order_line.product_id for x in lines if x.order_line.product_id})
    return [
        Move((x.delivery.warehouse_id or 0, p), -x.quantity * known[p, x.order_line.unit_name], x.delivery_id)
        for x in lines if (p := x.order_line.product_id) in counted
    ]  # fmt: skip


_PROMISED = """
SELECT l.product_id, sum(greatest(l.quantity - coalesce(d.quantity, 0), 0) * coalesce(u.factor, 1))
FROM orders_orderline l
JOIN orders_order o ON o.id = l.order_id AND o.state IN ('approved', 'executing')
LEFT JOIN LATERAL (
  SELECT sum(g.quantity) AS quantity FROM orders_deliveryline g
  JOIN orders_delivery v ON v.id = g.delivery_id AND v.state <> 'void' WHERE g.order_line_id = l.id) d ON true
LEFT JOIN LATERAL (
  SELECT factor FROM catalog_productunit u WHERE u.product_id = l.product_id AND u.name = l.unit_name LIMIT 1) u ON true
WHERE l.product_id = ANY(%s) GROUP BY l.product_id
"""


def promised(products: Iterable[int]) -> dict[int, Decimal]:
    """product -> what approved orders still have to get, in the base unit. Worked out from orders and deliveries, so
    that it can never differ from them."""
    with connection.cursor() as cursor:
        cursor.execute(_PROMISED, [sorted(products)])
        return {product: quantity for product, quantity in cursor.fetchall() if quantity}


def on_hand(products: Iterable[int]) -> dict[int, Decimal]:
    """product -> what lies in all warehouses together but of bad goods, in the base unit; goods whose stock is not
    kept are left out."""
    rows = Stock.objects.filter(product__in=set(products), warehouse__bad=False)
    return dict(rows.values_list("product_id").annotate(Sum("on_hand")).order_by())


def free(products: Collection[int]) -> dict[int, Decimal]:
    """product -> what is there and promised to nobody, in the base unit; less than zero if more is promised."""
    there = on_hand(products)
    gone = promised(there) if there else {}
    return {product: quantity - gone.get(product, Decimal(0)) for product, quantity in there.items()}


def there(lines: Collection[OrderLine], person: Any) -> dict[int, Decimal]:
    """order line -> what lies in all warehouses together, in the unit of the line; empty where no stock is kept, and
    for who may not see any."""
    stocks = on_hand(x.product_id for x in lines if x.product_id) if person.may(VIEW) else {}
    known = factors_of(x for x in lines if x.product_id in stocks)
    return {
        x.pk: cut(stocks[x.product_id] / factor)
        for x in lines if x.product_id in stocks and (factor := known.get((x.product_id, x.unit_name)))
    }  # fmt: skip


def cut(quantity: Decimal) -> Decimal:
    """Whole thousandths: 3 pieces are 0.125 of a box of 24, and never more than they are."""
    return quantity.quantize(Decimal("0.001"), ROUND_FLOOR)


def asked(fields: Iterable[Field], given: Any, problems: Sequence[Problem]) -> list[Bag]:
    """These fields of a delivery's form as they stand in `given`; the warehouse, where there are any, is the one that
    would be taken if nothing were said."""
    places = dict(Warehouse.objects.filter(state=OPEN, bad=False).values_list("pk", "name"))
    main = moving.main_warehouse()
    chosen = given.get("warehouse", str(main.pk) if main else "")
    name = places.get(int(chosen), "") if chosen.isdecimal() and len(chosen) < 19 else ""
    found = []
    for field in fields:
        if field.name != "warehouse":
            found.append(form_field(field, given.get(field.name, ""), errors=problems))
        elif places:
            found.append(form_field(field, chosen if name else "", name, errors=problems))
    return found


def panel(record: Product, person: Any) -> Bag | None:
    """库存 on a product's page: what lies where, what of it is promised, what is free."""
    if not person.may(VIEW):
        return None
    stocks = list(Stock.objects.filter(product=record).select_related("warehouse").order_by("warehouse__pinyin", "pk"))
    if not stocks:
        return None
    total, gone = sum((s.on_hand for s in stocks), Decimal(0)), promised([record.pk]).get(record.pk, Decimal(0))
    lines = [(s.warehouse.name, s.on_hand, f"/stock/stock/{s.pk}/") for s in stocks]
    lines += [("合计", total, ""), ("已订未发", gone, ""), ("可用", total - gone, "")]
    rows = [panels.line([name, quantity, record.unit_name], url, name if url else "") for name, quantity, url in lines]
    return panels.table("stock", "库存", COLUMNS, rows, count=len(stocks))
