"""The order desk in a real browser: a special price approved on the phone, the order shipped, others watching it."""

import json
import re

import pytest

from neiqin import demo
from tests.journeys.preparing import pasted

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def fits(page):
    """Nothing sticks out of the screen sideways."""
    return page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_special_price_is_approved_on_the_phone_and_the_order_confirmed_and_shipped(desk):
    manager = desk("lujianguo", "phone")
    page = manager.page
    page.locator(".tabbar a", has_text="审批").click()
    page.wait_for_url("**/approvals/")
    assert fits(page)
    row = page.locator("tbody tr", has_text="低风险").first
    row.locator("a").click()
    expect(page.locator("h1")).to_contain_text("审核 DD")
    expect(page.locator("body")).to_contain_text("要销售经理批")
    number = re.search(r"DD\d{8}-\d{4}", page.locator("h1").inner_text())[0]
    assert fits(page)
    page.locator(".actbar a", has_text="同意").click()
    page.locator("dialog[open] input[name=opinion]").fill("可以，年度价")
    page.locator("dialog[open] button.primary").click()
    expect(page.locator("dialog[open]")).to_contain_text("都办好了")
    page.locator("dialog[open] [data-close]").last.click()
    expect(page.locator(".trail")).to_contain_text("可以，年度价")

    clerk = desk("linzhixia")
    page = clerk.open(f"/orders/order/?q={number}")
    page.locator("tbody tr a").first.click()
    expect(page.locator(".rec-h .st")).to_contain_text("已审")
    page.get_by_role("button", name="操作").click()
    page.locator("#more a", has_text="登记客户确认").click()
    dialog = page.locator("dialog[open]")
    dialog.locator("select[name=means]").select_option("contract")
    dialog.locator("input[name=proof]").fill("框架合同 KJ-2026-018")
    dialog.locator("button.primary").click()
    expect(dialog).to_contain_text("都办好了")
    dialog.locator("[data-close]").last.click()
    page.wait_for_load_state()
    page.get_by_role("button", name="操作").click()
    page.locator("#more a", has_text="发货").click()
    page.wait_for_url("**/orders/ship/**")
    page.locator("input[name=waybill]").fill("SF1234567890123")
    page.get_by_role("button", name="发货").click()
    expect(page.locator(".rec-h .st")).to_contain_text("运输中")


@pytest.mark.clause("C-ORD-19")
def test_what_one_ships_the_other_sees_on_the_board_without_reloading(desk):
    watching = desk("xuman")
    board = watching.open("/orders/board/")
    waiting = board.locator("td:nth-child(4) a, td:nth-child(3) a").first
    number = waiting.locator("header span").first.inner_text()
    board.evaluate("window.stays = 1")

    supervisor = desk("fangjingyi")
    page = supervisor.open(f"/orders/order/?q={number}")
    page.locator("tbody tr a").first.click()
    page.get_by_role("button", name="操作").click()
    page.locator("#more a", has_text="发货").click()
    page.wait_for_url("**/orders/ship/**")
    page.get_by_role("button", name="发货").click()
    page.wait_for_url("**/orders/delivery/**")

    column = board.locator("thead th").all_inner_texts()
    at = next(n for n, label in enumerate(column, 1) if label.startswith("已发货"))
    expect(board.locator(f"tbody td:nth-child({at})")).to_contain_text(number, timeout=15_000)
    assert board.evaluate("window.stays") == 1, "the page was never loaded again"


def test_five_hundred_lines_are_pasted_from_excel_and_said_to_be_right_or_wrong_while_one_types(desk):
    clerk = desk("linzhixia")
    page = clerk.open("/orders/order/new/")
    page.locator("[data-picker] input[type=text]").first.press_sequentially("澄江")
    page.locator(".pick [role=option]").first.click()
    goods = [row[0] for row in json.loads((demo.HERE / "catalog.json").read_text())["products"]]
    block = "\n".join(f"{goods[n % len(goods)]}\t{n % 9 + 1}" for n in range(500)) + "\n没有这个产品\t3"
    pasted(page, page.locator("#f-lines-0-product"), block)
    expect(page.locator("[data-lines-n]")).to_have_text("501 行")
    checked = page.locator("[data-checked]")
    expect(checked).to_contain_text("没有「没有这个产品」")
    expect(checked).to_contain_text("500 行")
    page.locator("[data-checked] [data-go]").first.click()
    wrong = page.locator("#f-lines-500-product")
    expect(wrong).to_be_focused()
    # keyboard only: the wrong row goes, and one typed by its beginning comes
    page.keyboard.press("Alt+Backspace")
    expect(page.locator("[data-lines-n]")).to_have_text("500 行")
    expect(checked).not_to_contain_text("没有这个产品")
    page.keyboard.press("Tab")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    total = checked.locator("b").first
    before = total.inner_text()
    page.locator("#f-lines-3-quantity").fill("900")
    expect(total).not_to_have_text(before)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    expect(page.locator("body")).to_contain_text("500")


def test_the_panel_of_a_line_keeps_what_is_folded_away(desk):
    page = desk("linzhixia").open("/orders/order/new/")
    page.locator("[data-picker] input[type=text]").first.press_sequentially("澄江")
    page.locator(".pick [role=option]").first.click()
    page.locator("[data-more]").first.click()
    panel = page.locator("[data-more-p]")
    panel.locator("[data-f=item_name]").fill("上门安装")
    panel.locator("[data-f=remark]").fill("周末")
    panel.locator("[data-more-done]").click()
    expect(page.locator("[data-more] .n").first).to_have_text("2")
    page.locator("#f-lines-0-quantity").fill("1")
    page.locator("#f-lines-0-price").fill("200")
    expect(page.locator("[data-checked]")).to_contain_text("200.00")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    expect(page.locator("body")).to_contain_text("上门安装")
    page.goto(page.url + "edit/")
    page.locator("[data-more]").first.click()
    expect(page.locator("[data-more-p] [data-f=remark]")).to_have_value("周末")
