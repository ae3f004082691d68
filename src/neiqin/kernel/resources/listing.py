"""Lists: whatever is filtered and sorted, key by key through the person's scope, at a cost that does not grow.

A page of a fast sort is found by walking the index (key, sort, id) for each key of the person's scope, newest or
oldest rows alike; the plain condition `owner in … or unit in …` fell to 380-820 ms for old rows at a million. Other
sorts exist only while the result is below CAP. Counts stop at COUNT_CAP. Of typed words the search index gives the ids
to look among; where they are a great many, each row on the way is asked whether it is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import QueryDict

from neiqin.kernel.actions.models import ScopeKeys
from neiqin.kernel.fields import formats
from neiqin.kernel.fields.conditions import BadCondition, to_q
from neiqin.kernel.fields.field import Field
from neiqin.kernel.resources import cursors, finding, masks
from neiqin.kernel.resources.cursors import BadQuery
from neiqin.kernel.resources.resource import Resource

CAP = 10_000
COUNT_CAP = 1_000
WALKED = 8_000  # rows of an order looked through for frequent words
SIZES = (20, 50, 100, 200)
SIZE = 50
LONGEST = 4000
Part = tuple[str, Sequence[Any]]  # SQL and its values


@dataclass(frozen=True)
class Query:
    """What a list is asked for. conditions: leaf conditions, all of which must hold; cursor: where the page begins."""

    q: str = ""
    conditions: tuple[Mapping[str, Any], ...] = ()
    sort: str = ""
    after: str = ""
    before: str = ""
    size: int = SIZE

    @classmethod
    def read(cls, params: Any, *, size: int = SIZE) -> "Query":
        """From the parameters of an address: q, f=field:op:value (many), add/op/value (one more filter), sort, after,
        before, size. Raises BadQuery."""
        try:
            q = formats.clean_text(params.get("q", ""), 100)
            found = [_leaf(text) for text in params.getlist("f")[:20]]
            if params.get("add"):
                value = ",".join(v for v in params.getlist("value") if v)
                found.append(
                    {"field": params["add"], "op": params.get("op", "in"), "value": formats.clean_text(value, LONGEST)}
                )
        except formats.BadFormat as error:
            raise BadQuery(str(error)) from None
        asked = params.get("size", "")
        size = int(asked) if asked.isdecimal() and int(asked) in SIZES else size
        return cls(
            q,
            tuple(found),
            params.get("sort", "")[:60],
            params.get("after", "")[:500],
            params.get("before", "")[:500],
            size,
        )

    @classmethod
    def of_address(cls, text: str) -> "Query":
        """From the query part of a list's address. Raises BadQuery, also for one too long: cut short, more rows would
        go out than were looked at."""
        if len(text) > LONGEST:
            raise BadQuery("筛选条件太长，去掉几个再来。")
        return cls.read(QueryDict(text))

    def address(self, base: str, **changes: Any) -> str:
        """The address of this list with some parts changed; paging starts anew unless given."""
        parts: dict[str, Any] = {
            "q": self.q,
            "sort": self.sort,
            "conditions": self.conditions,
            "size": self.size,
        } | changes
        pairs: list[tuple[str, str]] = [("q", parts["q"])] if parts["q"] else []
        pairs += [("f", f"{c['field']}:{c['op']}:{c.get('value', '')}") for c in parts["conditions"]]
        pairs += [(k, str(parts[k])) for k in ("sort", "after", "before") if parts.get(k)]
        if parts["size"] != SIZE:
            pairs.append(("size", str(parts["size"])))
        return f"{base}?{urlencode(pairs)}" if pairs else base


def _leaf(text: str) -> dict[str, Any]:
    name, _, rest = formats.clean_text(text, LONGEST).partition(":")
    op, _, value = rest.partition(":")
    return {"field": name, "op": op, "value": value}


@dataclass
class Page:
    """One page: ids in order, their cells by the fields asked for, and the cursors around them."""

    ids: list[int] = field(default_factory=list)
    cells: list[list[Any]] = field(default_factory=list)
    before: str = ""
    after: str = ""


class Listing:
    """One list for one person. `fields`: the columns wanted."""

    def __init__(self, resource: Resource, person: Any, query: Query, *, permission: str = "") -> None:
        self.resource, self.person, self.query = resource, person, query
        self.model = resource.model
        self.permission = permission or resource.view_permission
        self.known = resource.fields_for(person)
        self.where = self._where()
        self.sort, self.descending, self.fast = self._sort()
        self._counted: tuple[int, int] | None = None  # (cap, rows) of the last count

    def _where(self) -> Q:
        condition = Q()
        try:
            for leaf in self.query.conditions:
                condition &= to_q(leaf, self.known)
        except BadCondition as error:
            raise BadQuery(str(error)) from None
        return condition

    @cached_property
    def _words(self) -> finding.Words | None:
        """What the typed words find, None without any."""
        reach = finding.within(self._scope, self._shared)
        return finding.words(self.resource, self.query.q, reach) if self.query.q else None

    def _rows(self) -> QuerySet[Any]:
        """All rows that filters and words leave, of whatever scope."""
        rows = self.model.objects.filter(self.where).order_by()
        if self._words is None:
            return rows
        sql, values = self._words.condition(f'"{self.model._meta.db_table}"."id"')
        return rows.extra(where=[sql], params=values)

    def _sort(self) -> tuple[str, bool, bool]:
        """(column, descending, fast). An unknown sort is refused, not ignored."""
        asked = self.query.sort or self.resource.fast_sorts[0]
        column, descending = asked.lstrip("-"), asked.startswith("-")
        if column in {s.lstrip("-") for s in self.resource.fast_sorts}:
            return column, descending, True
        if any(f.path == column and f.sortable for f in self.known.values()):
            return column, descending, False
        raise BadQuery(f"不能按「{column}」排序。")

    def count(self, cap: int = COUNT_CAP) -> int:
        """How many rows, at most cap + 1. Key by key like a page: one condition over all keys walks the whole table."""
        if self._counted is None or self._counted[0] < cap:
            if self._words and self._words.ids is None and not self.query.conditions and not self.model._meta.proxy:
                rows = self._words.count(cap + 1)
            else:
                rows = self._keyed(self._rows(), ["pk"], cap + 1, select="count(*)")[0][0]
            self._counted = (cap, rows)
        return min(self._counted[1], cap + 1)

    def ids(self, limit: int) -> list[int]:
        """The ids of the whole result in order, at most `limit` (for runs over a filter)."""
        return [i for _, i in self._fast_page(None, limit, backwards=False)] if self.fast else self._sorted(0, limit)

    def page(self, fields: Sequence[Field]) -> Page:
        """The page the query asks for. Raises BadQuery for a slow sort over too many rows, or a broken cursor."""
        found, before, after = self._keyset() if self.fast else self._offset()
        return Page(found, self._cells(found, fields), before, after)

    @staticmethod
    def page_totals(page: "Page", fields: Sequence[Field]) -> dict[str, Decimal | None]:
        """Sums of the money columns over the rows of a page just read."""
        found = {}
        for at, column in enumerate(fields):
            if column.kind == "money":
                values = [cells[at] for cells in page.cells if cells[at] is not None]
                found[column.name] = sum(values, Decimal(0)) if values else None
        return found

    def _in_scope(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """One condition, the shared ids spelled out: with a subquery among the alternatives no index is used."""
        if self._scope is None:
            return rows
        seen = Q(pk__in=self._shared)
        for column, keys in self._scope.columns.items():
            seen |= Q(**{f"{column}__in": keys})
        return rows.filter(seen)

    @cached_property
    def _scope(self) -> ScopeKeys | None:
        return self.model.scope_keys(self.person, self.permission)

    @cached_property
    def _shared(self) -> list[int]:
        """Ids, not a subquery: the planner would rather walk the whole sort index for a handful of rows."""
        if self._scope is None or self._scope.shared is None:
            return []
        with connection.cursor() as cursor:
            cursor.execute(f"{self._scope.shared[0]} LIMIT {CAP}", self._scope.shared[1])
            return [row[0] for row in cursor.fetchall()]

    def _keyset(self) -> tuple[list[int], str, str]:
        backwards = bool(self.query.before)
        cursor = cursors.read(self.query.before or self.query.after)
        rows = self._fast_page(cursor, self.query.size + 1, backwards=backwards)
        more, rows = len(rows) > self.query.size, rows[: self.query.size]
        if backwards:
            rows.reverse()
        first, last = (cursors.write(rows[0]), cursors.write(rows[-1])) if rows else ("", "")
        has_before, has_after = (more, True) if backwards else (cursor is not None, more)
        return [i for _, i in rows], first if has_before else "", last if has_after else ""

    def _fast_page(self, cursor: tuple[Any, int] | None, limit: int, *, backwards: bool) -> list[tuple[Any, int]]:
        descending = self.descending != backwards
        table, order = self.model._meta.db_table, "DESC" if descending else "ASC"
        far = self._words is not None and self._words.far
        base = (self.model.objects.filter(self.where) if far else self._rows()).order_by(
            f"{'-' * descending}{self.sort}", f"{'-' * descending}pk"
        )
        if cursor:
            column = self.model._meta.get_field(self.sort).column
            base = base.extra(
                where=[f'("{table}"."{column}", "{table}"."id") {"<" if descending else ">"} (%s, %s)'],
                params=list(cursor),
            )
        if self._words and far:
            found = self._walked(base, self._words, limit)
            if len(found) == limit:
                return found
            # The order keeps the hits together, far away, as that of names does with towns: sort all of them.
            self._words = self._words.sorted()
            return self._fast_page(cursor, limit, backwards=backwards)
        if self._scope is None and not self._few:
            return list(base.values_list(self.sort, "pk")[:limit])
        return self._keyed(base, [self.sort, "pk"], limit, f"ORDER BY 1 {order}, 2 {order}")

    def _walked(self, ordered: QuerySet[Any], words: finding.Words, limit: int) -> list[tuple[Any, int]]:
        """Those of the first WALKED rows, of whatever scope, that the words find inside the scope; at most `limit`."""
        columns = list(self._scope.columns) if self._scope else []
        sql, params = _sql(ordered, [self.sort, "pk", *columns], WALKED)
        where, values = words.condition("c1")
        if self._scope:
            within = [f"c{n} = ANY(%s::bigint[])" for n in range(1, 2 + len(columns))]
            where, values = (
                f"({' OR '.join(within)}) AND {where}",
                [self._shared, *self._scope.columns.values(), *values],
            )
        names = ", ".join(f"c{n}" for n in range(2 + len(columns)))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT c0, c1 FROM {sql} AS row({names}) WHERE {where} LIMIT {limit}", [*params, *values])
            return cursor.fetchall()

    @property
    def _few(self) -> bool:
        """What the words find is better sorted than looked for on the way through the order."""
        return self._words is not None and not self._words.walked

    def _keyed(
        self,
        rows: QuerySet[Any],
        columns: Sequence[str],
        limit: int,
        order: str = "",
        select: str = "*",
        tail: str = "",
    ) -> list[tuple[Any, ...]]:
        """The first `limit` of `rows` within the person's scope: those of each key, found by its index, together.

        select, tail: what to do with them in the same statement; they are called c0, c1, ….
        """
        parts = [self._unordered(rows, columns)] if self._few else self._by_key(rows, columns, limit, order)
        names = ", ".join(f"c{n}" for n, _ in enumerate(columns))
        found = f"SELECT * FROM ({' UNION '.join(sql for sql, _ in parts)}) AS found({names}) {order} LIMIT {limit}"
        with connection.cursor() as cursor:
            cursor.execute(
                found if select == "*" else f"SELECT {select} FROM ({found}) AS page {tail}",
                [value for _, values in parts for value in values],
            )
            return cursor.fetchall()

    def _unordered(self, rows: QuerySet[Any], columns: Sequence[str]) -> Part:
        """All of a few rows. OFFSET: else the planner might walk the whole order to find them."""
        sql, params = self._in_scope(rows).order_by().values_list(*columns).query.sql_with_params()
        return f"({sql} OFFSET 0)", params

    def _by_key(self, rows: QuerySet[Any], columns: Sequence[str], limit: int, order: str) -> list[Part]:
        if self._scope is None:
            return [_sql(rows, columns, limit)]
        table, names = self.model._meta.db_table, ", ".join(f"c{n}" for n, _ in enumerate(columns))
        parts: list[Part] = []
        for column, keys in self._scope.columns.items():
            sql, params = _sql(rows.extra(where=[f'"{table}"."{column}" = scope.key']), columns, limit)
            lateral = f"unnest(%s::bigint[]) AS scope(key) CROSS JOIN LATERAL {sql} AS page({names})"
            parts.append((f"(SELECT page.* FROM {lateral} {order} LIMIT {limit})", [keys, *params]))
        if self._shared or not parts:
            shared = rows.extra(where=[f'"{table}"."id" = ANY(%s::bigint[])'], params=[self._shared])
            parts.append(_sql(shared, columns, limit))
        return parts

    def _offset(self) -> tuple[list[int], str, str]:
        """A page of another sort: all rows up to the cap are counted, sorted and cut in one statement."""
        size = self.query.size
        cursor = cursors.read(self.query.before or self.query.after)
        start = max(0, cursor[1] if cursor and not isinstance(cursor[0], str) else 0)
        if self.query.before:
            start = max(0, start - size)
        rows = self._sorted(start, size + 1)
        previous, following = cursors.write((0, start)), cursors.write((0, start + size))
        return rows[:size], previous if start else "", following if len(rows) > size else ""

    def _sorted(self, start: int, limit: int) -> list[int]:
        """Ids in the order asked for. Raises BadQuery above the cap."""
        order = "DESC" if self.descending else "ASC"
        tail = f"ORDER BY c0 {order} NULLS LAST, c1 {order} OFFSET {start} LIMIT {limit}"
        found = self._keyed(self._rows(), [self.sort, "pk"], CAP + 1, select="c1, count(*) OVER ()", tail=tail)
        if found and found[0][1] > CAP:
            hint = "先筛少一些，或按更新时间、名称、编号排。"
            raise BadQuery(f"结果超过 {CAP:,} {self.resource.noun}，不能按这一列排。{hint}")
        if found:
            self._counted = (CAP, found[0][1])
        return [row[0] for row in found]

    def _cells(self, ids: Sequence[int], fields: Sequence[Field]) -> list[list[Any]]:
        if not ids:
            return []
        read = self.model.objects.filter(pk__in=ids).values_list("pk", *masks.paths(fields))
        rows = {row[0]: row[1:] for row in read}
        return masks.shown_all(self.model, fields, [rows[i] for i in ids if i in rows])


def _sql(rows: QuerySet[Any], columns: Sequence[str], limit: int) -> Part:
    sql, params = rows.values_list(*columns)[:limit].query.sql_with_params()
    return f"({sql})", params
