"""Headers of every answer, over all routes."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from tests.web.test_access import EXPECTED, Place, address, ask, place

__all__ = ["place"]

POLICY = re.compile(
    r"default-src 'none'; script-src 'nonce-([\w-]{22})'; style-src 'self' 'nonce-\1'; font-src 'self'; "
    r"img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    r"frame-ancestors 'none'"
)


def test_every_answer_narrows_what_a_browser_may_do(admin: FlaskClient, place: Place) -> None:
    for method, rule in sorted(EXPECTED, key=lambda pair: pair[1] in ("/logout", "/calls/<id>/delete")):
        answer = ask(admin, method, address(rule, place))
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", rule
        assert headers["Referrer-Policy"] == "no-referrer", rule
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", rule
        assert "Strict-Transport-Security" not in headers, rule
        assert re.fullmatch("[0-9a-f]{16}", headers["X-Request-Id"]), rule
        if answer.mimetype == "text/html":
            assert POLICY.fullmatch(headers["Content-Security-Policy"]), rule
            assert {"HX-Request", "HX-Request-Type", "Cookie"} <= set(headers["Vary"].split(", ")), rule
        else:
            assert "default-src 'none'" in headers["Content-Security-Policy"], rule
        kept = "no-cache" if rule.startswith("/static") else "no-store"
        assert kept in headers["Cache-Control"], rule


def test_every_answer_has_a_nonce_of_its_own(client: FlaskClient) -> None:
    policies = {client.get("/login").headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


def test_over_https_the_browser_is_told_to_stay_there(app: Flask) -> None:
    answer = app.test_client().get("/login", base_url="https://qa.example.org")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_static_files_are_kept_for_ever_under_the_address_of_their_content(client: FlaskClient) -> None:
    page = client.get("/login").text
    found = re.findall(r'"(/static/[^"]+)"', page)
    assert found
    for target in found:
        answer = client.get(target.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_missing_static_file_is_not_kept(client: FlaskClient) -> None:
    answer = client.get("/static/js/none.js?v=1")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
