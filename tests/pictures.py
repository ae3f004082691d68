"""Make docs/pictures from a running demo: `python -m tests.pictures http://127.0.0.1:8000` (needs Chromium)."""

import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs/pictures"
SIZES = {"1440": (1440, 900), "1366": (1366, 640), "390": (390, 844)}
PASSWORD = "Hengchuan@2026"
PAGES = {
    "customers": "/customers/customer/",
    "customer": "{record}",
    "form": "{record}edit/",
    "home": "/",
    "imports": "/imports/",
}


def main(url: str) -> None:
    """Sign in as a manager at each size and take the pages."""
    FOLDER.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark") if size == "1440" else ("light",):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, locale="zh-CN", color_scheme=theme, bypass_csp=True
                )
                page = context.new_page()
                page.goto(f"{url}/login/")
                page.wait_for_timeout(200)
                name = f"login-{size}{'-dark' if theme == 'dark' else ''}.png"
                page.screenshot(path=FOLDER / name)
                page.fill("input[name=login]", "lujianguo")
                page.fill("input[name=password]", PASSWORD)
                page.click("button[type=submit]")
                page.wait_for_url(re.compile(r"^https?://[^/]+/$"))
                page.goto(f"{url}/customers/customer/")
                record = page.locator("tbody tr").nth(1).get_attribute("data-url")
                for name, address in PAGES.items():
                    page.goto(url + address.replace("{record}", record))
                    page.wait_for_timeout(300)
                    page.screenshot(path=FOLDER / f"{name}-{size}{'-dark' if theme == 'dark' else ''}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
