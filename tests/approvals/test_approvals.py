"""Approvals through screen and API: who is asked, what is locked, and that what was approved is done exactly once."""

import time
from datetime import timedelta

import orjson
import pytest
import time_machine
from allauth.mfa.totp.internal import auth

from neiqin.kernel.actions.models import Event, Held
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Appointment, Delegation
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.rules import actions as rules
from neiqin.kernel.rules.models import Table
from neiqin.modules.customers import actions
from neiqin.modules.customers.models import Customer
from tests import factories
from tests.approvals.office import DEFAULT, Office, publish, row

pytestmark = pytest.mark.django_db
OFF = "客户·停用"


@pytest.fixture
def office():
    return Office()


def ask(office, customer, who=None, reason="不再合作"):
    """The rep deactivates a customer at his desk."""
    client = office.desk(who or office.rep)
    return client.post(f"/customers/customer/{customer.pk}/deactivate/", {"reason": reason})


def decide(office, who, verb, **given):
    return office.desk(who).post(f"/approvals/request/{Request.objects.latest('pk').pk}/{verb}/", given)


def latest() -> Request:
    return Request.objects.latest("pk")


def turns() -> list[str]:
    rows = Task.objects.filter(request=latest(), state="open").order_by("pk")
    return list(rows.values_list("person__name", flat=True))


def state_of(customer) -> str:
    return Customer.objects.get(pk=customer.pk).state


def test_what_the_table_names_waits_for_each_step_and_is_done_by_the_last_consent(office):
    publish(row(OFF, "销售经理→财务→销售总监", hours="4"))
    customer = office.customer(name="昆山澄江")
    answer = ask(office, customer)
    assert "已提交审批：销售经理 → 财务 → 销售总监" in answer.content.decode()
    assert (state_of(customer), turns(), latest().state) == ("active", ["陆建国"], "open")
    assert latest().number.startswith("SP")
    notice = Notice.objects.get(person_id=office.manager.pk)
    assert notice.title == f"要你审批：停用 {customer.number} 昆山澄江"

    page = office.desk(office.manager).get(f"/approvals/request/{latest().pk}/").content.decode()
    assert "不再合作" in page
    assert "《审批路线》第 2 版第 1 行" in page
    assert f"停用 {customer.number} 昆山澄江" in office.desk(office.manager).get("/approvals/").content.decode()
    assert f"审批：停用 {customer.number} 昆山澄江" in office.desk(office.manager).get("/").content.decode()

    for who, then in ((office.manager, ["沈文"]), (office.finance, ["许曼"])):
        assert decide(office, who, "agree", opinion="可以").status_code == 200
        assert (state_of(customer), turns()) == ("active", then)
    assert decide(office, office.director, "agree").status_code == 200
    assert (state_of(customer), latest().state, turns()) == ("inactive", "done", [])
    events = Event.objects.filter(model="customers.customer", record_id=customer.pk)
    assert events.filter(name="customers.customer.deactivated").count() == 1
    told = Notice.objects.filter(person_id=office.rep.pk).latest("pk")
    assert told.title == f"已办理：停用 {customer.number} 昆山澄江"
    page = office.desk(office.rep).get(f"/customers/customer/{customer.pk}/").content.decode()
    assert "审批通过：陆建国、沈文、许曼" in page


@pytest.mark.clause("C-FLOW-01")
def test_an_amount_decides_how_many_steps_there_are_and_a_new_route_does_not_touch_running_requests(office):
    edit = "客户·修改"
    publish(
        row(edit, "销售经理", kind="信用额度", amount="<= 1000"),
        row(edit, "销售经理→销售总监", kind="信用额度", amount="> 1000"),
    )
    small, large = office.customer(), office.customer()
    api = factories.api(office.desk(office.rep), office.rep)
    for customer, limit in ((small, "900"), (large, "1100")):
        url = f"/api/v1/customers/{customer.pk}"
        answer = api.patch(
            url, {"credit_limit": limit}, content_type="application/json", HTTP_IF_MATCH=f'"{customer.version}"'
        )
        assert answer.status_code == 202, answer.content
    assert list(Request.objects.order_by("pk").values_list("route", flat=True)) == ["销售经理", "销售经理→销售总监"]

    publish(row(edit, "财务", kind="信用额度"), from_on="2026-01-02")
    for customer in (small, large):
        one = Request.objects.get(record_id=customer.pk)
        assert perform(approvals.agree, [one.pk], by=actor_of(office.manager.pk)).done
    assert Customer.objects.get(pk=small.pk).credit_limit == 900
    assert Customer.objects.get(pk=large.pk).credit_limit is None
    assert turns() == ["许曼"]
    assert perform(approvals.agree, [latest().pk], by=actor_of(office.director.pk)).done
    assert Customer.objects.get(pk=large.pk).credit_limit == 1100

    # and the new route holds for new requests
    other = office.customer()
    api.patch(f"/api/v1/customers/{other.pk}", {"credit_limit": "900"}, content_type="application/json",
              HTTP_IF_MATCH=f'"{other.version}"')  # fmt: skip
    assert (latest().route, turns()) == ("财务", ["沈文"])


def test_parallel_signatures_all_count_and_a_refusal_needs_a_reason(office):
    publish(row(OFF, "财务+法务"))
    customer = office.customer()
    ask(office, customer)
    assert turns() == ["沈文", "顾法"]
    decide(office, office.legal, "agree")
    assert (state_of(customer), turns()) == ("active", ["沈文"])
    assert decide(office, office.finance, "refuse").status_code == 422
    decide(office, office.finance, "refuse", opinion="还有应收没收回")
    assert (state_of(customer), latest().state) == ("active", "returned")
    assert Notice.objects.filter(person_id=office.rep.pk).latest("pk").text == "沈文 还有应收没收回"
    assert "被驳回：停用" in office.desk(office.rep).get("/").content.decode()


def test_mended_and_submitted_again_it_is_the_same_request_and_the_difference_is_shown(office):
    publish(row(OFF, "销售经理→财务"))
    customer = office.customer()
    ask(office, customer, reason="没有采购")
    decide(office, office.manager, "agree")
    decide(office, office.finance, "refuse", opinion="写清楚", straight="on")
    number = latest().number
    ask(office, customer, reason="对方停产，应收已清")
    assert (Request.objects.count(), latest().number, latest().state, turns()) == (1, number, "open", ["沈文"])
    page = office.desk(office.finance).get(f"/approvals/request/{latest().pk}/").content.decode()
    assert "和上一次提交的不同" in page
    assert "没有采购" in page
    assert "对方停产，应收已清" in page
    decide(office, office.finance, "agree")
    assert state_of(customer) == "inactive"


def test_while_it_is_open_the_record_is_locked_and_a_second_request_is_told(office):
    publish(row(OFF, "销售经理"))
    customer = office.customer(name="昆山澄江")
    ask(office, customer)
    again = ask(office, customer, office.colleague)
    assert again.status_code == 404, "not hers"
    text = ask(office, customer).content.decode()
    assert f"正在审批（周启明 提交的「停用 {customer.number} 昆山澄江」），批完或撤回以后再改。" in text
    edit = perform(actions.edit, [customer.pk], by=actor_of(office.rep.pk), params={"city": "苏州市"})
    assert edit.refused[customer.pk].code == "locked"
    decide(office, office.rep, "withdraw")
    assert latest().state == "withdrawn"
    assert Held.objects.get(pk=latest().held_id).closed_at
    assert perform(actions.edit, [customer.pk], by=actor_of(office.rep.pk), params={"city": "苏州市"}).done


def test_nobody_decides_for_another_and_nobody_his_own(office):
    publish(row(OFF, "销售经理"))
    customer = office.customer()
    ask(office, customer)
    assert decide(office, office.colleague, "agree").status_code == 404
    assert "现在不是你审批" in decide(office, office.rep, "agree").content.decode()
    assert decide(office, office.manager, "end", reason="x").status_code == 404
    # the manager's own request goes to his leader
    other = factories.customer(actor_of(office.manager.pk))
    ask(office, other, office.manager)
    assert turns() == ["许曼"]


def test_where_nobody_holds_the_position_the_administrator_is_asked(office):
    publish(row(OFF, "法务"))
    Appointment.objects.filter(person=office.legal).delete()
    ask(office, office.customer())
    assert turns() == ["潘一鸣"]


def test_where_nobody_at_all_could_decide_nothing_is_held_and_nothing_done(office):
    publish(row(OFF, "法务"))
    Appointment.objects.filter(person__in=[office.legal, office.admin]).delete()
    customer = office.customer()
    assert "没有人能批「法务」，也没有流程管理员" in ask(office, customer).content.decode()
    assert (state_of(customer), Request.objects.count(), Held.objects.count()) == ("active", 0, 0)


def test_a_delegate_decides_by_days_and_amount_and_both_names_are_on_record(office):
    publish(row("客户·修改", "销售经理", kind="信用额度"))
    today = factories.clock.today()
    deputy = office.finance
    made = factories.delegation(office.manager, deputy, today, today.replace(year=today.year + 1))
    Delegation.objects.filter(pk=made.pk).update(most=100_000)
    for limit, whose in (("100000", "沈文"), ("100000.01", "陆建国")):
        customer = office.customer()
        perform(actions.edit, [customer.pk], by=actor_of(office.rep.pk), params={"credit_limit": limit})
        assert turns() == [whose]
    first = Request.objects.order_by("pk").first()
    assert perform(approvals.agree, [first.pk], by=actor_of(deputy.pk)).done
    page = office.desk(office.manager).get(f"/approvals/request/{first.pk}/").content.decode()
    assert "沈文（代陆建国）" in page
    told = Notice.objects.filter(kind="approvals.asked", record_id=first.pk)
    assert set(told.values_list("person_id", flat=True)) == {deputy.pk, office.manager.pk}


def test_it_is_not_done_for_somebody_who_has_lost_the_right_or_on_a_record_that_moved_on(office):
    publish(row(OFF, "销售经理"))
    first, second = office.customer(), office.customer()
    ask(office, first)
    Customer.objects.filter(pk=first.pk).update(version=7)  # by whatever is no action of people
    decide(office, office.manager, "agree")
    assert (latest().state, state_of(first)) == ("failed", "active")
    assert "记录被别人改过" in latest().reason
    ask(office, second)
    Appointment.objects.filter(person=office.rep).delete()
    decide(office, office.manager, "agree")
    assert (latest().state, state_of(second)) == ("failed", "active")
    assert latest().reason == "提交人没有「停用」的权限。"


def test_of_many_records_those_that_need_it_wait_each_for_itself_and_the_others_go_on(office):
    publish(row("客户·停用", "销售经理", unit="华东一组"))
    mine = [office.customer() for _ in range(2)]
    elsewhere = factories.customer(factories.actor(unit_=office.sales))
    by = actor_of(office.director.pk)
    ids = [*(c.pk for c in mine), elsewhere.pk]
    outcome = perform(actions.deactivate, ids, by=by, params={"reason": "清理"})
    assert outcome.done == [elsewhere.pk]
    assert {r.code for r in outcome.refused.values()} == {"held"}
    assert Request.objects.count() == 2
    assert [state_of(c) for c in mine] == ["active", "active"]
    assert state_of(elsewhere) == "inactive"


def test_only_what_the_table_calls_low_risk_is_agreed_to_together(office):
    publish(row(OFF, "销售经理", risk="低"))
    customers = [office.customer() for _ in range(3)]
    for customer in customers:
        ask(office, customer)
    ids = list(Request.objects.values_list("pk", flat=True))
    page = office.desk(office.manager).get("/approvals/").content.decode()
    assert page.count('name="id"') == 3
    answer = office.desk(office.manager).post("/approvals/request/do/agree/", {"id": ids})
    assert "3 条都办好了" in answer.content.decode()
    assert {state_of(c) for c in customers} == {"inactive"}

    publish(row(OFF, "销售经理"), from_on="2026-01-02")
    others = [office.customer() for _ in range(2)]
    for customer in others:
        ask(office, customer)
    ids = list(Request.objects.filter(state="open").values_list("pk", flat=True))
    answer = office.desk(office.manager).post("/approvals/request/do/agree/", {"id": ids})
    assert "不是低风险的，一件一件看。" in answer.content.decode()
    assert {state_of(c) for c in others} == {"active"}


def test_high_risk_needs_the_second_factor(office):
    publish(row(OFF, "销售经理", risk="高"))
    customer = office.customer()
    ask(office, customer)
    assert "要用两步验证的动态码同意" in decide(office, office.manager, "agree").content.decode()
    assert "先在「设置」里打开两步验证" in decide(office, office.manager, "agree_safely", code="1").content.decode()
    assert (state_of(customer), turns()) == ("active", ["陆建国"])
    secret = auth.generate_totp_secret()
    auth.TOTP.activate(factories.login_of(office.manager), secret)
    assert decide(office, office.manager, "agree_safely").status_code == 422
    assert "动态码不对" in decide(office, office.manager, "agree_safely", code="000000").content.decode()
    code = auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))
    decide(office, office.manager, "agree_safely", code=code)
    assert state_of(customer) == "inactive"
    assert code not in str(list(Event.objects.values_list("data", flat=True)))


def test_passed_on_lent_and_added_through_the_screen(office):
    publish(row(OFF, "销售经理"))
    customer = office.customer()
    ask(office, customer)
    decide(office, office.manager, "add_before", to=office.finance.pk, opinion="先看应收")
    assert turns() == ["沈文"]
    decide(office, office.finance, "pass_on", to=office.legal.pk)
    assert turns() == ["顾法"]
    decide(office, office.legal, "agree", opinion="没有纠纷")
    assert turns() == ["陆建国"]
    assert "提交人不能审批自己提交的" in decide(office, office.manager, "lend", to=office.rep.pk).content.decode()
    decide(office, office.manager, "add_after", to=office.director.pk)
    assert (turns(), state_of(customer)) == (["许曼"], "active")
    decide(office, office.director, "agree")
    assert state_of(customer) == "inactive"


def test_who_asked_chooses_where_the_route_leaves_it_to_him(office):
    publish(row(OFF, "自选→财务"))
    customer = office.customer()
    ask(office, customer)
    assert turns() == ["周启明"]
    page = office.desk(office.rep).get(f"/approvals/request/{latest().pk}/").content.decode()
    assert "选审批人" in page
    decide(office, office.rep, "pass_on", to=office.legal.pk)
    assert turns() == ["顾法"]


def test_urged_at_most_once_in_two_hours_and_hurried_through_the_night(office):
    publish(row(OFF, "销售经理"))
    ask(office, office.customer())
    decide(office, office.rep, "urge")
    assert Notice.objects.filter(person_id=office.manager.pk, kind="approvals.asked").count() == 2
    assert "这两小时里已经催过了" in decide(office, office.rep, "urge").content.decode()
    with time_machine.travel(factories.clock.now() + timedelta(hours=2, minutes=1), tick=True):
        decide(office, office.rep, "urge")
        decide(office, office.rep, "hurry")
    last = Notice.objects.filter(person_id=office.manager.pk).latest("pk")
    assert last.urgent
    assert last.title.startswith("加急 要你审批")


def test_those_copied_see_it_and_their_reading_is_kept(office):
    publish(row(OFF, "销售经理", copies="财务"))
    ask(office, office.customer(name="昆山澄江"))
    assert Notice.objects.get(person_id=office.finance.pk).title == f"抄送：{latest().name}"
    copy = latest().copied.get()
    assert copy.read_at is None
    client = office.desk(office.finance)
    assert latest().name in client.get("/approvals/?tab=copied").content.decode()
    assert client.get(f"/approvals/request/{latest().pk}/").status_code == 200
    copy.refresh_from_db()
    assert copy.read_at
    assert "现在不是你审批" in decide(office, office.finance, "agree").content.decode()


def test_the_administrator_ends_a_request_and_the_number_stays(office):
    publish(row(OFF, "销售经理"))
    customer = office.customer()
    ask(office, customer)
    number = latest().number
    assert decide(office, office.admin, "end").status_code == 422, "a reason"
    decide(office, office.admin, "end", reason="系统切换")
    assert (latest().state, latest().reason, latest().number, state_of(customer)) == (
        "ended",
        "系统切换",
        number,
        "active",
    )


def test_the_trace_is_printed(office):
    publish(row(OFF, "销售经理→财务"))
    ask(office, office.customer())
    decide(office, office.manager, "agree", opinion="可以停")
    one = latest()
    answer = office.desk(office.rep).post(
        "/print/", {"kind": "approvals.request", "id": one.pk, "form": "approvals.trace"}
    )
    assert answer["Content-Type"] == "application/pdf"


def test_times_by_step_and_person(office):
    publish(row(OFF, "销售经理"))
    ask(office, office.customer())
    decide(office, office.manager, "agree")
    page = office.desk(office.admin).get("/approvals/times/").content.decode()
    assert "陆建国" in page
    assert "销售经理" in page


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("销售经理→→财务", "里有空的一步"),
        ("销售经理→出纳", "没有「出纳」这个岗位或人"),
        ("财务+法务(3/2)", "比例要在 0 和 1 之间"),
    ],
)
def test_a_route_that_cannot_be_read_is_refused_while_it_is_written(office, route, words):
    table = Table.objects.get(code="approvals")
    content = orjson.dumps({"rows": [row(OFF, route), DEFAULT], "examples": []}).decode()
    refused = perform(rules.draft, [table.pk], by=SYSTEM, params={"content": content}).refused[table.pk]
    assert "第 1 行「路线」" in refused.text
    assert words in refused.text
    assert table.versions.count() == 1


def test_requests_of_one_call_are_opened_in_the_order_of_its_records(office):
    """Whatever order the database finds them in: who goes through them by number meets the same ones each time."""
    publish(row(OFF, "销售经理"))
    customers = [office.customer(name=f"昆山澄江{n}") for n in range(6)]
    Customer.objects.filter(pk=customers[0].pk).update(name="昆山澄江零")  # lies last on its page now
    ids = [c.pk for c in customers]
    perform(actions.deactivate, ids, by=actor_of(office.rep.pk), params={"reason": "不再合作"})
    assert list(Request.objects.order_by("pk").values_list("record_id", flat=True)) == ids
