"""python -m bench [NAME …]: run all benchmarks, or those whose names begin so (list, list.newest.first, bulk, …)."""

import sys
from collections.abc import Callable
from typing import Any

from bench import actions, calls, companies, lists, orders, pages, pool, printing, system, tables
from bench.base import LARGE, Results, cluster, say

Group = Callable[[Results, Any], None]


def _company(results: Results, found: Any) -> None:
    _, seconds = companies.have(found, LARGE)
    results.add("company.generate", seconds, "s", 300, most=1, extra="1,000,000 customers, once")


GROUPS: dict[tuple[str, ...], Group] = {
    ("company",): _company,
    ("list", "search"): lists.run,
    ("trivial", "page"): pages.run,
    ("one", "clients8", "preview", "bulk", "audit", "seal", "verify"): actions.run,
    ("import", "export"): tables.run,
    ("print",): printing.run,
    ("pool",): pool.run,
    ("calls",): calls.run,
    ("orders", "approvals", "changes", "quotes", "chats"): orders.run,
    ("demo", "memory", "restart"): system.run,
}


def main() -> int:
    """0 when all was measured, whatever came out (the lines tell); 2 for a wrong name."""
    results = Results(sys.argv[1:])
    chosen = [group for names, group in GROUPS.items() if any(results.wants(name) for name in names)]
    if not chosen:
        say("names begin with " + ", ".join(name for names in GROUPS for name in names))
        return 2
    # First, and without our own cluster: what two servers share would count half for each.
    if system.run in chosen:
        system.run(results, None)
        chosen.remove(system.run)
    if chosen:
        with cluster() as found:
            for group in chosen:
                group(results, found)
    missed = [line["name"] for line in results.lines if not line["ok"]]
    say(f"{len(results.lines)} lines, {len(missed)} over their limit: {', '.join(missed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
