"""The first day of a company, in a browser, from an empty installation to its own customers from its own table."""

import io
import re

import pytest
import xlsxwriter

from tests.journeys.conftest import Desk

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
PEOPLE = "姓名\t部门\t岗位\t协助\n周强\t销售部/华东组\t业务员\t\n李娜\t内勤部\t内勤\t周强\n"


@pytest.fixture
def empty(start_server, tmp_path):
    """A server on an empty database, and its start code."""
    server = start_server(worker=True, jobs=True)
    with server.django():
        from neiqin.modules.company import opening

        opening.prepare_code()
        from django.conf import settings

        yield server, settings.START_CODE.read_text()
        settings.START_CODE.unlink(missing_ok=True)


def old_list(owner: str = "周强") -> bytes:
    """What the company kept its customers in: a title above, a column of its own, numbers of its own making."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("客户")
        sheet.write(0, 0, "瑞拓传动客户一览（2026年11月）")
        sheet.write_row(1, 0, ["客户名称", "联系人", "手机", "地址", "业务员", "年销量"])
        for n in range(1, 41):
            sheet.write_row(
                1 + n, 0, [f"苏州第{n:02}精密机械有限公司", f"陈工{n}", f"138001380{n:02}", "苏州市园区", owner, n]
            )
    return out.getvalue()


def test_from_an_empty_machine_to_ones_own_customers(chromium, empty):
    server, code = empty
    desk = Desk(chromium, server.url, "")
    page = desk.page
    expect(page.locator("form")).to_contain_text("还没有账号")
    page.goto(f"{server.url}/start/?code={code}")
    for name, value in (("company", "瑞拓传动"), ("name", "王敏"), ("username", "wangmin")):
        page.fill(f"[name={name}]", value)
    for name in ("password", "again"):
        page.fill(f"[name={name}]", "Ruituo@2026x")
    page.get_by_role("button", name="开张").click()
    page.wait_for_url("**/company/start/")

    page.get_by_role("link", name="新建我方主体").click()
    page.fill("#f-name", "苏州瑞拓传动设备有限公司")
    page.fill("#f-uscc", "91320594MA1AB2CD3G")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/company/entity/\d+/$"))

    page.goto(f"{server.url}/company/start/people/")
    page.fill("#f-text", PEOPLE)
    page.get_by_role("button", name="看看对不对").click()
    page.get_by_role("button", name="让这 2 人进来").click()
    expect(page.locator("main")).to_contain_text("2 人进了系统")
    password = page.locator("tbody tr").nth(1).locator("code").nth(1).inner_text()

    page.goto(f"{server.url}/company/start/numbers/")
    page.fill('[name="customers.customer"]', "KH000532")
    page.get_by_role("button", name="接着排").click()
    page.wait_for_url("**/company/start/")
    for left in (3, 2, 1):
        page.get_by_role("button", name="先跳过").first.click()
        expect(page.locator("main")).to_contain_text(f"还差 {left} 步")

    page.get_by_role("link", name="导入客户").click()
    page.set_input_files("input[type=file]", {"name": "客户一览.xlsx", "mimeType": "", "buffer": old_list()})
    page.get_by_role("button", name=re.compile("上传|检查")).first.click()
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    expect(page.locator("[data-state=ready]")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name=re.compile("导入 40")).click()
    expect(page.locator("main")).to_contain_text("导入完成", timeout=20_000)
    page.goto(f"{server.url}/company/start/")
    expect(page.locator("main")).to_contain_text("可以开工了")
    expect(page.locator("main")).to_contain_text("客户 40 家")
    desk.close()

    clerk = Desk(chromium, server.url, "")
    page = clerk.page
    page.fill("input[name=login]", "lina")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url("**/account/password/")
    page.fill("[name=oldpassword]", password)
    for name in ("password1", "password2"):
        page.fill(f"[name={name}]", "Chuang!ye2026")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/customers/customer/")
    expect(page.locator("tbody tr").first).to_contain_text("精密机械有限公司")
    expect(page.locator("main")).to_contain_text("40")
    clerk.close()
