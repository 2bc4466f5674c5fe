"""The administration's pages in a real browser: nothing that axe finds, nothing that scrolls sideways."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from qa_audit.domain.access import SYSTEM
from qa_audit.services import accounts, organisation, people, vendors
from tests.e2e.conftest import Site
from tests.e2e.looking import too_wide, violations

PAGES = ("system", "users", "user", "tokens", "vendors", "vendor", "agent")


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    """A vendor with everything on it, and where each page is."""
    ports = site.runtime
    vendors.add(ports, SYSTEM, "acme-north", "Acme North")
    organisation.add_site(ports, SYSTEM, "acme-north", "Leeds")
    organisation.add_team(ports, SYSTEM, "acme-north", "Day shift", "Leeds")
    agent = organisation.add_agent(ports, SYSTEM, "acme-north", "Dana Fox", "Dana")
    organisation.set_stay(ports, SYSTEM, "acme-north", agent, "Day shift", date(2026, 1, 1))
    bound = {"vendor_slug": "acme-north", "team": "Day shift"}
    accounts.create_user(ports, "lee.moss@example.org", "lead", **bound)
    accounts.create_token(ports, "upload", "acme-north")
    lead = next(one.id for one in people.everybody(ports, SYSTEM) if one.email.startswith("lee.moss"))
    places = {name: f"/admin/{name}" for name in PAGES}
    vendor = "/admin/vendors/acme-north"
    return {**places, "user": f"/admin/users/{lead}", "vendor": vendor, "agent": f"{vendor}/agents/{agent}"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_pleases_axe_and_fits_every_screen(admin: Page, addresses: dict[str, str], name: str) -> None:
    admin.goto(addresses[name])
    assert violations(admin) == []
    assert too_wide(admin) == {}


def test_a_lead_is_added_from_the_keyboard_and_the_link_is_shown(
    admin: Page, addresses: dict[str, str]
) -> None:
    admin.goto(addresses["users"])
    admin.get_by_label("E-mail").fill("new.lead@example.org")
    admin.get_by_label("Role").select_option("lead")
    admin.get_by_label("Sees").select_option(label="Acme North: team Day shift")
    admin.get_by_label("E-mail").press("Enter")
    expect(admin.get_by_label("Link for new.lead@example.org")).to_have_value(
        re.compile(r"^http://127\.0\.0\.1:\d+/welcome/[\w-]{43}$")
    )
    assert violations(admin) == []
