"""Every page, in both themes and on every screen: nothing that axe finds, nothing that scrolls sideways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.e2e.conftest import BROKEN, FATAL, Site

PLACES = ("calls", "filtered", "fatal", "failed", "upload", "work", "delete", "nothing", "login")
WIDTHS = (360, 390, 768, 1440)
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def address(site: Site, place: str) -> str:
    return {
        "calls": "/calls",
        "filtered": "/calls?q=sick&from=2026-11-01",
        "fatal": f"/calls/{site.calls[FATAL]}",
        "failed": f"/calls/{site.calls[BROKEN]}",
        "upload": "/calls/upload",
        "work": "/admin/tasks",
        "delete": f"/calls/{site.calls[FATAL]}/delete",
        "nothing": "/no-such-page",
        "login": "/login",
    }[place]


def show(page: Page, site: Site, place: str) -> None:
    """Go there and open everything that is folded."""
    if place == "login":
        page.context.clear_cookies()
    page.goto(address(site, place))
    if place == "fatal":
        page.wait_for_selector(".wave path", state="attached")
    page.evaluate("for (const fold of document.querySelectorAll('main details:not(.menu)')) fold.open = true")


def violations(page: Page) -> list[str]:
    """Return what axe finds on a page in light colours, and in dark ones, where only colours differ."""
    page.emulate_media(color_scheme="light")
    found = _found(page, RULES)
    page.emulate_media(color_scheme="dark")
    return found + _found(page, COLOURS)


def _found(page: Page, rules: dict[str, Any]) -> list[str]:
    found: list[dict[str, Any]] = Axe().run(page, options=rules).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_in_light_and_in_dark(admin: Page, site: Site, place: str) -> None:
    show(admin, site, place)
    assert violations(admin) == []


@pytest.mark.parametrize("place", PLACES)
def test_nothing_scrolls_sideways_and_targets_are_large_enough(admin: Page, site: Site, place: str) -> None:
    show(admin, site, place)
    for width in WIDTHS:
        admin.set_viewport_size({"width": width, "height": 800})
        wide = admin.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{place} is {wide} px wide on a screen of {width}"
    small = admin.evaluate(
        """() => [...document.querySelectorAll('button, .button, .play, .turn .time, summary, nav a, a.row')]
            .filter((one) => one.checkVisibility())
            .map((one) => [one.textContent.trim(), Math.round(one.getBoundingClientRect().height)])
            .filter(([, height]) => height < 24)"""
    )
    assert small == []


def test_focus_is_never_hidden_behind_the_player(admin: Page, site: Site) -> None:
    admin.set_viewport_size({"width": 1440, "height": 420})
    show(admin, site, "fatal")
    bottom = "document.getElementById('player').getBoundingClientRect().bottom"
    for _ in range(60):
        admin.keyboard.press("Tab")
        hidden = admin.evaluate(
            f"""() => {{ const one = document.activeElement;
                if (one.closest('#player, header, .skip') || one === document.body) return false;
                const box = one.getBoundingClientRect();
                return box.top < {bottom} - 1 && box.bottom <= {bottom} + 1 && scrollY > 0; }}"""
        )
        assert not hidden, admin.evaluate("document.activeElement.outerHTML")


def test_a_call_prints_without_its_player(admin: Page, site: Site, tmp_path: Path) -> None:
    show(admin, site, "fatal")
    admin.emulate_media(media="print")
    assert not admin.locator("#player").is_visible()
    assert not admin.locator("header.top").is_visible()
    assert admin.get_by_role("heading", name="Promises only what policy allows").is_visible()
