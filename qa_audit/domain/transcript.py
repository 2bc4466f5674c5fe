"""A transcript: who said which words when.

Times are seconds from the start of the recording. The JSON form (`schema` qa-audit/transcript@1) is what
files, the API and storage hold.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Literal["qa-audit/transcript@1"] = "qa-audit/transcript@1"

Speaker = Literal["agent", "customer", "unknown"]
Layout = Literal["stereo-agent-left", "stereo-agent-right", "stereo-unknown", "dual-mono", "mono"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Word(_Frozen):
    """One heard word: start and end in seconds, how probable the recogniser held it (0 to 1)."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    text: str
    probability: float | None = Field(default=None, ge=0, le=1)


class Segment(_Frozen):
    """Consecutive words of one speaker, as the recogniser returned them; `id` counts from 0 in time order."""

    id: int
    speaker: Speaker
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    text: str
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    words: tuple[Word, ...] | None = None

    def timed_words(self) -> tuple[Word, ...]:
        """Return the words; where the source gave none, split the text and spread the time evenly."""
        if self.words:
            return self.words
        parts = self.text.split()
        if not parts:
            return ()
        step = (self.end - self.start) / len(parts)
        return tuple(
            Word(start=self.start + i * step, end=self.start + (i + 1) * step, text=part)
            for i, part in enumerate(parts)
        )


class EngineInfo(_Frozen):
    """What made the words: engine, model name and the model file's sha256."""

    name: str
    model: str
    model_sha256: str | None = None


class Note(_Frozen):
    """Something a reader of the transcript should know: what, where (seconds) and why."""

    kind: str
    text: str
    start: float | None = None
    end: float | None = None


EventKind = Literal["hold_music", "ringing", "dtmf", "tone", "dead_air"]


class Event(_Frozen):
    """Something in the recording that is no speech: from when to when (seconds), on which channel.

    `channel` counts from 0, None where it is on every channel; `dtmf` are keys pressed on a telephone.
    """

    kind: EventKind
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    channel: int | None = None


class Transcript(_Frozen):
    """The words of one call, segments in time order, and what is known about how they were made."""

    schema_: Literal["qa-audit/transcript@1"] = Field(default=SCHEMA, alias="schema")
    language: str = "en"
    duration: float = Field(ge=0)
    layout: Layout
    engine: EngineInfo
    segments: tuple[Segment, ...] = ()
    notes: tuple[Note, ...] = ()
    events: tuple[Event, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the JSON form as plain data; without events, it has no list of them."""
        without = None if self.events else {"events"}
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=without)

    @property
    def word_count(self) -> int:
        """Count the words of all speakers."""
        return sum(len(segment.timed_words()) for segment in self.segments)
