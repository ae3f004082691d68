"""A clerk's and a manager's way through customer files, in a browser, with mouse and keys."""

import re

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def test_a_clerk_opens_a_file_is_told_what_is_missing_and_finds_it_by_phone(desk):
    clerk = desk("linzhixia")
    clerk.expected.append("422")
    page = clerk.open("/customers/customer/")
    page.keyboard.press("n")
    page.wait_for_url("**/new/")
    page.fill("#f-name", "宁波甬泰注塑科技有限责任公司")
    expect(page.locator("#nearby")).to_contain_text("已有「宁波甬泰注塑科技有限公司」（KH000044")
    page.fill("#f-name", "宁波镇海橡塑模具有限公司")
    expect(page.locator("#nearby")).not_to_contain_text("已有")
    page.click("[data-picker*=person] input[type=text]")
    page.keyboard.type("zqm", delay=30)
    page.wait_for_selector(".pick [role=option]")
    page.keyboard.press("Enter")
    expect(page.locator("#f-owner")).to_have_value("周启明")
    page.fill("#f-contacts-0-name", "潘工")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".errs")).to_contain_text("至少填一个")
    page.fill("#f-contacts-0-mobile", "138 0013 8000")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/customers/customer/\d+/$"))
    expect(page.locator("h1")).to_have_text("宁波镇海橡塑模具有限公司")
    expect(page.locator("main")).to_contain_text("138****8000")
    page.goto(f"{clerk.url}/customers/customer/")
    page.keyboard.press("/")
    page.keyboard.type("13800138000")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("宁波镇海橡塑模具有限公司")


def test_a_manager_sees_what_a_hand_over_will_change_before_doing_it_to_three(desk):
    manager = desk("lujianguo")
    page = manager.open("/customers/customer/?sort=pinyin")
    page.keyboard.press("j")
    for _ in range(3):
        page.keyboard.press("x")
        page.keyboard.press("j")
    expect(page.locator(".bulk [data-n]")).to_have_text("3")
    page.keyboard.press("a")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("移交")
    dialog.locator("[data-picker] input[type=text]").fill("hyt")
    page.wait_for_selector(".pick [role=option]")
    page.keyboard.press("Enter")
    expect(dialog.locator("#preview")).to_contain_text("何雨桐")
    before = page.locator("tbody tr").nth(0).inner_text()
    dialog.get_by_role("button", name="移交 3 家").click()
    expect(dialog).to_contain_text("办好")
    page.reload()
    assert page.locator("tbody tr").nth(0).inner_text() != before or "何雨桐" in before


def test_two_clerks_change_one_file(desk):
    one, two = desk("lujianguo"), desk("fangjingyi")
    two.expected.append("409")
    first = one.open("/customers/customer/?sort=number")
    address = first.locator("tbody tr").nth(5).get_attribute("data-url")
    mine, theirs = one.open(f"{address}edit/"), two.open(f"{address}edit/")
    mine.fill("#f-city", "昆山市")
    mine.click("[data-submit]")
    mine.wait_for_url(f"**{address}")
    theirs.fill("#f-industry", "泵阀")
    theirs.click("[data-submit]")
    theirs.wait_for_url(f"**{address}")
    expect(theirs.locator("main")).to_contain_text("昆山市")
    expect(theirs.locator("main")).to_contain_text("泵阀")

    mine, theirs = one.open(f"{address}edit/"), two.open(f"{address}edit/")
    mine.fill("#f-city", "太仓市")
    mine.click("[data-submit]")
    mine.wait_for_url(f"**{address}")
    theirs.fill("#f-city", "常熟市")
    theirs.click("[data-submit]")
    expect(theirs.locator(".conflict")).to_contain_text("陆建国")
    expect(theirs.locator(".conflict")).to_contain_text("太仓市")
    theirs.locator("input[name=resolve-city][value=theirs]").check()
    theirs.click("[data-submit]")
    theirs.wait_for_url(f"**{address}")
    expect(theirs.locator("main")).to_contain_text("太仓市")


def test_who_can_see_it_and_why_is_told_in_words(desk):
    page = desk("linzhixia").open("/customers/customer/")
    page.locator("tbody tr").nth(0).locator("a").first.click()
    page.get_by_role("button", name="谁能看到").click()
    expect(page.locator("dialog[open]")).to_contain_text("是负责人")
    expect(page.locator("dialog[open]")).to_contain_text("林知夏")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_rep_on_the_phone_looks_up_a_customer(desk):
    rep = desk("zhouqiming", "phone")
    page = rep.open("/customers/customer/")
    expect(page.locator(".tabbar")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("tbody tr").nth(0).locator("a").first.click()
    page.wait_for_url(re.compile(r"/customers/customer/\d+/$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_wrong_password_is_told_and_after_five_the_login_is_locked(desk):
    visitor = desk(None)
    page = visitor.page
    for _ in range(5):
        page.fill("input[name=login]", "shansiqi")
        page.fill("input[name=password]", "wrong-Password-1")
        page.click("button[type=submit]")
        expect(page.locator("[role=alert]").first).to_contain_text("账号或密码不对")
    page.fill("input[name=login]", "shansiqi")
    page.fill("input[name=password]", "Hengchuan@2026")
    page.click("button[type=submit]")
    expect(page).to_have_url(re.compile("/login/"))
