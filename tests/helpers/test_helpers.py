"""增派与借调 through the screens: asked for, agreed to, seen between its dates and not a day longer."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Record
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people import rights
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Grant, PositionRole
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.helpers import actions
from neiqin.modules.helpers.models import Loan
from neiqin.modules.orders import actions as ordering
from neiqin.modules.orders.models import Delivery, Order, Part
from tests import factories
from tests.orders.test_orders import ORDERS, Desk, text

pytestmark = pytest.mark.django_db
URL = actions.URL
FULL = {f"orders_{r}": "all" for r in ("view", "create", "edit", "answer", "part", "ship")}


@pytest.fixture
def house():
    """方静怡 leads the back office, 侯志强 the warehouse, where 高敏 works and sees no order."""
    desk = Desk()
    desk.store = factories.unit("仓储物流部")
    desk.helper = factories.person("高敏", unit_=desk.store, position_=factories.position("仓管", helpers_view="own"))
    desk.lender = factories.person(
        "侯志强", unit_=desk.store, position_=factories.position("仓储主管", helpers_view="own")
    )
    type(desk.store).objects.filter(pk=desk.store.pk).update(leader=desk.lender)
    desk.chief = factories.person("方静怡", unit_=factories.unit("内勤部"), position_=factories.position(
        "内勤主管", helpers_view="own", helpers_create="own", promotions_view="all", catalog_view="all", **FULL
    ))  # fmt: skip
    desk.bearing = factories.product(code="ZC-6204", name="深沟球轴承")
    factories.price_list({desk.bearing: "100"})
    return desk


def asked(house, **values):
    """方静怡 fills the form; gives the answer."""
    today = clock.today()
    return house.at(house.chief).post(f"{URL}new/", {
        "helper": house.helper.pk, "work": "ship", "from_on": str(today), "why": "双十二单多",
        "until_on": str(today + timedelta(days=2)), **values,
    })  # fmt: skip


def agreed(house, **values) -> Loan:
    answer = asked(house, **values)
    assert answer.status_code == 302, text(answer)
    one = Loan.objects.latest("pk")
    house.at(house.lender).post(f"{URL}{one.pk}/agree/", {})
    return Loan.objects.get(pk=one.pk)


def ordered(house, **values) -> Order:
    return factories.order(house.customer, {"product": house.bearing.pk, "quantity": "5"}, **values)


def seen_by(house, who) -> set[str]:
    """The numbers of the orders in the person's list."""
    answer = house.at(who).get(ORDERS)
    page = text(answer) if answer.status_code == 200 else ""
    return {n for n in Order.objects.values_list("number", flat=True) if n in page}


def opens(house, who, order) -> bool:
    return house.at(who).get(f"{ORDERS}{order.pk}/").status_code == 200


@pytest.mark.clause("C-ORG-07")
def test_a_borrowed_warehouse_clerk_sees_the_promotions_orders_for_three_days_and_on_day_four_it_has_ended_by_itself(
    house,
):
    before = ordered(house)
    promotion = factories.promotion({house.bearing: "90"}, running=True)
    with time_machine.travel(clock.now(), tick=False) as now:
        first = clock.now()
        inside = ordered(house)
        assert not opens(house, house.helper, inside)
        asked(house, promotion=promotion.pk)
        one = Loan.objects.get()
        assert (one.state, one.name, one.lender_id) == ("asked", "促销：双十二轴承", house.lender.pk)
        assert not opens(house, house.helper, inside), "nothing before her manager has agreed"
        waiting = text(house.at(house.lender).get("/"))
        assert "方静怡想借高敏，同意吗：促销：双十二轴承" in waiting
        house.at(house.lender).post(f"{URL}{one.pk}/agree/", {})
        assert seen_by(house, house.helper) == {inside.number}
        for day in (0, 1, 2):
            now.move_to(first + timedelta(days=day))
            later = ordered(house)  # comes up while she helps
            assert opens(house, house.helper, later)
            assert opens(house, house.helper, inside)
            assert not opens(house, house.helper, before), "an order that is not the promotion's"
        assert len(seen_by(house, house.helper)) == 4
        assert f"到 {one.until_on:%m-%d}" in text(house.at(house.helper).get("/"))
        now.move_to(first + timedelta(days=3))
        assert not opens(house, house.helper, inside)
        assert house.at(house.helper).get(ORDERS).status_code == 403
        assert "已到期" in text(house.at(house.helper).get(f"{URL}{one.pk}/"))
        assert Loan.objects.get().state == "agreed", "nobody did anything: the day has passed"


def test_she_may_do_what_the_job_needs_and_nothing_else(house):
    promotion = factories.promotion({house.bearing: "90"}, running=True)
    order = factories.approved(ordered(house))
    agreed(house, promotion=promotion.pk)
    her = actor_of(house.helper.pk)
    assert set(her.scopes) == {"helpers.view", "orders.view", "orders.part", "orders.ship"}
    page = text(house.at(house.helper).get(f"{ORDERS}{order.pk}/"))
    assert "/orders/ship/" in page
    assert f"{ORDERS}{order.pk}/void/" not in page
    goods = {f"q-{order.lines.get().pk}": "5", "shipped_on": str(clock.today())}
    house.at(house.helper).post("/orders/ship/", {"id": order.pk, **goods})
    assert Delivery.objects.get().order_id == order.pk
    assert house.at(house.helper).get("/customers/customer/").status_code == 403
    assert house.at(house.helper).get(f"{ORDERS}new/").status_code == 404
    with pytest.raises(NotAllowed):
        perform(ordering.close, [order.pk], by=her, params={"reason": "不做"})


def test_shipping_an_order_that_is_not_the_jobs_is_refused(house):
    other = factories.approved(ordered(house))
    mine = factories.approved(ordered(house))
    agreed(house, order=mine.pk)
    line = other.lines.get()
    answer = house.at(house.helper).post("/orders/ship/", {"id": other.pk, f"q-{line.pk}": "5"})
    assert answer.status_code == 404
    assert Delivery.objects.count() == 0


def test_who_checks_orders_submits_a_backlog_and_what_is_submitted_has_left_it(house):
    one, two = ordered(house, paper_total="500"), ordered(house)
    assert {one.state, two.state} == {"draft"}
    agreed(house, of_unit=house.unit.pk, backlog="draft", work="check")
    assert seen_by(house, house.helper) == {one.number, two.number}
    house.at(house.helper).post(f"{ORDERS}{one.pk}/submit/", {"checked": "on"})
    assert Order.objects.get(pk=one.pk).state == "submitted"
    assert seen_by(house, house.helper) == {two.number}


def test_parts_of_the_order_come_along_and_those_of_others_do_not(house):
    mine, other = factories.approved(ordered(house)), factories.approved(ordered(house))
    for order in (mine, other):
        Part.objects.create(order=order, name=order.name, department="仓库", owner=house.lender, unit=house.store,
                            start_on=clock.today(), end_on=clock.today(), **factories.stamps())  # fmt: skip
    agreed(house, order=mine.pk)
    her = actor_of(house.helper.pk)
    assert list(Part.objects.filter(Part.visible_to(her)).values_list("order", flat=True)) == [mine.pk]
    assert Part.objects.filter(Part.visible_to(her, "orders.part")).count() == 1


def test_a_refusal_opens_nothing_and_who_asked_hears_why(house):
    order = ordered(house)
    asked(house, order=order.pk)
    one = Loan.objects.get()
    house.at(house.lender).post(f"{URL}{one.pk}/refuse/", {"reason": "盘点走不开"})
    one = Loan.objects.get()
    assert (one.state, one.answer) == ("refused", "盘点走不开")
    assert not opens(house, house.helper, order)
    told = Notice.objects.get(person=house.chief, kind="helpers.news")
    assert "借调没有同意" in told.title
    assert "盘点走不开" in told.text


def test_only_her_manager_agrees_neither_she_nor_who_asks(house):
    asked(house, order=ordered(house).pk)
    one = Loan.objects.get()
    for who in (house.chief, house.helper):
        assert "由出借部门的负责人来定" in text(house.at(who).post(f"{URL}{one.pk}/agree/", {}, follow=True))
    assert Loan.objects.get().state == "asked"


def test_of_ones_own_people_nobody_has_to_be_asked(house):
    type(house.store).objects.filter(pk=house.store.pk).update(leader=house.chief)
    order = ordered(house)
    asked(house, order=order.pk)
    assert Loan.objects.get().state == "agreed"
    assert opens(house, house.helper, order)


def test_where_she_leads_her_unit_herself_the_one_above_decides(house):
    company = factories.unit("恒川")
    type(company).objects.filter(pk=company.pk).update(leader=house.director)
    type(company).objects.filter(pk=house.store.pk).update(leader=house.helper, parent=company)
    asked(house, order=ordered(house).pk)
    assert Loan.objects.get().lender_id == house.director.pk


def test_before_its_first_day_it_opens_nothing(house):
    order = ordered(house)
    with time_machine.travel(clock.now(), tick=False) as now:
        agreed(house, order=order.pk, from_on=str(clock.today() + timedelta(days=1)))
        assert not opens(house, house.helper, order)
        now.shift(timedelta(days=1))
        assert opens(house, house.helper, order)


def test_what_is_ended_early_is_closed_at_once(house):
    order = ordered(house)
    one = agreed(house, order=order.pk)
    assert opens(house, house.helper, order)
    house.at(house.lender).post(f"{URL}{one.pk}/end/", {"reason": "仓库来货"})
    assert Loan.objects.get().state == "ended"
    assert not opens(house, house.helper, order)


def test_a_loan_reaches_no_further_than_who_asked_for_it(house):
    """What he may not see, nobody whom he borrows sees; and it ends with his own rights."""
    promotion = factories.promotion({house.bearing: "90"}, running=True)
    mine = ordered(house)
    theirs = factories.order(factories.customer(), {"product": house.bearing.pk, "quantity": "5"})
    role = PositionRole.objects.get(position=house.manager.position).role
    for permission in ("helpers.view", "helpers.create", "orders.part", "promotions.view"):
        Grant.objects.create(role=role, permission=permission, scope="all")
    one = factories.loan(house.helper, by=actor_of(house.manager.pk), promotion=promotion.pk, agreed=True)
    assert one.state == "agreed"
    assert seen_by(house, house.helper) == {mine.number}
    assert not opens(house, house.helper, theirs)
    Grant.objects.filter(role=role, permission="orders.view").delete()
    assert not opens(house, house.helper, mine)


def test_rights_that_one_has_not_are_not_lent(house):
    role = PositionRole.objects.get(position=house.chief.position).role
    Grant.objects.filter(role=role, permission="orders.ship").delete()
    answer = asked(house, order=ordered(house).pk)
    assert answer.status_code == 422
    assert "你自己没有「发货、登记签收」的权限" in text(answer)


def test_lent_rights_are_not_delegated_on(house):
    order = ordered(house)
    agreed(house, order=order.pk)
    other = factories.person("金辉", unit_=house.store, position_=factories.position("仓管"))
    factories.delegation(house.helper, other, clock.today(), clock.today() + timedelta(days=3))
    assert not opens(house, other, order)


def test_the_same_job_twice_is_refused_and_another_job_of_the_same_days_is_shown_to_her_manager(house):
    one, two = ordered(house), ordered(house)
    first = agreed(house, order=one.pk)
    again = asked(house, order=one.pk)
    assert again.status_code == 422
    assert f"这几天已经为这件事借了他（{first.number}" in text(again)
    assert asked(house, order=two.pk).status_code == 302
    page = text(house.at(house.lender).get(f"{URL}{Loan.objects.latest('pk').pk}/"))
    assert "这几天还有别的借调" in page
    assert one.number in page
    next_week = clock.today() + timedelta(days=7)
    later = {"from_on": str(next_week), "until_on": str(next_week)}
    assert asked(house, order=one.pk, **later).status_code == 302, "other days"


@pytest.mark.parametrize(("given", "said"), [
    ({}, "填一样，只填一样"),
    ({"backlog": "draft", "of_unit": "unit", "order": "order"}, "填一样，只填一样"),
    ({"of_unit": "unit"}, "两样一起填"),
    ({"order": "order", "backlog": "draft"}, "两样一起填"),
    ({"order": "order", "until_on": "2020-01-01"}, "早于第一天"),
    ({"order": "order", "from_on": "2020-01-01"}, "已经过了"),
    ({"order": "order", "until_on": "2099-01-01"}, "一次最多借 92 天"),
    ({"order": "order", "helper": "chief"}, "不能借自己"),
])  # fmt: skip
def test_what_does_not_fit_is_said_with_the_remedy(house, given, said):
    keys = {"order": ordered(house).pk, "unit": house.unit.pk, "chief": house.chief.pk}
    answer = asked(house, **{name: keys.get(value, value) for name, value in given.items()})
    assert answer.status_code == 422
    assert said in text(answer)
    assert Loan.objects.count() == 0


def test_the_order_says_who_helps_and_why_she_can_see_it(house):
    order, other = ordered(house), ordered(house)
    one = agreed(house, order=order.pk)
    words = f"借调：{one.name}，到 {one.until_on:%m-%d}"
    assert (house.helper.pk, "高敏", [words]) in order.explain()
    assert house.helper.pk not in {p for p, _, _ in other.explain()}
    assert ("看订单", "只在借去做的事上", words) in rights.explain(house.helper.pk)
    role = PositionRole.objects.get(position=house.manager.position).role
    Grant.objects.create(role=role, permission="helpers.view", scope="own")
    assert "增派" in text(house.at(house.manager).get(f"{ORDERS}{order.pk}/"))


def test_lists_of_those_who_are_not_lent_ask_nothing_more(house):
    ordered(house)
    client = house.at(house.clerk)
    client.get(ORDERS)
    with CaptureQueriesContext(connection) as before:
        client.get(ORDERS)
    agreed(house, order=ordered(house).pk)
    client.get(ORDERS)
    with CaptureQueriesContext(connection) as after:
        client.get(ORDERS)
    assert len(after) == len(before)
    assert not any("helpers_loan" in q["sql"] for q in after)


def test_a_right_on_one_order_shows_nothing_that_has_no_owner(house):
    order = ordered(house)
    agreed(house, order=order.pk)
    her = actor_of(house.helper.pk)
    assert her.only_lent("orders.view")
    assert not her.only_lent("helpers.view")
    assert not SYSTEM.only_lent("orders.view")
    plain = Record.visible_to.__func__(Order, her, "orders.view")  # as a record without owner asks
    assert list(Order.objects.filter(plain)) == []


def test_who_checks_orders_changes_them_without_seeing_their_customers(house):
    order = ordered(house)
    agreed(house, order=order.pk, work="check")
    outcome = perform(ordering.edit, [order.pk], by=actor_of(house.helper.pk), params={"remark": "打电话"})
    assert not outcome.refused, outcome.refused
    assert Order.objects.get(pk=order.pk).remark == "打电话"
