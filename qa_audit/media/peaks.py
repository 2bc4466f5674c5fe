"""Peaks for the waveform: what the page draws instead of decoding the sound.

The JSON form: `{"version": 1, "duration": 61.2, "per_second": 50.0, "channels": [[0, 12, 100], [0, 3, 0]]}`:
duration in seconds, one list per channel, each point the largest swing within its time, 100 the most.
"""

from __future__ import annotations

import json
import math

import numpy as np
from numpy.typing import NDArray

from qa_audit.media.levels import Block

VERSION = 1

FINEST = 50
"""Points per second of a short recording."""

MAX_POINTS = 4_000
"""Longer recordings get fewer points per second: a channel never has more points than this."""


class PeakMeter:
    """Collect peaks over blocks at one sample rate, which must be a multiple of `FINEST`."""

    def __init__(self, channels: int, rate: int) -> None:
        self._window = rate // FINEST
        self._rate = rate
        self._count = 0
        self._rest: Block = np.zeros((channels, 0), np.float32)
        self._peaks: list[NDArray[np.float32]] = []

    def add(self, block: Block) -> None:
        """Take in the next block."""
        self._count += block.shape[1]
        sound = np.concatenate([self._rest, block], axis=1)
        whole = sound.shape[1] - sound.shape[1] % self._window
        self._rest = sound[:, whole:].copy()
        if whole:
            windows = sound[:, :whole].reshape(len(sound), -1, self._window)
            self._peaks.append(np.abs(windows).max(axis=2))

    def to_json(self) -> str:
        """Return the peaks of everything added in the JSON form."""
        peaks = self._peaks
        if self._rest.shape[1]:
            peaks = [*peaks, np.abs(self._rest).max(axis=1, keepdims=True)]
        fine = np.concatenate(peaks, axis=1) if peaks else self._rest
        return render(fine, self._count / self._rate)


def render(fine: NDArray[np.float32], duration: float) -> str:
    """Return the JSON form of peaks given at `FINEST` points per second, shape (channels, points)."""
    group = max(1, math.ceil(fine.shape[1] / MAX_POINTS))
    missing = -fine.shape[1] % group
    padded = np.pad(fine, ((0, 0), (0, missing)))
    points = padded.reshape(len(fine), -1, group).max(axis=2) if fine.shape[1] else fine
    percent = np.clip(np.ceil(points * 100), 0, 100).astype(int)
    return json.dumps(
        {
            "version": VERSION,
            "duration": round(duration, 3),
            "per_second": FINEST / group,
            "channels": percent.tolist(),
        },
        separators=(",", ":"),
    )
