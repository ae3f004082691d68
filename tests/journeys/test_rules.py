"""A rule table is changed in the browser: pasted, mended, tried, compared and published."""

from datetime import timedelta

import pytest

from neiqin.kernel import clock
from tests.web.axe import violations

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

PASTE = """text => {
  const data = new DataTransfer(); data.setData('text/plain', text);
  const paste = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
  document.activeElement.dispatchEvent(paste);
}"""
BLOCK = "潜在\t销售二部\t二十\t0\t10\t3\r\n潜在\t销售一部\t25\t0\t10\t3\r\n"


def cell(page, grid, row, place):
    return page.locator(f"[data-grid={grid}] tbody tr").nth(row - 1).locator("input").nth(place)


def numbers(page, grid="rows"):
    return page.locator(f"[data-grid={grid}] tbody .rn").all_inner_texts()


def test_a_new_version_from_a_pasted_block_to_the_day_it_holds(desk):
    office = desk("panyiming", bypass_csp=True)
    office.expected.append("422")
    page = office.open("/rules/customers.pool/")
    page.get_by_role("link", name="改一版").click()
    page.wait_for_url("**/edit/")
    assert violations(page) == []

    cell(page, "rows", 3, 0).focus()  # 其他 stays last: a new row comes above it
    page.locator("[data-grid=rows] [data-do=add]").click()
    page.evaluate(PASTE, BLOCK)
    assert numbers(page) == ["1", "2", "3", "4", "5"]
    expect(cell(page, "rows", 5, 0)).to_have_value("其他")
    expect(cell(page, "rows", 4, 1)).to_have_value("销售一部")
    sentence = "第 3 行「几天没跟进」要写数，「二十」不是。写成 20 这样。"
    expect(page.locator("[data-issues]")).to_contain_text(sentence)
    assert page.locator("td[data-lv=bad]").count() == 1

    page.keyboard.press("Control+s")
    page.wait_for_selector("[role=alert]")
    expect(page.locator("[role=alert]")).to_contain_text(sentence)
    expect(cell(page, "rows", 4, 1)).to_have_value("销售一部")
    assert violations(page) == []
    page.locator("[data-issues] button").click()
    page.keyboard.type("20")
    page.keyboard.press("Enter")
    expect(cell(page, "rows", 3, 3)).to_be_focused()
    expect(page.locator("td[data-lv=bad]")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(cell(page, "rows", 4, 3)).to_be_focused()

    page.fill("#t-0", "潜在")
    page.fill("#t-1", "销售二部")
    page.keyboard.press("Enter")
    tried = page.locator("#tried")
    expect(tried.locator("tr", has_text="几天没跟进")).to_contain_text("2030")
    expect(tried.locator("tr", has_text="哪一行定的")).to_contain_text("第 3 行第 3 行")
    expect(tried).to_contain_text("样例 3 行，1 行不对。")
    expect(tried).to_contain_text("✗ 第 3 行：「几天没跟进」应为 30，算出 20（第 3 行）。")
    cell(page, "examples", 3, 2).fill("20")
    cell(page, "examples", 3, 4).fill("10")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/edit/?version=2")
    expect(page.locator("#tried")).to_contain_text("样例 3 行都对。")

    page.get_by_role("link", name="看改动和发布").click()
    expect(page.locator("main")).to_contain_text("规则：加 2 行。")
    expect(page.locator("main")).to_contain_text("样例：改 1 行。")
    assert violations(page) == []
    tomorrow = clock.today() + timedelta(days=1)
    page.fill("#f-from", f"{tomorrow}")
    page.get_by_role("button", name="发布第 2 版").click()
    expect(page.locator(".facts")).to_contain_text(f"{tomorrow} 起")
    page.goto(f"{office.url}/rules/")
    row = page.locator("tbody tr", has_text="客户回公海")
    expect(row).to_contain_text("第 1 版")
    expect(row).to_contain_text(f"第 2 版，{tomorrow} 起")


def test_rows_are_moved_copied_deleted_and_brought_back_by_keys(desk):
    office = desk("panyiming")
    page = office.open("/rules/customers.limits/edit/")
    cell(page, "rows", 1, 1).focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(cell(page, "rows", 2, 0)).to_have_value("录入")
    expect(cell(page, "rows", 2, 1)).to_be_focused()
    page.keyboard.press("Alt+c")
    assert len(numbers(page)) == 6
    page.keyboard.press("Alt+Backspace")
    page.keyboard.press("Alt+Backspace")
    assert len(numbers(page)) == 4
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(cell(page, "rows", 1, 0)).to_have_value("录入")
    assert numbers(page) == ["1", "2", "3", "4", "5"]
    cell(page, "rows", 1, 1).fill("9")
    cell(page, "rows", 2, 1).focus()
    page.keyboard.press("Control+d")
    expect(cell(page, "rows", 2, 1)).to_have_value("9")
    cell(page, "rows", 5, 1).focus()
    page.keyboard.press("Enter")
    assert len(numbers(page)) == 6
    page.keyboard.type("别的")
    page.keyboard.press("Tab")
    expect(page.locator("[data-issues]")).to_contain_text("第 6 行「事项」里没有「别的」，可选 录入、")
    page.on("dialog", lambda dialog: dialog.accept())


def test_five_hundred_rows_are_pasted_in_a_moment(desk):
    page = desk("panyiming").open("/rules/customers.completeness/edit/")
    cell(page, "rows", 1, 0).focus()
    page.keyboard.press("Alt+Enter")
    block = "".join(f"资料{n}\t{n}\n" for n in range(500))
    spent = page.evaluate(
        f"text => {{ const t = performance.now(); ({PASTE})(text); return performance.now() - t; }}", block
    )
    assert len(numbers(page)) == 503
    assert spent < 1000
    expect(page.locator("[data-fine]")).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())


@pytest.mark.parametrize("address", ["/rules/", "/rules/customers.pool/", "/rules/customers.pool/edit/?version=1"])
def test_on_the_phone_it_fits_and_is_accessible(desk, address):
    page = desk("panyiming", "phone", bypass_csp=True).open(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
