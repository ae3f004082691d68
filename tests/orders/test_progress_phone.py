"""A customer looks at its order on the phone and asks, in a real browser."""

import os

import pytest

from neiqin.kernel.people.scope import SYSTEM
from tests import factories
from tests.guests.test_journey import clean, window
from tests.web.test_browser import chromium  # noqa: F401 - the one browser fixture

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps an event loop in this thread


def test_a_customer_follows_its_order_and_asks(server, chromium):  # noqa: F811
    with server.django():
        from neiqin.kernel.actions.perform import perform
        from neiqin.modules.orders import progress

        order = factories.approved(factories.order(required_on="2026-12-20"))
        factories.shipped(order, "8", carrier="顺丰", waybill="SF1234567890123")
        path = progress.path_of(order, order.customer.contacts.get().pk)
    phone = window(chromium, (390, 844))
    phone.goto(f"{server}{path}")
    expect(phone.locator("h1")).to_have_text(f"订单 {order.number}")
    expect(phone.locator("[aria-current=step]")).to_contain_text("已发 80%")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    clean(phone)
    phone.get_by_label("您的问题").fill("余下两套什么时候到？")
    phone.get_by_role("button", name="发出问题").click()
    expect(phone.get_by_text("余下两套什么时候到？")).to_be_visible()
    with server.django():
        assert perform(progress.answer, [order.pk], by=SYSTEM, params={"text": "周五"}).done
    phone.reload()
    expect(phone.get_by_text("系统 回答：周五")).to_be_visible()
    clean(phone)
    assert phone.complaints == []
