"""The nightly run of the public pool over the big company: a tenth of it forgotten, then nothing left to do."""

from typing import Any

from bench.base import LARGE, Inside, Results, scratch
from bench.companies import have

SHARE = 10


def run(results: Results, cluster: Any) -> None:
    """In a copy, as the run takes customers from their owners."""
    template, _ = have(cluster, LARGE)
    with scratch(cluster, template) as database, Inside(database) as inside:
        found = inside("pool_night", share=SHARE)
    said = f"{found['pooled']:,} of 1,000,000 fell"
    results.add("pool.night", found["night"], "s", 60, most=1, extra=said, also=found["again"] == 0)
    results.add("pool.night.empty", found["empty"], "s", extra="nothing left to take")
    results.add("pool.ahead", found["ahead"], "s", extra="the page before the night, for who sees everything")
