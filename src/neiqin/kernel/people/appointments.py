"""Who holds which position in which unit, from when: transfer, second position, and the day on which it comes true."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated

from django.apps import apps
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.people import fields
from neiqin.kernel.people.actions import MANAGE
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.checks import absent, beyond, keep_a_holder
from neiqin.kernel.people.models import HERE, Appointment, Person, Position, Unit
from neiqin.kernel.people.ownership import OwnedRecord
from neiqin.kernel.people.scope import SYSTEM

CHUNK = 200


@action(Person, "调动", may=MANAGE, from_=HERE, event="transferred", icon="replace")
def transfer(
    people: Batch[Person],
    *,
    unit: Annotated[int, fields.UNIT_OF],
    position: Annotated[int, fields.POSITION_OF],
    from_on: Annotated[date | None, fields.FROM_ON] = None,
) -> None:
    """End the main appointment and begin the next. From today: the records owned go along at once; from a later day:
    on that day, by settle_appointments."""
    today = clock.today()
    day = from_on or today
    people.refuse(_unfit(people, unit, position))
    if day < today:
        people.refuse(dict.fromkeys(people.ids, Refusal("调动从今天或以后开始，过去的日子不能改。", "from_on")))
    same = Appointment.objects.filter(
        in_force(day), person_id__in=people.ids, main=True, unit_id=unit, position_id=position
    )
    people.refuse(
        dict.fromkeys(same.values_list("person_id", flat=True), Refusal("已经在这个部门、这个岗位。", "unit"))
    )
    if not people.records:
        return
    _succeed(people.ids, unit, position, day)
    people.tell({key: {"note": f"{_place(unit, position)}，{day:%Y-%m-%d} 起"} for key in people.ids})
    if day == today:
        _come_true(people, dict.fromkeys(people.ids, (unit, position)))
    keep_a_holder(people)


@action(Person, "任兼职", may=MANAGE, from_=HERE, event="appointed", icon="user-plus", bulk=False)
def appoint(
    people: Batch[Person],
    *,
    unit: Annotated[int, fields.UNIT_OF],
    position: Annotated[int, fields.POSITION_OF],
    from_on: Annotated[date | None, fields.FROM_ON] = None,
    until_on: Annotated[date | None, fields.UNTIL_ON] = None,
) -> None:
    """A second position beside the main one."""
    day = from_on or clock.today()
    people.refuse(_unfit(people, unit, position) | spans(people, day, until_on))
    same = Appointment.objects.filter(in_force(day), person_id__in=people.ids, unit_id=unit, position_id=position)
    people.refuse(dict.fromkeys(same.values_list("person_id", flat=True), Refusal("已经在任这个岗位。", "position")))
    Appointment.objects.bulk_create(
        Appointment(person=p, unit_id=unit, position_id=position, from_on=day, until_on=until_on, main=False)
        for p in people
    )
    people.tell({key: {"note": f"{_place(unit, position)}，{day:%Y-%m-%d} 起"} for key in people.ids})


@action(Person, "免兼职", may=MANAGE, from_=HERE, event="dismissed", icon="user-off", bulk=False)
def dismiss(people: Batch[Person], *, position: Annotated[int, fields.POSITION_OF.but(label="兼任的岗位")]) -> None:
    """End the second appointments in a position today. The main one is changed by a transfer."""
    today = clock.today()
    people.refuse(beyond(people.by, people))
    held = Appointment.objects.filter(
        Q(until_on=None) | Q(until_on__gt=today), person_id__in=people.ids, position_id=position, main=False
    )
    holders = set(held.values_list("person_id", flat=True))
    people.refuse({p.pk: Refusal("没有兼任这个岗位。", "position") for p in people if p.pk not in holders})
    people.tell(
        {
            key: {"note": Position.objects.filter(pk=position).values_list("name", flat=True).first() or ""}
            for key in people.ids
        }
    )
    end_appointments(held.filter(person_id__in=people.ids), today)
    keep_a_holder(people)


@action(Person, "调动生效", may=MANAGE, event="settled", button=False, bulk=False, icon="replace")
def settle(people: Batch[Person]) -> None:
    """Bring unit and position, and the unit of all records owned, in line with the main appointment of today."""
    wanted = _due(people.ids, clock.today())
    people.refuse({p.pk: "没有到期的调动。" for p in people if p.pk not in wanted})
    _come_true(people, wanted)


def settle_appointments(day: date | None = None) -> int:
    """Carry out the transfers whose day has come. Called every hour; a second call finds nothing. Returns how many."""
    due = sorted(_due(None, day or clock.today()))
    done = 0
    for start in range(0, len(due), CHUNK):
        done += len(perform(settle, due[start : start + CHUNK], by=SYSTEM, source="worker").done)
    return done


def end_appointments(rows: QuerySet[Appointment], day: date) -> None:
    """End these appointments on a day (exclusive); those that would not have begun by then never were."""
    rows.filter(from_on__gte=day).delete()
    rows.filter(from_on__lt=day).update(until_on=day)


def spans(people: Batch[Person], from_on: date, until_on: date | None) -> dict[int, Refusal]:
    """An end that is not after the beginning."""
    if until_on is not None and until_on <= from_on:
        return dict.fromkeys(people.ids, Refusal("「到哪天止」要晚于「从哪天起」。", "until_on"))
    return {}


def _unfit(people: Batch[Person], unit: int, position: int) -> dict[int, Refusal]:
    given = {"unit": unit, "position": position}
    problems = absent((fields.UNIT_OF, fields.POSITION_OF), dict.fromkeys(people.ids, given))
    return problems | beyond(people.by, people, position)


def _succeed(ids: Iterable[int], unit: int, position: int, day: date) -> None:
    """Plans that begin on or after this day are replaced, the running appointment ends on it."""
    main = Appointment.objects.filter(person_id__in=ids, main=True)
    main.filter(from_on__gte=day).delete()
    main.filter(Q(until_on=None) | Q(until_on__gt=day)).update(until_on=day)
    Appointment.objects.bulk_create(
        Appointment(person_id=p, unit_id=unit, position_id=position, from_on=day) for p in ids
    )


def _place(unit: int, position: int) -> str:
    return f"{Unit.objects.get(pk=unit).name}{Position.objects.get(pk=position).name}"


def _due(ids: Iterable[int] | None, day: date) -> dict[int, tuple[int, int]]:
    """person -> (unit, position) of the main appointment in force, where the person's own columns say otherwise."""
    main = Appointment.objects.filter(in_force(day), main=True)
    if ids is not None:
        main = main.filter(person_id__in=list(ids))
    same = Person.objects.filter(
        pk=OuterRef("person_id"), unit_id=OuterRef("unit_id"), position_id=OuterRef("position_id")
    )
    rows = main.filter(~Exists(same)).order_by("from_on", "id").values_list("person_id", "unit_id", "position_id")
    return {person: (unit, position) for person, unit, position in rows}


def _come_true(people: Batch[Person], wanted: Mapping[int, tuple[int, int]]) -> None:
    people.set_each("unit_id", {p: unit for p, (unit, _) in wanted.items()})
    people.set_each("position_id", {p: position for p, (_, position) in wanted.items()})
    _move_owned({p: wanted[p][0] for p in people.ids})


def _move_owned(units: Mapping[int, int]) -> None:
    """The unit of owned records is their owner's. Locked in id order first, as everywhere."""
    for model in apps.get_models():
        if not issubclass(model, OwnedRecord) or model._meta.abstract or model._meta.proxy:
            continue
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH mine AS (SELECT t.id, v.unit FROM unnest(%s::bigint[], %s::bigint[]) AS v(owner, unit) "
                f'JOIN "{table}" t '
                "ON t.owner_id = v.owner WHERE t.unit_id <> v.unit ORDER BY t.id FOR NO KEY UPDATE OF t) "
                f'UPDATE "{table}" t SET unit_id = mine.unit FROM mine WHERE t.id = mine.id',
                [list(units), list(units.values())],
            )
