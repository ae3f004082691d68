"""促销活动 through the screens: three reviews at once, prices inside the dates, a budget that is never overrun."""

import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
import time_machine
from django.db.models import Sum

from neiqin.kernel import clock
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.approvals import actions as approvals
from neiqin.kernel.approvals.models import Request, Task
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.models import Grant, PositionRole
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.catalog.models import PriceList
from neiqin.modules.orders import actions
from neiqin.modules.orders.models import Order
from neiqin.modules.promotions import actions as promotions
from neiqin.modules.promotions.models import Promotion, Use
from tests import factories
from tests.approvals.office import Office, publish, row
from tests.orders.test_orders import Desk, text

pytestmark = pytest.mark.django_db
URL = promotions.URL


def again(one):
    return Promotion.objects.get(pk=one.pk)


@pytest.fixture
def shop():
    """A bearing of 100 yuan, ten per cent less in a promotion of thirty days with a budget of 1,000."""
    desk = Desk()
    desk.bearing = factories.product(code="ZC-6204", name="深沟球轴承")
    factories.price_list({desk.bearing: "100"})
    return desk


def in_force(desk, **values):
    return factories.promotion({desk.bearing: "90"}, running=True, budget="1000", **values)


def audited(desk, count, **values) -> Order:
    order = factories.order(desk.customer, {"product": desk.bearing.pk, "quantity": str(count)}, **values)
    return factories.approved(order)


# C-FLOW-02


@pytest.fixture
def house():
    office = Office()
    office.market = factories.person(
        "赵市", unit_=office.company, position_=factories.position("市场专员", approvals_view="own")
    )
    for position in {p.position for p in (office.market, office.finance, office.legal, office.manager)}:
        role = PositionRole.objects.get(position=position).role
        for permission in ("promotions.view", "promotions.create", "promotions.edit", "catalog.view"):
            Grant.objects.create(role=role, permission=permission, scope="all")
    publish(row("促销活动·报批", "市场专员+财务+法务", hours="16"))
    office.bearing = factories.product(code="ZC-6204", name="深沟球轴承")
    return office


def plan(office):
    """The manager types it and asks for approval."""
    desk = office.desk(office.manager)
    answer = desk.post(f"{URL}new/", {
        "name": "双十二轴承", "from_on": "2026-12-01", "until_on": "2026-12-12", "budget": "20000",
        "deals-0-product": office.bearing.pk, "deals-0-price": "90", "deals-0-min_quantity": "0",
    })  # fmt: skip
    assert answer.status_code == 302, text(answer)
    one = Promotion.objects.get()
    desk.post(f"{URL}{one.pk}/launch/", {})
    return one


def decide(who, verb="agree", **params):
    request = Request.objects.latest("pk")
    return perform(getattr(approvals, verb), [request.pk], by=actor_of(who.pk), params=params)


@pytest.mark.clause("C-FLOW-02")
def test_three_reviews_are_open_at_once_the_third_finishes_it_and_the_time_is_the_longest_of_the_three(house):
    with time_machine.travel("2026-11-23 09:00+08:00", tick=False) as now:  # a Monday
        one = plan(house)
        waiting = Task.objects.filter(state=Task.State.OPEN).order_by("pk")
        assert {t.person.name for t in waiting} == {"赵市", "沈文", "顾法"}, "all three at once"
        assert again(one).state == "draft"
        now.move_to("2026-11-23 11:00+08:00")
        assert decide(house.market).done
        now.move_to("2026-11-23 15:00+08:00")
        assert decide(house.legal).done
        assert again(one).state == "draft", "two of three are not enough"
        now.move_to("2026-11-24 10:00+08:00")
        assert decide(house.finance).done
        one = again(one)
        assert (one.state, one.price_list.from_on, one.price_list.until_on) == (
            "running", date(2026, 12, 1), date(2026, 12, 12),
        )  # fmt: skip
        request = Request.objects.get()
        assert request.closed_at - request.created_at == timedelta(hours=25), "the longest of the three, not their sum"
        page = text(house.desk(house.manager).get(f"{URL}{one.pk}/"))
        assert "审批用时" in page
        assert "以前逐级签字平均超过 5 个工作日" in page


def test_one_refusal_gives_it_back_with_the_reason(house):
    one = plan(house)
    assert decide(house.market).done
    assert decide(house.finance, "refuse", opinion="预算没有列支").done
    assert (again(one).state, PriceList.objects.count()) == ("draft", 0)


def test_promotional_prices_are_not_typed_into_a_price_list(house):
    role = PositionRole.objects.get(position=house.manager.position).role
    Grant.objects.create(role=role, permission="catalog.prices", scope="all")
    answer = house.desk(house.manager).post("/catalog/pricelist/new/", {
        "name": "偷偷促销", "kind": "promotion", "from_on": "2026-01-01", "rows-0-product": house.bearing.pk,
        "rows-0-price": "1", "rows-0-min_quantity": "0",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "促销价从「促销活动」来" in text(answer)
    assert PriceList.objects.count() == 0


# C-LEAD-15


@pytest.mark.clause("C-LEAD-15")
def test_inside_its_dates_the_rule_applies_and_the_budget_grows_and_the_day_after_its_end_it_is_list_price(
    shop,
):
    one = in_force(shop, until_on=str(clock.today() + timedelta(days=3)))
    order = shop.enter({"product": shop.bearing.pk, "quantity": "5"}, paper_total="450")
    line = order.lines.get()
    assert (line.price, line.list_price) == (90, 100)
    assert line.price_rule.startswith(f"促销价《{one.number} 双十二轴承》")
    assert again(one).used == 0, "nothing is used before it is audited"
    shop.do(shop.clerk, order, "submit", checked="on")
    shop.do(shop.manager, order, "approve")
    assert Order.objects.get(pk=order.pk).state == "approved"
    assert (again(one).used, again(one).left) == (50, 950)
    with time_machine.travel(clock.now() + timedelta(days=4), tick=False):
        late = shop.enter({"product": shop.bearing.pk, "quantity": "5"})
        assert (late.lines.get().price, late.lines.get().price_rule[:4]) == (100, "标准价《")
    assert again(one).used == 50


def test_before_approval_it_gives_no_price(shop):
    factories.promotion({shop.bearing: "90"})
    assert shop.enter({"product": shop.bearing.pk, "quantity": "5"}).lines.get().price == 100


def test_one_that_is_stopped_gives_no_price_from_that_moment_on_even_on_its_first_day(shop):
    one = in_force(shop)
    assert shop.enter({"product": shop.bearing.pk, "quantity": "1"}).lines.get().price == 90
    assert perform(promotions.stop, [one.pk], by=SYSTEM, params={"reason": "缺货"}).done
    assert shop.enter({"product": shop.bearing.pk, "quantity": "1"}).lines.get().price == 100
    assert (again(one).state, again(one).stop_note) == ("stopped", "缺货")


def test_an_order_that_does_not_fit_into_the_rest_of_the_budget_is_refused_with_the_figures(shop):
    one = in_force(shop)
    audited(shop, 60)
    order = factories.order(shop.customer, {"product": shop.bearing.pk, "quantity": "50"})
    perform(actions.submit, [order.pk], by=SYSTEM, params={"checked": True})
    Order.objects.filter(pk=order.pk).update(state="submitted")
    answer = text(shop.do(shop.manager, order, "approve"))
    assert "促销「双十二轴承」的预算还剩 400.00，这单要 500.00" in answer
    assert (Order.objects.get(pk=order.pk).state, again(one).used) == ("submitted", 600)


def test_a_budget_that_is_used_up_stops_it_by_itself(shop):
    one = in_force(shop)
    audited(shop, 100)
    assert (again(one).state, again(one).stop_note, again(one).left) == ("stopped", "预算用完", 0)
    assert shop.enter({"product": shop.bearing.pk, "quantity": "1"}).lines.get().price == 100


def test_a_voided_order_gives_back_what_it_used_and_both_entries_stay(shop):
    one = in_force(shop)
    order = audited(shop, 30)
    assert again(one).used == 300
    assert perform(actions.void, [order.pk], by=SYSTEM, params={"reason": "客户取消"}).done
    assert again(one).used == 0
    assert list(Use.objects.order_by("pk").values_list("quantity", "amount")) == [(30, 300), (-30, -300)]


def test_whom_it_is_for_and_typing_too_much_is_said_while_it_is_typed(shop):
    import orjson

    in_force(shop, region="浙江省")
    assert shop.enter({"product": shop.bearing.pk, "quantity": "1"}).lines.get().price == 100, "another province"
    row = [["0", {"product": str(shop.bearing.pk), "quantity": "150"}]]
    head = {"customer": str(shop.customer.pk), "region": "浙江省"}
    data = orjson.dumps({"head": head, "rows": row}).decode()
    said = shop.at(shop.clerk).post("/orders/check/", {"data": data}).json()["rows"]["0"]
    assert said["price"] == "90"
    assert ["price", "warn", "促销「双十二轴承」的预算只剩 1,000.00，这单不够。"] in said["issues"]


@pytest.mark.parametrize("seed", range(8))
def test_however_orders_come_and_go_the_budget_used_is_what_orders_in_force_cost_and_never_above_it(shop, seed):
    walk = random.Random(seed)
    one = in_force(shop)
    live: dict[int, int] = {}
    for _ in range(14):
        if live and walk.random() < 0.35:
            pk = walk.choice(sorted(live))
            assert perform(actions.void, [pk], by=SYSTEM, params={"reason": "取消"}).done
            del live[pk]
        else:
            count = walk.randrange(1, 60)
            order = factories.order(shop.customer, {"product": shop.bearing.pk, "quantity": str(count)})
            gives = order.lines.get().price == 90
            Order.objects.filter(pk=order.pk).update(state="submitted")
            outcome = perform(actions.approve, [order.pk], by=SYSTEM)
            if outcome.done and gives:
                live[order.pk] = count
            elif not outcome.done:
                assert sum(live.values()) + count > 100
        used = Use.objects.filter(promotion=one).aggregate(s=Sum("amount"))["s"] or D(0)
        assert used == again(one).used == 10 * sum(live.values())
        assert used <= 1000
