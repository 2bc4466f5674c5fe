"""The web application of the tests: one per process, around the runtime of whoever asks last."""

from __future__ import annotations

from flask import Flask

from qa_audit.config import secret_key
from qa_audit.runtime import Runtime
from qa_audit.web.app import create_app

_MADE: list[Flask] = []


def application(runtime: Runtime) -> Flask:
    """Return the application around a runtime; what it returned before is the same one, for that runtime now.

    Putting its addresses together takes longer than most tests of pages.
    """
    if not _MADE:
        _MADE.append(create_app(runtime))
    app = _MADE[0]
    app.extensions["qa_audit"] = runtime
    app.config["SECRET_KEY"] = secret_key(runtime.settings)
    return app
