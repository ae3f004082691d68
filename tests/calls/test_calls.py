"""电话 through the screens: who calls, handed over, promised, told, answered."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.deadlines import watch
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Unit
from neiqin.kernel.personal.keys import erase
from neiqin.modules.calls import looking
from neiqin.modules.calls.models import Call, CallBack
from tests import factories

pytestmark = pytest.mark.django_db
CALLS, BACKS = "/calls/call/", "/calls/callback/"
MONDAY = "2026-11-23 09:00+08:00"
RIGHTS = ("view", "create", "do", "reveal")


class Desk:
    """林知夏 takes calls, 周启明 sells and owns 昆山澄江精密, 陆建国 leads both; 外人 is elsewhere."""

    def __init__(self):
        own = {f"calls_{r}": "own" for r in RIGHTS} | {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS}
        below = dict.fromkeys(own, "below")
        self.unit = factories.unit("华东一组")
        self.rep = self._person("周启明", "销售代表", own)
        self.clerk = self._person("林知夏", "销售助理", own)
        self.manager = self._person("陆建国", "销售经理", below)
        self.other = self._person("外人", "别处代表", own, factories.unit("华北组"))
        factories.works_for(self.clerk, self.rep)
        Unit.objects.filter(pk=self.unit.pk).update(leader=self.manager)
        self.customer = factories.customer(
            actor_of(self.rep.pk),
            name="昆山澄江精密",
            contacts=[{"name": "潘工", "mobile": "13800138000", "phone": "0512-65880000"}],
        )

    def _person(self, name, position, rights, unit=None):
        return factories.person(name, unit_=unit or self.unit, position_=factories.position(position, **rights))

    def at(self, someone) -> Client:
        return factories.sign_in(Client(), someone)

    def take(self, taker=None, **values):
        """Taken down on the ordinary form."""
        form = {"direction": "in", "other": "138 0013 8000", "rang_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M:%S}",
                "topic": "press", "need": "轴承什么时候到", "request_key": ""} | values  # fmt: skip
        answer = self.at(taker or self.clerk).post(f"{CALLS}new/", form)
        assert answer.status_code == 302, answer.content.decode()
        return Call.objects.order_by("pk").last()

    def do(self, who, one, verb, **given):
        base = CALLS if isinstance(one, Call) else BACKS
        answer = self.at(who).post(f"{base}{one.pk}/{verb}/", given)
        one.refresh_from_db()
        return answer.content.decode()


@pytest.fixture
def desk():
    return Desk()


def told(who):
    return list(Notice.objects.filter(person=who).order_by("pk").values_list("title", flat=True))


@pytest.mark.clause("C-OFF-11")
def test_a_transfer_that_is_not_taken_is_a_call_back_for_her_with_the_callers_need(desk):
    one = desk.take()
    assert (one.customer, one.headline, one.state) == (desk.customer, "昆山澄江精密 催货", "open")
    desk.do(desk.clerk, one, "transfer", to=desk.rep.pk)
    assert one.state == "passed"
    assert told(desk.rep) == ["转给你的电话：昆山澄江精密 催货"]
    desk.do(desk.clerk, one, "not_taken")
    assert (one.state, one.transfer) == ("back", "not_taken")
    back = CallBack.objects.get()
    assert (back.owner, back.need, back.state) == (desk.rep, "轴承什么时候到", "waiting")
    assert "回电：昆山澄江精密 催货" in desk.at(desk.rep).get("/").content.decode()
    desk.do(desk.rep, back, "call_back", result="周三到")
    one.refresh_from_db()
    assert (back.state, one.state, one.result) == ("called", "done", "周三到")
    assert looking.todos(actor_of(desk.rep.pk)) == []


def test_a_transfer_that_is_taken_makes_the_question_the_others_until_it_is_answered(desk):
    one = desk.take()
    desk.do(desk.clerk, one, "transfer", to=desk.rep.pk)
    desk.do(desk.rep, one, "taken")
    assert (one.state, one.transfer, one.owner) == ("open", "taken", desk.rep)
    assert "答复：昆山澄江精密 催货" in desk.at(desk.rep).get("/").content.decode()
    desk.do(desk.rep, one, "answer", result="周三到")
    assert (one.state, one.result) == ("done", "周三到")
    assert not CallBack.objects.exists()


@pytest.mark.clause("C-OFF-12")
def test_a_promise_of_two_hours_is_told_to_the_manager_at_the_limit_and_closed_with_its_delay(desk):
    with time_machine.travel(MONDAY, tick=False) as at:
        one = desk.take()
        desk.do(desk.clerk, one, "promise", to=desk.rep.pk, within="2", need="")
        back = CallBack.objects.get()
        assert back.promised_at == clock.now() + timedelta(hours=2)
        at.shift(timedelta(minutes=60))
        watch.remind()
        assert told(desk.rep)[-1] == "回电时间用了 50%：回电：昆山澄江精密 催货"
        assert told(desk.manager) == []
        at.shift(timedelta(minutes=60))
        watch.remind()
        assert told(desk.manager) == ["到点没有回电：昆山澄江精密 催货"]
        assert "到点没有回电：昆山澄江精密 催货" in desk.at(desk.manager).get("/").content.decode()
        at.shift(timedelta(minutes=25))
        desk.do(desk.rep, back, "call_back", result="周三到")
        assert (back.state, back.delay_minutes) == ("called", 25)
        assert "晚了 25 分钟。" in desk.at(desk.clerk).get(f"{BACKS}{back.pk}/").content.decode()
        at.shift(timedelta(hours=5))
        watch.remind()
    assert told(desk.manager) == ["到点没有回电：昆山澄江精密 催货"]


def test_a_call_back_without_a_number_is_refused_and_one_to_an_erased_person_too(desk):
    one = desk.take(other="", who="老顾")
    assert "没有号码没法回电，写上「回电号码」。" in desk.do(desk.clerk, one, "promise")
    desk.do(desk.clerk, one, "promise", phone="0512-66660001")
    assert factories.names_of(CallBack.objects.get(), column="phone") == ["0512-66660001"]
    two = desk.take(other="13911112222")
    erase([two.subject])
    assert "来电人的个人信息已清除" in desk.do(desk.clerk, two, "promise", phone="0512-66660001")
    assert (two.state, CallBack.objects.count()) == ("open", 1)


def test_a_call_back_that_is_not_needed_opens_the_question_again(desk):
    one = desk.take()
    desk.do(desk.clerk, one, "promise", to=desk.rep.pk)
    back = CallBack.objects.get()
    desk.do(desk.other, back, "call_back", result="x")
    assert back.state == "waiting"
    desk.do(desk.rep, back, "void", reason="他又打来了")
    one.refresh_from_db()
    assert (back.state, one.state) == ("void", "open")


def test_an_agreed_moment_counts_by_working_time_and_its_delay_by_the_clock(desk):
    with time_machine.travel("2026-11-20 17:30+08:00", tick=False) as at:  # a Friday, half an hour before it closes
        one = desk.take()
        desk.do(desk.clerk, one, "promise", at="2026-11-23T09:30")
        back = CallBack.objects.get()
        assert back.minutes == 60
        at.move_to("2026-11-23 09:20+08:00")
        desk.do(desk.clerk, back, "call_back", result="说好了")
    assert (back.delay_minutes, back.state) == (-10, "called")
