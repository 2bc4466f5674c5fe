"""Find speech with Silero's voice detector, run by onnxruntime alone, and take out of it what is music.

The model is the file that the `silero-vad` package carries; the package itself is never imported, because
that imports torch.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa_audit.errors import Waiting
from qa_audit.media.protocol import Span
from qa_audit.media.tones import ToneMeter, Tones, without_music

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Samples = NDArray[np.float32]

RATE = 16_000
FRAME = 512
"""Samples per frame: the model gives one probability for each 32 ms."""

CONTEXT = 64
"""Samples of the frame before that the model wants to see again."""

BATCH = 128
"""Frames per run of the model: 4 s, so that memory does not grow with the call."""

MODEL_FILE = "silero_vad/data/silero_vad_16k_sequence.onnx"


@dataclass(frozen=True)
class Rules:
    """How probabilities become spans; seconds, except the two thresholds.

    Speech begins at `threshold` and ends when the probability stays below `threshold - hysteresis` for
    `min_silence`; shorter stretches than `min_speech` are dropped, the others widened by `pad` on both sides.
    """

    threshold: float = 0.5
    hysteresis: float = 0.15
    min_speech: float = 0.2
    min_silence: float = 0.3
    pad: float = 0.1


@dataclass(frozen=True)
class Listened:
    """What a channel was found to hold: its stretches of speech (seconds), and its tones.

    `ungated` are the stretches that the voice detector took for speech before music was taken out.
    """

    speech: tuple[Span, ...]
    tones: Tones
    ungated: tuple[Span, ...]


class SpeechDetector:
    """The voice detector; loads its model on first use and may be shared by threads."""

    def __init__(self, threads: int = 1, rules: Rules = Rules()) -> None:
        self._threads = threads
        self._rules = rules
        self._loaded: InferenceSession | None = None

    def spans(
        self, blocks: Iterable[Samples], *, progress: Callable[[int], None] = lambda samples: None
    ) -> tuple[Span, ...]:
        """Return the stretches of speech, in seconds and in time order, of one channel; see `listen`."""
        return self.listen(blocks, progress=progress).speech

    def listen(
        self, blocks: Iterable[Samples], *, progress: Callable[[int], None] = lambda samples: None
    ) -> Listened:
        """Find the speech and measure the tones of one channel at 16 kHz.

        `blocks` are consecutive float32 pieces of any length; `progress` gets the samples done so far. Raises
        Waiting when the model's file is missing. The graph takes one channel at a time: its hidden state has
        no batch.
        """
        probabilities: list[float] = []
        meter = ToneMeter()
        hidden = cell = np.zeros((1, 1, 128), np.float32)
        for frames in _batches(blocks):
            heard, hidden, cell = self._session.run(None, {"input": frames, "h": hidden, "c": cell})
            probabilities.extend(heard.tolist())
            meter.add(frames[:, CONTEXT:].reshape(-1))
            progress(len(probabilities) * FRAME)
        tones = meter.result()
        found = spans_of(probabilities, self._rules)
        return Listened(without_music(found, tones, self._rules.min_speech), tones, found)

    @property
    def _session(self) -> InferenceSession:
        if self._loaded is None:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            self._loaded = onnxruntime.InferenceSession(
                str(model_path()), sess_options=options, providers=["CPUExecutionProvider"]
            )
        return self._loaded


def model_path() -> Path:
    """Return the path of the model's file; raises Waiting when the package or the file is missing."""
    try:
        path = Path(str(importlib.metadata.distribution("silero-vad").locate_file(MODEL_FILE)))
    except importlib.metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise Waiting(
            "The speech detector's model is missing. Install the package silero-vad again (6.2 or newer)."
        )
    return path


def spans_of(probabilities: Sequence[float], rules: Rules = Rules()) -> tuple[Span, ...]:
    """Return spans in seconds from one probability per 32 ms frame."""
    step = FRAME / RATE
    end_of_all = len(probabilities) * step
    found = [(a * step, b * step) for a, b in _stretches(probabilities, rules)]
    kept = [(start, end) for start, end in found if end - start >= rules.min_speech]
    padded = [(max(0.0, start - rules.pad), min(end_of_all, end + rules.pad)) for start, end in kept]
    return tuple((round(start, 3), round(end, 3)) for start, end in _merged(padded))


def _stretches(probabilities: Sequence[float], rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield (first frame, frame after the last) of each stretch between silences that are long enough."""
    patience = rules.min_silence * RATE / FRAME
    start = quiet_since = None
    for frame, probability in enumerate(probabilities):
        if start is None:
            start = frame if probability >= rules.threshold else None
        elif probability >= rules.threshold:
            quiet_since = None
        elif probability < rules.threshold - rules.hysteresis:
            quiet_since = frame if quiet_since is None else quiet_since
            if frame - quiet_since + 1 >= patience:
                yield start, quiet_since
                start = quiet_since = None
    if start is not None:
        yield start, len(probabilities) if quiet_since is None else quiet_since


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    held: Span | None = None
    for start, end in spans:
        if held is not None and start <= held[1]:
            held = (held[0], max(held[1], end))
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _batches(blocks: Iterable[Samples]) -> Iterator[NDArray[np.float32]]:
    """Yield arrays of frames, shape (frames, CONTEXT + FRAME), each row led by the end of the row before."""
    before = np.zeros(CONTEXT, np.float32)
    for chunk in _chunks(blocks, BATCH * FRAME):
        padded = np.pad(chunk, (0, -len(chunk) % FRAME))
        rows = padded.reshape(-1, FRAME)
        ends = np.concatenate([before[None, :], rows[:-1, -CONTEXT:]])
        before = rows[-1, -CONTEXT:].copy()
        yield np.concatenate([ends, rows], axis=1)


def _chunks(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """Cut the stream of blocks into pieces of exactly `size` samples; only the last may be shorter."""
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
    if len(rest):
        yield rest
