"""A transcriber that says what it was told to: the engine's twin for tests."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qa_audit.domain.transcript import EngineInfo, Segment, Word
from qa_audit.speech.protocol import Heard, SpeechChannel

INFO = EngineInfo(name="scripted", model="scripted", model_sha256="0" * 64)


def fingerprint(channels: Sequence[SpeechChannel]) -> str:
    """Name a recording by the sha256 of its channels' samples and speakers."""
    digest = hashlib.sha256()
    for channel in channels:
        digest.update(channel.speaker.encode())
        digest.update(channel.samples.tobytes())
    return digest.hexdigest()


def segment(speaker: str, start: float, text: str, per_word: float = 0.3) -> Segment:
    """Make a segment with evenly timed, certain words; its id is given when it is heard."""
    words = tuple(
        Word(start=start + i * per_word, end=start + (i + 1) * per_word, text=word, probability=0.95)
        for i, word in enumerate(text.split())
    )
    return Segment.model_validate(
        {
            "id": 0, "speaker": speaker, "start": start, "end": words[-1].end, "text": text,
            "avg_logprob": -0.1, "no_speech_prob": 0.01, "words": words,
        }
    )  # fmt: skip


@dataclass
class ScriptedTranscriber:
    """Return given segments for known recordings, else the default; may be told to wait or to fail.

    `by_recording` maps `fingerprint(channels)` to segments. `errors` are raised one per call, in order,
    before anything is returned. `seconds` is slept in ten steps with `check` and `progress` between.
    """

    default: Sequence[Segment] = ()
    by_recording: dict[str, Sequence[Segment]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    seconds: float = 0.0
    info: EngineInfo = INFO
    calls: list[str] = field(default_factory=list)

    @property
    def engine(self) -> EngineInfo:
        """Say that this is the scripted twin."""
        return self.info

    def transcribe(
        self,
        channels: Sequence[SpeechChannel],
        *,
        language: str | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
    ) -> Heard:
        """Return what was scripted; speakers that the call does not have are kept as they are."""
        name = fingerprint(channels)
        self.calls.append(name)
        for step in range(10):
            check()
            time.sleep(self.seconds / 10)
            progress((step + 1) / 10)
        if self.errors:
            raise self.errors.pop(0)
        found = sorted(self.by_recording.get(name, self.default), key=lambda s: (s.start, s.end))
        numbered = tuple(s.model_copy(update={"id": number}) for number, s in enumerate(found))
        return Heard(language or "en", self.info, numbered)
