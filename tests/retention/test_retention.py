"""Customers at risk, lost and regained by a limit per class; retention of a year beside the industry's (C-CUS-15)."""

import re
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
import time_machine

from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.jobs.queue import drain
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers.models import Customer
from neiqin.modules.orders import actions as orders
from neiqin.modules.orders.models import Order
from neiqin.modules.retention import following, looking, losses
from neiqin.modules.retention.following import Dealt, Limits
from neiqin.modules.retention.models import Dealing, Loss
from tests import factories
from tests.approvals.office import publish_table
from tests.orders.test_orders import text

pytestmark = pytest.mark.django_db
SOLD = date(2026, 6, 1)  # and 180 days later it is 2026-11-28


@pytest.fixture
def unit():
    return factories.unit("华东一组")


def member(unit, name, scope):
    rights = {f"customers_{r}": scope for r in factories.CUSTOMER_RIGHTS}
    rights |= {"retention_view": scope, "retention_explain": scope, "orders_view": scope}
    return factories.person(name, unit_=unit, position_=factories.position(name, **rights))


@pytest.fixture
def rep(unit):
    return member(unit, "周启明", "own")


@pytest.fixture
def boss(unit):
    return member(unit, "许曼", "below")


def customer(rep, name, level="ordinary", *days, price="20") -> Customer:
    """A customer of this class with an order on each of these days."""
    made = factories.customer(actor_of(rep.pk), name=name)
    Customer.objects.filter(pk=made.pk).update(level=level)
    for day in days:
        line = {"item_name": "轴承", "quantity": "10", "price": price}
        factories.approved(factories.order(made, line, doc_date=str(day)))
    return made


def night(day: str) -> None:
    """The worker comes round at three in the morning of this day."""
    with time_machine.travel(f"{date.fromisoformat(day) - timedelta(days=1)} 19:00Z", tick=True):
        following.every_hour()
        drain()


def status(made: Customer) -> str:
    return Dealing.objects.get(customer=made).status


@pytest.mark.clause("C-CUS-15")
def test_a_customer_is_lost_in_the_night_of_its_limit_after_a_warning_and_counted_that_day(rep, boss, client):
    with time_machine.travel("2026-06-01 02:00Z", tick=True):
        made = customer(rep, "昆山澄江精密", "ordinary", SOLD)
        other = customer(rep, "苏州恒昌", "key", SOLD - timedelta(days=30), SOLD)
    assert (status(made), status(other)) == ("first", "active")

    told = Notice.objects.filter(person_id=rep.pk, kind="retention.risk")
    night("2026-10-28")
    assert (status(made), told.filter(title__contains="澄江").exists()) == ("first", False)
    night("2026-10-29")
    assert status(made) == "at_risk"
    warning = told.get(title="客户快流失：昆山澄江精密")
    assert warning.text == "到 2026-11-28 还没有订单就算流失，联系一次。"

    night("2026-11-27")
    assert status(made) == "at_risk"
    assert not Loss.objects.filter(customer=made).exists()
    night("2026-11-28")
    assert status(made) == "lost"
    one = Loss.objects.get(customer=made)
    assert (one.last_on, one.lost_on, one.owner_id, one.state) == (SOLD, date(2026, 11, 28), rep.pk, "unexplained")
    assert told.filter(title="客户流失：昆山澄江精密").count() == 1
    with time_machine.travel("2026-11-28 02:00Z", tick=True):
        factories.sign_in(client, rep)
        home = re.sub(r"<[^>]+>|\s+", " ", text(client.get("/")))
        assert "今日流失" in home
        reading = losses.today.read(actor_of(rep.pk))
        assert (reading.value, reading.shown) == (1, "1 家")
        rows = text(client.get(reading.url))
        assert "昆山澄江精密" in rows
        assert "苏州恒昌" not in rows, "lost on another day"
        page = text(client.get(f"/customers/customer/{made.pk}/"))
        assert "已流失" in page
        assert "成交状态：快流失 → 已流失" in page

        # the reason
        url = f"/retention/loss/{one.pk}/explain/"
        assert "2 家流失客户没有写原因" in text(client.get("/"))
        assert "选了「其他」，写一句说明。" in text(client.post(url, {"cause": "other"}))
        client.post(url, {"cause": "rival", "note": "被昆山另一家低价拿走"})
        one.refresh_from_db()
        assert (one.state, one.reason) == ("explained", "rival")
        page = text(client.get(f"/retention/loss/{one.pk}/"))
        assert "登记流失原因：换了供应商，被昆山另一家低价拿走" in page
        assert "1 家流失客户没有写原因" in text(client.get("/"))
    with time_machine.travel("2026-11-29 02:00Z", tick=True):
        assert losses.today.read(actor_of(rep.pk)).value == 0


@pytest.mark.clause("C-CUS-15")
def test_eight_of_ten_active_last_year_are_eighty_percent_and_the_two_are_listed(rep, boss, client):
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        for n in range(10):
            days = [date(2025, 5, 1 + n)] + ([date(2026, 5, 1 + n)] if n < 8 else [])
            customer(rep, f"客户第{n}号", "key" if n < 4 else "ordinary", *days, price="40" if n == 0 else "20")
        customer(rep, "今年新客户", "ordinary", date(2026, 3, 1))
        elsewhere = customer(factories.person("外人"), "别人的客户", "ordinary", date(2025, 5, 1))
        rows = [["全部", "70", "85", "行业年鉴 2026"], ["其他", "0", "0", "没有录入"]]
        publish_table("retention.benchmark", rows, rows[0])

        found = looking.kept(actor_of(boss.pk), 2026)
        assert [(k.label, k.active, k.stayed, k.rate) for k in found] == [
            ("全部", 10, 8, D("80.00")), ("重点", 4, 4, D("100.00")), ("一般", 6, 4, D("66.67")), ("潜在", 0, 0, None),
        ]  # fmt: skip
        factories.sign_in(client, boss)
        page = text(client.get("/customers/retention/"))
        shown = re.sub(r"<[^>]+>|\s+", " ", page)
        assert re.search(r"全部\s+10\s+8\s+80\.00 %\s+没到前 10%\s+70\.00 %\s+85\.00 %\s+行业年鉴 2026", shown), shown[
            -3000:
        ]
        gone = shown[shown.index("没有留下的") : shown.index("贡献")]
        assert re.findall(r"客户第\d号", gone) == ["客户第8号", "客户第9号"]
        assert elsewhere.name not in shown

        # 8 × 200 + 200 more of the first + 200 of the new one; key: 400 + 3 × 200
        assert re.search(r"¥\s*2,000\s*\.00\s*（含税），其中重点客户\s+¥\s*1,000\s*\.00\s*，占\s+50\.00 %", shown), (
            shown[-1500:]
        )
        assert re.search(r"客户第0号\s+重点\s+400\s*\.00\s+20\.00 %", shown), shown[-1500:]
        assert "2024 年有订单" in text(client.get("/customers/retention/?year=2025"))
        assert client.get("/customers/retention/?year=9999").status_code == 200


LIMITS = Limits(lost=90, warn=15)
DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("orders", "last", "before", "expected"),
    [
        (0, None, None, "potential"),
        (1, 0, None, "first"),
        (2, 0, None, "active"),
        (2, 74, 100, "active"),
        (2, 75, 100, "at_risk"),
        (1, 89, None, "at_risk"),
        (1, 90, None, "lost"),
        (2, 10, 99, "active"),
        (2, 10, 100, "regained"),
    ],
)
def test_how_a_customer_stands(orders, last, before, expected):
    days = [None if n is None else DAY - timedelta(days=n) for n in (last, before)]
    dealt = Dealt(1, "澄江", "key", None, 1, orders, *days, None)
    assert dealt.now(LIMITS, DAY) == expected


def test_without_a_limit_nobody_is_ever_lost():
    dealt = Dealt(1, "澄江", "key", None, 1, 2, date(2001, 1, 1), date(1999, 1, 1), None)
    assert dealt.now(Limits(0, 0), DAY) == "active"


def test_a_lost_customer_comes_back_with_its_next_order_and_a_voided_one_takes_that_back(rep):
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        made = customer(rep, "昆山澄江精密", "key", date(2026, 5, 1))
        following.follow([made.pk])
        assert status(made) == "lost"
        order = factories.approved(factories.order(made, doc_date="2026-11-20"))
        assert status(made) == "regained"
        assert Loss.objects.get().regained_on == date(2026, 11, 20)
        factories.approved(factories.order(made, doc_date="2026-11-21"))
        assert status(made) == "active"
        said = Event.objects.filter(record_id=made.pk, name="customers.customer.turned").order_by("id")
        assert [e.data["words"] for e in said][-2:] == ["成交状态：已流失 → 已挽回", "成交状态：已挽回 → 活跃"]
        for one in Order.objects.filter(customer=made, doc_date__gte="2026-11-20"):
            assert perform(orders.void, [one.pk], by=SYSTEM, params={"reason": "错单"}).done
        assert status(made) == "lost"
        assert Loss.objects.count() == 1, "the same silence is one loss"
        assert order.version == 4


def test_another_class_has_other_limits_and_another_owner_takes_the_losses_along(rep, unit):
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        made = customer(rep, "昆山澄江精密", "ordinary", date(2026, 5, 1))
        assert status(made) == "lost"
        assert perform(customers.confirm_level, [made.pk], by=SYSTEM, params={"level": "prospect"}).done
        assert status(made) == "first"
        other = member(unit, "何雨桐", "own")
        assert perform(customers.hand_over, [made.pk], by=SYSTEM, params={"to": other.pk}).done
        assert Loss.objects.get().owner_id == other.pk


def test_a_second_night_changes_nothing_and_losses_of_long_ago_are_no_news(rep, django_assert_num_queries):
    with time_machine.travel("2026-11-20 02:00Z", tick=True):
        ids = [customer(rep, f"客户{n}", "key", date(2025, 5, 1)).pk for n in range(3)]
        assert not Notice.objects.filter(person_id=rep.pk, kind="retention.risk").exists()
        Dealing.objects.all().delete()
        Loss.objects.all().delete()
        before = Run.objects.count()
        assert following.nightly() == 3
        assert (Run.objects.count(), Loss.objects.count()) == (before + 1, 3)
        assert following.nightly() == 0
        with django_assert_num_queries(2):
            assert following.follow(ids) == 0
        assert not Notice.objects.filter(person_id=rep.pk, kind="retention.risk").exists()
