"""Make docs/pictures from a running demo: `python -m tests.pictures http://127.0.0.1:8000 [name …]`; needs Chromium."""

import re
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.journeys.preparing import fill_the_grid, first_approval, lay_the_original_beside, preview_orders, stay

FOLDER = Path(__file__).resolve().parent.parent / "docs/pictures"
SIZES = {"1440": (1440, 900), "1366": (1366, 640), "390": (390, 844)}
PASSWORD = "Hengchuan@2026"
PAGES = {
    "lujianguo": {
        "customers": "/customers/customer/",
        "customer": "{record}",
        "form": "{record}edit/",
        "home": "/",
        "imports": "/imports/",
        "followups": "/customers/followup/",
        "pool": "/customers/pooled/",
        "daily": "/orders/daily/",
        "approval": "/approvals/",
    },
    "linzhixia": {
        "grid": "/orders/order/new/",
        "original": "/orders/order/new/",
        "order-import": "/imports/?kind=orders.order",
    },
    "fangjingyi": {
        "quality": "/customers/quality/",
        "duplicates": "/duplicates/",
        "policy": "/policy/clause/",
        "checks": "/checks/",
    },
}
# What is done on a page before it is taken.
DONE = {
    "approval": first_approval,
    "grid": fill_the_grid,
    "original": lay_the_original_beside,
    "order-import": preview_orders,
}


def main(url: str, names: Collection[str] = ()) -> None:
    """Sign in as a manager, a clerk and the head of the office at each size and take the pages, or those of `names`."""
    FOLDER.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark") if size == "1440" else ("light",):
                ending = f"{size}{'-dark' if theme == 'dark' else ''}.png"
                for login, all_pages in PAGES.items():
                    pages = {n: address for n, address in all_pages.items() if not names or n in names}
                    if not pages:
                        continue
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, locale="zh-CN", color_scheme=theme, bypass_csp=True
                    )
                    _take(context.new_page(), url, login, pages, ending, names)
                    context.close()
        browser.close()


def _take(
    page: Page, url: str, login: str, pages: Mapping[str, str], ending: str, names: Collection[str]
) -> None:  # fmt: skip
    page.goto(f"{url}/login/")
    page.wait_for_timeout(200)
    if not names:
        page.screenshot(path=FOLDER / f"login-{ending}")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"^https?://[^/]+/$"))
    page.goto(f"{url}/customers/customer/")
    record = page.locator("tbody tr").nth(1).get_attribute("data-url") or ""
    for name, address in pages.items():
        answer = page.goto(url + address.replace("{record}", record))
        assert answer is not None, address
        assert answer.ok, address
        DONE.get(name, stay)(page)
        page.wait_for_timeout(300)
        page.screenshot(path=FOLDER / f"{name}-{ending}")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2:])
