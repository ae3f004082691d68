"""Requests with their walks: read, changed, written back set-wise, and everybody told whose turn it is."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from neiqin.kernel import clock, copying
from neiqin.kernel.actions.batch import Batch
from neiqin.kernel.actions.held import action_of, ids_of
from neiqin.kernel.approvals import routes
from neiqin.kernel.approvals.models import OPEN, Copy, Node, Request, Task
from neiqin.kernel.approvals.walk import LIVE, Walk, Wrong
from neiqin.kernel.notices.tell import MAIL, Kind, News, done, tell_each
from neiqin.kernel.people.models import Collaborator, Person
from neiqin.kernel.resources.resource import site

ASKED = Kind("approvals.asked", "要你审批", MAIL)
TOLD = Kind("approvals.told", "审批结果", MAIL)
COPIED = Kind("approvals.copied", "抄送")
LABEL = Request._meta.label_lower
TASK_COLUMNS = ("state", "opinion", "decided_at", "urged_at")


class Room:
    """Some requests, locked by their action, with their walks by id."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = {r.pk: r for r in requests}
        self.now = clock.now()

    @cached_property
    def walks(self) -> dict[int, Walk]:
        nodes: dict[int, list[Node]] = defaultdict(list)
        tasks: dict[int, list[Task]] = defaultdict(list)
        by_id: dict[int, Any] = {}
        for node in Node.objects.filter(request_id__in=self.requests).order_by("pk"):
            nodes[node.request_id].append(node)
            by_id[node.pk] = node
        kept: dict[int, Task] = {}
        for task in Task.objects.filter(request_id__in=self.requests).order_by("pk"):
            task.node, task.request = by_id[task.node_id], self.requests[task.request_id]
            task.back = kept.get(task.back_id or 0)
            kept[task.pk] = task
            tasks[task.request_id].append(task)
        self.before = {pk: _columns(task) for pk, task in kept.items()}
        self.nodes_before = {pk: (node.state, node.closed_at) for pk, node in by_id.items()}
        return {pk: self._walk(request, nodes[pk], tasks[pk]) for pk, request in self.requests.items()}

    def _walk(self, request: Request, nodes: list[Node], tasks: list[Task]) -> Walk:
        steps = routes.read(request.route)

        # Its people are asked for only when a further step is reached, which most decisions do not.
        return Walk(
            request, nodes, tasks, length=len(steps), now=self.now,
            opened=lambda place: routes.opening(steps, case_of(request))(place),
        )  # fmt: skip

    def each(self, batch: Batch[Request], do: Callable[[Walk], None]) -> None:
        """Do this with every walk of the batch; those where it cannot be done are refused with the sentence."""
        problems = {}
        for request in batch:
            try:
                do(self.walks[request.pk])
            except Wrong as error:
                problems[request.pk] = str(error)
                del self.walks[request.pk]
        batch.refuse(problems)

    def write(self) -> None:
        """Bring nodes and tasks to their tables and let the new persons in. The requests' columns are the batch's."""
        nodes = [n for w in self.walks.values() for n in w.nodes]
        tasks = [t for w in self.walks.values() for t in w.tasks]
        # What ends is written before what begins: the tables refuse two open nodes of a request, and two open tasks of
        # a person in one.
        before = self.nodes_before
        ended = [n for n in nodes if n.pk in before and before[n.pk] != (n.state, n.closed_at)]
        if ended:
            copying.update(ended, ["state", "closed_at"])
        Node.objects.bulk_create([n for n in nodes if n.pk is None])
        moved = [t for t in tasks if t.pk is not None and self.before[t.pk] != _columns(t)]
        for over in (True, False):
            if some := [t for t in moved if (t.state not in LIVE) is over]:
                copying.update(some, TASK_COLUMNS)
        fresh = [t for t in tasks if t.pk is None]
        for task in fresh:
            task.node_id, task.back_id = task.node.pk, task.back.pk if task.back else None
        Task.objects.bulk_create(fresh)
        let_in({(t.request_id, p) for t in fresh for p in (t.person_id, t.stands_for_id) if p})
        self._say(fresh, moved)

    def _say(self, fresh: Sequence[Task], moved: Sequence[Task]) -> None:
        """Whose turn it is now is told; whose turn it no longer is has nothing unread about it."""
        over = {t.request_id for t in moved if t.state != Task.State.OPEN}
        if over:
            done(LABEL, over, kind=ASKED.name)
        turns = [
            t
            for t in (*fresh, *moved)
            if t.state == Task.State.OPEN
            and (t.pk not in self.before or self.before[t.pk][0] != Task.State.OPEN or t.request_id in over)
        ]
        if not turns:
            return
        names = site().names("people.person", [r.owner_id for r in self.requests.values()])
        tell_each([
            asking(request, task, person, names[request.owner_id])
            for task in turns for request in (self.requests[task.request_id],)
            for person in (task.person_id, task.stands_for_id) if person
        ])  # fmt: skip


def _columns(task: Task) -> tuple[Any, ...]:
    return tuple(getattr(task, name) for name in TASK_COLUMNS)


def case_of(request: Request) -> routes.Case:
    """What the people of its steps depend on."""
    action, ids = action_of(request.held), ids_of(request.held)
    record = action.model.objects.filter(pk=ids[0]).first() if ids else None
    return routes.Case(
        request.owner_id,
        getattr(record, "unit_id", None) or request.unit_id,
        action.may,
        request.amount,
        routes.people_in(action.kind, record) if record is not None else {},
    )


def asking(request: Request, task: Task, person: int, who: str) -> News:
    """What an approver is told: who asks for what, of which amount."""
    amount = f"，¥{request.amount:,.2f}" if request.amount else ""
    delegated = f"（代{task.stands_for.name}）" if task.stands_for and person == task.person_id else ""
    title = f"{'加急 ' if request.urgent else ''}要你审批{delegated}：{request.name}{amount}"
    said = f"{who} 提交，{request.rule}。" + (
        f"{task.label}。" if task.way in ("before", "lent") and task.label else ""
    )
    return News(
        person, title, said, url_of(request.pk), ASKED.name, request.urgent,
        f"approval-{request.pk}-{task.pk}-{task.opened_at:%m%d%H%M%S}-{task.urged_at or ''}", (LABEL, request.pk),
    )  # fmt: skip


def url_of(request: int) -> str:
    return site().resources[LABEL].url_of(request)


def let_in(people: set[tuple[int, int]]) -> None:
    """(request, person): they see it from now on."""
    known = set(
        Collaborator.objects.filter(model=LABEL, record_id__in={r for r, _ in people}).values_list(
            "record_id", "person_id"
        )
    )
    Collaborator.objects.bulk_create(
        Collaborator(model=LABEL, record_id=r, person_id=p) for r, p in sorted(people - known)
    )


def copy_to(request: Request) -> None:
    """The people of 抄送 see it, and are told."""
    words = [w for w in request.copies.replace("，", "、").split("、") if w and w != "无"]
    if not words:
        return
    step = routes.Step("抄送", (tuple(words),))
    people = {p for seat in routes.opening([step], case_of(request))(0).seats for p, _ in seat.people}
    Copy.objects.bulk_create([Copy(request=request, person_id=p) for p in sorted(people)], ignore_conflicts=True)
    let_in({(request.pk, p) for p in people})
    tell_each([
        News(p, f"抄送：{request.name}", "", url_of(request.pk), COPIED.name, key=f"copy-{request.pk}") for p in people
    ])  # fmt: skip


def responsible(ids: Sequence[int]) -> Mapping[int, tuple[int | None, int | None]]:
    """Whose turn it is in each request, for the clocks."""
    found: dict[int, tuple[int | None, int | None]] = {}
    rows = Task.objects.filter(request_id__in=list(ids), state=Task.State.OPEN).order_by("pk")
    for request, person, unit in rows.values_list("request_id", "person_id", "person__unit_id"):
        found.setdefault(request, (person, unit))
    return found


def waiting_for(person: Any) -> Any:
    """The tasks that this person has to decide, the oldest first."""
    rows = Task.objects.filter(person_id=person.id, state=Task.State.OPEN, request__state=OPEN)
    return rows.select_related("request__held", "stands_for").order_by("-request__urgent", "request_id")


def name_of(person: int | None) -> str:
    return Person.objects.values_list("name", flat=True).get(pk=person) if person else ""
