"""What every page has to be: nothing that axe finds in either theme, no wider than any screen, easy to hit."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (360, 390, 768, 1024, 1110, 1440)
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
SMALL = """([controls, least]) => [...document.querySelectorAll(controls)]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.textContent.trim(), Math.round(one.getBoundingClientRect().height)])
    .filter(([, height]) => height < least)"""


def open_folds(page: Page) -> None:
    """Open everything that is folded, but the menu."""
    page.evaluate("for (const fold of document.querySelectorAll('main details:not(.menu)')) fold.open = true")


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page in light colours, and in dark ones, where only colours differ."""
    page.emulate_media(color_scheme="light")
    found = _found(page, RULES)
    page.emulate_media(color_scheme="dark")
    return found + _found(page, COLOURS)


def too_wide(page: Page) -> dict[int, int]:
    """Return on which screens a page scrolls sideways, and how wide it is there, in pixels."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found[width] = page.evaluate("document.documentElement.scrollWidth")
    return {width: wide for width, wide in found.items() if wide > width}


def too_small(page: Page, controls: str, least: int = 24) -> list[Any]:
    """Return the text and height of the controls (a CSS selector) that are lower than `least` pixels."""
    found: list[Any] = page.evaluate(SMALL, [controls, least])
    return found


def _found(page: Page, rules: dict[str, Any]) -> list[str]:
    found: list[dict[str, Any]] = Axe().run(page, options=rules).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"]
    ]
