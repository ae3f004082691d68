"""What runs inside a measured process: requests through the WSGI application without a server, and actions.

`python -m bench.inside` answers one JSON object a line, {"call": function, "with": arguments}, until its input ends.
The time of a request is that of the whole application, middleware and database included: what the design calls server
time. The socket and granian are measured from outside.
"""

import gc
import gzip
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

CSRF = "benchbenchbenchbenchbenchbench12"
BULK = 10_000


def main() -> None:
    """Serve calls from standard input."""
    from neiqin.config.setup import setup_as

    setup_as("app")
    from bench import chats, desk

    known = globals() | vars(desk) | vars(chats)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = known[asked["call"]](**asked["with"])
        sys.stdout.write(json.dumps(answer, default=str) + "\n")
        sys.stdout.flush()


# Pages


def session(login: str) -> str:
    """The cookie header of a fresh session of this login, as the adapter makes one after a password."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from neiqin.kernel import clock
    from neiqin.kernel.people.models import Login

    found, store = Login.objects.get(username=login), SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(found.pk), found.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "neiqin.kernel.people.authentication.LoginBackend"
    store["stamp"], store["seen"] = str(found.session_stamp), clock.now().isoformat()
    store.save()
    return f"neiqin={store.session_key}; csrftoken={CSRF}"


def pages(path: str, cookie: str, n: int, htmx: bool = False) -> dict[str, Any]:
    """Ask for a page n times: milliseconds, and of the first time the queries and the bytes."""
    headers = {"HTTP_HX_REQUEST": "true"} if htmx else {}
    with _counted() as queries:
        status, body = _request("GET", path, cookie, **headers)
    if status != 200:
        raise RuntimeError(f"{path} answered {status}: {body[:300].decode(errors='replace')}")
    times = [_milliseconds(lambda: _request("GET", path, cookie, **headers)) for _ in range(n)]
    return {"times": times, "queries": len(queries), "timed": queries, "gzip": len(gzip.compress(body, 6))}


def html(path: str, cookie: str) -> str:
    """The page itself."""
    return _request("GET", path, cookie)[1].decode()


def visible_record(login: str) -> int:
    """A customer of this person."""
    from neiqin.kernel.people.models import Login
    from neiqin.modules.customers.models import Customer

    owner = Login.objects.get(username=login).person_id
    return Customer.objects.filter(owner_id=owner).order_by("-updated_at").values_list("pk", flat=True)[100]


def token(login: str) -> str:
    """A new API token."""
    from neiqin.kernel.people import tokens

    return tokens.issue(login)


def next_page(path: str, cookie: str) -> str:
    """The address behind the button for the next page."""
    import html
    import re

    _, body = _request("GET", path, cookie)
    found = re.search(r'href="([^"]*after=[^"]*)"', body.decode())
    if found is None:
        raise RuntimeError(f"{path} has no next page")
    return html.unescape(found[1])


def send(requests: list[dict[str, Any]]) -> dict[str, Any]:
    """Send prepared requests, each once: milliseconds of all but the first two, those of them that this process was at
    work, and the queries of one."""
    times, busy, queries = [], [], 0
    for at, one in enumerate(requests):
        headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in one["headers"].items() if k != "Content-Type"}
        given = {"body": one["body"].encode(), "CONTENT_TYPE": one["headers"]["Content-Type"]} | headers
        with _counted() as found:
            begun, worked = time.perf_counter(), time.process_time()
            status, body = _request(one["method"], one["path"], **given)
            times.append((time.perf_counter() - begun) * 1000)
            busy.append((time.process_time() - worked) * 1000)
        if at == 1:
            queries = len(found)
        if status not in (200, 201, 302):
            raise RuntimeError(f"{one['path']} answered {status}: {body[:2000].decode(errors='replace')}")
    return {"times": times[2:], "busy": busy[2:], "queries": queries}


def _request(method: str, path: str, cookie: str = "", body: bytes = b"", **environ: str) -> tuple[int, bytes]:
    from neiqin.config.wsgi import application

    place, _, query = path.partition("?")
    status = [0]

    def start(line: str, headers: Any, *_: Any) -> Callable[[bytes], None]:
        status[0] = int(line.split()[0])
        return lambda _data: None

    given = {
        "REQUEST_METHOD": method, "PATH_INFO": place, "QUERY_STRING": query, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookie, "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/x-www-form-urlencoded", "SCRIPT_NAME": "",
    } | environ  # fmt: skip
    answer = application(given, start)
    content = b"".join(answer)
    answer.close()
    return status[0], content


@contextmanager
def _counted() -> Iterator[list[tuple[str, float]]]:
    from django.db import connection

    found: list[tuple[str, float]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            found.append((sql, (time.perf_counter() - begun) * 1000))

    with connection.execute_wrapper(note):
        yield found


def _milliseconds(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def recognised(n: int) -> dict[str, Any]:
    """Ask n times who has the number of a contact anywhere in the company: milliseconds, and how many were found."""
    from neiqin.kernel.personal.columns import open_columns
    from neiqin.modules.calls import knowing
    from neiqin.modules.customers.models import Contact

    last = Contact.objects.order_by("-pk").values_list("pk", flat=True)[0]
    rows = list(Contact.objects.filter(pk__in=[last * (at + 1) // (n + 1) for at in range(n)]))
    numbers = [texts["mobile"] or "" for texts in open_columns(rows, ["mobile"])]
    knowing.recognise(numbers[:1])
    found = sum(bool(knowing.recognise([number])) for number in numbers[:5])
    return {"times": [_milliseconds(lambda x=number: knowing.recognise([x])) for number in numbers], "found": found}


# Requests that write


def creations(n: int, start: int, api: bool, login: str) -> list[dict[str, Any]]:
    """Requests that make n customers, all different, as this person: forms, or JSON for the API."""
    from bench.generate_names import companies, mobiles, person_names, regions

    found = []
    headers = _headers(api, login)
    names, people, numbers = companies(n, seed=start + 77), person_names(n, start), mobiles(n, start)
    for at, ((name, short, place), person, mobile) in enumerate(zip(names, people, numbers, strict=True)):
        region = regions()[place]
        values = {
            "name": f"{name}{start}", "short_name": short[:40], "kind": "end_user", "industry": "通用机械",
            "source": "web", "province": region.province, "city": region.city, "address": f"{region.city}人民路 1 号",
        }  # fmt: skip
        contact = {"name": person, "title": "采购经理", "mobile": mobile}
        key = f"bench-{start}-{at}"
        if api:
            body = json.dumps(values | {"contacts": [contact]})
            found.append(_prepared("/api/v1/customers", body, headers | {"Idempotency-Key": key}))
        else:
            lines = {f"contacts-0-{k}": v for k, v in contact.items()}
            body = urlencode(values | lines | {"request_key": key})
            found.append(_prepared("/customers/customer/new/", body, headers))
    return found


def hand_overs(n: int, start: int, api: bool, login: str) -> list[dict[str, Any]]:
    """Requests by which a manager gives n customers, one each, to a rep of his."""
    unit, to = _team(login)
    headers, found = _headers(api, login), []
    for at, record in enumerate(_some_customers(n, start, unit__parent_id=unit, owner__lt=to)):
        values, key = {"to": to, "note": "片区调整"}, f"bench-hand-{start}-{at}"
        if api:
            path = f"/api/v1/customers/{record}/hand_over"
            found.append(_prepared(path, json.dumps(values), headers | {"Idempotency-Key": key}))
        else:
            body = urlencode(values | {"request_key": key})
            # As the dialog posts it.
            found.append(_prepared(f"/customers/customer/{record}/hand_over/", body, headers | {"HX-Request": "true"}))
    return found


def _team(login: str) -> tuple[int, int]:
    """A manager's unit, and the rep of it who is given customers here."""
    from neiqin.kernel.people.models import Login, Person

    unit = Login.objects.get(username=login).person.unit_id
    return unit, Person.objects.filter(unit__parent_id=unit, staff_no__startswith="R").order_by("-id")[0].pk


def _headers(api: bool, login: str) -> dict[str, str]:
    if api:
        return {"Authorization": f"Bearer {token(login)}", "Content-Type": "application/json"}
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": CSRF}
    return {"Cookie": session(login)} | form


def _prepared(path: str, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "headers": dict(headers), "body": body}


def _some_customers(n: int, start: int, **conditions: Any) -> list[int]:
    """Ids all over the table, never those of the two special reps nor of the ones who are given customers here."""
    from neiqin.modules.customers.models import Customer

    rows = Customer.objects.exclude(owner__staff_no__in=["R001", "R002"]).exclude(level="key")
    rows = rows.filter(state="active", pk__gt=start, **conditions).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:n])


# Actions on many records


def bulk(kind: str, start: int, rounds: int, login: str = "director", warm: int = 0) -> dict[str, Any]:
    """hand_over or deactivate on 10,000 records, and the same statements in bare SQL, by turns on one connection.

    warm: one-row updates through the ORM before, which make PostgreSQL keep generic plans.
    """
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.modules.customers.models import Customer

    by = actor_of(Login.objects.get(username=login).person_id)
    targets = list(
        Login.objects.filter(username__startswith="rep").order_by("pk")[:20].values_list("person_id", "person__unit_id")
    )
    ids = _some_customers(BULK * rounds * 2 + warm, start)
    for record in ids[:warm]:
        Customer.objects.filter(pk=record).update(remark="热身")
    ours, bare = [], []
    for turn in range(rounds):
        to, unit = targets[turn]
        at = warm + turn * 2 * BULK
        mine, theirs = ids[at : at + BULK], ids[at + BULK : at + 2 * BULK]
        action, params = _bulk_action(kind, to)
        gc.collect()
        begun = time.perf_counter()
        outcome = perform(action, mine, by=by, params=params, source="bench", seconds=60)
        ours.append(time.perf_counter() - begun)
        if len(outcome.done) < BULK * 0.95:
            raise RuntimeError(f"{len(outcome.done)} done: {list(outcome.refused.values())[:1]}")
        gc.collect()
        begun = time.perf_counter()
        _bare(kind, theirs, to, unit, int(outcome.run or 0))
        bare.append(time.perf_counter() - begun)
    return {"ours": ours, "bare": bare}


def bulk_form(start: int, login: str = "director") -> dict[str, Any]:
    """The form by which somebody hands 10,000 customers to a rep, as the dialog of a list posts it."""
    from neiqin.kernel.people.models import Login

    to = Login.objects.get(username="rep9").person_id
    fields: list[tuple[str, Any]] = [("id", i) for i in _some_customers(BULK, start)]
    fields += [("to", to), ("note", "片区调整"), ("request_key", f"bench-bulk-{start}")]
    return _prepared("/customers/customer/do/hand_over/", urlencode(fields), _headers(False, login))


def _bulk_action(kind: str, to: int) -> tuple[Any, dict[str, Any]]:
    from neiqin.modules.customers import actions

    if kind == "hand_over":
        return actions.hand_over, {"to": to, "note": "片区调整"}
    return actions.deactivate, {"reason": "长期没有往来"}


def _bare(kind: str, ids: list[int], to: int, unit: int, run: int) -> None:
    """The statements of the action by hand, on bare_customer and bare_event: the same indexes, no triggers."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM bare_customer WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids])
        rows = cursor.fetchall()
        change = "owner_id = %s, unit_id = %s" if kind == "hand_over" else "state = %s"
        values: list[Any] = [to, unit] if kind == "hand_over" else ["inactive"]
        cursor.execute(
            f"UPDATE bare_customer t SET version = t.version + 1, updated_at = now(), {change} "
            "FROM unnest(%s::bigint[]) AS v (id) WHERE t.id = v.id",
            [*values, ids],
        )
        said = json.dumps({"to": to, "note": "片区调整"} if kind == "hand_over" else {"reason": "长期没有往来"})
        cursor.execute(
            "INSERT INTO bare_event (run_id, model, name, record_id, before, after, data) "
            "SELECT %s, %s, e.* FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::json[]) AS e",
            [run, "customers.customer", ["customers.customer.done"] * len(rows), ids, ["active"] * len(rows),
             ["active"] * len(rows), [said] * len(rows)],
        )  # fmt: skip


def preview_one(login: str, n: int) -> list[float]:
    """Milliseconds of n previews of hand_over, one record each."""
    from neiqin.kernel.actions.perform import preview
    from neiqin.kernel.people.actors import actor_of
    from neiqin.kernel.people.models import Login
    from neiqin.modules.customers.actions import hand_over

    by = actor_of(Login.objects.get(username=login).person_id)
    unit, to = _team(login)
    ids = _some_customers(n + 1, 100_000, unit__parent_id=unit, owner__lt=to)

    def one(record: int) -> None:
        outcome = preview(hand_over, [record], by=by, params={"to": to, "note": "片区调整"})
        if not outcome.changes:
            raise RuntimeError(f"nothing previewed: {outcome}")

    return [_milliseconds(lambda r=record: one(r)) for record in ids][1:]


def audited(n: int, rounds: int) -> dict[str, Any]:
    """Update n audited rows in one statement, and as many of the bare table; bytes of history for each."""
    from django.db import connection, transaction

    ours, bare, spent = [], [], []
    for turn in range(rounds):
        ids = _some_customers(n, 500_000 + turn * 2 * n)
        for table, times in (("customers_customer", ours), ("bare_customer", bare)):
            before = _history_bytes()
            begun = time.perf_counter()
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET credit_days = %s, version = version + 1 WHERE id = ANY(%s)",
                               [turn + 7, ids])  # fmt: skip
            times.append(time.perf_counter() - begun)
            if table == "customers_customer":
                spent.append((_history_bytes() - before) / n)
    return {"ours": ours, "bare": bare, "bytes": spent}


def _history_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'actions_change'::regclass"
        )
        return int(cursor.fetchone()[0])


def seal_and_verify() -> Mapping[str, float]:
    """Seal all there is, then prove it: rows and seconds of both."""
    from neiqin.kernel.actions import seals

    begun = time.perf_counter()
    rows = 0
    while found := seals.seal():
        rows += found
    sealed = time.perf_counter() - begun
    begun = time.perf_counter()
    report = seals.verify()
    proved = time.perf_counter() - begun
    if not report["ok"]:
        raise RuntimeError(f"verify: {report['problems'][:3]}")
    return {"rows": rows, "seal_seconds": sealed, "verified": report["rows"], "verify_seconds": proved}


def pool_night(share: int) -> Mapping[str, float]:
    """Every `share`-th customer is long forgotten: what looking ahead and the nightly run take, and that a second run
    takes nothing."""
    from django.db import connection

    from neiqin.kernel import clock
    from neiqin.kernel.resources.resource import site
    from neiqin.modules.customers.models import Pooled, PoolNight
    from neiqin.modules.pool import pool

    site()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_standing (customer_id, owner_id, owned_since, next_what, pooled_why) "
            "SELECT id, owner_id, now() - make_interval(days => CASE WHEN id %% %s = 0 THEN 400 ELSE 1 END), '', '' "
            "FROM customers_customer "
            "ON CONFLICT (customer_id) DO UPDATE SET owned_since = EXCLUDED.owned_since",
            [share],
        )
    today, seconds = clock.today(), []
    for work in (lambda: pool.due(today), *[lambda: pool.nightly(day=today.isoformat())] * 2):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    again = PoolNight.objects.get(day=today).fell
    return {
        "ahead": seconds[0],
        "night": seconds[1],
        "empty": seconds[2],
        "again": again,
        "pooled": Pooled.objects.count(),
    }


def profile(path: str, cookie: str, n: int) -> str:
    """Where the time of a page goes (cProfile, by own time); for people."""
    import cProfile
    import pstats

    _request("GET", path, cookie)
    found = cProfile.Profile()
    found.enable()
    for _ in range(n):
        _request("GET", path, cookie)
    found.disable()
    out = io.StringIO()
    pstats.Stats(found, stream=out).sort_stats("cumulative").print_stats(60)
    return out.getvalue()


# Orders


def _publish(table: Any) -> None:
    from neiqin.kernel import clock
    from neiqin.kernel.actions.perform import perform
    from neiqin.kernel.people.scope import SYSTEM
    from neiqin.kernel.rules import actions as rules

    made = table.versions.latest("number").pk
    outcome = perform(rules.publish, [made], by=SYSTEM, params={"from_on": str(clock.today())})
    if outcome.refused:
        raise RuntimeError(str(outcome.refused))


if __name__ == "__main__":
    main()
