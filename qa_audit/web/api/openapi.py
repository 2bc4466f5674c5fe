"""The API's description (OpenAPI 3.1), put together from the routes' facts and the schemas of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, get_args

from pydantic import BaseModel

from qa_audit.domain.findings import PreScore
from qa_audit.domain.imported.reading import FORMATS
from qa_audit.domain.scorecard import Snapshot
from qa_audit.domain.transcript import Layout, Transcript
from qa_audit.domain.workflow import FAILURES, STAGES
from qa_audit.services.call_fields import CHANNELS, DIRECTIONS
from qa_audit.services.calls import STATUSES
from qa_audit.services.list_filters import MOST_ROWS
from qa_audit.services.scorecard_lists import ALL_STATES, OUTCOMES, STATES

Schema = dict[str, Any]

_REF = "#/components/schemas/"
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_YES_NO: Schema = {"type": "string", "enum": ["yes", "no"]}

PROBLEMS = {
    400: "The form is broken or was cut off.",
    401: "The token is missing, unknown or revoked.",
    403: "The token does not allow this.",
    404: "There is no such thing, or it is outside the token's scope.",
    409: "Something else came first; the problem's type says what. With Retry-After, waiting helps.",
    413: "The recording is larger than the installation takes.",
    415: "The file is not a recording of an accepted kind.",
    422: "A field or parameter cannot be used, or the recording is empty or broken; `errors` names each.",
    503: "Not possible right now; Retry-After says when to ask again.",
    507: "The disk is too full; nothing was stored.",
}
"""The problems an operation can answer with, in words."""


def document() -> Schema:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "QA Audit",
            "version": version("qa-audit"),
            "description": "Upload recordings of calls and read what became of them.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _paths() -> Schema:
    one = {"name": "id", "in": "path", "required": True, "schema": _TEXT, "description": "The call's id."}
    return {
        "/openapi.json": {
            "get": {
                **_operation("This description.", {200: _answer("The description.", {"type": "object"})}),
                "security": [],
            }
        },
        "/calls": {"get": _list_operation(), "post": _upload_operation()},
        "/calls/{id}": {
            "parameters": [one],
            "get": _operation("One call.", {200: _answer("The call.", _ref("CallDetail"))}, 404),
            "delete": _operation(
                "Delete a call that was not audited yet, with everything made from it (scope admin).",
                {204: {"description": "It is gone."}},
                *(403, 404, 409),
            ),
        },
        "/calls/{id}/transcript": {
            "parameters": [one],
            "get": _operation(
                "A call's transcript, with long numbers masked.",
                {200: _answer("The transcript.", _ref("Transcript"))},
                404,
            ),
        },
        **_card_paths(),
        "/calls/{id}/prescore": {
            "parameters": [one],
            "get": _operation(
                "What the machine answered, one pre-score per rubric.",
                {200: _answer("The pre-scores.", _ref("PreScores"))},
                404,
            ),
        },
    }


def _list_operation() -> Schema:
    parameters = {
        "vendor": ("The vendor's short name.", _TEXT),
        "status": ("Where the call is.", {"type": "string", "enum": list(STATUSES)}),
        "agent": ("The agent's name.", _TEXT),
        "queue": ("The queue's name.", _TEXT),
        "q": ("Something in external id, title or agent's name.", _TEXT),
        "from": ("First day on which the call began.", {"type": "string", "format": "date"}),
        "to": ("Last day on which the call began.", {"type": "string", "format": "date"}),
        "sha256": ("The hash of the recording's bytes.", _SHA256),
        "sample": ("Whether drawn history is among them; it is not unless asked for.", _YES_NO),
        "cursor": ("Where to go on: `next_cursor` of the page before.", _TEXT),
        "limit": ("Calls per page.", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 50}),
    }
    answer = {200: _answer("One page, newest first.", _ref("CallPage"))}
    return {**_operation("List calls.", answer, 404, 422), "parameters": _in_query(parameters)}


def _card_paths() -> Schema:
    one = {"name": "id", "in": "path", "required": True, "schema": _TEXT, "description": "The card's id."}
    shown = {200: _answer("The scorecard.", _ref("ScorecardDetail"))}
    return {
        "/scorecards": {"get": _cards_operation()},
        "/scorecards/{id}": {
            "parameters": [one],
            "get": _operation("One scorecard with its snapshot, which never changes.", shown, 404),
        },
    }


def _cards_operation() -> Schema:
    parameters = {
        "vendor": ("The vendor's short name.", _TEXT),
        "team": ("The team's name.", _TEXT),
        "agent": ("The agent's name.", _TEXT),
        "outcome": ("What came out.", {"type": "string", "enum": list(OUTCOMES)}),
        "state": ("What the card waits for.", {"type": "string", "enum": list(STATES)}),
        "line": ("The id of a line that lost points.", _TEXT),
        "from": ("First day on which the call began.", {"type": "string", "format": "date"}),
        "to": ("Last day on which the call began.", {"type": "string", "format": "date"}),
        "cursor": ("Where to go on: `next_cursor` of the page before.", _TEXT),
        "limit": ("Cards per page.", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 50}),
    }
    answer = {200: _answer("One page, the last published first.", _ref("ScorecardPage"))}
    described = _operation("List published scorecards.", answer, 403, 404, 422)
    return {**described, "parameters": _in_query(parameters)}


def _in_query(parameters: Mapping[str, tuple[str, Schema]]) -> list[Schema]:
    return [
        {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
        for name, (words, schema) in parameters.items()
    ]


def _upload_operation() -> Schema:
    fields: Schema = {
        "audio": {"type": "string", "contentMediaType": "application/octet-stream"},
        "vendor": {"type": "string", "description": "The vendor's short name."},
        "agent": {"type": "string", "maxLength": 100},
        "external_id": {"type": "string", "maxLength": 200},
        "started_at": {"type": "string", "format": "date-time", "description": "With its offset."},
        "direction": {"type": "string", "enum": list(DIRECTIONS)},
        "queue": {"type": "string", "maxLength": 100},
        "language": {"type": "string", "description": "A tag of BCP 47, such as en or en-GB."},
        "channels": {"type": "string", "enum": list(CHANNELS)},
        "transcript": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": f"Used instead of transcribing: {FORMATS}; as a file or as text.",
        },
    }
    form = {
        "type": "object",
        "properties": fields,
        "patternProperties": {"^custom\\.[A-Za-z0-9_.-]{1,50}$": {"type": "string", "maxLength": 500}},
        "additionalProperties": False,
        "required": ["audio", "vendor"],
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "The same key and upload within 24 hours give the same answer.",
    }
    answers = {
        201: _answer("Kept for good: synced to disk and written down.", _ref("Accepted")),
        200: _answer("The vendor has these bytes already; what is stored stays.", _ref("Existing")),
    }
    return {
        **_operation("Upload a recording.", answers, 400, 403, 409, 413, 415, 422, 503, 507),
        "parameters": [key],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
    }


def _operation(summary: str, answers: Mapping[int, Schema], *problems: int) -> Schema:
    refused = {
        str(status): _answer(PROBLEMS[status], _ref("Problem"), "application/problem+json")
        for status in (401, *problems)
    }
    return {
        "summary": summary,
        "responses": {**{str(status): answer for status, answer in answers.items()}, **refused},
    }


def _answer(words: str, schema: Schema, media_type: str = "application/json") -> Schema:
    return {"description": words, "content": {media_type: {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": _REF + name}


def _schemas() -> Schema:
    return {
        "Problem": _problem(),
        "Accepted": _object(_accepted()),
        "Existing": _object(
            {**_accepted(), "differences": _list(_object({"field": _TEXT, "stored": {}, "sent": {}}))}
        ),
        "Call": _object(_call()),
        "CallDetail": _object(
            {
                **_call(),
                "custom": {"type": "object"},
                "recording": {"anyOf": [_ref("Recording"), {"type": "null"}]},
            }
        ),
        "CallPage": _object(
            {
                "calls": _list(_ref("Call")),
                "next_cursor": _TEXT_OR_NULL,
                "total": {"type": "integer", "minimum": 0},
            }
        ),
        "Recording": _object(
            {
                **dict.fromkeys(("filename", "container", "codec"), _TEXT),
                **{name: {"type": "integer"} for name in ("size", "sample_rate", "channels")},
                "sha256": _SHA256,
            }
        ),
        "PreScores": _object({"prescores": _list(_ref("PreScore"))}),
        **_card_schemas(),
        **_model(Transcript),
        **_model(PreScore),
    }


def _problem() -> Schema:
    return _object(
        {
            "type": {"type": "string", "format": "uri"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "request_id": _TEXT,
            "errors": _list(_object({"field": _TEXT, "message": _TEXT})),
        },
        optional=("errors", "request_id"),
    )


def _accepted() -> Schema:
    return {"id": _TEXT, "status": {"type": "string", "enum": list(STATUSES)}, "sha256": _SHA256}


def _call() -> Schema:
    optional = ("external_id", "agent", "direction", "queue", "language", "channels", "filename", "message")
    return {
        **dict.fromkeys(optional, _TEXT_OR_NULL),
        "id": _TEXT,
        "vendor": _TEXT,
        "status": {"type": "string", "enum": list(STATUSES)},
        "stage": {"type": ["string", "null"], "enum": [*STAGES, None]},
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "seconds_left": {
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "An estimate of what is left of the stage, in seconds.",
        },
        "failure": {"type": ["string", "null"], "enum": [*FAILURES, None]},
        "warnings": _list(_TEXT),
        "started_at": _MOMENT,
        "received_at": _MOMENT,
        "duration": {"type": ["number", "null"], "minimum": 0, "description": "Seconds."},
        "layout": {"type": ["string", "null"], "enum": [*get_args(Layout), None]},
        "sha256": {**_SHA256, "type": ["string", "null"]},
        "transcript_sha256": {**_SHA256, "type": ["string", "null"]},
    }


def _card_schemas() -> Schema:
    return {
        "Scorecard": _object(_card()),
        "ScorecardDetail": _object({**_card(), "snapshot": _ref("Snapshot")}),
        "ScorecardPage": _object(
            {
                "scorecards": _list(_ref("Scorecard")),
                "next_cursor": _TEXT_OR_NULL,
                "total": {"type": "integer", "minimum": 0},
            }
        ),
        **_model(Snapshot),
    }


def _card() -> Schema:
    moment = {"type": "string", "format": "date-time"}
    return {
        "id": _TEXT,
        "state": {"type": "string", "enum": list(ALL_STATES)},
        **dict.fromkeys(("published_at", "answer_by"), moment),
        "acknowledged_at": _MOMENT,
        "comment": _TEXT_OR_NULL,
        "is_sample": {"type": "boolean"},
        "call": _ref("CardCall"),
        "summary": _ref("Summary"),
    }


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _model(model: type[BaseModel]) -> Schema:
    """Return a domain model's schema and those it is made of, by name."""
    schema = model.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}
