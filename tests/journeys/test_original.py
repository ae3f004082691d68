"""The original beside the grid in a real browser: pasted or chosen, looked at while typing, on the order afterwards."""

import io
import json
import re

import pytest
from PIL import Image, ImageDraw

from neiqin import demo
from tests.files.test_attachments import pdf

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


GOODS = json.loads((demo.HERE / "catalog.json").read_text())["products"][0][0]


def photo(width=900, height=1600):
    """A long paper with lines on it."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for y in range(40, height, 60):
        draw.line((40, y, width - 40, y), fill="black", width=3)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def begin(opened):
    page = opened.open("/orders/order/new/")
    page.locator("[data-picker] input[type=text]").first.press_sequentially("澄江")
    page.locator(".pick [role=option]").first.click()
    return page


def paste(page, body, text=""):
    """What Ctrl V gives a page after a screenshot, or after cells copied in a spreadsheet (with their text)."""
    page.evaluate(
        "([bytes, text]) => { const clipboardData = new DataTransfer();"
        " clipboardData.items.add(new File([new Uint8Array(bytes)], 'image.png', {type: 'image/png'}));"
        " if (text) clipboardData.setData('text/plain', text);"
        " const given = {clipboardData, bubbles: true, cancelable: true};"
        " document.activeElement.dispatchEvent(new ClipboardEvent('paste', given)); }",
        [list(body), text],
    )


def line(page, quantity="2", price="150"):
    page.locator("#f-lines-0-product").fill(GOODS)
    page.locator("#f-lines-0-quantity").focus()
    expect(page.locator("[name=lines-0-product]")).not_to_have_value("")
    page.locator("#f-lines-0-quantity").fill(quantity)
    page.locator("#f-lines-0-price").fill(price)


def test_a_pasted_screenshot_stands_beside_the_lines_is_zoomed_and_moved_and_hangs_on_the_order(desk):
    opened = desk("linzhixia")
    page = begin(opened)
    panel, stage, image = (page.locator(s) for s in ("[data-orig]", "[data-orig-stage]", "[data-orig-img]"))
    expect(panel).to_be_hidden()
    page.locator("#f-lines-0-quantity").focus()
    paste(page, photo())
    expect(image).to_be_visible()
    left, right = panel.bounding_box(), page.locator("[data-lines-table]").bounding_box()
    assert left["x"] + left["width"] <= right["x"], "beside each other"
    assert abs(left["y"] - right["y"]) < 40
    expect(page.locator("#f-lines-0-quantity")).to_be_focused()

    # while the cursor is in a cell
    width = image.bounding_box()["width"]
    page.keyboard.press("Alt+=")
    assert image.bounding_box()["width"] == pytest.approx(width * 1.25, abs=2)
    top = stage.evaluate("e => e.scrollTop")
    page.keyboard.press("Alt+PageDown")
    assert stage.evaluate("e => e.scrollTop") > top
    # by mouse
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    before = stage.evaluate("e => [e.scrollLeft, e.scrollTop]")
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 140, steps=4)
    page.mouse.up()
    after = stage.evaluate("e => [e.scrollLeft, e.scrollTop]")
    assert (after[0] > before[0], after[1] > before[1]) == (True, True)
    width = image.bounding_box()["width"]
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(image).to_have_css("width", re.compile(rf"^{int(width * 1.25) // 10}"))
    # on the picture itself
    stage.focus()
    page.keyboard.press("0")
    assert image.bounding_box()["width"] == pytest.approx(stage.evaluate("e => e.clientWidth"), abs=2)

    line(page)
    page.locator("#f-lines-0-quantity").focus()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    page.locator("#tab-files").click()
    expect(page.locator("#files")).to_contain_text(re.compile(r"截图 \d{6}\.png"))
    expect(page.locator("#files")).to_contain_text("原件")
    # and stands beside the lines again when they are changed
    page.goto(f"{page.url}edit/")
    page.locator("[data-orig-open]").click()
    expect(image).to_be_visible()
    expect(page.locator("[data-orig-drop]")).to_be_hidden()


def test_a_pdf_is_leafed_through_survives_a_refused_form_and_another_one_is_taken_away(desk):
    opened = desk("linzhixia")
    opened.expected.append("422")  # the form that is refused
    page = begin(opened)
    page.set_input_files("[data-orig-add]", [
        {"name": "采购单.pdf", "mimeType": "application/pdf", "buffer": pdf(pages=3)},
        {"name": "看错的.png", "mimeType": "image/png", "buffer": photo()},
    ])  # fmt: skip
    image, which = page.locator("[data-orig-img]"), page.locator("[data-orig-which]")
    expect(image).to_have_attribute("alt", "看错的.png，第 1 页")
    page.locator("[data-orig-drop]").click()
    expect(image).to_have_attribute("alt", "采购单.pdf，第 1 页")
    expect(page.locator("[data-orig-at]")).to_have_text("1 / 3")
    page.locator("[data-orig-page='1']").click()
    expect(image).to_have_attribute("alt", "采购单.pdf，第 2 页")
    page.locator("#f-lines-0-product").fill("法兰")
    page.locator("#f-lines-0-quantity").fill("两个")
    page.locator("#f-lines-0-quantity").press("Control+Enter")
    page.wait_for_selector(".errs")
    expect(which.locator("option")).to_have_text(["采购单.pdf"])
    expect(image).to_be_visible()
    line(page)
    page.locator("#f-lines-0-price").press("Control+Enter")
    page.wait_for_url(re.compile(r"/orders/order/\d+/$"))
    page.locator("#tab-files").click()
    expect(page.locator("#files .f-l > li")).to_have_count(1)
    expect(page.locator("#files")).to_contain_text("采购单.pdf")


def test_cells_from_excel_are_pasted_as_cells_although_they_bring_a_picture_along(desk):
    page = begin(desk("linzhixia"))
    page.locator("#f-lines-0-product").click()
    paste(page, photo(90, 90), "法兰\t3\n油封\t4\n")
    expect(page.locator("[data-lines-n]")).to_have_text("2 行")
    expect(page.locator("[data-orig]")).to_be_hidden()


def test_on_the_phone_it_folds_away_above_the_lines(desk):
    opened = desk("linzhixia", "phone")
    page = begin(opened)
    page.locator("[data-orig-open]").click()
    page.set_input_files("[data-orig-add]", {"name": "单子.png", "mimeType": "image/png", "buffer": photo()})
    expect(page.locator("[data-orig-img]")).to_be_visible()
    panel, lines = (page.locator(s).bounding_box() for s in ("[data-orig]", "[data-lines-table]"))
    assert panel["y"] + panel["height"] <= lines["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("[data-orig-open]").click()
    expect(page.locator("[data-orig]")).to_be_hidden()
