"""How the records of a resource get into the search index and are found in it: which columns, when, and for whom.

The index only proposes: whoever is shown a hit is asked for again through the model's `visible_to`, so that an entry
that still names the former owner shows nothing.
"""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from neiqin.kernel.actions import effects
from neiqin.kernel.actions.declare import REGISTRY
from neiqin.kernel.actions.models import ScopeKeys
from neiqin.kernel.fields import formats
from neiqin.kernel.jobs import queue
from neiqin.kernel.personal.columns import PersonalText
from neiqin.kernel.personal.keys import find_subjects, open_many
from neiqin.kernel.search import hits, index, near
from neiqin.kernel.search.text import FORMAT, Asked, asked

if TYPE_CHECKING:
    from neiqin.kernel.resources.resource import Resource

CHUNK = 1000
NEWEST = 50  # records that a late index is given at once
PHONE_TAIL = 4
SHARED = 10_000
_LONG_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}")


@dataclass(frozen=True)
class Words:
    """What typed words find in one resource for one person. ids: all of it, or None for a great many; walked: whether
    rows are asked one by one on the way through an order."""

    kind: str
    asked: Asked
    reach: hits.Reach | None
    by_phone: list[int]
    ids: list[int] | None
    walked: bool

    @property
    def far(self) -> bool:
        """Whether the hits may lie far away in an order that is walked."""
        return self.walked and not (self.reach and self.reach.narrow)

    def sorted(self) -> "Words":
        """The same for a statement that looks for all hits and sorts them."""
        return replace(self, walked=False)

    def condition(self, column: str) -> tuple[str, list[Any]]:
        """SQL that holds for the rows found, `column` being their id."""
        if self.ids is not None:
            return f"{column} = ANY(%s::bigint[])", [self.ids]
        if not self.walked:
            sql, values = hits.all_hits(self.kind, self.asked, self.reach)
            return f"{column} IN ({sql} UNION ALL SELECT unnest(%s::bigint[]))", [*values, self.by_phone]
        sql, values = hits.is_hit(self.kind, self.asked, column)
        return f"({sql} OR {column} = ANY(%s::bigint[]))", [*values, self.by_phone]

    def count(self, most: int) -> int:
        """How many there are, at most `most`."""
        return hits.count(self.kind, self.asked, self.reach, most) if self.ids is None else len(self.ids)


def words(resource: "Resource", text: str, reach: hits.Reach | None) -> Words:
    """What `text` finds in the resource within `reach`: whatever is done with it, the rows still come through scope."""
    catch_up([resource])
    given, phone = asked(text), by_phone(resource, text)
    ids = hits.every(resource.kind, given, reach)
    return Words(resource.kind, given, reach, phone, None if ids is None else list({*ids, *phone}), ids is None)


def newest(resource: "Resource", person: Any, text: str, limit: int, *columns: str) -> tuple[list[Any], int | None]:
    """What the text finds for this person: (rows of id and the ORM `columns`, newest first, at most `limit`; how many
    there are, None for many). Somebody new to the index is found after `catch_up`."""
    return seen(resource, person, proposed([resource], person, text, limit)[resource.key], limit, *columns)


def proposed(resources: Sequence["Resource"], person: Any, text: str, limit: int) -> dict[str, hits.Found]:
    """By key of each resource what the index proposes, and whose phone the text is; in a constant number of statements
    where the kinds are small."""
    reaches = _reaches(resources, person)
    found = hits.newest({r.kind: reaches[r.key] for r in resources}, asked(text), limit)
    return {
        r.key: hits.Found(list(dict.fromkeys([*by_phone(r, text), *found[r.kind].ids])), found[r.kind].total)
        for r in resources
    }


def seen(
    resource: "Resource", person: Any, found: hits.Found, limit: int, *columns: str
) -> tuple[list[Any], int | None]:
    """Of what was proposed what the person may see, as `newest` gives it."""
    if not found.ids:
        return [], 0
    allowed = resource.model.objects.filter(resource.model.visible_to(person), pk__in=found.ids)
    rows = {row[0]: row for row in allowed.values_list("pk", *columns)}
    total = None if found.total is None else max(found.total, len(rows))
    return [rows[i] for i in found.ids if i in rows][:limit], total


def _reaches(resources: Sequence["Resource"], person: Any) -> dict[str, hits.Reach | None]:
    """By key of each resource where the person's rows are in the index; None: everywhere. One statement for what is
    shared with her, of all kinds."""
    keys = {r.key: r.model.scope_keys(person, r.view_permission) for r in resources}
    asked_for = [(n, *k.shared) for n, k in enumerate(keys.values()) if k is not None and k.shared is not None]
    shared = defaultdict[int, list[int]](list)
    if asked_for:
        each = " UNION ALL ".join(f"(SELECT {n}, s.* FROM ({sql} LIMIT {SHARED}) AS s)" for n, sql, _ in asked_for)
        with connection.cursor() as cursor:
            cursor.execute(each, [value for _, _, values in asked_for for value in values])
            for n, record in cursor.fetchall():
                shared[n].append(record)
    return {key: within(found, shared[n]) for n, (key, found) in enumerate(keys.items())}


def within(keys: ScopeKeys | None, shared: Sequence[int]) -> hits.Reach | None:
    """A scope as the index knows it. shared: the ids of the rows outside its columns."""
    columns = keys.columns if keys else {}
    return hits.Reach(columns.get("owner_id", []), columns.get("unit_id", []), shared) if keys else None


def by_phone(resource: "Resource", text: str) -> list[int]:
    """Records with a line that has this phone number, or one with these last four digits. Only through the blind
    indexes: no digit of a phone is in the search index."""
    digits = re.sub(r"[\s-]", "", text)
    if not (digits.isascii() and digits.isdecimal() and PHONE_TAIL <= len(digits) <= 20):
        return []
    tail, found = ":last4" if len(digits) == PHONE_TAIL else "", set()
    for lines in resource.all_lines:
        purposes = {f.path for f in lines.fields if f.personal and f.kind in ("mobile", "phone")}
        subjects = {
            s for purpose in purposes for number in _numbers(digits) for s in find_subjects(number, purpose + tail)
        }
        if subjects:
            rows = lines.model.objects.filter(subject__in=subjects)
            found |= set(rows.values_list(lines.model._meta.get_field(lines.fk).attname, flat=True)[:SHARED])
    return sorted(found, reverse=True)


def told(text: str) -> str:
    """Typed words for a log or a sheet: of a number that may be a phone only the last four digits, as logs stay."""
    return _LONG_NUMBER.sub(lambda found: f"****{found[0][-PHONE_TAIL:]}", text)


def _numbers(digits: str) -> set[str]:
    """As typed, and as a number is stored (0512-65880000)."""
    try:
        return {digits, formats.phone(digits)}
    except formats.BadFormat:
        return {digits}


# Keeping up

_KEPT: dict[str, "Resource"] = {}


def keep(resources: Iterable["Resource"]) -> None:
    """From now on the index follows what happens to the records of these resources."""
    _KEPT.update({r.key: r for r in resources if r.kind == r.key})
    models = {resource.model for resource in _KEPT.values()}
    effects.react("search", {verb.event_name for verb in REGISTRY.values() if verb.model in models}, follow)
    if check not in effects.HOURLY:
        effects.hourly(check)


def follow(events: Sequence[Any]) -> None:
    """Reaction: index the records of these events anew; the records of persons who have moved get their new unit."""
    touched: dict[str, set[int]] = defaultdict(set)
    for event in events:
        touched[event.model].add(event.record_id)
    for key, ids in touched.items():
        if key in _KEPT and len(ids) > CHUNK:
            check()  # thousands of entries take seconds: not in one transaction, which would hold up sealing
        elif key in _KEPT:
            reindex(_KEPT[key], ids)
        for resource in _KEPT.values():
            if _scoped(resource) and resource.model._meta.get_field("owner").related_model._meta.label_lower == key:
                reindex(resource, _ids(f"{_STALE} AND e.owner_id = ANY(%s::bigint[])", resource, list(ids)))


def check() -> None:
    """Hourly, and after bulk runs: have the index compared with the records, in the background."""
    queue.defer("search.mend", key="search.mend")


@queue.job("search.mend")
def mend_all() -> None:
    """Write what is missing or stale in the index of every resource."""
    for resource in _KEPT.values():
        mend(resource)


def mend(resource: "Resource", tell: Callable[[int], object] = lambda done: None) -> int:
    """Index what is missing or stale, forget what is gone; returns how many. Stopped halfway, it goes on next time.

    Finding out reads both tables once by id (about a second for a million). tell: called with the number done so far.
    """
    done, last = 0, 0
    while ids := _ids(f"{_STALE} AND m.id > %s ORDER BY m.id LIMIT {CHUNK}", resource, last):
        with transaction.atomic():
            reindex(resource, ids)
        done, last = done + len(ids), ids[-1]
        tell(done)
    gone = (
        "SELECT e.record_id FROM search_entry e WHERE kind = %s "
        'AND NOT EXISTS (SELECT FROM "{table}" m WHERE m.id = e.record_id)'
    )
    index.drop(resource.key, _ids(gone, resource))
    return done


_STALE = (
    'SELECT m.id FROM "{table}" m LEFT JOIN search_entry e ON e.kind = %s AND e.record_id = m.id '
    f"WHERE (e.id IS NULL OR e.version <> m.version OR e.format <> {FORMAT}{{scope}})"
)


def _ids(sql: str, resource: "Resource", *values: Any) -> list[int]:
    scope = " OR e.owner_id IS DISTINCT FROM m.owner_id OR e.unit_id <> m.unit_id" if _scoped(resource) else ""
    with connection.cursor() as cursor:
        cursor.execute(sql.format(table=resource.model._meta.db_table, scope=scope), [resource.key, *values])
        return [row[0] for row in cursor.fetchall()]


_inside = threading.local()


@contextmanager
def as_it_is() -> Iterator[None]:
    """Inside, this thread searches the index as it is and writes nothing to it: for long snapshots, whose locks all
    other searches would wait for."""
    _inside.still = True
    try:
        yield
    finally:
        _inside.still = False


def catch_up(resources: Iterable["Resource"]) -> None:
    """Index the newest records at once where the worker has not come to them yet: who makes a record finds it."""
    kinds = {} if getattr(_inside, "still", False) else {r.kind: _KEPT.get(r.kind, r) for r in resources}
    late = (
        '(SELECT %s, array_agg(id) FROM (SELECT id FROM "{table}" WHERE id > coalesce('
        f"(SELECT max(record_id) FROM search_entry WHERE kind = %s), 0) ORDER BY id DESC LIMIT {NEWEST}) AS late)"
    )
    fresh = _growing({key: kind.model._meta.db_table for key, kind in kinds.items()})
    if not fresh:
        return
    with connection.cursor() as cursor:
        statement = " UNION ALL ".join(late.format(table=kinds[key].model._meta.db_table) for key in fresh)
        cursor.execute(statement, [key for key in fresh for _ in range(2)])
        found = cursor.fetchall()
    for key, ids in found:
        if ids:
            reindex(kinds[key], ids)


FRESH_SECONDS = 10.0  # longer than one form takes to be saved; the rows of a long import are left to the worker
_given_out: dict[tuple[str, str], tuple[int, float]] = {}


def _growing(tables: Mapping[str, str]) -> list[str]:
    """Of kinds (kind -> table) those whose table has been given an id just now, as far as this process knows:
    asking forty tables for their newest row takes 30 ms to plan, asking their sequences one."""
    if not tables:
        return []
    place, now = str(connection.settings_dict["NAME"]), time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, pg_sequence_last_value(pg_get_serial_sequence(quote_ident(tbl), 'id')::regclass) "
            "FROM unnest(%s::text[], %s::text[]) AS t (kind, tbl)",
            [list(tables), list(tables.values())],
        )
        last = cursor.fetchall()
    fresh = []
    for kind, number in last:
        known, since = _given_out.get((place, kind), (None, now))
        if number != known:
            _given_out[place, kind] = number, now
            since = now
        if number is not None and now - since < FRESH_SECONDS:
            fresh.append(kind)
    return fresh


def reindex(resource: "Resource", ids: Collection[int]) -> None:
    """Write these records' entries anew, set-wise; those that are gone are forgotten."""
    documents = _documents(resource, ids) if ids else []
    index.put(resource.key, documents)
    if gone := set(ids) - {document.record for document in documents}:
        index.drop(resource.key, gone)


def _documents(resource: "Resource", ids: Collection[int]) -> list[index.Document]:
    rows = resource.model.objects.filter(pk__in=ids).order_by("pk")
    own = [path for path in resource.found if "__" not in path]
    scope = ("owner_id", "unit_id") if _scoped(resource) else ()
    title = own.index(resource.title) if resource.title in own else 0
    lines: dict[int, list[str]] = defaultdict(list)
    names: dict[int, list[str]] = defaultdict(list)
    for path in set(resource.found) - set(own):
        for i, text in _texts(resource, rows, path):
            lines[i].append(text or "")
            names[i] += [text] if text and path in resource.also_named else []
    made = []
    for i, version, updated_at, *rest in rows.values_list("pk", "version", "updated_at", *scope, *own):
        owner, unit = rest[:2] if scope else (None, None)
        texts = [*map(str, rest[len(scope) :]), *lines[i]]
        same = resource.same_name
        more = [token for name in (texts[title], *names[i]) for token in near.tokens(same(name))] if same else ()
        made.append(index.Document(i, owner, unit, version, updated_at, texts, more))
    return made


def _texts(resource: "Resource", rows: Any, path: str) -> Sequence[tuple[int, str | None]]:
    """(record, text) of a column of its lines. One that is sealed is opened, one query more: the index is left out of
    history, and forgets with the person."""
    fk, _, name = path.partition("__")
    column = resource.model._meta.get_field(fk).related_model._meta.get_field(name)
    if not isinstance(column, PersonalText):
        return list(rows.values_list("pk", path))
    found = [row for row in rows.values_list("pk", f"{fk}__subject", path) if row[2]]
    opened = open_many([(subject, sealed.stored) for _, subject, sealed in found], column.kind)
    return [(row[0], text) for row, text in zip(found, opened, strict=True)]


def _scoped(resource: "Resource") -> bool:
    return {"owner_id", "unit_id"} <= {field.attname for field in resource.model._meta.concrete_fields}
