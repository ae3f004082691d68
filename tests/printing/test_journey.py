"""Printing in a real browser: from the record's menu and for chosen rows, the PDF in a tab of its own."""

import pytest

from tests.journeys.conftest import desk, office  # noqa: F401 - the demo company and its desks
from tests.web.test_browser import chromium  # noqa: F401 - the one browser fixture

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def printed(page, button):
    """Press the button; gives the answer that the new tab got."""
    with page.context.expect_event("response", lambda r: r.request.method == "POST") as answer:
        button.click()
    return answer.value


def test_a_record_chosen_rows_and_a_list_are_printed(desk, office):  # noqa: F811
    page = desk("linzhixia").open("/customers/customer/?sort=pinyin")
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.locator(".bulk").get_by_role("button", name="打印").click()
    dialog = page.locator("#dialog[open]")
    expect(dialog).to_contain_text("整页向右移")
    answer = printed(page, dialog.get_by_role("button", name="打印 2 家"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"].startswith("inline")
    page.keyboard.press("Escape")
    page.locator(".acts").get_by_role("link", name="打印").click()
    expect(dialog).to_contain_text("A4 横向，每页有小计")
    dialog.get_by_label("用途").fill("拜访")
    answer = printed(page, dialog.locator("button.primary"))
    assert answer.status in (200, 302)
    page.keyboard.press("Escape")
    page.locator("tbody tr a").first.click()
    page.wait_for_selector("#tab-files")
    page.get_by_role("button", name="操作").click()
    page.locator("#more").get_by_role("link", name="打印").click()
    expect(dialog.get_by_role("radio", name="记录单")).to_be_checked()
    assert printed(page, dialog.get_by_role("button", name="打印 1 家")).status == 200
    page.reload()
    expect(page.locator("#timeline")).to_contain_text("打印记录单")
