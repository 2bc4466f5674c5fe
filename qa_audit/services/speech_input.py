"""What a speech engine gets of a call: its channels and language, the time it may take, and whether it can know it."""

from __future__ import annotations

from qa_audit.config import Settings
from qa_audit.domain.transcript import Layout
from qa_audit.media.protocol import Measurement, Samples
from qa_audit.services.measuring import SPEAKERS
from qa_audit.speech.protocol import SpeechChannel
from qa_audit.storage.results import Subject

DEMO_MODEL = "demo"

SECONDS_PER_SECOND = 6.0
LEAST_SECONDS = 300.0
"""A call's deadline: so many seconds for each second of sound, and never less than this."""

_WHISPER_CODES = {"nb": "no", "fil": "tl", "jv": "jw"}
"""Languages that whisper knows by another code than the usual one."""


def needs_real_model(settings: Settings, subject: Subject) -> bool:
    """Say whether the configured model cannot know this call: the demo model knows the bundled calls only.

    A call that brought its transcript along needs no model.
    """
    return settings.whisper_model == DEMO_MODEL and not subject.is_demo and subject.transcript_key is None


def speech_channels(samples: Samples, measured: Measurement, layout: Layout) -> list[SpeechChannel]:
    """Pair every channel that is to be transcribed with its speaker and its stretches of speech."""
    return [
        SpeechChannel(speaker, sound, spans)
        for speaker, sound, spans in zip(SPEAKERS[layout], samples.channels, measured.speech, strict=False)
    ]


def spoken_code(tag: str | None) -> str | None:
    """Return what recognisers call the language of a tag of BCP 47: `en` for en-GB; None stays None."""
    if not tag:
        return None
    first = tag.split("-")[0].lower()
    return _WHISPER_CODES.get(first, first)


def code_of(settings: Settings, subject: Subject) -> str | None:
    """Return the code of a call's language by its metadata, else by the settings; None: nobody said."""
    return spoken_code(subject.language or settings.language)


def seconds_for(measured: Measurement) -> float:
    """Return how many seconds recognising a call may take."""
    return max(LEAST_SECONDS, SECONDS_PER_SECOND * measured.duration)
