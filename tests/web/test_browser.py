"""In Chromium, under the real policy: accessibility, keys, forms. Nothing here needs the database."""

import json
import re
import threading
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from tests.fixtures import path_of_chromium
from tests.web import preview, samples
from tests.web.axe import shortened, violations

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=20_000)  # for slow machines, here and in all journeys
CHROMIUM = path_of_chromium()
LEAN = [
    "--no-sandbox", "--disable-gpu", "--disable-gpu-rasterization", "--disable-background-networking",
    "--disable-extensions", "--disable-component-extensions-with-background-pages",
]  # fmt: skip
ROWS_IN_SIGHT = """() => {
  const box = document.querySelector('.tw'), head = box.querySelector('thead').getBoundingClientRect().bottom;
  const foot = box.querySelector('tfoot').getBoundingClientRect().top;
  const rows = [...box.querySelectorAll('tbody tr')].map(row => row.getBoundingClientRect());
  return rows.filter(row => row.top >= head - 1 && row.bottom <= foot + 1).length;
}"""


class Quiet(WSGIRequestHandler):
    """A handler that does not print."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="module")
def address():
    """The samples, served."""
    with make_server("127.0.0.1", 0, preview.application, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests of this file."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=LEAN)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A desk that must stay free of script errors and of reports about the policy."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", reduced_motion="reduce")
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


def test_axe_finds_nothing(chromium, address):
    """On a desk, light with all rules and dark for its colours; on a phone all rules once more."""
    context = chromium.new_context(bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    found = {}
    for name in samples.pages():
        if name == "why":
            continue
        page.set_viewport_size({"width": 1440, "height": 844})
        page.goto(f"{address}/{name}?theme=light")
        found[name, "desk"] = violations(shortened(page))
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        found[name, "dark"] = violations(page, looks_for="colours")
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        page.set_viewport_size({"width": 390, "height": 844})
        found[name, "phone"] = violations(page)
    context.close()
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.parametrize("size", [(1366, 640), (1280, 590)])
def test_a_small_desk_shows_fourteen_rows(page, address, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/list?density=compact")
    assert page.evaluate(ROWS_IN_SIGHT) >= 14


@pytest.mark.parametrize("name", ["list", "record", "form", "home", "action", "login"])
def test_nothing_is_wider_than_a_phone(page, address, name):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/{name}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_keys_move_select_and_open_the_action(page, address):
    asked = []
    dialog = preview.page("action", {}).split('<div class="pad act-page">')[1].split("</div></div>\n</main>")[0]
    page.route("**/do/assign/**", lambda route: (asked.append(route.request.url), route.fulfill(body=dialog)))
    page.goto(f"{address}/list")
    for key in ("j", "j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    assert page.inner_text("[data-n]") == "3"
    page.keyboard.press("a")
    page.wait_for_selector("#dialog[open]")
    assert asked[0].endswith("?id=1099&id=1098&id=1097")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.is_hidden(".bulk")
    page.keyboard.press("?")
    assert page.is_visible("#keys")


def test_letters_are_letters_while_typing_or_composing(page, address):
    page.route(re.compile(r"[?&]q="), lambda route: route.fulfill(status=204))  # the search that typing sets off
    page.goto(f"{address}/list")
    page.keyboard.press("/")
    page.keyboard.type("jx")
    assert page.input_value("#q") == "jx"
    assert page.locator("tr.cur").count() == 0
    page.locator("#q").blur()
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', isComposing: true, bubbles: true}))"
    )
    assert page.locator("tr.cur").count() == 0


def test_only_what_was_changed_is_posted(page, address):
    posted = []
    page.route("**/88/edit/", lambda route: (posted.append(route.request.post_data), route.fulfill(body="")))
    page.goto(f"{address}/form-edit")
    page.fill("[name=address]", "新地址")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "email"
    page.click("[data-line-add]")
    page.keyboard.type("新人")
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(300)
    sent = dict(parse_qsl(posted[0], keep_blank_values=True))
    sent.pop("csrfmiddlewaretoken")
    assert sent == {
        "version": "7",
        "request_key": "0193-abc",
        "partial": "1",
        "address": "新地址",
        "contacts-2-id": "",
        "contacts-2-delete": "",
        "contacts-2-name": "新人",
        "contacts-2-role": "",
        "contacts-2-mobile": "",
        "contacts-2-main": "",
    }


def test_enter_that_ends_a_pinyin_word_does_not_move_or_submit(page, address):
    page.goto(f"{address}/form-edit")
    page.focus("[name=address]")
    composing = "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true})"
    page.evaluate(f"document.activeElement.dispatchEvent({composing})")
    assert page.evaluate("document.activeElement.name") == "address"


def test_a_draft_is_saved_by_key(page, address):
    saved = []
    page.route("**/88/draft/", lambda route: (saved.append(route.request.headers), route.fulfill(status=204)))
    page.goto(f"{address}/form-edit")
    page.fill("[name=address]", "新地址")
    page.keyboard.press("Control+s")
    page.wait_for_selector("[data-toast]")
    assert len(saved) == 1
    assert saved[0]["x-csrftoken"]
    assert "已存" in page.inner_text("[data-draft-status]")


def test_a_picker_asks_the_server_and_keeps_the_id(page, address):
    asked = []
    items = [{"id": 1, "label": "林知夏", "meta": "华东区"}, {"id": 3, "label": "何雨桐", "meta": "华东区"}]
    answer = json.dumps({"items": items})
    page.route("**/pick/person/**", lambda route: (asked.append(route.request.url), route.fulfill(body=answer)))
    page.goto(f"{address}/form-edit")
    page.fill("#f-owner", "h")
    page.wait_for_selector(".pick")
    assert asked[-1].endswith("?q=h")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#f-owner") == "何雨桐"
    assert page.input_value("input[name=owner]") == "3"
    page.fill("#f-owner", "没有这个人")
    page.focus("[name=address]")
    assert page.input_value("input[name=owner]") == ""
    assert page.get_attribute("#f-owner", "aria-invalid") == "true"
