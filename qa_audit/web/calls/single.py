"""One call as its template reads it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import url_for

from qa_audit.domain.access import Actor, can
from qa_audit.domain.imported.reading import ENGINE as IMPORTED
from qa_audit.domain.transcript import EngineInfo, Speaker
from qa_audit.services import calls, outcomes
from qa_audit.services.calls import CallDetail, RecordingFacts
from qa_audit.services.erasing import LOCKED
from qa_audit.services.ports import Ports
from qa_audit.web.calls.findings import parts_of
from qa_audit.web.calls.pages import CallPage, Fact, Player
from qa_audit.web.calls.transcript import lines_of, marks_of
from qa_audit.web.calls.words import (
    LAYOUTS,
    NO_HISTORY,
    KeptBefore,
    moment_of,
    status_words,
    title_of,
    warnings_in_words,
)
from qa_audit.web.templating import count, here, when

LANES: dict[str, tuple[Speaker, ...]] = {
    "stereo-agent-left": ("agent", "customer"),
    "stereo-agent-right": ("customer", "agent"),
    "stereo-unknown": ("unknown", "unknown"),
}
"""Who is on which channel; every other layout is one lane of nobody in particular."""

_DEMO_NOTE = "demo_model"


def call_page(
    ports: Ports,
    actor: Actor,
    call: CallDetail,
    begin: float,
    address: str | None = None,
    kept: KeptBefore = NO_HISTORY,
) -> CallPage:
    """Build the page of a call; `begin` is where its sound starts, in seconds.

    `address` is the page that its moments lead to, the call's own unless another page shows the call; `kept` tells
    how often reviewers kept such answers of the machine before.
    """
    address = address or url_for("calls.show", id=call.id)
    moment, is_received = moment_of(call)
    rubrics = outcomes.rubrics_of(ports, [prescore.rubric for prescore in call.prescores])
    transcript = call.transcript
    stuck = call.status == "failed" or any(task.state in ("failed", "parked") for task in call.tasks)
    return CallPage(
        title=title_of(call),
        facts=tuple(fact for fact in (call.vendor_name, call.agent, call.queue, _layout(call)) if fact),
        moment=moment,
        is_received=is_received,
        status=status_words(call),
        poll=None if call.is_finished else address,
        player=_player(call, begin) if calls.may_hear(actor, call) else None,
        no_sound=_no_sound(call),
        turns=lines_of(transcript, marks_of(call.prescores), address) if transcript else (),
        no_words=_no_words(call),
        rubrics=parts_of(call.prescores, rubrics, address, kept),
        no_rubrics=_no_rubrics(call),
        warnings=warnings_in_words(call.warnings),
        notes=tuple(note.text for note in transcript.notes if note.kind != _DEMO_NOTE) if transcript else (),
        details=tuple(_details(call)),
        custom=tuple(Fact(name, str(value)) for name, value in call.custom.items()),
        retry=url_for("calls.retry", id=call.id) if stuck and can(actor, "retry_task") else None,
        delete=url_for("calls.delete", id=call.id)
        if can(actor, "delete_call") and call.status not in LOCKED
        else None,
        demo_model=transcript is not None and any(note.kind == _DEMO_NOTE for note in transcript.notes),
    )


def _player(call: CallDetail, begin: float) -> Player | None:
    if call.recording is None or not call.recording.has_playback or not call.duration:
        return None
    return Player(
        audio=url_for("calls.audio", id=call.id),
        peaks=url_for("calls.peaks", id=call.id) if call.recording.has_peaks else None,
        duration=call.duration,
        begin=begin if 0 <= begin < call.duration else 0.0,
        lanes=LANES.get(call.layout or "", ("unknown",)),
    )


def _no_sound(call: CallDetail) -> str:
    if not call.is_finished:
        return "The sound can be played once the call is transcribed, because numbers are silenced first."
    if call.recording and call.recording.has_playback:
        return "The sound is not for your role yet: without a transcript no number in it is silenced."
    return "There is no sound to play."


def _no_words(call: CallDetail) -> str:
    if call.status == "waiting":
        return "No transcript yet: the demo model cannot know this call."
    if call.status == "failed":
        return "No transcript."
    return "The transcript comes here."


def _no_rubrics(call: CallDetail) -> str:
    if not call.is_finished:
        return "The machine's answers come here once the call is transcribed."
    if call.status in ("waiting", "failed"):
        return "Not scored."
    return "No rubric applies to this call."


def _layout(call: CallDetail) -> str | None:
    return LAYOUTS.get(call.layout, call.layout) if call.layout else None


def _details(call: CallDetail) -> Iterable[Fact]:
    """Name what is known about a call; what is not known is left out."""
    known: list[tuple[str, str | None]] = [
        ("Vendor's id", call.external_id),
        ("Team", call.team),
        ("Direction", call.direction),
        ("Language", call.language),
        ("Survey", f"{call.survey} of 5" if call.survey else None),
        ("Picked", call.picked),
        ("Received", when(here(call.created_at))),
    ]
    if call.recording:
        known += _recording(call.recording)
    if call.transcript:
        engine = call.transcript.engine
        known.append(("Words", f"{call.transcript.word_count:,}"))
        known.append(
            ("Masked", count(len(call.mask_spans), "stretch", "stretches") if call.mask_spans else "nothing")
        )
        known.append(_made_by(engine))
    return (Fact(label, value) for label, value in known if value)


def _made_by(engine: EngineInfo) -> tuple[str, str]:
    if engine.name == IMPORTED:
        return "Transcript", f"imported ({engine.model}), not made by QA Audit"
    sha256 = f" ({engine.model_sha256[:8]}…)" if engine.model_sha256 else ""
    return "Transcribed by", f"{engine.name}, {engine.model}{sha256}"


def _recording(recording: RecordingFacts) -> list[tuple[str, str | None]]:
    kind = f"{recording.codec} in {recording.container}, {recording.sample_rate / 1000:g} kHz"
    return [
        ("File", recording.filename),
        ("Kind", f"{kind}, {count(recording.channels, 'channel')}, {recording.size / 1e6:.2f} MB"),
        ("sha256", f"{recording.sha256[:16]}…"),
    ]
