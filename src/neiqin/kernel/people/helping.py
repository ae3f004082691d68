"""Working for somebody, and handing rights over for some days."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.declare import action
from neiqin.kernel.actions.refusals import Refusal
from neiqin.kernel.fields.field import Field
from neiqin.kernel.people import fields, rights
from neiqin.kernel.people.actions import MANAGE
from neiqin.kernel.people.actors import own_scopes
from neiqin.kernel.people.appointments import spans
from neiqin.kernel.people.checks import absent, beyond
from neiqin.kernel.people.models import HERE, Delegation, Person, WorksFor

BOSS, TAKER = fields.WORKS_FOR[0], fields.DELEGATION[0]
WHAT = Field("what", "委托什么", "choice", required=True, choices=rights.DELEGABLE, default=rights.EVERYTHING)


@action(Person, "协助", may=MANAGE, from_=HERE, event="assists", icon="users", bulk=False)
def assist(
    people: Batch[Person],
    *,
    person: Annotated[int, BOSS],
    from_on: Annotated[date | None, fields.FROM_ON] = None,
    until_on: Annotated[date | None, fields.UNTIL_ON] = None,
) -> None:
    """She sees and creates what is his; ownership stays his."""
    day = from_on or clock.today()
    people.refuse(absent([BOSS], {key: {"person": person} for key in people.ids}) | spans(people, day, until_on))
    people.refuse({p.pk: Refusal("不能协助自己，换一位。", "person") for p in people if p.pk == person})
    people.refuse({p: r for p, r in beyond(people.by, people).items() if p == people.by.id})
    same = WorksFor.objects.filter(
        Q(until_on=None) | Q(until_on__gt=day), assistant_id__in=people.ids, person_id=person
    )
    people.refuse(dict.fromkeys(same.values_list("assistant_id", flat=True), Refusal("已经在协助这个人。", "person")))
    WorksFor.objects.bulk_create(
        WorksFor(assistant=p, person_id=person, from_on=day, until_on=until_on) for p in people
    )


@action(Person, "不再协助", may=MANAGE, event="stops_assisting", icon="user-off", bulk=False)
def stop_assisting(people: Batch[Person], *, person: Annotated[int, BOSS.but(label="不再协助谁")]) -> None:
    """End it today."""
    today = clock.today()
    rows = WorksFor.objects.filter(
        Q(until_on=None) | Q(until_on__gt=today), assistant_id__in=people.ids, person_id=person
    )
    helping = set(rows.values_list("assistant_id", flat=True))
    people.refuse({p.pk: Refusal("现在没有协助这个人。", "person") for p in people if p.pk not in helping})
    WorksFor.objects.filter(pk__in=rows.values("pk")).filter(from_on__gte=today).delete()
    rows.update(until_on=today)


@action(Person, "委托", may=MANAGE, from_=HERE, event="delegated", icon="hand-stop", bulk=False)
def delegate(
    people: Batch[Person],
    *,
    taker: Annotated[int, TAKER],
    what: Annotated[str, WHAT] = rights.EVERYTHING,
    from_on: Annotated[date | None, fields.FROM_ON] = None,
    until_on: Annotated[date, fields.UNTIL_ON.but(required=True)],
    reason: Annotated[str, fields.DELEGATION[3]] = "",
    most: Annotated[Decimal | None, fields.DELEGATION[4]] = None,
) -> None:
    """Somebody's rights for a colleague, for some days; only rights he has himself (C-ORG-11)."""
    people.refuse({p: r for p, r in beyond(people.by, people).items() if p != people.by.id})
    text = "不能把别人的权限委托给自己。"
    people.refuse({p.pk: Refusal(text, "taker") for p in people if taker == people.by.id and p.pk != people.by.id})
    _delegate(people, taker, what, from_on, until_on, reason, most)


@action(Person, "委托我的权限", may="", event="delegated", button=False, bulk=False, icon="hand-stop")
def delegate_mine(
    people: Batch[Person],
    *,
    taker: Annotated[int, TAKER],
    what: Annotated[str, WHAT] = rights.EVERYTHING,
    from_on: Annotated[date | None, fields.FROM_ON] = None,
    until_on: Annotated[date, fields.UNTIL_ON.but(required=True)],
    reason: Annotated[str, fields.DELEGATION[3]] = "",
    most: Annotated[Decimal | None, fields.DELEGATION[4]] = None,
) -> None:
    """One's own rights for a colleague, for some days: needs no permission."""
    people.refuse({p.pk: Refusal("只能委托自己的权限。") for p in people if p.pk != people.by.id})
    _delegate(people, taker, what, from_on, until_on, reason, most)


@action(Person, "收回委托", may=MANAGE, event="delegation_ended", icon="arrow-back-up", bulk=False)
def recall(people: Batch[Person], *, taker: Annotated[int, TAKER.but(label="从谁那里收回")]) -> None:
    """End what was delegated to this colleague, now."""
    _recall(people, taker)


@action(Person, "收回我的委托", may="", event="delegation_ended", button=False, bulk=False, icon="arrow-back-up")
def recall_mine(people: Batch[Person], *, taker: Annotated[int, TAKER.but(label="从谁那里收回")]) -> None:
    """End what oneself has delegated to this colleague, now."""
    people.refuse({p.pk: Refusal("只能收回自己的委托。") for p in people if p.pk != people.by.id})
    _recall(people, taker)


def _delegate(
    people: Batch[Person], taker: int, what: str, from_on: date | None, until_on: date, reason: str,
    most: Decimal | None,
) -> None:  # fmt: skip
    today = clock.today()
    day = from_on or today
    people.refuse(absent([TAKER], {key: {"taker": taker} for key in people.ids}) | spans(people, day, until_on))
    people.refuse({p.pk: Refusal("不能委托给自己，换一位。", "taker") for p in people if p.pk == taker})
    if day < today:
        people.refuse(dict.fromkeys(people.ids, Refusal("委托从今天或以后开始。", "from_on")))
    wanted = rights.meant_by(what)
    for person in list(people):
        held = own_scopes(person.pk, max(day, today))
        given = [p for p in wanted if p in held]
        if what != rights.EVERYTHING and not given:
            people.refuse({person.pk: Refusal(f"{person.name}自己没有这项权限，不能委托。", "what")})
            continue
        permissions = [] if what == rights.EVERYTHING else given
        Delegation.objects.create(
            giver=person,
            taker_id=taker,
            permissions=permissions,
            from_on=day,
            until_on=until_on,
            reason=reason,
            most=most,
        )
    people.tell({p.pk: {"what": what, "taker": taker, "reason": reason} for p in people})


def _recall(people: Batch[Person], taker: int) -> None:
    today = clock.today()
    rows = Delegation.objects.filter(giver_id__in=people.ids, taker_id=taker, until_on__gt=today)
    giving = set(rows.values_list("giver_id", flat=True))
    people.refuse({p.pk: Refusal("现在没有委托给这个人。", "taker") for p in people if p.pk not in giving})
    kept = rows.filter(giver_id__in=people.ids)
    kept.filter(from_on__gte=today).delete()
    kept.update(until_on=today)
