"""Where the phrases of one set stand in all that one speaker says: looked for once, asked for by turn.

What costs time is looked up for the whole speech at once: words in its index of words, and for phrases that may
have been misheard the turns that share enough groups of three letters with them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.slots import slot_ends, slot_starts
from qa_audit.domain.checks.speech import Speech, groups_between, letter_groups
from qa_audit.domain.checks.wording import Variant, is_slot

GAP = 4
END = ""
Trie = dict[str, Any]
"""Plain variants word by word; the empty word marks that a variant ends there."""
Place = tuple[int, int]
"""First and last token index of something found in a turn."""


class Likeness(NamedTuple):
    """A phrase that is also found when it was misheard, and how many of its groups of letters must be left."""

    variant: Variant
    groups: tuple[str, ...]
    least: int


def likeness(variant: Variant, ratio: float) -> Likeness:
    """Work out how many groups of three neighbouring letters, spaces among them, surely stay.

    At a ratio r (0 to 1) a phrase of n letters is said with a letters fewer and b more, where
    a + b <= (1 - r) (2 n - a + b). Each letter fewer breaks three groups at most, each letter more two; most break
    when all are letters fewer, and then a <= (1 - r) 2 n / (2 - r).
    """
    groups = (*(group for word in variant for group in letter_groups(word)), *groups_between(variant))
    lost = 1 - ratio / 100
    broken = 3 * 2 * lost * len(" ".join(variant)) / (1 + lost)
    return Likeness(variant, groups, max(0, math.ceil(len(groups) - broken - 1e-6)))


class Search:
    """What was found of a set of phrases in one speaker's words; turns are named by their index."""

    def __init__(
        self,
        speech: Speech,
        trie: Trie,
        slotted: Mapping[str, tuple[Variant, ...]],
        patterns: tuple[re.Pattern[str], ...],
        alike: tuple[Likeness, ...],
    ) -> None:
        self._speech = speech
        self._plain = _plain(trie, speech) if trie else {}
        self._slotted = _may_fit(slotted, speech) if slotted else {}
        self._patterns = patterns
        self._alike = alike
        self.known: dict[tuple[int, bool], Any] = {}

    @cached_property
    def exactly(self) -> AbstractSet[int]:
        """Return the turns in which a phrase may be said word for word, or a pattern fit."""
        if self._patterns:
            return {turn.index for turn in self._speech.turns}
        return self._plain.keys() | self._slotted.keys()

    @cached_property
    def nearly(self) -> AbstractSet[int]:
        """Return the turns in which a phrase may be said, perhaps misheard."""
        return self.exactly | self._misheard.keys()

    def places(self, turn: Turn, low: int, high: int) -> Iterator[Place]:
        """Yield where a phrase is said word for word, or a pattern fits, in tokens `low`..`high` of a turn."""
        for first, ends in self._plain.get(turn.index, ()):
            if low <= first:
                last = max((end for end in ends if end <= high), default=-1)
                if last >= 0:
                    yield first, last
        if turn.index in self._slotted:
            yield from _slotted(self._slotted[turn.index], turn, low, high)
        for pattern in self._patterns:
            yield from _fitting(pattern, turn, low, high)

    def may_be_misheard(self, turn: Turn) -> Sequence[Variant]:
        """Return the phrases of three words and more that a turn may hold nearly."""
        return self._misheard.get(turn.index, ())

    @cached_property
    def _misheard(self) -> Mapping[int, list[Variant]]:
        found: dict[int, list[Variant]] = defaultdict(list)
        for variant, groups, least in self._alike:
            for index in self._speech.turns_sharing(groups, least):
                found[index].append(variant)
        return found


def _plain(trie: Trie, speech: Speech) -> dict[int, list[tuple[int, list[int]]]]:
    """Return for each turn where plain variants begin, with the ends of all that begin there."""
    texts, places = speech.texts, speech.places
    found: dict[int, list[tuple[int, list[int]]]] = {}
    for word in trie.keys() & places.keys():
        branch = trie[word]
        for first in places[word]:
            node: Trie | None = branch
            at, ends = first, []
            while node is not None:
                if END in node:
                    ends.append(at)
                at += 1
                node = node.get(texts[at])
            if ends:
                turn, begin = speech.turn_at(first)
                found.setdefault(turn, []).append((first - begin, [end - begin for end in ends]))
    return found


def _may_fit(by_first: Mapping[str, tuple[Variant, ...]], speech: Speech) -> dict[int, tuple[Variant, ...]]:
    """Return for each turn the variants with slots of which all plain words are said in it."""
    found: dict[int, tuple[Variant, ...]] = {}
    for first, variants in by_first.items():
        if first != END and first not in speech.places:
            continue
        for variant in variants:
            for index in speech.turns_with(_words_of(variant)):
                found[index] = (*found.get(index, ()), variant)
    return found


def _slotted(variants: Iterable[Variant], turn: Turn, low: int, high: int) -> Iterator[Place]:
    for variant in variants:
        begins_with_slot = is_slot(variant[0])
        starts = slot_starts(variant[0], turn) if begins_with_slot else turn.places[variant[0]]
        for at in starts:
            end = _match_from(variant, 0, turn, at, high) if low <= at <= high else None
            if end is not None and end > at:
                yield at, end - 1


@lru_cache(maxsize=8192)
def _words_of(variant: Variant) -> frozenset[str]:
    """Return the plain words of a variant, all of which must be there for it to fit."""
    return frozenset(element for element in variant if not is_slot(element))


def _fitting(pattern: re.Pattern[str], turn: Turn, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield first and last index of the words that a pattern fits."""
    texts, offsets = turn.shortened
    text = turn.text if texts is turn.texts else " ".join(texts)
    for match in pattern.finditer(text, offsets[low], offsets[high] + len(texts[high])):
        yield bisect_right(offsets, match.start()) - 1, bisect_right(offsets, match.end() - 1) - 1


def _match_from(variant: Variant, element: int, turn: Turn, at: int, high: int) -> int | None:
    """Return the index after the match of `variant[element:]` at token `at`, or None."""
    while element < len(variant) and not is_slot(variant[element]):
        if at > high or turn.texts[at] != variant[element]:
            return None
        element, at = element + 1, at + 1
    if element == len(variant):
        return at
    ends: Iterable[int]
    if variant[element] == "...":
        last = turn.sentence_range(max(at - 1, 0))[1]
        ends = range(at, min(at + GAP, last + 1, high + 1) + 1)
    else:
        ends = slot_ends(variant[element], turn.tokens, at, high)
    for after in ends:
        end = _match_from(variant, element + 1, turn, after, high)
        if end is not None:
            return end
    return None
