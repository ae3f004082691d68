"""Getting in with a second factor, in a browser."""

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest

from tests.journeys.conftest import PASSWORD

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


def code(secret, steps=0):
    """The six digits an authenticator shows (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), counter, hashlib.sha1)
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def test_a_second_factor_is_set_up_and_asked_for(desk):
    window = desk("gunan")
    page = window.open("/account/codes/activate/")
    if "confirm" in page.url:
        page.fill("input[name=password]", PASSWORD)
        page.locator("main button[type=submit], main button.primary").first.click()
        page.wait_for_url(re.compile("activate"))
    expect(page.locator("img[src^='data:image/svg']")).to_be_visible()
    secret = re.search(r"\b[A-Z2-7]{26,64}\b", page.content())[0]
    page.fill("input[name=code]", code(secret))
    page.locator("main button[type=submit], main button.primary").first.click()
    page.wait_for_url(lambda url: "activate" not in url)

    window.context.clear_cookies()
    page.goto(f"{window.url}/login/")
    page.fill("input[name=login]", "gunan")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/login/code/")
    page.fill("input[name=code]", "000000")
    page.locator("button[type=submit], button.primary").first.click()
    expect(page.locator("body")).to_contain_text("验证码不对")
    page.fill("input[name=code]", code(secret, steps=1))
    page.locator("button[type=submit], button.primary").first.click()
    page.wait_for_url(re.compile(r"^https?://[^/]+/$"))
    expect(page.locator("body")).to_contain_text("顾南")
