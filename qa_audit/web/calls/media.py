"""The sound of a call: its masked playback copy and waveform, never the original."""

from __future__ import annotations

from typing import Literal

from flask import Response, send_file

from qa_audit.services import calls
from qa_audit.web.auth import actor
from qa_audit.web.calls.routes import blueprint
from qa_audit.web.context import runtime


@blueprint.get("/calls/<id>/audio")
def audio(id: str) -> Response:
    """Send the playback copy; every part of it that a player asks for is asked for anew."""
    return _derived(id, "playback", "audio/mp4", "call.m4a")


@blueprint.get("/calls/<id>/peaks")
def peaks(id: str) -> Response:
    """Send the waveform's peaks."""
    return _derived(id, "peaks", "application/json", "peaks.json")


def _derived(id: str, kind: Literal["playback", "peaks"], mimetype: str, name: str) -> Response:
    ports, who = runtime(), actor()
    key = calls.derived_key(ports, who, id, kind)
    response = send_file(ports.media.local_path(key), mimetype, download_name=name, conditional=True)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
