"""The guide's pictures: every one is a page of the running demo that says what the guide says of it.

`NEIQIN_PICTURES=1 python -m pytest tests/journeys/test_guide.py` writes them anew.
"""

import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.journeys.conftest import Desk
from tests.journeys.preparing import fill_the_grid, first_approval, lay_the_original_beside, preview_orders, stay
from tests.journeys.test_first_day import PEOPLE, empty, old_list  # noqa: F401 - empty is a fixture

pytestmark = pytest.mark.browser
GUIDE = Path(__file__).resolve().parents[2] / "docs/guide"
WRITE = "NEIQIN_PICTURES" in os.environ


def type_a_line(page: Any) -> None:
    page.fill("[data-quick] input[name=t]", "跟进 fcd 报价单收到了 下周一")
    page.wait_for_selector("#ql .tag")


def first_row(page: Any) -> None:
    page.goto(page.url + page.locator("tbody tr").nth(1).get_attribute("data-url").removeprefix("/customers/customer/"))


def follow_first(page: Any) -> None:
    first_row(page)
    page.get_by_role("link", name="记跟进").click()
    page.wait_for_selector("dialog[open]")


def preview_an_import(page: Any) -> None:
    page.set_input_files("input[type=file]", {"name": "客户一览.xlsx", "mimeType": "", "buffer": old_list("周启明")})
    page.get_by_role("button", name=re.compile("上传|检查")).first.click()
    page.wait_for_selector("[data-state=ready]", timeout=20_000)


@dataclass(frozen=True)
class Picture:
    """login, address and what is done there before the picture is taken; words: what must be on it."""

    login: str
    address: str
    words: tuple[str, ...]
    do: Callable[[Any], None] = stay
    size: str = "desk"


PICTURES = {
    "home": Picture("zhouqiming", "/", ("待我处理", "该跟进", "没有下一步的客户"), type_a_line),
    "customers": Picture("linzhixia", "/customers/customer/", ("客户名称", "下次跟进")),
    "customer": Picture("lujianguo", "/customers/customer/", ("联系人", "开票信息", "曾用名", "动态"), first_row),
    "form": Picture("linzhixia", "/customers/customer/new/", ("统一社会信用代码", "加联系人")),
    "follow-phone": Picture("zhouqiming", "/customers/customer/", ("下周一", "内容"), follow_first, "phone"),
    "pool": Picture("lujianguo", "/customers/pooled/", ("公海", "进公海")),
    "grid": Picture("linzhixia", "/orders/order/new/", ("价税合计", "对照原件", "标准价"), fill_the_grid),
    "original": Picture("linzhixia", "/orders/order/new/", ("价税合计", "适合宽度"), lay_the_original_beside),
    "order-import": Picture(
        "linzhixia", "/imports/?kind=orders.order", ("新增", "有错", "没有这个产品"), preview_orders
    ),
    "daily": Picture("lujianguo", "/orders/daily/", ("收单按业务员", "审核", "发货")),
    "approve-phone": Picture("lujianguo", "/approvals/", ("同意", "驳回"), first_approval, "phone"),
    "import": Picture("lujianguo", "/imports/?kind=customers.customer", ("新增", "有错", "每页"), preview_an_import),
}
OF_THE_FIRST_DAY = {"opening", "start", "people"}


def keep(page: Any, name: str) -> None:
    """Take the picture; it is written only when asked for."""
    page.wait_for_timeout(300)
    body = page.screenshot()
    assert len(body) > 10_000
    if WRITE:
        image = Image.open(io.BytesIO(body)).convert("RGB").quantize(64)
        image.save(GUIDE / f"pictures/{name}.png", optimize=True)


def test_the_guide_shows_exactly_these_pictures_and_they_are_there():
    named = set(re.findall(r"\(pictures/([\w-]+)\.png\)", (GUIDE / "README.md").read_text()))
    assert named == PICTURES.keys() | OF_THE_FIRST_DAY
    assert {p.stem for p in (GUIDE / "pictures").iterdir()} == named


def test_every_chapter_named_on_top_is_there():
    text = (GUIDE / "README.md").read_text()
    headings = {re.sub(r"[.、：，]", "", h).strip().replace(" ", "-") for h in re.findall(r"^## (.+)$", text, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_page_says_what_the_guide_says_of_it(desk, name):
    picture = PICTURES[name]
    opened = desk(picture.login, picture.size)
    page = opened.open(picture.address)
    picture.do(page)
    text = page.locator("body").inner_text()
    assert [w for w in picture.words if w not in text] == []
    keep(page, name)


def test_the_pages_of_the_first_day(chromium, empty):  # noqa: F811
    server, code = empty
    desk = Desk(chromium, server.url, "")
    page = desk.page
    page.goto(f"{server.url}/start/?code={code}")
    for name, value in (("company", "瑞拓传动"), ("name", "王敏"), ("username", "wangmin")):
        page.fill(f"[name={name}]", value)
    keep(page, "opening")
    for name in ("password", "again"):
        page.fill(f"[name={name}]", "Ruituo@2026x")
    page.get_by_role("button", name="开张").click()
    page.wait_for_url("**/company/start/")
    keep(page, "start")
    page.goto(f"{server.url}/company/start/people/")
    page.fill("#f-text", PEOPLE)
    page.get_by_role("button", name="看看对不对").click()
    page.get_by_role("button", name="让这 2 人进来").wait_for()
    keep(page, "people")
    desk.close()
