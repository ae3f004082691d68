"""An order goes to the customer by WeChat: text and long picture into the clipboard, a picture kept, each told."""

import re
import struct

import pytest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
PLAIN = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


def opened(page):
    """The dialog, from the menu of the record's page."""
    page.get_by_role("button", name="操作").click()
    page.locator("#more").get_by_role("link", name="复制到微信").click()
    dialog = page.locator("#dialog[open]")
    expect(dialog.locator("[data-hand-text]")).to_be_visible()
    return dialog


def an_order(who):
    """Opens the newest order and gives its address."""
    page = who.open("/orders/order/")
    page.locator("tbody tr a").first.click()
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    return page


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n")


def lines(page):
    return [text for text in page.locator("#timeline li").all_inner_texts() if "复制到微信" in text]


def test_an_order_goes_into_a_chat_and_its_history_says_so(desk):
    clerk = desk("linzhixia")
    page = an_order(clerk)
    clerk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = opened(page)
    expect(dialog.get_by_role("link", name="订单确认书")).to_have_attribute("aria-current", "page")
    expect(dialog.locator("[data-hand-picture]")).to_have_js_property("complete", True)
    assert dialog.locator("[data-hand-picture]").evaluate("img => img.naturalWidth") == 225
    words = dialog.locator("[data-hand-text]").input_value()
    assert re.search(r"订单确认书 DD\d{8}-\d{4}\n客户：", words)
    dialog.get_by_label("发给谁").fill("王经理")
    dialog.get_by_role("button", name="复制文字").click()
    expect(dialog.get_by_role("status")).to_have_text("文字已复制，已记在动态里（给 王经理）。到微信里粘贴。")
    assert clipboard(page) == words

    dialog.get_by_role("button", name="复制图片").click()
    expect(dialog.get_by_role("status")).to_contain_text("图片已复制")
    assert page.evaluate("navigator.clipboard.read().then(items => items[0].types)") == ["image/png"]
    with page.expect_download() as kept:
        dialog.get_by_role("button", name="保存图片").click()
    assert re.fullmatch(r"订单确认书 DD\d{8}-\d{4}\.png", kept.value.suggested_filename)
    body = kept.value.path().read_bytes()
    assert (body[:4], struct.unpack(">I", body[16:20])[0]) == (b"\x89PNG", 750)
    expect(dialog.locator("[data-hand-picture]")).to_have_js_property("naturalWidth", 750)

    dialog.get_by_role("link", name="记录单").click()
    expect(dialog.get_by_role("link", name="记录单")).to_have_attribute("aria-current", "page")
    expect(dialog.get_by_label("发给谁")).to_have_value("王经理")
    dialog.locator("[data-hand-text]").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    expect(dialog.get_by_role("status")).to_contain_text("文字已复制")
    assert clipboard(page) == dialog.locator("[data-hand-text]").input_value()
    dialog.get_by_role("button", name="关闭", exact=True).last.click()
    expect(page.locator("#timeline")).to_contain_text("复制到微信：订单确认书（文字）给 王经理")
    said = [re.search(r"复制到微信：\S+( 王经理)?", text).group() for text in lines(page)]
    assert said == [
        f"复制到微信：{what}给 王经理"
        for what in ("记录单（文字）", "订单确认书（保存图片）", "订单确认书（图片）", "订单确认书（文字）")
    ]


def test_where_the_browser_gives_no_clipboard_there_is_another_way(desk):
    clerk = desk("linzhixia", "phone")
    clerk.context.add_init_script(PLAIN)
    page = an_order(clerk)
    before = len(lines(page))
    dialog = opened(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    dialog.get_by_role("button", name="复制文字").click()
    expect(dialog.get_by_role("status")).to_contain_text("文字已复制")
    dialog.get_by_role("button", name="复制图片").click()
    expect(dialog.get_by_role("status")).to_contain_text("这个浏览器不让网页复制图片：在上面的长图片上长按")
    expect(dialog.locator("[data-hand-picture]")).to_have_js_property("naturalWidth", 750)
    dialog.get_by_role("button", name="关闭", exact=True).last.click()
    expect(page.locator("#timeline li").filter(has_text="复制到微信")).to_have_count(before + 2)


def test_what_is_not_told_is_not_copied(desk):
    clerk = desk("linzhixia")
    clerk.expected = ["503"]
    page = an_order(clerk)
    clerk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('before')")
    dialog = opened(page)
    page.route("**/print/hand/", lambda route: route.fulfill(status=503, body=""))
    for press in (
        lambda: dialog.get_by_role("button", name="复制文字").click(),
        lambda: (dialog.locator("[data-hand-text]").select_text(), page.keyboard.press("Control+c")),
    ):
        press()
        expect(dialog.get_by_role("alert")).to_have_text("没有复制。刷新这一页再试。")
        assert clipboard(page) == "before"
