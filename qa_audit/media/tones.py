"""Measure how steady a channel's partials are: notes and tones stay on their frequency, voices do not.

One value per frame of the voice detector (32 ms). A frame is seen through a window of 128 ms, long enough for
the overtones of a voice to wander by several bins, and compared with the windows just before and just after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_audit.media.protocol import Span

Samples = NDArray[np.float32]
Values = NDArray[np.float32]

RATE = 16_000
FRAME = 512
FRAMES_PER_SECOND = RATE / FRAME

WINDOW = 2_048
LAG = WINDOW // FRAME
"""Frames between two windows that do not overlap."""

BATCH = 128
LOWEST, HIGHEST = 150.0, 3_600.0
"""Hz: what every telephone line carries, and above the first overtones of mains hum."""

PEAK = 2.0
"""A partial stands out by this factor of power above the mean of its neighbourhood."""

NEIGHBOURHOOD = 25
"""Bins of 7.8 Hz."""

FADING = 4.0
"""A partial may be this much stronger than in the window it is compared with and still count as steady."""

MUSIC_MEAN = 0.5
MUSIC_QUARTER = 0.3
MUSIC_LOUD = 0.5
"""Sound is musical when three measures of its steadiness reach these: the mean and the lower quarter, both
weighted by power, and the plain mean of the loud frames, so that one long vowel does not decide. Chosen as low
as they can be without taking real speech out: 454 stretches of clean speech stay, and of speech with music 10
dB below it 2 % of the time goes. Bench `silence` counts what is left of music."""

AMID_MUSIC = 0.8
NEAR_SECONDS = 6.0
"""Between two stretches of music at most so far away, a stretch needs less to be music: this part of the measures."""

LOUD_DB = 25.0
"""Frames within so many decibels of the loudest count as loud."""

LONG_SECONDS = 3.0
WITHIN_SECONDS = 2.0
"""In a stretch that is longer than the first, parts of the length of the second are judged on their own."""

PURE = 0.8
"""One or two frequencies alone: this share of a frame's power lies in its two strongest partials."""

KEY_ROWS = np.array([697, 770, 852, 941], np.float32)
KEY_COLUMNS = np.array([1209, 1336, 1477, 1633], np.float32)
KEY_TOLERANCE = 0.018
"""ITU-T Q.24: receivers accept 1.5 % and reject 3.5 %; half a bin of the spectrum is 0.6 %."""

SECOND = 0.05
"""A weaker second partial is what switching a tone on and off leaves in the spectrum."""

_TINY = np.float32(1e-12)


@dataclass(frozen=True)
class Tones:
    """One value per frame: `power` of the telephone band (1 = a full-scale sine has about 0.5); `steady`, the
    share of it (0 to 1) in partials that stay where they are; `pair`, the share in the two strongest
    partials; `first` and `second`, the frequencies of these in Hz, 0 where there is none that counts.
    """

    power: Values
    steady: Values
    pair: Values
    first: Values
    second: Values

    def is_musical(self, start: float, end: float, part: float = 1.0) -> bool:
        """Say whether the sound from `start` to `end` (seconds) holds its tones as music does.

        `part` of the three measures is enough.
        """
        frames = slice(int(start * FRAMES_PER_SECOND), max(1, round(end * FRAMES_PER_SECOND)))
        power = self.power[frames].astype(np.float64)
        steady = np.where(self.keys(frames), 1.0, self.steady[frames].astype(np.float64))
        total = power.sum()
        if total <= 0:
            return False
        order = np.argsort(steady)
        quarter = steady[order][np.searchsorted(np.cumsum(power[order]), total / 4)]
        loud = steady[power >= power.max() * 10 ** (-LOUD_DB / 10)].mean()
        mean = np.dot(steady, power) / total
        least = (MUSIC_MEAN * part, MUSIC_QUARTER * part, MUSIC_LOUD * part)
        return bool(mean >= least[0] and quarter >= least[1] and loud >= least[2])

    def keys(self, frames: slice = slice(None)) -> NDArray[np.bool_]:
        """Mark the frames that hold the two tones of a telephone's key and nothing else.

        Keys are often shorter than what steadiness is measured over.
        """
        first, second = self.first[frames], self.second[frames]
        low, high = np.minimum(first, second), np.maximum(first, second)
        pure = self.pair[frames] >= PURE
        found: NDArray[np.bool_] = _near(low, KEY_ROWS) & _near(high, KEY_COLUMNS) & pure
        return found


class ToneMeter:
    """Take in a channel at 16 kHz piece by piece; the pieces' lengths do not matter."""

    def __init__(self) -> None:
        self._sound: Samples = np.zeros((WINDOW - FRAME) // 2, np.float32)
        self._count = 0
        bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
        self._low, self._high = (int(at) for at in np.searchsorted(bins, (LOWEST, HIGHEST)))
        self._shape = np.hanning(WINDOW).astype(np.float32)
        self._scale = np.float32(1 / (self._shape**2).sum() / WINDOW * 2)
        self._held: Values = np.zeros((LAG, self._high - self._low), np.float32)
        self._found: list[NDArray[np.float32]] = []

    def add(self, sound: Samples) -> None:
        """Take in the next samples."""
        self._count += len(sound)
        self._sound = np.concatenate([self._sound, sound])
        for windows in self._windows():
            self._measure(self._spectra(windows))

    def result(self) -> Tones:
        """Return the values of every frame that was begun; nothing can be added after."""
        frames = -(-self._count // FRAME)
        self._sound = np.concatenate([self._sound, np.zeros(WINDOW + BATCH * FRAME, np.float32)])
        for windows in self._windows():
            self._measure(self._spectra(windows))
        self._measure(np.zeros_like(self._held))
        found = np.concatenate(self._found, axis=1)[:, :frames]
        return Tones(*found)

    def _windows(self) -> Iterator[Samples]:
        """Yield windows by the batch, shape (BATCH, WINDOW), while there is sound for a whole batch."""
        size = (BATCH - 1) * FRAME + WINDOW
        while len(self._sound) >= size:
            yield np.lib.stride_tricks.sliding_window_view(self._sound[:size], WINDOW)[::FRAME]
            self._sound = self._sound[BATCH * FRAME :]

    def _spectra(self, windows: Samples) -> Values:
        spectra = np.fft.rfft(windows * self._shape, axis=1)[:, self._low : self._high]
        return (np.abs(spectra) ** 2).astype(np.float32) * self._scale

    def _measure(self, spectra: Values) -> None:
        """Measure the frames LAG before these; the last 2 x LAG spectra are kept for those that follow."""
        known = np.concatenate([self._held, spectra])
        self._held = known[-2 * LAG :]
        if len(known) <= 2 * LAG:
            return
        peaks = _peaks(known)
        middle = slice(LAG, len(known) - LAG)
        power, here = known[middle], peaks[middle]
        total = power.sum(axis=1) + _TINY
        steady = np.zeros_like(total)
        for other in (slice(0, len(known) - 2 * LAG), slice(2 * LAG, len(known))):
            lobes = _widened(_widened(here & _widened(peaks[other])))
            kept = np.minimum(power, FADING * _highest(known[other]))
            steady = np.maximum(steady, np.where(lobes, kept, 0).sum(axis=1) / total)
        strongest, frequencies = _two_strongest(power, here, self._low)
        pair = strongest.sum(axis=1) / total
        self._found.append(np.stack([total - _TINY, steady, pair, *frequencies]).astype(np.float32))


def without_music(spans: tuple[Span, ...], tones: Tones, shortest: float) -> tuple[Span, ...]:
    """Return the stretches of speech without what is music; seconds.

    Of a long stretch, in which music may have run into speech, only the musical parts are taken out.
    """
    musical = [tones.is_musical(start, end) for start, end in spans]
    return tuple(
        part
        for place, span in enumerate(spans)
        if not musical[place] and not (_amid(spans, musical, place) and tones.is_musical(*span, AMID_MUSIC))
        for part in _spoken(span, tones, shortest)
    )


def _amid(spans: tuple[Span, ...], musical: list[bool], place: int) -> bool:
    """Say whether the stretches just before and just after one are music."""
    if not 0 < place < len(spans) - 1 or not (musical[place - 1] and musical[place + 1]):
        return False
    (start, end), before, after = spans[place], spans[place - 1], spans[place + 1]
    return start - before[1] <= NEAR_SECONDS and after[0] - end <= NEAR_SECONDS


def _spoken(span: Span, tones: Tones, shortest: float) -> Iterator[Span]:
    start, end = span
    if end - start <= LONG_SECONDS:
        yield span
        return
    begins = np.arange(start, end - WITHIN_SECONDS / 2, WITHIN_SECONDS / 4)
    musical = [at for at in begins if tones.is_musical(at, min(end, at + WITHIN_SECONDS))]
    for at in musical:
        if at - start >= shortest:
            yield start, round(float(at), 3)
        start = max(start, min(end, round(float(at) + WITHIN_SECONDS, 3)))
    if end - start >= shortest:
        yield start, end


def _near(hertz: Values, wanted: Values) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (np.abs(hertz[:, None] / wanted - 1) <= KEY_TOLERANCE).any(axis=1)
    return found


def _peaks(spectra: Values) -> NDArray[np.bool_]:
    """Mark the bins that are higher than both neighbours and stand out of their neighbourhood."""
    half = NEIGHBOURHOOD // 2
    sums = np.cumsum(np.pad(spectra, ((0, 0), (half + 1, half)), mode="edge"), axis=1, dtype=np.float64)
    mean = (sums[:, NEIGHBOURHOOD:] - sums[:, :-NEIGHBOURHOOD]) / NEIGHBOURHOOD
    found: NDArray[np.bool_] = (spectra >= _highest(spectra)) & (spectra > PEAK * mean)
    return found


def _highest(values: Values) -> Values:
    """Return for each bin the highest of itself and its two neighbours."""
    highest = values.copy()
    np.maximum(highest[:, 1:], values[:, :-1], out=highest[:, 1:])
    np.maximum(highest[:, :-1], values[:, 1:], out=highest[:, :-1])
    return highest


def _widened(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the neighbours of marked bins too."""
    wide = marks.copy()
    wide[:, 1:] |= marks[:, :-1]
    wide[:, :-1] |= marks[:, 1:]
    return wide


def _two_strongest(
    power: Values, peaks: NDArray[np.bool_], lowest: int
) -> tuple[Values, tuple[Values, Values]]:
    """Return the power (frames, 2) of the two strongest partials, with their lobes, and their frequencies."""
    heights = np.where(peaks, power, 0)
    first = heights.argmax(axis=1)[:, None]
    rest = heights.copy()
    np.put_along_axis(rest, first, -1, axis=1)
    places = np.concatenate([first, rest.argmax(axis=1)[:, None]], axis=1)
    apart = np.abs(places[:, :1] - places[:, 1:]) > 4
    real = np.take_along_axis(heights, places, axis=1) > 0
    real[:, 1:] &= apart
    lobes = np.zeros(places.shape, np.float32)
    for shift in range(-2, 3):
        near = np.clip(places + shift, 0, power.shape[1] - 1)
        lobes += np.take_along_axis(power, near, axis=1)
    real[:, 1] &= lobes[:, 1] >= SECOND * lobes[:, 0]
    hertz = np.where(real, (places + lowest) * (RATE / WINDOW), 0).astype(np.float32)
    return np.where(real, lobes, 0), (hertz[:, 0], hertz[:, 1])
