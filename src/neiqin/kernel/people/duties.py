"""Written duties of positions: published in versions, signed by every holder (C-ORG-02)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people.actors import in_force
from neiqin.kernel.people.models import Appointment, Duty, DutyReading, Person, Position

MANAGE = "people.duties"
TEXT = Field("text", "职责", "long", required=True, maxlength=20_000, help="一条一行。发布后不能改，只能再发新的一版")


@dataclass
class Sheet:
    """The version in force of one position: who holds the position, and who has signed when."""

    duty: Duty
    position: str
    holders: list[tuple[int, str]] = field(default_factory=list)
    signed: dict[int, datetime] = field(default_factory=dict)

    @property
    def unsigned(self) -> list[tuple[int, str]]:
        return [h for h in self.holders if h[0] not in self.signed]


@action(Position, "发布职责", may=MANAGE, event="duty_published", icon="file-certificate", bulk=False)
def publish_duty(positions: Batch[Position], *, text: Annotated[str, TEXT]) -> None:
    """The next version of the position's written duties; every holder will be asked to sign it."""
    for position in positions:
        last = Duty.objects.filter(position=position).order_by("-number").first()
        if last is not None and last.text == text:
            positions.refuse({position.pk: Refusal(f"和第 {last.number} 版一字不差，没有发布。", "text")})
            continue
        number = last.number + 1 if last else 1
        Duty.objects.create(
            position=position, number=number, text=text, published_at=positions.now, published_by=positions.by.id
        )
        positions.tell({position.pk: {"note": f"第 {number} 版"}})


@action(Person, "签收职责", may="", event="duty_signed", icon="checkbox", button=False, bulk=False)
def sign_duty(people: Batch[Person], *, duty: Annotated[int, Field("duty", "职责", "number", required=True)]) -> None:
    """One's own signature, 看完签收, under the version in force. Signing twice is refused."""
    people.refuse({p.pk: Refusal("职责由本人签收，别人不能代签。") for p in people if p.pk != people.by.id})
    waiting = {d.pk: d for d in unsigned_of(people.by.id)} if people.records else {}
    if duty not in waiting:
        text = "这一版不用签收：已经签过，或已有新的一版，或岗位不是自己的。回工作台看现在要签的。"
        people.refuse(dict.fromkeys(people.ids, Refusal(text, "duty")))
        return
    DutyReading.objects.bulk_create(DutyReading(duty_id=duty, person=p, read_at=people.now) for p in people)
    sheet = waiting[duty]
    people.tell({key: {"note": f"{sheet.position.name}第 {sheet.number} 版", "duty": duty} for key in people.ids})
    people.unchanged_but_told()


def in_force_of(positions: Iterable[int]) -> list[Duty]:
    """The highest version of each position that has any."""
    found = Duty.objects.filter(position_id__in=list(positions)).select_related("position")
    return list(found.order_by("position_id", "-number").distinct("position_id"))


def positions_of(person_id: int) -> set[int]:
    """The positions somebody holds today, main and second."""
    rows = Appointment.objects.filter(in_force(clock.today()), person_id=person_id, person__left_on=None)
    return set(rows.values_list("position_id", flat=True))


def duties_of(person_id: int) -> list[tuple[Duty, bool]]:
    """(version in force, signed) of the positions somebody holds today; what waits comes first."""
    sheets = in_force_of(positions_of(person_id))
    signed = set(DutyReading.objects.filter(duty__in=sheets, person_id=person_id).values_list("duty_id", flat=True))
    return sorted(((d, d.pk in signed) for d in sheets), key=lambda pair: (pair[1], pair[0].position.rank))


def unsigned_of(person_id: int) -> list[Duty]:
    """The versions in force that somebody has yet to sign."""
    return [duty for duty, signed in duties_of(person_id) if not signed]


def sheets(positions: Iterable[int] | None = None) -> list[Sheet]:
    """For each position with written duties: version in force, holders, signatures. Positions as staff rank them."""
    wanted = Position.objects.values_list("pk", flat=True) if positions is None else positions
    found = {d.position_id: Sheet(d, d.position.name) for d in in_force_of(wanted)}
    rows = Appointment.objects.filter(in_force(clock.today()), position_id__in=found, person__left_on=None)
    for position, person, name in rows.order_by("person__pinyin", "person_id").values_list(
        "position_id", "person_id", "person__name"
    ):
        if (person, name) not in found[position].holders:
            found[position].holders.append((person, name))
    signatures: dict[int, dict[int, datetime]] = defaultdict(dict)
    readings = DutyReading.objects.filter(duty__in=[s.duty for s in found.values()])
    for duty, person, moment in readings.values_list("duty_id", "person_id", "read_at"):
        signatures[duty][person] = moment
    for sheet in found.values():
        sheet.signed = signatures[sheet.duty.pk]
    return sorted(found.values(), key=lambda s: (s.duty.position.rank, s.duty.position_id))
