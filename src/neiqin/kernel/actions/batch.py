"""Batch: the records of one run, locked and in order, and the set-wise writes an action makes on them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection

from neiqin.kernel.actions.refusals import Refusal, as_refusal

M = TypeVar("M")
Emitted = tuple[str, int, str | None, str | None, Any]


class Batch(Generic[M]):
    """What an action's body works on.

    records: the locked records still in; rows: the parsed values, for actions that create one a new record by
    position, for actions on each record its own by id;
    by: the acting person; now: the moment of the run; preview: nothing will be kept.
    """

    def __init__(
        self,
        records: Sequence[M],
        *,
        by: Any,
        now: datetime,
        run: int,
        preview: bool = False,
        versions: Mapping[int, int] | None = None,
    ) -> None:
        self.records: list[M] = list(records)
        self.by = by
        self.now = now
        self.run = run
        self.preview = preview
        self.versions: Mapping[int, int] = versions or {}
        self.left: list[M] = []  # done, but there was nothing to change: no new version, no event
        self.gone: list[M] = []  # deleted: an event, and no row any more
        self.only_told = False  # an event, but no new version
        self.rows: dict[int, dict[str, Any]] = {}
        self.refused: dict[int, Refusal] = {}
        self.emitted: list[Emitted] = []
        self.event_data: dict[int, Any] = {}
        self._decided: dict[int, list[Any]] = {}
        self._same: dict[str, Any] = {}
        self._each: dict[str, dict[int, Any]] = {}
        self._last: list[Callable[[], None]] = []
        self._read: dict[Any, dict[int, Any]] = {}
        self.before: dict[int, str | None] = {r.pk: getattr(r, "state", None) for r in self.records}  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[M]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def ids(self) -> list[int]:
        return [record.pk for record in self.records]  # type: ignore[attr-defined]

    @property
    def locks(self) -> bool:
        """Whether what is looked at may be held until the end: not where nothing will be kept."""
        return connection.in_atomic_block and not self.preview

    def read(self, model: Any, ids: Collection[int]) -> dict[int, Any]:
        """Records of another model by id, as far as they are there; what several steps of a run look at is read once.
        They are not locked and to be left as they are."""
        known = self._read.setdefault(model, {})
        if missing := set(ids) - known.keys():
            known |= model.objects.in_bulk(missing)
        return {i: known[i] for i in ids if i in known}

    def refuse(self, problems: Mapping[int, str | Refusal]) -> None:
        """Take these records out: they stay as they are, each with its reason."""
        for record, problem in problems.items():
            self.refused.setdefault(record, as_refusal(problem))
        self.records = [r for r in self.records if r.pk not in problems]  # type: ignore[attr-defined]

    def as_given(self, problems: dict[int, Refusal]) -> dict[int, Refusal]:
        """An effect's refusals by record, as the caller named the records."""
        return problems

    def set(self, **columns: Any) -> None:
        """Give every record these values; written in one statement after the body."""
        self._same |= columns

    def set_each(self, column: str, values: Mapping[int, Any]) -> None:
        """Give each record its own value of one column; written in the same statement."""
        self._each.setdefault(column, {}).update(values)

    def emit(self, event: str, data: Mapping[int, Any]) -> None:
        """One more event for some records, beside the action's own. `event` is the full name."""
        self.emitted += [(event, record, None, None, datum) for record, datum in data.items()]

    def tell(self, data: Mapping[int, Any]) -> None:
        """What the action's own event says of each record: a small JSON object, never personal data."""
        self.event_data.update(data)

    @property
    def keys(self) -> list[int]:
        """What the caller knows the records by, in order: ids, or the positions of rows that are yet to be made."""
        return self.ids

    def decided(self, key: int, rule: Any) -> None:
        """A rule decided about this record (or row, by position): its event will say which."""
        self._decided.setdefault(key, []).append(rule)

    def said_of(self, record: int) -> Any:
        """What the own event says of a record: what the action told, and the rules that decided."""
        told, rules = self.event_data.get(record), self._decided.get(self._key_of(record))
        return {**(told or {}), "rules": rules} if rules else told

    def _key_of(self, record: int) -> int:
        return record

    def leave(self, ids: Collection[int]) -> None:
        """These records are as they should be already: they count as done, without a new version or an event."""
        self.left += [r for r in self.records if r.pk in ids]  # type: ignore[attr-defined]
        self.records = [r for r in self.records if r.pk not in ids]  # type: ignore[attr-defined]

    def delete(self, ids: Collection[int]) -> None:
        """Delete these records with their lines. Their event tells it; history keeps what they were."""
        self.gone += [r for r in self.records if r.pk in ids]  # type: ignore[attr-defined]
        self.records = [r for r in self.records if r.pk not in ids]  # type: ignore[attr-defined]
        if self.gone:
            type(self.gone[0]).objects.filter(pk__in=ids).delete()  # type: ignore[attr-defined]

    def unchanged_but_told(self) -> None:
        """The action leaves the records as they are; that it was done is an event all the same."""
        self.only_told = True

    def last(self, step: Callable[[], None]) -> None:
        """Run a step as the last of the transaction: numbers and shared totals, whose locks all others wait for."""
        self._last.append(step)

    def write(self, to: str | None) -> None:
        """Bring the collected values, the new state and the next version to the table, in one statement."""
        if not self.records or self.only_told:
            return
        if to is not None:
            self._same["state"] = to
        statement, values = self._statement()
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
        for record in self.records:
            for name, value in self._same.items():
                setattr(record, name, value)
            for name, per_record in self._each.items():
                setattr(record, name, per_record.get(record.pk, getattr(record, name)))  # type: ignore[attr-defined]
            record.version += 1  # type: ignore[attr-defined]

    def _statement(self) -> tuple[str, list[Any]]:
        """One UPDATE: values that are the same for all as parameters, the others joined from arrays by id."""
        meta = self.records[0]._meta  # type: ignore[attr-defined]
        columns = {f.attname: f for f in meta.concrete_fields}
        sets, values = ['"version" = t."version" + 1', '"updated_at" = %s'], [self.now]
        for name, value in self._same.items():
            sets.append(f'"{columns[name].column}" = %s')
            values.append(columns[name].get_db_prep_save(value, connection))
        arrays: list[Any] = [self.ids]
        for name, per_record in self._each.items():
            column = columns[name]
            given = [per_record.get(r.pk, getattr(r, name)) for r in self.records]  # type: ignore[attr-defined]
            arrays.append([column.get_db_prep_save(value, connection) for value in given])
            sets.append(f'"{column.column}" = v."{column.column}"')
        types = "".join(f", %s::{columns[n].db_type(connection)}[]" for n in self._each)
        quoted = ", ".join(f'"{columns[n].column}"' for n in self._each)
        names = f'"id", {quoted}' if quoted else '"id"'
        source = f"unnest(%s::bigint[]{types}) AS v ({names})"
        return f'UPDATE "{meta.db_table}" t SET {", ".join(sets)} FROM {source} WHERE t.id = v.id', [*values, *arrays]

    def finish(self) -> None:
        """The last statements of the transaction."""
        for step in self._last:
            step()


class Origin(NamedTuple):
    """Where a record comes from that was kept elsewhere before: who made it there, and when."""

    by: str
    at: datetime | None


class NewBatch(Batch[M]):
    """The batch of an action that creates: `rows` are the parsed values; insert() makes the records. origins: by
    position, for records that come from another system: they keep their author and date."""

    def __init__(self, model: Any, rows: Sequence[dict[str, Any]], **rest: Any) -> None:
        super().__init__([], **rest)
        self.model = model
        self.origins: Mapping[int, Origin] = {}
        self.rows = dict(enumerate(rows))
        self.positions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def keys(self) -> list[int]:
        return list(self.rows)

    def _key_of(self, record: int) -> int:
        return self.positions.get(record, -1)

    def refuse(self, problems: Mapping[int, str | Refusal]) -> None:
        """Refuse rows by their position (before insert) or records by id (after)."""
        for position, problem in problems.items():
            self.refused.setdefault(position, as_refusal(problem))
            self.rows.pop(position, None)

    def as_given(self, problems: dict[int, Refusal]) -> dict[int, Refusal]:
        """By position: performed again, the rows become records of other ids. A foreign record has no position."""
        return {self.positions[i]: problem for i, problem in problems.items() if i in self.positions}

    def write(self, to: str | None) -> None:
        """Nothing: insert() has written the rows."""
