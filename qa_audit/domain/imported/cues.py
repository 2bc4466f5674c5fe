"""What every format is read into: cues, with limits and checks that untrusted files must pass."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from qa_audit.domain.call import Span
from qa_audit.domain.text import MASK
from qa_audit.domain.transcript import Speaker, Word
from qa_audit.errors import Invalid

FIELD = "transcript"

MOST_BYTES = 20_000_000
MOST_CUES = 50_000
MOST_WORDS = 100_000
"""Eleven hours of speech by one person: more is no call."""
LONGEST_TEXT = 10_000
"""Characters that one cue may have."""
MOST_SECONDS = 24 * 3600.0

HIDDEN = re.compile(rf"\[PII\]|{re.escape(MASK)}")
"""What stands in a text whose real words were taken out before: Amazon's sign, and our own."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Cue:
    """A piece of an imported transcript; times in seconds.

    `channel` counts the recording's channels from 0, where a format names one instead of a person. `hidden`
    are the stretches whose words the source took out.
    """

    start: float
    end: float
    text: str
    speaker: Speaker = "unknown"
    channel: int | None = None
    words: tuple[Word, ...] | None = None
    hidden: tuple[Span, ...] = ()
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


@dataclass(frozen=True)
class Source:
    """A transcript as its file gives it: the format's name, its cues in the file's order, its language."""

    format: str
    cues: tuple[Cue, ...]
    language: str | None = None


def unusable(where: str, what: str) -> Invalid:
    """Build the error that says where in a file something is wrong, and what; no word of the file is in it."""
    words = f"{where}: {what}. Correct the file, or send the recording without it"
    return Invalid("The transcript cannot be used.", {FIELD: words})


def clean(text: str) -> str:
    """Return a text with single spaces, without control signs and broken characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def checked_text(text: str, where: str) -> str:
    """Return the text of a cue, cleaned; raises Invalid when it is too long."""
    if len(text) > LONGEST_TEXT:
        raise unusable(where, f"the text is longer than {LONGEST_TEXT:,} characters")
    return clean(text)


def checked_times(start: float, end: float, where: str) -> Span:
    """Return start and end; raises Invalid for what can be no stretch of a recording."""
    if not (math.isfinite(start) and math.isfinite(end)):
        raise unusable(where, "a time is no number")
    if start < 0 or end < 0:
        raise unusable(where, "a time is negative")
    if end < start:
        raise unusable(where, "the end is before the start")
    if end > MOST_SECONDS:
        raise unusable(where, "a time lies more than 24 hours after the start of the recording")
    return start, end


def ensure_fewer(number: int, most: int, where: str, things: str) -> None:
    """Raise Invalid when a file has more of something than is taken."""
    if number > most:
        raise unusable(where, f"there are more than {most:,} {things}")


def hidden_in(text: str, start: float, end: float, words: tuple[Word, ...] | None) -> tuple[Span, ...]:
    """Return the stretches whose words were taken out: those of the words, else all of the cue."""
    if not HIDDEN.search(text):
        return ()
    found = [(word.start, word.end) for word in words or () if HIDDEN.search(word.text)]
    return tuple(found) or ((start, end),)
