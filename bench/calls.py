"""Who calls: a number looked up among a million contacts, and the page that says so."""

from typing import Any

from bench.base import LARGE, Inside, Results, median, p95
from bench.companies import have

ASKED = 50


def run(results: Results, cluster: Any) -> None:
    database, _ = have(cluster, LARGE)
    with Inside(database) as inside:
        found = inside("recognised", n=ASKED)
        page = inside("pages", path="/calls/ring/?number=13800138000", cookie=inside("session", login="newest"), n=25)
    results.add(
        "calls.popup", p95(found["times"]), "ms", 10, most=1, extra="95 of 100 numbers", also=found["found"] == 5
    )
    results.add("calls.popup.page", median(page["times"]), "ms", extra=f"{page['queries']} queries")
