"""Quotes of the demo company: in every stage a quote can be in, with a second version, a template and an order."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Login
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog.models import Product
from neiqin.modules.customers.models import Customer
from neiqin.modules.quotes import actions, drafting, pushing
from neiqin.modules.quotes.models import Quote

# Days ago, days it holds from then, factor of the list price, what became of it.
QUOTED = "Bottom-Dollar Markets"
OFFERS = (
    (24, 15, "0.98", "sent"), (18, 30, "0.97", "refused"), (12, 30, "0.96", "renewed"), (9, 30, "1", "accepted"),
    (6, 8, "0.98", "sent"), (5, 30, "0.97", "ordered"), (2, 30, "1", "sent"), (1, 30, "0.92", "asked"),
    (0, 30, "0.98", "draft"),
)  # fmt: skip


def quote_one(clerk: Any) -> dict[str, Any]:
    """In the morning: offered at list prices, taken by the customer on the phone, an order without retyping."""
    products = Product.objects.in_bulk(["NW01", "NW02"], field_name="code")
    row = {
        "customer": Customer.objects.get(name=QUOTED).pk, "valid_until": str(clock.today() + timedelta(days=15)),
        "lines": [
            {"product": products["NW01"].pk, "quantity": "10", "days": "7"},
            {"product": products["NW02"].pk, "quantity": "5", "days": "7"},
        ],
    }  # fmt: skip
    quote = _done(actions.create, [], clerk, rows=[row])
    _done(actions.send, quote, clerk)
    _done(actions.accept, quote, clerk, params={"how": "call", "proof": "客户来电 9:40"})
    _done(pushing.push_down, quote, clerk, params={})
    one = Quote.objects.get(pk=quote[0])
    return {"count": 1, "note": f"{one.number}：{one.amount:,.2f} 元"}


def offer() -> int:
    """Write the quotes unless there are some; how many there are."""
    if not Quote.objects.exists():
        clerk = actor_of(Login.objects.values_list("person_id", flat=True).get(username="linzhixia"))
        reached = Customer.objects.filter(Customer.visible_to(clerk), state="active", owner__isnull=False)
        customers = list(reached.filter(contacts__isnull=False, credit_limit__gt=0).distinct().order_by("pk")[:6])
        products = list(Product.objects.order_by("pk"))
        for n, (ago, holds, factor, became) in enumerate(OFFERS):
            row = _row(n, ago, holds, factor, customers[n % len(customers)], products)
            _become(_done(actions.create, [], clerk, rows=[row])[0], became, clerk)
        newest = Quote.objects.order_by("pk")[0]
        _done(drafting.keep, [newest.pk], SYSTEM, params={"name": "轴承常规报价"})
    return Quote.objects.count()


def _row(
    n: int, ago: int, holds: int, factor: str, customer: Customer, products: Sequence[Product]
) -> dict[str, Any]:  # fmt: skip
    day = clock.today() - timedelta(days=ago)
    lines = [
        {"product": products[(n * 5 + k * 3) % len(products)].pk, "quantity": str((n + k * 4) % 9 * 5 + 5),
         "factor": factor, "days": str(5 + k * 2)}
        for k in range(2 + n % 3)
    ]  # fmt: skip
    return {
        "customer": customer.pk, "doc_date": str(day), "valid_until": str(day + timedelta(days=holds)), "lines": lines,
        "place": f"{customer.city or '客户'}工厂", "warranty": "12 个月", "freight_by": "us" if n % 3 else "them",
        "remark": "" if n % 2 else "数量满 100 另议。",
    }  # fmt: skip


def _become(quote: int, became: str, clerk: Any) -> None:
    """Lead a new quote to its stage."""
    if became == "draft":
        return
    if became == "asked":
        perform(actions.send, [quote], by=clerk, source="demo")
        return
    _done(actions.send, [quote], SYSTEM)
    if became == "refused":
        _done(actions.refuse, [quote], SYSTEM, params={"reason": "别家便宜两个点", "how": "call"})
    elif became == "renewed":
        _done(drafting.renew, [quote], SYSTEM)
        newer = Quote.objects.latest("pk")
        lines = [
            {"id": x.pk, "price": f"{(x.list_price or Decimal(0)) * Decimal('0.95'):.2f}"}
            for x in newer.lines.order_by("pk")[:1]
        ]
        _done(actions.edit, [newer.pk], SYSTEM, params={"lines": lines, "warranty": "18 个月"})
        _done(actions.send, [newer.pk], SYSTEM)
    elif became in ("accepted", "ordered"):
        _done(actions.accept, [quote], SYSTEM, params={"how": "stamped", "proof": "采购部盖章回签"})
        if became == "ordered":
            line = Quote.objects.get(pk=quote).lines.order_by("pk")[0]
            half = [{"quote_line": line.pk, "quantity": str(line.quantity // 2 or 1)}]
            _done(pushing.push_down, [quote], SYSTEM, params={"lines": half})


def _done(action: Any, ids: Sequence[int], by: Any, **given: Any) -> list[int]:
    outcome = perform(action, ids, by=by, source="demo", **given)
    if outcome.refused or outcome.held:
        raise ValueError(f"demo data refused: {outcome.refused}")
    return outcome.done
