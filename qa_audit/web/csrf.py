"""No other site may act in a person's name: a token in every form, and a look at where it came from."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from qa_audit.web import api

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HeaderFirst(CSRFProtect):  # type: ignore[misc]
    """Flask-WTF's check, except that a token in the header is enough: then the body is not read for one."""

    def _get_csrf_token(self) -> str | None:
        header = request.headers.get("X-CSRFToken")
        found: str | None = header or super()._get_csrf_token()
        return found


def install(app: Flask, without: Blueprint = api.blueprint) -> None:
    """Check every request that changes something, except where there is no cookie: the API.

    The upload's view checks the token itself, once the recordings are on disk.
    """

    def refuse_other_sites() -> None:
        """Look at what browsers say of a request's origin, which scripts cannot change."""
        if request.method in SAFE_METHODS or request.blueprint == without.name:
            return
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        foreign = (
            site not in ("same-origin", "none")
            if site
            else origin and urlsplit(origin).netloc != request.host
        )
        if foreign:
            raise CSRFError("The request came from another site.")

    app.before_request(refuse_other_sites)
    protect = HeaderFirst(app)
    protect.exempt(without)
    protect.exempt("qa_audit.web.calls.upload.receive")
