"""An application around a throw-away installation, with tokens of every scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import accounts
from tests.api.helping import add_vendors
from tests.application import application


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The API adds nothing that depends on the kind of database: SQLite is enough for most of its tests."""
    return sqlite_url


@pytest.fixture
def ready(runtime: Runtime) -> Runtime:
    """A runtime with two vendors and recordings by script."""
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme", "zenith")
    return runtime


@pytest.fixture
def app(ready: Runtime) -> Flask:
    """The application as gunicorn would serve it."""
    return application(ready)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody without a token."""
    return app.test_client()


@pytest.fixture
def as_token(app: Flask, ready: Runtime) -> Callable[..., FlaskClient]:
    """Makes clients that send a token of a scope, bound to a vendor or not."""

    def make(scope: str = "upload", vendor: str | None = None) -> FlaskClient:
        token = accounts.create_token(ready, scope, vendor)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    return make
