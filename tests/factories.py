"""Things to test with, valid by default: `with runtime.db.write() as session: call = make_call(session)`.

Every function adds its row, flushes, and returns it; keywords replace single values. Rows stay readable after
the session is closed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from qa_audit.domain.transcript import EngineInfo, Segment, Transcript, Word
from qa_audit.storage import tables
from qa_audit.storage.database import Session

STARTED = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

RUBRIC = """\
id: {rubric}
version: {version}
title: {title}
effective_from: {effective_from}
pass_mark: 80
sections:
  - id: only
    title: Only section
    criteria:
      - {{id: question, title: Was it well done?, points: 1, check: {{kind: manual}}}}
"""

_numbers = count(1)


def make_vendor(session: Session, **values: Any) -> tables.Vendor:
    """Add a vendor whose agents are on the left channel."""
    number = next(_numbers)
    return _add(session, tables.Vendor(**{"slug": f"vendor-{number}", "name": f"Vendor {number}", **values}))


def make_agent(session: Session, vendor: tables.Vendor | None = None, **values: Any) -> tables.Agent:
    """Add somebody on the phone; without a vendor a new one is made."""
    vendor = vendor or make_vendor(session)
    usual = {"vendor_id": vendor.id, "name": f"Agent {next(_numbers)}"}
    return _add(session, tables.Agent(**{**usual, **values}))


def make_user(session: Session, role: str = "reviewer", **values: Any) -> tables.User:
    """Add somebody who signs in; they have no password yet."""
    email = f"{role}-{next(_numbers)}@example.org"
    usual = {"email": email, "name": role.title(), "role": role, "session_key": f"session {email}"}
    return _add(session, tables.User(**{**usual, **values}))


def make_call(session: Session, vendor: tables.Vendor | None = None, **values: Any) -> tables.Call:
    """Add a call that was just received, without recording or task; without a vendor a new one is made."""
    vendor = vendor or make_vendor(session)
    title = f"Call {next(_numbers)}"
    usual = {"vendor_id": vendor.id, "started_at": STARTED, "utc_offset": 0, "title": title}
    return _add(session, tables.Call(**{**usual, **values}))


def make_recording(session: Session, call: tables.Call | None = None, **values: Any) -> tables.Recording:
    """Add the row of a call's recording; its bytes are in no store unless the test puts them there."""
    call = call or make_call(session)
    sha256 = hashlib.sha256(f"recording {next(_numbers)}".encode()).hexdigest()
    usual = {
        "call_id": call.id,
        "vendor_id": call.vendor_id,
        "sha256": sha256,
        "size": 16_044,
        "filename": "call.wav",
        "container": "wav",
        "codec": "pcm_s16le",
        "sample_rate": 8_000,
        "channels": 2,
        "media_key": f"original/{sha256}",
    }
    return _add(session, tables.Recording(**{**usual, **values}))


def make_task(
    session: Session, call: tables.Call | None = None, stage: str = "measure", **values: Any
) -> tables.Task:
    """Add a queued, due task; a call made for it gets a recording too."""
    if call is None:
        call = make_call(session)
        make_recording(session, call)
    return _add(session, tables.Task(**{"call_id": call.id, "stage": stage, **values}))


def make_measurement(
    session: Session, call: tables.Call | None = None, **facts: Any
) -> tables.MeasurementRow:
    """Add what measuring a minute of stereo found."""
    call = call or make_call(session)
    usual = {
        "duration": 60.0,
        "sample_rate": 8_000,
        "channels": 2,
        "layout_hint": "stereo",
        "speech": [[[1.0, 20.0]], [[21.0, 55.0]]],
        "levels": [-22.0, -24.0],
        "warnings": [],
    }
    return _add(session, tables.MeasurementRow(call_id=call.id, facts={**usual, **facts}))


def make_transcript(
    session: Session,
    call: tables.Call | None = None,
    transcript: Transcript | None = None,
    *,
    masked: Transcript | None = None,
    **values: Any,
) -> tables.TranscriptRow:
    """Add a transcript; `masked` is what readers see, the same words unless given."""
    call = call or make_call(session)
    transcript = transcript or spoken(("agent", "Thank you for calling."), ("customer", "Hello."))
    usual = {
        "call_id": call.id,
        "masked": (masked or transcript).to_json(),
        "mask_spans": [],
        "sealed": zlib.compress(json.dumps(transcript.to_json()).encode()),
        "words": transcript.word_count,
        "model": transcript.engine.model,
    }
    return _add(session, tables.TranscriptRow(**{**usual, **values}))


def make_rubric_version(session: Session, **values: Any) -> tables.RubricVersion:
    """Add a published rubric version with one manual question; `source` replaces its text."""
    number = next(_numbers)
    usual = {
        "rubric": f"rubric-{number}",
        "version": 1,
        "title": f"Rubric {number}",
        "effective_from": date(2026, 1, 1),
        **values,
    }
    usual.setdefault("source", RUBRIC.format(**usual))
    usual.setdefault("sha256", hashlib.sha256(usual["source"].encode()).hexdigest())
    return _add(session, tables.RubricVersion(**usual))


def spoken(*turns: tuple[str, str], layout: str = "stereo-agent-left", **values: Any) -> Transcript:
    """Build a transcript from (speaker, text) turns: a word takes 0.3 s, a pause between turns 0.5 s."""
    segments, at = [], 1.0
    for number, (speaker, text) in enumerate(turns):
        words = tuple(
            Word(start=round(at + i * 0.3, 3), end=round(at + (i + 1) * 0.3, 3), text=word, probability=0.95)
            for i, word in enumerate(text.split())
        )
        segment = {"id": number, "speaker": speaker, "start": at, "end": words[-1].end, "text": text}
        segments.append(Segment.model_validate({**segment, "words": words}))
        at = words[-1].end + 0.5
    engine = EngineInfo(name="scripted", model="scripted")
    usual = {"duration": round(at + 1, 3), "layout": layout, "engine": engine, "segments": tuple(segments)}
    return Transcript.model_validate({**usual, **values})


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row
