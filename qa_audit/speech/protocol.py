"""What a speech engine does, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from qa_audit.domain.transcript import EngineInfo, Note, Segment, Speaker

if TYPE_CHECKING:
    import numpy

SAMPLE_RATE = 16_000

Span = tuple[float, float]
"""Start and end of a stretch of speech, in seconds from the start of the recording."""


class Sound(Protocol):
    """Samples of one channel: an array, or a file that is read piece by piece."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, part: slice) -> numpy.ndarray:
        """Return a stretch of samples as float32 in [-1, 1]."""
        ...


@dataclass(frozen=True)
class SpeechChannel:
    """One channel of a call, ready for a recogniser.

    `samples` is mono at 16 kHz, the whole channel; `spans` are its stretches of speech in time order: nothing
    outside them is ever sent to a model.
    """

    speaker: Speaker
    samples: Sound
    spans: Sequence[Span]


@dataclass(frozen=True)
class Heard:
    """What an engine heard: segments of all channels merged by time (ids 0…), and notes for the reader."""

    language: str
    engine: EngineInfo
    segments: tuple[Segment, ...]
    notes: tuple[Note, ...] = ()


Part = Mapping[str, Any]
"""What one group of windows gave, as plain data for JSON."""


class Parts(Protocol):
    """Where finished groups of windows are kept, so that work that dies goes on where it ended.

    `plan` names everything that the outcome depends on (model, windows, language, hints): parts of another
    plan are of no use.
    """

    def load(self, plan: str) -> Sequence[Part]:
        """Return the parts kept under this plan, from the first on without a gap."""
        ...

    def keep(self, plan: str, number: int, part: Part) -> None:
        """Keep part `number` (from 0); what was kept under other plans may go."""
        ...


class NoParts:
    """Keep nothing: for work that is not worth going on with."""

    def load(self, plan: str) -> Sequence[Part]:
        """Return nothing."""
        return ()

    def keep(self, plan: str, number: int, part: Part) -> None:
        """Do nothing."""


NO_PARTS = NoParts()


@dataclass(frozen=True)
class Companion:
    """A short call that waits for its turn and may be heard along with another one.

    `spans` are the stretches of speech of each channel, `language` and `hints` as for `Transcriber.transcribe`;
    `open` decodes its channels, and may raise. `keep` keeps part `number` of a plan, where the call's own turn
    finds it; it never raises.
    """

    spans: Sequence[Sequence[Span]]
    language: str | None
    hints: Sequence[str]
    open: Callable[[], Sequence[SpeechChannel]]
    keep: Callable[[str, int, Part], None]


Companions = Callable[[int], Iterable[Companion]]
"""Given how many windows there is room for, names calls that could fill it; never raises."""


def no_companions(room: int) -> tuple[Companion, ...]:
    """Name nobody: for work that is to be done alone."""
    return ()


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
        hints: Sequence[str] = (),
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
        parts: Parts = NO_PARTS,
        companions: Companions = no_companions,
    ) -> Heard:
        """Transcribe each channel on its own.

        `language` is a code such as `en`; None listens for it. `hints` are names to expect, such as a brand's.
        `progress` gets the finished fraction (0 to 1); `check` is called between groups of windows and raises
        (LeaseLost, Stopped) when the work must end. Where the last group of windows has room, `companions` may
        be heard with it: their parts are kept, and nothing that goes wrong with them is raised. Raises
        UnknownLanguage when the model does not know the language, Permanent("model_unavailable", …) or
        Temporary when the model cannot be had.
        """
        ...
