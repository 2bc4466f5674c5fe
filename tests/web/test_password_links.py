"""Setting a password by a link that works once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from tests.page import check_page, find, get_page, text_of
from tests.web.conftest import post

GOOD = "a kettle on the moon"


@pytest.fixture
def link(here: Runtime) -> str:
    return "/welcome/" + accounts.create_user(here, "ana.bello@example.org", "reviewer")


def test_a_new_person_sets_a_password_and_signs_in(client: FlaskClient, link: str) -> None:
    assert "ana.bello@example.org" in text_of(get_page(client, link))
    answer = post(client, link, password=GOOD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "The password is set." in text_of(get_page(client, "/login"))
    assert post(client, "/login", email="ana.bello@example.org", password=GOOD).status_code == 303
    assert "Ana Bello" in text_of(get_page(client, "/calls"))


def test_a_link_works_once(client: FlaskClient, link: str) -> None:
    post(client, link, password=GOOD)
    root = get_page(client, link, status=404)
    assert "was used before, or it has run out" in text_of(find(root, "main"))
    assert post(client, link, password=GOOD).status_code == 404


def test_a_link_runs_out(client: FlaskClient, here: Runtime, link: str) -> None:
    here.clock = lambda: datetime.now(UTC) + timedelta(days=3, minutes=1)
    assert client.get(link).status_code == 404


def test_a_refused_password_is_explained_and_the_link_stays_good(client: FlaskClient, link: str) -> None:
    answer = post(client, link, password="short")
    assert answer.status_code == 422
    root = check_page(answer.text, answer.headers["Content-Security-Policy"])
    field = find(root, "input", id="password")
    assert field.get("aria-invalid") == "true"
    assert "at least 12 characters" in text_of(find(root, "p", id=field.get("aria-describedby") or ""))
    assert (find(root, "title").text or "").startswith("Error: ")
    assert post(client, link, password=GOOD).status_code == 303


def test_setting_a_password_ends_sign_ins_and_lifts_a_lock(
    client: FlaskClient, here: Runtime, link: str
) -> None:
    post(client, link, password=GOOD)
    email = "ana.bello@example.org"
    post(client, "/login", email=email, password=GOOD)
    assert client.get("/calls").status_code == 200
    for _ in range(accounts.TRIES):
        with pytest.raises(accounts.Invalid):
            accounts.authenticate(here, email, "wrong words here", "10.0.0.1")
    accounts.set_password(here, accounts.new_link(here, email), "a teapot on the sun")
    assert client.get("/calls").status_code == 303
    assert accounts.authenticate(here, email, "a teapot on the sun", "10.0.0.1").email == email
