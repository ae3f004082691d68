"""Each step reaches rep and customer; the customer's page shows its own order and nobody else's (C-ORD-09)."""

import logging
import re
from datetime import timedelta

import pytest
import time_machine

from neiqin.kernel import clock
from neiqin.kernel.actions.models import Change, Event, Run
from neiqin.kernel.actions.perform import perform
from neiqin.kernel.guests import redact
from neiqin.kernel.guests.links import numbers_of, token_of
from neiqin.kernel.notices.models import Notice
from neiqin.kernel.people.actors import actor_of
from neiqin.kernel.people.scope import SYSTEM
from neiqin.kernel.personal.keys import erase
from neiqin.modules.customers import actions as customers
from neiqin.modules.customers.models import Contact
from neiqin.modules.orders import parts, progress
from neiqin.modules.orders.models import CustomerNews, CustomerQuestion, Delivery, Order, Part
from tests import factories
from tests.orders.test_orders import ORDERS, Desk, again, ready, ship, text  # noqa: F401 - ready is a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    """The desk; the customer's contact wants to hear of orders by WeChat, 客小美 serves its orders."""
    made = Desk()
    service = factories.position("客服专员", orders_view="all", orders_answer="all", customers_view="all")
    made.service = factories.person("客小美", unit_=made.unit, position_=service)
    made.contact = made.customer.contacts.get()
    wish(made.contact, "wechat")
    return made


def wish(contact, way):
    by = actor_of(contact.customer.owner_id)
    lines = {"contacts": [{"id": contact.pk, "order_news": way}]}
    assert perform(customers.edit, [contact.customer_id], by=by, params=lines).done


@pytest.fixture
def confirmed(desk, ready):  # noqa: F811
    Order.objects.filter(pk=ready.pk).update(service=desk.service)
    desk.do(desk.clerk, ready, "confirm", means="contract", proof="KJ-2026-001")
    return again(ready)


def link(desk, order) -> str:
    """The link as the service person copies it."""
    page = text(desk.at(desk.service).get(f"/orders/news/{order.pk}/"))
    return re.search(r'data-copy="http://testserver(/g/order/[\w-]+/)"', page)[1]


def shown(page) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text(page)))


def news(order):
    return list(CustomerNews.objects.filter(order=order).order_by("pk").values_list("text", "way", "state"))


@pytest.mark.clause("C-ORD-09")
def test_a_shipment_reaches_rep_and_customer_and_shows_on_the_customers_own_page_only(desk, confirmed, client):
    assert ship(desk, confirmed, "10").status_code == 302
    told = Notice.objects.get(person_id=desk.rep.pk, kind="orders.shipped")
    assert "顺丰 SF1234567890123" in told.text
    said = f"订单 {confirmed.number} 已发货：顺丰 SF1234567890123"
    assert (said, "wechat", "waiting") in news(confirmed), "kept for a person to send, never said to be sent"
    assert "用微信通知客户" in text(desk.at(desk.service).get("/"))
    to_send = text(desk.at(desk.service).get(f"/orders/news/{confirmed.pk}/"))
    own = link(desk, confirmed)
    assert f"{said}。查看进度：http://testserver{own}" in to_send
    on_page = text(desk.at(desk.rep).get(f"{ORDERS}{confirmed.pk}/"))
    assert f"要用微信通知客户：{said}" in on_page

    page = shown(client.get(own))
    assert re.search(r"发货 \d\d-\d\d 完成", page)
    assert "签收 正在办" in page
    assert "顺丰 SF1234567890123" in page
    assert "轴承 订 10，已发 10" in page
    assert "20.00" not in page, "the page has no prices"

    other = factories.approved(factories.order())
    stranger = other.customer.contacts.get()
    forged = token_of(progress.PURPOSE, confirmed.pk, stranger.pk, 0)
    assert client.get(f"/g/order/{forged}/").status_code == 410, "another customer's contact has no way in"
    signature = own.rstrip("/").rpartition("-")[2]
    altered = f"/g/order/{other.pk}-{stranger.pk}-0-{signature}/"
    for address in (altered, own.replace(own[9:12], "9" + own[9:12]), own[:-2] + "/", own[:-3] + "00/"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert confirmed.number not in text(answer)
    theirs = shown(client.get(progress.path_of(other, stranger.pk)))
    assert confirmed.number not in theirs
    assert "SF1234567890123" not in theirs


def test_what_was_sent_by_hand_is_noted_with_who_did_it(desk, confirmed):
    (row,) = CustomerNews.objects.filter(order=confirmed)
    assert row.text.startswith(f"订单 {confirmed.number} 已确认")
    version = again(confirmed).version
    desk.at(desk.service).post(f"/orders/news/{confirmed.pk}/", {"news": row.pk, "do": "sent"})
    row.refresh_from_db()
    assert (row.state, row.done_by_id) == ("sent", desk.service.pk)
    assert again(confirmed).version == version
    assert f"通知了客户（微信）：{row.text}" in text(desk.at(desk.rep).get(f"{ORDERS}{confirmed.pk}/"))
    answer = desk.at(desk.service).post(f"/orders/news/{confirmed.pk}/", {"news": row.pk, "do": "dropped"})
    assert "已经有人办过了" in text(answer)
    row.refresh_from_db()
    assert row.state == "sent"
    assert "用微信通知客户" not in text(desk.at(desk.service).get("/"))


def test_each_step_is_told_once_and_a_voided_delivery_not_at_all(desk, confirmed):
    desk.do(desk.clerk, confirmed, "hand_over")
    parts_ = list(Part.objects.filter(order=confirmed).order_by("end_on"))
    for part in parts_[:2]:
        perform(parts.report, [part.pk], by=SYSTEM, params={"progress": 50})
    assert Notice.objects.filter(person_id=desk.rep.pk, title__startswith="开始备货生产").count() == 1
    ship(desk, confirmed, "4")
    first = Delivery.objects.get()
    desk.at(desk.clerk).post(f"/orders/delivery/{first.pk}/void/", {"reason": "没装上车"})
    ship(desk, confirmed, "10", waybill="SF2")
    last = Delivery.objects.latest("pk")
    today = clock.today()
    desk.at(desk.clerk).post(f"/orders/delivery/{last.pk}/sign/", {"signed_on": str(today), "signed_by": "潘工"})
    head = f"订单 {confirmed.number}"
    assert news(confirmed) == [
        (f"{head} 已确认，约定 {confirmed.required_on} 交货", "wechat", "waiting"),
        (f"{head} 正在备货生产", "wechat", "waiting"),
        (f"{head} 已发货：顺丰 SF1234567890123", "wechat", "dropped"),
        (f"{head} 已发货：顺丰 SF2", "wechat", "waiting"),
        (f"{head} {today:%m-%d} 已签收", "wechat", "waiting"),
    ]


def test_the_customer_hears_of_a_delay_only_when_its_own_date_is_missed(desk, confirmed):
    due = clock.today() + timedelta(days=10)
    Order.objects.filter(pk=confirmed.pk).update(required_on=due)
    desk.do(desk.clerk, confirmed, "hand_over")
    first = Part.objects.filter(order=confirmed).order_by("end_on")[0]
    before = len(news(confirmed))
    inside, beyond = first.end_on + timedelta(days=1), due + timedelta(days=3)
    perform(parts.reschedule, [first.pk], by=SYSTEM, params={"promised_on": str(inside), "note": "缺货"})
    assert len(news(confirmed)) == before, "late inside the house is none of its business"
    perform(parts.reschedule, [first.pk], by=SYSTEM, params={"promised_on": str(beyond), "note": "缺货"})
    assert news(confirmed)[before:] == [
        (f"订单 {confirmed.number} 预计 {beyond} 交货，比约定晚 3 天", "wechat", "waiting")
    ]
    assert Notice.objects.filter(person_id=desk.rep.pk, kind="orders.late").count() == 2


@pytest.mark.parametrize("way", ["", "none"])
def test_who_does_not_wish_to_hear_is_not_told(desk, ready, way):  # noqa: F811
    wish(desk.contact, way)
    desk.do(desk.clerk, ready, "confirm", means="contract", proof="KJ-2026-001")
    assert ship(desk, ready, "10").status_code == 302
    assert not CustomerNews.objects.exists()


def test_a_question_reaches_service_and_rep_and_its_answer_the_customer(desk, confirmed, client):
    own = link(desk, confirmed)
    assert client.post(own, {"text": "  "}).status_code == 422
    assert client.post(own, {"text": "周五能到吗？联系 13900139000"}).status_code == 302
    for who in (desk.service, desk.rep):
        assert Notice.objects.get(person_id=who.pk, kind="orders.asked").title.startswith("客户提问")
        assert "回答客户" in text(desk.at(who).get("/"))
        assert "周五能到吗" in text(desk.at(who).get(f"{ORDERS}{confirmed.pk}/"))
    asked = Event.objects.get(name="orders.order.asked")
    assert "周五" not in str(asked.data)
    assert "周五" not in str(list(Run.objects.values_list("params", flat=True)))
    assert "周五" not in str(list(Change.objects.values_list("after", flat=True)))
    desk.do(desk.service, confirmed, "answer", text="能，周四发")
    page = shown(client.get(own))
    assert "周五能到吗" in page
    assert "客小美 回答：能，周四发" in page
    assert "没有等着回答的问题" in text(desk.do(desk.service, confirmed, "answer", text="再答"))
    assert "回答客户：" not in text(desk.at(desk.service).get("/"))


def test_a_contact_sees_its_own_questions_only(desk, confirmed, client):
    added = {"contacts": [{"name": "李敏", "mobile": "13800138001"}]}
    assert perform(customers.edit, [desk.customer.pk], by=actor_of(desk.rep.pk), params=added).done
    other = Contact.objects.latest("pk")
    client.post(progress.path_of(confirmed, other.pk), {"text": "发票抬头对吗"})
    assert "发票抬头" not in shown(client.get(link(desk, confirmed)))
    assert CustomerQuestion.objects.get().contact == other.pk


def test_too_many_questions_a_day_are_not_taken(desk, confirmed, client):
    own = link(desk, confirmed)
    for _ in range(progress.MOST_QUESTIONS):
        assert client.post(own, {"text": "到了吗"}).status_code == 302
    assert client.post(own, {"text": "到了吗"}).status_code == 429
    assert CustomerQuestion.objects.count() == progress.MOST_QUESTIONS


def test_a_link_ends_when_it_is_renewed_when_the_contact_leaves_and_long_after_the_end(desk, confirmed, client):
    old = link(desk, confirmed)
    desk.at(desk.service).post(f"/orders/news/{confirmed.pk}/", {"do": "renew"})
    assert client.get(old).status_code == 410
    new = link(desk, confirmed)
    assert client.get(new).status_code == 200
    Contact.objects.filter(pk=desk.contact.pk).update(left=True)
    assert client.get(new).status_code == 410
    Contact.objects.filter(pk=desk.contact.pk).update(left=False)
    desk.do(desk.manager, confirmed, "close", reason="客户取消")
    assert client.get(new).status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=92), tick=True):
        assert client.get(new).status_code == 410


def test_a_question_of_an_erased_contact_is_unreadable(desk, confirmed, client):
    client.post(link(desk, confirmed), {"text": "周五能到吗"})
    erase([desk.contact.subject])
    page = text(desk.at(desk.rep).get(f"{ORDERS}{confirmed.pk}/"))
    assert "周五" not in page
    assert "（已抹去）" in page


def test_numbers_come_out_of_a_token_only_for_its_own_purpose():
    token = token_of("a", 1, 2)
    assert numbers_of("a", token) == (1, 2)
    for other in (numbers_of("b", token), numbers_of("a", token + "0"), numbers_of("a", "1-2-"), numbers_of("a", "é")):
        assert other is None


def test_the_log_has_no_token():
    record = logging.LogRecord("x", 20, "", 0, "GET /g/order/42-7-0-0123456789abcdef/ 200", None, None)
    redact.WithoutTokens().filter(record)
    assert record.getMessage() == "GET /g/…/ 200"
