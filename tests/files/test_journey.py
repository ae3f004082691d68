"""Files in a real browser: dropped, pasted, looked at with the arrow keys, in a new version, on the phone."""

import base64
import io

import pytest
from PIL import Image

from tests.journeys.conftest import desk, office  # noqa: F401 - the demo company and its desks
from tests.web.axe import violations
from tests.web.test_browser import chromium  # noqa: F401 - the one browser fixture

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
GIVE = """([kind, name, media, body]) => {
  const bytes = Uint8Array.from(atob(body), c => c.charCodeAt(0)), data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: media }));
  const on = kind === 'paste' ? document.body : document.querySelector('#files .drop');
  const rest = { bubbles: true, cancelable: true };
  on.dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, ...rest })
    : new DragEvent('drop', { dataTransfer: data, ...rest }));
}"""


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(out, "PNG")
    return out.getvalue()


def give(page, kind, name, media, body):
    page.evaluate(GIVE, [kind, name, media, base64.b64encode(body).decode()])


def open_record(someone):
    page = someone.open("/customers/customer/?sort=pinyin")
    page.locator("tbody tr a").first.click()
    page.wait_for_selector("#tab-files")
    page.wait_for_load_state("load")  # its scripts listen from then on
    return page


def test_files_are_dropped_pasted_looked_at_and_renewed(desk, office):  # noqa: F811
    clerk = desk("linzhixia")
    clerk.expected.append("422")
    page = open_record(clerk)
    give(page, "paste", "image.png", "image/png", picture("navy"))  # no field has the focus
    files = page.locator("#files .f-l > li")
    expect(files).to_have_count(1)
    expect(files.first).to_contain_text("截图 ")
    give(page, "drop", "合同.txt", "text/plain", "合同".encode())
    expect(files).to_have_count(2)
    expect(page.locator("#tab-files .n")).to_have_text("2")
    expect(page.locator("#toasts")).to_contain_text("已上传 1 个文件")
    give(page, "drop", "a.exe", "application/x-msdownload", b"MZ")
    expect(page.locator("[data-going]")).to_contain_text("「a.exe」是程序或脚本，不收")
    page.set_input_files("#files input[data-add][multiple]", [
        {"name": "a.png", "mimeType": "image/png", "buffer": picture("red")},
        {"name": "b.png", "mimeType": "image/png", "buffer": picture("green")},
    ])  # fmt: skip
    expect(files).to_have_count(4)
    page.get_by_role("button", name="a.png", exact=True).click()
    dialog = page.locator("#dialog[open]")
    expect(dialog.locator("h2")).to_have_text("a.png")
    page.wait_for_function("() => document.querySelector('.pv img')?.naturalWidth > 0")
    page.keyboard.press("ArrowLeft")  # the newest file stands first
    expect(dialog.locator("h2")).to_have_text("b.png")
    page.keyboard.press("Escape")
    files.filter(has_text="合同.txt").locator("input[data-of]").set_input_files(
        {"name": "合同.txt", "mimeType": "text/plain", "buffer": b"second"}
    )
    expect(files.filter(has_text="合同.txt").first).to_contain_text("旧版 1 个")
    expect(files).to_have_count(4)
    files.filter(has_text="b.png").get_by_role("button", name="归档").click()
    dialog.get_by_role("button", name="归档 1 个附件").click()
    expect(dialog).to_contain_text("内容和校验码一致")
    dialog.get_by_role("button", name="知道了").click()
    page.wait_for_load_state()
    expect(page.locator("#timeline")).to_contain_text("归档附件 b.png")
    page.click("#tab-files")
    page.get_by_role("button", name="删除 a.png").click()
    expect(files).to_have_count(3)
    page.locator(".f-x summary").click()
    page.get_by_role("button", name="恢复").click()
    expect(files).to_have_count(4)


def test_on_the_phone_a_photo_is_taken_and_looked_at(desk, office):  # noqa: F811
    clerk = desk("linzhixia", "phone")
    page = open_record(clerk)
    page.click("#tab-files")
    camera = page.locator("#files input[capture]")
    assert camera.get_attribute("accept") == "image/*"
    before = page.locator("#files .f-l > li").count()
    camera.set_input_files({"name": "照片.png", "mimeType": "image/png", "buffer": picture("teal")})
    expect(page.locator("#files .f-l > li")).to_have_count(before + 1)
    page.get_by_role("button", name="照片.png", exact=True).click()
    page.wait_for_function("() => document.querySelector('.pv img')?.naturalWidth > 0")
    box = page.locator(".pv img").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


@pytest.mark.parametrize(("size", "theme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")])
def test_files_and_dialogs_have_no_axe_violation_and_fit(desk, office, size, theme):  # noqa: F811
    page = open_record(desk("linzhixia", size, theme=theme, bypass_csp=True))
    page.click("#tab-files")
    files = page.locator("#files .f-l > li")
    for name in ("一份名字很长很长很长很长很长很长很长很长很长很长很长很长的合同.png", f"{size}{theme}.png"):
        before = files.count()
        page.set_input_files("#files input[data-add][multiple]", [
            {"name": name, "mimeType": "image/png", "buffer": picture((before, 80, len(size + theme)))}])  # fmt: skip
        expect(files).to_have_count(before + 1)
    found = {"panel": complaints(page)}
    dialog = page.locator("#dialog[open]")
    for button in ("归档", None):
        (files.first.get_by_role("button", name=button) if button else files.first.locator(".f-n button")).click()
        expect(dialog).to_be_visible()
        page.wait_for_timeout(400)  # the dialog fades in, which axe takes for poor contrast
        found[button or "preview"] = complaints(page)
        page.keyboard.press("Escape")
    assert {k: v for k, v in found.items() if v} == {}


def complaints(page):
    wide = page.evaluate("document.documentElement.scrollWidth") > page.viewport_size["width"]
    return [*violations(page), *(["wider than the screen"] if wide else [])]
