"""Uploading by hand: one request per file with JavaScript, one form with all files without."""

from __future__ import annotations

from flask import flash, jsonify, redirect, request, url_for
from flask_wtf.csrf import CSRFError, ValidationError, validate_csrf
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from qa_audit.domain.access import ensure
from qa_audit.errors import Invalid, QaAuditError
from qa_audit.services import ingest, vendors
from qa_audit.services.ingest import IncomingCall, ReceivedFile
from qa_audit.services.speech_input import DEMO_MODEL
from qa_audit.web.api.multipart import received_form
from qa_audit.web.auth import actor
from qa_audit.web.calls.pages import UploadLine, UploadPage
from qa_audit.web.calls.routes import blueprint
from qa_audit.web.context import runtime
from qa_audit.web.errors import in_words, status_of
from qa_audit.web.htmx import render
from qa_audit.web.pages import Choice
from qa_audit.web.templating import count

Answer = str | Response | tuple[str, int]


@blueprint.get("/calls/upload")
def upload() -> str:
    """Show the form."""
    ensure(actor(), "upload")
    return render("calls/upload.html", _page())


@blueprint.post("/calls/upload", endpoint="receive")
def receive() -> Answer:
    """Take recordings in, straight to disk, and say what became of each.

    The form's token is checked here, once the whole form is on disk: reading it earlier would read the
    recordings into Flask's own temporary files first.
    """
    ensure(actor(), "upload")
    wants_json = request.accept_mimetypes.best == "application/json"
    try:
        lines = _received(request.headers.get("X-CSRFToken"))
    except (QaAuditError, HTTPException) as error:
        if isinstance(error, CSRFError):
            raise
        return _refused(error, wants_json)
    if wants_json:
        return jsonify(lines=lines)
    if any(line.tone == "bad" for line in lines):
        return render("calls/upload.html", _page(lines)), 422
    flash(_summary(lines))
    return redirect(url_for("calls.index"), 303)


def _received(token: str | None) -> tuple[UploadLine, ...]:
    with received_form(request, runtime()) as form:
        texts = dict(form.texts)
        try:
            validate_csrf(token or texts.get("csrf_token"))
        except ValidationError as error:
            raise CSRFError(str(error)) from error
        files = [(name, file) for field, name, file in form.files if field == "audio" and name]
        if not files:
            raise Invalid("Choose at least one recording.", {"audio": "is missing"})
        return tuple(_taken(texts.get("vendor", ""), name, file) for name, file in files)


def _taken(vendor: str, name: str, file: ReceivedFile) -> UploadLine:
    """Hand one recording over and say what became of it."""
    try:
        accepted = ingest.accept(runtime(), actor(), IncomingCall(file, name, vendor))
    except QaAuditError as error:
        return UploadLine(name, f"refused: {in_words(error)}", "bad", None)
    words = "accepted" if accepted.created else "there already"
    return UploadLine(name, words, "good", url_for("calls.show", id=accepted.id))


def _refused(error: QaAuditError | HTTPException, wants_json: bool) -> Answer:
    """Answer for a form of which nothing was taken."""
    status = int(status_of(error)) if isinstance(error, QaAuditError) else error.code or 400
    words = (
        in_words(error) if isinstance(error, QaAuditError) else error.description or "It was not understood."
    )
    if wants_json:
        answer = jsonify(lines=[UploadLine("", f"refused: {words}", "bad", None)])
        answer.status_code = status
        return answer
    return render("calls/upload.html", _page(error=words)), status


def _summary(lines: tuple[UploadLine, ...]) -> str:
    there = sum(line.words == "there already" for line in lines)
    text = f"{count(len(lines) - there, 'recording')} accepted"
    return f"{text}, {there} there already." if there else f"{text}."


def _page(lines: tuple[UploadLine, ...] = (), error: str = "") -> UploadPage:
    ports = runtime()
    found = vendors.list_vendors(ports, actor())
    return UploadPage(
        vendors=tuple(Choice(vendor.slug, vendor.name) for vendor in found),
        lines=lines,
        error=error,
        largest=f"{ports.settings.max_upload_bytes / 2**20:g} MiB",
        demo_model=ports.settings.whisper_model == DEMO_MODEL,
    )
