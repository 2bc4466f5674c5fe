"""Fill an installation as a day's work would: vendors, sign-ins, and bundled calls that went through every stage.

The words of a bundled call come from its script, so that no speech model is needed; everything else is real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from qa_audit.domain.access import SYSTEM
from qa_audit.domain.transcript import EngineInfo, Segment
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, ingest, rubrics, vendors
from qa_audit.services.call_fields import CallFields, read_fields
from qa_audit.services.receiving import receive
from qa_audit.speech.scripted import ScriptedTranscriber
from tests.fakes import work_off

DEMO = Path(__file__).resolve().parents[1] / "qa_audit" / "demo"
PASSWORD = "three words in a row"
MODEL = EngineInfo(name="scripted", model="base.en", model_sha256="1" * 64)


def manifest() -> dict[str, Any]:
    """Read the bundled calls' manifest."""
    data: dict[str, Any] = json.loads((DEMO / "manifest.json").read_text(encoding="utf-8"))
    return data


def sign_ins(runtime: Runtime) -> None:
    """Add one person per role of the client's side: admin@, reviewer@ and viewer@example.org."""
    for role in ("admin", "reviewer", "viewer"):
        accounts.ensure_demo_user(runtime, f"{role}@example.org", role, PASSWORD)


def bundled(runtime: Runtime, *ids: str) -> dict[str, str]:
    """Take bundled calls through every stage; returns their public ids by their name in the manifest."""
    data = manifest()
    rubrics.sync_bundled(runtime)
    known = {vendor.slug for vendor in vendors.list_vendors(runtime, SYSTEM)}
    for vendor in data["vendors"]:
        if vendor["slug"] not in known:
            vendors.add(runtime, SYSTEM, vendor["slug"], vendor["name"], channels=vendor["channels"])
    entries = {entry["id"]: entry for part in ("calls", "extras") for entry in data[part]}
    return {id: _take(runtime, entries[id]) for id in ids}


def upload(runtime: Runtime, vendor: str, path: Path, **fields: str) -> str:
    """Take one file in for a vendor without working on it; returns the call's public id."""
    file = receive(runtime, BytesIO(path.read_bytes()))
    said = read_fields(fields.items(), runtime.clock()) if fields else CallFields()
    return ingest.accept(runtime, SYSTEM, ingest.IncomingCall(file, path.name, vendor, said)).id


def _take(runtime: Runtime, entry: dict[str, Any]) -> str:
    runtime.speech = ScriptedTranscriber(segments(entry), info=MODEL)
    path = DEMO / entry["file"]
    file = receive(runtime, BytesIO(path.read_bytes()))
    texts = {
        name: entry[name] for name in ("agent", "external_id", "started_at", "queue", "direction", "language")
    }
    said = read_fields(texts.items(), runtime.clock())
    fields = replace(said, title=entry["title"], custom=entry.get("custom", {}))
    accepted = ingest.accept(runtime, SYSTEM, ingest.IncomingCall(file, path.name, entry["vendor"], fields))
    work_off(runtime)
    return accepted.id


def segments(entry: dict[str, Any]) -> Sequence[Segment]:
    """Return a bundled call's script as a recogniser would have heard it, word for word."""
    return [
        Segment.model_validate(
            {
                "id": number,
                "speaker": turn["speaker"],
                "start": turn["start"],
                "end": turn["end"],
                "text": " ".join(word for word, _, _ in turn["words"]),
                "words": [
                    {"text": word, "start": start, "end": max(start, end), "probability": 0.97}
                    for word, start, end in turn["words"]
                ],
            }
        )
        for number, turn in enumerate(entry.get("turns", ()))
    ]
