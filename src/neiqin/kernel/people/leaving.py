"""Leaving and coming back. The records stay with their owner's name until they are handed over."""

import uuid
from datetime import date
from typing import Annotated

from django.apps import apps
from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people import fields
from neiqin.kernel.people.actions import MANAGE
from neiqin.kernel.people.appointments import end_appointments
from neiqin.kernel.people.checks import absent, beyond, keep_a_holder
from neiqin.kernel.people.models import GONE, HERE, Appointment, Delegation, Login, Person, Token, WorksFor
from neiqin.kernel.people.ownership import OwnedRecord

SUCCESSOR = Field(
    "successor", "接手人", "person", ref="people.person", help="自动建一个交给这个人的交接包，由能移交的人交出"
)


@action(Person, "离职", may=MANAGE, from_=HERE, event="left", icon="user-off", danger=True)
def leave(
    people: Batch[Person],
    *,
    left_on: Annotated[date | None, Field("left_on", "离职日期", "date", help="空着就是今天。当天起不能登录")] = None,
    successor: Annotated[int | None, SUCCESSOR] = None,
) -> None:
    """Login, sessions and tokens end at once, appointments and delegations on the day.

    What he owns stays his until it is handed over; how much that is goes on record.
    """
    day = left_on or clock.today()
    people.refuse(
        absent([SUCCESSOR], {key: {"successor": successor} for key in people.ids}) | beyond(people.by, people)
    )
    people.refuse({p.pk: Refusal("接手人不能是本人，换一位。", "successor") for p in people if p.pk == successor})
    if day > clock.today():
        people.refuse(dict.fromkeys(people.ids, Refusal("离职当天再办，登录会当即停掉。", "left_on")))
    ids = people.ids
    end_appointments(Appointment.objects.filter(Q(until_on=None) | Q(until_on__gt=day), person_id__in=ids), day)
    for rows in (
        WorksFor.objects.filter(Q(assistant_id__in=ids) | Q(person_id__in=ids)).filter(
            Q(until_on=None) | Q(until_on__gt=day)
        ),
        Delegation.objects.filter(Q(giver_id__in=ids) | Q(taker_id__in=ids), until_on__gt=day),
    ):
        rows.filter(from_on__gte=day).delete()
        rows.update(until_on=day)
    shut_out(ids)
    name = Person.objects.filter(pk=successor).values_list("name", flat=True).first() if successor else ""
    people.tell({p: {"note": _left_behind(p, name or ""), "successor": successor} for p in ids})
    people.set(left_on=day)
    keep_a_holder(people)


@action(Person, "恢复在职", may=MANAGE, from_=GONE, event="rejoined", icon="rotate", bulk=False)
def rejoin(
    people: Batch[Person],
    *,
    unit: Annotated[int, fields.UNIT_OF],
    position: Annotated[int, fields.POSITION_OF],
) -> None:
    """He works here again, from today. The login stays shut until it gets a new password."""
    given = {"unit": unit, "position": position}
    people.refuse(absent((fields.UNIT_OF, fields.POSITION_OF), dict.fromkeys(people.ids, given)))
    people.refuse(beyond(people.by, people, position))
    today = clock.today()
    Appointment.objects.bulk_create(
        Appointment(person=p, unit_id=unit, position_id=position, from_on=today) for p in people
    )
    people.set(left_on=None, unit_id=unit, position_id=position)


def shut_out(ids: list[int]) -> None:
    """No login, no session and no token of these persons works any more, from this transaction's end."""
    for login in Login.objects.filter(person_id__in=ids).order_by("id"):
        login.is_active, login.session_stamp = False, uuid.uuid4()
        login.save(update_fields=["is_active", "session_stamp"])
    Token.objects.filter(login__person_id__in=ids).delete()


def owned_counts(person_id: int) -> list[tuple[str, int]]:
    """(model label, how many) of the records a person owns."""
    owned = [m for m in apps.get_models() if issubclass(m, OwnedRecord) and m.LEFT_BEHIND and not m._meta.proxy]
    counts = [(m._meta.label_lower, m._default_manager.filter(owner_id=person_id).count()) for m in owned]
    return [(label, count) for label, count in counts if count]


def _left_behind(person_id: int, successor: str) -> str:
    total = sum(count for _, count in owned_counts(person_id))
    if not total:
        return ""
    return f"名下还有 {total:,} 条记录要移交" + (f"，接手人 {successor}" if successor else "")
