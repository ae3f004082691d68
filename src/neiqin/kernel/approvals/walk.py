"""The walk of a request through its route: who decides next, and what each decision does. No database, no clock.

A node has seats; of each seat one consent is needed, whoever of its people gives it first (或签). A node passes when
`needed` seats agree (all of them for 会签), and ends when that cannot be reached any more. practice.md 4.1.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from neiqin.kernel.approvals.models import DONE, ENDED, OPEN, RETURNED, WITHDRAWN, Node, Request, Task
from neiqin.kernel.fields.field import label_of

START = -1  # the place of who asked
LIVE = (Task.State.OPEN, Task.State.WAITING)
Way, State = Task.Way, Task.State


class Wrong(Exception):
    """It cannot be done now; the sentence is for people."""


@dataclass(frozen=True)
class Seat:
    """Who may decide one seat: (person, for whom he stands in). choose: he who asked names the person."""

    people: tuple[tuple[int, int | None], ...]
    label: str = ""
    choose: bool = False


@dataclass(frozen=True)
class Opened:
    """A step of the route with its people, as they are when it is reached."""

    label: str
    seats: tuple[Seat, ...]
    needed: int


class Walk:
    """A request with all its nodes and tasks, changed in place. opened: gives the people of a step when it is reached;
    length: how many steps there are. `agreed` at the end of the route leaves the request in DONE."""

    def __init__(
        self,
        request: Request,
        nodes: Iterable[Node],
        tasks: Iterable[Task],
        *,
        length: int,
        opened: Callable[[int], Opened],
        now: datetime,
    ) -> None:
        self.request, self.nodes, self.tasks = request, list(nodes), list(tasks)
        self.length, self.opened, self.now = length, opened, now

    @property
    def node(self) -> Node | None:
        """The node that is open now."""
        return next((n for n in self.nodes if n.state == Node.State.OPEN), None)

    def open_tasks(self) -> list[Task]:
        return [t for t in self.tasks if t.state == State.OPEN]

    def task_of(self, person: int) -> Task:
        """What this person has to decide now. Raises Wrong."""
        if self.request.state != OPEN:
            raise Wrong(f"已经有结果了：{self.request_state}。")
        found = next((t for t in self.open_tasks() if t.person_id == person), None)
        if found is None:
            waits = any(t.person_id == person and t.state == State.WAITING for t in self.tasks)
            raise Wrong("等加签的人先办，才轮到你。" if waits else "现在不是你审批。")
        return found

    @property
    def request_state(self) -> str:
        return label_of(Request.STATES, self.request.state)

    # From the start, and on.

    def begin(self, place: int = 0) -> None:
        """Open the first step, or the one that refused before; without any step it is through."""
        self.request.state, self.request.then = OPEN, None
        self._open(place)

    def _open(self, place: int) -> None:
        if place >= self.length:
            self.request.state, self.request.closed_at = DONE, self.now
            return
        step, before = self.opened(place), self._agreed_before(place)
        seats = _apart(step.seats)
        node = Node(
            request=self.request, place=place, label=step.label, seats=len(seats), needed=min(step.needed, len(seats)),
            state=Node.State.OPEN, opened_at=self.now,
        )  # fmt: skip
        self.nodes.append(node)
        for number, seat in enumerate(seats):
            if not seat.choose and (known := next((p for p, _ in seat.people if p in before), None)):
                task = self._add(node, number, known, way=Way.KNOWN, label=seat.label)
                self._settle(task, State.AGREED, "")
                continue
            for person, other in seat.people:
                way = Way.CHOOSE if seat.choose else Way.ROUTE
                self._add(node, number, person, stands_for=other, way=way, label=seat.label)
        self._look(node)

    def _agreed_before(self, place: int) -> set[int]:
        """Who has agreed in the steps before, as they were last walked."""
        last: dict[int, Node] = {}
        for node in self.nodes:
            if node.place < place and node.state == Node.State.PASSED:
                last[node.place] = node
        return {
            t.person_id for t in self.tasks if t.node in last.values() and t.state == State.AGREED and t.way != Way.LENT
        }

    def _look(self, node: Node) -> None:
        """Is the node through? Then the next one opens."""
        if len(self._agreed_seats(node)) >= node.needed:
            self._close(node, Node.State.PASSED, State.OTHERS)
            then, self.request.then = self.request.then, None
            self._open(node.place + 1 if then is None else then)

    def _agreed_seats(self, node: Node) -> set[int]:
        mine = [t for t in self.tasks if t.node is node]
        live = {t.seat for t in mine if t.state in LIVE}
        return {t.seat for t in mine if t.state == State.AGREED and t.way not in (Way.LENT, Way.BEFORE)} - live

    def _lost_seats(self, node: Node) -> set[int]:
        return {t.seat for t in self.tasks if t.node is node and t.state == State.REFUSED and t.way != Way.LENT}

    # What somebody decides.

    def agree(self, person: int, opinion: str = "") -> None:
        """The consent of a seat; of who was asked before or lent to, his word for the one who waits."""
        task = self.task_of(person)
        if task.way == Way.CHOOSE:
            raise Wrong("这一步由你选审批人，先选人。")
        self._settle(task, State.AGREED, opinion)
        self._heard(task)

    def _heard(self, task: Task) -> None:
        if task.back is not None and task.way in (Way.BEFORE, Way.LENT):
            task.back.state = State.OPEN
            return
        self._end_seat(task)
        self._look(task.node)

    def refuse(self, person: int, opinion: str, to: int = START, *, straight: bool = False) -> None:
        """No. While the others can still reach what is needed, only this seat is lost; else the request goes to `to`:
        who asked, or a step before. straight: once mended it comes back here at once."""
        task = self.task_of(person)
        if task.way == Way.CHOOSE:
            raise Wrong("这一步由你选审批人。不想办了就撤回。")
        if not opinion.strip():
            raise Wrong("驳回要写原因。")
        node = task.node
        if to != START and not (0 <= to < node.place and any(n.place == to for n in self.nodes)):
            raise Wrong("只能退给提交人，或退到走过的步骤。")
        self._settle(task, State.REFUSED, opinion)
        if task.way == Way.LENT:
            self._heard(task)
            return
        self._end_seat(task)
        if node.seats - len(self._lost_seats(node)) >= node.needed:
            return
        self._close(node, Node.State.REFUSED, State.CLOSED)
        self.request.then = node.place if straight else None
        if to == START:
            self.request.state, self.request.closed_at = RETURNED, self.now
        else:
            self._open(to)

    def pass_on(self, person: int, to: int, opinion: str = "") -> None:
        """转交: it is another's from now on; also how who asked names the person of a step left to him."""
        task = self._free(person, to)
        way = Way.ROUTE if task.way == Way.CHOOSE else task.way
        self._settle(task, State.PASSED_ON, opinion)
        self._add(task.node, task.seat, to, way=way, back=task.back, by=person, label=task.label)

    def lend(self, person: int, to: int, opinion: str = "") -> None:
        """委派: comes back with the other's opinion."""
        self._ask(person, to, Way.LENT, opinion)

    def add_before(self, person: int, to: int, opinion: str = "") -> None:
        """前加签: mine waits for the consent of the other."""
        self._ask(person, to, Way.BEFORE, opinion)

    def _ask(self, person: int, to: int, way: str, opinion: str) -> None:
        task = self._free(person, to)
        if task.way == Way.CHOOSE:
            raise Wrong("这一步由你选审批人，先选人。")
        task.state = State.WAITING
        self._add(task.node, task.seat, to, way=way, back=task, by=person, label=opinion[:60])

    def add_after(self, person: int, to: int, opinion: str = "") -> None:
        """后加签: I agree, and the other after me."""
        task = self._free(person, to)
        if task.way not in (Way.ROUTE, Way.AFTER):
            raise Wrong("加签来的、委派来的和选人的这一步，不能再往后加签。")
        self._settle(task, State.AGREED, opinion)
        self._end_seat(task)
        self._add(task.node, task.seat, to, way=Way.AFTER, by=person, label=task.label)

    def remove(self, person: int, who: int) -> None:
        """减签: only whom I added myself, and while he has not decided."""
        found = next((t for t in self.open_tasks() if t.person_id == who and t.by_id == person), None)
        if self.request.state != OPEN or found is None or found.way not in (Way.BEFORE, Way.AFTER, Way.LENT):
            raise Wrong("只能减掉你自己加的、还没办的人。")
        self._settle(found, State.REMOVED, "")
        if found.way == Way.AFTER:
            self._look(found.node)
        elif found.back is not None:
            found.back.state = State.OPEN

    def take_back(self, person: int) -> None:
        """An approver's own consent, while the step is still open."""
        node = self.node
        here = [t for t in self.tasks if t.node is node]
        mine = [t for t in here if t.person_id == person and t.state == State.AGREED and t.way != Way.KNOWN]
        if self.request.state != OPEN or not mine:
            raise Wrong("下一步已经开始，收不回来了。" if node else f"已经有结果了：{self.request_state}。")
        task = mine[-1]
        after = [t for t in here if t.way == Way.AFTER and t.by_id == person and t.seat == task.seat]
        waiting = task.back if task.way in (Way.BEFORE, Way.LENT) else None
        if any(t.state == State.AGREED for t in after) or (waiting and waiting.state != State.OPEN):
            raise Wrong("排在你后面的人已经办了，收不回来了。")
        if waiting:
            waiting.state = State.WAITING
        for other in (t for t in after if t.state in LIVE):
            self._settle(other, State.REMOVED, "")
        self._reopen(task)
        for other in (t for t in here if t.seat == task.seat and t.state == State.OTHERS):
            if not self._sits(other.person_id, node):
                self._reopen(other)

    def _reopen(self, task: Task) -> None:
        task.state, task.opinion, task.decided_at = State.OPEN, "", None

    def _sits(self, person: int, node: Node | None, *, decided: bool = False) -> bool:
        """Has he something to decide in this step (or has he decided)?"""
        states = (*LIVE, State.AGREED, State.REFUSED) if decided else LIVE
        return any(t.person_id == person and t.node is node and t.state in states for t in self.tasks)

    # What who asked, or the administrator, decides.

    def withdraw(self, reason: str = "") -> None:
        """By who asked: freely before the first decision, later with a reason, at any time after a refusal."""
        if self.request.state not in (OPEN, RETURNED):
            raise Wrong(f"已经有结果了：{self.request_state}。")
        if not reason.strip() and any(t.state in (State.AGREED, State.REFUSED) for t in self.tasks):
            raise Wrong("已经有人办过，撤回要写原因。")
        self._over(WITHDRAWN, reason)

    def end(self, reason: str) -> None:
        """By the administrator, for a reason."""
        if self.request.state not in (OPEN, RETURNED):
            raise Wrong(f"已经有结果了：{self.request_state}。")
        self._over(ENDED, reason)

    def _over(self, state: str, reason: str) -> None:
        if node := self.node:
            self._close(node, Node.State.CLOSED, State.CLOSED)
        self.request.state, self.request.closed_at = state, self.now
        self.request.then, self.request.reason = None, reason

    # The small steps.

    def _free(self, person: int, to: int) -> Task:
        """My task, given that the other is free to be asked."""
        task = self.task_of(person)
        if to == person:
            raise Wrong("不能交给自己，换一位。")
        if to == self.request.owner_id:
            raise Wrong("提交人不能审批自己提交的，换一位。")
        if self._sits(to, task.node, decided=True):
            raise Wrong("这一步已经有他了，换一位。")
        return task

    def _add(
        self, node: Node, seat: int, person: int, *, stands_for: int | None = None, way: str = Way.ROUTE,
        back: Task | None = None, by: int | None = None, label: str = "",
    ) -> Task:  # fmt: skip
        task = Task(
            request=self.request, node=node, seat=seat, person_id=person, stands_for_id=stands_for, way=way, back=back,
            by_id=by, label=label, opened_at=self.now,
        )  # fmt: skip
        self.tasks.append(task)
        return task

    def _settle(self, task: Task, state: str, opinion: str) -> None:
        task.state, task.opinion, task.decided_at = state, opinion, self.now

    def _end_seat(self, decided: Task) -> None:
        """The others of the seat need not decide any more."""
        for task in self.tasks:
            if task is not decided and task.node is decided.node and task.seat == decided.seat and task.state in LIVE:
                self._settle(task, State.OTHERS, "")

    def _close(self, node: Node, state: str, left: str) -> None:
        node.state, node.closed_at = state, self.now
        for task in self.tasks:
            if task.node is node and task.state in LIVE:
                self._settle(task, left, "")


def _apart(seats: Sequence[Seat]) -> list[Seat]:
    """Nobody sits on two seats of a step: where there is only one for a seat, it is his; a seat whose people all have
    another goes, because his one word counts (同一人多次出现，仅首个审批)."""
    taken: set[int] = set()
    kept: dict[int, Seat] = {}
    for place, seat in sorted(enumerate(seats), key=lambda pair: len(pair[1].people)):
        people = tuple(pair for pair in seat.people if pair[0] not in taken)
        if people:
            kept[place] = Seat(people, seat.label, seat.choose)
            taken |= {person for person, _ in people}
    return [kept[place] for place in sorted(kept)]
