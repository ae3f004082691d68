"""Every page of the product in a browser: no axe violation, no console error, nothing wider than its screen."""

import pytest

from tests.web.test_browser import AXE, RULES

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api")

RECORD = "{record}"
PAGES = {
    "fangjingyi": ["/", "/customers/customer/", RECORD, f"{RECORD}edit/", "/customers/customer/new/", "/people/person/",
                   "/people/unit/", "/people/position/", "/customers/customer/?q=没有这家"],
    "panyiming": ["/", "/people/person/", "/people/person/new/", "/people/role/"],
}  # fmt: skip


def addresses(desk, page):
    """The addresses of a login, plus whatever its menu leads to."""
    found = list(PAGES[desk.login])
    menu = page.evaluate("[...document.querySelectorAll('.side nav a')].map(a => new URL(a.href).pathname)")
    return list(dict.fromkeys(found + menu))


@pytest.mark.parametrize("login", sorted(PAGES))
@pytest.mark.parametrize(
    ("size", "theme"), [("desk", "light"), ("desk", "dark"), ("small", "light"), ("phone", "light")]
)
def test_no_page_has_an_axe_violation_a_console_error_or_overflows(desk, login, size, theme):
    window = desk(login, size, theme=theme, bypass_csp=True)
    window.login = login
    window.expected.append("404")
    page = window.page
    record = ""
    if login == "fangjingyi":
        record = window.open("/customers/customer/").locator("tbody tr").nth(3).get_attribute("data-url")
    problems = {}
    for address in addresses(window, page):
        window.open(address.replace(RECORD, record))
        page.add_script_tag(path=str(AXE))
        result = page.evaluate(
            "rules => axe.run({runOnly: {type: 'tag', values: rules}}).then(r => r.violations.map("
            "v => v.id + ' ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(' | ')))",
            RULES,
        )
        width = page.viewport_size["width"]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            result.append("wider than the screen")
        if result:
            problems[address] = result
    assert problems == {}
