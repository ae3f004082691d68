"""订单异常 through the screens: the red mark, the rep's todo, levels, cause and measure, what the customer was told."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.deadlines import watch
from neiqin.kernel.deadlines.models import Clock
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.modules.customers.models import Contact, Customer
from neiqin.modules.exceptions import exceptions, granting
from neiqin.modules.exceptions.models import OrderException, Told
from neiqin.modules.orders.models import CustomerNews, Order
from tests import factories
from tests.approvals.office import publish

pytestmark = pytest.mark.django_db
LIST, ORDERS = exceptions.URL, "/orders/order/"
MARK = '<span class="tag" data-tone="bad" title="{}">异常</span>'
MONDAY = "2026-11-23 09:00+08:00"


class Desk:
    """周启明 sells, 林知夏 keeps his orders, 陆建国 manages both, 许曼 directs; 曹仓 and 外人 are elsewhere."""

    def __init__(self):
        own = {f"customers_{r}": "own" for r in factories.CUSTOMER_RIGHTS} | {"approvals_view": "own"}
        own |= {f"orders_{r}": "own" for r in ("view", "create", "edit", "answer", "ship")}
        own |= {f"exceptions_{r}": "own" for r in ("view", "create", "handle")}
        clerk = own | {"exceptions_grant": "own"}
        manager = {name: "below" for name in clerk} | {"exceptions_grant_more": "below"}
        self.unit, self.store = factories.unit("华东一组"), factories.unit("仓库")
        self.rep = self._person("周启明", "销售代表", own)
        self.clerk = self._person("林知夏", "销售助理", clerk)
        factories.works_for(self.clerk, self.rep)
        self.manager = self._person("陆建国", "销售经理", manager)
        self.director = self._person("许曼", "销售总监", manager | {"exceptions_grant_most": "below"})
        keeper = {
            "orders_view": "all",
            "exceptions_view": "own",
            "exceptions_create": "all",
            "exceptions_handle": "own",
        }
        self.keeper = self._person("曹仓", "仓库", keeper, self.store)
        self.other = self._person("外人", "别处代表", own, factories.unit("华北组"))
        for unit, leader in ((self.unit, self.manager), (self.store, self.keeper)):
            type(unit).objects.filter(pk=unit.pk).update(leader=leader)
        self.customer = factories.customer(actor_of(self.rep.pk), name="昆山澄江精密")
        Customer.objects.filter(pk=self.customer.pk).update(level="ordinary")

    def _person(self, name, position, rights, unit=None):
        return factories.person(name, unit_=unit or self.unit, position_=factories.position(position, **rights))

    def at(self, someone) -> Client:
        return factories.sign_in(Client(), someone)

    def order(self, price="1000", **values) -> Order:
        """Ten pieces, approved, 10,000 yuan unless said otherwise."""
        line = {"item_name": "轴承", "quantity": "10", "price": price}
        return factories.approved(factories.order(self.customer, line, by=actor_of(self.clerk.pk), **values))

    def open(self, order, who=None, **values):
        """Registered on the screen; the answer, and the exception if there is one."""
        form = {"order": order.pk, "kind": "quality", "affected": "500", "what": "外圈有锈", "request_key": ""} | values
        answer = self.at(who or self.clerk).post(f"{LIST}new/", form)
        return answer, OrderException.objects.order_by("pk").last()

    def do(self, who, one, verb, **given):
        answer = self.at(who).post(f"{LIST}{one.pk}/{verb}/", given)
        one.refresh_from_db()
        return answer.content.decode()


@pytest.fixture
def desk():
    return Desk()


def told(who):
    return list(Notice.objects.filter(person=who).order_by("pk").values_list("title", flat=True))


@pytest.mark.clause("C-ORD-16")
def test_a_delay_shows_red_on_all_lists_gives_the_rep_a_task_and_is_not_closed_without_cause_and_measure(desk):
    order, calm = desk.order(required_on="2026-11-20"), desk.order(required_on="2026-12-20")
    Order.objects.filter(pk__in=(order.pk, calm.pk)).update(service=desk.clerk)
    Contact.objects.filter(customer=desk.customer).update(order_news="sms")
    lists = (ORDERS, "/orders/board/", "/orders/service/", f"{ORDERS}{order.pk}/")
    before = [desk.at(desk.clerk).get(url).content.decode() for url in lists]
    assert not any("异常</span>" in page for page in before)
    with time_machine.travel(MONDAY, tick=False):
        answer, one = desk.open(order, kind="delay", affected="", what="外协没到")
        assert answer.status_code == 302, answer.content.decode()[:2000]
        assert (one.owner, one.kind, one.days_late, one.level, one.state) == (desk.rep, "delay", 3, "first", "waiting")
        assert one.number.startswith("YC20261123-")
        for url in lists:
            page = desk.at(desk.clerk).get(url).content.decode()
            assert page.count(MARK.format("一级交货延迟")) == 1, url
        home = desk.at(desk.rep).get("/").content.decode()
        assert f"响应异常：一级交货延迟 {order.number} 昆山澄江精密" in home
        assert told(desk.rep)[-1] == f"订单异常：一级交货延迟 {order.number} 昆山澄江精密"
        news = CustomerNews.objects.get(order=order, step=f"exception-{one.pk}")
        assert news.text == f"订单 {order.number} 出现交货延迟，我们正在处理，由周启明负责，有结果马上告诉您"
        assert news.text in desk.at(desk.clerk).get(f"/orders/news/{order.pk}/").content.decode()

        desk.do(desk.rep, one, "start")
        assert "「措施」没有填，写清楚了再办。" in desk.do(desk.rep, one, "solve")
        assert one.state == "working"
        desk.do(desk.rep, one, "solve", measure="分两批，周三先发 6 件")
        assert "「原因」没有填，写清楚了再办。" in desk.do(desk.rep, one, "close")
        assert (one.state, one.closed_at) == ("checking", None)
        assert MARK.format("一级交货延迟") in desk.at(desk.clerk).get(ORDERS).content.decode()
        desk.do(desk.rep, one, "close", cause="外协件晚到")
        assert (one.state, one.cause, one.measure) == ("closed", "外协件晚到", "分两批，周三先发 6 件")
        assert one.closed_at == clock.now()
        for url in lists:
            assert "异常</span>" not in desk.at(desk.clerk).get(url).content.decode(), url
    assert CustomerNews.objects.filter(order=order, step=f"exception-{one.pk}-closed", state="waiting").count() == 1
    assert Order.objects.get(pk=order.pk).version == order.version, "the order itself stays as it is"


def test_the_mark_is_in_search_and_in_lists_that_name_the_order_and_says_the_gravest(desk):
    order = desk.order()
    factories.shipped(order, 5)
    desk.open(order, affected="100")
    desk.open(order, kind="wrong", affected="3000")
    client = desk.at(desk.clerk)
    assert MARK.format("三级发错货") in client.get("/orders/delivery/").content.decode()
    found = client.get("/search/", {"q": order.number}).content.decode()
    assert "异常 · " in found


def test_a_list_of_marked_orders_costs_no_more_queries_than_one(desk):
    orders = [desk.order() for _ in range(4)]
    counts = []
    client = desk.at(desk.clerk)
    for some in (orders[:1], orders[1:]):
        for order in some:
            desk.open(order)
        client.get(ORDERS)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page = client.get(ORDERS).content.decode()
        counts.append(len(seen))
    assert page.count("异常</span>") == 4
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("level", "values", "row"),
    [
        ("first", {"affected": "999.99"}, 8),
        ("second", {"affected": "1000"}, 6),
        ("third", {"affected": "3000"}, 3),
        ("first", {"kind": "delay", "affected": "", "days_late": "4"}, 8),
        ("second", {"kind": "delay", "affected": "", "days_late": "5"}, 5),
        ("third", {"kind": "delay", "affected": "", "days_late": "15"}, 1),
    ],
)
def test_the_level_is_proposed_from_facts_with_the_row_that_says_so(desk, level, values, row):
    _, one = desk.open(desk.order(), **values)
    assert (one.level, one.level_rule) == (level, f"《异常分级》第 1 版第 {row} 行")
    assert one.level_rule in desk.at(desk.clerk).get(f"{LIST}{one.pk}/").content.decode()


def test_the_class_of_the_customer_counts(desk):
    Customer.objects.filter(pk=desk.customer.pk).update(level="key")
    _, one = desk.open(desk.order(), affected="1")
    assert (one.level, one.level_rule) == ("second", "《异常分级》第 1 版第 7 行")


def test_a_person_raises_the_level_and_lowers_it_for_a_reason_only(desk):
    _, one = desk.open(desk.order())
    desk.do(desk.clerk, one, "relevel", level="third")
    assert (one.level, one.level_rule) == ("third", "林知夏定为三级")
    assert "已经是三级。" in desk.do(desk.clerk, one, "relevel", level="third")
    assert "降级要写「原因」。" in desk.do(desk.clerk, one, "relevel", level="second")
    assert one.level == "third"
    desk.do(desk.clerk, one, "relevel", level="second", reason="客户说不急")
    assert (one.level, one.level_rule) == ("second", "林知夏定为二级：客户说不急")


def test_its_limits_are_working_time_by_level_and_go_up_when_they_are_over(desk):
    with time_machine.travel(MONDAY, tick=False) as now:
        _, one = desk.open(desk.order())
        clocks = Clock.objects.filter(model=exceptions.KEY, record_id=one.pk)
        due = {c.kind: f"{clock.local(c.due_at):%m-%d %H:%M}" for c in clocks}
        assert due == {"exceptions.respond": "11-23 14:00", "exceptions.solve": "11-25 18:00"}, "4 and 24 hours"
        desk.do(desk.clerk, one, "relevel", level="third")
        due = {c.kind: f"{clock.local(c.due_at):%m-%d %H:%M}" for c in clocks.filter(stopped_at=None)}
        assert due == {"exceptions.respond": "11-23 10:00", "exceptions.solve": "11-24 14:00"}, "1 and 12 hours"
        now.move_to("2026-11-23 10:31+08:00")
        watch.remind()
        title = f"响应订单异常超时：{one.name}"
        assert title in told(desk.rep)
        assert title in told(desk.manager), "the head of the unit"
        assert "响应期限 11-23 10:00，已经超了。" in desk.at(desk.rep).get(f"{LIST}{one.pk}/").content.decode()
        desk.do(desk.rep, one, "start")
        desk.do(desk.rep, one, "solve", measure="换货")
        assert sorted(clocks.exclude(state="dropped").values_list("kind", "state")) == [
            ("exceptions.respond", "late"), ("exceptions.solve", "met"),
        ]  # fmt: skip
        desk.do(desk.rep, one, "send_back", reason="还是有锈")
        assert one.state == "working"
        assert clocks.filter(kind="exceptions.solve", stopped_at=None).count() == 1, "the time for it begins again"


@pytest.mark.clause("C-ORD-17")
def test_a_clerk_grants_two_percent_and_ten_percent_lands_with_the_manager_with_its_clock_running(desk):
    with time_machine.travel(MONDAY, tick=False) as now:
        _, one = desk.open(desk.order())
        assert one.level == "first"
        page = desk.at(desk.clerk).get(f"{LIST}{one.pk}/").content.decode()
        assert "内勤可定到 2%（200.00 元），经理 10%（1,000.00 元），再多总监定" in page
        desk.do(desk.clerk, one, "grant", amount="200", note="抵货款")
        assert (one.compensation, one.granted_by) == (D("200"), desk.clerk)
        assert not Request.objects.exists()

        answer = desk.do(desk.clerk, one, "grant", amount="1000")
        assert ("赔付合计 1,000.00，是订单金额的 10%，你能定到 2%（《异常预案》第 1 版第 4 行）。"
                "已提交审批：销售经理（《审批路线》第 1 版第 16 行）。") in answer  # fmt: skip
        assert "还没有办，1 条送去审批或复核。" in answer
        assert one.compensation == D("200"), "nothing is granted yet"
        request = Request.objects.get()
        assert list(Task.objects.filter(request=request, state="open").values_list("person__name", flat=True)) == [
            "陆建国"
        ]
        running = Clock.objects.get(kind="approvals.decide", record_id=request.pk)
        assert (running.state, f"{clock.local(running.due_at):%m-%d %H:%M}") == ("running", "11-23 14:00")
        assert told(desk.manager)[-1].startswith(f"要你审批：批赔付 {one.number} 昆山澄江精密")
        page = desk.at(desk.clerk).get(f"{LIST}{one.pk}/").content.decode()
        assert "等陆建国决定，11-23 14:00 前。" in page

        now.shift(timedelta(hours=1))
        url = f"/approvals/request/{request.pk}/"
        assert "内勤 2%，经理 10%" in desk.at(desk.manager).get(url).content.decode()
        desk.at(desk.manager).post(f"{url}agree/", {})
        one.refresh_from_db()
        assert (one.compensation, one.granted_by) == (D("1000"), desk.clerk)
        running.refresh_from_db()
        assert running.state == "met"


def test_who_decides_is_by_the_sum_over_the_order_and_the_level(desk):
    order = desk.order()
    _, first = desk.open(order)
    _, second = desk.open(order, kind="wrong")
    desk.do(desk.clerk, first, "grant", amount="150")
    desk.do(desk.clerk, second, "grant", amount="50.01")
    assert second.compensation == 0, "2.0001 % of the order in two portions"
    assert Request.objects.get().route == "销售经理"
    _, third = desk.open(desk.order(), affected="4000")
    assert third.level == "third"
    desk.do(desk.clerk, third, "grant", amount="0.01")
    assert Request.objects.count() == 2, "of a third level a clerk decides nothing"


def test_a_manager_decides_ten_percent_herself_and_above_goes_to_the_director(desk):
    _, one = desk.open(desk.order())
    desk.do(desk.manager, one, "grant", amount="1000")
    assert (one.compensation, Request.objects.count()) == (D("1000"), 0)
    answer = desk.do(desk.clerk, one, "grant", amount="1000.01")
    assert "已提交审批：销售经理 → 销售总监" in answer
    _, other = desk.open(desk.order())
    desk.do(desk.director, other, "grant", amount="10000")
    assert other.compensation == D("10000")
    assert "赔付比订单的金额还大" in desk.do(desk.director, other, "grant", amount="10000.01")


def test_without_a_route_the_action_itself_refuses(desk):
    publish()
    _, one = desk.open(desk.order())
    answer = desk.do(desk.clerk, one, "grant", amount="1000")
    assert "要销售经理来定" in answer
    assert "《审批路线》里加「异常·批赔付」的行" in answer
    assert (one.compensation, Request.objects.count()) == (0, 0)


def test_what_is_wrong_with_a_new_one_is_said_at_its_field(desk):
    order, draft = desk.order(), factories.order(desk.customer)
    foreign = factories.approved(factories.order(factories.customer(actor_of(desk.other.pk))))
    for values, sentence in (
        ({"affected": ""}, "写上「涉及金额」，按它占订单的多少定级。"),
        ({"affected": "10000.01"}, "「涉及金额」比订单的 10,000.00 还大，核对一下。"),
        ({"kind": "delay", "affected": ""}, "订单没有要求交期，写上「晚几天」。"),
        ({"of": draft}, "草稿和作废的订单不登记异常，换一张订单。"),
        ({"of": foreign}, "「订单」不存在，或不在你能看到的范围里，重新选。"),
        ({"kind": "x"}, "「类型」里没有「x」"),
        ({"what": ""}, "「出了什么事」没有填。"),
        ({"days_late": "-1"}, "「晚几天」不能小于 0。"),
    ):
        answer, _ = desk.open(values.pop("of", order), **values)
        assert answer.status_code == 422
        assert sentence in answer.content.decode(), values
    assert not OrderException.objects.exists()


def test_the_warehouse_registers_for_the_rep_and_a_department_hears_that_it_is_responsible(desk):
    order = desk.order()
    answer, one = desk.open(order, who=desk.keeper, department=desk.store.pk)
    assert answer.status_code == 302
    assert (one.owner, one.opened_by, one.department) == (desk.rep, desk.keeper, desk.store)
    assert desk.at(desk.keeper).get(f"{LIST}{one.pk}/").status_code == 200
    assert desk.at(desk.other).get(f"{LIST}{one.pk}/").status_code == 404
    _, other = desk.open(order)
    assert desk.at(desk.keeper).get(f"{LIST}{other.pk}/").status_code == 404
    perform(exceptions.edit, [other.pk], by=actor_of(desk.rep.pk), params={"department": desk.store.pk})
    assert told(desk.keeper) == [f"你部门负责的订单异常：一级质量问题 {order.number} 昆山澄江精密"]
    assert desk.at(desk.keeper).get(f"{LIST}{other.pk}/").status_code == 200


def test_a_rep_grants_nothing_and_who_has_no_right_sees_nothing(desk):
    _, one = desk.open(desk.order())
    assert desk.at(desk.rep).post(f"{LIST}{one.pk}/grant/", {"amount": "1"}).status_code in (403, 404)
    nobody = factories.person("没有权限", position_=factories.position("别的岗", orders_view="all"))
    assert desk.at(nobody).get(LIST).status_code == 403
    page = desk.at(nobody).get(f"{ORDERS}{one.order_id}/").content.decode()
    assert "登记异常" not in page
    assert "外圈有锈" not in page


def test_the_order_s_page_opens_the_form_with_the_order_in_it(desk):
    order = desk.order()
    client = desk.at(desk.clerk)
    assert f"/exceptions/new/?&amp;id={order.pk}" in client.get(f"{ORDERS}{order.pk}/").content.decode()
    answer = client.get("/exceptions/new/", {"id": order.pk}, follow=True)
    assert f'value="{order.pk}"' in answer.content.decode()
    assert client.get("/exceptions/new/", {"id": factories.order(desk.customer).pk}).status_code == 404
    desk.open(order)
    assert "外圈有锈" in client.get(f"{ORDERS}{order.pk}/").content.decode(), "the panel of the order"


def test_what_the_customer_was_told_is_kept_and_there_is_a_text_to_copy(desk):
    _, one = desk.open(desk.order())
    page = desk.at(desk.clerk).get(f"{LIST}{one.pk}/").content.decode()
    assert f"您的订单 {one.order.number} 出现质量问题，我们已经知道，周启明正在跟进，有进展马上告诉您。" in page
    desk.do(desk.clerk, one, "tell", way="call", text="和潘工说了，明天换货")
    assert list(Told.objects.values_list("way", "text", "person__name")) == [("call", "和潘工说了，明天换货", "林知夏")]
    assert one.told_at is not None
    assert "和潘工说了，明天换货" in desk.at(desk.clerk).get(f"{LIST}{one.pk}/").content.decode()


def test_cancelled_by_mistake_takes_the_mark_and_the_clocks_away_but_not_what_was_granted(desk):
    _, one = desk.open(desk.order())
    desk.do(desk.clerk, one, "grant", amount="10")
    assert "已经批了赔付，不能取消。" in desk.do(desk.clerk, one, "void", reason="登错了")
    desk.do(desk.clerk, one, "grant", amount="0")
    desk.do(desk.clerk, one, "void", reason="登错了")
    assert one.state == "void"
    assert not Clock.objects.filter(model=exceptions.KEY, stopped_at=None).exists()
    assert "异常</span>" not in desk.at(desk.clerk).get(ORDERS).content.decode()


def test_of_two_who_close_it_at_once_one_is_told_that_it_is_closed(desk):
    _, one = desk.open(desk.order())
    for verb, params in (("start", {}), ("solve", {"measure": "换货"})):
        desk.do(desk.rep, one, verb, **params)
    seen = {one.pk: one.version}
    both = [
        perform(exceptions.close, [one.pk], by=actor_of(who.pk), params={"cause": "防锈油少"}, versions=seen)
        for who in (desk.rep, desk.clerk)
    ]
    assert (both[0].done, both[1].done) == ([one.pk], [])
    assert "已关闭" in both[1].refused[one.pk].text
    assert Event.objects.filter(name="exceptions.orderexception.closed").count() == 1


def test_an_edit_is_of_people_who_handle_it_and_not_after_it_is_closed(desk):
    _, one = desk.open(desk.order())
    client = factories.api(Client(), desk.clerk)
    url = f"/api/v1/order-exceptions/{one.pk}"
    changed = client.patch(
        url, {"cause": "防锈油少"}, content_type="application/json", HTTP_IF_MATCH=f'"{one.version}"'
    )
    assert changed.status_code == 200, changed.content
    OrderException.objects.filter(pk=one.pk).update(state="closed")
    again = perform(exceptions.edit, [one.pk], by=actor_of(desk.clerk.pk), params={"cause": "别的"})
    assert again.refused[one.pk].code == "state"
    assert granting.cases({one.pk: D(100)})[one.pk].percent == D(1)
