"""A web application on a throw-away SQLite installation, with twins for sound and speech, and its sign-ins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.config import Settings
from qa_audit.domain.access import Role
from qa_audit.runtime import Runtime
from qa_audit.services.passwords import hash_password
from tests.application import application
from tests.factories import make_user
from tests.fakes import script

PASSWORD = "three words in a row"
SignInAs = Callable[..., FlaskClient]
TOKENS: WeakKeyDictionary[FlaskClient, tuple[str, str]] = WeakKeyDictionary()
"""The session and the token that a client was given, asked for once per session."""


def hashed() -> str:
    """A hash of PASSWORD."""
    return hash_password(PASSWORD)


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime on SQLite: pages ask nothing that the tests of storage do not ask both databases."""
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, secret_key="for tests", reserve_bytes=0)
    runtime = Runtime(settings)
    yield script(runtime)
    runtime.db.dispose()


@pytest.fixture
def app(here: Runtime) -> Flask:
    """The application under test."""
    return application(here)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def sign_in_as(app: Flask, here: Runtime) -> SignInAs:
    """A function that returns a client which is signed in with a role, maybe bound to a vendor and a team."""

    def sign_in(role: Role, vendor_id: int | None = None, **values: Any) -> FlaskClient:
        with here.db.write() as session:
            user = make_user(session, role, password_hash=hashed(), vendor_id=vendor_id, **values)
        client = app.test_client()
        answer = post(client, "/login", email=user.email, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return client

    return sign_in


@pytest.fixture
def admin(sign_in_as: SignInAs) -> FlaskClient:
    """A signed-in admin."""
    return sign_in_as("admin")


@pytest.fixture
def reviewer(sign_in_as: SignInAs) -> FlaskClient:
    """A signed-in reviewer."""
    return sign_in_as("reviewer")


def token_of(client: FlaskClient) -> str:
    """Read the token from a form: the sign-in's, or the sign-out's that stands on every other page."""
    known, cookie = TOKENS.get(client), session_of(client)
    if known and known[0] == cookie:
        return known[1]
    page = client.get("/login")
    if page.status_code == 303:
        page = client.get("/no-such-page")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None, page.text
    TOKENS[client] = session_of(client), found[1]
    return found[1]


def session_of(client: FlaskClient) -> str:
    """Return the cookie that a token belongs to."""
    cookie = client.get_cookie("sid")
    return cookie.value if cookie else ""


def post(client: FlaskClient, address: str, **fields: object):  # type: ignore[no-untyped-def]
    """Send a form with its token, as a browser without JavaScript does."""
    return client.post(address, data={**fields, "csrf_token": token_of(client)})
