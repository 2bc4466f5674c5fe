"""No other site acts in a person's name."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from tests.fakes import receive
from tests.page import check_page, find, text_of
from tests.web.conftest import token_of
from tests.web.test_access import Place, address, contents, place, rules

__all__ = ["place"]


def test_a_form_without_token_changes_nothing(admin: FlaskClient, here: Runtime) -> None:
    call, _ = receive(here)
    answer = admin.post(f"/calls/{call.public_id}/delete")
    assert answer.status_code == 400
    root = check_page(answer.text, answer.headers["Content-Security-Policy"])
    assert "Nothing was changed" in text_of(find(root, "main"))
    assert admin.get(f"/calls/{call.public_id}").status_code == 200


def test_a_token_of_another_session_is_refused(admin: FlaskClient, reviewer: FlaskClient) -> None:
    assert admin.post("/logout", data={"csrf_token": token_of(reviewer)}).status_code == 400


def test_a_token_in_the_header_is_enough(admin: FlaskClient) -> None:
    assert admin.post("/logout", headers={"X-CSRFToken": token_of(admin)}).status_code == 303


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_request_from_another_site_is_refused_even_with_the_token(admin: FlaskClient, site: str) -> None:
    headers = {"Sec-Fetch-Site": site}
    answer = admin.post("/logout", data={"csrf_token": token_of(admin)}, headers=headers)
    assert answer.status_code == 400
    assert admin.get("/calls").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "http://evil.example"}, 400),
        ({"Origin": "null"}, 400),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 303),
        ({}, 303),
    ],
)
def test_the_origin_decides_where_the_browser_does_not_name_the_site(
    admin: FlaskClient, headers: dict[str, str], status: int
) -> None:
    answer = admin.post("/logout", data={"csrf_token": token_of(admin)}, headers=headers)
    assert answer.status_code == status


def test_signing_in_needs_a_token_too(client: FlaskClient) -> None:
    assert client.post("/login", data={"email": "a@example.org", "password": "x"}).status_code == 400


def test_the_api_takes_a_bearer_token_and_no_form_token(client: FlaskClient, here: Runtime) -> None:
    token = accounts.create_token(here, "admin")
    headers = {"Authorization": f"Bearer {token}", "Sec-Fetch-Site": "cross-site"}
    assert client.delete("/api/v1/calls/none", headers=headers).status_code == 404


def test_a_signed_in_cookie_alone_does_not_move_the_api(admin: FlaskClient) -> None:
    assert admin.delete("/api/v1/calls/none", headers={"X-CSRFToken": token_of(admin)}).status_code == 401


def test_a_large_form_is_refused_before_it_is_read(client: FlaskClient) -> None:
    answer = client.post("/login", data={"email": "a" * 400_000, "csrf_token": token_of(client)})
    assert answer.status_code == 413


def test_no_form_of_any_page_is_taken_without_its_token(
    admin: FlaskClient, app: Flask, here: Runtime, place: Place
) -> None:
    admin.get("/calls")
    before = contents(here)
    posts = [rule for method, rule in sorted(rules(app)) if method == "POST" and not rule.startswith("/api")]
    assert len(posts) > 20
    for rule in posts:
        data = {"audio": (BytesIO(b"sound"), "a.wav")} if rule == "/calls/upload" else {}
        answer = admin.post(address(rule, place), data=data)
        assert answer.status_code == 400, rule
        headers = {"Sec-Fetch-Site": "cross-site", "X-CSRFToken": token_of(admin)}
        assert admin.post(address(rule, place), headers=headers).status_code == 400, rule
    assert contents(here) == before
