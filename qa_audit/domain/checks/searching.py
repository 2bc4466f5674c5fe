"""Where the phrases of one set stand in all that one speaker says: looked for once, asked for by turn.

What costs time is looked up for the whole speech at once: words in its index of words, and for phrases that may
have been misheard the turns that share enough groups of three letters with them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, NamedTuple

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.patterns import Pattern
from qa_audit.domain.checks.slots import slot_ends, slot_starts
from qa_audit.domain.checks.speech import Speech, groups_between, letter_groups
from qa_audit.domain.checks.wording import Variant, is_slot
from qa_audit.domain.lazy import lazy

GAP = 4
END = ""
Trie = dict[str, Any]
"""Plain variants word by word; the empty word marks that a variant ends there."""
Place = tuple[int, int]
"""First and last token index of something found in a turn."""


class Likeness(NamedTuple):
    """A phrase that is also found when it was misheard, and how many of its groups of letters must be left."""

    variant: Variant
    text: str
    groups: tuple[str, ...]
    least: int


def likeness(variant: Variant, ratio: float) -> Likeness:
    """Work out how many groups of three neighbouring letters, spaces among them, surely stay.

    At a ratio r (0 to 1) a phrase of n letters is said with a letters fewer and b more, where
    a + b <= (1 - r) (2 n - a + b). Each letter fewer breaks three groups at most, each letter more two.
    """
    text = " ".join(variant)
    groups = (*(group for word in variant for group in letter_groups(word)), *groups_between(variant))
    lost = 1 - ratio / 100
    most = 2 * lost * len(text) + 1e-6
    broken = max(
        3 * fewer + 2 * math.floor((most - (1 + lost) * fewer) / (1 - lost))
        for fewer in range(math.floor(most / (1 + lost)) + 1)
    )
    return Likeness(variant, text, groups, max(0, len(groups) - broken))


class Wanted(NamedTuple):
    """What is searched for: plain variants, those with slots by first word, patterns, and what may be misheard."""

    trie: Trie
    slotted: Mapping[str, tuple[Variant, ...]]
    patterns: tuple[Pattern, ...]
    alike: tuple[Likeness, ...]


class Search:
    """What was found of a set of phrases in one speaker's words; turns are named by their index."""

    def __init__(self, speech: Speech, wanted: Wanted) -> None:
        self._speech = speech
        self._patterns = wanted.patterns
        self._alike = wanted.alike
        self._plain = _plain(wanted.trie, speech) if wanted.trie else {}
        self._slotted = _may_fit(wanted.slotted, speech) if wanted.slotted else {}
        self.exactly: AbstractSet[int] = self._plain.keys()
        """The turns in which a phrase may be said word for word, or a pattern fit."""
        if self._slotted:
            self.exactly = self.exactly | self._slotted.keys()
        if self._patterns:
            self.exactly = self.exactly | _may_match(self._patterns, speech)
        self.known: dict[int, Any] = {}

    def places(self, turn: Turn, low: int, high: int) -> list[Place]:
        """Return where a phrase is said word for word, or a pattern fits, in tokens `low`..`high` of a turn."""
        found: list[Place] = []
        for first, ends in self._plain.get(turn.index, ()):
            inside = ends if ends[-1] <= high else [end for end in ends if end <= high]
            if inside and low <= first:
                found.append((first, inside[-1]))
        if turn.index in self._slotted:
            found += _slotted(self._slotted[turn.index], turn, low, high)
        for pattern in self._patterns:
            found += _fitting(pattern, turn, low, high)
        return found

    @lazy
    def misheard(self) -> Mapping[int, Sequence[Likeness]]:
        """Return for each turn the phrases of three words and more that it may hold nearly."""
        found: dict[int, list[Likeness]] = {}
        for phrase in self._alike:
            for index in self._speech.turns_sharing(phrase.groups, phrase.least):
                found.setdefault(index, []).append(phrase)
        return found


def trie_of(variants: Iterable[Variant]) -> Trie:
    """Return plain variants word by word."""
    root: Trie = {}
    for variant in variants:
        node = root
        for word in variant:
            node = node.setdefault(word, {})
        node[END] = True
    return root


def _plain(trie: Trie, speech: Speech) -> dict[int, list[tuple[int, list[int]]]]:
    """Return for each turn where plain variants begin, with the ends of all that begin there."""
    texts, places = speech.texts, speech.places
    found: dict[int, list[tuple[int, list[int]]]] = {}
    for word in trie.keys() & places.keys():
        branch = trie[word]
        alone = END in branch
        for first in places[word]:
            at = first + 1
            node: Trie | None = branch.get(texts[at])
            if node is None and not alone:
                continue
            ends = [first] if alone else []
            while node is not None:
                if END in node:
                    ends.append(at)
                at += 1
                node = node.get(texts[at])
            if ends:
                turn, begin = speech.turn_at(first)
                found.setdefault(turn, []).append((first - begin, [end - begin for end in ends]))
    return found


def _may_fit(by_first: Mapping[str, tuple[Variant, ...]], speech: Speech) -> dict[int, list[Variant]]:
    """Return for each turn the variants with slots of which all plain words are said in it."""
    found: dict[int, list[Variant]] = {}
    for first, variants in by_first.items():
        if first != END and first not in speech.places:
            continue
        for variant in variants:
            for index in speech.turns_with(_words_of(variant)):
                found.setdefault(index, []).append(variant)
    return found


def _may_match(patterns: Iterable[Pattern], speech: Speech) -> set[int]:
    """Return the turns in which the letters stand that one of the patterns cannot do without."""
    return {
        turn.index
        for turn in speech.turns
        if any(pattern.needed in turn.shortened.text for pattern in patterns)
    }


def _slotted(variants: Iterable[Variant], turn: Turn, low: int, high: int) -> Iterator[Place]:
    for variant in variants:
        begin = variant[0]
        starts: Iterable[int]
        if is_slot(begin):
            starts = slot_starts(begin, turn)
        else:
            starts = [place for place, text in enumerate(turn.texts) if text == begin]
        for at in starts:
            end = _match_from(variant, 0, turn, at, high) if low <= at <= high else None
            if end is not None and end > at:
                yield at, end - 1


@lru_cache(maxsize=8192)
def _words_of(variant: Variant) -> frozenset[str]:
    """Return the plain words of a variant, all of which must be there for it to fit."""
    return frozenset(element for element in variant if not is_slot(element))


def _fitting(pattern: Pattern, turn: Turn, low: int, high: int) -> Iterator[Place]:
    """Yield first and last index of the words that a pattern fits."""
    text, starts, ends = turn.shortened
    if pattern.needed not in text:
        return
    for match in pattern.expression.finditer(text, starts[low], ends[high]):
        yield bisect_right(starts, match.start()) - 1, bisect_right(starts, match.end() - 1) - 1


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
    if element + 1 == len(variant):
        return next(iter(ends), None)
    for after in ends:
        end = _match_from(variant, element + 1, turn, after, high)
        if end is not None:
            return end
    return None
