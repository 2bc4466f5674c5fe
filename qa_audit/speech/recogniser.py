"""What the engines differ in: a model in memory that turns windows of sound into timed words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

WINDOW_SECONDS = 30.0
"""What whisper hears at once."""

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MOST_COMPRESSED = 2.4
LEAST_LOGPROB = -1.0
NO_SPEECH = 0.6
"""Whisper's own thresholds (whisper/transcribe.py): when to try again, when to hold a window for silent."""


@dataclass(frozen=True)
class SpeechOptions:
    """How a model is run. `beam` of 1 is greedy; `batch` windows are decoded at once, 0 for what suits the device.

    `precision` is `auto`, `float32`, `bfloat16`, `float16` or `int8` as far as the engine has it; `device` is
    `auto`, `cpu` or `cuda`; `threads` of 0 means one for each core.
    """

    beam: int = 1
    batch: int = 0
    precision: str = "auto"
    device: str = "auto"
    threads: int = 0


AS_USUAL = SpeechOptions()

GPU_BATCH = 16
"""Windows at once on a GPU that nobody set otherwise: what keeps it busy fits into the smallest ones."""


@dataclass(frozen=True)
class HeardWord:
    """A word as the tokens spell it (with the space before it), in seconds of its window."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class HeardWindow:
    """What a model made of one window, and its own doubts.

    `is_cut` says that the text was still going on when it had as many tokens as the sound can hold, `is_full` that
    it had as many as any window's text can hold: shorter windows may then hold what is missing.
    """

    words: tuple[HeardWord, ...]
    avg_logprob: float
    no_speech_prob: float
    temperature: float = 0.0
    is_cut: bool = False
    is_full: bool = False


class Recogniser(Protocol):
    """One loaded model. Not for several threads at once."""

    @property
    def languages(self) -> frozenset[str]:
        """The codes of the languages that the model knows; only `en` for an English-only model."""
        ...

    @property
    def batch(self) -> int:
        """How many windows are best heard at once."""
        ...

    @property
    def about(self) -> str:
        """Device and precision in use, such as `cpu bfloat16`."""
        ...

    def language_of(self, sound: NDArray[float32]) -> str:
        """Return the code of the language spoken in a window."""
        ...

    def hear(
        self,
        sounds: Sequence[NDArray[float32]],
        *,
        language: str,
        hints: str = "",
        calls: Sequence[int] = (),
        check: Callable[[], None] = lambda: None,
    ) -> list[HeardWindow]:
        """Recognise windows of at most 30 s (float32 mono at 16 kHz), each on its own, in one batch.

        `hints` is text that the model is to think came before. `calls` says how many of the windows belong to
        each call, in their order, where they are not all of one: what is heard of a call does not depend on the
        others. `check` is called every now and then and raises when the work must end. A window that fails the
        tests on probability or repetition is tried again with rising temperature (`TEMPERATURES`); the best try
        is kept.
        """
        ...


def is_silent(no_speech_prob: float, avg_logprob: float) -> bool:
    """Tell whether the model itself holds a window for silent (whisper/transcribe.py)."""
    return no_speech_prob > NO_SPEECH and avg_logprob < LEAST_LOGPROB


def is_good(text: str, avg_logprob: float) -> bool:
    """Tell whether a try needs no other: it neither repeats itself nor is improbable (whisper/transcribe.py)."""
    return compression_ratio(text) <= MOST_COMPRESSED and avg_logprob >= LEAST_LOGPROB


def compression_ratio(text: str) -> float:
    """Return how many times smaller zlib makes a text; loops of words compress well (whisper/utils.py)."""
    import zlib

    data = text.encode()
    return len(data) / len(zlib.compress(data))
