"""A quote on the customer's phone: seen, accepted or refused once, never after its day or its successor."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from neiqin.kernel import clock
from neiqin.kernel.guests.models import Invitation
from neiqin.kernel.notices.models import Notice
from neiqin.modules.quotes.models import Quote
from tests.quotes.desk import QUOTES, Desk, again, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return Desk()


def link(desk, quote) -> str:
    """What the clerk sends to 潘工."""
    contact = desk.customer.contacts.order_by("pk")[0]
    given = {"ask": "quotes.accept", "contact": f"customers.contact:{contact.pk}", "days": "7", "with_code": "0"}
    page = desk.at(desk.clerk).post(f"/guests/quotes.quote/{quote.pk}/invite/", given).content.decode()
    return re.search(r"http://testserver(/g/[\w-]+/)", page)[1]


def open_(path) -> str:
    return words(Client().get(path))


def say(path, choice, text=""):
    return Client().post(path, {"choice": choice, "text": text})


def over(quote):
    """Its last day was yesterday."""
    Quote.objects.filter(pk=quote.pk).update(valid_until=clock.today() - timedelta(days=1), doc_date="2026-01-01")


def test_the_customer_sees_the_quote_and_accepts_it_once(desk):
    quote = desk.sent(
        {"item_name": "轴承", "spec": "6204", "quantity": "10", "price": "20", "days": "7"}, place="昆山工厂"
    )
    path = link(desk, quote)
    page = open_(path)
    for said in ("昆山澄江精密 的报价", quote.number, "6204", "200.00", "7 天", "昆山工厂", str(quote.valid_until)):
        assert said in page, said
    assert again(quote).state == "sent", "to look is not to decide"
    assert say(path, "yes").status_code == 302
    found = again(quote)
    assert (found.state, found.answered_by, bool(found.answered_at)) == ("accepted", "link", True)
    say(path, "no", "改主意了")
    assert again(quote).state == "accepted", "once"
    assert Notice.objects.filter(person_id=desk.rep.pk, title__contains="接受报价").exists()
    assert desk.push(desk.clerk, quote).status_code == 302


def test_who_refuses_says_why_and_the_reason_stays_under_the_contacts_key(desk):
    quote = desk.sent()
    path = link(desk, quote)
    assert say(path, "no").status_code == 422
    assert again(quote).state == "sent"
    say(path, "no", "交期太长")
    assert (again(quote).state, again(quote).answered_note) == ("refused", "客户在链接上拒绝，原因在「客户确认」里")
    assert "交期太长" in desk.page(desk.clerk, f"{QUOTES}{quote.pk}/")


def test_after_its_last_day_nothing_is_accepted_and_the_page_says_so(desk):
    quote = desk.sent()
    path = link(desk, quote)
    over(quote)
    page = open_(path)
    assert "已过期" in page
    assert "提交回复" not in page
    assert say(path, "yes").status_code == 409
    assert again(quote).state == "sent"
    assert Invitation.objects.get().answered_at is None, "no answer is kept of what was not taken"


def test_the_old_versions_link_says_that_there_is_a_newer_one(desk):
    quote = desk.sent()
    path = link(desk, quote)
    newer = desk.renewed(quote)
    assert "提交回复" in open_(path), "until the newer one is sent"
    desk.moved(newer, "send")
    page = open_(path)
    assert f"已有新版本 {newer.number}" in page
    assert "提交回复" not in page
    assert say(path, "yes").status_code == 409
    assert (again(quote).state, again(newer).state) == ("replaced", "sent")
    assert say(link(desk, newer), "yes").status_code == 302
    assert again(newer).state == "accepted"


def test_a_void_quote_is_not_shown_and_a_draft_is_shown_to_nobody(desk):
    draft = desk.write()
    contact = desk.customer.contacts.order_by("pk")[0]
    given = {"ask": "quotes.accept", "contact": f"customers.contact:{contact.pk}", "days": "7", "with_code": "0"}
    answer = desk.at(desk.clerk).post(f"/guests/quotes.quote/{draft.pk}/invite/", given)
    assert answer.status_code == 422
    assert not Invitation.objects.exists()
    quote = desk.sent()
    path = link(desk, quote)
    desk.moved(quote, "void", reason="报错了")
    assert Client().get(path).status_code == 410
    assert say(path, "yes").status_code == 410
