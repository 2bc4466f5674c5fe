"""Errors of the API: one shape for all of them (RFC 9457, `application/problem+json`)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from traceback import extract_tb

from flask import Blueprint, Response, g, json, request
from werkzeug.exceptions import HTTPException

from qa_audit import logs
from qa_audit.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NoSpace,
    NotFound,
    QaAuditError,
    Refused,
    Temporary,
)
from qa_audit.services.ingest import KeyReused, TwinRunning

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 30


class Unauthorized(QaAuditError):
    """The request brought no token, or none that is good."""


KINDS: tuple[tuple[type[QaAuditError], str, HTTPStatus, str], ...] = (
    (Unauthorized, "unauthorized", HTTPStatus.UNAUTHORIZED, "A valid token is needed"),
    (NotFound, "not-found", HTTPStatus.NOT_FOUND, "Nothing here"),
    (Forbidden, "forbidden", HTTPStatus.FORBIDDEN, "The token does not allow this"),
    (TwinRunning, "upload-running", HTTPStatus.CONFLICT, "The same upload is running"),
    (KeyReused, "key-reused", HTTPStatus.CONFLICT, "The Idempotency-Key was used before"),
    (Conflict, "conflict", HTTPStatus.CONFLICT, "Something else came first"),
    (Invalid, "invalid", HTTPStatus.UNPROCESSABLE_ENTITY, "The request cannot be used"),
    (NoSpace, "no-space", HTTPStatus.INSUFFICIENT_STORAGE, "The disk is full"),
    (Temporary, "temporary", HTTPStatus.SERVICE_UNAVAILABLE, "Not possible right now"),
)
"""Each error's problem type, status and title: the first class that fits decides."""

REFUSALS = {
    "not_audio": ("not-audio", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a recording of an accepted kind"),
    "broken": ("broken-audio", HTTPStatus.UNPROCESSABLE_ENTITY, "The recording is empty or broken"),
    "too_large": ("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The recording is too large"),
}
"""The same for a recording that is refused, by the kind of refusal."""

_log = logs.get(__name__)


def install(blueprint: Blueprint) -> None:
    """Answer every error of the blueprint's views as a problem document."""
    blueprint.register_error_handler(QaAuditError, _ours)
    blueprint.register_error_handler(HTTPException, _http)
    blueprint.register_error_handler(Exception, _unforeseen)


def problem(
    kind: str,
    status: int,
    title: str,
    detail: str,
    fields: Mapping[str, str] | None = None,
) -> Response:
    """Build a problem document; `fields` says what is wrong with each field."""
    body: dict[str, object] = {
        "type": f"urn:qa-audit:problem:{kind}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "request_id": _request_id(),
    }
    if fields:
        body["errors"] = [{"field": name, "message": text} for name, text in fields.items()]
    response = Response(json.dumps(body), status=int(status), mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def _request_id() -> str:
    """Return the id that the app gave this request, or a fresh one."""
    found: str | None = g.get("request_id")
    return found or secrets.token_hex(8)


def _ours(error: QaAuditError) -> Response:
    kind, status, title = _kind_of(error)
    response = problem(kind, status, title, error.message, getattr(error, "fields", None))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after = RETRY_AFTER
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="qa-audit"'
    return response


def _kind_of(error: QaAuditError) -> tuple[str, HTTPStatus, str]:
    if isinstance(error, Refused):
        return REFUSALS[error.kind]
    for known, kind, status, title in KINDS:
        if isinstance(error, known):
            return kind, status, title
    return "conflict", HTTPStatus.CONFLICT, "Not possible"


def _http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    name = HTTPStatus(status).phrase
    response = problem(name.lower().replace(" ", "-"), status, name, error.description or name)
    for header, value in error.get_headers():
        if header not in ("Content-Type", "Content-Length"):
            response.headers[header] = value
    return response


def _unforeseen(error: Exception) -> Response:
    # The error's own words may quote what was sent, so only its kind and place are logged.
    where = [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-8:]]
    _log.error("unforeseen error", kind=type(error).__name__, endpoint=request.endpoint, where=where)
    detail = "Something broke on the server. Try again; if it happens again, report the request_id."
    return problem("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke on our side", detail)
