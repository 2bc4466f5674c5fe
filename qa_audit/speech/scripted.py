"""A transcriber that says what it was told to: the engine's twin for tests."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from qa_audit.domain.transcript import EngineInfo, Note, Segment, Word
from qa_audit.speech.protocol import Companions, Heard, NoParts, Part, Parts, SpeechChannel, no_companions

NOTHING_KEPT = NoParts()
INFO = EngineInfo(name="scripted", model="scripted", model_sha256="0" * 64)


def fingerprint(channels: Sequence[SpeechChannel]) -> str:
    """Name a recording by the sha256 of its channels' samples and speakers."""
    digest = hashlib.sha256()
    for channel in channels:
        digest.update(channel.speaker.encode())
        digest.update(channel.samples[:].tobytes())
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
    before anything is returned. The segments are heard in `groups` groups, each of which takes its share of
    `seconds` and is kept as a part; `decoded` is told a group's number when it is begun. Groups kept before are
    not heard again. `hinted` remembers the hints of each call.
    """

    default: Sequence[Segment] = ()
    by_recording: dict[str, Sequence[Segment]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    seconds: float = 0.0
    info: EngineInfo = INFO
    calls: list[str] = field(default_factory=list)
    groups: int = 10
    decoded: Callable[[int], None] = lambda number: None
    hinted: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def engine(self) -> EngineInfo:
        """Say that this is the scripted twin."""
        return self.info

    def transcribe(
        self,
        channels: Sequence[SpeechChannel],
        *,
        language: str | None = None,
        hints: Sequence[str] = (),
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
        parts: Parts = NOTHING_KEPT,
        companions: Companions = no_companions,
    ) -> Heard:
        """Return what was scripted; speakers that the call does not have are kept as they are.

        It hears every call alone.
        """
        name = fingerprint(channels)
        self.calls.append(name)
        self.hinted.append(tuple(hints))
        found = sorted(self.by_recording.get(name, self.default), key=lambda s: (s.start, s.end))
        plan = hashlib.sha256(f"{name} {self.info} {self.groups} {language} {hints}".encode()).hexdigest()
        done: list[Any] = [*islice(parts.load(plan), self.groups)]
        for number in range(len(done), self.groups):
            check()
            self.decoded(number)
            time.sleep(self.seconds / self.groups)
            done.append(self._part(found, number))
            parts.keep(plan, number, done[-1])
            progress((number + 1) / self.groups)
        if self.errors:
            raise self.errors.pop(0)
        heard = [Segment.model_validate(one) for part in done for one in part["segments"]]
        numbered = tuple(s.model_copy(update={"id": number}) for number, s in enumerate(heard))
        told = Note(kind="hints", text=", ".join(hints))
        return Heard(language or "en", self.info, numbered, (told,) if hints else ())

    def _part(self, found: Sequence[Segment], number: int) -> Part:
        """Return one group's share of the segments, as plain data."""
        first, last = (len(found) * place // self.groups for place in (number, number + 1))
        return {"segments": [one.model_dump(mode="json") for one in found[first:last]]}
