"""跨部门需求 through the screens: asked, answered within 48 hours or taken up at that hour, the month's share."""

import io
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client
from python_calamine import CalamineWorkbook

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.requests import looking, requests
from neiqin.modules.requests.models import DepartmentRequest
from tests import factories

pytestmark = pytest.mark.django_db
LIST = requests.URL
FRIDAY = "2026-11-20 10:00+08:00"


@pytest.fixture
def house():
    """销售 asks 市场: its head 赵市, 刘策 who does the work; 总办 above both."""
    top = factories.unit("总办")
    sales, marketing = factories.unit("销售部", top), factories.unit("市场部", top)
    rights = {f"requests_{r}": "own" for r in ("view", "create", "do")}
    everything = rights | {"requests_view": "all", "exchange_export": "all"}
    plain, head = factories.position("职员", **rights), factories.position("负责人", **rights)
    found = SimpleNamespace(
        sales=sales, marketing=marketing,
        lin=factories.person("林知夏", unit_=sales, position_=plain),
        liu=factories.person("刘策", unit_=marketing, position_=plain),
        zhao=factories.person("赵市", unit_=marketing, position_=head),
        boss=factories.person("沈总", unit_=top, position_=factories.position("领导", **everything)),
    )  # fmt: skip
    for unit, leader in ((marketing, found.zhao), (top, found.boss)):
        type(unit).objects.filter(pk=unit.pk).update(leader=leader)
    found.at = lambda who: factories.sign_in(Client(), who)
    return found


def ask(house, **values):
    """On the screen, for the marketing department; the answer and the request."""
    form = {"name": "新样册 50 本", "unit": house.marketing.pk, "owner": house.liu.pk, "need_on": "2026-11-27",
            "what": "展会用，最新版", "request_key": ""} | values  # fmt: skip
    answer = house.at(house.lin).post(f"{LIST}new/", form)
    return answer, DepartmentRequest.objects.order_by("pk").last()


def do(house, who, one, verb, **given):
    answer = house.at(who).post(f"{LIST}{one.pk}/{verb}/", given)
    one.refresh_from_db()
    return answer.content.decode()


def told(who):
    return list(Notice.objects.filter(person=who).order_by("pk").values_list("title", flat=True))


@pytest.mark.clause("C-FLOW-07")
def test_unanswered_for_48_hours_it_goes_to_the_departments_head_at_that_hour_and_the_month_shows_9_of_10(house):
    with time_machine.travel(FRIDAY, tick=False) as now:
        answered = [ask(house, name=f"样册 {n}")[1] for n in range(9)]
        _, late = ask(house, name="价格牌")
        for one in answered:
            do(house, house.liu, one, "answer", text="印刷厂在排，周三送到", promised_on="2026-11-25")
        now.move_to("2026-11-21 21:59+08:00")
        assert requests.every_minute() == 0
        now.move_to("2026-11-21 22:00+08:00")
        assert (requests.every_minute(), requests.every_minute()) == (1, 0), "warned once, twelve hours before"
        assert told(house.liu)[-1] == "还有 12 小时要答复：价格牌"
        now.move_to("2026-11-22 09:59+08:00")
        assert requests.every_minute() == 0
        assert told(house.zhao) == []
        now.move_to("2026-11-22 10:00+08:00")  # a Sunday: the clock runs on
        assert (requests.every_minute(), requests.every_minute()) == (1, 0)
        assert told(house.zhao) == ["48 小时没有答复：价格牌"]
        notice = Notice.objects.get(person=house.zhao)
        assert (notice.urgent, notice.created_at) == (True, clock.now())
        late.refresh_from_db()
        assert (late.timely, late.escalated_at, late.state) == ("late", clock.now(), "asked")
        assert Event.objects.filter(name="requests.departmentrequest.escalated", record_id=late.pk).count() == 1
        assert "48 小时没有答复：价格牌" in house.at(house.zhao).get("/").content.decode()
        assert house.at(house.zhao).get(f"{LIST}{late.pk}/").status_code == 200

        boss = house.at(house.boss)
        page = boss.get(looking.PAGE).content.decode()
        assert "10 件里 9 件" in page
        assert "90%" in page
        share = looking.shares(actor_of(house.boss.pk), looking.month_of("2026-11"))[0]
        assert (share.name, share.asked, share.met, share.late, share.runs) == ("市场部", 10, 9, 1, 0)
        for timely, count in (((), 10), (("met",), 9), (("late",), 1)):
            url = looking.rows_of(share, looking.month_of("2026-11"), *timely)
            assert url.replace("&", "&amp;") in page
            assert f"共 {count} 件" in boss.get(url).content.decode(), "each figure opens its rows"
        do(house, house.zhao, late, "answer", text="今天下午给", promised_on="2026-11-22")
        assert (late.state, late.timely) == ("answered", "late"), "late stays late"


def test_a_month_leaves_the_withdrawn_out_and_what_still_runs_counts_for_neither(house):
    with time_machine.travel(FRIDAY, tick=False):
        _, gone = ask(house)
        do(house, house.lin, gone, "void", reason="不用了")
        ask(house)
        (share, total) = looking.shares(actor_of(house.boss.pk), looking.month_of(""))
        assert (share.asked, share.runs, share.share, total.name) == (1, 1, None, "合计")
        assert looking.shares(actor_of(house.boss.pk), looking.month_of("2026-10")) == []
        assert "这个月还没有需求" in house.at(house.boss).get(f"{looking.PAGE}?month=2026-10").content.decode()
        assert looking.month_of("2027-01") == looking.month_of("x") == looking.month_of("2026-11")
        body = house.at(house.boss).get(f"{looking.PAGE}?as=xlsx").content
        rows = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()
        assert ["市场部", 1, 0, 0, 1] in [row[:5] for row in rows]


def test_it_is_answered_with_a_day_and_done_and_the_asker_hears_of_both(house):
    with time_machine.travel(FRIDAY, tick=False):
        answer, one = ask(house)
        assert answer.status_code == 302
        assert one.number == "XQ20261120-0001"
        assert (one.owner, one.unit, one.asker, one.asker_unit) == (house.liu, house.marketing, house.lin, house.sales)
        assert f"{clock.local(one.answer_due_at):%m-%d %H:%M}" == "11-22 10:00"
        assert told(house.liu) == ["销售部的需求：新样册 50 本"]
        assert "答复：新样册 50 本" in house.at(house.liu).get("/").content.decode()
        assert "还有 48 小时答复。" in house.at(house.lin).get(f"{LIST}{one.pk}/").content.decode()
        for word in ("收到", "好的，收到。", "OK", "知道了！"):
            assert "不算答复" in do(house, house.liu, one, "answer", text=word, promised_on="2026-11-25")
        assert "「哪天给」已经过了" in do(house, house.liu, one, "answer", text="在印", promised_on="2026-11-19")
        assert (one.state, one.answered_at) == ("asked", None)
        do(house, house.liu, one, "answer", text="收到，已下单，周三到货", promised_on="2026-11-25")
        assert (one.state, one.timely, one.answered_at) == ("answered", "met", clock.now())
        assert told(house.lin)[-1] == "答复了，11-25 给：新样册 50 本"
        do(house, house.liu, one, "finish", result="50 本送到前台")
        assert (one.state, one.done_at) == ("done", clock.now())
        assert told(house.lin)[-1] == "办好了：新样册 50 本"


def test_no_with_a_reason_is_an_answer_and_a_colleague_can_take_it(house):
    with time_machine.travel(FRIDAY, tick=False):
        _, one = ask(house, owner="")
        assert one.owner == house.zhao, "the head where nobody is named"
        assert "只能转给同一个部门的人" in do(house, house.zhao, one, "pass_on", to=house.boss.pk)
        do(house, house.zhao, one, "pass_on", to=house.liu.pk)
        assert (one.owner, one.unit) == (house.liu, house.marketing)
        assert "不算答复" in do(house, house.liu, one, "decline", reason="知道了")
        do(house, house.liu, one, "decline", reason="年底没有预算，明年一月再印")
        assert (one.state, one.timely, one.answer) == ("declined", "met", "年底没有预算，明年一月再印")


def test_a_head_who_has_not_answered_himself_is_taken_up_one_higher(house):
    with time_machine.travel(FRIDAY, tick=False) as now:
        _, one = ask(house, owner=house.zhao.pk)
        now.move_to("2026-11-22 10:00+08:00")
        requests.every_minute()
        for who in (house.zhao, house.boss, house.lin):
            assert told(who)[-1] == "48 小时没有答复：新样册 50 本"
        assert house.at(house.boss).get(f"{LIST}{one.pk}/").status_code == 200


def test_an_answer_a_minute_before_the_hour_is_in_time_and_at_the_hour_it_is_not(house):
    with time_machine.travel(FRIDAY, tick=False) as now:
        _, one = ask(house)
        _, other = ask(house)
        now.move_to("2026-11-22 09:59+08:00")
        do(house, house.liu, one, "answer", text="明天给", promised_on="2026-11-23")
        now.move_to("2026-11-22 10:00+08:00")
        do(house, house.liu, other, "answer", text="明天给", promised_on="2026-11-23")
        assert (one.timely, other.timely) == ("met", "late"), "whether or not the worker came round"


def test_what_cannot_be_asked_is_said_at_its_field(house):
    empty = factories.unit("新部门")
    with time_machine.travel(FRIDAY, tick=False):
        for values, sentence in (
            ({"unit": house.sales.pk, "owner": ""}, "这是你自己的部门，直接说，或用「交办」。"),
            ({"unit": empty.pk, "owner": ""}, "新部门没有负责人，写上「找谁」。"),
            ({"owner": house.boss.pk}, "这个人不在市场部，换一位，或空着由负责人答复。"),
            ({"need_on": "2026-11-19"}, "「哪天要」已经过了，换一天。"),
            ({"unit": "999999"}, "重新选"),
            ({"what": ""}, "「要什么」没有填。"),
        ):
            answer, _ = ask(house, **values)
            assert answer.status_code == 422, values
            assert sentence in answer.content.decode(), values
    assert not DepartmentRequest.objects.exists()


def test_only_the_department_answers_only_the_asker_withdraws_and_others_see_nothing(house):
    with time_machine.travel(FRIDAY, tick=False):
        _, one = ask(house)
        other = factories.person("外人", position_=factories.position(
            "别的岗", requests_view="own", requests_create="own", requests_do="own"))  # fmt: skip
        assert house.at(other).get(f"{LIST}{one.pk}/").status_code == 404
        text = "由被找的人或他的部门负责人来办。"
        assert text in do(house, house.lin, one, "answer", text="我自己印", promised_on="2026-11-25")
        assert "不是你提的，由提出人撤回。" in do(house, house.liu, one, "void", reason="x")
        assert one.state == "asked"


def test_of_two_who_answer_at_once_the_first_holds(house):
    with time_machine.travel(FRIDAY, tick=False):
        _, one = ask(house)
        both = [
            perform(requests.answer, [one.pk], by=actor_of(who.pk), versions={one.pk: one.version},
                    params={"text": f"{who.name}来办", "promised_on": "2026-11-25"})
            for who in (house.liu, house.zhao)
        ]  # fmt: skip
        one.refresh_from_db()
        assert (len(both[0].done), len(both[1].done), one.answer) == (1, 0, "刘策来办")
