"""Lists at 10,000 and 1,000,000 customers, as a rep who sees 10,000: the ones changed last, or those changed first.

The two sizes are measured by turns, so that what else happens on the machine meets both. Server time is that of the
whole WSGI application; the same page over HTTP from granian is told beside it.
"""

from typing import Any
from urllib.parse import quote

from bench.base import LARGE, SMALL, Client, Inside, Results, cpu_text, load, median, neiqin_web, p10, p95
from bench.companies import have

LIST = "/customers/customer/"
ROUNDS, EACH = 6, 8
SLOW = 100  # ms: such a case is repeated less often
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
    "search_phone": f"{LIST}?q=1234",
}
# Within 25 ms: lists filtered by words, frequent and rare, for a rep and for one who sees everything.
WORDS = {
    "search_words": f"{LIST}?q={quote('精密')}",
    "search_initials": f"{LIST}?q=szjm",
    "search_pinyin": f"{LIST}?q=suzhou&sort=pinyin",
    "search_two": f"{LIST}?q={quote('苏州 泵')}",
    "search_all": f"{LIST}?q={quote('有限公司')}",
    "search_rare": f"{LIST}?q={quote('髹')}",
}
# Within 8 ms: what is asked at each key pressed.
TYPED = {
    "two": "精密",
    "initials": "szjm",
    "pinyin": "suzh",
    "one": "王",
    "letter": "w",
    "number": "kh0007",
    "none": "髹漆",
}


def run(results: Results, cluster: Any) -> None:
    """All cases for both reps, both sizes; then some over HTTP."""
    (small, _), (large, _) = have(cluster, SMALL), have(cluster, LARGE)
    with Inside(small) as ten, Inside(large) as million:
        for who in ("newest", "oldest"):
            _rep(results, who, ten, million)
        for who in ("newest", "oldest", "supervisor"):
            _searches(results, who, million)
        _others(results, million)
        _http(results, large, million)


def _rep(results: Results, who: str, ten: Inside, million: Inside) -> None:
    cookies = {site: site("session", login=who) for site in (ten, million)}
    slow: set[tuple[str, Inside]] = set()
    cases = {case: path for case, path in (FAST | OTHER).items() if results.wants(f"list.{who}.{case}")}
    times: dict[tuple[str, Inside], list[float]] = {(case, site): [] for case in cases for site in cookies}
    queries: dict[tuple[str, Inside], int] = {}
    # Round by round through all cases, so that a bad moment of the machine does not fall on one of them.
    for turn in range(ROUNDS + 1):
        for case, path in cases.items():
            for site, cookie in cookies.items():
                key = case, site
                address = site("next_page", path=LIST, cookie=cookie) if path == "next" else path
                found = site("pages", path=address, cookie=cookie, n=2 if not turn or key in slow else EACH)
                if turn:
                    times[key] += found["times"]
                elif median(found["times"]) > SLOW:
                    slow.add(key)
                # The fewest of all rounds: once a minute a request also notes when the person was last seen.
                queries[key] = min(queries.get(key, found["queries"]), found["queries"])
    for case in cases:
        name, large, small = f"list.{who}.{case}", times[case, million], times[case, ten]
        fast = case in FAST
        quiet = f"the fastest tenth within {p10(large):.1f} ms"
        results.add(name, median(large), "ms", 15 if fast else 40, most=1, extra=quiet)
        results.add(f"{name}.p95", p95(large), "ms", 40 if fast else None, most=1 if fast else None)
        same = queries[case, ten] == queries[case, million]
        said = f"queries {queries[case, ten]} at 10k, {queries[case, million]} at 1M"
        results.add(f"{name}.growth", median(large), "ms", median(small), most=2, extra=said, also=same)


def _searches(results: Results, who: str, million: Inside) -> None:
    """Lists by words, pickers and the palette at 1,000,000."""
    cases = {f"search.{who}.list.{case}": (path, 25) for case, path in WORDS.items()}
    for kind, path in (("picker", f"{LIST}pick/"), ("palette", "/search/")):
        cases |= {f"search.{who}.{kind}.{case}": (f"{path}?q={quote(typed)}", 8) for case, typed in TYPED.items()}
    cookie = million("session", login=who)
    for name, (path, limit) in cases.items():
        if results.wants(name):
            million("pages", path=path, cookie=cookie, n=3)
            found = million("pages", path=path, cookie=cookie, n=25)
            quiet = f"the fastest tenth within {p10(found['times']):.1f} ms, {found['queries']} queries"
            results.add(name, median(found["times"]), "ms", limit, most=1, extra=quiet)


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
