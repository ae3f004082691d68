"""订单日报: what a day brought, what was approved and shipped, what is late, and by whom the new orders are. A first
report, on the screen, as Excel and as PDF; each figure opens its rows."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, DecimalField, ExpressionWrapper, F, QuerySet, Sum
from django.db.models.functions import Coalesce, Round
from django.http import HttpResponse
from django.utils.http import content_disposition_header

from neiqin.kernel import clock
from neiqin.kernel.exchange.writing import About, Export, Heading
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.formats.number import date_cn
from neiqin.kernel.printing import typeset
from neiqin.kernel.printing.forms import as_pdf, printed
from neiqin.kernel.resources.listing import Query
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import site
from neiqin.modules.orders import resources
from neiqin.modules.orders.models import Delivery, DeliveryLine, Order, OrderLine
from neiqin.modules.orders.states import ALIVE, VOID

URL, MOST, ROWS, WEEK = "/orders/daily/", 15, 500, "一二三四五六日"
LISTS = {"order": resources.order.url, "delivery": resources.delivery.url}
DEFINED = {
    "received": "这天录入的订单，后来作废的也算，含税",
    "approved": "这天审核通过的订单，含税",
    "shipped": "发货日期是这天、没有作废的发货单，按订单含税价算",
    "late": "到今天交期已过、还没有发完的订单，含税",
}
COLUMNS = (Heading("分类"), Heading("名称"), Heading("单数", "number"), Heading("数量", "quantity"),
           Heading("金额（含税）", "money"))  # fmt: skip


@dataclass(frozen=True)
class Number:
    """How many, how much incl. tax, and the address of exactly these rows."""

    name: str
    label: str
    count: int
    amount: Decimal
    url: str


@dataclass(frozen=True)
class Share:
    """The part of one rep, customer, product or channel in what a day brought."""

    name: str
    count: int
    quantity: Decimal | None
    amount: Decimal
    url: str


@dataclass(frozen=True)
class Daily:
    """The report of one day within one person's scope. late: only for today, since it is what stands late now."""

    day: date
    numbers: Sequence[Number]
    shares: Mapping[str, Sequence[Share]]


def daily(person: Any, day: date) -> Daily:
    """The report; a constant number of queries. Amounts incl. tax."""
    seen = Order.objects.filter(Order.visible_to(person))
    whole = (clock.midnight(day), clock.midnight(day + timedelta(days=1)))
    received = seen.filter(created_at__gte=whole[0], created_at__lt=whole[1])
    approved = seen.filter(approved_at__gte=whole[0], approved_at__lt=whole[1])
    span = {"op": "span", "value": f"{day}..{day}"}
    numbers = [
        _number("received", "收单", received, [{"field": "created_at", **span}]),
        _number("approved", "审核", approved, [{"field": "approved_at", **span}]),
        _shipped(person, day, span),
    ]
    if day == clock.today():
        late = seen.filter(state__in=ALIVE, required_on__lt=day, progress__shipped__lt=100)
        numbers.append(_number("late", "现在超期", late, [
            {"field": "state", "op": "in", "value": ",".join(ALIVE)},
            {"field": "shipped", "op": "max", "value": "99.9"},
            {"field": "required_on", "op": "to", "value": str(day - timedelta(days=1))},
        ]))  # fmt: skip
    return Daily(day, numbers, _shares(received, {"field": "created_at", **span}))


def _number(name: str, label: str, rows: QuerySet[Order], conditions: Sequence[Mapping[str, str]]) -> Number:
    found = rows.aggregate(count=Count("pk"), amount=Coalesce(Sum("amount"), Decimal(0)))
    return Number(name, label, found["count"], found["amount"], _address("order", *conditions))


def _address(kind: str, *conditions: Mapping[str, str]) -> str:
    return Query(conditions=tuple(dict(c) for c in conditions)).address(LISTS[kind])


def _shipped(person: Any, day: date, span: Mapping[str, str]) -> Number:
    out = Delivery.objects.filter(Delivery.visible_to(person), shipped_on=day).exclude(state=VOID)
    goods = DeliveryLine.objects.filter(delivery__in=out)
    worth = ExpressionWrapper(
        Round(F("quantity") * F("order_line__gross") / F("order_line__quantity"), 2),
        DecimalField(max_digits=18, decimal_places=2),
    )
    amount = goods.aggregate(sum=Coalesce(Sum(worth), Decimal(0)))["sum"]
    alive = {"field": "state", "op": "not", "value": VOID}
    return Number("shipped", "发货", out.count(), amount, _address("delivery", {"field": "shipped_on", **span}, alive))


def _shares(received: QuerySet[Order], at: Mapping[str, str]) -> dict[str, Sequence[Share]]:
    """By rep, customer, channel and product, the largest first; a product opens its lines, the others the orders."""

    def by(field: str, key: str, name: str) -> list[Share]:
        rows = received.values(key=F(key), label=F(name)).annotate(n=Count("pk"), total=Sum("amount"))
        return [
            Share(r["label"], r["n"], None, r["total"], _address("order", at, _is(field, r["key"])))
            for r in rows.order_by("-total", "label")
        ]

    channels = received.values("channel").annotate(n=Count("pk"), total=Sum("amount")).order_by("-total")
    goods = OrderLine.objects.filter(order__in=received).values("item_name", "unit_name")
    products = goods.annotate(n=Count("order", distinct=True), q=Sum("quantity"), total=Sum("gross"))
    day = at["value"].partition("..")[0]
    return {
        "业务员": by("owner", "owner_id", "owner__name"),
        "客户": by("customer", "customer_id", "customer__name"),
        "渠道": [
            Share(r["channel"] or "线下", r["n"], None, r["total"], _address("order", at, {
                "field": "channel", "op": "is" if r["channel"] else "empty", "value": r["channel"],
            }))
            for r in channels
        ],
        "产品": [
            Share(r["item_name"] + (f"（{r['unit_name']}）" if r["unit_name"] else ""), r["n"], r["q"], r["total"],
                  f"{URL}?{urlencode({'day': day, 'item': r['item_name'], 'unit': r['unit_name']})}")
            for r in products.order_by("-total", "item_name")
        ],
    }  # fmt: skip


def _is(field: str, key: int) -> dict[str, str]:
    return {"field": field, "op": "in", "value": str(key)}


def lines_of(person: Any, day: date, item: str, unit: str) -> QuerySet[OrderLine]:
    """The lines behind a product of the report, the largest first."""
    seen = Order.objects.filter(Order.visible_to(person))
    whole = (clock.midnight(day), clock.midnight(day + timedelta(days=1)))
    orders = seen.filter(created_at__gte=whole[0], created_at__lt=whole[1])
    rows = OrderLine.objects.filter(order__in=orders, item_name=item, unit_name=unit)
    return rows.select_related("order").order_by("-gross", "pk")


@screen("orders.view")
def page(request: Any) -> HttpResponse:
    """`?day=`, by default today; `as=xlsx` or `as=pdf` for a file; `item=` and `unit=` for the lines of a product."""
    try:
        day = date_cn(request.GET["day"]) if request.GET.get("day") else clock.today()
    except BadFormat:
        day = clock.today()
    item, unit = (request.GET.get(name, "").replace("\0", "") for name in ("item", "unit"))
    if item:
        rows = lines_of(request.person, day, item, unit)
        shown = list(rows[:ROWS])
        marks = site().marks("orders.order", [x.order_id for x in shown])
        page = Bag(day=day, item=item, rows=shown, count=rows.count(), marks=marks)
        return render(request, "orders_daily_lines.html", page)
    found = daily(request.person, day)
    if request.GET.get("as") == "xlsx":
        return _file(as_xlsx(found, request.person), f"订单日报 {day}.xlsx", download=True)
    if request.GET.get("as") == "pdf":
        return _file(_pdf(found, request.person), f"订单日报 {day}.pdf", download=False)
    return render(request, "orders_daily.html", Bag(
        day=day, weekday=WEEK[day.weekday()], before=day - timedelta(days=1), most=MOST,
        after=day + timedelta(days=1) if day < clock.today() else None,
        numbers=[Bag(**vars(n), about=DEFINED[n.name]) for n in found.numbers],
        shares=[
            Bag(label=label, count=len(rows), rows=rows[:MOST], counted=label == "产品",
                total=sum((r.amount for r in rows), Decimal(0)))
            for label, rows in found.shares.items()
        ],
    ))  # fmt: skip


def _file(body: bytes, name: str, *, download: bool) -> HttpResponse:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" if download else "application/pdf"
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = content_disposition_header(download, name) or ""
    response["Cache-Control"] = "no-store"
    if not download:  # the browser's viewer of PDF needs the ordinary policy lifted from this one answer
        response["Content-Security-Policy"] = "frame-ancestors 'none'"
    return response


def as_xlsx(found: Daily, person: Any) -> bytes:
    """One table: the figures of the day, then the shares."""
    out = io.BytesIO()
    about = About("订单日报", person.name, clock.now(), f"{found.day}")
    with Export(out, COLUMNS, about) as book:
        book.extend(["当天", n.label, n.count, None, n.amount] for n in found.numbers)
        for label, rows in found.shares.items():
            book.extend([f"收单按{label}", r.name, r.count, r.quantity, r.amount] for r in rows)
    return out.getvalue()


def _pdf(found: Daily, person: Any) -> bytes:
    sheet = {
        "number": "", "qr": "", "times": 1, "watermark": "", "title": f"{found.day}　星期{WEEK[found.day.weekday()]}",
        "facts": [(n.label, f"{n.count:,} 单　¥{n.amount:,.2f}") for n in found.numbers],
        "tables": [
            {"label": f"收单按{label}", "head": [h.label for h in COLUMNS[1:]], "right": [1, 2, 3], "rows": [
                [r.name, f"{r.count:,}", printed("quantity", r.quantity), printed("money", r.amount)] for r in rows
            ]}
            for label, rows in found.shares.items() if rows
        ],
    }  # fmt: skip
    return as_pdf(typeset.HERE / "templates/record.typ", "A4", "订单日报", [sheet], person)
