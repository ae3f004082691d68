"""What a logged-in page costs beside bare Django under the same server, and what pages weigh (DESIGN section 10)."""

import gzip
import re
from typing import Any

from bench.base import (
    DATA,
    LARGE,
    Client,
    Inside,
    Results,
    Web,
    cpu_text,
    drop_database,
    load,
    make_database,
    median,
    neiqin_web,
    run_python,
)
from bench.companies import have

BARE = {"DJANGO_SETTINGS_MODULE": "bench.bare.settings"}
ROUNDS, EACH = 8, 25


def run(results: Results, cluster: Any) -> None:
    database, _ = have(cluster, LARGE)
    if results.wants("trivial"):
        _trivial(results, cluster, database)
    if results.wants("page"):
        _weights(results, database)


def _trivial(results: Results, cluster: Any, database: str) -> None:
    """A page of two words for signed-in people: ours with all its middleware, and one of a new Django project."""
    make_database(cluster, "bench_bare", empty=True)
    cookie = run_python("-m", "bench.bare", "prepare", database="bench_bare", **BARE).strip()
    with Inside(database) as inside:
        ours_cookie = inside("session", login="newest")
    with (
        neiqin_web(database, DJANGO_SETTINGS_MODULE="bench.trivial") as ours,
        Web(["-m", "bench.bare", "serve"], "bench_bare", ready="/healthz", **BARE) as bare,
    ):
        sites = {"ours": Client(ours.port, ours_cookie), "bare": Client(bare.port, cookie)}
        times: dict[str, dict[str, list[float]]] = {"trivial": {}, "shell": {}}
        for turn in range(ROUNDS + 1):
            for name, client in sites.items():
                found = client.times("/trivial/", EACH)
                if turn:
                    times["trivial"].setdefault(name, []).extend(found)
            found = sites["ours"].times("/shell/", EACH)
            if turn:
                times["shell"].setdefault("ours", []).extend(found)
        limit = median(times["trivial"]["bare"])
        results.add("trivial.page", median(times["trivial"]["ours"]), "ms", limit, most=2)
        results.add("trivial.shell", median(times["shell"]["ours"]), "ms", limit, extra="the same in the whole shell")
        rates, said = {}, []
        for name, web, kept in (("ours", ours, ours_cookie), ("bare", bare, cookie)):
            requests = [{"method": "GET", "path": "/trivial/", "headers": {"Cookie": kept}}] * 1500
            found = [load(web, requests, 8) for _ in range(2)]
            rates[name] = max(len(requests) / one["seconds"] for one in found)
            said.append(f"{name}: {cpu_text(found[-1])}")
        results.add("trivial.clients8", rates["ours"], "pages/s", rates["bare"], least=0.5, extra="; ".join(said))
    drop_database(cluster, "bench_bare")


def _weights(results: Results, database: str) -> None:
    """Bytes as gzip makes them, queries, and server time of the four kinds of page."""
    with Inside(database) as inside:
        cookie = inside("session", login="newest")
        record = inside("visible_record", login="newest")
        place = f"/customers/customer/{record}/"
        kinds = {
            "list": ("/customers/customer/", 20, 200, False),
            "list_swap": ("/customers/customer/?sort=pinyin", 15, 200, True),
            "record": (place, 12, 150, False),
            "form": (f"{place}edit/", 15, 150, False),
            "new": ("/customers/customer/new/", 15, 150, False),
            "action": (f"{place}reveal/", 12, 150, True),
        }
        for kind, (path, kilobytes, most, htmx) in kinds.items():
            inside("pages", path=path, cookie=cookie, n=3, htmx=htmx)
            found = inside("pages", path=path, cookie=cookie, n=30, htmx=htmx)
            results.add(f"page.{kind}.html", found["gzip"] / 1024, "KB", kilobytes, most=1)
            results.add(f"page.{kind}.time", median(found["times"]), "ms", most, most=1)
            results.add(f"page.{kind}.queries", found["queries"], "queries", 12, most=1)
        for kind, path in (("list", "/customers/customer/"), ("record", place), ("form", f"{place}edit/")):
            html = inside("html", path=path, cookie=cookie)
            weight = len(gzip.compress(html.encode(), 6)) + sum(_asset(a) for a in _assets(html))
            results.add(f"page.{kind}.total", weight / 1024, "KB", 85 if kind == "form" else 75, most=1)


def _assets(html: str) -> set[str]:
    """Scripts, styles and the sprite that this page loads."""
    return set(re.findall(r'/static/([^"#?\' ]+\.(?:js|css|svg|webmanifest))', html))


def _asset(path: str) -> int:
    return len(gzip.compress((DATA / "static" / path).read_bytes(), 6))
