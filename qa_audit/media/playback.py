"""Write the browser's copy of a recording and its peaks. Runs only in the child process."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

from qa_audit.media.decode import Recording
from qa_audit.media.levels import Block
from qa_audit.media.peaks import PeakMeter
from qa_audit.media.protocol import Span
from qa_audit.media.resample import resampled

RATE = 24_000
"""Sample rate of the copy in Hz: every browser plays it, and it holds all that telephones carry."""

BITS_PER_CHANNEL = 48_000
"""Constant bit rate per channel: 48 kbit/s mono, 96 kbit/s stereo, so that the channels stay apart."""


def derive(
    recording: Recording,
    *,
    copy: Path | None,
    peaks: Path | None,
    silence: Sequence[Span],
    max_seconds: float,
    progress: Callable[[float], None] = lambda fraction: None,
) -> float:
    """Write the copy and the peaks (either may be None) in one pass and return the seconds written.

    Within `silence` every channel is zero before it is encoded. Raises Permanent like `resampled`.
    """
    spans = sample_spans(silence)
    encoder = Encoder(copy, recording.channels) if copy else None
    meter = PeakMeter(recording.channels, RATE) if peaks else None
    start = 0
    try:
        for block in resampled(recording, RATE, max_seconds=max_seconds, progress=progress):
            block = silenced(block, start, spans)
            start += block.shape[1]
            if encoder:
                encoder.add(block)
            if meter:
                meter.add(block)
    finally:
        if encoder:
            encoder.close()
    if meter and peaks:
        peaks.write_text(meter.to_json(), encoding="ascii")
    return start / RATE


class Encoder:
    """An AAC stream in an M4A file whose index comes first, so that playing can start before all is loaded.

    The encoder's start-up delay stands in the file's edit list, so that times are those of the recording.
    """

    def __init__(self, target: Path, channels: int) -> None:
        import av

        self._file = av.open(f"file:{target}", "w", format="ipod", options={"movflags": "+faststart"})
        self._layout = "mono" if channels == 1 else "stereo"
        self._stream = self._file.add_stream("aac", rate=RATE)
        self._stream.codec_context.layout = self._layout
        self._stream.codec_context.bit_rate = BITS_PER_CHANNEL * channels
        # The default coder follows a model of hearing; this one follows the wave (on calls 40 dB, not 27).
        self._stream.codec_context.options = {"aac_coder": "fast"}
        self._at = 0

    def add(self, block: Block) -> None:
        """Encode the next block."""
        import av

        if not block.shape[1]:
            return
        frame = av.AudioFrame.from_ndarray(block.copy(order="C"), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
        self._at += block.shape[1]
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write out what the encoder holds and the file's index."""
        try:
            if self._at:
                self._file.mux(self._stream.encode(None))
        finally:
            self._file.close()


def sample_spans(silence: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the spans as sample numbers, widened to whole samples."""
    return [(math.floor(max(0.0, start) * RATE), math.ceil(max(0.0, end) * RATE)) for start, end in silence]


def silenced(block: Block, start: int, spans: Sequence[tuple[int, int]]) -> Block:
    """Return the block that begins at sample `start` with every channel zero within `spans`."""
    end = start + block.shape[1]
    inside = [(a, b) for a, b in spans if a < end and b > start]
    if not inside:
        return block
    quiet = block.copy()
    for a, b in inside:
        quiet[:, max(0, a - start) : b - start] = 0.0
    return quiet
