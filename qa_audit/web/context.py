"""What every view gets from its app: the runtime that the app factory was given."""

from __future__ import annotations

from typing import cast

from flask import current_app

from qa_audit.runtime import Runtime

EXTENSION = "qa_audit"
"""The name under which the app factory keeps the runtime in `app.extensions`."""


def runtime() -> Runtime:
    """Return the runtime of the app that serves this request."""
    return cast(Runtime, current_app.extensions[EXTENSION])
