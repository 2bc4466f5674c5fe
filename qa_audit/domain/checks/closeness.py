"""Where a turn comes closest to a phrase, letter by letter: what was misheard or said a little differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz, process

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.text import is_number, is_ordinal, word_set

SLACK = 8
"""How much lower than wanted the ratio of the letters alone may be for words to be compared at all."""
NEGATORS = word_set("not never no unable nor without hardly")
_NEAR_LETTERS = 5


def closest(
    variant: tuple[str, ...], turn: Turn, low: int, high: int, least: float
) -> tuple[tuple[int, int] | None, float]:
    """Return the token range closest to a phrase of three words and more, and its ratio."""
    size = len(variant)
    if high - low + 1 < size - 1:
        return None, 0.0
    wanted = " ".join(variant)
    start, stop = turn.offsets[low], turn.offsets[high] + len(turn.texts[high])
    alignment = fuzz.partial_ratio_alignment(wanted, turn.text[start:stop], score_cutoff=least - SLACK)
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
    return best, best_ratio


def closest_short(
    variant: tuple[str, ...], turn: Turn, low: int, high: int, least: float
) -> tuple[tuple[int, int] | None, float]:
    """Like `_closest` for one or two words; letters are compared without spaces."""
    wanted = "".join(variant)
    best: tuple[int, int] | None = None
    best_ratio = 0.0
    small = len(variant) > 1 and min(map(len, variant)) < 3
    if len(wanted) < _NEAR_LETTERS or not wanted.isalpha() or small:
        return None, 0.0
    for length in range(1, len(variant) + 2):
        close = _close_words(wanted, length, turn, least)
        if not close:
            continue
        windows = turn.joined[length - 1][low : max(low, high - length + 2)]
        for place, letters in enumerate(windows, low):
            if close.get(letters, 0.0) > best_ratio:
                best, best_ratio = (place, place + length - 1), close[letters]
    return best, best_ratio


def _close_words(wanted: str, length: int, turn: Turn, least: float) -> Mapping[str, float]:
    """Return which so many words in a row (letters without spaces) are close to others, with their ratios.

    They are looked for in all that the speaker says at once. A ratio of r needs lengths of which the smaller is
    at least r / (2 - r) of the greater.
    """
    known = turn.speech.known
    asked = wanted, length, least
    if asked not in known:
        alike = least / (200.0 - least)
        among = [
            one
            for letters, all_of in turn.speech.joined[length - 1].items()
            if len(wanted) * alike <= letters <= len(wanted) / alike
            for one in all_of
        ]
        found = process.extract_iter(wanted, among, scorer=fuzz.ratio, score_cutoff=least)
        known[asked] = {
            letters: ratio
            for letters, ratio, _ in found
            if abs(len(letters) - len(wanted)) <= len(wanted) // 2
        }
    close: dict[str, float] = known[asked]
    return close


def _same_sense(window: Sequence[str], variant: Sequence[str]) -> bool:
    """Forbid that a fuzzy match adds or drops a negation or changes a number."""
    return _sense(window) == _sense(variant)


def _sense(words: Sequence[str]) -> list[str]:
    return sorted(word for word in words if word in NEGATORS or is_number(word) or is_ordinal(word))
