"""What is said of an order while it is typed: products found by what was written, prices, whose decision they are, what
the customer paid the last time, credit. Nothing is kept; saving and submitting say it all again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import Q
from django.http import HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.resources.pages.screen import Bag, screen
from neiqin.modules.catalog import policy
from neiqin.modules.catalog.models import ON_SALE, Product, products_by_key
from neiqin.modules.customers import fields as customer_fields
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import credit, fields, measures, money, stocking
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import IN_FORCE
from neiqin.modules.stock.models import VIEW as STOCK

MOST, SHOWN = 2000, 30
ADVICE: list["Advice"] = []
NUMBERS = {f.name: f.but(required=False) for f in fields.LINE if f.name in ("quantity", "price")}


@dataclass
class Row:
    """One typed line. issues: (field, level, sentence); line: what it would be, None while it cannot be one;
    free: what is in stock for it, in the base unit, None where none is kept; hints: what advice warned of, posted with
    the form (`hinted`)."""

    key: str
    texts: Mapping[str, str]
    product: Product | None = None
    line: Any = None
    last: tuple[Decimal | None, date] | None = None
    free: Decimal | None = None
    issues: list[tuple[str, str, str]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def bad(self, name: str, text: str) -> None:
        self.issues.append((name, "bad", text))

    def warn(self, name: str, text: str) -> None:
        self.issues.append((name, "warn", text))


@dataclass(frozen=True)
class Advice:
    """What a module says of an order's lines while they are typed. say: (order, rows, customer), warns on the rows."""

    say: Callable[[Order, Sequence[Row], Customer | None], None]

    def plug(self) -> None:
        ADVICE.append(self)


class Unread(Exception):
    """What was sent is no form."""


@screen("orders.create")
@require_POST
def check(request: Any) -> Any:
    """`data`: JSON with head (name -> text) and rows ([key, name -> text]); answers by row, and in words."""
    try:
        head, rows = read(request)
    except Unread:
        return HttpResponseBadRequest()
    customer = customer_of(head.get("customer", ""), request.person)
    order = order_of(head, customer)
    find(rows, customer)
    reckon(order, rows)
    owed = _credit(order, customer, request.person)
    judge(order, rows)
    for advice in ADVICE:
        advice.say(order, rows, customer)
    _last(rows, customer)
    if request.person.may(STOCK):
        _free(rows)
    return JsonResponse({"rows": {row.key: told(row) for row in rows}, "html": summary(order, rows, owed)})


def read(request: Any) -> tuple[dict[str, str], list[Row]]:
    """Head and rows as they stand in the form. Raises Unread."""
    try:
        given = orjson.loads(request.POST.get("data", ""))
        head = {str(k): str(v) for k, v in given["head"].items()}
        rows = [Row(str(key), {str(k): str(v) for k, v in texts.items()}) for key, texts in given["rows"][:MOST]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise Unread from None
    return head, [row for row in rows if row.texts]


def customer_of(text: str, person: Any) -> Customer | None:
    """The chosen customer, if the person may see it."""
    if not (text.isdecimal() and len(text) < 19):
        return None
    return Customer.objects.filter(Customer.visible_to(person), pk=int(text)).first()


def order_of(head: Mapping[str, str], customer: Customer | None) -> Order:
    """The order that the head would make; what is no date or amount counts as empty."""
    order = Order(customer=customer, region=head.get("region", "")[:20] or (customer.province if customer else ""))
    for name in ("doc_date", "order_discount"):
        found = next(f for f in fields.HEAD if f.name == name)
        try:
            value = found.parse(head.get(name, ""))
        except BadFormat:
            value = None
        setattr(order, name, value or (clock.today() if name == "doc_date" else Decimal(0)))
    return order


def find(rows: Sequence[Row], customer: Customer | None) -> None:
    """The products: chosen ones by id; typed ones by code, barcode, the customer's number, or their whole name."""
    chosen = {int(p) for r in rows if (p := r.texts.get("product", "")).isdecimal() and len(p) < 19}
    typed = {t for r in rows if not r.texts.get("product") and (t := r.texts.get("product__text", "").strip())}
    by_key = products_by_key(typed, customer.pk if customer else None) if typed else {}
    namesakes = Counter[str]()
    for name, pk in Product.objects.filter(name__in=typed - by_key.keys(), state=ON_SALE).values_list("name", "pk"):
        namesakes[name] += 1
        by_key[name] = pk if namesakes[name] == 1 else 0
    known = Product.objects.in_bulk(chosen | {pk for pk in by_key.values() if pk})
    near = _near(typed - {t for t, pk in by_key.items() if pk})
    for row in rows:
        text = row.texts.get("product__text", "").strip()
        given = row.texts.get("product", "")
        row.product = known.get(int(given) if given.isdecimal() and len(given) < 19 else by_key.get(text, 0))
        if row.product is None and namesakes[text] > 1:
            row.bad("product", f"有 {namesakes[text]} 个产品叫「{text[:40]}」，写货号区分。")
        elif row.product is None and text:
            more = near.get(text, "写货号、条码、客户料号或全名；不在目录里的写到「更多 · 品名」。")
            row.bad("product", f"没有「{text[:40]}」这个产品。{more}")
        elif row.product is not None and row.product.state != ON_SALE:
            row.bad("product", f"{row.product.name}已停售，换一个产品。")


def _near(typed: set[str]) -> dict[str, str]:
    """For what was not found, a question that names a product whose code begins the same."""
    starts = {t: t[: max(3, len(t) - 3)] for t in sorted(typed)[:SHOWN] if len(t) >= 4}
    if not starts:
        return {}
    condition = Q()
    for start in starts.values():
        condition |= Q(code__istartswith=start)
    codes = list(Product.objects.filter(condition, state=ON_SALE).order_by("code").values_list("code", "name")[:200])
    found = {}
    for text, start in starts.items():
        hit = next(((code, name) for code, name in codes if code.lower().startswith(start.lower())), None)
        if hit:
            found[text] = f"是不是 {hit[0]} {hit[1]}？"
    return found


def reckon(
    order: Order,
    rows: Sequence[Row],
    make: Callable[[dict[str, Any]], Any] = OrderLine.unsaved,
    numbers: Mapping[str, Field] = NUMBERS,
) -> None:
    """Quantities and prices as numbers, then the lines with what the catalog says, and the order's sums. make: an
    unsaved line of what was typed; numbers: which of it are numbers."""
    seen: set[int] = set()
    for row in rows:
        if row.product is not None and row.product.pk in seen:
            row.warn("product", "前面已经有这个产品。")
        seen.add(row.product.pk if row.product else 0)
        row.line = _line(row, make, numbers)
    lines = [row.line for row in rows if row.line is not None]
    if order.customer_id:
        money.price([(order, line) for line in lines])
    for row in rows:
        if row.line is not None and row.line.price is None and not row.line.is_gift:
            row.bad("price", "没有价格：价目表里没有，填上单价。" if order.customer_id else "先选客户，再带出价格。")
    for line in lines:
        line.tax_rate = line.tax_rate or "0.13"
    money.share(order, lines)


def _line(row: Row, make: Callable[[dict[str, Any]], Any], numbers: Mapping[str, Field]) -> Any:
    """The line as it would be; None, and the row says why, while something is missing or no number."""
    values: dict[str, Decimal | None] = {}
    for name, known in numbers.items():
        try:
            values[name] = known.parse(row.texts.get(name, ""))
        except BadFormat as error:
            row.bad(name, str(error))
    count = values.get("quantity")
    if "quantity" in values and (count is None or count <= 0):
        row.bad("quantity", "数量要大于 0。")
    if any(level == "bad" for _, level, _ in row.issues) or not (row.product or row.texts.get("item_name")):
        return None
    return make({
        "product": row.product.pk if row.product else None, **values,
        "is_gift": row.texts.get("is_gift") == "on", "item_name": row.texts.get("item_name", ""), "spec": "",
        "unit_name": row.texts.get("unit_name", ""), "tax_rate": row.texts.get("tax_rate", "")[:5],
    })  # fmt: skip


def judge(order: Order, rows: Sequence[Row]) -> None:
    """Whose decision the prices are."""
    sold = [row for row in rows if row.line is not None and row.line.price and not row.line.is_gift]
    judged = measures.judge([order.pk], {order.pk: [row.line for row in sold if row.line]})[order.pk]
    for row, one in zip(sold, judged, strict=True):
        if one.level != policy.LEVELS[0]:
            below = "，低于底价" if one.below_floor else ""
            row.warn("price", f"{one.factor * 100:.1f} 折{below}，要{one.level}批（{one.rule}）。")


def _last(rows: Sequence[Row], customer: Customer | None) -> None:
    """What this customer paid for it the last time."""
    products = {row.product.pk for row in rows if row.product}
    if customer is None or not products:
        return
    sold = OrderLine.objects.filter(order__customer=customer, order__state__in=IN_FORCE, is_gift=False)
    newest = sold.filter(product__in=products).order_by("product_id", "-order__doc_date", "-pk").distinct("product_id")
    found = {p: (price, day) for p, price, day in newest.values_list("product_id", "price", "order__doc_date")}
    for row in rows:
        row.last = found.get(row.product.pk) if row.product else None


def _free(rows: Sequence[Row]) -> None:
    """How much is there and promised to nobody, where stock is kept; several rows of a product share it."""
    lines = [row.line for row in rows if row.line is not None and row.line.product_id]
    products = {row.product.pk for row in rows if row.product}
    left = stocking.free(products) if products else {}
    known = stocking.factors_of(lines) if left else {}
    for row in rows:
        if row.product is None or row.product.pk not in left:
            continue
        row.free = stocking.cut(max(left[row.product.pk], Decimal(0)))
        factor = known.get((row.product.pk, row.line.unit_name)) if row.line else None
        if row.line is None or factor is None:
            continue
        left[row.product.pk] -= row.line.quantity * factor
        if left[row.product.pk] < 0:
            row.warn("quantity", f"可用库存 {plain(row.free)} {row.product.unit_name}，不够这一行。")


def _credit(order: Order, customer: Customer | None, person: Any) -> credit.Credit | None:
    if customer is None or not person.may(customer_fields.CREDIT):
        return None
    return credit.with_orders([(0, customer.pk, order.amount)])[0]


def told(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"issues": row.issues, "cells": {}, "titles": {}}
    if row.product is not None:
        found["product"] = [str(row.product.pk), row.product.name]
        found["cells"]["spec"] = row.product.spec
    if row.line is not None:
        found |= {"price": plain(row.line.price) if row.line.price is not None else "", "unit": row.line.unit_name}
        found["cells"]["gross"] = f"{row.line.gross:,.2f}"
        found["cells"]["list_price"] = plain(row.line.list_price) if row.line.list_price is not None else ""
        found["titles"]["list_price"] = row.line.price_rule
    if row.free is not None and row.product is not None:
        found["free"] = f"可用 {plain(row.free)}"
    if row.last is not None and row.last[0] is not None:
        found["cells"]["last"] = plain(row.last[0])
        found["titles"]["last"] = f"{row.last[1]} 的成交价"
    return found


def summary(order: Order, rows: Sequence[Row], owed: credit.Credit | None) -> str:
    where: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)  # level and sentence -> rows
    for number, row in enumerate(rows, 1):
        for name, level, text in row.issues:
            where[level, text].append((number, f"f-lines-{row.key}-{name}"))
    issues = [
        Bag(level=level, text=text, at=places[0][1], rows="、".join(str(n) for n, _ in places[:3]), count=len(places))
        for (level, text), places in sorted(where.items())
    ]
    page = Bag(
        lines=sum(1 for row in rows if row.line is not None), order=order, issues=issues[:SHOWN],
        more=max(len(issues) - SHOWN, 0), owed=owed, hinted=[hint for row in rows for hint in row.hints],
        left=owed.limit - owed.exposure if owed is not None and owed.limit is not None else None,
    )  # fmt: skip
    return render_to_string("orders_check.html", {"page": page})
