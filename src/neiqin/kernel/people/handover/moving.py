"""Carrying a package out, and back: set-wise, some hundred records a transaction, each through its own kind's action.

A job that is killed goes on where it stopped: what was handed over is no longer the giver's, what was refused has its
item. Records are locked before they are asked about, so that nothing is taken from somebody who got it meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection, transaction

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed, Outcome, Refusal
from neiqin.kernel.fields.shape import Invalid
from neiqin.kernel.jobs.queue import job
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.handover import actions
from neiqin.kernel.people.handover.models import BACK, GIVEN, KEPT, OVER, REFUSED, RETURNING, RUNNING, Item, Package
from neiqin.kernel.people.handover.sharing import kinds, shares
from neiqin.kernel.people.leaving import owned_counts
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.resource import Resource, site

T = TypeVar("T")
CHUNK = 1000
SOURCE = "handover"
HELD = Refusal("在等审批，批了再交。")


@job("handover.carry_out", attempts=5)
def carry_out(package: int) -> None:
    """Hand over what the package says, as the person who asked for it."""
    found = Package.objects.filter(pk=package, state=RUNNING).first()
    if found is None:
        return
    by = actor_of(found.asked_by_id) if found.asked_by_id else SYSTEM
    for kind, given in shares(found).items():
        for taker, ids in given.items():
            for chunk in _chunks(ids):
                _hand(found, site().resources[kind], by, taker, chunk)
    perform(actions.settle, [found.pk], by=SYSTEM, source=SOURCE)


def _chunks(things: Sequence[T]) -> Iterable[Sequence[T]]:
    return (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))


@transaction.atomic
def _hand(package: Package, resource: Resource, by: Any, taker: int, ids: Sequence[int]) -> None:
    mine = resource.model.objects.filter(pk__in=ids, owner_id=package.owner_id).order_by("pk")
    locked = list(mine.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    outcome = _give(resource, locked, by, taker, f"交接 {package.number}")
    made = [Item(record_id=i, run=outcome.run, state=GIVEN) for i in outcome.done]
    made += [Item(record_id=i, state=REFUSED, reason=r.text[:300]) for i, r in outcome.refused.items()]
    for item in made:
        item.package, item.kind, item.taker_id = package, resource.key, taker
    Item.objects.bulk_create(made)


def _give(resource: Resource, ids: Sequence[int], by: Any, to: int, note: str) -> Outcome:
    """The kind's own action; whatever keeps it from being done is a refusal of each record."""
    if not ids or resource.hand_over is None:
        return Outcome()
    try:
        with transaction.atomic():
            outcome = perform(resource.hand_over, ids, by=by, params={"to": to, "note": note}, source=SOURCE)
    except (NotAllowed, Invalid) as error:
        return Outcome(refused=dict.fromkeys(ids, Refusal(str(error))))
    return Outcome(refused=dict.fromkeys(ids, HELD)) if outcome.held else outcome


@job("handover.bring_back", attempts=5)
def bring_back(package: int) -> None:
    """Give back what is still the taker's and has been nobody else's since."""
    found = Package.objects.filter(pk=package, state=RETURNING).first()
    if found is None:
        return
    for resource in kinds():
        items = Item.objects.filter(package=found, kind=resource.key, state=GIVEN).order_by("record_id")
        for chunk in _chunks(list(items)):
            _return(found, resource, chunk)
    perform(actions.settle_back, [found.pk], by=SYSTEM, source=SOURCE)


@transaction.atomic
def _return(package: Package, resource: Resource, items: Sequence[Item]) -> None:
    rows = resource.model.objects.filter(pk__in=[i.record_id for i in items]).order_by("pk")
    owners = dict(rows.select_for_update(no_key=True, of=("self",)).values_list("pk", "owner_id"))
    last = _last_moved(resource, list(owners))
    still = [i.record_id for i in items if owners.get(i.record_id) == i.taker_id and last.get(i.record_id) == i.run]
    outcome = _give(resource, still, SYSTEM, package.owner_id, f"归还 {package.number}")
    back, reasons = set(outcome.done), {i: r.text for i, r in outcome.refused.items()}
    for item in items:
        item.state = BACK if item.record_id in back else KEPT
        item.reason = "" if item.record_id in back else reasons.get(item.record_id, _why(item, owners))[:300]
    Item.objects.bulk_update(items, ["state", "reason"])


def _why(item: Item, owners: Mapping[int, int | None]) -> str:
    if item.record_id not in owners:
        return "已经删除。"
    return "交接以后又换过负责人，留在现在的负责人那里。"


def _last_moved(resource: Resource, ids: list[int]) -> dict[int, int]:
    """record -> the run that last gave it another owner, by what the database itself recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.id, c.run_id FROM unnest(%s::bigint[]) AS v(id) CROSS JOIN LATERAL (SELECT run_id "
            "FROM actions_change WHERE tbl = %s AND row_id = v.id AND op = 'U' AND after -> 'owner_id' IS NOT NULL "
            "ORDER BY id DESC LIMIT 1) c",
            [ids, resource.model._meta.db_table],
        )
        return dict(cursor.fetchall())


def due_back() -> int:
    """Have everything brought back whose day has come. Called every hour; a second call finds nothing."""
    due = Package.objects.filter(return_on__lte=clock.today(), state__in=OVER).order_by("id")
    return len(perform(actions.give_back, list(due.values_list("pk", flat=True)), by=SYSTEM, source=SOURCE).done)


def of_leavers(events: list[Any]) -> None:
    """Reaction to leaving: a package for the successor that was named, to be carried out by whoever may."""
    for event in events:
        successor = (event.data or {}).get("successor")
        if successor and owned_counts(event.record_id):
            row = {"owner": event.record_id, "reason": "离职", "takers": [{"person": successor}]}
            perform(actions.create, by=SYSTEM, rows=[row], key=f"left-{event.pk}", source=SOURCE)
