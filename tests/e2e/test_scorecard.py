"""A lead on a phone: reads a card, plays the clip, acknowledges; staff read the same page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import select

from qa_audit.domain.access import SYSTEM
from qa_audit.services import scorecards
from qa_audit.services.passwords import hash_password
from qa_audit.storage import tables
from tests import auditing, factories, seeding
from tests.e2e.conftest import Site, Watch
from tests.e2e.looking import open_folds, too_small, too_wide, violations

BUNDLED = "call-12"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def card(site: Site) -> str:
    """A published card of a bundled call, with a lead and a viewer who can sign in."""
    runtime, call_id = site.runtime, seeding.bundled(site.runtime, BUNDLED)[BUNDLED]
    hashed = hash_password(seeding.PASSWORD)
    with runtime.db.write() as session:
        call = session.exec(select(tables.Call).where(tables.Call.public_id == call_id)).one()
        team = tables.Team(vendor_id=call.vendor_id, name="Refunds on the phone")
        session.add(team)
        session.flush()
        auditing.join(session, session.get_one(tables.Agent, call.agent_id), team, date(2026, 1, 1))
        scope = {"vendor_id": call.vendor_id, "team_id": team.id}
        usual = {"name": "Lena Lead", "password_hash": hashed}
        factories.make_user(session, "lead", email="lena@acme.example", **usual, **scope)
        factories.make_user(session, "viewer", email="vera@example.org", name="Vera", password_hash=hashed)
    auditing.audit_bundled(runtime, call_id)
    return scorecards.publish(runtime, SYSTEM, call_id)


def sign_in(page: Page, email: str) -> None:
    page.set_default_timeout(10_000)
    page.goto("/login?next=/scorecards")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(seeding.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/scorecards")


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the pages' policy lets nothing wait inside them."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to hold")


def playing(page: Page) -> bool:
    return bool(page.evaluate("!document.querySelector('audio').paused"))


def at(page: Page) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def test_a_lead_reads_plays_and_acknowledges_on_a_phone(page: Page, watch: Watch, card: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    sign_in(page, "lena@acme.example")
    page.locator(f"#card-{card} a.row").click()
    expect(page.locator("#problem")).to_contain_text("Critical point lost: Verifies before account details")
    round_button = page.locator("#listen .round")
    begin, end = (float(round_button.get_attribute(name) or "") for name in ("data-from", "data-to"))
    assert begin < end
    box = round_button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 40
    round_button.click()
    until(page, lambda: at(page) > begin + 0.3)
    assert playing(page)
    assert begin <= at(page) <= end + 1
    expect(round_button).to_have_attribute("aria-label", "Pause")
    round_button.click()
    until(page, lambda: not playing(page))
    page.evaluate(f"document.querySelector('audio').currentTime = {end - 0.4}")
    round_button.click()
    until(page, lambda: not playing(page))
    assert abs(at(page) - end) < 1.5
    page.get_by_text("hear 20 s more").click()
    until(page, lambda: at(page) > end + 0.3)
    link = page.locator(".points .play").first
    link.click()
    expect(page.locator(".points .play.playing")).to_have_count(1)
    link.click()
    page.get_by_label("Comment, if you like").fill("Discussed with Sara.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#answer")).to_contain_text("Acknowledged by Lena Lead")
    expect(page.locator("#answer")).to_contain_text("Discussed with Sara.")
    expect(page.locator("#answer")).to_contain_text("does not end that right")
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)


@pytest.mark.parametrize("who", ["lena@acme.example", "vera@example.org"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    page: Page, watch: Watch, card: str, who: str
) -> None:
    sign_in(page, who)
    for address in ("/scorecards", "/scorecards?outcome=fail&from=2026-01-01", f"/scorecards/{card}"):
        page.goto(address)
        open_folds(page)
        assert violations(page) == [], address
        assert too_wide(page) == {}, address
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert too_small(page, "main button, main .button, main .play, main summary, a.row", 40) == []


def test_a_viewer_reads_the_card_and_cannot_answer(page: Page, watch: Watch, card: str) -> None:
    sign_in(page, "vera@example.org")
    page.goto(f"/scorecards/{card}")
    expect(page.locator("#problem")).to_contain_text("Critical point lost: Verifies before account details")
    expect(page.locator("textarea")).to_have_count(0)
    expect(page.get_by_role("link", name="the call")).to_be_visible()


def test_without_scripts_the_moments_are_addresses(browser: Any, site: Site, card: str) -> None:
    context = browser.new_context(base_url=site.address, java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    sign_in(page, "lena@acme.example")
    page.goto(f"/scorecards/{card}")
    expect(page.locator("audio")).to_be_visible()
    expect(page.locator("#listen .round")).to_be_hidden()
    page.locator(".points .play").first.click()
    page.wait_for_url("**/scorecards/*?t=*#listen")
    assert "#t=" in (page.locator("audio").get_attribute("src") or "")
    context.close()


def test_a_card_prints_with_every_point_and_no_button(page: Page, watch: Watch, card: str) -> None:
    sign_in(page, "vera@example.org")
    page.goto(f"/scorecards/{card}")
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator("#listen .round")).to_be_hidden()
    expect(page.locator("#lost")).to_be_visible()
