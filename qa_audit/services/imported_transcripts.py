"""Transcripts that came with their recordings, used in place of the speech engine's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qa_audit.domain.acoustics import merge, overlaps
from qa_audit.domain.call import Span
from qa_audit.domain.imported import reading
from qa_audit.domain.imported.reading import Imported
from qa_audit.domain.redact import JOIN, PAD
from qa_audit.domain.transcript import Layout, Note, Transcript
from qa_audit.errors import Invalid, Permanent
from qa_audit.media.protocol import Measurement
from qa_audit.services import measuring
from qa_audit.services.stage import Work

LEAST_SPOKEN = 0.3
"""The part of an imported transcript's time that should lie in measured speech; pauses within cues are usual."""


def read(work: Work, measured: Measurement, layout: Layout) -> Imported | None:
    """Return the transcript that came with a call, fitted to its recording; None when none came.

    Raises Permanent(`transcript_unusable`) when it belongs to another recording: scoring a call by what was
    said in another one would be worse than not scoring it.
    """
    key = work.subject.transcript_key
    if key is None:
        return None
    work.limit(measuring.MOST_SECONDS)
    with work.ports.media.open(key) as file:
        data = file.read()
    try:
        found = reading.read(data, layout=layout, duration=measured.duration, language=work.subject.language)
    except Invalid as error:
        why = "; ".join(error.fields.values())
        what = "Delete the call and upload the recording with its own transcript, or without one."
        raise Permanent("transcript_unusable", f"{error.message[:-1]}: {why}. {what}") from error
    return Imported(_warned(found.transcript, measured), found.hidden)


def silences(masked: Sequence[Span], hidden: Iterable[Span], duration: float) -> tuple[Span, ...]:
    """Return the stretches to silence: masked ones, and those whose words the source took out, padded.

    The words are gone from an imported transcript, but the recording may still say them.
    """
    padded = [(max(0.0, start - PAD), min(end + PAD, duration)) for start, end in hidden]
    return tuple((round(start, 3), round(end, 3)) for start, end in merge([*masked, *padded], JOIN))


def _warned(transcript: Transcript, measured: Measurement) -> Transcript:
    """Add a note when the words stand where hardly anybody speaks, as those of another call would."""
    said = merge((segment.start, segment.end) for segment in transcript.segments)
    heard = merge(span for spans in measured.speech for span in spans)
    if _seconds(overlaps(said, heard)) >= LEAST_SPOKEN * _seconds(said):
        return transcript
    text = "Most of its words stand where nobody is heard: check that it belongs to this recording."
    return transcript.model_copy(update={"notes": (*transcript.notes, Note(kind=reading.ENGINE, text=text))})


def _seconds(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)
