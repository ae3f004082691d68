"""What of the assigned tasks waits for somebody on the workbench."""

from typing import Any

from django.db.models import Q

from neiqin.kernel import clock
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.tasks import tasks
from neiqin.modules.tasks.models import ANSWERED, ASKED, DOING, HANDED_IN, OPEN, AssignedTask

MOST = 20
VERBS = {ASKED: "签收", DOING: "办理", HANDED_IN: "确认办结", ANSWERED: "承办人办不了"}


def todos(person: Any) -> list[Todo]:
    """What one has to take and to do, and what one has asked for that waits for a word of oneself."""
    if person.id is None or not person.may(tasks.VIEW):
        return []
    mine = Q(owner_id=person.id, state__in=(ASKED, DOING))
    asked = Q(assigner_id=person.id, state__in=(HANDED_IN, ANSWERED))
    rows = AssignedTask.objects.filter(mine | asked).select_related("assigner", "owner").order_by("due_on", "pk")
    today = clock.today()
    return [
        Todo(
            f"{VERBS[t.state]}：{t.name}", f"{tasks.URL}{t.pk}/",
            f"{t.owner.name}办" if t.state in (HANDED_IN, ANSWERED) else f"{t.assigner.name if t.assigner else ''}交办",
            "flag", f"{t.due_on:%m-%d} 前", "bad" if t.due_on < today else "warn" if t.due_on == today else "",
        )
        for t in rows[:MOST]
    ]  # fmt: skip


def notes(task: AssignedTask, person: Any) -> list[Any]:
    """That it is over its day, and whose turn it is."""
    found = []
    over = (clock.today() - task.due_on).days
    if task.state in OPEN and over > 0:
        found.append(panels.note("bad", f"超期 {over} 天。"))
    if task.state == HANDED_IN:
        who = task.assigner.name if task.assigner else "交办人"
        found.append(panels.note("", "", f"等{who}确认办结。"))
    return found
