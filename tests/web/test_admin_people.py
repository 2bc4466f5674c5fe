"""The administration's pages for people and tokens."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, people
from qa_audit.storage import tables
from tests.factories import make_agent, make_vendor
from tests.page import check_page, find, find_all, get_page, text_of
from tests.web.conftest import PASSWORD, SignInAs, post


@pytest.fixture
def acme(here: Runtime) -> str:
    """A vendor with a team and an agent; returns the scope of its team as the form writes it."""
    with here.db.write() as session:
        vendor = make_vendor(session, slug="acme", name="Acme")
        team = tables.Team(vendor_id=vendor.id or 0, name="North")
        session.add(team)
        make_agent(session, vendor, name="Dana Fox")
        session.flush()
        return f"acme/team/{team.public_id}"


def page_of(answer) -> Element:  # type: ignore[no-untyped-def]
    return check_page(answer.text, answer.headers["Content-Security-Policy"])


def person(here: Runtime, email: str) -> people.Person:
    return next(one for one in people.everybody(here, SYSTEM) if one.email == email)


def test_a_lead_is_added_and_signs_in_by_the_link_that_is_shown_once(
    app: Flask, admin: FlaskClient, here: Runtime, acme: str
) -> None:
    form = {"email": "Lee@example.org", "name": "Lee Moss", "role": "lead", "scope": acme}
    answer = post(admin, "/admin/users", **form)
    assert answer.status_code == 200
    root = page_of(answer)
    link = find(root, "input", id="secret").get("value") or ""
    assert "for three days" in text_of(find(root, "p", id="secret-note"))
    assert link not in admin.get("/admin/users").text
    path = re.sub(r"^https?://[^/]+", "", link)
    guest = app.test_client()
    assert post(guest, path, password=PASSWORD).status_code == 303
    assert post(guest, "/login", email="lee@example.org", password=PASSWORD).status_code == 303
    assert guest.get("/").headers["Location"] == "/scorecards"
    row = next(row for row in find_all(get_page(admin, "/admin/users"), "tr") if "Lee Moss" in text_of(row))
    assert text_of(row) == "Lee Moss lee@example.org lead Acme, team North can sign in"


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"email": "lee@example.org", "role": "lead"}, 422, "A lead belongs to a vendor: say which."),
        ({"email": "lee@example.org", "role": "lead", "scope": "acme/"}, 422, "A lead sees one team"),
        ({"email": "lee@example.org", "role": "root"}, 422, "is no role"),
        ({"email": "lee", "role": "viewer"}, 422, "no e-mail address"),
        ({"email": "lee@example.org", "role": "lead", "scope": "acme/team/none"}, 422, "no team 'none'"),
        ({"email": "there@example.org", "role": "viewer"}, 409, "already an account"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    admin: FlaskClient, here: Runtime, acme: str, form: dict[str, str], status: int, said: str
) -> None:
    accounts.create_user(here, "there@example.org", "viewer")
    answer = post(admin, "/admin/users", **form)
    assert answer.status_code == status
    root = page_of(answer)
    assert said in text_of(find(root, "p", role="alert"))
    assert find(root, "input", id="email").get("value") == form["email"]
    assert (find(root, "title").text or "").startswith("Error: ")
    assert not find_all(root, "input", id="secret")


def test_a_role_is_changed_and_ends_the_sign_in(
    app: Flask, admin: FlaskClient, here: Runtime, acme: str
) -> None:
    link = accounts.create_user(here, "ana@example.org", "reviewer")
    accounts.set_password(here, link, PASSWORD)
    guest = app.test_client()
    post(guest, "/login", email="ana@example.org", password=PASSWORD)
    ana = person(here, "ana@example.org")
    where = f"/admin/users/{ana.id}"
    assert (
        find(find(get_page(admin, where), "select", id="role"), "option", value="reviewer").get("selected")
        == ""
    )
    assert post(admin, where, name="Ana", role="reviewer", scope="").status_code == 303
    assert guest.get("/calls").status_code == 200
    assert post(admin, where, name="Ana", role="lead", scope=acme).status_code == 303
    assert "They have to sign in again." in text_of(get_page(admin, where))
    assert guest.get("/calls").status_code == 303
    refused = post(admin, where, name="Ana", role="agent", scope=acme)
    assert refused.status_code == 422
    assert "An agent is not bound to a team" in text_of(page_of(refused))
    assert person(here, "ana@example.org").role == "lead"


def test_somebody_is_shut_out_let_in_and_given_a_new_link(
    app: Flask, admin: FlaskClient, here: Runtime
) -> None:
    accounts.set_password(here, accounts.create_user(here, "ana@example.org", "reviewer"), PASSWORD)
    where = f"/admin/users/{person(here, 'ana@example.org').id}"
    shown = page_of(post(admin, f"{where}/link"))
    assert "for 30 minutes" in text_of(find(shown, "p", id="secret-note"))
    assert post(admin, f"{where}/disable").status_code == 303
    assert "Shut out." in text_of(get_page(admin, where))
    assert post(admin, f"{where}/link").status_code == 409
    assert post(app.test_client(), "/login", email="ana@example.org", password=PASSWORD).status_code == 422
    assert post(admin, f"{where}/enable").status_code == 303
    assert post(app.test_client(), "/login", email="ana@example.org", password=PASSWORD).status_code == 303


def test_the_last_admin_is_told_why_not(admin: FlaskClient, here: Runtime) -> None:
    me = next(one for one in people.everybody(here, SYSTEM) if one.role == "admin")
    answer = post(admin, f"/admin/users/{me.id}/disable")
    assert answer.status_code == 409
    assert "last admin" in text_of(page_of(answer))
    answer = post(admin, f"/admin/users/{me.id}", name="Me", role="viewer", scope="")
    assert answer.status_code == 409
    assert admin.get("/admin/users").status_code == 200


def test_an_admin_who_steps_down_signs_in_again(
    admin: FlaskClient, here: Runtime, sign_in_as: SignInAs
) -> None:
    me = next(one for one in people.everybody(here, SYSTEM) if one.role == "admin")
    sign_in_as("admin")
    answer = post(admin, f"/admin/users/{me.id}", name="Me", role="viewer", scope="")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert admin.get("/admin/users").status_code == 303


def test_an_unknown_person_is_not_found(admin: FlaskClient) -> None:
    get_page(admin, "/admin/users/nobody", status=404)
    for act in ("", "/link", "/disable", "/enable"):
        assert post(admin, f"/admin/users/nobody{act}").status_code == 404


def test_a_token_is_made_shown_once_used_and_revoked(app: Flask, admin: FlaskClient, acme: str) -> None:
    assert "No tokens yet." in text_of(get_page(admin, "/admin/tokens"))
    root = page_of(post(admin, "/admin/tokens", scope="read", vendor="acme"))
    token = find(root, "input", id="secret").get("value") or ""
    assert token.startswith("qa_")
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/v1/calls", headers=headers).status_code == 200
    root = get_page(admin, "/admin/tokens")
    assert token not in admin.get("/admin/tokens").text
    row = text_of(find(root, "tbody"))
    assert row.startswith("read Acme made")
    assert "never used" not in row
    action = find(find(root, "tbody"), "form").get("action") or ""
    assert post(admin, action).status_code == 303
    assert app.test_client().get("/api/v1/calls", headers=headers).status_code == 401
    assert "revoked" in text_of(find(get_page(admin, "/admin/tokens"), "tbody"))
    assert post(admin, action).status_code == 404


@pytest.mark.parametrize("form", [{"scope": "everything"}, {"scope": "read", "vendor": "nobody"}, {}])
def test_a_token_that_cannot_be_is_refused(admin: FlaskClient, form: dict[str, str]) -> None:
    answer = post(admin, "/admin/tokens", **form)
    assert answer.status_code == 422
    assert not find_all(page_of(answer), "input", id="secret")


def test_nothing_is_changed_without_the_forms_token(admin: FlaskClient, here: Runtime) -> None:
    me = people.everybody(here, SYSTEM)[0]
    for path in ("users", "tokens", "vendors", f"users/{me.id}/disable", f"users/{me.id}/link"):
        answer = admin.post(
            f"/admin/{path}", data={"email": "eve@example.org", "role": "admin", "scope": "read"}
        )
        assert answer.status_code == 400
    assert len(people.everybody(here, SYSTEM)) == 1
    assert people.tokens(here, SYSTEM) == ()


@pytest.mark.parametrize("path", ["system", "tasks", "users", "tokens", "vendors"])
def test_an_admin_who_is_bound_to_a_vendor_finds_no_administration(
    sign_in_as: SignInAs, here: Runtime, acme: str, path: str
) -> None:
    with here.db.read() as session:
        vendor = session.get_one(tables.Vendor, 1)
    client = sign_in_as("admin", vendor.id)
    assert client.get(f"/admin/{path}").status_code == 404


@pytest.mark.parametrize(
    ("role", "start"),
    [
        ("admin", "/admin/system"),
        ("reviewer", "/review/queue"),
        ("viewer", "/vendors"),
        ("manager", "/vendors/acme"),
        ("lead", "/scorecards"),
        ("agent", "/scorecards"),
    ],
)
def test_each_role_starts_where_its_work_is(
    sign_in_as: SignInAs, here: Runtime, acme: str, role: str, start: str
) -> None:
    with here.db.read() as session:
        team, agent = session.get_one(tables.Team, 1), session.get_one(tables.Agent, 1)
    bound = {
        "manager": {"vendor_id": team.vendor_id},
        "lead": {"vendor_id": team.vendor_id, "team_id": team.id},
        "agent": {"vendor_id": team.vendor_id, "agent_id": agent.id},
    }.get(role, {})
    client = sign_in_as(role, **bound)  # type: ignore[arg-type]
    assert client.get("/").headers["Location"] == start
    get_page(client, start)
