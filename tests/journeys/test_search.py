"""The palette and the pickers under the hands of somebody who types fast."""

import re

import pytest

from neiqin.kernel.fields.formats import initials
from neiqin.modules.customers.models import Customer
from tests.web.axe import violations

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

FIELD, OPTION, CHOSEN = "#palette input", "#palette [role=option]", "#palette [aria-selected=true]"


def composed(page, selector, text, letters):
    """Typed with an input method: letters come as a composition, Enter ends it, then the text is there."""
    page.evaluate(
        """([selector, text, letters]) => {
            const el = document.querySelector(selector);
            const send = (type, init) => el.dispatchEvent(new type[0](type[1], {bubbles: true, ...init}));
            send([CompositionEvent, 'compositionstart']);
            for (const part of letters) {
                el.value += part;
                send([InputEvent, 'input'], {isComposing: true});
            }
            send([KeyboardEvent, 'keydown'], {key: 'Enter', isComposing: true, cancelable: true});
            el.value = text;
            send([CompositionEvent, 'compositionend'], {data: text});
            send([InputEvent, 'input'], {isComposing: false});
        }""",
        [selector, text, letters],
    )


def test_initials_and_enter_open_the_record(desk, office):
    with office.django():
        name = Customer.objects.filter(owner__name="周启明").order_by("pk")[3].name
    page = desk("zhouqiming").open("/customers/customer/")
    page.keyboard.press("Control+k")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type(initials(name))
    page.keyboard.press("Enter")  # before the answer is there: it is waited for
    page.wait_for_url(re.compile(r"/customers/customer/\d+/$"))
    expect(page.locator("h1")).to_have_text(name)


def test_the_palette_shows_recent_ones_groups_and_says_what_it_does_not_find(desk):
    window = desk("zhouqiming", bypass_csp=True)
    page = window.open("/customers/customer/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette .ls .gh").last).to_have_text("去哪、新建")
    page.keyboard.type("yxgs")
    expect(page.locator("#palette .gh").first).to_have_text("客户")
    page.keyboard.press("ArrowDown")
    second = page.locator(OPTION).nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    assert page.get_attribute(FIELD, "aria-activedescendant") == second.get_attribute("id")
    assert violations(page, "#palette") == []
    page.fill(FIELD, "髹髹")
    expect(page.locator("#pal-note")).to_contain_text("没有找到「髹髹」")
    assert violations(page, "#palette") == []
    page.fill(FIELD, "wdsz")
    expect(page.locator(OPTION)).to_have_text(["我的设置"])
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).not_to_be_visible()


def test_escape_gives_the_focus_back(desk):
    page = desk("zhouqiming").open("/customers/customer/")
    page.focus("#q")
    page.keyboard.press("Control+k")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_be_focused()


def test_an_enter_that_ends_a_composition_opens_nothing(desk):
    page = desk("zhouqiming").open("/customers/customer/")
    page.keyboard.press("Control+k")
    composed(page, FIELD, "精密", ["j", "i", "n", "g"])
    expect(page.locator("#palette .gh").first).to_have_text("客户")
    assert page.url.endswith("/customers/customer/")


def test_late_answers_are_dropped_and_failures_are_said(desk):
    window = desk("zhouqiming")
    window.expected += ["500", "ERR_FAILED", "net::"]
    page = window.open("/customers/customer/")
    held = []
    page.route(re.compile(r"/search/\?q=jm$"), lambda route: held.append(route))
    page.keyboard.press("Control+k")
    page.keyboard.type("jm")
    page.wait_for_timeout(300)
    page.fill(FIELD, "wdsz")
    expect(page.locator(OPTION)).to_have_text(["我的设置"])
    for route in held:
        route.fulfill(body="<a class='it' role='option' href='/'>late</a>")
    page.wait_for_timeout(100)
    expect(page.locator(OPTION)).to_have_text(["我的设置"])
    page.route(re.compile(r"/search/\?q=500$"), lambda route: route.fulfill(status=500, body="x"))
    page.fill(FIELD, "500")
    expect(page.locator("#pal-note")).to_contain_text("搜索出错")
    page.route(re.compile(r"/search/\?q=off$"), lambda route: route.abort())
    page.fill(FIELD, "off")
    expect(page.locator("#pal-note")).to_contain_text("网络不通")
    page.fill(FIELD, "长" * 100)
    window.expected.append("422")
    expect(page.locator("#pal-note")).to_contain_text("最多 60 个")


def test_a_phone_has_a_button_for_it(desk):
    page = desk("zhouqiming", "phone").open("/customers/customer/")
    page.click(".tabbar [data-open=palette]")
    page.locator(FIELD).fill("xjkh")
    page.locator(OPTION, has_text="新建客户").click()
    page.wait_for_url("**/customers/customer/new/")


def test_a_picker_keeps_the_first_letter_and_takes_no_enter_of_a_composition(desk):
    page = desk("fangjingyi").open("/customers/customer/new/")
    field = "[data-picker*=person] input[type=text]"
    page.click(field)
    composed(page, field, "周", ["z", "h", "o", "u"])
    expect(page.locator(".pick [role=option]").first).to_contain_text("周")
    assert page.input_value("[data-picker*=person] input[type=hidden]") == ""
    page.fill(field, "")
    page.keyboard.type("zqm")
    page.keyboard.press("Enter")
    expect(page.locator(field)).to_have_value("周启明")
    assert page.input_value("[data-picker*=person] input[type=hidden]") != ""
