"""The demo company on a real server, looked at with a real browser."""

import os
import re

import pytest

from tests.web.test_browser import chromium  # noqa: F401 - the one browser fixture

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps an event loop in this thread
PASSWORD = "Hengchuan@2026"
SIZES = {"desk": (1440, 900), "small": (1366, 640), "phone": (390, 844)}


@pytest.fixture(scope="module")
def office(start_server, demo_company):
    """A server with the demo company."""
    return start_server(worker=True, jobs=True, database=demo_company)


class Desk:
    """A signed-in browser window. complaints: script errors and reports about the policy."""

    def __init__(self, browser, url, login, size="desk", *, theme="light", bypass_csp=False):
        width, height = SIZES[size]
        self.url = url
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", color_scheme=theme, bypass_csp=bypass_csp,
            has_touch=size == "phone", reduced_motion="reduce",  # fading takes a third of the browser's time
        )  # fmt: skip
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.complaints = []
        self.expected = []  # answers that the test provokes on purpose
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(f"{url}/login/")
        if login:
            self.page.fill("input[name=login]", login)
            self.page.fill("input[name=password]", PASSWORD)
            self.page.click("button[type=submit]")
            self.page.wait_for_url(re.compile(r"^https?://[^/]+/$"))

    def _hear(self, message):
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.complaints.append(message.text)

    def open(self, address):
        """Go to an address of the product."""
        self.page.goto(f"{self.url}{address}")
        return self.page

    def close(self):
        """Close; nothing may have gone wrong on the way."""
        self.context.close()
        assert self.complaints == []


@pytest.fixture
def desk(chromium, office):  # noqa: F811
    """A function that opens desks: desk("linzhixia", "phone") -> Desk."""
    opened = []

    def open_desk(login, size="desk", **options):
        made = Desk(chromium, office.url, login, size, **options)
        opened.append(made)
        return made

    yield open_desk
    for made in opened:
        made.close()
