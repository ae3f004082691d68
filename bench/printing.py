"""Lists on paper: a rep's list from the database to the PDF, 300 rows as one waits for it, 4,000 as a job does."""

import json
import time
from typing import Any

from bench.base import SMALL, Results, median, run_python, scratch
from bench.companies import have

ROWS = {300: 0.5, 4000: None}  # rows -> seconds it may take


def run(results: Results, cluster: Any) -> None:
    """In a copy of the small company."""
    name, _ = have(cluster, SMALL)
    with scratch(cluster, name) as database:
        found = json.loads(run_python("-m", "bench.printing", database=database))
    for rows, limit in ROWS.items():
        one = found[str(rows)]
        said = f"first in the process {one['first']:.2f} s, {one['bytes'] / 1024:,.0f} KB"
        results.add(f"print.list_{rows}", median(one["times"]), "s", limit, most=1 if limit else None, extra=said)


def main() -> None:
    """Inside the measured process: prints one JSON object."""
    from neiqin.config.setup import setup_as

    setup_as("app")
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.kernel.printing import lists
    from neiqin.kernel.resources.resource import site

    person_id = Login.objects.get(username="newest").person_id
    assert person_id is not None
    person, resource, found = actor_of(person_id), site().resources["customers.customer"], {}
    for rows in ROWS:
        lists.MOST, times, body = rows, [], b""
        for _ in range(6):
            begun = time.perf_counter()
            body, count = lists.list_pdf(resource, person, "sort=pinyin")
            times.append(time.perf_counter() - begun)
            assert count == rows, (count, rows)
        found[rows] = {"first": times[0], "times": times[1:], "bytes": len(body)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
