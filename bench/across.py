"""Calls heard along with each other, as `bench.transcription across` measures them in a process of its own.

Many short calls wait. All are measured (decoded, their speech found); then each has its turn, alone or with those
that wait for theirs: decoded, heard under the rule of `bench.peers`. A companion is decoded once more for it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peers import LANGUAGE, under_rule
from qa_audit.media.recordings import AvRecordings
from qa_audit.media.vad import SpeechDetector
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.engines import open_engine
from qa_audit.speech.protocol import Companion, Part, Span, SpeechChannel, no_companions
from qa_audit.speech.recogniser import SpeechOptions

ENGINES = {"ours, openai-whisper": "openai-whisper", "ours, CTranslate2": "faster-whisper"}


@dataclass
class Call:
    """A call on disk, its stretches of speech, and the parts that are kept of its transcript."""

    path: Path
    recordings: AvRecordings
    spans: Sequence[Sequence[Span]] = ()
    parts: dict[tuple[str, int], Part] = field(default_factory=dict)

    def open(self) -> list[SpeechChannel]:
        """Decode it."""
        sounds = self.recordings.samples(self.path).channels
        return [
            SpeechChannel("unknown", sound, of_one) for sound, of_one in zip(sounds, self.spans, strict=True)
        ]

    def load(self, plan: str) -> list[Part]:
        """Return the parts kept under a plan."""
        return [part for (name, _), part in sorted(self.parts.items()) if name == plan]

    def keep(self, plan: str, number: int, part: Part) -> None:
        """Keep a part."""
        self.parts[plan, number] = part


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Measure and transcribe so many copies of a call; returns processor seconds, windows and batches."""
    name = ENGINES[request["peer"]]
    options = SpeechOptions(device="cpu", threads=request["threads"])
    engine = open_engine(name, request["checkpoint"], Path(request["cache"]), options)
    recordings = AvRecordings(Path(request["cache"]) / "decode")
    calls = [Call(Path(request["recording"]), recordings) for _ in range(request["calls"])]
    batches = _counted(engine.recogniser)
    detector = SpeechDetector(1)
    with under_rule(name, engine.recogniser):
        warm = Call(calls[0].path, recordings)
        _measure(warm, detector)
        engine.transcribe(warm.open(), language=LANGUAGE)
        batches.clear()
        began = time.perf_counter()
        measuring = _seconds(lambda: [_measure(call, detector) for call in calls])
        hearing = _seconds(lambda: _transcribe(engine, calls, is_along=request["along"]))
    return {
        "cpu_seconds": round(measuring + hearing, 2),
        "transcribing": round(hearing, 2),
        "seconds": round(time.perf_counter() - began, 2),
        "windows": sum(batches),
        "batches": len(batches),
    }


def _measure(call: Call, detector: SpeechDetector) -> None:
    sounds = call.recordings.samples(call.path).channels
    call.spans = [list(detector.spans([sound[:]])) for sound in sounds]


def _transcribe(engine: WhisperEngine, calls: Sequence[Call], *, is_along: bool) -> None:
    """Give each call its turn, in order."""
    for number, call in enumerate(calls):
        waiting = [other for other in calls[number + 1 :] if not other.parts]

        def companions(room: int, waiting: Sequence[Call] = tuple(waiting)) -> Iterator[Companion]:
            for other in waiting:
                yield Companion(other.spans, LANGUAGE, (), other.open, other.keep)

        engine.transcribe(
            call.open(), language=LANGUAGE, parts=call, companions=companions if is_along else no_companions
        )


def _counted(recogniser: Any) -> list[int]:
    """Let a recogniser take down the windows of each batch; returns where."""
    batches: list[int] = []
    hear = recogniser.hear

    def counted(sounds: Any, **named: Any) -> Any:
        batches.append(len(sounds))
        return hear(sounds, **named)

    recogniser.hear = counted
    return batches


def _seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds that some work takes, those of its child processes with them."""
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)
