"""The order desk as it is looked at inside an installation: who works there, what is there, what should never be."""

from typing import Any

from tests.faults import around_inside
from tests.faults.around_inside import not_the_sum, numbered_twice, out_of_order, without_event

NAME = "订货"  # how the customers begin that only order
TABLES = (
    "orders_order", "orders_orderline", "orders_delivery", "orders_deliveryline", "approvals_request",
    "approvals_node", "approvals_task", *around_inside.TABLES,
)  # fmt: skip


def _entered(order: str) -> str:
    """Of an order that a clerk has entered, not of one that came of a quote or goes out in exchange."""
    return f"""NOT EXISTS (SELECT FROM quotes_pushed WHERE order_id = {order})
        AND NOT EXISTS (SELECT FROM returns_ticket WHERE sent_again_id = {order})"""


NEVER = {
    "order numbers out of order": out_of_order("SELECT id, number FROM orders_order"),
    "delivery numbers out of order": out_of_order("SELECT id, number FROM orders_delivery"),
    "request numbers out of order": out_of_order("SELECT id, number FROM approvals_request"),
    "orders with two numbers": numbered_twice("orders_order"),
    "deliveries with two numbers": numbered_twice("orders_delivery"),
    "orders without their three lines": f"""SELECT id FROM orders_order o WHERE {_entered("o.id")}
        AND NOT EXISTS (SELECT FROM changes_change WHERE order_id = o.id)
        AND (SELECT count(*) FROM orders_orderline WHERE order_id = o.id) <> 3""",
    "orders that are not the sum of their lines": not_the_sum("orders_order", "orders_orderline", "order_id"),
    "orders without their personal key": f"""SELECT id FROM orders_order o
        WHERE {_entered("o.id")}
        AND NOT EXISTS (SELECT FROM personal_personalkey WHERE subject = o.subject AND wrapped <> '')""",
    "versions of orders that are not the number of their events": """SELECT id FROM orders_order o
        WHERE version <> (SELECT count(*) FROM actions_event WHERE model = 'orders.order' AND record_id = o.id
                          AND name IN ('orders.order.created', 'orders.order.submitted', 'orders.order.confirmed',
                                       'orders.order.approved', 'orders.order.revised'))""",
    "steps of an order taken twice": """SELECT record_id FROM actions_event WHERE model = 'orders.order'
        AND name IN ('orders.order.created', 'orders.order.submitted', 'orders.order.confirmed',
                     'orders.order.approved') GROUP BY record_id, name HAVING count(*) > 1""",
    "orders that are approved without having been so, or the other way round": """SELECT id FROM orders_order o
        WHERE (state IN ('approved', 'executing')) <> EXISTS (SELECT FROM actions_event
            WHERE model = 'orders.order' AND record_id = o.id AND name = 'orders.order.approved')""",
    "open requests without an open task or node": """SELECT id FROM approvals_request r WHERE state = 'open' AND NOT (
        EXISTS (SELECT FROM approvals_task t JOIN approvals_node n ON n.id = t.node_id
                WHERE t.request_id = r.id AND t.state = 'open' AND n.state = 'open'))""",
    "finished requests with an open task": """SELECT id FROM approvals_request r WHERE state <> 'open'
        AND EXISTS (SELECT FROM approvals_task WHERE request_id = r.id AND state IN ('open', 'waiting'))""",
    "finished requests with an open node": """SELECT id FROM approvals_request r WHERE state <> 'open'
        AND EXISTS (SELECT FROM approvals_node WHERE request_id = r.id AND state = 'open')""",
    "tasks decided twice": """SELECT row_id FROM actions_change WHERE tbl = 'approvals_task'
        AND after::jsonb->>'state' IN ('agreed', 'refused') GROUP BY row_id HAVING count(*) > 1""",
    "seats decided by two": """SELECT min(id) FROM approvals_task WHERE state IN ('agreed', 'refused')
        GROUP BY node_id, seat HAVING count(*) > 1""",
    "approvals that could not be performed": "SELECT id FROM approvals_request WHERE state = 'failed'",
    "approved requests not performed exactly once": """SELECT id FROM approvals_request r WHERE state = 'done' AND 1 <>
        (SELECT count(*) FROM actions_event WHERE model = r.model AND record_id = r.record_id
         AND name = r.action || '.approved')""",
    "performed without the consent that was waited for": """SELECT record_id FROM approvals_request r
        WHERE state <> 'done' AND EXISTS (SELECT FROM actions_event WHERE model = r.model AND record_id = r.record_id
            AND name = r.model || CASE r.model WHEN 'changes.change' THEN '.applied' WHEN 'quotes.quote' THEN '.sent'
                                  ELSE '.approved' END)""",
    "records with two requests": """SELECT min(record_id) FROM approvals_request
        GROUP BY model, record_id HAVING count(*) > 1""",
    "held runs that are closed though they wait, or the other way round": """SELECT h.id FROM actions_held h
        JOIN approvals_request r ON r.held_id = h.id WHERE (h.closed_at IS NOT NULL) <> (r.state = 'done')""",
    "more out than ordered and the tolerance": """SELECT l.id FROM orders_orderline l
        JOIN catalog_product p ON p.id = l.product_id JOIN orders_deliveryline g ON g.order_line_id = l.id
        JOIN orders_delivery d ON d.id = g.delivery_id AND d.state <> 'void'
        GROUP BY l.id, p.tolerance HAVING sum(g.quantity) > l.quantity * (1 + p.tolerance / 100)""",
    "deliveries without their two lines": """SELECT id FROM orders_delivery d
        WHERE (SELECT count(*) FROM orders_deliveryline WHERE delivery_id = d.id) <> 2""",
    "orders in execution with nothing out, or the other way round": """SELECT id FROM orders_order o
        WHERE (state = 'executing') <> EXISTS (SELECT FROM orders_delivery WHERE order_id = o.id)""",
    "percent shipped that is not what has gone out": """SELECT o.id FROM orders_order o
        JOIN orders_progress p ON p.order_id = o.id WHERE p.shipped IS DISTINCT FROM (
            SELECT coalesce(round(100 * sum(least(l.quantity, coalesce(g.out, 0)) * l.price)
                            / nullif(sum(l.quantity * l.price), 0), 1), 0)
            FROM orders_orderline l LEFT JOIN (SELECT order_line_id, sum(quantity) AS out FROM orders_deliveryline
                GROUP BY order_line_id) g ON g.order_line_id = l.id WHERE l.order_id = o.id)""",
    "stocks that are not the sum of their movements": """SELECT s.id FROM stock_stock s WHERE on_hand <> (
        SELECT sum(quantity) FROM stock_movement WHERE warehouse_id = s.warehouse_id AND product_id = s.product_id)""",
    "deliveries whose goods have not left the warehouse, or twice": """SELECT id FROM orders_delivery d
        WHERE (SELECT coalesce(sum(g.quantity), 0) FROM orders_deliveryline g JOIN orders_orderline l
               ON l.id = g.order_line_id AND l.product_id IS NOT NULL WHERE g.delivery_id = d.id) <>
            (SELECT coalesce(-sum(quantity), 0) FROM stock_movement
             WHERE model = 'orders.delivery' AND record = d.id)""",
    "promotions whose budget is overrun": """SELECT id FROM promotions_promotion p WHERE budget <
        (SELECT coalesce(sum(amount), 0) FROM promotions_use WHERE promotion_id = p.id)""",
    "lines in force at a promotion's price that used nothing of its budget, or the other way round": """SELECT l.id
        FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id WHERE l.price_rule LIKE '促销价《%'
        AND CASE WHEN o.state IN ('approved', 'executing')
            THEN round(l.quantity * l.list_price, 2) - round(l.quantity * l.price, 2) ELSE 0 END
        <> (SELECT coalesce(sum(amount), 0) FROM promotions_use WHERE line = l.id)""",
    "orders without their progress": """SELECT id FROM orders_order o
        WHERE NOT EXISTS (SELECT FROM orders_progress WHERE order_id = o.id)""",
    "runs of orders without an event": without_event("orders.order", "orders.delivery", "approvals.request"),
} | around_inside.NEVER


def people() -> dict[str, Any]:
    """A clerk, two managers, the director, 财务 and who ships; customers that order, products at 100 yuan, in stock,
    the first of them in a promotion whose budget does not last. Clerk and who ships have a session for the pages too.
    """
    from django.conf import settings
    from django.test import Client

    from neiqin.kernel.people import tokens
    from neiqin.kernel.people.actors import actor_of
    from tests import factories

    rights = {f"customers_{r}": "all" for r in factories.CUSTOMER_RIGHTS} | {"catalog_view": "all"}
    rights |= {f"orders_{r}": "all" for r in ("view", "create", "edit", "approve", "ship", "return")}
    rights |= {f"quotes_{r}": "all" for r in ("view", "create", "edit")}
    rights |= {f"changes_{r}": "all" for r in ("view", "create", "answer")}
    rights |= {f"returns_{r}": "all" for r in ("view", "create", "handle")}
    rights |= {"approvals_view": "own"}
    sales = factories.unit("销售部")
    team = factories.unit("华东二组", sales)

    def person(name: str, position: str, unit: Any = team) -> Any:
        return factories.person(name, unit_=unit, position_=factories.position(position, **rights))

    def token(someone: Any) -> str:
        return tokens.issue(factories.login_of(someone).username)

    def cookie(someone: Any) -> str:
        name = settings.SESSION_COOKIE_NAME
        return f"{name}={factories.sign_in(Client(), someone).cookies[name].value}"

    clerk, shipper = person("林知夏", "销售助理"), person("侯志强", "仓库")
    person("童瑶", "财务")
    manager = person("陆建国", "销售经理")
    approvers = [
        manager, factories.person("程望舒", unit_=team, position_=manager.position), person("许曼", "销售总监", sales)
    ]  # fmt: skip
    goods = [factories.product(tolerance=t) for t in ("0", "0", "10", "25")]
    place = factories.warehouse(main=True)
    factories.warehouse("不良品仓", bad=True)
    for one in goods:
        factories.stocked(one, 100_000, place)
    factories.price_list(dict.fromkeys(goods, 100))
    factories.promotion({goods[0]: 96}, running=True, budget="1500")
    rep = actor_of(person("郑可", "销售代表").pk)
    return {
        "clerk": token(clerk),
        "clerk_cookie": cookie(clerk),
        "shipper": token(shipper),
        "shipper_cookie": cookie(shipper),
        "approvers": [(p.pk, token(p)) for p in approvers],
        "customers": [factories.customer(rep, f"{NAME}{n}机械有限公司").pk for n in "甲乙丙"],
        "products": [p.pk for p in goods],
    }


def look() -> dict[str, Any]:
    """The orders with their states, the requests, who has decided what, how much of each line is out; what is around
    them."""
    from django.db.models import F, Sum

    from neiqin.kernel.approvals.models import Request, Task
    from neiqin.kernel.personal.columns import open_columns
    from neiqin.modules.orders.models import DeliveryLine, Order

    around = around_inside.look()
    orders = list(Order.objects.exclude(pk__in=[*around["pushed"], *around["again"]]))
    unread = [
        o.pk for o, t in zip(orders, open_columns(orders, ["consignee"]), strict=True) if t["consignee"] != "潘工"
    ]
    decided = Task.objects.filter(state__in=("agreed", "refused")).exclude(way=Task.Way.KNOWN)
    out = DeliveryLine.objects.values_list("order_line_id").annotate(Sum("quantity"))
    return {
        "orders": {o.pk: o.state for o in orders},
        "unread": unread,
        "requests": list(Request.objects.values("id", "state", "model", record=F("record_id"))),
        "decisions": list(decided.values_list("request_id", "person_id", "state")),
        "shipped": {line: f"{n.normalize():f}" for line, n in out},
    } | around
