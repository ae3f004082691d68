"""A rep's day on the phone: whom to call today, the call written down, a customer taken from the pool."""

import re

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def fits(page):
    """Nothing sticks out of the screen sideways."""
    return page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_reps_day_on_the_phone(desk):
    rep = desk("heyutong", "phone")
    page = rep.page
    todo = page.locator(".rows a", has_text=re.compile("今天该跟进|过了"))
    expect(todo.first).to_be_visible()
    assert fits(page)
    name = todo.first.locator(".t1").inner_text()

    todo.first.click()
    page.wait_for_url(re.compile(r"/customers/customer/\d+/$"))
    expect(page.locator("h1")).to_have_text(name)
    page.get_by_role("button", name="操作").click()
    page.locator("#more a", has_text="看完整联系方式").click()
    page.locator("dialog[open] input[name=reason]").fill("回电话")
    page.locator("dialog[open] button.primary").click()
    call = page.locator("dialog[open] a[href^='tel:']").first
    expect(call).to_have_attribute("href", re.compile(r"^tel:\+?[\d-]+$"))
    page.locator("dialog[open] [data-close]").last.click()
    page.wait_for_load_state()

    page.locator(".acts a", has_text="记跟进").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text(name)
    dialog.get_by_label("电话", exact=True).check()
    dialog.locator("#f-content").fill("答应下周一给报价，气缸 SC63 两支")
    dialog.get_by_label("下周一", exact=True).check()
    assert fits(page)
    dialog.get_by_role("button", name="记下来").click()
    expect(dialog).to_contain_text("记好了 1 家。")
    dialog.locator("a", has_text="回工作台").click()
    page.wait_for_url(re.compile(r"^https?://[^/]+/$"))
    expect(page.locator(".rows a", has_text=re.compile("今天该跟进|过了")).filter(has_text=name)).to_have_count(0)

    page.locator(".tabbar a", has_text="公海").click()
    page.wait_for_url("**/customers/pooled/")
    assert fits(page)
    row = page.locator("tbody tr").first
    taken = row.locator("a").first.inner_text()
    row.locator("a").first.click()
    expect(page.locator("h1")).to_have_text(taken)
    assert "tel:" not in page.content()
    page.locator(".acts a", has_text="领取").click()
    page.locator("dialog[open] button.primary").click()
    expect(page.locator("dialog[open]")).to_contain_text("都办好了")
    page.locator("dialog[open] a", has_text=taken).click()
    page.wait_for_url(re.compile(r"/customers/customer/\d+/$"))
    expect(page.locator("h1")).to_have_text(taken)
    page.locator(".tabbar a", has_text="客户").click()
    expect(page.locator("tbody tr").first).to_contain_text(taken)
