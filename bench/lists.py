"""Lists at 10,000 and 1,000,000 customers, as a rep who sees 10,000: the ones changed last, or those changed first.

The two sizes are measured by turns, so that what else happens on the machine meets both. Server time is that of the
whole WSGI application; the same page over HTTP from granian is told beside it.
"""

from typing import Any
from urllib.parse import quote

from bench.base import LARGE, SMALL, Client, Inside, Results, cpu_text, load, median, neiqin_web, p95
from bench.companies import have

LIST = "/customers/customer/"
ROUNDS, EACH = 6, 10
# Within 15 ms at the median and 40 at p95: what the design calls fast.
FAST = {
    "first": LIST,
    "next": "next",
    "pinyin": f"{LIST}?sort=pinyin",
    "number": f"{LIST}?sort=number",
    "backwards": f"{LIST}?sort=updated_at",
    "filter_updated": f"{LIST}?f=updated_at:span:year",
    "filter_number": f"{LIST}?f=number:is:KH000777",
}
# Within 40 ms: other sorts and filters within the cap.
OTHER = {
    "filter_state": f"{LIST}?f=state:in:active",
    "filter_level": f"{LIST}?f=level:in:key",
    "filter_industry": f"{LIST}?f=industry:is:{quote('泵阀')}",
    "filter_name": f"{LIST}?f=name:has:{quote('精密')}",
    "filter_level_pinyin": f"{LIST}?f=level:in:key&sort=pinyin",
    "sort_credit": f"{LIST}?sort=-credit_limit",
    "sort_credit_filter": f"{LIST}?sort=-credit_limit&f=level:in:key",
    "search_words": f"{LIST}?q={quote('精密')}",
    "search_initials": f"{LIST}?q=szjm",
    "search_phone": f"{LIST}?q=1234",
}


def run(results: Results, cluster: Any) -> None:
    """All cases for both reps, both sizes; then some over HTTP."""
    (small, _), (large, _) = have(cluster, SMALL), have(cluster, LARGE)
    with Inside(small) as ten, Inside(large) as million:
        for who in ("newest", "oldest"):
            _rep(results, who, ten, million)
        _others(results, million)
        _http(results, large, million)


def _rep(results: Results, who: str, ten: Inside, million: Inside) -> None:
    cookies = {site: site("session", login=who) for site in (ten, million)}
    for case, path in (FAST | OTHER).items():
        name = f"list.{who}.{case}"
        if not results.wants(name):
            continue
        times: dict[Inside, list[float]] = {ten: [], million: []}
        queries: dict[Inside, int] = {}
        for turn in range(ROUNDS + 1):
            for site, cookie in cookies.items():
                address = site("next_page", path=LIST, cookie=cookie) if path == "next" else path
                found = site("pages", path=address, cookie=cookie, n=EACH if turn else 3)
                if turn:  # the first round warms up
                    times[site] += found["times"]
                queries[site] = found["queries"]
        value = median(times[million])
        results.add(name, value, "ms", 15 if case in FAST else 40, most=1)
        results.add(
            f"{name}.p95", p95(times[million]), "ms", 40 if case in FAST else None, most=1 if case in FAST else None
        )
        same = queries[ten] == queries[million]
        said = f"queries {queries[ten]} at 10k, {queries[million]} at 1M"
        results.add(f"{name}.growth", value, "ms", median(times[ten]), most=2, extra=said, also=same)


def _others(results: Results, million: Inside) -> None:
    """Wider scopes, for information: an assistant of four reps, a manager of five groups, one who sees everything."""
    for who in ("assistant1", "manager1", "director", "supervisor"):
        cookie = million("session", login=who)
        for case in ("first", "pinyin", "filter_state"):
            name = f"list.{who}.{case}"
            if results.wants(name):
                million("pages", path=(FAST | OTHER)[case], cookie=cookie, n=3)
                found = million("pages", path=(FAST | OTHER)[case], cookie=cookie, n=20)
                results.add(name, median(found["times"]), "ms")


def _http(results: Results, large: str, million: Inside) -> None:
    if not results.wants("list.http"):
        return
    cookie = million("session", login="newest")
    with neiqin_web(large) as web:
        client = Client(web.port, cookie)
        client.times(LIST, 10)
        over, inside = [], []
        for _ in range(ROUNDS):
            over += client.times(LIST, EACH)
            inside += million("pages", path=LIST, cookie=cookie, n=EACH)["times"]
        results.add("list.http.first", median(over), "ms", median(inside), extra="limit: the same inside one process")
        requests = [{"method": "GET", "path": LIST, "headers": {"Cookie": cookie}}] * 400
        found = load(web, requests, 8)
        results.add("list.http.clients8", len(requests) / found["seconds"], "pages/s", extra=cpu_text(found))
