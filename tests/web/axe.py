"""What axe finds on a page: the rules of WCAG 2.2 AA and its best practice."""

from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
SCAN = """([within, runOnly, rules]) => axe.run(within, {runOnly, rules, resultTypes: ['violations'], preload: false})
  .then(r => r.violations.map(v => [v.id, ...v.nodes.slice(0, 3).map(n => n.target + ' ' + n.html)]))"""
LONG = "tbody tr:nth-child(n+7)"


def violations(page: Any, within: str = "html", *, looks_for: str = "all") -> list[list[str]]:
    """Each with its rule and where it was found first, empty if all is well. looks_for: "colours" is what hangs on the
    theme, "shapes" is all else: what only phones have shows its colours among the samples."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    only = {"type": "rule", "values": COLOURS} if looks_for == "colours" else {"type": "tag", "values": RULES}
    off = {rule: {"enabled": False} for rule in COLOURS} if looks_for == "shapes" else {}
    return page.evaluate(SCAN, [within, only, off])


def shortened(page: Any) -> Any:
    """The page with long tables cut: a row is like a row, and axe looks at each for a long time."""
    page.evaluate("long => document.querySelectorAll(long).forEach(row => row.remove())", LONG)
    return page
