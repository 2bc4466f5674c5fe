"""Phrases as rubrics write them, and how they are found in a turn.

A phrase is plain words with a little grammar: `(can|may)` one of these, `[today]` may be left out,
`{brand}` a variable, `...` up to four words, `<number>`, `<amount>`, `<date>`, `<name>`, `<word>`
something of that form. Plain phrases of three words and more are found fuzzily, shorter ones and those
with slots exactly.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from rapidfuzz import fuzz, process

from qa_audit.domain.checks.closeness import NEGATORS as NEGATORS
from qa_audit.domain.checks.closeness import SLACK, closest, closest_short
from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.patterns import LONGEST_WORD, compile_pattern
from qa_audit.domain.checks.slots import SLOTS, slot_ends, slot_starts
from qa_audit.domain.text import is_number, normalise, strip_grammar

HIT_RATIO = 88.0
"""The token ratio (0 to 100) from which a phrase of three words and more counts as said."""
NEAR_RATIO = 75.0
NEAR_SHORT_RATIO = 85.0
NEAR_NAME_RATIO = 66.0
HIT_PROBABILITY = 0.6
"""The mean word probability from which a phrase counts as heard."""
GAP = 4
_WHOLE_RATIO = 72.0
_TURNS_FIRST = 4
_MOST_VARIANTS = 2000
_LEXER = re.compile(r"\.\.\.|[()\[\]|]|\{\w+\}|<\w+>|[^\s()\[\]|{}<>]+")

Variables = Mapping[str, Sequence[str]]


class PhraseError(ValueError):
    """A phrase cannot be read; the message says why."""


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


_END = ""
Trie = dict[str, Any]
"""Plain variants word by word; the empty word marks that a variant ends there."""


@dataclass(frozen=True, eq=False)
class PhraseSet:
    """Phrases ready to be searched for: the plain variants, those with slots, and patterns."""

    plain: tuple[tuple[str, ...], ...]
    slotted: tuple[tuple[str, ...], ...]
    patterns: tuple[re.Pattern[str], ...] = ()

    @cached_property
    def fuzzy(self) -> tuple[tuple[str, ...], ...]:
        """Return the variants of three words and more."""
        return tuple(variant for variant in self.plain if len(variant) >= 3)

    @cached_property
    def _fuzzy_texts(self) -> tuple[str, ...]:
        return tuple(" ".join(variant) for variant in self.fuzzy)

    @cached_property
    def _fewest_words(self) -> float:
        """Return how many words a stretch needs for any phrase to stand in it nearly."""
        return min((len(variant) - 1 for variant in self.fuzzy), default=float("inf"))

    def _anywhere(self, turn: Turn) -> Sequence[int] | None:
        """Return which of the phrases of three words and more may be said anywhere on the call, if that is known.

        Where a phrase of n letters is said with a ratio of 88 in m letters, some n letters of the whole call
        have a ratio of at least 72.9 with it: the m letters differ by at most n / 0.44 - 2 n, and every letter
        more or less costs one letter in common. It is worth finding out once a few turns were searched.
        """
        if turn.whole is None:
            return None
        known = turn.whole.known.get(self, 0)
        if isinstance(known, int):
            known += 1
            if known > _TURNS_FIRST:
                likely = process.extract_iter(
                    turn.whole.text, self._fuzzy_texts, scorer=fuzz.partial_ratio, score_cutoff=_WHOLE_RATIO
                )
                known = tuple(index for _, _, index in likely)
            turn.whole.known[self] = known
        return None if isinstance(known, int) else known

    def _likely(self, turn: Turn, low: int, high: int, least: float) -> Iterator[tuple[str, ...]]:
        """Yield the variants of three words and more that may stand somewhere in tokens `low`..`high`."""
        if high - low + 1 < self._fewest_words:
            return
        anywhere = self._anywhere(turn) if least >= HIT_RATIO else None
        if anywhere is not None:
            if not anywhere:
                return
            said = turn.text[turn.offsets[low] : turn.offsets[high] + len(turn.texts[high])]
            for index in anywhere:
                if fuzz.partial_ratio(said, self._fuzzy_texts[index], score_cutoff=least - SLACK):
                    yield self.fuzzy[index]
            return
        said = turn.text[turn.offsets[low] : turn.offsets[high] + len(turn.texts[high])]
        close = process.extract_iter(
            said, self._fuzzy_texts, scorer=fuzz.partial_ratio, score_cutoff=least - SLACK
        )
        for _, _, index in close:
            yield self.fuzzy[index]

    @cached_property
    def slotted_by_first(self) -> Mapping[str, tuple[tuple[str, ...], ...]]:
        """Return the variants with slots by first word (the empty word: those that begin with a slot)."""
        grouped: dict[str, list[tuple[str, ...]]] = {}
        for variant in self.slotted:
            grouped.setdefault(_END if is_slot(variant[0]) else variant[0], []).append(variant)
        return {first: tuple(variants) for first, variants in grouped.items()}

    @cached_property
    def short(self) -> tuple[tuple[str, ...], ...]:
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
            node[_END] = True
        return root

    def find(self, turn: Turn, low: int = 0, high: int | None = None, *, fuzzy: bool = True) -> list[Hit]:
        """Return every place in tokens `low`..`high` of a turn where one of the phrases is said."""
        if not (self.plain or self.slotted or self.patterns):
            return []
        high = len(turn.tokens) - 1 if high is None else min(high, len(turn.tokens) - 1)
        if high < low:
            return []
        hits = [make_hit(turn, *place) for place in _plain(self.trie, turn, low, high)]
        if self.slotted:
            hits.extend(make_hit(turn, *place) for place in _slotted(self.slotted_by_first, turn, low, high))
        for pattern in self.patterns:
            hits.extend(make_hit(turn, *place) for place in _fitting(pattern, turn, low, high))
        if fuzzy:
            for variant in self._likely(turn, low, high, HIT_RATIO):
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
        for variant in self._likely(turn, low, high, NEAR_RATIO):
            place, ratio = closest(variant, turn, low, high, NEAR_RATIO)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        least = NEAR_NAME_RATIO if names else NEAR_SHORT_RATIO
        for variant in self.short if high >= low else ():
            place, ratio = closest_short(variant, turn, low, high, least)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        return best


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


def variables_in(phrase: str) -> list[str]:
    """Return the names of the variables that a phrase uses."""
    return re.findall(r"\{([^\W\d]\w*)\}", phrase)


@lru_cache(maxsize=4096)
def _variables_of(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name for phrase in phrases for name in variables_in(phrase)}))


@lru_cache(maxsize=4096)
def _compile_all(
    phrases: tuple[str, ...], values: tuple[tuple[str, tuple[str, ...]], ...], patterns: tuple[str, ...]
) -> PhraseSet:
    variables = dict(values)
    variants: dict[tuple[str, ...], None] = {}
    for phrase in phrases:
        for variant in _variants(phrase, variables):
            variants[variant] = None
    slotted = {variant for variant in variants if any(is_slot(element) for element in variant)}
    return PhraseSet(
        plain=tuple(variant for variant in variants if variant not in slotted),
        slotted=tuple(variant for variant in variants if variant in slotted),
        patterns=tuple(compile_pattern(pattern) for pattern in patterns),
    )


def is_slot(element: str) -> bool:
    """Say whether an element of a compiled phrase is a slot or a gap rather than a word."""
    return element == "..." or element[:1] == "<"


def _variants(phrase: str, variables: Variables) -> list[tuple[str, ...]]:
    """Expand one phrase into its variants, each a tuple of normalised words and slots."""
    lexemes = _LEXER.findall(phrase)
    expanded, rest = _alternatives(lexemes, 0, variables, phrase)
    if rest != len(lexemes):
        raise PhraseError(f"'{phrase}' has a bracket too many")
    variants = [variant for variant in map(_normal_variant, expanded) if set(variant) - {"..."}]
    if not variants and not variables_in(phrase):
        raise PhraseError(f"'{phrase}' has no words")
    return variants


def _alternatives(
    lexemes: Sequence[str], at: int, variables: Variables, phrase: str
) -> tuple[list[tuple[str, ...]], int]:
    """Read alternatives up to a closing bracket; return their expansions and where reading stopped."""
    finished: list[tuple[str, ...]] = []
    current: list[tuple[str, ...]] = [()]
    while at < len(lexemes) and lexemes[at] not in (")", "]"):
        lexeme = lexemes[at]
        at += 1
        if lexeme == "|":
            finished.extend(current)
            current = [()]
            continue
        if lexeme in ("(", "["):
            options, at = _alternatives(lexemes, at, variables, phrase)
            if at >= len(lexemes) or lexemes[at] != (")" if lexeme == "(" else "]"):
                raise PhraseError(f"'{phrase}' has a bracket that is not closed")
            at += 1
            options = [*options, ()] if lexeme == "[" else options
        elif lexeme[0] == "{":
            if lexeme[1:-1] not in variables:
                raise PhraseError(f"the variable {lexeme} is not defined")
            options = [tuple(value.split()) for value in strip_grammar(variables[lexeme[1:-1]])]
        elif lexeme[0] == "<" and lexeme not in SLOTS:
            raise PhraseError(f"'{phrase}' has the unknown slot {lexeme}; known: {', '.join(sorted(SLOTS))}")
        else:
            options = [(lexeme,)]
        current = [start + option for start in current for option in options]
        if len(current) + len(finished) > _MOST_VARIANTS:
            raise PhraseError(f"'{phrase}' stands for more than {_MOST_VARIANTS} variants; split it")
    return finished + current, at


def _normal_variant(words: tuple[str, ...]) -> tuple[str, ...]:
    elements: list[str] = []
    plain: list[str] = []
    for word in (*words, "<end>"):
        if is_slot(word):
            elements.extend(piece.text for piece in normalise(plain))
            plain = []
            if word != "<end>":
                elements.append(word)
        else:
            plain.append(word)
    return tuple(elements)


def _plain(trie: Trie, turn: Turn, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield first and last index of the longest plain variant at every place."""
    texts, places = turn.texts, turn.places
    for word in trie.keys() & places.keys():
        for first in places[word]:
            if not low <= first <= high:
                continue
            node: Trie | None = trie[word]
            at, last = first, -1
            while node is not None:
                if _END in node:
                    last = at
                at += 1
                node = node.get(texts[at]) if at <= high else None
            if last >= 0:
                yield first, last


def _slotted(
    variants: Mapping[str, tuple[tuple[str, ...], ...]], turn: Turn, low: int, high: int
) -> Iterator[tuple[int, int]]:
    for word in variants.keys() & turn.places.keys():
        for at in turn.places[word]:
            for variant in variants[word] if low <= at <= high else ():
                end = _match_from(variant, 1, turn, at + 1, high)
                if end is not None:
                    yield at, end - 1
    for variant in variants.get(_END, ()):
        if not turn.places.keys() >= _words_of(variant):
            continue
        for at in slot_starts(variant[0], turn):
            end = _match_from(variant, 0, turn, at, high) if low <= at <= high else None
            if end is not None and end > at:
                yield at, end - 1


@lru_cache(maxsize=4096)
def _words_of(variant: tuple[str, ...]) -> frozenset[str]:
    """Return the plain words of a variant, all of which must be there for it to fit."""
    return frozenset(element for element in variant if not is_slot(element))


def _fitting(pattern: re.Pattern[str], turn: Turn, low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield first and last index of the words that a pattern fits."""
    texts, offsets = _short_words(turn)
    text = turn.text if texts is turn.texts else " ".join(texts)
    for match in pattern.finditer(text, offsets[low], offsets[high] + len(texts[high])):
        yield bisect_right(offsets, match.start()) - 1, bisect_right(offsets, match.end() - 1) - 1


def _short_words(turn: Turn) -> tuple[Sequence[str], Sequence[int]]:
    """Return a turn's words cut to a length that bounds what a pattern can try, and where each begins."""
    if max(map(len, turn.texts)) <= LONGEST_WORD:
        return turn.texts, turn.offsets
    texts = [text[:LONGEST_WORD] for text in turn.texts]
    return texts, [0, *accumulate(len(text) + 1 for text in texts[:-1])]


def _match_from(variant: tuple[str, ...], element: int, turn: Turn, at: int, high: int) -> int | None:
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


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping hits keep the best: highest ratio, then longest; the answer is in order of place."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (-h.ratio, h.first - h.last, h.first)):
        if all(hit.last < other.first or hit.first > other.last for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: h.first)
