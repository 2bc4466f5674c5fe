"""How loud, how clipped and how alike the channels of a recording are, measured piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float32]
"""Sound of one moment: float32 in [-1, 1], shape (channels, samples)."""

FLOOR_DB = -120.0
"""The level given for digital silence, in dBFS."""

FULL_SCALE = 0.98
"""From here on a sample counts as full scale: µ-law and A-law end at 0.980 and 0.984."""

CLIPPED_RUN = 3
"""So many full-scale samples in a row are clipping; fewer are an honest peak."""

WINDOW_SECONDS = 0.1


@dataclass(frozen=True)
class Levels:
    """What was measured: one value per channel, levels in dBFS without the constant offset.

    `loudest` is the level of the loudest tenth of a second; `clipped` the share (0 to 1) of samples in
    clipped runs; `correlation` and `difference` (dB, first minus second) compare the two channels of stereo.
    """

    rms: tuple[float, ...]
    loudest: tuple[float, ...]
    clipped: tuple[float, ...]
    correlation: float | None = None
    difference: float | None = None


class LevelMeter:
    """Collect levels over blocks of one sample rate; a change of rate only shifts the windows."""

    def __init__(self, channels: int, rate: int) -> None:
        self._window = max(1, round(rate * WINDOW_SECONDS))
        self._rest: Block = np.zeros((channels, 0), np.float32)
        self._count = 0
        self._sum = np.zeros(channels)
        self._power = np.zeros(channels)
        self._cross = 0.0
        self._clipped = np.zeros(channels)
        self._loudest = np.zeros(channels)

    def add(self, block: Block) -> None:
        """Take in the next block."""
        self._clipped += _clipped_samples(block)
        sound = np.concatenate([self._rest, block], axis=1)
        whole = sound.shape[1] - sound.shape[1] % self._window
        self._rest = sound[:, whole:].copy()
        if whole:
            self._measure(sound[:, :whole].reshape(len(sound), -1, self._window))

    def result(self) -> Levels:
        """Return what was measured over everything added."""
        if self._rest.shape[1]:
            self._measure(self._rest[:, None, :])
            self._rest = self._rest[:, :0]
        count = max(1, self._count)
        mean = self._sum / count
        variance = np.maximum(0.0, self._power / count - mean**2)
        correlation = difference = None
        if len(variance) == 2 and variance.min() > 0:
            covariance = self._cross / count - float(mean[0] * mean[1])
            correlation = covariance / math.sqrt(float(variance[0] * variance[1]))
            difference = 10 * math.log10(float(variance[0] / variance[1]))
        return Levels(
            rms=tuple(decibels(float(value)) for value in variance),
            loudest=tuple(decibels(float(value)) for value in self._loudest),
            clipped=tuple(float(value) for value in self._clipped / count),
            correlation=correlation,
            difference=difference,
        )

    def _measure(self, windows: Block) -> None:
        """Take in sound of shape (channels, windows, samples)."""
        size = windows.shape[2]
        sums = windows.sum(axis=2, dtype=np.float64)
        powers = np.einsum("cwn,cwn->cw", windows, windows).astype(np.float64)
        self._count += windows.shape[1] * size
        self._sum += sums.sum(axis=1)
        self._power += powers.sum(axis=1)
        if len(windows) == 2:
            self._cross += float(np.einsum("wn,wn->w", windows[0], windows[1]).sum(dtype=np.float64))
        moving = np.maximum(0.0, powers / size - (sums / size) ** 2)
        self._loudest = np.maximum(self._loudest, moving.max(axis=1))


def decibels(power: float) -> float:
    """Return a mean square as dBFS (full scale = 1), not below the floor."""
    return max(FLOOR_DB, 10 * math.log10(power)) if power > 0 else FLOOR_DB


def _clipped_samples(block: Block) -> NDArray[np.float64]:
    """Count per channel the samples that end a run of full scale; runs over an edge do not matter."""
    if block.shape[1] < CLIPPED_RUN or np.abs(block).max() < FULL_SCALE:
        return np.zeros(len(block))
    hot = np.abs(block) >= FULL_SCALE
    runs = hot[:, 2:] & hot[:, 1:-1] & hot[:, :-2]
    counts: NDArray[np.float64] = runs.sum(axis=1).astype(np.float64)
    return counts
