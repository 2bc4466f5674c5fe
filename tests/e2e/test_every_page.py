"""Every page, in both themes and on every screen: nothing that axe finds, nothing that scrolls sideways."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import BROKEN, FATAL, Site
from tests.e2e.looking import open_folds, too_small, too_wide, violations

PLACES = ("calls", "filtered", "fatal", "failed", "upload", "work", "delete", "nothing", "login")
CONTROLS = "button, .button, .play, .turn .time, summary, nav a, a.row"


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
    open_folds(page)


@pytest.mark.parametrize("place", PLACES)
def test_a_page_pleases_axe_fits_every_screen_and_is_easy_to_hit(admin: Page, site: Site, place: str) -> None:
    show(admin, site, place)
    assert violations(admin) == []
    assert too_wide(admin) == {}
    assert too_small(admin, CONTROLS) == []


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
