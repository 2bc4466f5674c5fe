"""The web door: puts the pages and the API together. Gunicorn string: `qa_audit.web.app:create_app()`."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined

from qa_audit import logs
from qa_audit.config import secret_key
from qa_audit.runtime import Runtime, build_runtime, bundled
from qa_audit.web import (
    account,
    admin,
    api,
    auth,
    calls,
    csrf,
    errors,
    headers,
    health,
    review,
    rubrics,
    scorecards,
    sessions,
    templating,
    vendors,
)

SMALL_BODY = 256 * 1024
"""Bytes that a request may bring unless its view takes recordings."""


def create_app(runtime: Runtime | None = None) -> Flask:
    """Build the application around a runtime: the one given, or one from the environment."""
    logs.configure()
    runtime = runtime or build_runtime()
    app = Flask(
        "qa_audit.web", static_folder=str(bundled("static")), template_folder=str(bundled("templates"))
    )
    app.extensions["qa_audit"] = runtime
    app.jinja_options = {
        **app.jinja_options, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True
    }  # fmt: skip
    app.session_interface = sessions.OwnSessions()
    app.config.update(
        SECRET_KEY=secret_key(runtime.settings),
        MAX_CONTENT_LENGTH=SMALL_BODY,  # recordings are read from the raw stream, which this does not touch
        MAX_FORM_MEMORY_SIZE=SMALL_BODY,
        PERMANENT_SESSION_LIFETIME=auth.LONGEST,
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # csrf.py looks at Sec-Fetch-Site and Origin instead: no Referer is sent
    )
    # The order matters: who it is comes before whether the form is theirs.
    for install in (headers.install, errors.install, auth.install, csrf.install, templating.install):
        install(app)
    for blueprint in (
        account.blueprint,
        calls.blueprint,
        review.blueprint,
        scorecards.blueprint,
        vendors.blueprint,
        rubrics.blueprint,
        admin.blueprint,
        health.blueprint,
        api.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app
