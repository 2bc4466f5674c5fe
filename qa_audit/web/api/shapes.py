"""The JSON of calls and scorecards as the API shows them."""

from __future__ import annotations

from datetime import datetime

from qa_audit.services.calls import CallDetail, CallPage, CallRow, RecordingFacts
from qa_audit.services.scorecard_lists import CardPage, CardRow, state_of


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
        *("layout", "status", "stage", "progress", "seconds_left", "failure", "sha256", "filename"),
        "transcript_sha256",
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


def card_page_json(page: CardPage, now: datetime) -> dict[str, object]:
    """Return a page of a list of scorecards."""
    return {
        "scorecards": [card_json(row, now) for row in page.rows],
        "next_cursor": page.next_cursor,
        "total": page.total,
    }


def card_json(card: CardRow, now: datetime) -> dict[str, object]:
    """Return one scorecard as a list shows it: the call's facts and the result as they were published."""
    return {
        "id": card.id,
        "state": state_of(card, now),
        "published_at": _moment(card.published_at),
        "answer_by": _moment(card.answer_by),
        "acknowledged_at": _moment(card.acknowledged_at),
        "comment": card.comment,
        "is_sample": card.is_sample,
        "call": card.call.model_dump(mode="json"),
        "summary": card.summary.model_dump(mode="json"),
    }


def _recording_json(recording: RecordingFacts) -> dict[str, object]:
    shown = ("sha256", "size", "filename", "container", "codec", "sample_rate", "channels")
    return {name: getattr(recording, name) for name in shown}


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
