"""The order desk: one order of three lines, many at once, ten thousand audited, one decision of an approver."""

from typing import Any

from bench.base import SMALL, Inside, Results, median, p95, scratch
from bench.companies import have

MANY = 10_000


def run(results: Results, cluster: Any) -> None:
    """In a copy of the small company, as orders and requests stay."""
    template, _ = have(cluster, SMALL)
    with scratch(cluster, template) as database, Inside(database) as inside:
        found = inside("orders_desk", n=200, many=MANY)
    one, decision = found["create"], found["decide"]
    results.add("orders.create", median(one), "ms", 12, most=1, extra=f"three lines, priced; p95 {p95(one):.1f} ms")
    results.add("orders.many", found["many"], "orders/s", extra=f"{MANY:,} of three lines, {found['many_s']:.1f} s")
    results.add(
        "orders.approve.10000", found["approve"], "s", 3, most=1, extra="price level, credit, assignment, clocks"
    )
    results.add(
        "approvals.decide", median(decision), "ms", 15, most=1, extra=f"the last consent; p95 {p95(decision):.1f} ms"
    )
    results.add(
        "orders.file", found["file"], "orders/s", extra=f"a platform file of {MANY:,} rows, {found['file_s']:.1f} s"
    )
