"""Signing in, staying signed in, signing out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from qa_audit.web.auth import safe_next
from tests.factories import make_user
from tests.page import check_page, find, get_page, text_of
from tests.web.conftest import PASSWORD, SignInAs, hashed, post


def person(runtime: Runtime, **values: object) -> str:
    with runtime.db.write() as session:
        return str(make_user(session, "reviewer", password_hash=hashed(), **values).email)


def page_of(response) -> str:  # type: ignore[no-untyped-def]
    root = check_page(response.text, response.headers["Content-Security-Policy"])
    return text_of(find(root, "main"))


def test_the_sign_in_page_is_sound(client: FlaskClient) -> None:
    root = get_page(client, "/login")
    assert find(root, "input", id="password").get("autocomplete") == "current-password"


def test_the_right_password_leads_to_where_one_wanted_to_go(client: FlaskClient, here: Runtime) -> None:
    wanted = client.get("/calls?status=failed")
    assert wanted.status_code == 303
    login = wanted.headers["Location"]
    assert "next=/calls?status%3Dfailed" in login or "next=%2Fcalls%3Fstatus%3Dfailed" in login
    target = find(get_page(client, login), "input", name="next").get("value")
    answer = post(client, "/login", email=person(here), password=PASSWORD, next=target)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/calls?status=failed"
    assert client.get("/calls").status_code == 200


def test_the_address_may_be_written_in_capitals_and_with_spaces(client: FlaskClient, here: Runtime) -> None:
    email = person(here)
    assert post(client, "/login", email=f" {email.upper()} ", password=PASSWORD).status_code == 303


def test_known_and_unknown_people_get_the_same_words(client: FlaskClient, here: Runtime) -> None:
    known = post(client, "/login", email=person(here), password="wrong words here")
    unknown = post(client, "/login", email="nobody@example.org", password="wrong words here")
    assert known.status_code == unknown.status_code == 422
    assert page_of(known) == page_of(unknown)
    assert "E-mail or password is wrong." in page_of(known)


@pytest.mark.usefixtures("real_passwords")
def test_unknown_people_cost_as_much_hashing_as_known_ones(
    here: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs, verify = [], PasswordHasher.verify

    def spied(self: PasswordHasher, hashed: str, password: str) -> bool:
        costs.append(extract_parameters(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", spied)
    for who in (person(here), "nobody@example.org"):
        with pytest.raises(accounts.Invalid):
            accounts.authenticate(here, who, "wrong words here", "10.0.0.1")
    assert len(costs) == 2
    assert costs[0] == costs[1]


def test_somebody_without_password_or_shut_out_cannot_sign_in(client: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        fresh = make_user(session, "reviewer").email
        gone = make_user(session, "reviewer", password_hash=hashed(), disabled_at=datetime.now(UTC)).email
    for email in (fresh, gone):
        assert post(client, "/login", email=email, password=PASSWORD).status_code == 422


def test_ten_failures_lock_an_account_for_half_an_hour(client: FlaskClient, here: Runtime) -> None:
    email = person(here)
    for _ in range(accounts.TRIES):
        assert post(client, "/login", email=email, password="wrong words here").status_code == 422
    locked = post(client, "/login", email=email, password=PASSWORD)
    assert locked.status_code == 429
    assert "locked for 30 minutes" in page_of(locked)
    here.clock = lambda: datetime.now(UTC) + timedelta(minutes=31)
    assert post(client, "/login", email=email, password=PASSWORD).status_code == 303


def test_an_unknown_account_is_locked_as_well(client: FlaskClient) -> None:
    for _ in range(accounts.TRIES):
        post(client, "/login", email="nobody@example.org", password="wrong words here")
    assert post(client, "/login", email="nobody@example.org", password="x").status_code == 429


def test_a_success_forgets_the_failures_before_it(client: FlaskClient, app: Flask, here: Runtime) -> None:
    email = person(here)
    for _ in range(2):
        for _ in range(accounts.TRIES - 1):
            post(client, "/login", email=email, password="wrong words here")
        assert post(app.test_client(), "/login", email=email, password=PASSWORD).status_code == 303


def test_failures_from_one_address_are_counted_over_all_accounts(here: Runtime, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(accounts, "TRIES_OF_ADDRESS", 3)
    for number in range(3):
        with pytest.raises(accounts.Invalid):
            accounts.authenticate(here, f"person{number}@example.org", "wrong words here", "10.1.1.1")
    email = person(here)
    with pytest.raises(accounts.TooManyTries):
        accounts.authenticate(here, email, PASSWORD, "10.1.1.1")
    assert accounts.authenticate(here, email, PASSWORD, "10.1.1.2").email == email


def test_many_right_passwords_from_one_address_lock_nobody_out(here: Runtime, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(accounts, "TRIES_OF_ADDRESS", 2)
    email = person(here)
    for _ in range(4):
        accounts.authenticate(here, email, PASSWORD, "10.1.1.1")


def test_the_session_begins_anew_at_sign_in(client: FlaskClient, here: Runtime) -> None:
    client.get("/login")
    with client.session_transaction() as session:
        session["planted"] = "before"
        before = session["csrf_token"]
    post(client, "/login", email=person(here), password=PASSWORD)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before


def test_the_cookie_is_plain_only_on_this_machine(app: Flask) -> None:
    near = app.test_client().get("/login", base_url="http://127.0.0.1:8000").headers["Set-Cookie"]
    assert near.startswith("sid=")
    assert "Secure" not in near
    for base in ("https://qa.example.org", "http://qa.example.org"):
        far = app.test_client().get("/login", base_url=base).headers.get("Set-Cookie", "")
        assert not far or (far.startswith("__Host-sid=") and "Secure" in far and "Path=/" in far)
        assert "Domain" not in far
    for cookie in (near,):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_over_plain_http_elsewhere_the_page_says_why_it_does_not_work(client: FlaskClient) -> None:
    root = get_page(client, "/login", base_url="http://qa.example.org")
    assert "Signing in needs HTTPS" in text_of(find(root, "main"))
    assert not root.findall(".//{*}input[@type='password']")


def test_signing_out_ends_the_sign_in_on_the_server(reviewer: FlaskClient, app: Flask) -> None:
    stolen = reviewer.get_cookie("sid")
    assert stolen is not None
    answer = post(reviewer, "/logout")
    assert answer.status_code == 303
    assert answer.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    thief = app.test_client()
    thief.set_cookie("sid", stolen.value)
    assert thief.get("/calls").status_code == 303


def test_a_sign_in_ends_after_twelve_hours(reviewer: FlaskClient, here: Runtime) -> None:
    assert reviewer.get("/calls").status_code == 200
    here.clock = lambda: datetime.now(UTC) + timedelta(hours=12, minutes=1)
    assert reviewer.get("/calls").status_code == 303


def test_shutting_somebody_out_ends_their_sign_ins_at_once(app: Flask, here: Runtime) -> None:
    email = person(here)
    client = app.test_client()
    post(client, "/login", email=email, password=PASSWORD)
    assert client.get("/calls").status_code == 200
    accounts.disable_user(here, email)
    assert client.get("/calls").status_code == 303


def test_a_live_region_of_somebody_signed_out_leads_to_the_sign_in(client: FlaskClient) -> None:
    headers = {
        "HX-Request": "true",
        "HX-Request-Type": "partial",
        "HX-Current-URL": "http://localhost/calls/abc?t=3",
    }
    answer = client.get("/calls/abc", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/calls/abc"
    assert answer.text == ""


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "calls",
     "/\t/evil.example", "/calls\r\nX: y", "http:/evil.example", "", None],
)  # fmt: skip
def test_next_never_leads_away(app: Flask, target: str | None) -> None:
    with app.test_request_context():
        assert safe_next(target) == "/"


def test_next_leads_to_pages_of_ours(app: Flask) -> None:
    with app.test_request_context():
        assert safe_next("/calls?q=a&t=1") == "/calls?q=a&t=1"


def test_somebody_signed_in_is_led_on_from_the_sign_in_page(sign_in_as: SignInAs) -> None:
    assert sign_in_as("viewer").get("/login").headers["Location"] == "/"


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("10.0.0.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.2", "spoofed, 203.0.113.9", "203.0.113.9"),
        ("93.184.216.34", "198.51.100.1", "93.184.216.34"),
        ("10.0.0.2", "not an address", "10.0.0.2"),
    ],
)
def test_failures_are_counted_for_the_address_behind_a_near_proxy(
    app: Flask, peer: str, forwarded: str | None, counted: str
) -> None:
    from qa_audit.web.auth import client_address

    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": peer}):
        assert client_address() == counted
