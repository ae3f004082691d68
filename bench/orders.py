"""The order desk: one order of three lines, many at once, ten thousand audited, one decision of an approver; the list
at a million orders, for a rep and for one who sees all; what a change causes, a long quote, orders out of chats."""

from typing import Any

from bench.base import SMALL, Inside, Results, cpu_text, load, median, neiqin_web, p95, say, scratch, superuser
from bench.companies import have

MANY, ROWS = 10_000, 100_000
LISTED = 1_000_000
LIST = "/orders/order/"
# case -> (address, limit at the median in ms): the budgets of the customers' lists.
CASES = {
    "first": (LIST, 15), "number": (f"{LIST}?sort=-number", 15), "backwards": (f"{LIST}?sort=doc_date", 15),
    "filter_day": (f"{LIST}?f=doc_date:span:month", 15), "filter_number": (f"{LIST}?f=number:is:BX00777777", 15),
    "filter_state": (f"{LIST}?f=state:in:approved", 40), "filter_two": (f"{LIST}?f=state:in:approved,executing", 40),
    "late": (f"{LIST}?f=state:in:approved&sort=doc_date", 40),
}  # fmt: skip
# name -> what makes the requests of a page, with what, limit at the median in ms, and in words.
PAGES: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "changes.look.20": ("change_looks", {"lines": 20, "shipped": True}, 150, "20 lines doubled, some out already"),
    "changes.look.200": ("change_looks", {"lines": 200, "shipped": False}, 150, "200 lines doubled"),
    "quotes.save.200": ("quote_saves", {"lines": 200}, 300, "a new quote of 200 lines by its form"),
}


def run(results: Results, cluster: Any) -> None:
    """In copies of the small company, as orders and requests stay."""
    template, _ = have(cluster, SMALL)
    if any(results.wants(f"orders.{name}") for name in ("create", "many", "approve.10000")) or results.wants(
        "approvals.decide"
    ):
        _desk(results, cluster, template)
    if results.wants("orders.file"):
        _files(results, cluster, template)
    _impacts(results, cluster, template)
    _pages(results, cluster, template)
    if results.wants("chats"):
        _chats(results, cluster, template)
    if results.wants("orders.clients8"):
        _clients(results, cluster, template)
    if any(results.wants(f"orders.list.{who}.{case}") for who in ("newest", "supervisor") for case in CASES):
        _lists(results, cluster, template)


def _impacts(results: Results, cluster: Any, template: str) -> None:
    """What a change would cause, without the page around it."""
    for lines in (3, 50):
        if results.wants(f"changes.impact.{lines}"):
            with scratch(cluster, template) as database, Inside(database) as inside:
                times = inside("changes_impact", n=40, lines=lines)
            said = f"every line of {lines} doubled, with the departments; p95 {p95(times):.0f} ms"
            results.add(f"changes.impact.{lines}", median(times), "ms", 150, most=1, extra=said)


def _pages(results: Results, cluster: Any, template: str) -> None:
    """Server time of the requests of pages; the processor time of it tells more where others work too."""
    for name, (call, given, limit, words) in PAGES.items():
        if results.wants(name):
            with scratch(cluster, template) as database, Inside(database) as inside:
                found = inside("send", requests=inside(call, n=22, login="supervisor", **given))
            times, busy = found["times"], found["busy"]
            extra = f"{words}; p95 {p95(times):.0f} ms, at work {median(busy):.0f} ms, {found['queries']} queries"
            results.add(name, median(times), "ms", limit, most=1, extra=extra)


def _chats(results: Results, cluster: Any, template: str) -> None:
    """Of fifty messages the share of things that is understood, and how long thirty lines take."""
    with scratch(cluster, template) as database, Inside(database) as inside:
        found = inside("chat_orders", n=20)
    said = f"of {found['wanted']} things in 50 messages, 50,000 products"
    wrong = f"{said}; {found['wrong']} certain and wrong"
    results.add("chats.right.first", 100 * found["first"] / found["wanted"], "%", 70, least=1, extra=wrong)
    results.add("chats.right.corrected", 100 * found["second"] / found["wanted"], "%", 90, least=1, extra=said)
    times = found["times"]
    extra = f"{found['lines']} lines read and matched; p95 {p95(times):.0f} ms"
    results.add("chats.match.30", median(times), "ms", 300, most=1, extra=extra)


def _lists(results: Results, cluster: Any, template: str) -> None:
    with scratch(cluster, template) as database, Inside(database) as inside:
        say(f"making {LISTED:,} orders")
        with superuser(cluster, database) as connection:
            statements = inside("orders_filling", n=LISTED)
            connection.execute("SET session_replication_role = replica")  # neither history nor search words
            for statement in statements:
                connection.execute(statement)
            connection.execute("VACUUM ANALYZE")
        for who in ("newest", "supervisor"):
            cookie = inside("session", login=who)
            for case, (path, limit) in CASES.items():
                if results.wants(f"orders.list.{who}.{case}"):
                    found = inside("pages", path=path, cookie=cookie, n=20)
                    times = found["times"]
                    results.add(
                        f"orders.list.{who}.{case}", median(times), "ms", limit, most=1,
                        extra=f"{LISTED:,} orders; p95 {p95(times):.1f} ms, {found['queries']} queries",
                    )  # fmt: skip


def _desk(results: Results, cluster: Any, template: str) -> None:
    with scratch(cluster, template) as database, Inside(database) as inside:
        sent = inside("send", requests=inside("order_requests", n=200, start=0, login="supervisor"))
        found = inside("orders_desk", n=200, many=MANY)
    api = sent["times"]
    said = f"three lines through the API, middleware included; p95 {p95(api):.1f} ms, {sent['queries']} queries"
    results.add("orders.create.api", median(api), "ms", 12, most=1, extra=said)
    one, decision = found["create"], found["decide"]
    results.add("orders.create", median(one), "ms", 12, most=1, extra=f"three lines, priced; p95 {p95(one):.1f} ms")
    results.add("orders.many", found["many"], "orders/s", extra=f"{MANY:,} of three lines, {found['many_s']:.1f} s")
    results.add(
        "orders.approve.10000", found["approve"], "s", 3, most=1, extra="price level, credit, assignment, clocks"
    )
    results.add(
        "approvals.decide", median(decision), "ms", 15, most=1, extra=f"the last consent; p95 {p95(decision):.1f} ms"
    )


def _files(results: Results, cluster: Any, template: str) -> None:
    """A platform's file of 100,000 rows: each an order of its own, or three an order."""
    for items in (1, 3):
        if results.wants(f"orders.file.{items}"):
            with scratch(cluster, template) as database, Inside(database) as inside:
                found = inside("orders_file", rows=ROWS, items=items, first=10**9)
            orders, seconds, most = found["orders"], found["seconds"], found["peak"]
            results.add(
                f"orders.file.{items}", seconds, "s", 20, most=1, also=most <= 512,
                extra=f"{ROWS:,} rows of {orders:,} orders, {orders / seconds:,.0f} orders/s; {most:.0f} MB at most "
                f"({found['before']:.0f} before)",
            )  # fmt: skip


def _clients(results: Results, cluster: Any, template: str) -> None:
    """Orders of three lines from eight clients through the API."""
    with scratch(cluster, template) as database, Inside(database) as inside, neiqin_web(database) as web:
        rates = []
        for at in range(3):
            requests = inside("order_requests", n=400, start=at * 1000, login="supervisor")
            answer = load(web, requests, 8)
            if answer["statuses"] != {"201": len(requests)}:
                raise RuntimeError(f"orders: {answer['statuses']}")
            rates.append(len(requests) / answer["seconds"])
        results.add("orders.clients8", median(rates), "per s", 200, least=1, extra=cpu_text(answer))
