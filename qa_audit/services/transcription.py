"""The second stage: words, what must not be read or heard in them, and the copies made without it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from qa_audit.config import Settings
from qa_audit.domain import redact
from qa_audit.domain.call import Span
from qa_audit.domain.transcript import Layout, Transcript
from qa_audit.errors import Temporary, UnknownLanguage
from qa_audit.media.protocol import Measurement
from qa_audit.services import examining, imported_transcripts, measuring
from qa_audit.services.companions import WaitingCalls
from qa_audit.services.ports import Ports
from qa_audit.services.speech_input import code_of, needs_real_model, seconds_for, speech_channels
from qa_audit.services.stage import Outcome, TooSlow, Work
from qa_audit.services.stored_parts import StoredParts
from qa_audit.speech.protocol import Heard
from qa_audit.storage import results
from qa_audit.storage.database import Session

NEEDS_REAL_MODEL = (
    "Needs the real speech model: set QA_AUDIT_WHISPER_MODEL to the name of a Whisper model, for example "
    "base.en, or to the path of a checkpoint, and start QA Audit again."
)

HEARING = 0.9
"""The part of the stage's progress that recognising gets; writing the copies gets the rest."""


class ModelTrouble(Temporary):
    """The speech model cannot be had now; if that stays so, the call fails as `model_unavailable`."""


@dataclass(frozen=True)
class Derived:
    """The media keys of a playback copy and its peaks."""

    playback: str
    peaks: str


def speech_settings(settings: Settings) -> str:
    """Name the settings that decide which calls can be transcribed: a call that waits does so under these."""
    return f"{settings.speech_engine} {settings.whisper_model} {settings.language or '-'}"


def run(work: Work) -> Outcome:
    """Transcribe and mask a call, and write its playback copy and peaks with the masked stretches silent.

    A call that the demo model cannot know, or whose language the model does not know, waits instead. Raises
    Permanent and Temporary as engine and decoder do.
    """
    if needs_real_model(work.ports.settings, work.subject):
        return _wait(work, NEEDS_REAL_MODEL)
    with work.ports.db.read() as session:
        measured = measuring.from_facts(results.measurement(session, work.lease.call_id))
    layout = measuring.layout_of(work.subject, measured)
    try:
        transcript, hidden = _words(work, measured, layout)
    except UnknownLanguage as error:
        return _wait(work, error.message)
    with work.ports.db.read() as session:
        brands = examining.brands_of(work.ports, session, work.subject, transcript.language)
    transcript = examining.examined(transcript, measured, brands)
    spans = redact.find_spans(transcript)
    masked = redact.mask(transcript, spans)
    silent = imported_transcripts.silences(redact.silences(spans), hidden, measured.duration)
    derived = derive(work, silent, work.part(HEARING, 1))

    def store(session: Session) -> None:
        call_id = work.lease.call_id
        results.save_transcript(session, call_id, masked=masked, silent=silent, unmasked=transcript)
        results.put_warnings(session, call_id, examining.warnings_of(transcript, measured))
        point_at(session, call_id, derived, unmasked=False)

    return Outcome(
        store,
        status="transcribed",
        next_stage="prescore",
        settled=lambda: discard(work.ports, work.subject.playback_key, work.subject.peaks_key),
        dropped=lambda: discard(work.ports, derived.playback, derived.peaks),
    )


def _words(work: Work, measured: Measurement, layout: Layout) -> tuple[Transcript, tuple[Span, ...]]:
    """Return the transcript that came with the call, else what the engine hears.

    The second value are stretches whose words were taken out before they came.
    """
    if imported := imported_transcripts.read(work, measured, layout):
        return imported.transcript, imported.hidden
    return transcript_of(_hear(work, measured, layout), measured, layout), ()


def _wait(work: Work, words: str) -> Outcome:
    """Let the call wait for another model; until then staff hear the recording as it is."""
    derived = playable(work)

    def store(session: Session) -> None:
        if derived:
            point_at(session, work.lease.call_id, derived, unmasked=True)

    return Outcome(
        store,
        status="waiting",
        state="waiting",
        status_text=words,
        dropped=lambda: discard(work.ports, derived.playback, derived.peaks) if derived else None,
    )


def playable(work: Work) -> Derived | None:
    """Make a playback copy in which nothing is silenced, for a call whose words nobody knows.

    None when the call has a copy already.
    """
    if work.subject.playback_key:
        return None
    return derive(work, (), work.progress)


def point_at(session: Session, call_id: int, derived: Derived, *, unmasked: bool) -> None:
    """Make the copies those of the call; `unmasked` says that nothing is silenced in them."""
    results.save_derived(session, call_id, playback=derived.playback, peaks=derived.peaks, unmasked=unmasked)


def derive(work: Work, silent: Sequence[Span], progress: Callable[[float], None]) -> Derived:
    """Write playback copy and peaks under new keys, so that a late twin of this work overwrites nothing."""
    media, name = work.ports.media, secrets.token_hex(16)
    path = media.local_path(work.subject.media_key)
    derived = Derived(f"playback/{name}.m4a", f"peaks/{name}.json")
    copy, peaks = media.incoming() / f"{name}.m4a", media.incoming() / f"{name}.json"
    try:
        work.ports.recordings.derive(path, copy, peaks, silent, progress=progress)
        media.put_file(derived.playback, copy)
        media.put_file(derived.peaks, peaks)
    finally:
        copy.unlink(missing_ok=True)
        peaks.unlink(missing_ok=True)
    return derived


def discard(ports: Ports, *keys: str | None) -> None:
    """Delete derived files unless a row points at them; what this misses, the sweep finds.

    A row can point at them though its transaction seemed to fail: the connection broke after the commit.
    """
    with suppress(Exception):
        with ports.db.read() as session:
            known = results.known_keys(session, [key for key in keys if key])
        for key in keys:
            if key and key not in known:
                ports.media.delete(key)


def _hear(work: Work, measured: Measurement, layout: Layout) -> Heard:
    """Hand every channel with its stretches of speech to the engine.

    A model that is fetched first has no deadline: its download has time-outs of its own. What earlier
    attempts finished is not heard again. Calls that wait may be heard along with it (see `companions`).
    """
    ports, subject = work.ports, work.subject
    work.limit(measuring.MOST_SECONDS)
    samples = ports.recordings.samples(ports.media.local_path(subject.media_key))
    try:
        work.limit(None)
        _ = ports.speech.engine
        work.limit(seconds_for(measured))
        return ports.speech.transcribe(
            speech_channels(samples, measured, layout),
            language=code_of(ports.settings, subject),
            hints=subject.vendor_hints,
            progress=work.part(0, HEARING),
            check=work.check,
            parts=StoredParts(work),
            companions=WaitingCalls(work),
        )
    except TooSlow:
        raise
    except Temporary as error:
        raise ModelTrouble(error.message) from error


def transcript_of(heard: Heard, measured: Measurement, layout: Layout) -> Transcript:
    """Put what was heard together with what was measured."""
    return Transcript(
        language=heard.language,
        duration=measured.duration,
        layout=layout,
        engine=heard.engine,
        segments=heard.segments,
        notes=heard.notes,
    )
