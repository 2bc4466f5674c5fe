"""Errors as answers: from what happened to a page, a fragment or, under /api/, a problem document."""

from __future__ import annotations

from http import HTTPStatus
from traceback import extract_tb

from flask import Flask, Response, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from jinja2_fragments.flask import render_block
from werkzeug.exceptions import HTTPException

from qa_audit import logs
from qa_audit.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NoSpace,
    NotFound,
    Permanent,
    QaAuditError,
    Refused,
    Temporary,
    Waiting,
)
from qa_audit.services.accounts import TooManyTries
from qa_audit.web.api.problems import problem
from qa_audit.web.htmx import is_fragment
from qa_audit.web.pages import ErrorPage

STATUS_OF: tuple[tuple[type[QaAuditError], HTTPStatus], ...] = (
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Conflict, HTTPStatus.CONFLICT),
    (TooManyTries, HTTPStatus.TOO_MANY_REQUESTS),
    (NoSpace, HTTPStatus.INSUFFICIENT_STORAGE),
    (Temporary, HTTPStatus.SERVICE_UNAVAILABLE),
    (Waiting, HTTPStatus.SERVICE_UNAVAILABLE),
    (Permanent, HTTPStatus.UNPROCESSABLE_ENTITY),
)
"""The first class that fits decides."""

REFUSED = {"not_audio": HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE}

TITLES = {
    400: "The request was not understood",
    403: "Your role does not allow this",
    404: "Nothing here",
    405: "This address cannot be used that way",
    409: "This cannot be done now",
    413: "Too large",
    415: "This kind of file cannot be used",
    422: "Something needs another look",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "Not possible right now",
    507: "The disk is full",
}

MESSAGES = {
    400: "The address or the form is not one of ours. Go back and try again.",
    404: NotFound().message,
    405: "Go back and use the links and buttons of the page.",
    413: "What was sent is larger than this page takes.",
    500: "It is in the server's log. Try again; if it happens again, give an administrator the number below.",
}

_log = logs.get(__name__)


def install(app: Flask) -> None:
    """Turn every error into an answer."""
    app.register_error_handler(QaAuditError, _ours)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def status_of(error: QaAuditError) -> HTTPStatus:
    """Return the HTTP status of one of our errors."""
    if isinstance(error, Refused):
        return REFUSED.get(error.kind, HTTPStatus.UNPROCESSABLE_ENTITY)
    fitting = (status for kind, status in STATUS_OF if isinstance(error, kind))
    return next(fitting, HTTPStatus.INTERNAL_SERVER_ERROR)


def in_words(error: QaAuditError) -> str:
    """Return an error in words, with what is wrong in each field unless that says the same again."""
    fields = error.fields.items() if isinstance(error, Invalid) else ()
    details = "; ".join(f"{name} {text}" for name, text in fields if text not in error.message)
    return f"{error.message} ({details})" if details else error.message


def _ours(error: QaAuditError) -> Response:
    response = _answer(status_of(error), in_words(error))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _csrf(error: CSRFError) -> Response:
    return _answer(
        HTTPStatus.BAD_REQUEST,
        "The page was open in another sign-in, or the request came from another site. Nothing was changed: "
        "load the page again and repeat what you did.",
    )


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = HTTPStatus(error.code or 500)
    message = MESSAGES.get(status, error.description or "")
    response = _answer(status, message)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _unforeseen(error: Exception) -> Response:
    # The error's own words may quote what somebody typed or said, so they stay out of the log.
    where = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)[-8:]
    ]
    _log.error("unforeseen error", kind=type(error).__name__, endpoint=request.endpoint, where=where)
    g.is_broken = True
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, MESSAGES[500])


def _answer(status: HTTPStatus, message: str) -> Response:
    title = TITLES.get(status, status.phrase)
    if request.path.startswith("/api/"):
        return problem(status.phrase.lower().replace(" ", "-"), status, title, message)
    page = ErrorPage(title=title, message=message, request_id=g.get("request_id", ""))
    if is_fragment():
        fragment = make_response(render_block("errors/error.html", "notice", page=page), status)
        fragment.headers.update({"HX-Retarget": "#flash", "HX-Reswap": "innerHTML"})
        return fragment
    # After an unforeseen error nothing may be asked of the database again, not even who is signed in.
    template = "errors/broken.html" if status == HTTPStatus.INTERNAL_SERVER_ERROR else "errors/error.html"
    return make_response(render_template(template, page=page), status)
