"""Decode windows, and those that came out badly again with rising temperature (as whisper/transcribe.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qa_audit.speech.recogniser import (
    MOST_COMPRESSED,
    TEMPERATURES,
    compression_ratio,
    is_good,
    is_silent,
)

SEED = 0
"""Tries with a temperature are drawn at random, and drawn the same way every time."""


@dataclass(frozen=True)
class Decoded:
    """One try at a window: its tokens without the end of the text, and whisper's measures of it.

    See `recogniser.HeardWindow` for what they mean.
    """

    tokens: tuple[int, ...]
    text: str
    avg_logprob: float
    no_speech_prob: float
    temperature: float
    is_cut: bool

    @property
    def settles(self) -> bool:
        """Tell whether no further try is needed: it is good, or there is nothing to hear."""
        return is_good(self.text, self.avg_logprob) or is_silent(self.no_speech_prob, self.avg_logprob)


def best_tries(
    windows: int,
    decode: Callable[[list[int], float], Sequence[Decoded]],
    calls: Sequence[int] = (),
    *,
    beams: int = 1,
) -> list[Decoded]:
    """Return the best try at each of so many windows, of which each of several calls has its number.

    `decode` is given the numbers of the windows that are still open and the temperature to decode them at.
    Calls share greedy decoding alone: beams are followed as far as the longest window of a batch goes, and what is
    drawn at random depends on what else is drawn with it.
    """
    owners = [call for call, count in enumerate(calls or (windows,)) for _ in range(count)]
    tries: list[list[Decoded]] = [[] for _ in range(windows)]
    left = list(range(windows))
    for temperature in TEMPERATURES:
        apart = temperature > 0 or beams > 1
        for group in _by_call(left, owners) if apart else [left]:
            for place, found in zip(group, decode(group, temperature), strict=True):
                tries[place].append(found)
        left = [place for place in left if not tries[place][-1].settles]
        if not left:
            break
    return [best(of_window) for of_window in tries]


def _by_call(windows: Sequence[int], owners: Sequence[int]) -> list[list[int]]:
    return [list(group) for _, group in groupby(windows, key=owners.__getitem__)]


def best(tries: Sequence[Decoded]) -> Decoded:
    """Return the try that settled it, else the most probable one that does not repeat itself."""
    if tries[-1].settles:
        return tries[-1]
    sane = [found for found in tries if compression_ratio(found.text) <= MOST_COMPRESSED]
    return max(sane or tries, key=lambda found: found.avg_logprob)
