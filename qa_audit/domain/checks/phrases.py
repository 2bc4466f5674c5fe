"""Phrases as rubrics write them, and how they are found in a turn.

A phrase is plain words with a little grammar: `(can|may)` one of these, `[today]` may be left out,
`{brand}` a variable, `...` up to four words, `<number>`, `<amount>`, `<date>`, `<name>`, `<word>`
something of that form. Plain phrases of three words and more are found fuzzily, shorter ones and those
with slots exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from qa_audit.domain.checks.closeness import NEGATORS as NEGATORS
from qa_audit.domain.checks.closeness import (
    CloseWords,
    close_words,
    closest,
    closest_short,
    may_be_close,
)
from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.patterns import Pattern, pattern_of
from qa_audit.domain.checks.searching import END, Search, Wanted, likeness, trie_of
from qa_audit.domain.checks.speech import Speech
from qa_audit.domain.checks.wording import PhraseError as PhraseError
from qa_audit.domain.checks.wording import Variables as Variables
from qa_audit.domain.checks.wording import Variant, is_slot, variants
from qa_audit.domain.checks.wording import variables_in as variables_in
from qa_audit.domain.lazy import lazy
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
    patterns: tuple[Pattern, ...] = ()

    @lazy
    def fuzzy(self) -> tuple[Variant, ...]:
        """Return the variants of three words and more."""
        return tuple(variant for variant in self.plain if len(variant) >= 3)

    @lazy
    def _fuzzy_texts(self) -> tuple[tuple[Variant, str], ...]:
        return tuple((variant, " ".join(variant)) for variant in self.fuzzy)

    @lazy
    def _fewest_words(self) -> float:
        """Return how many words a stretch needs for any phrase to stand in it nearly."""
        return min((len(variant) - 1 for variant in self.fuzzy), default=float("inf"))

    @lazy
    def short(self) -> tuple[Variant, ...]:
        """Return the variants of one or two words."""
        return tuple(variant for variant in self.plain if len(variant) < 3)

    @lazy
    def numbers(self) -> frozenset[str]:
        """Return the numbers that the variants hold."""
        return frozenset(text for variant in self.plain for text in variant if is_number(text))

    @lazy
    def _wanted(self) -> Wanted:
        """Return what a search needs."""
        slotted: dict[str, list[Variant]] = {}
        for variant in self.slotted:
            slotted.setdefault(END if is_slot(variant[0]) else variant[0], []).append(variant)
        return Wanted(
            trie_of(self.plain),
            {first: tuple(own) for first, own in slotted.items()},
            self.patterns,
            tuple(likeness(variant, HIT_RATIO) for variant in self.fuzzy),
        )

    @lazy
    def _is_empty(self) -> bool:
        return not (self.plain or self.slotted or self.patterns)

    def find(self, turn: Turn, low: int = 0, high: int | None = None, *, fuzzy: bool = True) -> list[Hit]:
        """Return every place in tokens `low`..`high` of a turn where one of the phrases is said."""
        return self.find_in([(turn, low, len(turn.tokens) - 1 if high is None else high)], fuzzy=fuzzy)

    def find_in(self, stretches: Iterable[tuple[Turn, int, int]], *, fuzzy: bool = True) -> list[Hit]:
        """Return every place in some stretches (turn, first and last token) where one of the phrases is said."""
        found: list[Hit] = []
        if self._is_empty:
            return found
        speech: Speech | None = None
        for turn, low, high in stretches:
            if turn.speech is not speech:
                speech, search = turn.speech, self._search(turn)
                exactly, nearly = search.exactly, search.misheard if fuzzy else ()
            if turn.index in exactly or turn.index in nearly:
                found += self._hits(search, turn, low, high, fuzzy)
        return found

    def _search(self, turn: Turn) -> Search:
        """Look for these phrases in all that the turn's speaker says."""
        known = turn.speech.known
        search: Search | None = known.get(self)
        if search is None:
            search = known[self] = Search(turn.speech, self._wanted)
        return search

    def _hits(self, search: Search, turn: Turn, low: int, high: int, fuzzy: bool) -> Sequence[Hit]:
        last = len(turn.tokens) - 1
        if low > 0 or high < last:
            return self._within(search, turn, low, min(high, last), fuzzy)
        asked = 2 * turn.index + fuzzy
        known: Sequence[Hit] | None = search.known.get(asked)
        if known is None:
            known = search.known[asked] = self._within(search, turn, low, last, fuzzy)
        return known

    def _within(self, search: Search, turn: Turn, low: int, high: int, fuzzy: bool) -> Sequence[Hit]:
        if high < low:
            return ()
        hits: list[Hit] = []
        if turn.index in search.exactly:
            hits = [make_hit(turn, *place) for place in search.places(turn, low, high)]
        alike = search.misheard.get(turn.index) if fuzzy else None
        if alike:
            said = turn.text[turn.offsets[low] : turn.ends[high]]
            for phrase in alike:
                if may_be_close(phrase.text, said, HIT_RATIO):
                    place, ratio = closest(phrase.variant, phrase.text, turn, low, high, HIT_RATIO)
                    if place and ratio < 100:
                        hits.append(make_hit(turn, *place, ratio=ratio))
        return _longest(hits) if hits else ()

    def nearest(
        self, turn: Turn, low: int = 0, high: int | None = None, *, names: bool = False
    ) -> Hit | None:
        """Return the place that is closest to one of the phrases, if it is close enough to have been it."""
        if not self.plain:
            return None
        high = len(turn.tokens) - 1 if high is None else min(high, len(turn.tokens) - 1)
        best: Hit | None = None
        said = turn.text[turn.offsets[low] : turn.ends[high]] if high - low + 1 >= self._fewest_words else ""
        for variant, text in self._fuzzy_texts if said else ():
            if may_be_close(text, said, NEAR_RATIO):
                place, ratio = closest(variant, text, turn, low, high, NEAR_RATIO)
                if place and (best is None or ratio > best.ratio):
                    best = make_hit(turn, *place, ratio=ratio)
        for close in self._close_words(turn, names) if high >= low else ():
            place, ratio = closest_short(close, turn, low, high)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        return best

    def _close_words(self, turn: Turn, names: bool) -> list[tuple[CloseWords, ...]]:
        """Return for the variants of one or two words what the turn's speaker says that comes close to them."""
        known, speech = turn.speech.known, turn.speech
        found: list[tuple[CloseWords, ...]] | None = known.get((self, names))
        if found is None:
            least = NEAR_NAME_RATIO if names else NEAR_SHORT_RATIO
            alike = [close_words(variant, speech, least) for variant in self.short]
            found = known[self, names] = [close for close in alike if close]
        return found

    def nearest_in(self, stretches: Iterable[tuple[Turn, int, int]], *, names: bool = False) -> list[Hit]:
        """Return for each stretch the place closest to one of the phrases, where it is close enough."""
        if not self.plain:
            return []
        return [
            hit
            for turn, low, high in stretches
            if (hit := self.nearest(turn, low, high, names=names)) is not None
        ]


def make_hit(turn: Turn, first: int, last: int, *, ratio: float = 100.0) -> Hit:
    """Describe tokens `first`..`last` of a turn as a hit."""
    if first == last:
        probability = turn.tokens[first].probability
        return Hit(turn, first, last, ratio, probability, probability)
    probabilities = [token.probability for token in turn.tokens[first : last + 1]]
    return Hit(turn, first, last, ratio, sum(probabilities) / len(probabilities), min(probabilities))


def phrase_set(phrases: Iterable[str], variables: Variables, patterns: Iterable[str] = ()) -> PhraseSet:
    """Compile phrases with what their variables stand for; phrases of an empty variable are left out.

    Raises PhraseError when one cannot be read or names an unknown variable, PatternError for a pattern that
    is refused.
    """
    phrases = tuple(phrases)
    named = _variables_of(phrases)
    for name in named:
        if name not in variables:
            raise PhraseError(f"the variable {{{name}}} is not defined")
    values = tuple([(name, tuple(variables[name])) for name in named])
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
        patterns=tuple(pattern_of(pattern) for pattern in patterns),
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
