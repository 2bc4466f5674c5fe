"""Find the loops in which a recogniser repeats itself, without touching numbers that people do repeat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_audit.domain.spellings import MARKS

_NUMBER = re.compile(
    r"^(zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|double|triple|[0-9]+)$", re.IGNORECASE
)
_NO_LETTER = re.compile(rf"[^\w{MARKS}']")
LONGEST_PHRASE = 12


def loops(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the stretches (first, past the last) that only repeat what stands before them.

    A phrase must come at least five times in a row, four times when it has four words and more; digits, as
    in a card number, at least nine times.
    """
    plain = [_NO_LETTER.sub("", word).lower() for word in words]
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(plain):
        loop = _loop_at(plain, at)
        if loop:
            size, times = loop
            found.append((at + size, at + size * times))
            at += size * times
        else:
            at += 1
    return found


def _loop_at(plain: Sequence[str], at: int) -> tuple[int, int] | None:
    for size in range(1, min(LONGEST_PHRASE, (len(plain) - at) // 4) + 1):
        phrase = plain[at : at + size]
        times = 1
        while plain[at + times * size : at + (times + 1) * size] == phrase:
            times += 1
        needed = 9 if all(_NUMBER.match(word) for word in phrase) else 4 if size >= 4 else 5
        if times >= needed:
            return size, times
    return None
