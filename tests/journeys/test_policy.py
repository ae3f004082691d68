"""The regulations under the hands of a clerk, and of who may rewrite them."""

import pytest

from tests.web.axe import violations

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def test_a_clerk_looks_a_rule_up_by_sound_and_goes_to_its_screen(desk):
    page = desk("linzhixia").open("/policy/")
    page.keyboard.press("/")
    page.keyboard.type("zdkhy")
    expect(page.locator(".clauses tr[data-url]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("重点客户由经理/总监负责")
    page.click("text=去客户")
    page.wait_for_url("**/customers/customer/")


def test_the_palette_finds_the_book_and_a_clause(desk):
    page = desk("linzhixia").open("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zdtk")
    expect(page.locator("#palette [role=option]", has_text="制度条款")).to_be_visible()
    page.fill("#palette input", "C-CUS-11")
    page.locator("#palette [role=option]", has_text="重点客户由经理").click()
    page.wait_for_url("**/policy/clause/*/")


def test_the_leader_rewrites_a_clause_and_takes_one_out_of_use(desk):
    page = desk("yanbochuan").open("/policy/?q=C-OFF-09")
    page.click(".clauses .id")
    page.click("text=编辑")
    page.fill("textarea[name=text]", "部门早会8:30到8:45。")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note", has_text="条文由公司改写")).to_be_visible()
    expect(page.locator("main")).to_contain_text("部门早会8:15到8:35")
    page.goto(page.url.split("/policy/")[0] + "/policy/?q=C-OFF-18")
    page.click(".clauses .id")
    page.locator(".bar .acts").get_by_role("button", name="操作").click()
    page.locator("main a", has_text="不适用").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("textarea[name=reason]").fill("没有着装要求")
    dialog.locator("button.primary").click()
    expect(dialog).to_contain_text("办好")
    page.reload()
    expect(page.locator(".note", has_text="本公司不适用。")).to_contain_text("没有着装要求")


@pytest.mark.parametrize("size", ["desk", "small", "phone"])
def test_the_book_fits_and_is_accessible(desk, size):
    page = desk("linzhixia", size, bypass_csp=True).open("/policy/?chapter=all")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('.tw').scrollWidth <= document.querySelector('.tw').clientWidth")
    assert violations(page) == []
