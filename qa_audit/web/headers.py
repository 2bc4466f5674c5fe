"""What goes out with every answer: a request id, a nonce, and headers that narrow what browsers may do."""

from __future__ import annotations

import secrets
from contextlib import ExitStack

from flask import Flask, Response, g, request

from qa_audit import logs

YEAR = 31_536_000

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'nonce-{nonce}'",
        "style-src 'self' 'nonce-{nonce}'",
        "font-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""No inline script or style and no other host. No 'strict-dynamic' either: it would run scripts that a
swapped-in fragment brings along."""

FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""For everything that is no page: shown by itself it can do nothing."""


def install(app: Flask) -> None:
    """Give every request an id and a nonce, and every answer its headers."""
    app.before_request(_begin)
    app.after_request(_protect)
    app.teardown_request(_end)


def nonce() -> str:
    """Return this request's nonce."""
    return str(g.nonce)


def _begin() -> None:
    g.nonce = secrets.token_urlsafe(16)
    g.request_id = secrets.token_hex(8)
    g.log_context = ExitStack()
    g.log_context.enter_context(logs.bind(request_id=g.request_id))


def _end(error: BaseException | None) -> None:
    context = g.pop("log_context", None)
    if context is not None:
        context.close()


def _protect(response: Response) -> Response:
    is_page = response.mimetype == "text/html"
    policy = PAGE_POLICY.format(nonce=nonce()) if is_page else FILE_POLICY
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    headers.setdefault("X-Request-Id", g.request_id)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    if request.endpoint == "static" and response.status_code in (200, 206, 304):
        # An address with the content's hash in it can be kept for ever; without, it is asked for again.
        lasting = "v" in request.args
        headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if lasting else "no-cache"
    else:
        headers.setdefault("Cache-Control", "no-store")
    if is_page:
        response.vary.update(("Cookie", "HX-Request", "HX-Request-Type"))
    return response
