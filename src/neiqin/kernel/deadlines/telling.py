"""Who is told of a deadline that comes near, is over or has moved; and that holidays are days of quiet."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from neiqin.kernel import clock as clocks
from neiqin.kernel.deadlines import calendar, watch
from neiqin.kernel.deadlines.clocks import KINDS
from neiqin.kernel.deadlines.models import Moved
from neiqin.kernel.deadlines.watch import Reminder
from neiqin.kernel.notices import times
from neiqin.kernel.notices.tell import MAIL, Kind, News, tell_each
from neiqin.kernel.people.models import Unit
from neiqin.kernel.resources.resource import site

DUE = Kind("deadlines.due", "期限提醒", MAIL)
MOVED = Kind("deadlines.moved", "期限随日历移动")
NAMED = 5  # of the deadlines that moved


class Listening:
    """Plugged in by the manifest, once in a process."""

    def plug(self) -> None:
        watch.on_reminder(of_reminders)
        watch.on_moved(of_moved)
        times.quiet_days(lambda day: not calendar.is_workday(day))


def of_reminders(reminders: Sequence[Reminder]) -> None:
    """The responsible person, and once the time is over the head of the unit too (urgent to both)."""
    names = _names((r.model, r.record_id) for r in reminders)
    over = {r.unit_id for r in reminders if r.share > 1 and r.unit_id}
    heads = dict(Unit.objects.filter(pk__in=over).values_list("pk", "leader_id"))
    told = [
        (r, person)
        for r in reminders
        for person in dict.fromkeys([r.person_id, heads.get(r.unit_id or 0) if r.share > 1 else None])
        if person
    ]
    tell_each([_due(r, person, names.get((r.model, r.record_id), "")) for r, person in told])


def _due(r: Reminder, person: int, name: str) -> News:
    passed = "到期了" if r.share == 1 else "超时" if r.share > 1 else f"时间用了 {r.share:.0%}"
    due = f"{clocks.local(r.due_at):%m-%d %H:%M}"
    key = f"due-{r.clock}-{r.share}-{r.due_at:%Y%m%d%H%M}"  # a reminder is given again when the moment has moved
    return News(
        person, f"{r.label}{passed}：{name}", f"期限 {due}。", _url(r.model, r.record_id), DUE.name, r.share >= 1, key,
        (r.model, r.record_id), r.run,
    )  # fmt: skip


def of_moved(moved: Sequence[Moved]) -> None:
    """Each responsible person, once for all of hers."""
    by_person: dict[int, list[Moved]] = defaultdict(list)
    for one in moved:
        if one.person_id:
            by_person[one.person_id].append(one)
    names = _names((m.clock.model, m.clock.record_id) for m in moved)
    news = []
    for person, mine in by_person.items():
        said = [
            f"{KINDS[m.clock.kind].label if m.clock.kind in KINDS else m.clock.kind} "
            f"{names.get((m.clock.model, m.clock.record_id), '')} 改到 {clocks.local(m.new_due):%m-%d %H:%M}"
            for m in mine[:NAMED]
        ]
        more = f"，还有 {len(mine) - NAMED} 个" if len(mine) > NAMED else ""
        key, title = f"moved-{mine[0].run_id}", f"{len(mine)} 个期限随日历移动了"
        news.append(News(person, title, "；".join(said) + f"{more}。", "", MOVED.name, key=key, run=mine[0].run_id))
    tell_each(news)


def _names(keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    by_model: dict[str, set[int]] = defaultdict(set)
    for model, record in keys:
        by_model[model].add(record)
    return {(m, i): name for m, ids in by_model.items() for i, name in site().names(m, list(ids)).items()}


def _url(model: str, record: int) -> str:
    resource = site().resources.get(model)
    return resource.url_of(record) if resource else ""
