"""Phrases as rubrics write them, and how they are found in a turn.

A phrase is plain words with a little grammar: `(can|may)` one of these, `[today]` may be left out,
`{brand}` a variable, `...` up to four words, `<number>`, `<amount>`, `<date>`, `<name>`, `<word>`
something of that form. Plain phrases of three words and more are found fuzzily, shorter ones and those
with slots exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from qa_audit.domain.checks.closeness import NEGATORS as NEGATORS
from qa_audit.domain.checks.closeness import SLACK, closest, closest_short
from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.patterns import compile_pattern
from qa_audit.domain.checks.searching import END, Likeness, Search, Trie, likeness
from qa_audit.domain.checks.wording import PhraseError as PhraseError
from qa_audit.domain.checks.wording import Variables as Variables
from qa_audit.domain.checks.wording import Variant, is_slot, variants
from qa_audit.domain.checks.wording import variables_in as variables_in
from qa_audit.domain.text import is_number

HIT_RATIO = 88.0
"""The token ratio (0 to 100) from which a phrase of three words and more counts as said."""
NEAR_RATIO = 75.0
NEAR_SHORT_RATIO = 85.0
NEAR_NAME_RATIO = 66.0
HIT_PROBABILITY = 0.6
"""The mean word probability from which a phrase counts as heard."""


class Hit(NamedTuple):
    """A phrase found in a turn: token indices (both included), ratio, mean and lowest word probability."""

    turn: Turn
    first: int
    last: int
    ratio: float
    probability: float
    weakest: float

    @property
    def start(self) -> float:
        """Return the first word's start in seconds."""
        return self.turn.tokens[self.first].start

    @property
    def end(self) -> float:
        """Return the last word's end in seconds."""
        return self.turn.tokens[self.last].end

    @property
    def heard(self) -> bool:
        """Say whether the words were recognised surely enough to count."""
        return self.probability >= HIT_PROBABILITY

    @property
    def in_one_sentence(self) -> bool:
        """Say whether all the words stand in one sentence."""
        return self.turn.sentence[self.first] == self.turn.sentence[self.last]


@dataclass(frozen=True, eq=False)
class PhraseSet:
    """Phrases ready to be searched for: the plain variants, those with slots, and patterns."""

    plain: tuple[Variant, ...]
    slotted: tuple[Variant, ...]
    patterns: tuple[re.Pattern[str], ...] = ()

    @cached_property
    def fuzzy(self) -> tuple[Variant, ...]:
        """Return the variants of three words and more."""
        return tuple(variant for variant in self.plain if len(variant) >= 3)

    @cached_property
    def _fuzzy_texts(self) -> tuple[str, ...]:
        return tuple(" ".join(variant) for variant in self.fuzzy)

    @cached_property
    def _alike(self) -> tuple[Likeness, ...]:
        return tuple(likeness(variant, HIT_RATIO) for variant in self.fuzzy)

    @cached_property
    def _fewest_words(self) -> float:
        """Return how many words a stretch needs for any phrase to stand in it nearly."""
        return min((len(variant) - 1 for variant in self.fuzzy), default=float("inf"))

    @cached_property
    def slotted_by_first(self) -> Mapping[str, tuple[Variant, ...]]:
        """Return the variants with slots by first word (the empty word: those that begin with a slot)."""
        grouped: dict[str, list[Variant]] = {}
        for variant in self.slotted:
            grouped.setdefault(END if is_slot(variant[0]) else variant[0], []).append(variant)
        return {first: tuple(own) for first, own in grouped.items()}

    @cached_property
    def short(self) -> tuple[Variant, ...]:
        """Return the variants of one or two words."""
        return tuple(variant for variant in self.plain if len(variant) < 3)

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Return the numbers that the variants hold."""
        return frozenset(text for variant in self.plain for text in variant if is_number(text))

    @cached_property
    def trie(self) -> Trie:
        """Return the plain variants word by word."""
        root: Trie = {}
        for variant in self.plain:
            node = root
            for word in variant:
                node = node.setdefault(word, {})
            node[END] = True
        return root

    def find(self, turn: Turn, low: int = 0, high: int | None = None, *, fuzzy: bool = True) -> list[Hit]:
        """Return every place in tokens `low`..`high` of a turn where one of the phrases is said."""
        search: Search = turn.speech.known.get(self) or self._search(turn)
        if turn.index not in (search.nearly if fuzzy else search.exactly):
            return []
        last = len(turn.tokens) - 1
        high = last if high is None else min(high, last)
        if high < low:
            return []
        if low or high < last:
            return self._within(search, turn, low, high, fuzzy)
        known: list[Hit] | None = search.known.get((turn.index, fuzzy))
        if known is None:
            known = search.known[turn.index, fuzzy] = self._within(search, turn, low, high, fuzzy)
        return known.copy()

    def find_in(self, stretches: Iterable[tuple[Turn, int, int]], *, fuzzy: bool = True) -> list[Hit]:
        """Return every place in some stretches (turn, first and last token) where one of the phrases is said."""
        if not (self.plain or self.slotted or self.patterns):
            return []
        found: list[Hit] = []
        for turn, low, high in stretches:
            found += self.find(turn, low, high, fuzzy=fuzzy)
        return found

    def _search(self, turn: Turn) -> Search:
        """Look for these phrases in all that the turn's speaker says."""
        search = Search(turn.speech, self.trie, self.slotted_by_first, self.patterns, self._alike)
        turn.speech.known[self] = search
        return search

    def _within(self, search: Search, turn: Turn, low: int, high: int, fuzzy: bool) -> list[Hit]:
        hits = [make_hit(turn, *place) for place in search.places(turn, low, high)]
        for variant in search.may_be_misheard(turn) if fuzzy else ():
            place, ratio = closest(variant, turn, low, high, HIT_RATIO)
            if place and ratio < 100:
                hits.append(make_hit(turn, *place, ratio=ratio))
        return _longest(hits)

    def nearest(
        self, turn: Turn, low: int = 0, high: int | None = None, *, names: bool = False
    ) -> Hit | None:
        """Return the place that is closest to one of the phrases, if it is close enough to have been it."""
        high = len(turn.tokens) - 1 if high is None else min(high, len(turn.tokens) - 1)
        best: Hit | None = None
        for variant in self._near(turn, low, high):
            place, ratio = closest(variant, turn, low, high, NEAR_RATIO)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        least = NEAR_NAME_RATIO if names else NEAR_SHORT_RATIO
        for variant in self.short if high >= low else ():
            place, ratio = closest_short(variant, turn, low, high, least)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        return best

    def _near(self, turn: Turn, low: int, high: int) -> list[Variant]:
        """Return the variants of three words and more to which tokens `low`..`high` may come near."""
        if high - low + 1 < self._fewest_words:
            return []
        said = turn.text[turn.offsets[low] : turn.offsets[high] + len(turn.texts[high])]
        close = process.extract_iter(
            said, self._fuzzy_texts, scorer=fuzz.partial_ratio, score_cutoff=NEAR_RATIO - SLACK
        )
        return [self.fuzzy[index] for _, _, index in close]


def make_hit(turn: Turn, first: int, last: int, *, ratio: float = 100.0) -> Hit:
    """Describe tokens `first`..`last` of a turn as a hit."""
    probabilities = [token.probability for token in turn.tokens[first : last + 1]]
    return Hit(turn, first, last, ratio, sum(probabilities) / len(probabilities), min(probabilities))


def phrase_set(phrases: Iterable[str], variables: Variables, patterns: Iterable[str] = ()) -> PhraseSet:
    """Compile phrases with what their variables stand for; phrases of an empty variable are left out.

    Raises PhraseError when one cannot be read or names an unknown variable, PatternError for a pattern that
    is refused.
    """
    phrases = tuple(phrases)
    named = _variables_of(phrases)
    missing = [name for name in named if name not in variables]
    if missing:
        raise PhraseError(f"the variable {{{missing[0]}}} is not defined")
    values = tuple((name, tuple(variables[name])) for name in named)
    return _compile_all(phrases, values, tuple(patterns))


@lru_cache(maxsize=4096)
def _variables_of(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name for phrase in phrases for name in variables_in(phrase)}))


@lru_cache(maxsize=4096)
def _compile_all(
    phrases: tuple[str, ...], values: tuple[tuple[str, tuple[str, ...]], ...], patterns: tuple[str, ...]
) -> PhraseSet:
    variables = dict(values)
    read: dict[Variant, None] = {}
    for phrase in phrases:
        for variant in variants(phrase, variables):
            read[variant] = None
    slotted = {variant for variant in read if any(is_slot(element) for element in variant)}
    return PhraseSet(
        plain=tuple(variant for variant in read if variant not in slotted),
        slotted=tuple(variant for variant in read if variant in slotted),
        patterns=tuple(compile_pattern(pattern) for pattern in patterns),
    )


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping hits keep the best: highest ratio, then longest; the answer is in order of place."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (-h.ratio, h.first - h.last, h.first)):
        if all(hit.last < other.first or hit.first > other.last for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: h.first)
