"""How much the phrases of a rubric stand for, counted before any of them is written out."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_VARIANTS = 150_000
"""So many variants may all phrases of a rubric stand for together: more would take seconds to load."""

_COUNTED = re.compile(r"[()\[\]|]")
_CEILING = 10**9


def variants_of_all(phrases: Iterable[str]) -> int:
    """Return how many variants different phrases stand for, each variable counted as one word."""
    return sum(variants_of(phrase) for phrase in set(phrases))


def variants_of(phrase: str) -> int:
    """Return how many variants a phrase stands for; brackets that do not fit count as if they did."""
    open_: list[tuple[int, int]] = []
    finished, current = 0, 1
    for found in _COUNTED.finditer(phrase):
        sign = found[0]
        if sign in "([":
            open_.append((finished, current))
            finished, current = 0, 1
        elif sign == "|":
            finished, current = finished + current, 1
        elif open_:
            inside = finished + current + (sign == "]")
            finished, current = open_.pop()
            current = min(current * inside, _CEILING)
    return min(finished + current, _CEILING)
