"""The HTTP API for scripts: bearer tokens, JSON, problem documents; described at /api/v1/openapi.json."""

from __future__ import annotations

import re
from collections import Counter
from typing import cast

from flask import Blueprint, Response, g, jsonify, request

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.imported.cues import FIELD as TRANSCRIPT
from qa_audit.domain.imported.cues import MOST_BYTES
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import accounts, calls, erasing, ingest, scorecard_lists, scorecards
from qa_audit.services.call_fields import read_fields
from qa_audit.web.api import openapi, problems
from qa_audit.web.api.multipart import received_form
from qa_audit.web.api.shapes import call_json, card_json, card_page_json, detail_json, page_json
from qa_audit.web.context import runtime

__all__ = ["blueprint", "call_json"]

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
problems.install(blueprint)

PUBLIC = frozenset({"api.document"})
"""Endpoints that need no token."""

_APART = ("vendor", TRANSCRIPT)
"""Fields of an upload that say nothing about the call itself."""
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@blueprint.before_request
def identify() -> None:
    """Find out who asks, before a byte of the body is read."""
    if request.endpoint not in PUBLIC:
        g.api_actor = _bearer()
    twice = [
        name
        for name, times in Counter(name for name, _ in request.args.items(multi=True)).items()
        if times > 1
    ]
    if twice:
        raise Invalid("The address cannot be used.", dict.fromkeys(twice, "is given more than once"))


@blueprint.get("/openapi.json")
def document() -> Response:
    """Describe the API."""
    return jsonify(openapi.document())


@blueprint.post("/calls")
def create_call() -> tuple[Response, int]:
    """Take a recording in: 201 once it is kept for good, 200 when this vendor has these bytes already."""
    ports = runtime()
    ensure(_actor(), "upload")
    key = _idempotency_key()
    with received_form(request, ports) as form:
        filename, file = form.one_file("audio", beside=TRANSCRIPT)
        vendors = [text for name, text in form.texts if name == "vendor"]
        if len(vendors) != 1 or not vendors[0].strip():
            what = "is given more than once" if len(vendors) > 1 else "is missing: the short name of a vendor"
            raise Invalid("The upload cannot be used.", {"vendor": what})
        said = read_fields((pair for pair in form.texts if pair[0] not in _APART), ports.clock())
        transcript = form.maybe_bytes(TRANSCRIPT, MOST_BYTES)
        upload = ingest.IncomingCall(file, filename, vendors[0].strip(), said, key, transcript)
        accepted = ingest.accept(ports, _actor(), upload)
    response = jsonify(accepted.to_json())
    response.headers["Location"] = f"{blueprint.url_prefix}/calls/{accepted.id}"
    return response, 201 if accepted.created else 200


@blueprint.get("/calls")
def list_calls() -> Response:
    """List calls, newest first, page by page."""
    filter = calls.parse_filter(request.args.items(multi=True))
    return jsonify(page_json(calls.list_calls(runtime(), _actor(), filter)))


@blueprint.get("/calls/<id>")
def get_call(id: str) -> Response:
    """Show one call."""
    return jsonify(detail_json(calls.get_call(runtime(), _actor(), id)))


@blueprint.get("/calls/<id>/transcript")
def get_transcript(id: str) -> Response:
    """Show a call's transcript, long numbers masked."""
    call = _heard_call(id)
    if call.transcript is None:
        raise NotFound(f"This call has no transcript yet: it is '{call.status}'.")
    return jsonify(call.transcript.to_json())


@blueprint.get("/calls/<id>/prescore")
def get_prescore(id: str) -> Response:
    """Show what the machine answered, one pre-score per rubric."""
    call = _heard_call(id)
    return jsonify({"prescores": [prescore.to_json() for prescore in call.prescores]})


@blueprint.delete("/calls/<id>")
def delete_call(id: str) -> Response:
    """Delete a call that was not audited yet, with everything made from it."""
    erasing.delete_call(runtime(), _actor(), id)
    return Response(status=204)


@blueprint.get("/scorecards")
def list_scorecards() -> Response:
    """List published scorecards, the last published first, page by page."""
    filter = scorecard_lists.parse_filter(request.args.items(multi=True))
    ports = runtime()
    return jsonify(card_page_json(scorecard_lists.list_cards(ports, _actor(), filter), ports.clock()))


@blueprint.get("/scorecards/<id>")
def get_scorecard(id: str) -> Response:
    """Show one scorecard with its snapshot."""
    ports = runtime()
    card = scorecards.show(ports, _actor(), id)
    return jsonify({**card_json(card, ports.clock()), "snapshot": card.snapshot.to_json()})


def _heard_call(id: str) -> calls.CallDetail:
    """Return a call for a token that may know what was said in it."""
    call = calls.get_call(runtime(), _actor(), id)
    ensure(_actor(), "hear_calls")
    return call


def _actor() -> Actor:
    return cast(Actor, g.api_actor)


def _bearer() -> Actor:
    """Return who the request's token acts as; raises Unauthorized."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise problems.Unauthorized("Send the header 'Authorization: Bearer' with an API token.")
    actor = accounts.authenticate_token(runtime(), token.strip())
    if actor is None:
        raise problems.Unauthorized("This API token is not known here, or it was revoked.")
    return actor


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key.strip()):
        what = "must have 1 to 255 characters of plain ASCII"
        raise Invalid("The request cannot be used.", {"Idempotency-Key": what})
    return key.strip() if key is not None else None
