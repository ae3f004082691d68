"""Random walks through routes: an open request always waits for somebody, a finished one for nobody, and it is through
only if every step has agreed. Pure: the walk knows no database."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neiqin.kernel.approvals.models import DONE, OPEN, RETURNED, WITHDRAWN, Node, Request, Task
from neiqin.kernel.approvals.walk import LIVE, START, Opened, Seat, Walk, Wrong
from tests.effort import tries

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
OWNER, PEOPLE = 1, (2, 3, 4, 5, 6)
VERBS = ("agree", "agree", "agree", "refuse", "pass_on", "lend", "add_before", "add_after", "remove", "take_back",
         "withdraw", "resubmit")  # fmt: skip
SEAT = st.builds(
    lambda people, choose: Seat(((OWNER, None),), choose=True) if choose else Seat(tuple((p, None) for p in people)),
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True),
    st.integers(0, 9).map(lambda n: n == 0),
)
ROUTES = st.lists(
    st.lists(SEAT, min_size=1, max_size=3).flatmap(
        lambda seats: st.integers(1, len(seats)).map(lambda needed: Opened("一步", tuple(seats), needed))
    ),
    min_size=1,
    max_size=4,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.sampled_from((OWNER, *PEOPLE)), st.sampled_from(PEOPLE), st.integers(-1, 3)),
    max_size=60,
)


def begun(route) -> Walk:
    request = Request(owner_id=OWNER, state=OPEN)
    walk = Walk(request, [], [], length=len(route), opened=lambda place: route[place], now=NOW)
    walk.begin()
    return walk


def do(walk: Walk, verb: str, who: int, other: int, place: int) -> None:
    if verb == "agree":
        walk.agree(who)
    elif verb == "refuse":
        walk.refuse(who, "再谈", START if place < 0 else place, straight=other % 2 == 0)
    elif verb == "remove":
        walk.remove(who, other)
    elif verb == "take_back":
        walk.take_back(who)
    elif verb == "withdraw":
        walk.withdraw("不办了" if place else "")
    elif verb == "resubmit":
        if walk.request.state != RETURNED:
            raise Wrong("没有被驳回")
        walk.begin(walk.request.then or 0)
    else:
        getattr(walk, verb)(who, other)


def snapshot(walk: Walk):
    return [(id(t), t.state) for t in walk.tasks], [(id(n), n.state) for n in walk.nodes], walk.request.state


def assert_sound(walk: Walk) -> None:
    live = [t for t in walk.tasks if t.state in LIVE]
    open_nodes = [n for n in walk.nodes if n.state == Node.State.OPEN]
    if walk.request.state == OPEN:
        assert walk.open_tasks(), "an open request waits for somebody"
        assert len(open_nodes) == 1
        assert {id(t.node) for t in live} == {id(open_nodes[0])}
    else:
        assert not live, "a finished request waits for nobody"
        assert not open_nodes
    assert len({(id(t.node), t.person_id) for t in live}) == len(live), "nobody sits twice on a step"
    assert all(t.way == Task.Way.CHOOSE for t in walk.tasks if t.person_id == OWNER), "nobody decides his own"
    assert not [t for t in walk.tasks if t.way == Task.Way.CHOOSE and t.state == Task.State.AGREED]
    for task in live:
        if task.state == Task.State.WAITING:
            assert [t for t in live if t.back is task], "who waits waits for somebody"
    for node in walk.nodes:
        if node.state == Node.State.PASSED:
            agreed = {t.seat for t in walk.tasks if t.node is node and t.state == Task.State.AGREED}
            assert len(agreed) >= node.needed
            assert node.needed > 0


@tries(200)
@given(route=ROUTES, steps=STEPS)
def test_a_walk_is_sound_whatever_people_do(route, steps):
    walk = begun(route)
    assert_sound(walk)
    for verb, who, other, place in steps:
        before = snapshot(walk)
        ended = walk.request.state in (DONE, WITHDRAWN)
        decided = {id(t): t.state for t in walk.tasks if t.state in (Task.State.AGREED, Task.State.REFUSED)}
        try:
            do(walk, verb, who, other, place)
        except Wrong:
            assert snapshot(walk) == before, "what cannot be done changes nothing"
        else:
            assert not ended, "after the end nothing is done any more"
            for task in walk.tasks:
                if id(task) in decided and verb != "take_back":
                    assert task.state == decided[id(task)], "nobody decides twice"
        assert_sound(walk)
    if walk.request.state == DONE:
        last = {n.place: n for n in walk.nodes if n.state == Node.State.PASSED}
        assert sorted(last) == list(range(len(route))), "through means that every step has agreed"


@tries(100)
@given(route=ROUTES)
def test_if_everybody_agrees_it_is_through(route):
    walk = begun(route)
    for _ in range(60):
        if walk.request.state != OPEN:
            break
        task = walk.open_tasks()[0]
        if task.way == Task.Way.CHOOSE:
            free = next(
                p for p in (*PEOPLE, 90, 91) if not any(t.person_id == p and t.node is task.node for t in walk.tasks)
            )
            walk.pass_on(OWNER, free)
        else:
            walk.agree(task.person_id)
    assert walk.request.state == DONE


def one(*seats, needed=None):
    found = tuple(Seat(tuple((p, None) for p in people)) for people in seats)
    return Opened("一步", found, needed or len(found))


def states(walk, node=None):
    return [(t.person_id, t.state) for t in walk.tasks if node is None or t.node is node]


def test_of_one_seat_the_first_decision_counts_and_the_others_are_told():
    walk = begun([one((2, 3))])
    walk.agree(3, "可以")
    assert walk.request.state == DONE
    assert states(walk) == [(2, "others"), (3, "agreed")]


def test_countersigning_needs_all_and_one_no_ends_it():
    walk = begun([one((2,), (3,), (4,))])
    walk.agree(2)
    assert walk.request.state == OPEN
    walk.refuse(3, "价格过低")
    assert walk.request.state == RETURNED
    assert states(walk) == [(2, "agreed"), (3, "refused"), (4, "closed")]


def test_a_ratio_goes_on_until_it_cannot_be_reached():
    walk = begun([one((2,), (3,), (4,), needed=2)])
    walk.refuse(3, "不同意")
    assert walk.request.state == OPEN
    walk.agree(2)
    walk.agree(4)
    assert walk.request.state == DONE
    again = begun([one((2,), (3,), (4,), needed=2)])
    again.refuse(3, "不同意")
    again.refuse(2, "也不同意")
    assert again.request.state == RETURNED


def test_before_me_and_after_me():
    walk = begun([one((2,)), one((3,))])
    walk.add_before(2, 4, "先让仓库看")
    with pytest.raises(Wrong, match="等加签的人先办"):
        walk.agree(2)
    walk.agree(4)
    walk.add_after(2, 5)
    assert walk.request.state == OPEN
    assert walk.node.place == 0
    walk.remove(2, 5)
    assert walk.node.place == 1, "without the added one my consent was enough"


def test_lent_comes_back_with_the_others_opinion_whatever_it_is():
    walk = begun([one((2,))])
    walk.lend(2, 4)
    walk.refuse(4, "我觉得不行")
    assert walk.request.state == OPEN
    walk.agree(2, "还是同意")
    assert walk.request.state == DONE


def test_back_to_a_step_and_straight_on_again():
    walk = begun([one((2,)), one((3,)), one((4,))])
    walk.agree(2)
    walk.agree(3)
    walk.refuse(4, "让经理再看一遍", 0, straight=True)
    assert walk.node.place == 0
    walk.agree(2)
    assert walk.node.place == 2, "straight back to who refused"
    walk.refuse(4, "都再看一遍", 0)
    walk.agree(2)
    assert walk.node.place == 1, "walked again"


def test_who_agreed_before_is_not_asked_twice():
    walk = begun([one((2,)), one((2,), (3,)), one((2,))])
    walk.agree(2)
    assert states(walk, walk.node) == [(2, "agreed"), (3, "open")]
    walk.agree(3)
    assert walk.request.state == DONE


def test_who_asked_takes_it_back_freely_only_before_the_first_decision():
    walk = begun([one((2,)), one((3,))])
    walk.agree(2)
    with pytest.raises(Wrong, match="撤回要写原因"):
        walk.withdraw()
    walk.withdraw("客户不要了")
    assert walk.request.state == WITHDRAWN


def test_a_consent_is_taken_back_while_the_step_is_open_and_not_later():
    walk = begun([one((2,), (3,)), one((4,))])
    walk.agree(2)
    walk.take_back(2)
    assert states(walk, walk.node) == [(2, "open"), (3, "open")]
    walk.agree(2)
    walk.agree(3)
    with pytest.raises(Wrong, match="下一步已经开始"):
        walk.take_back(2)
