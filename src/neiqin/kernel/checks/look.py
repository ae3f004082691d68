"""The keeper at the gate: measures the watched fields of a call and asks the table what follows from each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from neiqin.kernel import clock
from neiqin.kernel.actions import gate, held
from neiqin.kernel.actions.declare import Action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.checks import second
from neiqin.kernel.checks.declare import DIGIT, SUM, TIMES, WATCHED, Check, field_of, resource_of
from neiqin.kernel.checks.models import Result, Second
from neiqin.kernel.fields.field import Field
from neiqin.kernel.fields.shape import Invalid, Problem
from neiqin.kernel.rules.decide import Undecided, decide

PASS, WARN, STOP, BLIND, REVIEW = "通过", "提醒", "拦截", "第二人重录", "第二人复核"
ALL = "*"
Rows = Mapping[int, Mapping[str, Any]]  # record id, or position of a new row -> parsed values


@dataclass(frozen=True)
class Measured:
    """What was seen of one field: value and what it was compared with, in words, and the number for the table."""

    key: int
    check: Check
    field: Field
    value: str
    against: str = ""
    measure: Decimal = Decimal(0)

    @property
    def words(self) -> str:
        if self.check.name == TIMES:
            return f"「{self.field.label}」{self.value} 是上次 {self.against} 的 {_plain(self.measure)} 倍"
        if self.check.name == SUM:
            return f"「{self.field.label}」{self.value} 和各项合计 {self.against} 差 {_plain(abs(self.measure))}"
        return f"「{self.field.label}」{self.value}"

    @property
    def mark(self) -> str:
        """What a confirmation names: this very value under this check."""
        return f"{self.field.name}:{'times' if self.check.name == TIMES else 'value'}:{self.value.replace(',', '')}"


@dataclass(frozen=True)
class Finding:
    """A measure that was not passed: what the table says, and by which row."""

    seen: Measured
    handling: str
    rule: str = ""
    version_id: int = 0
    row: int = 0

    @property
    def text(self) -> str:
        end = {WARN: "。核对无误再保存", STOP: "，不能保存"}.get(self.handling, "，要第二人复核")
        return f"{self.seen.words}{end}（{self.rule}）。"

    def refusal(self) -> Refusal:
        code = "warned" if self.handling == WARN else "refused"
        data = [{"field": self.seen.field.name, "message": self.text, "confirm": self.seen.mark}]
        return Refusal(self.text, self.seen.field.name, code, data if code == "warned" else None)


def keeper(call: Any, values: Sequence[Mapping[str, Any]]) -> gate.Word | None:
    """What the checks say of a call: refuse, ask to confirm, or hold it for a second person."""
    rows = _keyed(call, values)
    found, undecided = look(call.action, rows, call.by)
    stops = {f.seen.key: f for f in found if f.handling == STOP}
    asked = [f for f in found if f.handling == WARN and not call.confirmed & {ALL, f.seen.mark}]
    seconds = [f for f in found if f.handling in (BLIND, REVIEW)]
    refused: dict[int, Refusal] = {key: Refusal(text) for key, text in undecided.items()}
    for key in {f.seen.key for f in asked}:
        refused[key] = _asked([f for f in asked if f.seen.key == key])
    refused |= {key: f.refusal() for key, f in stops.items()}
    hold = None
    if seconds and not refused:
        if (call.action.rows and len(rows) > 1) or call.source == "import":
            refused |= {f.seen.key: Refusal(alone(f), f.seen.field.name) for f in seconds}
        else:
            refused = held.unfit(call)
            hold = None if refused else _hold(call, found, seconds)
    elif seconds:
        refused |= {f.seen.key: Refusal(alone(f)) for f in seconds if f.seen.key not in refused}
    return gate.Word(hold, refused, (partial(_keep, call, found),) if found else ()) if found or refused else None


def alone(finding: Finding) -> str:
    """The sentence for a row among many that needs a second person."""
    return f"{finding.seen.words}要第二人复核，不和别的一起办。单独录入这一条（{finding.rule}）。"


def _asked(findings: Sequence[Finding]) -> Refusal:
    parts = [f.refusal() for f in findings]
    return Refusal("".join(p.text for p in parts), parts[0].field, "warned", [d for p in parts for d in p.data])


def look(action: Action, rows: Rows, by: Any) -> tuple[list[Finding], dict[int, str]]:
    """The findings on parsed values by record id or position, without those passed, and what could not be decided."""
    checks = [c for c in WATCHED.get(action.kind, ()) if c.name != DIGIT]
    measured = _measured(action, checks, rows, by) if checks else []
    if not measured:
        return [], {}
    label = resource_of(action.kind).label
    asked = [_input(label, m.field.label, m.check.name, m.measure) for m in measured]
    problems: Mapping[int, str] = {}
    try:
        made = dict(enumerate(decide("checks", asked, clock.today())))
    except Undecided as error:
        made, problems = dict(error.decisions), error.problems
    found = [_finding(measured[n], d) for n, d in made.items() if d.outputs["handling"] != PASS]
    return found, {measured[n].key: text for n, text in problems.items()}


def _input(kind: str, field: str, check: str, measure: Decimal) -> dict[str, Any]:
    return {"kind": kind, "field": field, "check": check, "measure": measure}


def _finding(seen: Measured, decision: Any) -> Finding:
    return Finding(seen, decision.outputs["handling"], decision.where, decision.version.id, decision.row)


def _keyed(call: Any, values: Sequence[Mapping[str, Any]]) -> Rows:
    if call.action.creates:
        return dict(enumerate(values))
    return dict(zip(call.ids, values, strict=True)) if call.action.each else dict.fromkeys(call.ids, values[0])


def _measured(action: Action, checks: Sequence[Check], rows: Rows, by: Any) -> list[Measured]:
    found: list[Measured] = []
    for check in checks:
        field = field_of(action.kind, check.field)
        touched = {k: row for k, row in rows.items() if check.field in row or check.parts[0] in row}
        stored = _stored(action, field, touched)
        now = {k: row.get(check.field, stored.get(k)) for k, row in touched.items()}
        now = {k: v for k, v in now.items() if v is not None}
        against: Mapping[int, Any] = {}
        if check.name == TIMES:
            against = _last(action, check, field, rows, by) if action.creates else stored
        elif check.name == SUM:
            against = _sums(action, check, {k: touched[k] for k in now})
        for key, value in now.items():
            other = against.get(key)
            unchanged = check.name != SUM and stored.get(key) == value
            if unchanged or (check.name == TIMES and not other):
                continue  # nothing new, or nothing to compare with
            number = value / other if check.name == TIMES else value - other if check.name == SUM else value
            measure = Decimal(number).quantize(Decimal("0.0001"))
            found.append(Measured(key, check, field, _said(field, value), _said(field, other), measure))
    return found


def _stored(action: Action, field: Field, rows: Rows) -> Mapping[int, Any]:
    if action.creates or not rows:
        return {}
    return dict(action.model.objects.filter(pk__in=rows).values_list("pk", field.path))


def _last(action: Action, check: Check, field: Field, rows: Rows, by: Any) -> Mapping[int, Any]:
    """Of new records: the value of the last one with the same `among` that the person may see. One query for all."""
    wanted = {k: tuple(row.get(a) for a in check.among) for k, row in rows.items()}
    if not check.among or not wanted:
        return {}
    visible = action.model.objects.filter(action.model.visible_to(by))
    among = [action.model._meta.get_field(name).attname for name in check.among]
    same = {f"{a}__in": {w[n] for w in wanted.values()} for n, a in enumerate(among)}
    last = visible.filter(**same).order_by(*among, "-pk").distinct(*among)
    known = {tuple(row[:-1]): row[-1] for row in last.values_list(*among, field.path)}
    return {k: known[w] for k, w in wanted.items() if w in known}


def _sums(action: Action, check: Check, rows: Rows) -> dict[int, Decimal]:
    """The lines as they would be after the call, added up."""
    name, column = check.parts
    lines = resource_of(action.kind).line(name)
    assert lines is not None
    present: dict[int, dict[int, Decimal]] = defaultdict(dict)
    if not action.creates:
        stored = lines.model.objects.filter(**{f"{lines.fk}__in": rows})
        for root, pk, amount in stored.values_list(lines.fk, "pk", column):
            present[root][pk] = amount or Decimal(0)
    sums = {}
    for key, row in rows.items():
        after, new = dict(present[key]), Decimal(0)
        for line in row.get(name) or ():
            if line.get("delete"):
                after.pop(line.get("id"), None)
            elif line.get("id"):
                after[line["id"]] = line.get(column, after.get(line["id"])) or Decimal(0)
            else:
                new += line.get(column) or Decimal(0)
        sums[key] = sum(after.values(), new)
    return sums


def _said(field: Field, value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if field.kind == "money" else _plain(value)


def _plain(value: Any) -> str:
    return f"{Decimal(value).normalize():,f}"


def _hold(call: Any, found: Sequence[Finding], seconds: Sequence[Finding]) -> gate.Hold:
    mode = Second.BLIND if any(f.handling == BLIND for f in seconds) else Second.REVIEW
    keys = list(dict.fromkeys(f.seen.field.name for f in seconds))
    labels = "、".join(dict.fromkeys(f"「{f.seen.field.label}」" for f in seconds))
    reason = f"已提交，等第二人{'重录' if mode == Second.BLIND else '复核'}{labels}（{seconds[0].rule}）。"

    def stored(number: int) -> None:
        second.open_one(call, number, mode, keys, seconds[0].rule)
        _write(call, found, None, dict.fromkeys((f.seen.key for f in found), Result.Fate.HELD), {}, number)

    return gate.Hold(reason, f"提交，等第二人{'重录' if mode == Second.BLIND else '复核'}", stored)


def _keep(call: Any, found: Sequence[Finding], run: int, batch: Any) -> None:
    """At the end of the run: each finding with what became of its record."""
    records = {p: r for r, p in batch.positions.items()} if call.action.creates else {}
    fates = {}
    for finding in found:
        refused = batch.refused.get(finding.seen.key)
        asked = refused is not None and refused.code == "warned" and finding.handling == WARN
        fate = Result.Fate.CONFIRMED if refused is None else Result.Fate.ASKED if asked else Result.Fate.STOPPED
        fates[finding.seen.key] = fate
    _write(call, found, run, fates, records, None)


def _write(
    call: Any, found: Iterable[Finding], run: int | None, fates: Mapping[int, str], records: Mapping[int, int],
    held: int | None,
) -> None:  # fmt: skip
    Result.objects.bulk_create(
        Result(
            run_id=run, at=clock.now(), person_id=call.by.id, model=call.action.kind,
            record_id=records.get(f.seen.key) if call.action.creates else f.seen.key, field=f.seen.field.name,
            check_name=f.seen.check.name, value=f.seen.value, against=f.seen.against, rule=f.rule,
            version_id=f.version_id, row=f.row, fate=fates[f.seen.key], held_id=held,
        )
        for f in found
    )  # fmt: skip


def misread(call: Any, error: Invalid) -> Invalid:
    """A wrong check digit: the format has refused it; kept, and told with the rule. A personal value is not kept."""
    kind = call.action.kind
    watched = {c.field for c in WATCHED.get(kind, ()) if c.name == DIGIT}
    given = call.rows[0] if call.action.rows and call.rows else call.params or {}
    problems: list[Problem] = []
    for problem in error.problems:
        if problem.field in watched and given.get(problem.field):
            field = field_of(kind, problem.field)
            asked = _input(resource_of(kind).label, field.label, DIGIT, Decimal(0))
            (decision,) = decide("checks", [asked], clock.today())
            seen = Measured(
                call.ids[0] if call.ids else 0, Check(field.name, DIGIT), field,
                "" if field.personal else str(given.get(field.name, ""))[:40],
            )  # fmt: skip
            finding = _finding(seen, decision)
            _write(call, [finding], None, {seen.key: Result.Fate.STOPPED}, {}, None)
            problem = replace(problem, message=f"{problem.message}（{finding.rule}）")
        problems.append(problem)
    return Invalid(problems)
