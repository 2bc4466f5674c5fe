"""Phrases as rubrics write them, and how they are found in a turn.

A phrase is plain words with a little grammar: `(can|may)` one of these, `[today]` may be left out,
`{brand}` a variable, `...` up to four words, `<number>`, `<amount>`, `<date>`, `<name>`, `<word>`
something of that form. Plain phrases of three words and more are found fuzzily, shorter ones and those
with slots exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from rapidfuzz import fuzz, process

from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.slots import SLOTS, slot_ends
from qa_audit.domain.text import is_number, is_ordinal, normalise, strip_grammar, word_set

HIT_RATIO = 88.0
"""The token ratio (0 to 100) from which a phrase of three words and more counts as said."""
NEAR_RATIO = 75.0
NEAR_SHORT_RATIO = 85.0
NEAR_NAME_RATIO = 66.0
HIT_PROBABILITY = 0.6
"""The mean word probability from which a phrase counts as heard."""
GAP = 4
_NEAR_LETTERS = 5
_SLACK = 8
NEGATORS = word_set("not never no unable nor without hardly")
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


@dataclass(frozen=True)
class PhraseSet:
    """Phrases ready to be searched for: the plain variants and those with slots."""

    plain: tuple[tuple[str, ...], ...]
    slotted: tuple[tuple[str, ...], ...]

    @cached_property
    def fuzzy(self) -> tuple[tuple[str, ...], ...]:
        """Return the variants of three words and more."""
        return tuple(variant for variant in self.plain if len(variant) >= 3)

    @cached_property
    def _fuzzy_texts(self) -> tuple[str, ...]:
        return tuple(" ".join(variant) for variant in self.fuzzy)

    def _likely(self, turn: Turn, low: int, high: int, least: float) -> Iterator[tuple[str, ...]]:
        """Yield the variants of three words and more that may stand somewhere in tokens `low`..`high`."""
        if not self.fuzzy or high < low:
            return
        said = turn.text[turn.offsets[low] : turn.offsets[high] + len(turn.texts[high])]
        close = process.extract_iter(
            said, self._fuzzy_texts, scorer=fuzz.partial_ratio, score_cutoff=least - _SLACK
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
        high = len(turn.tokens) - 1 if high is None else min(high, len(turn.tokens) - 1)
        if high < low:
            return []
        hits = [make_hit(turn, *place) for place in _plain(self.trie, turn.texts, low, high)]
        if self.slotted:
            hits.extend(make_hit(turn, *place) for place in _slotted(self.slotted_by_first, turn, low, high))
        if fuzzy:
            for variant in self._likely(turn, low, high, HIT_RATIO):
                place, ratio = _closest(variant, turn, low, high, HIT_RATIO)
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
            place, ratio = _closest(variant, turn, low, high, NEAR_RATIO)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        least = NEAR_NAME_RATIO if names else NEAR_SHORT_RATIO
        for variant in self.short if high >= low else ():
            place, ratio = _closest_short(variant, turn, low, high, least)
            if place and (best is None or ratio > best.ratio):
                best = make_hit(turn, *place, ratio=ratio)
        return best


def make_hit(turn: Turn, first: int, last: int, *, ratio: float = 100.0) -> Hit:
    """Describe tokens `first`..`last` of a turn as a hit."""
    probabilities = [token.probability for token in turn.tokens[first : last + 1]]
    return Hit(turn, first, last, ratio, sum(probabilities) / len(probabilities), min(probabilities))


def phrase_set(phrases: Iterable[str], variables: Variables) -> PhraseSet:
    """Compile phrases with what their variables stand for; phrases of an empty variable are left out.

    Raises PhraseError when one cannot be read or names an unknown variable.
    """
    phrases = tuple(phrases)
    named = sorted({name for phrase in phrases for name in variables_in(phrase)})
    missing = [name for name in named if name not in variables]
    if missing:
        raise PhraseError(f"the variable {{{missing[0]}}} is not defined")
    return _compile_all(phrases, tuple((name, tuple(variables[name])) for name in named))


def variables_in(phrase: str) -> list[str]:
    """Return the names of the variables that a phrase uses."""
    return re.findall(r"\{(\w+)\}", phrase)


@lru_cache(maxsize=2048)
def _compile_all(phrases: tuple[str, ...], values: tuple[tuple[str, tuple[str, ...]], ...]) -> PhraseSet:
    variables = dict(values)
    variants: dict[tuple[str, ...], None] = {}
    for phrase in phrases:
        for variant in _variants(phrase, variables):
            variants[variant] = None
    slotted = {variant for variant in variants if any(is_slot(element) for element in variant)}
    return PhraseSet(
        plain=tuple(variant for variant in variants if variant not in slotted),
        slotted=tuple(variant for variant in variants if variant in slotted),
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


def _plain(trie: Trie, texts: Sequence[str], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Yield first and last index of the longest plain variant at every place."""
    for first in range(low, high + 1):
        node: Trie | None = trie
        last = -1
        for at in range(first, high + 1):
            node = node.get(texts[at]) if node else None
            if node is None:
                break
            if _END in node:
                last = at
        if last >= 0:
            yield first, last


def _slotted(
    variants: Mapping[str, tuple[tuple[str, ...], ...]], turn: Turn, low: int, high: int
) -> Iterator[tuple[int, int]]:
    anywhere = variants.get(_END, ())
    for at in range(low, high + 1):
        for variant in (*variants.get(turn.texts[at], ()), *anywhere):
            end = _match_from(variant, 0, turn, at, high)
            if end is not None and end > at:
                yield at, end - 1


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


def _closest(
    variant: tuple[str, ...], turn: Turn, low: int, high: int, least: float
) -> tuple[tuple[int, int] | None, float]:
    """Return the token range closest to a phrase of three words and more, and its ratio."""
    size = len(variant)
    if high - low + 1 < size - 1:
        return None, 0.0
    wanted = " ".join(variant)
    start, stop = turn.offsets[low], turn.offsets[high] + len(turn.texts[high])
    alignment = fuzz.partial_ratio_alignment(wanted, turn.text[start:stop], score_cutoff=least - _SLACK)
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


def _closest_short(
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
        for first in range(low, high - length + 2):
            letters = "".join(turn.texts[first : first + length])
            if abs(len(letters) - len(wanted)) > len(wanted) // 2:
                continue
            ratio = fuzz.ratio(wanted, letters, score_cutoff=least)
            if ratio > best_ratio:
                best, best_ratio = (first, first + length - 1), ratio
    return best, best_ratio


def _same_sense(window: Sequence[str], variant: Sequence[str]) -> bool:
    """Forbid that a fuzzy match adds or drops a negation or changes a number."""
    return _sense(window) == _sense(variant)


def _sense(words: Sequence[str]) -> list[str]:
    return sorted(word for word in words if word in NEGATORS or is_number(word) or is_ordinal(word))


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping hits keep the best: highest ratio, then longest; the answer is in order of place."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (-h.ratio, h.first - h.last, h.first)):
        if all(hit.last < other.first or hit.first > other.last for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda h: h.first)
