"""People by pasting a list: units, persons, whom they assist and their logins, each row with its verdict."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.formats import pinyin_key
from neiqin.kernel.people import actions, helping, logins
from neiqin.kernel.people.models import Login, Person, Position, Unit
from neiqin.modules.company import presets
from neiqin.modules.company.table import cells_of

COLUMNS = {
    "name": ("姓名", "名字", "人员", "员工姓名"),
    "staff_no": ("工号", "编号", "员工编号", "人员编号"),
    "unit": ("部门", "所属部门", "团队", "小组"),
    "position": ("岗位", "职务", "职位"),
    "username": ("账号", "登录名", "用户名"),
    "helps": ("协助", "协助谁", "服务的销售", "对接销售"),
}
MOST = 500
NEW, KNOWN, WRONG = "new", "known", "wrong"


@dataclass
class Row:
    """One pasted person. path: unit names from below the company down; verdict: new, known (skipped) or wrong."""

    line: int
    name: str
    staff_no: str
    path: tuple[str, ...]
    position: str
    username: str
    helps: tuple[str, ...]
    verdict: str = NEW
    problem: str = ""
    position_id: int = 0
    password: str = field(default="", repr=False)


class Unusable(ValueError):
    """The pasted text as a whole cannot be used; the message is a Chinese sentence."""


def read(text: str) -> list[Row]:
    """The rows of a pasted list, with verdicts. Raises Unusable (no heading, too many rows)."""
    table = cells_of(text, COLUMNS)
    for needed in ("name", "unit", "position"):
        if table.rows and needed not in table.columns:
            raise Unusable(f"少一列「{COLUMNS[needed][0]}」。第一行写列名：姓名、工号、部门、岗位。")
    if len(table.rows) > MOST:
        raise Unusable(f"一次最多 {MOST} 人，这里有 {len(table.rows)} 人。分几次贴。")
    rows = [_row(line, cells) for line, cells in table.rows if cells["name"] or cells["staff_no"]]
    _judge(rows)
    return rows


def _row(line: int, cells: dict[str, str]) -> Row:
    path = tuple(p for p in re.split(r"[/／>＞\\]", cells["unit"].replace(" ", "")) if p)
    helps = tuple(p for p in re.split(r"[、,，;；\s]+", cells["helps"]) if p)
    return Row(line, cells["name"], cells["staff_no"], path, cells["position"], cells["username"].lower(), helps)


def _judge(rows: list[Row]) -> None:
    """Fill verdict, problem, position and what is left to us: number and login name."""
    positions = {p.name: p.pk for p in Position.objects.all()}
    people = {p.staff_no: p.name for p in Person.objects.all()}
    used = set(Login.objects.values_list("username", flat=True))
    by_name = {(p.name, p.unit.name) for p in Person.objects.filter(left_on=None).select_related("unit")}
    numbers, names = _free_numbers(people, rows), {r.name for r in rows} | {n for n, _ in by_name}
    seen: set[str] = set()
    for row in rows:
        row.position = row.position if row.position in positions else presets.position_named(row.position)
        row.position_id = positions.get(row.position, 0)
        if (row.staff_no in people and people[row.staff_no] == row.name) or (not row.staff_no and _same(row, by_name)):
            row.verdict = KNOWN
            continue
        row.problem = _problem(row, people, seen, names, positions)
        row.verdict = WRONG if row.problem else NEW
        row.staff_no = row.staff_no or next(numbers)
        seen.add(row.staff_no)
        if row.verdict == NEW:
            row.username = _free_name(row, used)
            used.add(row.username)


def _same(row: Row, by_name: set[tuple[str, str]]) -> bool:
    return bool(row.path) and (row.name, row.path[-1]) in by_name


def _problem(row: Row, people: dict[str, str], seen: set[str], names: set[str], positions: Iterable[str]) -> str:
    if not row.name or not row.path or not row.position:
        lacking = [
            label for label, value in (("姓名", row.name), ("部门", row.path), ("岗位", row.position)) if not value
        ]
        return f"{'、'.join(lacking)}空着。"
    if not row.position_id:
        near = [p for p in positions if row.position in p or p in row.position]
        return f"没有「{row.position}」这个岗位，{'写成 ' + '、'.join(near[:3]) if near else '先在「岗位」里建'}。"
    if row.staff_no in people:
        return f"工号 {row.staff_no} 是{people[row.staff_no]}的，换一个。"
    if row.staff_no in seen:
        return f"工号 {row.staff_no} 在这张表里写了两次。"
    if unknown := [h for h in row.helps if h not in names]:
        return f"协助的{'、'.join(unknown)}不在名单里，也不在系统里。"
    return ""


def _free_numbers(people: Iterable[str], rows: Sequence[Row]) -> Any:
    taken = {int(n) for n in (*people, *(r.staff_no for r in rows)) if n.isdecimal() and len(n) < 9}
    number = max(taken, default=0)
    while True:
        number += 1
        yield str(number)


def _free_name(row: Row, used: set[str]) -> str:
    wanted = row.username or pinyin_key(row.name, person=True).split("\0")[0].replace(" ", "") or row.staff_no
    name, n = wanted[:50], 1
    while name in used:
        n += 1
        name = f"{wanted[:50]}{n}"
    return name


@dataclass
class Added:
    """What came of it: rows with their one-time passwords, and what was refused by whom."""

    rows: list[Row]
    problems: list[str]


def add(rows: Sequence[Row], *, by: Any, key: str) -> Added:
    """Make the units that are missing, then the new persons, whom they assist, and a login with a one-time password
    for each. Every step is an action of its own under `key`; done again, it goes on with what is missing."""
    fresh = [r for r in rows if r.verdict == NEW]
    units = _units({r.path for r in fresh}, by, key)
    given = [{"name": r.name, "staff_no": r.staff_no, "unit": units[r.path], "position": r.position_id} for r in fresh]
    outcome = perform(actions.create_person, by=by, rows=given, key=f"{key}-people", source="web") if given else None
    problems = [f"第 {fresh[at].line} 行：{r.text}" for at, r in (outcome.refused if outcome else {}).items()]
    made = {p.staff_no: p for p in Person.objects.filter(staff_no__in=[r.staff_no for r in fresh])}
    added = [r for r in fresh if r.staff_no in made]
    problems += _logins(added, made, by)
    problems += _helping(added, made, by)
    return Added(added, problems)


def _units(paths: set[tuple[str, ...]], by: Any, key: str) -> dict[tuple[str, ...], int]:
    """path -> unit id, by name below the topmost unit; level by level, missing ones are made."""
    known = {(u.name, u.parent_id): u.pk for u in Unit.objects.filter(closed_on=None)}
    top = Unit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True)[0]
    anywhere = {u.name: u.pk for u in Unit.objects.filter(closed_on=None)}
    found: dict[tuple[str, ...], int] = {(): top}
    for depth in range(1, max(map(len, paths), default=0) + 1):
        wanted = sorted({p[:depth] for p in paths if len(p) >= depth})
        for path in wanted:
            unit = known.get((path[-1], found[path[:-1]])) or (anywhere.get(path[-1]) if depth == 1 else None)
            if unit:
                found[path] = unit
        missing = [p for p in wanted if p not in found]
        if missing:
            start = Unit.objects.count() + 1
            codes = {c for c in Unit.objects.values_list("code", flat=True)}
            free = (str(n) for n in range(start, 10**6) if str(n) not in codes)
            rows = [{"name": p[-1], "code": next(free), "parent": found[p[:-1]]} for p in missing]
            outcome = perform(actions.create_unit, by=by, rows=rows, key=f"{key}-units-{depth}", source="web")
            found |= dict(zip(missing, outcome.done, strict=True))
    return found


def _logins(rows: Sequence[Row], made: dict[str, Person], by: Any) -> list[str]:
    having = set(Login.objects.filter(person__in=made.values()).values_list("person_id", flat=True))
    problems = []
    for row in rows:
        if made[row.staff_no].pk in having:
            continue
        password = logins.one_time_password()
        given = {"username": row.username, "password": password}
        outcome = perform(logins.create_login, [made[row.staff_no].pk], by=by, params=given, source="web")
        problems += [f"{row.name}的账号没有开：{r.text}" for r in outcome.refused.values()]
        row.password = password if outcome.done else ""
    return problems


def _helping(rows: Sequence[Row], made: dict[str, Person], by: Any) -> list[str]:
    wanted = {h for r in rows for h in r.helps}
    people = {p.name: p.pk for p in Person.objects.filter(name__in=wanted, left_on=None)}
    problems: list[str] = []
    for row in rows:
        for name in row.helps:
            refused: Iterable[Refusal] = perform(
                helping.assist, [made[row.staff_no].pk], by=by, params={"person": people[name]}, source="web"
            ).refused.values()
            problems += [f"{row.name}协助{name}没有记上：{r.text}" for r in refused]
    return problems


def position_names() -> list[str]:
    """What may stand in the column 岗位, by rank."""
    return list(Position.objects.order_by("rank", "pk").values_list("name", flat=True))
