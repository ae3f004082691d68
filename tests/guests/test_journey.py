"""From the desk to the customer's phone and back, in a real browser."""

import os
import re

import pytest

from tests import factories
from tests.stranger.models import Sample
from tests.web.axe import violations
from tests.web.test_browser import chromium  # noqa: F401 - the one browser fixture

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps an event loop in this thread
PASSWORD = "Hengchuan@2026"
RIGHTS = {f"stranger_{r}": "own" for r in ("view", "create", "edit")} | {"guests_invite": "all"}


@pytest.fixture
def lent(server):
    """A sample lent by 周启明, who has a contact to ask."""
    with server.django():
        owner = factories.actor("周启明", position_=factories.rep_position(**RIGHTS))
        login = factories.login_of(owner)
        login.set_password(PASSWORD)
        login.save()
        factories.customer(owner, contacts=[{"name": "潘建国", "mobile": "13800138000"}])
        return login.username, [
            Sample.objects.create(name=n, owner_id=owner.id, unit_id=owner.unit_id, **factories.stamps())
            for n in ("轴承 6204", "密封圈 NBR")
        ]


def window(browser, size):
    given = dict(zip(("width", "height"), size, strict=True))
    context = browser.new_context(viewport=given, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" and "422" not in m.text else None)
    return page


def clean(page):
    assert violations(page) == []


def invite(page, label):
    page.click("#tab-guests")
    page.get_by_role("button", name=label).click()
    dialog = page.locator("#dialog[open]")
    dialog.get_by_role("button", name="做 1 个链接").click()
    text = dialog.locator("#g-text").input_value()
    expect(dialog.locator("img.qr")).to_be_visible()
    clean(page)
    link, code = re.search(r"http\S+", text).group(), dialog.locator("code").inner_text()
    with page.expect_navigation():  # the page is loaded anew
        dialog.get_by_role("button", name="发好了").click()
    return link, code


def test_a_customer_confirms_on_the_phone(server, lent, chromium):  # noqa: F811
    username, (sample, other) = lent
    desk = window(chromium, (1440, 900))
    desk.goto(f"{server}/login/")
    desk.fill("input[name=login]", username)
    desk.fill("input[name=password]", PASSWORD)
    desk.click("button[type=submit]")
    desk.wait_for_url(f"{server}/")
    desk.goto(f"{server}/stranger/sample/{sample.pk}/")
    link, code = invite(desk, "请客户确认样品")
    desk.goto(f"{server}/stranger/sample/{other.pk}/")
    invite(desk, "请客户预约归还")

    phone = window(chromium, (390, 844))
    phone.goto(link)
    clean(phone)
    phone.fill("#f-code", code)
    phone.get_by_role("button", name="继续").click()
    expect(phone.locator("h1")).to_have_text("确认样品：轴承 6204")
    expect(phone.get_by_role("heading", name="还有 1 件等您回复")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    clean(phone)
    phone.get_by_label("有出入").check()
    phone.get_by_role("button", name="提交回复").click()
    expect(phone.get_by_role("alert")).to_have_text("选「有出入」时请写一下说明。")
    clean(phone)
    phone.get_by_role("textbox", name="说明").fill("少一件")
    phone.get_by_role("button", name="提交回复").click()
    expect(phone.get_by_role("status")).to_contain_text("有出入")
    clean(phone)
    phone.get_by_role("link", name="密封圈 NBR").click()
    phone.get_by_label("可以归还").check()
    phone.get_by_role("button", name="提交回复").click()
    expect(phone.get_by_role("status")).to_contain_text("可以归还")

    desk.goto(f"{server}/stranger/sample/{sample.pk}/")
    expect(desk.locator(".bell .dot")).to_have_text("2")
    desk.click("#tab-guests")
    expect(desk.locator(".guests")).to_contain_text("少一件")
    clean(desk)
    desk.locator(".bell").click()
    desk.wait_for_url(f"{server}/notices/")
    desk.keyboard.press("j")
    expect(desk.locator("[data-notice].cur")).to_contain_text("预约归还：密封圈 NBR，客户回复「可以归还」")
    clean(desk)
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{server}/stranger/sample/{other.pk}/")
    expect(desk.locator(".bell .dot")).to_have_text("1")
    assert phone.complaints == []
    assert desk.complaints == []
