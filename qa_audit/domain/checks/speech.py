"""All that one speaker says on a call, made ready to be searched."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa_audit.domain.checks.heard import Turn

_LANE = 16
"""Bits in which the groups of letters that a turn shares with a phrase are counted: more than any phrase has."""
_TOP = b"\x80"
"""A byte with the top bit of a lane."""


class Speech:
    """All that one speaker says on a call, ready to be searched, and what was found in it before."""

    def __init__(self) -> None:
        self.turns: tuple[Turn, ...] = ()
        self.known: dict[object, Any] = {}

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return the normalised words of all turns, with a line break after each turn."""
        texts: list[str] = []
        for turn in self.turns:
            texts += turn.texts
            texts.append("\n")
        return tuple(texts)

    @cached_property
    def places(self) -> Mapping[str, Sequence[int]]:
        """Return for each word where it stands in `texts`."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(self.texts):
            found[text].append(place)
        del found["\n"]
        return dict(found)

    @cached_property
    def _begins(self) -> list[int]:
        """Return where each turn begins in `texts`."""
        return [0, *accumulate(len(turn.tokens) + 1 for turn in self.turns[:-1])]

    def turn_at(self, place: int) -> tuple[int, int]:
        """Return the index of the turn at a place in `texts`, and where it begins."""
        number = bisect_right(self._begins, place) - 1
        return self.turns[number].index, self._begins[number]

    def turns_with(self, words: Iterable[str]) -> list[int]:
        """Return the indices of the turns in which all of these words are said."""
        kept: set[int] | None = None
        for word in words:
            own = {self.turn_at(place)[0] for place in self.places.get(word, ())}
            kept = own if kept is None else kept & own
            if not kept:
                return []
        return [turn.index for turn in self.turns] if kept is None else sorted(kept)

    @cached_property
    def _turns_by_group(self) -> Mapping[str, int]:
        """Return for each group of letters a number in which a bit of their own stands for the turns that have it."""
        by_word: dict[str, int] = defaultdict(int)
        found: dict[str, int] = defaultdict(int)
        for number, turn in enumerate(self.turns):
            own = 1 << _LANE * number
            for word in set(turn.texts):
                by_word[word] |= own
            for group in set(groups_between(turn.texts)):
                found[group] |= own
        for word, turns in by_word.items():
            for group in letter_groups(word):
                found[group] |= turns
        return dict(found)

    def turns_sharing(self, groups: Iterable[str], least: int) -> Iterator[int]:
        """Yield the indices of the turns that have so many of these groups of letters.

        The turns are counted in lanes of one number, all by the same additions; a lane whose top bit is set after
        what it lacks to that was added has enough.
        """
        lane_of = self._turns_by_group
        ones, tops = self._lanes
        counted = sum([lane_of[group] for group in groups if group in lane_of])
        enough = counted + tops - least * ones & tops
        if not enough:
            return
        bits = enough.to_bytes(len(self.turns) * _LANE // 8, "little")
        at = bits.find(_TOP)
        while at >= 0:
            yield self.turns[8 * at // _LANE].index
            at = bits.find(_TOP, at + 1)

    @cached_property
    def _lanes(self) -> tuple[int, int]:
        """Return the numbers in which the lowest and in which the highest bit of each turn's lane are set."""
        ones = sum(1 << _LANE * number for number in range(len(self.turns)))
        return ones, ones << _LANE - 1

    @cached_property
    def joined(self) -> tuple[Mapping[int, list[str]], ...]:
        """Return all that the turns' `joined` hold, each once, by how many letters it has."""
        found: tuple[dict[int, list[str]], ...] = ({}, {}, {})
        for size, by_length in enumerate(found):
            for one in {one for turn in self.turns for one in turn.joined[size]}:
                by_length.setdefault(len(one), []).append(one)
        return found


@lru_cache(maxsize=16384)
def letter_groups(word: str) -> tuple[str, ...]:
    """Return every three neighbouring letters of a word with a space at either end."""
    spaced = f" {word} "
    return tuple(spaced[at : at + 3] for at in range(len(word)))


def groups_between(words: Sequence[str]) -> list[str]:
    """Return the last letter of each word with the first of the next and the space between."""
    return [f"{one[-1]} {other[0]}" for one, other in pairwise(words)]
