"""What the table of approval routes is asked about a quote that is to be sent: its price level and discount."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from neiqin.kernel.actions.declare import Action
from neiqin.kernel.approvals.declare import Asks
from neiqin.modules.catalog import policy
from neiqin.modules.customers import fields as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders.measures import judge, priced
from neiqin.modules.quotes import actions
from neiqin.modules.quotes.models import Quote, QuoteLine


def of_quotes(ids: list[int]) -> dict[int, dict[str, Any]]:
    """quote -> amount, the strictest price level of its lines, the weighted discount; a constant number of queries."""
    quotes = {q.pk: q for q in Quote.objects.filter(pk__in=ids)}
    lines: dict[int, list[QuoteLine]] = defaultdict(list)
    for line in QuoteLine.objects.filter(quote_id__in=ids).order_by("pk"):
        lines[line.quote_id].append(line)
    judged = judge(list(quotes), lines)
    levels = dict(Customer.objects.filter(pk__in={q.customer_id for q in quotes.values()}).values_list("pk", "level"))
    found = {}
    for pk, quote in quotes.items():
        worst = policy.strictest(judged[pk])
        found[pk] = {
            "amount": quote.amount,
            "level": customers.level.choice(levels.get(quote.customer_id, "")).label or "无",
            "factor": policy.weighted(priced(lines[pk], {})),
            "price_level": worst.level if worst else policy.LEVELS[0],
        }
    return found


def _measures(action: Action, rows: Mapping[int, Mapping[str, Any]], by: Any) -> Mapping[int, Mapping[str, Any]]:
    return of_quotes(list(rows))


def facts(record: int, person: Any) -> list[tuple[str, str]]:
    """What an approver looks at first: to whom, until when, the lines below list price or floor."""
    quote = Quote.objects.filter(Quote.visible_to(person), pk=record).select_related("owner").first()
    if quote is None:
        return []
    lines = list(QuoteLine.objects.filter(quote=quote).order_by("pk"))
    judged = judge([quote.pk], {quote.pk: lines})[quote.pk]
    found = [
        ("客户", quote.name), ("业务员", quote.owner.name), ("版本", f"第 {quote.edition} 版"),
        ("有效期至", f"{quote.valid_until}"), ("明细", f"{len(lines)} 行"),
    ]  # fmt: skip
    for line, one in sorted(zip(lines, judged, strict=True), key=lambda p: p[1].factor):
        if one.level != policy.LEVELS[0]:
            below = "，低于底价" if one.below_floor else ""
            found.append((f"{one.factor * 100:.1f} 折{below}", f"{line.item_name} {line.price or 0:.2f}，标准价 "
                          f"{line.list_price or 0:.2f}，要{one.level}批（{one.rule}）"))  # fmt: skip
    return found


ASKS = [Asks(actions.send.code, _measures, "报价单·发送", facts)]
