"""Unusual reading is told to those who supervise: too many files in an hour, or files at night (C-SEC-03)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from neiqin.kernel import clock
from neiqin.kernel.actions import history
from neiqin.kernel.notices.tell import MAIL, Kind, tell
from neiqin.kernel.people.models import Person, Safety, Unit
from neiqin.kernel.people.safety import holders
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.resources.models import Reading

KIND = Kind("reading", "看档案异常", MAIL)
NIGHT = (22, 6)  # from, until: local hours in which nobody has much to read
AT_NIGHT = 20
KEPT = timedelta(days=200)


def watch() -> None:
    """Every minute: who has opened too many files in the running or the last hour; told once an hour and person."""
    limit = Safety.objects.values_list("reads_an_hour", flat=True).first() or 0
    least = min(limit or AT_NIGHT, AT_NIGHT)
    since = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    counts = Reading.objects.filter(hour__gte=since).values("person_id", "hour").annotate(n=Count("id"))
    for row in counts.filter(n__gte=least).order_by("hour"):
        _judge(row["person_id"], row["hour"], row["n"], limit)


def _judge(person_id: int, hour: datetime, count: int, limit: int) -> None:
    local = clock.local(hour)
    night = local.hour >= NIGHT[0] or local.hour < NIGHT[1]
    if not (limit and count >= limit) and not (night and count >= AT_NIGHT):
        return
    person = Person.objects.select_related("unit").get(pk=person_id)
    title = f"{person.name}{local:%H} 点这一小时看了 {count} 份档案"
    more = {"kind": KIND.name, "key": f"reading-{person_id}-{hour:%Y%m%d%H}", "urgent": True}
    if tell(_supervisors(person), title, "多看看是不是工作需要。", url=f"/log/?who={person_id}", **more):
        params: dict[str, Any] = {"login": person.name, "count": count, "hour": f"{local:%Y-%m-%d %H}"}
        history.note("reading.alarm", by=SYSTEM, source="worker", params=params)


def _supervisors(person: Person) -> Iterable[int]:
    """The heads above this person, and whoever may look into the log."""
    found, unit = [], person.unit
    while unit is not None:
        found.append(unit.leader_id)
        unit = Unit.objects.filter(pk=unit.parent_id).first() if unit.parent_id else None  # type: ignore[assignment]
    return [p for p in (*found, *holders("audit.view")) if p and p != person.pk]


def tidy() -> None:
    """Forget what is older than the law asks for."""
    Reading.objects.filter(hour__lt=clock.now() - KEPT).delete()
