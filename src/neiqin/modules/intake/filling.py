"""A message as the order form begins with it, and what stands above the lines: what was said and what was made of it.
Nothing that is guessed is unmarked: a line says so while it is typed (`advise`), and the table above the lines too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from markupsafe import Markup

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.files import attach, previews
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources import nearby
from neiqin.kernel.resources.pages.beside import BESIDE
from neiqin.kernel.resources.pages.screen import Bag
from neiqin.kernel.resources.resource import Resource, site
from neiqin.modules.catalog.models import Product, ProductUnit
from neiqin.modules.customers.models import Customer
from neiqin.modules.intake import actions, matching
from neiqin.modules.intake.matching import Match
from neiqin.modules.intake.models import BACK, NEW, Intake
from neiqin.modules.intake.reading import Reading, read
from neiqin.modules.orders.entering import Row
from neiqin.modules.orders.models import Order, OrderLine
from neiqin.modules.orders.states import IN_FORCE

NAME, ORDER = "intake", "orders.order"
WORDS = 60  # of what the customer called it, on the line


@dataclass(frozen=True)
class Filled:
    """An order on its way in as it was understood. last: the lines of the last order, where it is to be the same."""

    reading: Reading
    matches: Sequence[Match]
    customer: Customer | None
    guessed_customer: bool
    last: Sequence[OrderLine] = ()


def understand(text: str, customer: Customer | None, person: Any) -> Filled:
    """Read a message for this person; the customer, if none is given, by a company's name in it."""
    reading = read(text, clock.today())
    guessed = customer is None
    customer = customer or _named(reading.companies, person)
    last: list[OrderLine] = []
    if reading.again and customer is not None:
        last = _last(customer)
    return Filled(reading, matching.match(reading.items, customer), customer, guessed and customer is not None, last)


def _named(companies: Sequence[str], person: Any) -> Customer | None:
    found = nearby.by_name(site().resources["customers.customer"], companies[:5])
    ids = [found[name].id for name in companies[:5] if name in found]
    return Customer.objects.filter(Customer.visible_to(person), pk__in=ids).order_by("pk").first() if ids else None


def _last(customer: Customer) -> list[OrderLine]:
    order = Order.objects.filter(customer=customer, state__in=IN_FORCE).order_by("-doc_date", "-pk").first()
    lines = OrderLine.objects.filter(order=order, is_gift=False) if order else OrderLine.objects.none()
    return list(lines.select_related("product").order_by("pk"))


def values_of(filled: Filled) -> dict[str, Any]:
    """What the order form begins with, as a form is read."""
    reading = filled.reading
    found: dict[str, Any] = {
        "consignee": reading.consignee, "consignee_phone": reading.phone,
        "address": f"{reading.region}{reading.street}"[:200], "remark": "；".join(reading.rest)[:1000],
    }  # fmt: skip
    if filled.customer is not None:
        found["customer"] = str(filled.customer.pk)
    if reading.required_on is not None:
        found["required_on"] = reading.required_on.isoformat()
    found = {name: value for name, value in found.items() if value}
    lines = [_line(m) for m in filled.matches] + [_again(x) for x in filled.last]
    return found | {"lines": lines or [{}]}


def _line(match: Match) -> dict[str, Any]:
    item, product = match.item, match.product
    row = {
        "product": str(product.pk) if product else "", "product__text": "" if product else item.words,
        "quantity": plain(item.quantity) if item.quantity is not None else "", "unit_name": item.unit,
        "price": plain(item.price) if item.price is not None else "", "is_gift": "on" if item.gift else "",
        "remark": item.note, "customer_item": item.words[:WORDS],
    }  # fmt: skip
    if product is not None and match.sure and match.how != matching.LEARNED:
        row["customer_item"] = ""
    if product is not None and item.unit == product.unit_name:
        row["unit_name"] = ""
    return row


def _again(line: OrderLine) -> dict[str, Any]:
    return {"product": str(line.product_id or ""), "quantity": plain(line.quantity), "unit_name": line.unit_name,
            "item_name": "" if line.product_id else line.item_name}  # fmt: skip


class Brought:
    """Plugged in by the manifest: a new order's form that begins with a message keeps it, and hands it over when the
    order is saved."""

    def plug(self) -> None:
        if not any(isinstance(b, Brought) for b in BESIDE):
            BESIDE.append(self)

    def given(self, posted: Any) -> bool:
        return bool(posted.get(NAME))

    def begun(self, asked: Any, resource: Resource, person: Any) -> Mapping[str, Any]:
        intake = self._open(asked, resource, person)
        return values_of(understand(said(intake), intake.customer, person)) if intake else {}

    def above(self, posted: Any, resource: Resource, person: Any) -> list[Bag]:
        intake = self._open(posted, resource, person)
        if intake is None:
            return []
        text = said(intake)
        page = Bag(
            intake=intake, url=f"{actions.URL}{intake.pk}/", text=text,
            **_told(understand(text, intake.customer, person)),
        )  # fmt: skip
        html = Markup(render_to_string("intake_above.html", {"page": page}))  # noqa: S704 - our own template
        return [Bag(name=NAME, value=str(intake.pk), html=html)]

    def shown(self, posted: Any, resource: Resource, record: Any, person: Any) -> list[Bag]:
        """Its photos are the originals that one types from."""
        intake = self._open(posted, resource, person) if record is None else None
        if intake is None:
            return []
        rows = attach.of_records(actions.KEY, [intake.pk]).filter(removed_at=None).select_related("file")
        return [Bag(which=f"a{r.pk}", name=r.name, id=0) for r in rows if r.file and previews.has_preview(r.file)]

    def keep(self, posted: Any, resource: Resource, record_id: int, by: Any) -> None:
        intake = self._found(posted, resource, by)
        if intake is None:
            raise Invalid([Problem("", "", "来单不在你能看到的范围里了。从来单重新开始录入。")])
        if intake.order_id == record_id:
            return  # the form was sent twice
        outcome = perform(actions.take, [intake.pk], by=by, params={"order": str(record_id)}, source="web")
        if not outcome.done:
            if intake.order_id:
                text = f"{intake.number} 已经有人录成订单了，这一张没有保存。看看那一张，免得重复。"
            else:
                text = f"{intake.number} 不能再录入了：{next(iter(outcome.refused.values())).text}"
            raise Invalid([Problem("", "", text)])

    def _found(self, asked: Any, resource: Resource, person: Any) -> Intake | None:
        number = asked.get(NAME, "")
        if resource.key != ORDER or not (number.isascii() and number.isdecimal() and len(number) < 19):
            return None
        seen = Intake.objects.filter(Intake.visible_to(person), pk=int(number))
        return seen.select_related("customer").first()

    def _open(self, asked: Any, resource: Resource, person: Any) -> Intake | None:
        intake = self._found(asked, resource, person)
        return intake if intake is not None and intake.state in (NEW, BACK) else None


def said(intake: Intake) -> str:
    """The message itself, "" where it was erased."""
    return open_columns([intake], ["said"])[0]["said"] or ""


def _told(filled: Filled) -> dict[str, Any]:
    reading = filled.reading
    rows = [
        Bag(text=m.item.text, product=m.product, tone="ok" if m.sure else "warn" if m.product else "bad",
            how=m.how if m.product else "没认出来，在下面选", others=m.others, loose=m.item.loose,
            quantity=plain(m.item.quantity) if m.item.quantity is not None else "", unit=m.item.unit,
            gift=m.item.gift)
        for m in filled.matches
    ]  # fmt: skip
    where = "，".join(x for x in (reading.consignee, reading.phone, f"{reading.region}{reading.street}") if x)
    return {
        "rows": rows, "customer": filled.customer, "guessed": filled.guessed_customer, "where": where,
        "required_on": reading.required_on, "rest": reading.rest, "again": reading.again, "last": len(filled.last),
        "open": sum(r.tone != "ok" for r in rows),
    }  # fmt: skip


def advise(order: Order, rows: Sequence[Row], customer: Customer | None) -> None:
    """What a customer called something, and nobody has confirmed yet, is a guess until the order is saved; and a unit
    in which the product is not sold."""
    named = [r for r in rows if r.product is not None and r.texts.get("customer_item")]
    pairs = [(r.texts["customer_item"], p) for r in named if (p := r.product) is not None]
    for row, sure in zip(named, matching.certain(pairs, customer.pk if customer else None), strict=True):
        if not sure:
            row.warn("product", f"客户写的是「{row.texts['customer_item'][:30]}」，第一次这样叫，核对一下。")
    _units([r for r in named if r.texts.get("unit_name")])


def _units(rows: Sequence[Row]) -> None:
    products: dict[int, Product] = {r.product.pk: r.product for r in rows if r.product is not None}
    if not products:
        return
    known = {(p, u) for p, u in ProductUnit.objects.filter(product__in=products).values_list("product_id", "name")}
    for row in rows:
        unit = row.texts["unit_name"]
        if row.product and unit != row.product.unit_name and (row.product.pk, unit) not in known:
            row.warn("unit_name", f"{row.product.name}不按「{unit}」卖，基本单位是{row.product.unit_name}。")


def address(intake: Intake) -> str:
    """Where it is made into an order."""
    return f"{site().resources[ORDER].url}new/?{NAME}={intake.pk}"
