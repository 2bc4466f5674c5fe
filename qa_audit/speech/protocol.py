"""What a speech engine does, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qa_audit.domain.transcript import EngineInfo, Note, Segment, Speaker

if TYPE_CHECKING:
    import numpy

SAMPLE_RATE = 16_000

Span = tuple[float, float]
"""Start and end of a stretch of speech, in seconds from the start of the recording."""


@dataclass(frozen=True)
class SpeechChannel:
    """One channel of a call, ready for a recogniser.

    `samples` is float32 mono at 16 kHz in [-1, 1], the whole channel; `spans` are its stretches of speech in
    time order: nothing outside them is ever sent to a model.
    """

    speaker: Speaker
    samples: numpy.ndarray
    spans: Sequence[Span]


@dataclass(frozen=True)
class Heard:
    """What an engine heard: segments of all channels merged by time (ids 0…), and notes for the reader."""

    language: str
    engine: EngineInfo
    segments: tuple[Segment, ...]
    notes: tuple[Note, ...] = ()


class Transcriber(Protocol):
    """A speech recogniser that keeps its model warm between calls."""

    @property
    def engine(self) -> EngineInfo:
        """Say which engine and model this is; may load or look for the model."""
        ...

    def transcribe(
        self,
        channels: Sequence[SpeechChannel],
        *,
        language: str | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
    ) -> Heard:
        """Transcribe each channel on its own.

        `progress` gets the finished fraction (0 to 1); `check` is called between windows and raises (LeaseLost,
        Stopped) when the work must end. Raises Permanent("model_unavailable", …) or Temporary when the model
        cannot be had.
        """
        ...
