"""Tell two channels that carry the same people from two that carry one person each.

Compared are pieces in which both channels have speech: the same sound stays the same when one channel is
inverted, late, louder, or has more of one speaker than the other (voices panned across stereo).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from qa_audit.domain.acoustics import merge, overlaps
from qa_audit.media.judge import Likeness
from qa_audit.media.pcm import RATE, PcmFile
from qa_audit.media.protocol import Span

PIECE_SECONDS = 2.0
MOST_PIECES = 40
LAG_SECONDS = 0.06
"""One channel of the same sound may be this late: buffers of a recorder, never the delay of an echo."""

COINCIDING = 0.8
"""Two people who share a call seldom speak together; from this share on it is the same speech twice."""

ALIKE = 0.6
"""A piece of speech is on both channels from this correlation on, at the best delay."""

SAME = 0.97
LEVEL_DB = 10.0
"""Crosstalk is weaker than this; a voice panned to one side is not."""

STEADY_DB = 1.5
"""The same sound twice keeps its difference of level within this; panned voices do not."""


def likeness(files: Sequence[PcmFile], speech: Sequence[Sequence[Span]]) -> Likeness:
    """Say whether two channels carry the `same` sound, both people each (`mixed`), or one person each."""
    one, other = merge(speech[0]), merge(speech[1])
    both = overlaps(one, other)
    if not both or _seconds(both) < COINCIDING * _seconds(merge([*one, *other])):
        return "apart"
    found = [_compared(*(file[start:end] for file in files)) for start, end in _pieces(both)]
    alike = [(c, d) for c, d in found if c >= ALIKE and abs(d) <= LEVEL_DB]
    if not found or len(alike) < COINCIDING * len(found):
        return "apart"
    differences = np.array([difference for _, difference in alike])
    same = float(np.median([correlation for correlation, _ in alike])) >= SAME
    spread = float(np.percentile(np.abs(differences - np.median(differences)), 90))
    return "same" if same and spread <= STEADY_DB else "mixed"


def _pieces(spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield first and last sample of pieces spread evenly over the spans."""
    pieces = [
        (at, min(end, at + PIECE_SECONDS))
        for start, end in spans
        for at in np.arange(start, end, PIECE_SECONDS)
        if min(end, at + PIECE_SECONDS) - at >= PIECE_SECONDS / 4
    ]
    step = max(1, math.ceil(len(pieces) / MOST_PIECES))
    for start, end in pieces[::step]:
        yield round(start * RATE), round(end * RATE)


def _compared(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the correlation (0 to 1) at the best delay, whatever the polarity, and the difference in dB."""
    one, other = one - one.mean(), other - other.mean()
    powers = float(np.dot(one, one)), float(np.dot(other, other))
    if min(powers) <= 0:
        return 0.0, math.inf
    size = 1 << (2 * len(one) - 1).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    lag = min(len(one), round(LAG_SECONDS * RATE))
    best = max(float(np.abs(crossed[: lag + 1]).max()), float(np.abs(crossed[-lag:]).max()))
    return min(1.0, best / math.sqrt(powers[0] * powers[1])), 10 * math.log10(powers[0] / powers[1])


def _seconds(spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in spans)
