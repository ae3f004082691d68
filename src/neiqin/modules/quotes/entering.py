"""What is said of a quote while it is typed: as of an order, and what the customer paid and was offered before."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from neiqin.kernel.fields.formats.number import plain
from neiqin.kernel.resources.pages.screen import Bag, screen
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import entering as desk
from neiqin.modules.orders.entering import Row
from neiqin.modules.quotes import fields
from neiqin.modules.quotes.actions import CREATE
from neiqin.modules.quotes.deals import Deal, deals, last_sold
from neiqin.modules.quotes.models import Quote, QuoteLine

SHOWN = 30
NUMBERS = desk.NUMBERS | {f.name: f.but(required=False) for f in fields.SOLD if f.name == "factor"}


@screen(CREATE)
@require_POST
def check(request: Any) -> Any:
    """`id`: the quote, if it is edited; `data`: JSON with head (name -> text) and rows ([key, name -> text]). Answers
    by row, and in words."""
    try:
        head, rows = desk.read(request)
    except desk.Unread:
        return HttpResponseBadRequest()
    quote = _quote(request)
    chosen = str(quote.customer_id) if quote else head.get("customer", "")
    customer = desk.customer_of(chosen, request.person)
    order = desk.order_of(head, customer)
    desk.find(rows, customer)
    desk.reckon(order, rows, QuoteLine.unsaved, NUMBERS)
    desk.judge(order, rows)
    before = _before(rows, customer, request.person, quote.pk if quote else 0)
    html = desk.summary(order, rows, None) + _deals(rows, before)
    return JsonResponse({"rows": {row.key: _told(row, before) for row in rows}, "html": html})


def _quote(request: Any) -> Quote | None:
    """The quote that is edited: its form does not say for whom it is."""
    number = request.GET.get("id", "")
    if not (number.isdecimal() and len(number) < 19):
        return None
    return Quote.objects.filter(Quote.visible_to(request.person), pk=int(number)).first()


def _before(rows: Sequence[Row], customer: Customer | None, person: Any, besides: int) -> dict[int, list[Deal]]:
    if customer is None:
        return {}
    return deals(customer.pk, {row.product.pk for row in rows if row.product}, person, besides)


def _told(row: Row, before: Mapping[int, Sequence[Deal]]) -> dict[str, Any]:
    found = desk.told(row)
    if row.line is not None and row.line.factor is not None:
        found["cells"]["off_rate"] = f"{plain(row.line.factor * 100)}%"
    those = before.get(row.product.pk, []) if row.product else []
    if last := last_sold(those):
        found["cells"]["last"] = plain(last.price)
        found["titles"]["last"] = "\n".join(map(words, those))
    return found


def words(deal: Deal) -> str:
    """A deal in one line."""
    what = "成交" if deal.sold else "报价"
    return f"{deal.on} {what} {plain(deal.price)}，{plain(deal.quantity)}{deal.unit}，{deal.number}"


def _deals(rows: Sequence[Row], before: Mapping[int, Sequence[Deal]]) -> str:
    """The last deals of each product, folded away under the grid."""
    products = {row.product.pk: row.product for row in rows if row.product and row.product.pk in before}
    shown = [Bag(name=p.name, deals=before[pk]) for pk, p in list(products.items())[:SHOWN]]
    return render_to_string("quotes_deals.html", {"page": Bag(rows=shown)}) if shown else ""
