"""The dry run: what each document would do, without writing anything; in the sentences of form and API (C-DATA-01)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import NewBatch
from neiqin.kernel.checks import look
from neiqin.kernel.exchange.documents import Document, Layout, Mark
from neiqin.kernel.exchange.models import BAD, NEW, SKIP, UPDATE, VERDICTS
from neiqin.kernel.exchange.plans import ORIGIN, ROUND_TRIP, Key, Plan, Unfit
from neiqin.kernel.exchange.references import References, rows_resolved
from neiqin.kernel.fields.field import REFERENCE_KINDS, Field
from neiqin.kernel.fields.formats import BadFormat
from neiqin.kernel.fields.shape import Invalid, Shape, parse
from neiqin.kernel.personal.columns import open_columns
from neiqin.kernel.resources import nearby

WITHIN = "\x1f"  # between the value of a key and the record within which it is unique
MODES = {"new": "只新增", "update": "只更新", "both": "新增和更新", "pool": "放进公海"}


class Checker:
    """Checks the parts of one import one after the other; knows which keys the file has had already."""

    def __init__(self, plan: Plan, layout: Layout, mode: str, person: Any) -> None:
        self.plan, self.layout, self.mode, self.person = plan, layout, mode, person
        self.model = plan.resource.model
        self.references = References(person)
        self.opened: dict[tuple[Any, int], Mapping[str, str | None]] = {}  # personal values of what is there
        self.seen: dict[tuple[str, str], int] = {}  # key value -> the row that had it
        self.root = {f.name: f for f in (*plan.shape.fields, *plan.finders, *ORIGIN)}
        self.line_fields = {lines.name: {f.name: f for f in plan.line_fields(lines)} for lines in plan.shape.lines}
        named = [p for p in layout.columns if (f := plan.field(p)) is not None and f.kind in REFERENCE_KINDS]
        self.named, self.named_lines = {p for p in named if "." not in p}, any("." in p for p in named)
        self.referring = {path: plan.field(path) for path in named}

    def check(self, documents: Sequence[Document]) -> None:
        """Give each document its verdict, its record and the marks on its cells; then `warn` of the new ones."""
        for document in documents:
            document.reset()
            self._distrust(document)
        values = self._values(documents)
        for document, row in zip(documents, values, strict=True):
            document.keys = self._keys(row)
        self._match(documents)
        self._repeats(documents)
        self._new([(d, v) for d, v in zip(documents, values, strict=True) if d.verdict == NEW])
        self._updates([(d, v) for d, v in zip(documents, values, strict=True) if d.verdict == UPDATE])

    def warn(self, documents: Sequence[Document]) -> None:
        """Warn of checked documents whose new record would be named nearly like one that is there. It only reads the
        documents and what is in the system, so that the next part can be checked at the same time."""
        column = self.layout.columns.get(self.plan.resource.title, -1)
        named = [(d, self.layout.text(d, column)) for d in documents if d.verdict == NEW]
        found = nearby.by_name(self.plan.resource, [name for _, name in named])
        for document, name in named:
            if name in found:
                document.warned.append(Mark(0, column, found[name].sentence))

    def recheck(self, documents: Sequence[Document]) -> bool:
        """Right before writing: skip new ones that are there by now, refuse what is no longer known by its name. Gives
        whether anything changed."""
        before = [d.verdict for d in documents]
        if self.named or not all(d.keys for d in documents):
            for document, row in zip(documents, self._values(documents), strict=True):
                document.keys = self._keys(row)
        new = [d for d in documents if d.verdict == NEW]
        for document, found in zip(new, self._found(new), strict=True):
            if found:
                document.verdict, document.why = SKIP, "检查之后系统里有了，跳过。"
        return before != [d.verdict for d in documents]

    def new_rows(self, documents: Sequence[Document]) -> tuple[list[dict[str, Any]], bool]:
        """What the create action gets for documents that passed, and whether it is parsed: what the check made of the
        cells, with what the names in them mean now."""
        parsed = [self._revived(d.parsed) for d in documents if d.parsed is not None]
        same_form = self.plan.creating(self.mode).shape is self.plan.shape
        if len(parsed) < len(documents) or self.named_lines or not same_form:
            return [self._creatable(values) for values in self._values(documents)], False
        named = self._values(documents) if self.named else [{}] * len(documents)
        rows = zip(parsed, named, strict=True)
        return [row | {n: v for n, v in values.items() if n in self.named} for row, values in rows], True

    def _revived(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row as it was parsed: in a part, decimals and dates lie as texts."""
        found = dict(row) | _typed(self.plan.shape.fields, row)
        for lines in self.plan.shape.lines:
            found[lines.name] = [line | _typed(lines.fields, line) for line in row[lines.name]]
        return found

    def origins(self, documents: Sequence[Document]) -> dict[str, tuple[str, str]]:
        """Position -> author and moment (ISO) of the documents that bring them."""
        found: dict[str, tuple[str, str]] = {}
        if not any(f.name in self.layout.columns for f in ORIGIN):
            return found
        for place, values in enumerate(self._values(documents)):
            by, on = (values.get(f.name, "") for f in ORIGIN)
            if by or on:
                day = ORIGIN[1].parse(on)
                found[str(place)] = (by, clock.midnight(day).isoformat() if day else "")
        return found

    def change_rows(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        """What the change action gets for documents that passed, in their order."""
        lines = self._present_lines([d.record for d in documents if d.record])
        self._open((), list(lines.values()))
        pairs = zip(documents, self._values(documents), strict=True)
        return [self.change_of(values, lines.get(d.record or 0, {})) for d, values in pairs]

    def _values(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        raw = [self.layout.values(document) for document in documents]
        self._look_up(raw)
        return [self._resolved(d, r) for d, r in zip(documents, raw, strict=True)]

    def _distrust(self, document: Document) -> None:
        """Digits that a spreadsheet has rounded or written as 1.67E+17 are never guessed; free text stays as it is."""
        for mark in document.doubts:
            field = self.plan.field(self.layout.paths.get(mark.column, ""))
            if mark.column == -1 or (field is not None and field.kind not in ("text", "long")):
                document.refuse(mark.row, mark.column, mark.text)

    # Cells to values

    def _look_up(self, raw: Sequence[Mapping[str, Any]]) -> None:
        wanted: list[tuple[Any, str]] = []
        for path, field in self.referring.items():
            line, _, name = path.rpartition(".")
            rows = (x for row in raw for x in row.get(line, ())) if line else raw
            wanted += [(field, row[name]) for row in rows if name in row]
        self.references.resolve(wanted)

    def _resolved(self, document: Document, raw: Mapping[str, Any]) -> dict[str, Any]:
        plain = {n: t for n, t in raw.items() if n not in self.line_fields}
        values, problems = rows_resolved(self.references, self.root, plain)
        for name, text in problems.items():
            document.refuse(0, self.layout.columns[name], text)
        for name, fields in self.line_fields.items():
            if name in raw:
                values[name] = []
                for row in raw[name]:
                    line, wrong = rows_resolved(self.references, fields, row)
                    values[name].append(line)
                    for field, text in wrong.items():
                        document.refuse(row["_row"], self.layout.columns[f"{name}.{field}"], text)
        return values

    # Which record

    def _match(self, documents: Sequence[Document]) -> None:
        """Find the records the documents mean; by the mode they are new, updates or skipped."""
        for document, found in zip(documents, self._found(documents), strict=True):
            if document.verdict == BAD:
                continue
            if len(found) > 1:
                document.refuse(0, -1, f"系统里有 {len(found)} {self.plan.resource.noun}对得上这一行，写编号区分。")
            elif found:
                (document.record,) = found
                document.verdict = UPDATE if self.mode in ("update", "both") else SKIP
                document.why = "" if document.verdict == UPDATE else "系统里已有，跳过。"
            elif self.mode == "update":
                document.verdict, document.why = SKIP, "系统里没有，跳过。"

    def _keys(self, values: Mapping[str, Any]) -> list[str]:
        """What finds the record of a row: its id in our own files, then the plan's keys; "" for what is not given."""
        given = str(values.get(ROUND_TRIP, ""))
        own = given if given.isdecimal() and len(given) < 19 else ""
        return [own, *(self._same(key, values) for key in self.plan.keys)]

    def _holders(self, key: Key, wanted: set[str]) -> dict[str, set[int]]:
        """The records that have these values of a key."""
        holders: dict[str, set[int]] = defaultdict(set)
        columns = [key.column or self.root[key.path].path, *([self.root[key.within].path] if key.within else [])]
        texts = {value.partition(WITHIN)[0] for value in wanted}
        for *values, pk in self.model.objects.filter(**{f"{columns[0]}__in": texts}).values_list(*columns, "pk"):
            holders[WITHIN.join(map(str, values))].add(pk)
        return holders

    def _found(self, documents: Sequence[Document]) -> list[set[int]]:
        given = {int(d.keys[0]) for d in documents if d.keys[0]}
        known = set(self.model.objects.filter(pk__in=given).values_list("pk", flat=True)) if given else set()
        found = [{int(d.keys[0])} & known if d.keys[0] else set() for d in documents]
        for n, key in enumerate(self.plan.keys, 1):
            wanted = {d.keys[n] for d, ids in zip(documents, found, strict=True) if d.keys[n] and not ids}
            holders = self._holders(key, wanted) if wanted else {}
            found = [ids or holders.get(d.keys[n], set()) for d, ids in zip(documents, found, strict=True)]
        return found

    def _same(self, key: Key, values: Mapping[str, Any]) -> str:
        text = values.get(key.path, "")
        try:
            same = key.same(str(self.root[key.path].parse(text))) if text else ""
        except BadFormat:
            return ""
        return f"{same}{WITHIN}{values.get(key.within, '')}" if same and key.within else same

    def _repeats(self, documents: Sequence[Document]) -> None:
        """The same record twice in one file: the second is refused, naming the first."""
        for document in documents:
            same = zip(self.plan.keys, document.keys[1:], strict=True)
            keys = [(key.path, value) for key, value in same if value]
            if document.record:
                keys.append((ROUND_TRIP, str(document.record)))
            first = next((self.seen[k] for k in keys if k in self.seen), None)
            if first is not None and first != document.rows[0] and document.verdict != SKIP:
                document.refuse(0, -1, f"和第 {first} 行是同一{self.plan.resource.noun}，只留一行。")
            for found in keys:
                self.seen.setdefault(found, document.rows[0])

    # What it would do

    def _dated(self, document: Document, values: Mapping[str, Any]) -> None:
        """The date of making must be one, and past."""
        field = ORIGIN[1]
        try:
            day = field.parse(values.get(field.name, ""))
        except BadFormat as error:
            self._mark(document, values, field.name, str(error))
            return
        if day and day > clock.today():
            self._mark(document, values, field.name, f"「{field.label}」{day} 还没有到。")

    def _new(self, pairs: Sequence[tuple[Document, dict[str, Any]]]) -> None:
        for document, values in pairs if any(f.name in self.layout.columns for f in ORIGIN) else ():
            self._dated(document, values)
        parsed = {i: row for i, (d, v) in enumerate(pairs) if (row := self._worked_out(d, v))}
        batch: NewBatch[Any] = NewBatch(self.model, [], by=self.person, now=clock.now(), run=0, preview=True)
        batch.rows = parsed
        rehearse = self.plan.creating(self.mode).rehearse
        if rehearse is not None and parsed:
            rehearse(batch)
        for place, refusal in batch.refused.items():
            document, values = pairs[place]
            self._mark(document, values, refusal.field, refusal.text)
        for place, row in batch.rows.items():
            pairs[place][0].parsed = row
        create = self.plan.creating(self.mode)
        self._look(create, {place: (pairs[place], row) for place, row in batch.rows.items()})

    def _look(self, action: Any, rows: Mapping[int, tuple[tuple[Document, dict[str, Any]], Any]]) -> None:
        """What the checks say of parsed rows: told in the dry run, which is then as good as confirmed; stopped, or left
        out because a second person types key fields again one record at a time."""
        found, undecided = look.look(action, {key: row for key, (_, row) in rows.items()}, self.person)
        for finding in found:
            (document, values), _ = rows[finding.seen.key]
            if finding.handling == look.WARN:
                column = self.layout.columns.get(finding.seen.field.name, -1)
                document.warned.append(Mark(0, column, finding.text))
            else:
                said = finding.text if finding.handling == look.STOP else look.alone(finding)
                self._mark(document, values, finding.seen.field.name, said)
        for key, text in undecided.items():
            self._mark(*rows[key][0], "", text)

    def _worked_out(self, document: Document, values: dict[str, Any]) -> dict[str, Any] | None:
        """The parsed row of a new record; None and a mark on the cell where there is none."""
        try:
            return self._parsed(document, self._creatable(values), self.plan.shape)
        except Unfit as error:
            self._mark(document, values, error.field, error.text)
            return None

    def _creatable(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Without what only finds a record, and with the lines as the form has them. Raises Unfit."""
        names = {f.name for f in (*self.plan.finders, *ORIGIN)} | {ROUND_TRIP}
        return self._worked(dict(self.plan.given) | {n: _plain(v) for n, v in values.items() if n not in names})

    def _worked(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with what its lines say instead of the form's fields worked out. Raises Unfit."""
        for name, working in self.plan.workings.items():
            for place, line in enumerate(row.get(name, ())):
                try:
                    row[name][place] = working.out(line)
                except Unfit as error:
                    raise Unfit(f"{name}-{place}-{error.field}", error.text) from None
        return row

    def _parsed(
        self, document: Document, row: Mapping[str, Any], shape: Shape, *, partial: bool = False
    ) -> dict[str, Any] | None:
        try:
            return parse(shape, row, partial=partial)
        except Invalid as error:
            for problem in error.problems:
                self._mark(document, self.layout.values(document), problem.field, problem.message)
            return None

    def _mark(self, document: Document, values: Mapping[str, Any], path: str, text: str) -> None:
        """Put a problem (`mobile`, `contacts-0-mobile`) on its cell."""
        line, _, rest = path.partition("-")
        position, _, name = rest.partition("-")
        if name and line in self.line_fields:
            rows = values.get(line) or [{"_row": 0}]
            row = rows[min(int(position), len(rows) - 1)]["_row"]
            document.refuse(row, self.layout.columns.get(f"{line}.{name}", -1), text)
        else:
            document.refuse(0, self.layout.columns.get(path, -1), text)

    def _updates(self, pairs: Sequence[tuple[Document, dict[str, Any]]]) -> None:
        change = self.plan.change
        if change is None or not self.person.may(change.may):
            for document, _ in pairs:
                document.refuse(0, -1, f"没有修改{self.plan.resource.label}的权限。")
            return
        present = self._present([d for d, _ in pairs], change.may)
        lines = self._present_lines(list(present))
        self._open(present.values(), list(lines.values()))
        changes: dict[int, tuple[tuple[Document, dict[str, Any]], Any]] = {}
        for document, values in pairs:
            record = present.get(document.record or 0)
            if record is None:
                document.refuse(0, -1, "系统里已有这一条，但不在你能修改的范围内。")
                continue
            document.version = record.version
            try:
                row = self.change_of(values, lines.get(record.pk, {}))
            except Unfit as error:
                self._mark(document, values, error.field, error.text)
                continue
            parsed = self._parsed(document, row, change.shape, partial=True)
            if parsed is not None and not self._differs(record, parsed, lines.get(record.pk, {})):
                document.verdict, document.why = SKIP, "和系统里一样，跳过。"
            elif parsed is not None:
                changes[record.pk] = ((document, values), parsed)
        self._look(change, changes)

    def _present(self, documents: Sequence[Document], may: str) -> dict[int, Any]:
        rows = self.model.objects.filter(self.model.visible_to(self.person), pk__in=[d.record for d in documents])
        return {r.pk: r for r in rows.filter(self.model.visible_to(self.person, may))}

    def _present_lines(self, records: Sequence[int]) -> dict[int, dict[str, list[Any]]]:
        found: dict[int, dict[str, list[Any]]] = {i: {} for i in records}
        for lines in self.plan.shape.lines:
            attribute = lines.model._meta.get_field(lines.fk).attname
            if self.layout.lines.get(lines.name):
                for line in lines.model.objects.filter(**{f"{lines.fk}__in": records}).order_by("id"):
                    found[getattr(line, attribute)].setdefault(lines.name, []).append(line)
        return found

    def _open(self, records: Iterable[Any], lines: Sequence[Mapping[str, Sequence[Any]]]) -> None:
        """Open the personal values of these records and lines, one query a kind, to compare them with the file's."""
        kinds = [(self.root, list(records))]
        kinds += [(fields, [x for by in lines for x in by.get(n, ())]) for n, fields in self.line_fields.items()]
        self.opened = {}
        for fields, rows in kinds:
            paths = [f.path for f in fields.values() if f.personal]
            for row, texts in zip(rows, open_columns(rows, paths), strict=True) if rows and paths else ():
                self.opened[type(row), row.pk] = texts

    def change_of(self, values: Mapping[str, Any], lines: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """What the change action gets: the fields the cells bring, and for each line the one it means, if there is.
        Raises Unfit."""
        change = self.plan.change
        known = {f.name for f in change.shape.fields} if change else set()
        row = {n: v for n, v in values.items() if n in known}
        for name in self.line_fields:
            if values.get(name):
                row[name] = [self._line(name, line, lines.get(name, ())) for line in values[name]]
        return self._worked(row)

    def _line(self, name: str, line: Mapping[str, Any], present: Sequence[Any]) -> dict[str, Any]:
        keys = self.plan.line_keys.get(name) or (next(iter(self.line_fields[name])),)
        # What the file has no column for tells nothing: a line's name may have come from its product.
        keys = tuple(k for k in keys if f"{name}.{k}" in self.layout.columns) or keys
        wanted = [line.get(k) or "" for k in keys]
        fields = self.line_fields[name]
        same = [p.pk for p in present if [self._value(p, fields[k]) or "" for k in keys] == wanted]
        return _plain([line])[0] | ({"id": same[0]} if len(same) == 1 else {})

    def _differs(self, record: Any, parsed: Mapping[str, Any], lines: Mapping[str, Sequence[Any]]) -> bool:
        if any(self._unlike(record, self.root[n], v) for n, v in parsed.items() if n in self.root):
            return True
        for name, fields in self.line_fields.items():
            present = {line.pk: line for line in lines.get(name, ())}
            for row in parsed.get(name, ()):
                line = present.get(row.get("id") or 0)
                if line is None or any(self._unlike(line, fields[n], v) for n, v in row.items() if n in fields):
                    return True
        return False

    def _unlike(self, record: Any, field: Field, value: Any) -> bool:
        return bool(self._value(record, field) != value)

    def _value(self, record: Any, field: Field) -> Any:
        if field.personal:
            return self.opened[type(record), record.pk][field.path]
        return getattr(record, record._meta.get_field(field.path).attname)


def _plain(value: Any) -> Any:
    return [{n: v for n, v in row.items() if n != "_row"} for row in value] if isinstance(value, list) else value


_TYPES: dict[str, Callable[[str], Any]] = {
    "money": Decimal, "quantity": Decimal, "percent": Decimal, "date": date.fromisoformat,
    "moment": datetime.fromisoformat,
}  # fmt: skip


def _typed(fields: Iterable[Field], row: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: _TYPES[f.kind](row[f.name]) for f in fields if f.kind in _TYPES and row.get(f.name) is not None}


def tally(
    documents: Sequence[Document], layout: Layout, counts: Counter[str], totals: dict[str, dict[str, Decimal]]
) -> None:
    """Add a part's verdicts and the money and quantities of its documents, by target path and verdict."""
    counts.update(d.verdict for d in documents)
    for column, path in layout.paths.items():
        field = layout.plan.field(path)
        if field is None or field.kind not in ("money", "quantity"):
            continue
        sums = totals.setdefault(path, dict.fromkeys(VERDICTS, Decimal(0)))
        amount = field.but(required=False, min=None, max=None)
        for document in documents:
            for cells in document.cells if "." in path else document.cells[:1]:
                sums[document.verdict] += _amount(amount, cells[column] if column < len(cells) else "")


def _amount(field: Field, text: str) -> Decimal:
    try:
        return Decimal(field.parse(text) or 0)
    except BadFormat:
        return Decimal(0)
