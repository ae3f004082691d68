"""The board of projects, what a project's page says, and what waits on the workbench."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpResponse

from neiqin.kernel import clock
from neiqin.kernel.resources.pages import panels
from neiqin.kernel.resources.pages.screen import Bag, render, screen
from neiqin.kernel.resources.resource import Todo
from neiqin.modules.projects import projects
from neiqin.modules.projects.models import RUNNING, Milestone, Project, Week
from neiqin.modules.projects.projects import AMBER, GREEN, RED, URL, VIEW, WORDS

BOARD = "/projects/board/"
SOON, MOST = 3, 300


@screen(VIEW)
def board(request: Any) -> HttpResponse:
    """The running projects this person sees, red first: light and why, milestones, the next one, the last word."""
    seen = Project.objects.filter(Project.visible_to(request.person), state=RUNNING).select_related("owner")
    counted = seen.annotate(
        all=Count("milestones"), reached=Count("milestones", filter=Q(milestones__done_on__isnull=False))
    )
    found = list(counted.order_by("due_on", "pk")[:MOST])
    ids = [p.pk for p in found]
    lights, next_, said = projects.lights(ids), _next(ids), _said(ids)
    rank = {RED: 0, AMBER: 1, GREEN: 2}
    rows = [
        Bag(project=p, light=lights[p.pk], word=WORDS[lights[p.pk].tone], next=next_.get(p.pk), said=said.get(p.pk, ""),
            url=f"{URL}{p.pk}/")
        for p in sorted(found, key=lambda p: (rank[lights[p.pk].tone], p.due_on))
    ]  # fmt: skip
    tally = [(WORDS[t], t, sum(r.light.tone == t for r in rows)) for t in (RED, AMBER, GREEN)]
    return render(request, "projects_board.html", Bag(rows=rows, tally=tally))


def _next(ids: list[int]) -> dict[int, Milestone]:
    """project -> the milestone that comes next."""
    rows = Milestone.objects.filter(project__in=ids, done_on=None).order_by("-due_on", "-pk")
    return {m.project_id: m for m in rows}


def _said(ids: list[int]) -> dict[int, str]:
    """project -> what was said of it last."""
    rows = Week.objects.filter(project__in=ids).order_by("pk").values_list("project_id", "at", "text")
    return {project: f"{clock.local(at):%m-%d} {text}" for project, at, text in rows}


def notes(project: Project, person: Any) -> list[Bag]:
    """Its light, and why."""
    light = projects.standing(project)
    if light is None:
        return []
    return [panels.note(light.tone, f"{WORDS[light.tone]}。", light.why)]


def todos(person: Any) -> list[Todo]:
    """Milestones of one's own that are due, and own projects of which nobody has said anything for a week."""
    if person.id is None or not person.may(VIEW):
        return []
    today = clock.today()
    due = Milestone.objects.filter(
        person_id=person.id, done_on=None, due_on__lte=today + timedelta(days=SOON), project__state=RUNNING
    )
    found = [
        Todo(f"里程碑：{m.name}", f"{URL}{m.project_id}/", m.project.name, "flag", f"{m.due_on:%m-%d} 前",
             "bad" if m.due_on < today else "warn")
        for m in due.select_related("project").order_by("due_on", "pk")[:10]
    ]  # fmt: skip
    mine = list(Project.objects.filter(owner_id=person.id, state=RUNNING).order_by("due_on", "pk")[:50])
    lights = projects.lights([p.pk for p in mine])
    return found + [
        Todo(f"说一周情况：{p.name}", f"{URL}{p.pk}/", lights[p.pk].why, "message", tone="warn")
        for p in mine if lights[p.pk].why.endswith("没有说过情况")
    ]  # fmt: skip
