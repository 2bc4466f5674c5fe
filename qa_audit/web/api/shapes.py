"""The JSON of calls as the API shows them."""

from __future__ import annotations

from datetime import datetime

from qa_audit.services.calls import CallDetail, CallPage, CallRow, RecordingFacts


def page_json(page: CallPage) -> dict[str, object]:
    """Return a page of a list of calls."""
    return {
        "calls": [call_json(row) for row in page.rows],
        "next_cursor": page.next_cursor,
        "total": page.total,
    }


def call_json(row: CallRow) -> dict[str, object]:
    """Return one call as a list shows it; times are ISO 8601 with an offset, `duration` is in seconds."""
    copied = (
        *("id", "vendor", "external_id", "agent", "direction", "queue", "language", "channels", "duration"),
        *("layout", "status", "stage", "progress", "failure", "sha256", "filename"),
    )
    return {
        **{name: getattr(row, name) for name in copied},
        "message": row.words,
        "warnings": list(row.warnings),
        "started_at": _moment(row.started_at),
        "received_at": _moment(row.created_at),
    }


def detail_json(call: CallDetail) -> dict[str, object]:
    """Return one call with its custom facts and what is known about its recording."""
    recording = _recording_json(call.recording) if call.recording else None
    return {**call_json(call), "custom": dict(call.custom), "recording": recording}


def _recording_json(recording: RecordingFacts) -> dict[str, object]:
    shown = ("sha256", "size", "filename", "container", "codec", "sample_rate", "channels")
    return {name: getattr(recording, name) for name in shown}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
