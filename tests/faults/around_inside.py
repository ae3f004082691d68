"""Quotes, changes and returns as they are looked at inside an installation: what is there, and what should never be."""

from collections import defaultdict
from typing import Any

TABLES = (
    "quotes_quote", "quotes_quoteline", "quotes_pushed", "changes_change", "changes_changeline", "changes_knowing",
    "returns_ticket", "returns_ticketline", "orders_return", "orders_returnline",
)  # fmt: skip


def out_of_order(numbers: str) -> str:
    """numbers: a query for id and number of documents of one series, which starts anew each day."""
    return f"""SELECT id FROM (SELECT id, number, split_part(number, '-', 2) AS said,
        row_number() OVER (PARTITION BY split_part(number, '-', 1) ORDER BY number) AS place FROM ({numbers}) AS d) AS n
        WHERE said = '' OR said::bigint <> place"""


def numbered_twice(table: str) -> str:
    return f"""SELECT row_id FROM actions_change WHERE tbl = '{table}' AND after::jsonb->>'number' <> ''
        GROUP BY row_id HAVING count(DISTINCT after::jsonb->>'number') > 1"""


def not_the_sum(table: str, lines: str, head: str) -> str:
    """Documents whose amounts are not those of their lines together."""
    return f"""SELECT h.id FROM {table} h JOIN LATERAL (
        SELECT sum(gross) AS gross, sum(net) AS net, sum(tax) AS tax, sum(off) AS off, sum(quantity * price) AS whole
        FROM {lines} WHERE {head} = h.id) l ON true
        WHERE (h.amount, h.net, h.tax, h.order_discount, h.amount, h.amount)
            IS DISTINCT FROM (l.gross, l.net, l.tax, l.off, l.net + l.tax, l.whole - l.off)"""


def _versions(table: str, model: str, *events: str) -> str:
    """Records whose version is not the number of what was done with them."""
    names = ", ".join(f"'{model}.{event}'" for event in events)
    return f"""SELECT id FROM {table} r WHERE version <>
        (SELECT count(*) FROM actions_event WHERE model = '{model}' AND record_id = r.id AND name IN ({names}))"""


def _not_as_said(table: str, model: str, states: dict[str, str]) -> str:
    """Records in a state without its event, or whose event has happened without their being in it. states: event ->
    condition of the row."""
    wrong = " OR ".join(f"({row}) <> EXISTS ({_event(model, event)})" for event, row in states.items())
    return f"SELECT id FROM {table} r WHERE {wrong}"


def _event(model: str, event: str) -> str:
    return f"SELECT FROM actions_event WHERE model = '{model}' AND record_id = r.id AND name = '{model}.{event}'"


def _twice(model: str, *events: str) -> str:
    names = ", ".join(f"'{model}.{event}'" for event in events)
    return f"""SELECT record_id FROM actions_event WHERE model = '{model}' AND name IN ({names})
        GROUP BY record_id, name HAVING count(*) > 1"""


def without_event(*prefixes: str) -> str:
    """Runs of these kinds that say nothing, and were not refused: neither they nor what they were part of."""
    mine = " OR ".join(f"r.action LIKE '{prefix}.%'" for prefix in prefixes)
    return f"""SELECT r.id FROM actions_run r WHERE ({mine})
        AND NOT EXISTS (SELECT FROM actions_event WHERE run_id = r.id)
        AND NOT EXISTS (SELECT FROM actions_run whole JOIN actions_request q
            ON q.key = whole.request_key AND q.person_id = whole.person_id AND q.outcome->>'run' IS NULL
            WHERE whole.xid = r.xid)"""


TAKEN = "(SELECT coalesce(sum(quantity), 0) FROM stock_movement WHERE model = 'returns.ticket' AND record = t.id)"
QUOTES = {
    "quote numbers out of order": out_of_order("SELECT id, number FROM quotes_quote WHERE first_id IS NULL"),
    "quotes with two numbers": numbered_twice("quotes_quote"),
    "versions of a quote with a gap or a number of another": """SELECT q.id FROM (SELECT id, number, edition,
            row_number() OVER (PARTITION BY coalesce(first_id, id) ORDER BY edition) AS place,
            first_value(number) OVER (PARTITION BY coalesce(first_id, id) ORDER BY edition) AS base FROM quotes_quote) q
        WHERE edition <> place OR (place > 1 AND number <> base || '-V' || place)""",
    "quotes of which two versions are the last word": """SELECT min(id) FROM quotes_quote
        WHERE state IN ('sent', 'accepted', 'refused') GROUP BY coalesce(first_id, id) HAVING count(*) > 1""",
    "quotes without their two lines": """SELECT id FROM quotes_quote q
        WHERE (SELECT count(*) FROM quotes_quoteline WHERE quote_id = q.id) <> 2""",
    "quotes that are not the sum of their lines": not_the_sum("quotes_quote", "quotes_quoteline", "quote_id"),
    "more pushed down than was quoted": """SELECT l.id FROM quotes_quoteline l JOIN quotes_pushed p
        ON p.quote_line_id = l.id JOIN orders_orderline o ON o.id = p.order_line_id
        GROUP BY l.id HAVING sum(o.quantity) > l.quantity""",
    "pushed down from a quote that the customer has not accepted": """SELECT id FROM quotes_pushed p
        WHERE NOT EXISTS (SELECT FROM quotes_quote WHERE id = p.quote_id AND state = 'accepted')""",
    "orders of a quote with lines that are not the quote's": """SELECT l.id FROM orders_orderline l
        LEFT JOIN quotes_pushed p ON p.order_line_id = l.id LEFT JOIN quotes_quoteline q ON q.id = p.quote_line_id
        WHERE l.order_id IN (SELECT order_id FROM quotes_pushed) AND (l.product_id, l.price, l.order_id, p.quote_id)
            IS DISTINCT FROM (q.product_id, q.price, p.order_id, q.quote_id)""",
    "quotes pushed down without saying so, or the other way round": """SELECT id FROM quotes_quote q
        WHERE (SELECT count(DISTINCT order_id) FROM quotes_pushed WHERE quote_id = q.id) <> (SELECT count(*)
            FROM actions_event WHERE model = 'quotes.quote' AND name = 'quotes.quote.pushed' AND record_id = q.id)""",
    "states of quotes that are not what happened": _not_as_said("quotes_quote", "quotes.quote", {
        "created": "true", "sent": "state <> 'draft'", "accepted": "state = 'accepted'", "refused": "state = 'refused'",
        "replaced": "state = 'replaced'",
    }),
    "steps of a quote taken twice": _twice("quotes.quote", "created", "sent", "accepted", "refused", "replaced"),
    "versions of quotes that are not the number of their events": _versions(
        "quotes_quote", "quotes.quote", "created", "edited", "sent", "accepted", "refused"
    ),
}  # fmt: skip
CHANGES = {
    "change numbers out of order": out_of_order("SELECT id, number FROM changes_change"),
    "changes with two numbers": numbered_twice("changes_change"),
    "orders whose version is not the number of their changes": """SELECT id FROM orders_order o WHERE revision <>
        1 + (SELECT count(*) FROM changes_change WHERE order_id = o.id AND state = 'applied') OR revision <>
        1 + (SELECT count(*) FROM actions_event WHERE model = 'orders.order' AND record_id = o.id
             AND name = 'orders.order.revised')""",
    "changes of a version that another has changed already": """SELECT id FROM (SELECT id, base,
        row_number() OVER (PARTITION BY order_id ORDER BY base, id) AS place FROM changes_change
        WHERE state = 'applied') AS c WHERE base <> place""",
    "lines that are not what their order's last change of them says": """SELECT l.id FROM (
            SELECT DISTINCT ON (l.order_line_id) l.* FROM changes_changeline l JOIN changes_change c
                ON c.id = l.change_id AND c.state = 'applied' WHERE l.order_line_id IS NOT NULL
            ORDER BY l.order_line_id, c.base DESC) AS l
        JOIN orders_orderline o ON o.id = l.order_line_id WHERE (l.quantity, l.price) <> (o.quantity, o.price)""",
    "orders with lines that nobody entered or took out": """SELECT o.id FROM orders_order o WHERE
        EXISTS (SELECT FROM changes_change WHERE order_id = o.id) AND
        (SELECT count(*) FROM orders_orderline WHERE order_id = o.id) <> 3 + (SELECT coalesce(
            sum(CASE WHEN l.was_quantity IS NULL THEN 1 WHEN l.quantity = 0 THEN -1 ELSE 0 END), 0)
            FROM changes_changeline l JOIN changes_change c ON c.id = l.change_id
            WHERE c.order_id = o.id AND c.state = 'applied')""",
    "changes that hold without the amount that their order came to": """SELECT c.id FROM changes_change c
        LEFT JOIN changes_change n ON n.order_id = c.order_id AND n.state = 'applied' AND n.base = c.base + 1
        JOIN orders_order o ON o.id = c.order_id WHERE c.state = 'applied'
            AND c.new_amount IS DISTINCT FROM coalesce(n.amount, o.amount)""",
    "changes of the amount that 财务 need not know, or twice": """SELECT id FROM changes_change c WHERE
        (c.state = 'applied' AND c.new_amount <> c.amount)::int <>
        (SELECT count(*) FROM changes_knowing WHERE change_id = c.id AND revision = c.base + 1)""",
    "states of changes that are not what happened": _not_as_said("changes_change", "changes.change", {
        "created": "true", "applied": "state = 'applied'", "refused": "state = 'refused'",
        "withdrawn": "state = 'withdrawn'",
    }),
    "steps of a change taken twice": _twice("changes.change", "created", "passed_on", "agreed", "applied"),
    "versions of changes that are not the number of their events": _versions(
        "changes_change", "changes.change", "created", "passed_on", "agreed", "applied", "refused", "withdrawn"
    ),
}  # fmt: skip
RETURNS = {
    "return numbers out of order": out_of_order(
        "SELECT id, number FROM returns_ticket UNION ALL SELECT -id, number FROM orders_return"
    ),
    "returns with two numbers": numbered_twice("returns_ticket"),
    "more to come back than was shipped": """SELECT l.order_line_id FROM returns_ticketline l
        JOIN returns_ticket t ON t.id = l.ticket_id AND t.state NOT IN ('refused', 'withdrawn') AND t.kind <> 'repair'
        GROUP BY l.order_line_id HAVING sum(CASE WHEN t.state IN ('asked', 'awaited') THEN l.quantity
            ELSE l.accepted END) > (SELECT coalesce(sum(g.quantity), 0) FROM orders_deliveryline g
            JOIN orders_delivery d ON d.id = g.delivery_id AND d.state <> 'void'
            WHERE g.order_line_id = l.order_line_id)""",
    "more booked as returned than was delivered": """SELECT g.id FROM orders_deliveryline g
        JOIN orders_returnline b ON b.delivery_line_id = g.id GROUP BY g.id HAVING sum(b.quantity) > g.quantity""",
    "returns whose order was told something else": """SELECT t.id FROM returns_ticket t WHERE (SELECT coalesce(
            sum(b.quantity), 0) FROM orders_returnline b WHERE b.returned_id = t.returned_id) <> CASE
        WHEN t.state IN ('inspected', 'settled') AND t.kind IN ('refund', 'exchange')
        THEN (SELECT sum(accepted) FROM returns_ticketline WHERE ticket_id = t.id) ELSE 0 END""",
    "bookings of returns that no return has made, or two": """SELECT id FROM orders_return r
        WHERE (SELECT count(*) FROM returns_ticket WHERE returned_id = r.id) <> 1""",
    "returned goods that are not back in stock, or twice": f"""SELECT id FROM returns_ticket t WHERE {TAKEN} <> CASE
        WHEN t.state IN ('inspected', 'settled') AND t.kind IN ('refund', 'exchange')
        THEN (SELECT sum(good + bad) FROM returns_ticketline WHERE ticket_id = t.id) ELSE 0 END""",
    "bad goods where good ones lie, or the other way round": """SELECT m.id FROM stock_movement m
        JOIN stock_warehouse w ON w.id = m.warehouse_id WHERE m.model = 'returns.ticket' GROUP BY m.id, w.bad
        HAVING sum(m.quantity) > (SELECT CASE WHEN w.bad THEN sum(bad) ELSE sum(good) END FROM returns_ticketline l
            JOIN orders_orderline o ON o.id = l.order_line_id WHERE l.ticket_id = m.record
            AND o.product_id = m.product_id)""",
    "money back that is not what was accepted": """SELECT t.id FROM returns_ticket t WHERE credit <>
        (SELECT sum(credit) FROM returns_ticketline WHERE ticket_id = t.id) OR (kind IN ('exchange', 'again', 'repair')
            AND credit <> 0)""",
    "more money back than a line of an order cost all the time": """SELECT l.order_line_id FROM returns_ticketline l
        JOIN returns_ticket t ON t.id = l.ticket_id AND t.state NOT IN ('refused', 'withdrawn')
        JOIN orders_orderline o ON o.id = l.order_line_id AND NOT EXISTS (SELECT FROM changes_changeline
            WHERE order_line_id = o.id AND price <> was_price)
        GROUP BY l.order_line_id HAVING sum(l.credit) > min(o.price) * sum(l.accepted) + 0.01 * count(*)""",
    "exchanges settled without the order of what goes out, or the other way round": """SELECT id FROM returns_ticket t
        WHERE (sent_again_id IS NOT NULL) <> (state = 'settled' AND kind IN ('exchange', 'again')
            AND (SELECT sum(accepted) FROM returns_ticketline WHERE ticket_id = t.id) > 0)""",
    "states of returns that are not what happened": _not_as_said("returns_ticket", "returns.ticket", {
        "created": "true", "settled": "state = 'settled'",
        "approved": "state IN ('awaited', 'inspected', 'settled') OR state = 'withdrawn' AND approved_at IS NOT NULL",
        "inspected": "state IN ('inspected', 'settled') AND kind IN ('refund', 'exchange', 'repair')",
        "withdrawn": "state = 'withdrawn'",
    }),
    "steps of a return taken twice": _twice("returns.ticket", "created", "approved", "inspected", "settled"),
    "versions of returns that are not the number of their events": _versions(
        "returns_ticket", "returns.ticket", "created", "approved", "inspected", "settled", "refused", "withdrawn"
    ),
}  # fmt: skip
NEVER = QUOTES | CHANGES | RETURNS | {
    "runs of quotes, changes or returns without an event": without_event(
        "quotes.quote", "changes.change", "returns.ticket", "orders.return"
    ),
}  # fmt: skip


def look() -> dict[str, Any]:
    """Quotes, changes and returns with their lines, as the people who made them have been told."""
    from neiqin.modules.changes.models import Change
    from neiqin.modules.orders.models import OrderLine
    from neiqin.modules.quotes.models import Pushed, Quote, QuoteLine
    from neiqin.modules.returns.models import Ticket, TicketLine

    lines: dict[int, list[Any]] = defaultdict(list)
    for order, *line in OrderLine.objects.order_by("pk").values_list("order_id", "product_id", "quantity", "price"):
        lines[order].append(line)
    came = TicketLine.objects.values_list("ticket_id", "order_line_id", "quantity", "good", "bad", "accepted")
    tickets = {pk: {"state": state, "again": again, "lines": {}} for pk, state, again in
               Ticket.objects.values_list("pk", "state", "sent_again_id")}  # fmt: skip
    for ticket, line, *numbers in came:
        tickets[ticket]["lines"][line] = numbers
    pushed = list(Pushed.objects.values_list("quote_id", "quote_line_id", "order_id", "order_line__quantity"))
    quotes = {
        pk: {"state": state, "orders": len({o for q, _, o, _ in pushed if q == pk}), "lines": {}}
        for pk, state in Quote.objects.values_list("pk", "state")
    }
    for quote, line, quantity in QuoteLine.objects.values_list("quote_id", "pk", "quantity"):
        quotes[quote]["lines"][line] = [quantity, sum(n for _, x, _, n in pushed if x == line)]
    return {
        "lines": lines, "quotes": quotes, "tickets": tickets,
        "changes": {c.pk: {"order": c.order_id, "base": c.base, "state": c.state} for c in Change.objects.all()},
        "pushed": sorted({order for _, _, order, _ in pushed}),
        "again": [row["again"] for row in tickets.values() if row["again"]],
    }  # fmt: skip
