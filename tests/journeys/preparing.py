"""What is done on a page before its picture is taken, for the guide and for docs/pictures. Knows no Django."""

import io
import json
import re
from pathlib import Path
from typing import Any

import xlsxwriter
from PIL import Image, ImageDraw

CATALOG = Path(__file__).resolve().parents[2] / "src/neiqin/demo/catalog.json"


def goods_of_the_demo() -> list[str]:
    """The codes of its products."""
    return [row[0] for row in json.loads(CATALOG.read_text())["products"]]


def stay(page: Any) -> None:
    """Nothing more to do."""


def pasted(page, cell, text):
    """Paste a block into a cell, as a spreadsheet gives it."""
    cell.click()
    page.evaluate(
        "([id, text]) => { const clipboardData = new DataTransfer(); clipboardData.setData('text/plain', text);"
        " const given = {clipboardData, bubbles: true, cancelable: true};"
        " document.getElementById(id).dispatchEvent(new ClipboardEvent('paste', given)); }",
        [cell.get_attribute("id"), text],
    )


def fill_the_grid(page: Any) -> None:
    """An order with a customer and lines as they come from a spreadsheet, checked while they stand there."""
    page.locator("[data-picker] input[type=text]").first.press_sequentially("澄江")
    page.locator(".pick [role=option]").first.click()
    goods = goods_of_the_demo()
    rows = [f"{code}\t{n * 4 % 11 + 2}" for n, code in enumerate(goods[:6])]
    pasted(page, page.locator("#f-lines-0-product"), "\n".join(rows))
    page.wait_for_selector("[data-checked] b")
    page.locator("#toasts").evaluate("e => e.replaceChildren()")


def lay_the_original_beside(page: Any) -> None:
    """A purchase order that the customer has photographed stands beside the lines."""
    fill_the_grid(page)
    page.set_input_files("[data-orig-add]", {"name": "采购单.png", "mimeType": "image/png", "buffer": paper()})
    page.wait_for_selector("[data-orig-img]:not([hidden])")
    page.locator("[data-lines]").evaluate("e => e.scrollIntoView()")


def paper() -> bytes:
    """A purchase order as a picture: ruled, with a stamp. Only figures: fonts of the machine need no Chinese."""
    image = Image.new("RGB", (1000, 1300), "#f4f1ea")
    draw = ImageDraw.Draw(image)
    goods = goods_of_the_demo()
    draw.text((380, 60), "PO 2026-1127", fill="#222", font_size=44)
    for n in range(12):
        y = 180 + n * 70
        draw.line((80, y, 920, y), fill="#888", width=2)
        if n < 6:
            draw.text((110, y + 16), f"{n + 1}    {goods[n]}", fill="#222", font_size=34)
            draw.text((760, y + 16), str(n * 4 % 11 + 2), fill="#222", font_size=34)
    draw.ellipse((640, 960, 880, 1200), outline="#c22", width=8)
    out = io.BytesIO()
    image.rotate(-1.2, fillcolor="#d8d4cc").save(out, "PNG")
    return out.getvalue()


def preview_orders(page: Any) -> None:
    """A file of another system, with a product that is not there and an amount that does not agree."""
    goods = goods_of_the_demo()
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("订单")
        rows: list[list[Any]] = [["客户订单号", "客户", "产品", "数量", "含税单价", "金额"]]
        for n in range(12):
            amount = 40 + n if n != 7 else 41
            code = goods[n] if n != 3 else "没有这个产品"
            rows.append([f"PO-{2601 + n // 3}", "澄江精密机械（昆山）有限公司", code, 2, 20 + n / 2, amount])
        for y, row in enumerate(rows):
            sheet.write_row(y, 0, row)
    page.set_input_files("input[type=file]", {"name": "十一月订单.xlsx", "mimeType": "", "buffer": out.getvalue()})
    page.wait_for_url(re.compile(r"/imports/\d+/"))
    page.wait_for_selector("[data-state=ready]", timeout=20_000)


def first_approval(page: Any) -> None:
    page.locator("tbody tr", has_text="低风险").first.locator("a").first.click()
    page.wait_for_url("**/approvals/request/**")
