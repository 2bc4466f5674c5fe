"""What a fresh transcript gets besides its words: the events measured, and whether the words fit the layout."""

from __future__ import annotations

from collections.abc import Iterable

from qa_audit.domain import layout_check
from qa_audit.domain.transcript import Transcript
from qa_audit.media.protocol import Measurement
from qa_audit.services import rubrics
from qa_audit.services.ports import Ports
from qa_audit.storage.database import Session
from qa_audit.storage.results import Subject

BRAND_VARIABLES = ("brand", "brand_variants")


def examined(transcript: Transcript, measured: Measurement, brands: Iterable[str] = ()) -> Transcript:
    """Return the transcript with the recording's events, and a note where the words speak of another layout."""
    finding = layout_check.find(transcript, measured.speech, brands)
    note = layout_check.note_of(transcript, finding)
    notes = (*transcript.notes, note) if note else transcript.notes
    return transcript.model_copy(update={"events": measured.events, "notes": notes})


def brands_of(ports: Ports, session: Session, subject: Subject, language: str) -> tuple[str, ...]:
    """Return the names that agents of this vendor greet with, by its variables and the rubrics that apply."""
    chosen = rubrics.applicable(session, subject, language, ports.settings.time_zone)
    kinds = [subject.vendor_variables, *(rubric.variables for _, rubric in chosen)]
    return tuple(
        name
        for variables in kinds
        for variable in BRAND_VARIABLES
        for name in _names(variables.get(variable))
    )


def warnings_of(transcript: Transcript, measured: Measurement) -> tuple[str, ...]:
    """Return the names of a transcribed call's warnings: the measured ones, and a doubt about the layout."""
    doubts = [note.kind for note in transcript.notes if note.kind == layout_check.DOUBT]
    return (*measured.warnings, *doubts)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list | tuple) else ()
