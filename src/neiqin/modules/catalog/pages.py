"""这个价怎么来的: product, customer, quantity and day, and every price that fits in order of precedence."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Problem
from neiqin.kernel.resources.pages.forms import form_field
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Resource, Tool
from neiqin.modules.catalog.models import VIEW, Product
from neiqin.modules.catalog.pricing import LABEL, Ask, candidates
from neiqin.modules.customers.models import Customer

PRODUCT = Field("product", "产品", "ref", ref="catalog.product", required=True)
CUSTOMER = Field("customer", "客户", "ref", ref="customers.customer")
UNIT = Field("unit", "单位", maxlength=20, help="空着是基本单位")
QUANTITY = Field("quantity", "数量", "quantity", required=True, min=0)
ON = Field("on", "哪天的价", "date", required=True)
FIELDS = (PRODUCT, CUSTOMER, QUANTITY, UNIT, ON)
URL = "/catalog/price/"


def tools(resource: Resource, person: Any, query: str) -> list[Tool]:
    """Over the products' list."""
    return [Tool("这个价怎么来的", URL, "search")] if resource.key == "catalog.product" and person.may(VIEW) else []


@screen(VIEW)
def price(request: Any) -> HttpResponse:
    """GET with product, customer, quantity, unit, on."""
    given = {f.name: request.GET.get(f.name, "") for f in FIELDS}
    given = {"quantity": "1", "on": clock.today().isoformat()} | {k: v for k, v in given.items() if v}
    values, problems = {}, []
    for field in FIELDS if "product" in given else ():
        try:
            values[field.name] = field.parse(given.get(field.name, ""))
        except BadFormat as error:
            problems.append(Problem(field.name, field.label, str(error)))
    found = _found(values, request.person) if values and not problems else None
    names = {"product": found.product.name, "customer": found.customer.name if found.customer else ""} if found else {}
    fields = [form_field(f, given.get(f.name, ""), names.get(f.name, ""), errors=problems) for f in FIELDS]
    return render(request, "catalog_price.html", Bag(fields=fields, found=found, labels=LABEL))


def _found(values: dict[str, Any], person: Any) -> Any:
    product = Product.objects.filter(pk=values["product"]).first()
    seen = Customer.objects.filter(Customer.visible_to(person), pk=values["customer"]) if values["customer"] else None
    customer = seen.first() if seen is not None else None
    if product is None:
        return None
    level, region = (customer.price_level, customer.province) if customer else ("", "")
    on: date = values["on"]
    unit = "" if values["unit"] == product.unit_name else values["unit"] or ""
    quantity: Decimal = values["quantity"]
    ask = Ask(product.pk, quantity, on, unit, customer.pk if customer else None, level, region)
    (rows,) = candidates([ask])
    return Bag(
        product=product, customer=customer, rows=rows, level=level, region=region, unit=unit or product.unit_name
    )
