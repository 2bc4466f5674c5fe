"""The administration's pages for vendors, their teams and agents, and for the system."""

from __future__ import annotations

from datetime import date
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, organisation, vendors
from tests.fakes import RememberedJobs
from tests.page import check_page, find, find_all, get_page, text_of
from tests.web.conftest import post

HERE = "/admin/vendors/acme"


@pytest.fixture
def acme(here: Runtime) -> str:
    """A vendor with two teams and an agent; returns the agent's id."""
    vendors.add(here, SYSTEM, "acme", "Acme")
    for name in ("North", "South"):
        organisation.add_team(here, SYSTEM, "acme", name)
    return organisation.add_agent(here, SYSTEM, "acme", "Dana Fox", "Dana")


def page_of(answer) -> Element:  # type: ignore[no-untyped-def]
    return check_page(answer.text, answer.headers["Content-Security-Policy"])


def alert(answer) -> str:  # type: ignore[no-untyped-def]
    return text_of(find(page_of(answer), "p", role="alert"))


def test_the_first_vendor_is_added_and_its_page_opens(admin: FlaskClient) -> None:
    assert "No vendors yet." in text_of(get_page(admin, "/admin/vendors"))
    form = {"slug": "acme", "name": "Acme Support", "channels": "agent-right", "filename_pattern": ""}
    answer = post(admin, "/admin/vendors", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    text = text_of(get_page(admin, HERE))
    for words in ("Acme Support", "No teams yet.", "No sites.", "No agents yet."):
        assert words in text
    assert "agent on the right side" in text_of(find(get_page(admin, "/admin/vendors"), "tbody"))
    assert post(admin, "/admin/vendors", **form).status_code == 409


@pytest.mark.parametrize(
    "form",
    [
        {"slug": "Not a slug", "name": "x", "channels": "agent-left"},
        {"slug": "x", "name": "", "channels": "agent-left"},
        {"slug": "x", "name": "x", "channels": "both"},
        {"slug": "x", "name": "x", "channels": "agent-left", "filename_pattern": "("},
    ],
)
def test_a_vendor_that_cannot_be_is_explained(admin: FlaskClient, form: dict[str, str]) -> None:
    answer = post(admin, "/admin/vendors", **form)
    assert answer.status_code == 422
    assert alert(answer)
    assert find(page_of(answer), "input", id="slug").get("value") == form["slug"]


def test_a_vendor_is_changed(admin: FlaskClient, here: Runtime, acme: str) -> None:
    form = {"name": "Acme North", "channels": "agent-right", "filename_pattern": "(?P<agent>.+)"}
    assert post(admin, HERE, **form).status_code == 303
    assert "Calls that are there already are not changed." in text_of(get_page(admin, HERE))
    vendor = vendors.get(here, SYSTEM, "acme")
    assert (vendor.name, vendor.channels, vendor.filename_pattern) == tuple(form.values())
    refused = post(admin, HERE, **{**form, "name": "", "filename_pattern": "("})
    assert refused.status_code == 422
    assert find(page_of(refused), "input", id="filename_pattern").get("value") == "("


def test_names_to_expect_are_kept_one_per_line(admin: FlaskClient, here: Runtime, acme: str) -> None:
    form = {"name": "Acme", "channels": "agent-left", "filename_pattern": ""}
    hints = "Northwind\r\n\r\n  Star   Air \r\nNorthwind"
    assert post(admin, HERE, **form, speech_hints=hints).status_code == 303
    assert vendors.get(here, SYSTEM, "acme").speech_hints == ("Northwind", "Star Air")
    area = find(get_page(admin, HERE), "textarea", id="speech_hints")
    assert (area.text or "").split() == ["Northwind", "Star", "Air"]
    refused = post(admin, HERE, **form, speech_hints="x" * 41)
    assert refused.status_code == 422
    assert "40 characters" in alert(refused)
    assert text_of(find(page_of(refused), "textarea", id="speech_hints")) == "x" * 41
    assert post(admin, HERE, **form).status_code == 303
    assert vendors.get(here, SYSTEM, "acme").speech_hints == ("Northwind", "Star Air")


def test_sites_and_teams_are_added_renamed_and_named_with_their_leads(
    admin: FlaskClient, here: Runtime, acme: str
) -> None:
    accounts.create_user(here, "lee@example.org", "lead", name="Lee Moss", vendor_slug="acme", team="North")
    assert post(admin, f"{HERE}/sites", name="Leeds").status_code == 303
    assert post(admin, f"{HERE}/sites", was="Leeds", name="York").status_code == 303
    assert post(admin, f"{HERE}/teams", name="East", site="York").status_code == 303
    root = get_page(admin, HERE)
    actions = [form.get("action") or "" for form in find_all(find(root, "section", id="teams"), "form")]
    assert post(admin, actions[1], name="Far North", site="York").status_code == 303
    found = organisation.get(here, SYSTEM, "acme")
    assert [(team.name, team.site) for team in found.teams] == [
        ("East", "York"),
        ("Far North", "York"),
        ("South", None),
    ]
    assert "led by Lee Moss" in text_of(find(get_page(admin, HERE), "section", id="teams"))


def test_a_name_that_is_taken_is_told(admin: FlaskClient, acme: str) -> None:
    answer = post(admin, f"{HERE}/teams", name="North")
    assert answer.status_code == 409
    assert "Acme has a team 'North' already." in alert(answer)
    assert post(admin, f"{HERE}/sites", name="").status_code == 422
    assert post(admin, f"{HERE}/agents", name="Dana Fox").status_code == 409


def test_an_agent_is_added_and_placed_in_teams_day_by_day(
    admin: FlaskClient, here: Runtime, acme: str
) -> None:
    answer = post(admin, f"{HERE}/agents", name="Lou Bell", aliases="Lou, Louis")
    where = answer.headers["Location"]
    assert "In no team yet" in text_of(get_page(admin, where))
    team = find_all(find(get_page(admin, where), "select", id="team-new"), "option")[0].get("value")
    days = {"since": "2026-01-01", "until": "2026-03-31"}
    assert post(admin, f"{where}/teams", team=team, **days).status_code == 303
    clash = post(admin, f"{where}/teams", team=team, since="2026-03-01")
    assert clash.status_code == 422
    assert "Lou Bell is in North from 1 Jan 2026 to 31 Mar 2026." in alert(clash)
    changed = {"was": "2026-01-01", "since": "2026-01-01", "until": "2026-02-28"}
    assert post(admin, f"{where}/teams", team=team, **changed).status_code == 303
    id = where.rsplit("/", 1)[1]
    (stay,) = organisation.get_agent(here, SYSTEM, "acme", id).stays
    assert (stay.since, stay.until) == (date(2026, 1, 1), date(2026, 2, 28))
    assert post(admin, f"{where}/teams", was="2026-01-01", act="remove").status_code == 303
    assert "In no team yet" in text_of(get_page(admin, where))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Say from which day on."),
        ({"since": "yesterday"}, "A day is written like"),
        ({"since": "2026-05-01", "until": "2026-01-01"}, "The last day is before the first."),
        ({"since": "2026-05-01", "team": "none"}, "no such team"),
    ],
)
def test_days_that_cannot_be_are_explained(
    admin: FlaskClient, acme: str, form: dict[str, str], said: str
) -> None:
    answer = post(admin, f"{HERE}/agents/{acme}/teams", **{"team": "North", **form})
    assert answer.status_code == 422
    assert said in alert(answer)


def test_an_agents_names_are_changed(admin: FlaskClient, here: Runtime, acme: str) -> None:
    where = f"{HERE}/agents/{acme}"
    assert post(admin, where, name="Dana Wolf", aliases="Dana, Dee").status_code == 303
    agent = organisation.get_agent(here, SYSTEM, "acme", acme)
    assert (agent.name, agent.aliases) == ("Dana Wolf", ("Dana", "Dee"))
    refused = post(admin, where, name="", aliases="Dee")
    assert refused.status_code == 422
    assert find(page_of(refused), "input", id="aliases").get("value") == "Dee"


def test_what_is_not_there_is_not_found(admin: FlaskClient, acme: str) -> None:
    for path in ("/admin/vendors/nobody", f"{HERE}/agents/nobody", f"/admin/vendors/nobody/agents/{acme}"):
        get_page(admin, path, status=404)
    assert post(admin, f"{HERE}/teams/nobody", name="x").status_code == 404
    assert post(admin, f"{HERE}/agents/{acme}/teams", was="2026-01-01", act="remove").status_code == 404


def test_the_system_page_says_how_each_part_is_and_what_to_do(admin: FlaskClient, here: Runtime) -> None:
    root = get_page(admin, "/admin/system")
    assert "base.en, is not here yet" in text_of(find(root, "table"))
    assert "Something" not in text_of(find(root, "p", role="status"))
    here.jobs = RememberedJobs(works=False)
    assert "does not answer: work goes on" in text_of(get_page(admin, "/admin/system"))
    here.settings = here.settings.model_copy(update={"reserve_bytes": 1 << 60})
    root = get_page(admin, "/admin/system")
    assert "Something does not work." in text_of(root)


def test_the_pages_of_the_administration_lead_to_each_other(admin: FlaskClient, acme: str) -> None:
    for path in ("system", "tasks", "users", "tokens", "vendors"):
        root = get_page(admin, f"/admin/{path}")
        links = find_all(
            next(nav for nav in find_all(root, "nav") if nav.get("aria-label") == "Administration"), "a"
        )
        assert [link.get("href") for link in links if link.get("aria-current") == "page"] == [
            f"/admin/{path}"
        ]
        assert [text_of(link) for link in links] == ["System", "Work", "People", "Tokens", "Vendors"]
