"""Where a turn comes closest to a phrase, letter by letter: what was misheard or said a little differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz, process

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.speech import Speech
from qa_audit.domain.text import is_number, is_ordinal, word_set

SLACK = 8
"""How much lower than wanted the ratio of the letters alone may be for words to be compared at all."""
NEGATORS = word_set("not never no unable nor without hardly")
_NEAR_LETTERS = 5


def may_be_close(wanted: str, said: str, least: float) -> bool:
    """Say whether words may come so close to a phrase by their letters alone; else `closest` finds nothing."""
    return bool(fuzz.partial_ratio(wanted, said, score_cutoff=least - SLACK))


def closest(
    variant: tuple[str, ...], wanted: str, turn: Turn, low: int, high: int, least: float
) -> tuple[tuple[int, int] | None, float]:
    """Return the token range closest to a phrase of three words and more, and its ratio; `wanted` is its text."""
    size = len(variant)
    if high - low + 1 < size - 1:
        return None, 0.0
    start = turn.offsets[low]
    said = turn.text[start : turn.ends[high]]
    alignment = fuzz.partial_ratio_alignment(wanted, said, score_cutoff=least - SLACK)
    if alignment is None:
        return None, 0.0
    around = turn.token_at(start + alignment.dest_start)
    best: tuple[int, int] | None = None
    best_ratio = 0.0
    for first in range(max(low, around - 1), min(high, around + 1) + 1):
        for length in (size, size - 1, size + 1):
            last = first + length - 1
            if last > high:
                continue
            window = turn.texts[first : last + 1]
            ratio = fuzz.ratio(wanted, " ".join(window))
            if ratio >= least and ratio > best_ratio and _same_sense(window, variant):
                best, best_ratio = (first, last), ratio
                if ratio == 100:
                    return best, ratio
    return best, best_ratio


class CloseWords(NamedTuple):
    """Words said in a row (their letters without spaces) that are close to a short phrase, with their ratios."""

    words: int
    ratios: Mapping[str, float]


def close_words(variant: tuple[str, ...], speech: Speech, least: float) -> tuple[CloseWords, ...]:
    """Return what comes close to a phrase of one or two words in all that a speaker says; letters decide.

    A ratio of r needs lengths of which the smaller is at least r / (2 - r) of the greater.
    """
    wanted = "".join(variant)
    small = len(variant) > 1 and min(map(len, variant)) < 3
    if len(wanted) < _NEAR_LETTERS or not wanted.isalpha() or small:
        return ()
    alike = least / (200.0 - least)
    shortest, longest = len(wanted) * alike, len(wanted) / alike
    found = []
    for words in range(1, len(variant) + 2):
        by_length = speech.joined[words - 1]
        among = [one for size, own in by_length.items() if shortest <= size <= longest for one in own]
        close = process.extract(wanted, among, scorer=fuzz.ratio, score_cutoff=least, limit=None)
        most = len(wanted) // 2
        ratios = {one: ratio for one, ratio, _ in close if abs(len(one) - len(wanted)) <= most}
        if ratios:
            found.append(CloseWords(words, ratios))
    return tuple(found)


def closest_short(
    close: Sequence[CloseWords], turn: Turn, low: int, high: int
) -> tuple[tuple[int, int] | None, float]:
    """Return the token range that comes closest to a short phrase (see `close_words`), and its ratio."""
    best: tuple[int, int] | None = None
    best_ratio = 0.0
    for words, ratios in close:
        windows = turn.joined[words - 1][low : max(low, high - words + 2)]
        if ratios.keys().isdisjoint(windows):
            continue
        for place, letters in enumerate(windows, low):
            if ratios.get(letters, 0.0) > best_ratio:
                best, best_ratio = (place, place + words - 1), ratios[letters]
    return best, best_ratio


def _same_sense(window: Sequence[str], variant: Sequence[str]) -> bool:
    """Forbid that a fuzzy match adds or drops a negation or changes a number."""
    return _sense(window) == _sense(variant)


def _sense(words: Sequence[str]) -> list[str]:
    return sorted(word for word in words if word in NEGATORS or is_number(word) or is_ordinal(word))
