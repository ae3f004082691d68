"""An order through all its states; what is invoiced, received and returned shows as word and bars (C-ORD-05)."""

import re
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import orjson
import pytest

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.actions.refusals import NotAllowed
from neiqin.kernel.approvals.models import Request
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.modules.company import presets
from neiqin.modules.orders import actions, booking
from neiqin.modules.orders.looking import stage
from neiqin.modules.orders.models import Collection, Delivery, Invoicing, Order, Progress, Return
from tests import factories
from tests.approvals.office import publish, row
from tests.orders.test_orders import ORDERS, Desk, again, ready, ship, text  # noqa: F401 - ready is a fixture

pytestmark = pytest.mark.django_db
BOOKS = {f"orders_{r}": "own" for r in ("invoice", "collect", "return", "view")} | {"customers_view": "own"}


@pytest.fixture
def desk():
    """The desk; 沈文 of 财务 books invoices, receipts and returns."""
    made = Desk()
    rights = {name: "all" for name in BOOKS}
    made.finance = factories.person("沈文", unit_=made.unit, position_=factories.position("财务", **rights))
    return made


@pytest.fixture
def confirmed(desk, ready):  # noqa: F811
    desk.do(desk.clerk, ready, "confirm", means="contract", proof="KJ-2026-001")
    return again(ready)


def book(desk, order, what, **given):
    return desk.at(desk.finance).post("/orders/book/", {"what": what, "id": order.pk} | given)


def invoice(desk, order, amount, number="26332000000000000001", **given):
    on = str(clock.today())
    return book(desk, order, "invoicing", number=number, amount=amount, **({"issued_on": on} | given))


def collect(desk, order, amount, **given):
    return book(desk, order, "collection", amount=amount, **({"received_on": str(clock.today())} | given))


def take_back(desk, order, quantity, **given):
    line = Delivery.objects.filter(order=order).exclude(state="void").latest("pk").lines.get()
    said = {f"q-{line.pk}": quantity, "returned_on": str(clock.today()), "reason": "规格不对"}
    return book(desk, order, "return", **(said | given))


def standing(desk, order) -> tuple[str, str]:
    """The word and the bars as the order's page says them."""
    page = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text(desk.at(desk.rep).get(f"{ORDERS}{order.pk}/"))))
    found = re.search(r"(\S+)。(发货 [\d.]+%，开票 [\d.]+%，收款 [\d.]+%(?:，退货 [\d.]+%)?)", page)
    return found[1], found[2]


@pytest.mark.clause("C-ORD-05")
def test_every_move_of_an_order_is_on_its_timeline_with_person_and_time(desk, ready):  # noqa: F811
    desk.do(desk.manager, ready, "unapprove", reason="改交期")
    desk.do(desk.manager, ready, "send_back", reason="改数量")
    desk.do(desk.clerk, ready, "submit", checked="on")
    desk.do(desk.manager, ready, "approve")
    desk.do(desk.clerk, ready, "doubt", text="数量对吗")
    assert "挂起" in text(desk.at(desk.rep).get(f"{ORDERS}{ready.pk}/"))
    desk.do(desk.rep, ready, "explain", answer="对")
    desk.do(desk.clerk, ready, "confirm", means="contract", proof="KJ-2026-001")
    ship(desk, ready, "10")
    assert again(ready).state == "executing"
    desk.do(desk.manager, ready, "close", reason="发完")
    moves = Event.objects.filter(model="orders.order", record_id=ready.pk).order_by("id")
    people = dict(Run.objects.values_list("pk", "person_id"))
    clerk, manager, rep = desk.clerk.pk, desk.manager.pk, desk.rep.pk
    assert [(e.name.rsplit(".", 1)[-1], e.after, people[e.run_id]) for e in moves if e.name != "orders.order.news"] == [
        ("created", "draft", clerk), ("submitted", "submitted", clerk), ("approved", "approved", clerk),
        ("unapproved", "submitted", manager), ("sent_back", "draft", manager), ("submitted", "submitted", clerk),
        ("approved", "approved", manager), ("doubted", "approved", clerk), ("explained", "approved", rep),
        ("confirmed", "approved", clerk), ("created_delivery", None, clerk), ("closed", "closed", manager),
    ]  # fmt: skip
    page = text(desk.at(desk.rep).get(f"{ORDERS}{ready.pk}/"))
    for words in ("反审核：改交期", "退回草稿：改数量", "提疑问：数量对吗", "关闭：发完", "陆建国", "林知夏"):
        assert words in page
    assert all(e.at for e in moves)

    # void is the one way out beside closed
    other = desk.enter({"item_name": "轴承", "quantity": "1", "price": "1"})
    desk.do(desk.clerk, other, "void", reason="重复")
    assert again(other).state == "void"
    assert "作废：重复" in text(desk.at(desk.rep).get(f"{ORDERS}{other.pk}/"))


@pytest.mark.clause("C-ORD-05")
def test_no_role_can_close_a_draft(desk):
    order = desk.enter({"item_name": "轴承", "quantity": "1", "price": "1"})
    grants = orjson.loads((Path(presets.__path__[0]) / "grants.json").read_bytes())
    assert len(grants) > 15
    for code, rights in grants.items():
        said = {name.replace(".", "_", 1): scope for name, scope in rights.items()}
        who = actor_of(factories.person(code, unit_=desk.unit, position_=factories.position(code, **said)).pk)
        try:
            outcome = perform(actions.close, [order.pk], by=who, params={"reason": "x"})
        except NotAllowed:
            continue
        assert not outcome.done
        assert outcome.refused[order.pk].code in ("state", "missing", "forbidden")
    assert perform(actions.close, [order.pk], by=SYSTEM, params={"reason": "x"}).refused[order.pk].code == "state"
    assert (again(order).state, again(order).version) == ("draft", order.version)


@pytest.mark.clause("C-ORD-05")
def test_an_order_invoiced_before_shipping_and_one_returned_after_closing_show_word_and_bars(desk, confirmed):
    assert standing(desk, confirmed) == ("待分配", "发货 0%，开票 0%，收款 0%")
    version = confirmed.version
    assert invoice(desk, confirmed, "50").status_code == 302
    assert standing(desk, confirmed) == ("已开票未发货", "发货 0%，开票 25%，收款 0%")
    assert again(confirmed).version == version, "no open form goes stale"

    ship(desk, confirmed, "10")
    made = Delivery.objects.get()
    today = str(clock.today())
    desk.at(desk.clerk).post(f"/orders/delivery/{made.pk}/sign/", {"signed_on": today})
    assert standing(desk, confirmed) == ("已签收", "发货 100%，开票 25%，收款 0%")
    invoice(desk, confirmed, "150", "26332000000000000002")
    collect(desk, confirmed, "200", note="建行 1126")
    assert standing(desk, confirmed) == ("已结算", "发货 100%，开票 100%，收款 100%")
    desk.do(desk.manager, confirmed, "close", reason="结清")
    assert standing(desk, confirmed) == ("已结算", "发货 100%，开票 100%，收款 100%")
    assert take_back(desk, confirmed, "3").status_code == 302
    assert standing(desk, confirmed) == ("部分退货", "发货 100%，开票 100%，收款 100%，退货 30%")
    take_back(desk, confirmed, "7")
    assert standing(desk, confirmed) == ("已退货", "发货 100%，开票 100%，收款 100%，退货 100%")
    assert again(confirmed).state == "closed"
    page = text(desk.at(desk.rep).get(f"{ORDERS}{confirmed.pk}/"))
    for words in ("登记开票 26332000000000000001，50.00", "登记收款 200.00，建行 1126", "登记退货 规格不对", "沈文"):
        assert words in page
    for bar in ("发货", "开票", "收款"):
        assert re.search(f'<progress class="pg" max="100" value="100.0" aria-label="{bar}">', page)


def test_a_closed_order_that_is_not_settled_is_just_closed(desk, confirmed):
    ship(desk, confirmed, "10")
    desk.do(desk.manager, confirmed, "close", reason="发完")
    assert standing(desk, confirmed) == ("已关闭", "发货 100%，开票 0%，收款 0%")


def test_an_invoice_number_counts_once_and_together_never_more_than_the_order(desk, confirmed):
    invoice(desk, confirmed, "150")
    other = factories.approved(desk.enter({"item_name": "轴承", "quantity": "10", "price": "20"}))
    told = invoice(desk, other, "10")
    assert f"发票 26332000000000000001 已经登记在订单 {confirmed.number}，核对号码。" in text(told)
    assert f"{confirmed.number}还有 50.00 没开票，不能再多。" in text(invoice(desk, confirmed, "50.01", "2"))
    tomorrow = str(clock.today() + timedelta(days=1))
    assert "日期还没到" in text(invoice(desk, confirmed, "1", "3", issued_on=tomorrow))
    assert "要大于 0" in text(invoice(desk, confirmed, "0", "4"))
    assert Invoicing.objects.count() == 1
    assert Progress.objects.get(order=confirmed).invoiced == 75


def test_what_was_booked_by_mistake_is_voided_with_a_reason_and_counts_no_more(desk, confirmed):
    invoice(desk, confirmed, "200")
    collect(desk, confirmed, "80")
    assert "已经开过票（26332000000000000001），先作废开票登记。" in text(
        desk.do(desk.clerk, confirmed, "void", reason="错单")
    )
    made = Invoicing.objects.get()
    answer = desk.at(desk.finance).post(f"/orders/invoicing/{made.pk}/void/", {"reason": ""})
    assert answer.status_code == 422
    desk.at(desk.finance).post(f"/orders/invoicing/{made.pk}/void/", {"reason": "抬头开错"})
    assert standing(desk, confirmed) == ("待分配", "发货 0%，开票 0%，收款 40%")
    assert "作废登记开票 26332000000000000001" in text(desk.at(desk.rep).get(f"{ORDERS}{confirmed.pk}/"))
    assert Event.objects.get(name="orders.invoicing.voided").data == {"reason": "抬头开错"}
    assert invoice(desk, confirmed, "200").status_code == 302, "the number is free again"
    assert "已经开过票" in text(desk.do(desk.clerk, confirmed, "void", reason="错单"))
    assert again(confirmed).state == "approved"


def test_no_more_comes_back_than_went_out(desk, confirmed):
    assert "还没有发过货" in text(desk.at(desk.finance).get(f"/orders/book/?what=return&id={confirmed.pk}"))
    ship(desk, confirmed, "8")
    made = Delivery.objects.get()
    assert "已审" not in text(take_back(desk, confirmed, "5"))
    assert f"「轴承」{made.number}发了 8，最多再退 3。" in text(take_back(desk, confirmed, "4"))
    assert standing(desk, confirmed) == ("部分退货", "发货 80%，开票 0%，收款 0%，退货 62.5%")
    back = Return.objects.get()
    told = desk.at(desk.clerk).post(f"/orders/delivery/{made.pk}/void/", {"reason": "x"})
    assert f"已经登记退货（{back.number}），先作废退货登记。" in text(told)
    ship(desk, confirmed, "2")
    assert standing(desk, confirmed)[1] == "发货 100%，开票 0%，收款 0%，退货 50%"
    desk.at(desk.finance).post(f"/orders/return/{back.pk}/void/", {"reason": "客户又要了"})
    assert standing(desk, confirmed) == ("已发货", "发货 100%，开票 0%，收款 0%")
    foreign = factories.shipped(factories.approved(factories.order()), 5).lines.get()
    given = {"order": confirmed.pk, "returned_on": str(clock.today()), "reason": "x"}
    given["lines"] = [{"delivery_line": foreign.pk, "quantity": "1"}]
    assert "不是这张订单发的货" in perform(booking.take_back, by=SYSTEM, rows=[given]).refused[0].text


def test_nothing_is_booked_on_a_draft_or_without_the_right(desk):
    order = desk.enter({"item_name": "轴承", "quantity": "1", "price": "1"})
    assert f"{order.number}草稿，不能登记收款。" in text(collect(desk, order, "1"))
    assert desk.at(desk.rep).post("/orders/book/", {"what": "collection", "id": order.pk}).status_code == 404
    given = {"order": order.pk, "amount": "1", "received_on": str(clock.today())}
    with pytest.raises(NotAllowed):
        perform(booking.collect, by=actor_of(desk.rep.pk), rows=[given])
    assert not Collection.objects.exists()


def test_nearly_all_is_not_all(desk):
    order = factories.approved(desk.enter({"item_name": "设备", "quantity": "1", "price": "100000"}))
    factories.collected(order, "99999.99")
    assert Progress.objects.get(order=order).collected == D("99.9")


def test_a_shipment_that_waits_for_approval_goes_back_to_its_order(desk, confirmed):
    publish(row("发货单·发货", "销售经理"))
    answer = ship(desk, confirmed, "10")
    assert (answer.status_code, answer["Location"]) == (302, f"{ORDERS}{confirmed.pk}/")
    assert not Delivery.objects.exists()
    assert (Request.objects.get().action, Request.objects.get().route) == ("orders.delivery.create", "销售经理")


def test_the_words_in_their_order():
    order, far = Order(state="executing", confirmed_at=clock.now(), assigned_to_id=1), Progress()
    assert stage(order, None) == stage(order, far) == "已分配"
    far.invoiced = D("0.1")
    assert stage(order, far) == "已开票未发货"
    far.shipped = D(50)
    assert stage(order, far) == "部分发货"
    far.shipped = D(100)
    assert stage(order, far) == "已发货"
    far.returned = D(20)
    assert stage(order, far) == "部分退货"
    order.hold = "有疑问"
    assert stage(order, far) == "挂起"
