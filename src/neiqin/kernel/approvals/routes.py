"""A route as a cell that people can read, and the people of each of its steps.

`销售经理→财务+法务→销售总监`: → or -> next; + all in parallel (会签), with (2/3) behind it a ratio; 、 or / any one
(或签). A word is a position (岗位; each of several holders may decide), 上级, 上级×3 (a chain of leaders), @字段 (a
person in a field of the record), 部门负责人 (of the record's unit), 自选 (who asked names the person), 流程管理员, or
#姓名. 不用审批: none.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.approvals.models import MANAGE, VIEW
from neiqin.kernel.approvals.walk import Opened, Seat, Wrong
from neiqin.kernel.people.actors import actor_of, in_force
from neiqin.kernel.people.models import Appointment, Delegation, Person, Position, Unit
from neiqin.kernel.resources.resource import site

NONE = "不用审批"
LEADER, HEAD, CHOSEN, ADMINISTRATOR = "上级", "部门负责人", "自选", "流程管理员"
_RATIO = re.compile(r"\((\d+)/(\d+)\)$")
_CHAIN = re.compile(rf"{LEADER}[×xX*](\d)$")
MOST_STEPS = 12
LAST_RESORT = "终止审批，接没有人批的"


@dataclass(frozen=True)
class Step:
    """One step as written. seats: the words of each seat; ratio: of the seats, None for all."""

    words: str
    seats: tuple[tuple[str, ...], ...]
    ratio: Decimal | None = None

    @property
    def needed(self) -> int:
        """Of how many seats the consent is enough."""
        if self.ratio is None:
            return len(self.seats)
        return int((self.ratio * len(self.seats)).to_integral_value(ROUND_CEILING))


def read(cell: str) -> tuple[Step, ...]:
    """The steps of a route. Raises Wrong with a sentence for what cannot be read."""
    text = re.sub(r"\s+", "", cell).replace("->", "→").replace("＋", "+").replace("（", "(").replace("）", ")")
    if text in ("", NONE, "无"):
        return ()
    steps: list[Step] = []
    for part in text.split("→"):
        if not part:
            raise Wrong(f"路线「{cell[:40]}」里有空的一步，两个 → 之间要写谁批。")
        if chain := _CHAIN.fullmatch(part):
            steps += [Step(f"{LEADER}{n}", ((f"{LEADER}{n}",),)) for n in range(1, int(chain[1]) + 1)]
            continue
        steps.append(_step(part))
    if len(steps) > MOST_STEPS:
        raise Wrong(f"路线有 {len(steps)} 步，最多 {MOST_STEPS} 步。")
    return tuple(steps)


def _step(part: str) -> Step:
    ratio = _RATIO.search(part)
    seats = tuple(tuple(w for w in re.split("[、/]", seat) if w) for seat in _RATIO.sub("", part).split("+"))
    if not all(seats):
        raise Wrong(f"「{part[:40]}」里有空的一位，+ 和、两边都要写谁批。")
    if ratio is None:
        return Step(part, seats)
    over, of = int(ratio[1]), int(ratio[2])
    if not 0 < over <= of:
        raise Wrong(f"「{part[:40]}」的比例要在 0 和 1 之间，例如 (2/3)。")
    return Step(part, seats, Decimal(over) / of)


def unknown(cell: str) -> str:
    """The sentence for a route that cannot be read or names no position; "" for a good one."""
    try:
        steps = read(cell)
    except Wrong as error:
        return str(error)
    words = {w for step in steps for seat in step.seats for w in seat}
    named = {w for w in words if w[0] not in "@#" and w not in (HEAD, CHOSEN, ADMINISTRATOR) and not _is_leader(w)}
    missing = sorted(named - set(Position.objects.filter(name__in=named).values_list("name", flat=True)))
    people = {w[1:] for w in words if w.startswith("#")}
    missing += sorted(people - set(Person.objects.filter(name__in=people, left_on=None).values_list("name", flat=True)))
    return f"没有「{'」「'.join(missing)}」这个岗位或人。先在「岗位」里建，或换一个名字。" if missing else ""


def _is_leader(word: str) -> bool:
    return word.startswith(LEADER) and (word == LEADER or word[len(LEADER) :].isdecimal())


@dataclass(frozen=True)
class Case:
    """What the people of a step depend on: who asked, the unit the record belongs to, the amount, the permission that
    is asked for, and the persons in the record's fields by label."""

    asked_by: int
    unit: int
    may: str
    amount: Decimal | None
    fields: Mapping[str, int | None]


def opening(steps: Sequence[Step], case: Case) -> Callable[[int], Opened]:
    """What a walk calls when it reaches a step: its people of today."""
    return lambda place: Opened(steps[place].words, _seats(steps[place], case), steps[place].needed)


def _seats(step: Step, case: Case) -> tuple[Seat, ...]:
    units = dict(Unit.objects.values_list("pk", "parent_id"))
    heads = dict(Unit.objects.values_list("pk", "leader_id"))
    place = _Place(units, heads, case)
    found = []
    for words in step.seats:
        if CHOSEN in words:
            found.append(Seat(((case.asked_by, None),), CHOSEN, choose=True))
            continue
        fitting = _fit([p for w in words for p in place.people(w)], place, case)
        if not fitting:
            raise Wrong(f"没有人能批「{'、'.join(words)}」，也没有流程管理员。先给一个人「{LAST_RESORT}」的权限。")
        found.append(Seat(fitting, "、".join(words)))
    return tuple(found)


class _Place:
    """Where the record stands in the tree of units."""

    def __init__(self, parents: Mapping[int, int | None], heads: Mapping[int, int | None], case: Case) -> None:
        self.parents, self.heads, self.case = parents, heads, case

    def up(self, unit: int | None) -> Iterable[int]:
        """The unit and those above it."""
        seen: set[int] = set()
        while unit is not None and unit not in seen:
            seen.add(unit)
            yield unit
            unit = self.parents.get(unit)

    def leaders(self, person: int, unit: int) -> list[int]:
        """The leaders above a person, the nearest first, each once."""
        found = [head for u in self.up(unit) if (head := self.heads.get(u)) and head != person]
        return list(dict.fromkeys(found))

    def people(self, word: str) -> list[int]:
        """The persons a word means; the nearest holders of a position, looking up the tree."""
        case = self.case
        if word.startswith("@"):
            person = case.fields.get(word[1:])
            return [person] if person else []
        if word.startswith("#"):
            return list(Person.objects.filter(name=word[1:], left_on=None).values_list("pk", flat=True))
        if word == HEAD:
            return [h for u in self.up(case.unit) if (h := self.heads.get(u))][:1]
        if word == ADMINISTRATOR:
            return administrators()
        if _is_leader(word):
            level = int(word[len(LEADER) :] or 1)
            mine = Person.objects.values_list("unit_id", flat=True).get(pk=case.asked_by)
            return self.leaders(case.asked_by, mine)[level - 1 : level]
        rows = Appointment.objects.filter(in_force(clock.today()), position__name=word, person__left_on=None)
        holders = sorted(set(rows.values_list("person_id", "unit_id")))
        for unit in self.up(case.unit):
            if near := [p for p, u in holders if u == unit and p != case.asked_by]:
                return near
        return list(dict.fromkeys(p for p, _ in holders))


def _fit(people: Sequence[int], place: _Place, case: Case) -> tuple[tuple[int, int | None], ...]:
    """Who really decides: nobody his own request (his leader instead), the delegate for who is away; where nobody is
    left, the administrators. practice.md 4.1 and 4.3; money never passes by itself."""
    units = dict(Person.objects.filter(pk__in=[*people, case.asked_by], left_on=None).values_list("pk", "unit_id"))
    others: dict[int, int | None] = {}
    for person in people:
        if person == case.asked_by and person in units and len(people) == 1:
            others |= dict.fromkeys(place.leaders(person, units[person])[:1])
        elif person in units and person != case.asked_by:
            others[person] = None
    found: dict[int, int | None] = {}
    for person in others:
        taker = _delegate_of(person, case)
        if taker is not None and (taker == case.asked_by or taker in others):
            taker = next(iter(place.leaders(person, units.get(person, case.unit))), None)
        found[taker or person] = person if taker else None
    seeing = {p: o for p, o in found.items() if p != case.asked_by and actor_of(p).may(VIEW)}
    return tuple((seeing or dict.fromkeys(p for p in administrators() if p != case.asked_by)).items())


def _delegate_of(person: int, case: Case) -> int | None:
    """Who decides for this person today: by days, kinds and amount."""
    rows = Delegation.objects.filter(
        in_force(clock.today()), Q(most=None) | Q(most__gte=case.amount or 0), giver_id=person, taker__left_on=None
    )
    fitting = [d for d in rows.order_by("pk") if not d.permissions or {VIEW, case.may} & set(d.permissions)]
    return fitting[-1].taker_id if fitting else None


def administrators() -> list[int]:
    """Who looks after requests that have nobody else."""
    rows = Appointment.objects.filter(
        in_force(clock.today()), position__roles__role__grants__permission=MANAGE, person__left_on=None
    )
    return list(dict.fromkeys(rows.order_by("person_id").values_list("person_id", flat=True)))


def people_in(kind: str, record: Any) -> dict[str, int | None]:
    """The persons in a record's fields, by label."""
    resource = site().resources[kind]
    fields = [f for f in resource.fields if f.kind == "person"]
    return {f.label: getattr(record, resource.model._meta.get_field(f.path).attname) for f in fields}
