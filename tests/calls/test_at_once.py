"""Several people at once: a call is in once, a call-back is promised once."""

from neiqin.kernel.actions.perform import perform
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.calls import calling, filing
from neiqin.modules.calls.models import Call, CallBack
from tests import factories
from tests.faults.threads import at_once

HEADERS = "主叫号码,被叫号码,开始时间,振铃秒数,通话秒数,分机,接听状态"


def test_of_eight_who_bring_the_same_call_records_at_once_each_call_is_in_once(own_database):
    rights = {"calls_view": "all", "calls_create": "all", "calls_do": "all"}
    by = actor_of(factories.person("方静仪", position_=factories.position("内勤主管", **rights)).pk)
    rows = [f"1391111000{n},801,2026-11-20 11:0{n}:00,3,20,801,已接" for n in range(5)]
    content = "\n".join([HEADERS, *rows]).encode()
    at_once(*[lambda: filing.take(content, "x.csv", by) for _ in range(8)])
    assert Call.objects.count() == 5


def test_of_eight_who_promise_to_call_back_one_does(own_database):
    call = factories.call()
    at_once(*[lambda: perform(calling.promise, [call.pk], by=SYSTEM, params={}) for _ in range(8)])
    assert CallBack.objects.count() == 1
    assert Call.objects.get().state == "back"
