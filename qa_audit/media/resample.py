"""Bring a recording's sound to one sample rate, piece by piece. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from qa_audit.errors import Permanent
from qa_audit.media.decode import Recording
from qa_audit.media.levels import Block

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler


class Resampler:
    """Bring blocks of any rate to one rate, channels kept apart and times kept."""

    def __init__(self, channels: int, rate: int) -> None:
        self._layout = "mono" if channels == 1 else "stereo"
        self._target = rate
        self._source = 0
        self._filter: AudioResampler | None = None

    def push(self, rate: int, block: Block) -> Iterator[Block]:
        """Yield what comes out for the next block of `rate` Hz."""
        if rate != self._source:
            yield from self.flush()
            self._source = rate
        if rate == self._target:
            yield block
            return
        import av

        if self._filter is None:
            self._filter = av.AudioResampler(format="fltp", layout=self._layout, rate=self._target)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=self._layout)
        frame.sample_rate = rate
        yield from (_plain(out) for out in self._filter.resample(frame))

    def flush(self) -> Iterator[Block]:
        """Yield what the filter still holds; the next block starts a new filter."""
        if self._filter is not None:
            held, self._filter = self._filter.resample(None), None
            yield from (_plain(out) for out in held)


def resampled(
    recording: Recording,
    rate: int,
    *,
    max_seconds: float,
    on_block: Callable[[int, Block], None] = lambda rate, block: None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Iterator[Block]:
    """Yield the recording's sound at `rate` Hz, shape (channels, samples), values in [-1, 1].

    `on_block` sees each block before resampling. Raises Permanent: `too_many_channels`; `undecodable` when it
    goes on for more than `max_seconds`.
    """
    if recording.tracks > 1 or recording.channels > 2:
        raise Permanent("too_many_channels", _too_many(recording))
    resampler = Resampler(recording.channels, rate)
    seconds = 0.0
    for source_rate, block in recording.blocks(progress):
        seconds += block.shape[1] / source_rate
        if seconds > max_seconds:
            hours = f"{max_seconds / 3600:g} hours"
            raise Permanent(
                "undecodable", f"The recording is longer than {hours}. Cut it into shorter calls."
            )
        on_block(source_rate, block)
        for out in resampler.push(source_rate, block):
            yield np.clip(out, -1.0, 1.0)
    for out in resampler.flush():
        yield np.clip(out, -1.0, 1.0)


def _too_many(recording: Recording) -> str:
    found = f"{recording.channels} channels"
    if recording.tracks > 1:
        found = f"{recording.tracks} separate sound tracks"
    return (
        f"The recording has {found}. Export it as one track with one channel, or with two: one per speaker."
    )


def _plain(frame: AudioFrame) -> Block:
    block: Block = frame.to_ndarray().astype(np.float32, copy=False)
    return block
