"""Every page of the product in a browser: no axe violation, no console error, nothing wider than its screen."""

import pytest

from tests.journeys.conftest import SIZES
from tests.web.axe import shortened, violations

pytestmark = pytest.mark.browser
pytest.importorskip("playwright.sync_api")

RECORD = "{record}"
PAGES = {
    "fangjingyi": ["/", "/customers/customer/", RECORD, f"{RECORD}edit/", "/customers/customer/new/", "/people/person/",
                   "/people/unit/", "/people/position/", "/customers/customer/?q=没有这家"],
    "panyiming": ["/", "/people/person/", "/people/person/new/", "/people/role/"],
}  # fmt: skip


def menu(page):
    """The addresses that the menu leads to."""
    return page.evaluate("[...document.querySelectorAll('.side nav a')].map(a => new URL(a.href).pathname)")


def too_wide(page):
    width = page.viewport_size["width"]
    return ["wider than the screen"] if page.evaluate("document.documentElement.scrollWidth") > width else []


def look_at(page, within):
    """As a desk, light with all rules and dark for its colours; the small screen for its width; as a phone all that is
    no colour: what only phones have shows its colours among the samples."""
    found = {"desk": too_wide(page)}
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["small"], strict=True)))
    found["small"] = too_wide(page)
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["phone"], strict=True)))
    found["phone"] = too_wide(page) + violations(shortened(page), within, looks_for="shapes")
    page.set_viewport_size(dict(zip(("width", "height"), SIZES["desk"], strict=True)))
    found["desk"] += violations(page, within)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found["dark"] = violations(page, within, looks_for="colours")
    return {kind: what for kind, what in found.items() if what}


def test_no_page_has_an_axe_violation_a_console_error_or_overflows(desk):
    problems, seen = {}, set()
    for login, own in PAGES.items():
        window = desk(login, bypass_csp=True)
        window.expected.append("404")
        if RECORD in own:
            record = window.open("/customers/customer/").locator("tbody tr").nth(3).get_attribute("data-url")
        for address in own + [a for a in menu(window.page) if a not in own and a not in seen]:
            seen.add(address)
            window.open(address.replace(RECORD, record))
            # What stands around it is the same on all: it is looked at with a page of each kind.
            if found := look_at(window.page, "html" if address in own else "main"):
                problems[login, address] = found
    assert problems == {}
    assert len(seen) > 40


def test_on_a_phone_with_touch_nothing_is_wider_than_the_screen(desk):
    window = desk("fangjingyi", "phone")
    addresses = menu(window.page)
    wide = [a for a in addresses if too_wide(window.open(a))]
    assert (wide, len(addresses) > 30) == ([], True)
