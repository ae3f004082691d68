"""Groups of customers: they join by themselves when an order is confirmed, and leave when the month is over."""

from datetime import datetime

import pytest
import time_machine

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform, preview
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.groups import following
from neiqin.modules.groups.models import Group, Membership
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders import confirming
from tests import factories
from tests.orders.test_orders import Desk, text

pytestmark = pytest.mark.django_db
GROUPS = "/groups/group/"
LINE = {"item_name": "轴承", "quantity": "10", "price": "20"}


@pytest.fixture
def desk():
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        yield Desk()


@pytest.fixture
def boss(desk):
    """许曼 makes groups; she sees her unit's customers."""
    return factories.person("许曼", unit_=desk.unit, position_=factories.position(
        "销售总监", customers_view="below", customers_profile="below", groups_view="all", groups_create="all",
        groups_edit="all",
    ))  # fmt: skip


def submitted(customer, **values):
    """An order that waits for the customer's word."""
    order = factories.order(customer, **values)
    type(order).objects.filter(pk=order.pk).update(paper_total=order.amount)
    assert perform(orders.submit, [order.pk], by=SYSTEM, params={"checked": True}).done
    return order


def confirmed(customer, **values):
    order = submitted(customer, **values)
    assert perform(confirming.confirm, [order.pk], by=SYSTEM, params={"means": "contract", "proof": "KJ-1"}).done
    return order


def inside(group) -> set[str]:
    return set(Membership.objects.filter(group=group, state="in").values_list("name", flat=True))


@pytest.mark.clause("C-CUS-08")
def test_a_customer_joins_by_itself_when_its_second_order_of_the_month_is_confirmed(desk, boss):
    big = {"industry": "通用设备制造", "size_band": "large"}
    Customer.objects.filter(pk=desk.customer.pk).update(**big)
    factories.customer(actor_of(desk.rep.pk), name="苏州小制造", industry="制造", size_band="medium")
    at = desk.at(boss)
    made = at.post(f"{GROUPS}new/", {
        "name": "大制造月购", "industry": "制造", "size_band": "large", "orders_min": "2", "orders_within": "month",
    })  # fmt: skip
    assert made.status_code == 302, text(made)
    drain()
    group = Group.objects.get()
    assert inside(group) == set()

    confirm = {"means": "contract", "proof": "KJ-2026-001"}
    order, other = (desk.enter(LINE, paper_total="200") for _ in range(2))
    for one in (order, other):
        desk.do(desk.clerk, one, "submit", checked="on")
    desk.do(desk.clerk, order, "confirm", **confirm)
    assert inside(group) == set(), "one order is not enough"
    desk.do(desk.clerk, other, "confirm", **confirm)
    assert inside(group) == {"昆山澄江精密"}

    # it is seen on the customer's page, on the group's with its time, and in the list of the group's customers
    member = Membership.objects.get()
    page = text(at.get(f"/customers/customer/{desk.customer.pk}/"))
    assert "大制造月购" in page
    assert "进入分组「大制造月购」" in page
    page = text(at.get(f"{GROUPS}{group.pk}/"))
    assert "进来 1 家" in page
    assert "昆山澄江精密" in page
    assert f"{clock.local(member.joined_at):%m-%d %H:%M}" in page
    link = f"/groups/membership/?f=group:in:{group.pk}&f=state:in:in"
    assert "f=group%3Ain%3A" in page
    assert "昆山澄江精密" in text(at.get(link))
    elsewhere = factories.person(
        "外人", position_=factories.position("销售代表", customers_view="own", groups_view="all")
    )
    assert "昆山澄江精密" not in text(desk.at(elsewhere).get(link))
    assert "昆山澄江精密" not in text(desk.at(elsewhere).get(f"{GROUPS}{group.pk}/"))


def test_it_leaves_when_an_order_is_voided_and_in_the_first_night_of_the_next_month(desk):
    group = factories.group(name="月购两单")
    first, second = confirmed(desk.customer), confirmed(desk.customer)
    assert inside(group) == {"昆山澄江精密"}
    assert perform(orders.void, [second.pk], by=SYSTEM, params={"reason": "错单"}).done
    assert inside(group) == set()
    confirmed(desk.customer)
    assert inside(group) == {"昆山澄江精密"}
    with time_machine.travel("2026-12-01 00:10Z", tick=True):
        following.every_hour()
        following.every_hour()
        drain()
        assert inside(group) == set()
        assert following.fill() == 0, "a second night changes nothing"
    rows = Membership.objects.filter(group=group).order_by("pk")
    assert [(m.state, bool(m.left_at)) for m in rows] == [("out", True), ("out", True)]
    said = Event.objects.filter(model="customers.customer", record_id=desk.customer.pk, name__endswith="grouped")
    words = [e.data["words"] for e in said.order_by("id")]
    assert words == ["进入分组「月购两单」", "离开分组「月购两单」"] * 2
    assert first.version == 1


def test_an_order_confirmed_in_another_month_does_not_count_for_the_month_but_for_the_year(desk):
    monthly, yearly = factories.group(), factories.group(orders_within="year")
    with time_machine.travel("2026-10-31 02:00Z", tick=True):
        confirmed(desk.customer)
    confirmed(desk.customer)
    assert (inside(monthly), inside(yearly)) == (set(), {"昆山澄江精密"})


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"industry": "机械、制造"}, True),
        ({"industry": "化工"}, False),
        ({"size_band": "medium"}, True),
        ({"size_band": "large"}, False),
        ({"level": "prospect"}, True),
        ({"level": "key"}, False),
        ({"region": "昆山"}, True),
        ({"region": "浙江 上海"}, False),
        ({"orders_max": "0"}, False),
        ({"amount_min": "200"}, True),
        ({"amount_min": "200.01"}, False),
        ({"amount_max": "199.99"}, False),
        ({"amount_min": "200", "amount_within": "month", "industry": "制造"}, True),
    ],
)
def test_each_condition(desk, conditions, fits):
    known = {"industry": "通用设备制造", "size_band": "medium", "province": "江苏省", "city": "昆山市"}
    Customer.objects.filter(pk=desk.customer.pk).update(**known)
    confirmed(desk.customer)
    group = factories.group(**({"orders_min": ""} | conditions))
    assert (inside(group) == {"昆山澄江精密"}) is fits


def test_it_follows_what_is_known_of_the_customer_and_whose_it_is(desk):
    group = factories.group(orders_min="", industry="制造")
    rep = actor_of(desk.rep.pk)
    assert perform(customers.edit, [desk.customer.pk], by=rep, params={"industry": "通用设备制造"}).done
    assert inside(group) == {"昆山澄江精密"}
    other = factories.person("何雨桐", unit_=desk.unit, position_=desk.rep.position)
    assert perform(customers.hand_over, [desk.customer.pk], by=SYSTEM, params={"to": other.pk}).done
    assert Membership.objects.get().owner_id == other.pk
    assert perform(customers.edit, [desk.customer.pk], by=SYSTEM, params={"name": "澄江精密", "industry": "贸易"}).done
    assert [(m.name, m.state) for m in Membership.objects.all()] == [("澄江精密", "out")]


def test_a_stopped_group_is_empty_and_a_resumed_one_fills_again(desk, boss):
    group = factories.group(orders_min="", industry="", region="江苏")
    assert inside(group) == {"昆山澄江精密"}
    for verb, expected in (("stop", set()), ("resume", {"昆山澄江精密"})):
        desk.at(boss).post(f"{GROUPS}{group.pk}/{verb}/", {})
        drain()
        assert inside(group) == expected


def test_a_group_without_a_condition_or_of_a_known_name_is_refused(desk, boss):
    at = desk.at(boss)
    assert "一个条件都没有，至少写一个。" in text(at.post(f"{GROUPS}new/", {"name": "所有人"}))
    given = {"name": "频购", "orders_min": "3", "orders_max": "2"}
    assert "「订单数至少」比「订单数至多」还大" in text(at.post(f"{GROUPS}new/", given))
    assert not Group.objects.exists()
    factories.group(name="频购")
    assert "已经有叫这个名字的分组" in text(at.post(f"{GROUPS}new/", given | {"orders_max": ""}))
    assert Group.objects.count() == 1


def test_a_preview_moves_nobody_and_many_customers_cost_no_more_statements(desk, django_assert_num_queries):
    group = factories.group(orders_min="1")
    order = submitted(desk.customer)
    preview(confirming.confirm, [order.pk], by=actor_of(desk.clerk.pk), params={"means": "contract", "proof": "KJ-1"})
    assert not Membership.objects.exists()
    others = [factories.customer(name=f"客户{n}") for n in range(3)]
    ids = [submitted(c).customer_id for c in others]
    type(order).objects.update(confirmed_at=datetime(2026, 11, 20, tzinfo=clock.zone()))
    before = Run.objects.count()
    with django_assert_num_queries(6):
        assert following.follow(ids, [group.pk]) == 3
    with django_assert_num_queries(1):
        assert following.follow(ids, [group.pk]) == 0
    assert Run.objects.count() == before + 1
    assert Membership.objects.filter(state="in").count() == 3
