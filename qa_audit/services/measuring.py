"""The first stage: decode a recording once, whole, and keep what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qa_audit.domain.acoustics import merge
from qa_audit.domain.call import Span
from qa_audit.domain.transcript import Event, Layout, Speaker
from qa_audit.errors import Permanent
from qa_audit.media.protocol import Measurement
from qa_audit.services.stage import Outcome, Work
from qa_audit.storage import results
from qa_audit.storage.database import Session
from qa_audit.storage.results import Subject

MOST_SECONDS = 3600.0
"""The stage's deadline: the decoder limits itself to half of it, finding speech takes minutes at most."""

LAYOUTS: Mapping[str, Layout] = {"agent-left": "stereo-agent-left", "agent-right": "stereo-agent-right"}
"""What each setting of a vendor or a call makes of two channels; any other leaves the speakers unknown."""

SPEAKERS: Mapping[Layout, tuple[Speaker, ...]] = {
    "stereo-agent-left": ("agent", "customer"),
    "stereo-agent-right": ("customer", "agent"),
    "stereo-unknown": ("unknown", "unknown"),
    "dual-mono": ("unknown",),
    "mono": ("unknown",),
}
"""Who speaks on each channel that is transcribed."""


def run(work: Work) -> Outcome:
    """Measure the recording; raises Permanent with the failure's name, or Temporary."""
    work.limit(MOST_SECONDS)
    path = work.ports.media.local_path(work.subject.media_key)
    measured = work.ports.recordings.measure(path, progress=work.progress)
    layout = layout_of(work.subject, measured)

    def store(session: Session) -> None:
        results.save_measurement(session, work.lease.call_id, to_facts(measured), layout=layout)

    return Outcome(store, status="received", next_stage="transcribe")


def layout_of(subject: Subject, measured: Measurement) -> Layout:
    """Say how a recording is laid out: the call's own setting wins over the vendor's (see `layout_for`)."""
    return layout_for(
        measured, subject.channels if subject.channels not in (None, "auto") else subject.vendor_channels
    )


def layout_for(measured: Measurement, channels: str | None) -> Layout:
    """Say how a recording is laid out when `channels` says which side of a stereo one the agent is on.

    One voice track, mono or the same on both channels, holds both people: nobody knows who says what. Raises
    Permanent(`too_many_channels`).
    """
    if measured.channels > 2:
        raise Permanent("too_many_channels", "The recording has more than two channels.")
    if measured.channels == 1:
        return "mono"
    if measured.layout_hint == "dual-mono":
        return "dual-mono"
    return LAYOUTS.get(channels or "", "stereo-unknown")


def speech_of(layout: Layout, measured: Measurement) -> dict[Speaker, tuple[Span, ...]]:
    """Return each speaker's measured stretches of speech, of all their channels together."""
    found: dict[Speaker, list[Span]] = {}
    for speaker, spans in zip(SPEAKERS[layout], measured.speech, strict=False):
        found.setdefault(speaker, []).extend(spans)
    return {speaker: tuple(merge(spans)) for speaker, spans in found.items()}


def to_facts(measured: Measurement) -> dict[str, Any]:
    """Return the measurement as plain data for storage."""
    facts = asdict(measured)
    facts["speech"] = [[list(span) for span in spans] for spans in measured.speech]
    facts["events"] = [event.model_dump(mode="json") for event in measured.events]
    return facts


def from_facts(facts: Mapping[str, Any]) -> Measurement:
    """Build the measurement from stored data; the reverse of `to_facts`."""
    speech = tuple(tuple((float(start), float(end)) for start, end in spans) for spans in facts["speech"])
    return Measurement(
        duration=facts["duration"],
        sample_rate=facts["sample_rate"],
        channels=facts["channels"],
        layout_hint=facts["layout_hint"],
        speech=speech,
        levels=tuple(facts["levels"]),
        warnings=tuple(facts["warnings"]),
        events=tuple(Event.model_validate(event) for event in facts.get("events", ())),
    )
