"""A clerk brings a table of customers in, mends it on the way, takes it back; and takes a list out."""

import io

import pytest
import xlsxwriter

from tests.web.axe import violations

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

HEADERS = ("客户名称", "联系人", "手机", "信用额度", "开发日期")


def workbook(prefix, wrong=(3,)):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("客户")
        sheet.write_row(0, 0, HEADERS)
        for n in range(1, 13):
            mobile = "12800138000" if n in wrong else f"137{n:08}"
            name = f"{prefix}{'甲乙丙丁戊己庚辛壬癸子丑'[n - 1]}工业设备有限公司"
            sheet.write_row(n, 0, (name, f"王{n}", mobile, f"{n}000", "2026-11-01"))
    return {"name": f"{prefix}.xlsx", "mimeType": "application/octet-stream", "buffer": out.getvalue()}


def test_from_file_to_customers_and_back(desk):
    clerk = desk("linzhixia", bypass_csp=True)
    page = clerk.open("/customers/customer/")
    page.get_by_role("link", name="导入").first.click()
    page.wait_for_url("**/imports/**")
    page.set_input_files("input[type=file]", workbook("嘉兴南湖"))
    page.wait_for_selector(".maps", timeout=20_000)
    expect(page.locator(".wz-h h2")).to_contain_text("5 列，核对一下再继续")
    assert violations(page) == []
    page.get_by_role("button", name="检查这个表格").click()
    page.wait_for_selector("table.prev", timeout=20_000)
    expect(page.locator("tr.said")).to_contain_text("手机号不会以 12 开头")
    assert violations(page) == []
    page.locator("td[data-lv=bad] input").fill("13700000003")
    page.keyboard.press("Tab")
    expect(page.locator("#go")).to_contain_text("导入 12 家")
    page.locator("#go button").click()
    page.wait_for_selector(".done-h", timeout=20_000)
    expect(page.locator(".done-h h2")).to_have_text("导入完成，12 家进了系统")
    assert violations(page) == []
    page.get_by_role("link", name="看客户").click()
    page.wait_for_url("**/customers/customer/")
    page.keyboard.press("/")
    page.keyboard.type("jxnh")
    expect(page.locator("tbody tr")).to_have_count(12)
    page.goto(f"{clerk.url}/imports/")
    page.get_by_role("link", name="嘉兴南湖.xlsx").click()
    page.get_by_role("button", name="撤销这次导入").click()
    page.wait_for_selector("text=已经撤销，12 家退回原样", timeout=20_000)


def test_a_pasted_table_goes_the_same_way(desk):
    clerk = desk("linzhixia")
    page = clerk.open("/imports/")
    page.fill("textarea", "客户名称\t联系人\t手机\n绍兴上虞泵阀有限公司\t钱工\t13700000099\n")
    page.get_by_role("button", name="读这个表格").click()
    page.wait_for_selector(".maps, #go button", timeout=20_000)
    if page.locator(".maps").count():  # nearly the headers of another file that is remembered: then it asks
        page.get_by_role("button", name="检查这个表格").click()
    page.wait_for_selector("#go button", timeout=20_000)
    expect(page.locator("#go")).to_contain_text("导入 1 家")
    page.get_by_role("button", name="不导了").click()
    page.wait_for_url("**/imports/?kind=*")
    expect(page.locator("#toasts")).to_contain_text("什么也没有写入")


def test_a_list_goes_out(desk):
    clerk = desk("linzhixia")
    page = clerk.open("/customers/customer/?sort=number")
    page.get_by_role("link", name="导出").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("文本表格（csv）").click()
    dialog.get_by_label("用途").fill("核对")
    dialog.get_by_role("button", name="导出").click()
    page.wait_for_url("**/exports/")
    link = page.get_by_role("link", name="下载 csv")
    link.wait_for(timeout=20_000)
    with page.expect_download() as download:
        link.click()
    with open(download.value.path(), encoding="utf-8-sig") as file:
        lines = file.read().splitlines()
    assert lines[0].startswith("客户编号,客户名称")
    assert len(lines) > 50


def test_an_import_on_the_phone(desk):
    clerk = desk("linzhixia", "phone", bypass_csp=True)
    page = clerk.open("/imports/")
    page.set_input_files("input[type=file]", workbook("湖州德清", wrong=()))
    page.wait_for_selector(".maps, table.prev", timeout=20_000)
    if page.locator(".maps").count():
        page.get_by_role("button", name="检查这个表格").click()
        page.wait_for_selector("table.prev", timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []
    page.get_by_role("button", name="不导了").click()
    page.wait_for_url("**/imports/?kind=*")
