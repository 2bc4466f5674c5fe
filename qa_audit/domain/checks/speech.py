"""All that one speaker says on a call, made ready to be searched."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from qa_audit.domain.acoustics import merge_in_time
from qa_audit.domain.call import Span
from qa_audit.domain.lazy import lazy
from qa_audit.domain.text import Token

if TYPE_CHECKING:
    from qa_audit.domain.checks.heard import Turn

_LANE = 16
"""Bits in which the groups of letters that a turn shares with a phrase are counted: more than any phrase has."""
_LOW = b"\x01"
_TOP = b"\x80"
"""Bytes with the lowest and with the highest bit of a lane."""
_WORD_GAP = 0.5
_WORD_SECONDS = 0.45
_LETTER_SECONDS = 0.11


class Speech:
    """All that one speaker says on a call, ready to be searched, and what was found in it before."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens = tokens
        self.starts = [token.start for token in tokens]
        self.turns: tuple[Turn, ...] = ()
        self.known: dict[object, Any] = {}

    @lazy
    def texts(self) -> list[str]:
        """Return the normalised words of all turns, with a line break after each turn."""
        texts: list[str] = []
        for turn in self.turns:
            texts += turn.texts
            texts.append("\n")
        return texts

    @lazy
    def places(self) -> Mapping[str, Sequence[int]]:
        """Return for each word where it stands in `texts`."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, text in enumerate(self.texts):
            found[text].append(place)
        del found["\n"]
        return dict(found)

    @lazy
    def _begins(self) -> list[int]:
        """Return where each turn begins in `texts`."""
        return [0, *accumulate([len(turn.tokens) + 1 for turn in self.turns[:-1]])]

    def turn_at(self, place: int) -> tuple[int, int]:
        """Return the index of the turn at a place in `texts`, and where it begins."""
        number = bisect_right(self._begins, place) - 1
        return self.turns[number].index, self._begins[number]

    def parts_between(self, start: float, end: float) -> Iterator[tuple[Turn, int, int]]:
        """Yield the turns with their first and last token among those that begin in [start, end] seconds."""
        first, last = bisect_left(self.starts, start), bisect_right(self.starts, end) - 1
        if first > last:
            return
        number = bisect_right(self._first_tokens, first) - 1
        for turn, begin in zip(self.turns[number:], self._first_tokens[number:], strict=True):
            if begin > last:
                break
            yield turn, max(0, first - begin), min(len(turn.tokens) - 1, last - begin)

    def turns_during(self, start: float, end: float) -> Iterator[Turn]:
        """Yield the turns that last at `start` (seconds) or later and begin by `end`."""
        for place in range(bisect_left(self._ended_by, start), len(self.turns)):
            turn = self.turns[place]
            if turn.start > end:
                break
            if turn.end >= start:
                yield turn

    @lazy
    def _ended_by(self) -> list[float]:
        """Return when the last of the turns up to each has ended."""
        return list(accumulate([turn.end for turn in self.turns], max))

    @lazy
    def first_said(self) -> Mapping[str, float]:
        """Return when each word is said first, in seconds."""
        return {token.text: token.start for token in reversed(self.tokens)}

    @lazy
    def _first_tokens(self) -> list[int]:
        """Return where the first token of each turn stands in `tokens`."""
        return [0, *accumulate([len(turn.tokens) for turn in self.turns[:-1]])]

    @lazy
    def _untils(self) -> list[float]:
        """Return until when each token plausibly lasts at most, in seconds."""
        untils = []
        for text, _, first, last, start, end, _, _, _ in self.tokens:
            slowly, by_letters = _WORD_SECONDS * (last - first + 1), _LETTER_SECONDS * len(text)
            until = start + (slowly if slowly > by_letters else by_letters)
            untils.append(end if end > until else until)
        return untils

    @lazy
    def _merged_spans(self) -> list[Span]:
        return merge_in_time(zip(self.starts, self._untils, strict=True), _WORD_GAP)

    def has_words(self, start: float, end: float) -> bool:
        """Say whether a token begins in [start, end] seconds."""
        first = bisect_left(self.starts, start)
        return first < len(self.starts) and self.starts[first] <= end

    def spoken_between(self, start: float, end: float) -> list[Span]:
        """Return how long the tokens that begin in [start, end] last at most (see `plausible_seconds`), joined."""
        first, last = bisect_left(self.starts, start), bisect_right(self.starts, end)
        if first == 0 and last == len(self.starts):
            return self._merged_spans
        spans = zip(self.starts[first:last], self._untils[first:last], strict=True)
        return merge_in_time(spans, _WORD_GAP)

    @lazy
    def _turns_by_word(self) -> Mapping[str, int]:
        """Return for each word a number in which the lowest bit of their lane stands for the turns that have it."""
        found: dict[str, int] = {}
        for number, turn in enumerate(self.turns):
            _add(found, turn.texts, 1 << _LANE * number)
        return found

    def turns_with(self, words: Iterable[str]) -> Iterable[int]:
        """Return the indices of the turns in which all of these words are said."""
        kept = self._lanes[0]
        for word in words:
            kept &= self._turns_by_word.get(word, 0)
            if not kept:
                return ()
        return self._turns_in(kept, _LOW)

    def _turns_in(self, bits: int, one: bytes) -> Iterator[int]:
        """Yield the indices of the turns in whose lanes a bit is set; `one` is a byte with that bit."""
        lanes = bits.to_bytes(len(self.turns) * _LANE // 8, "little")
        at = lanes.find(one)
        while at >= 0:
            yield self.turns[8 * at // _LANE].index
            at = lanes.find(one, at + 1)

    @lazy
    def _turns_by_group(self) -> Mapping[str, int]:
        """Return the like for each group of letters."""
        found: dict[str, int] = {}
        for number, turn in enumerate(self.turns):
            _add(found, groups_between(turn.texts), 1 << _LANE * number)
        for word, turns in self._turns_by_word.items():
            _add(found, letter_groups(word), turns)
        return found

    def turns_sharing(self, groups: Iterable[str], least: int) -> Iterable[int]:
        """Return the indices of the turns that have so many of these groups of letters.

        The turns are counted in lanes of one number, all by the same additions; a lane whose top bit is set after
        what it lacks to that was added has enough.
        """
        lane_of = self._turns_by_group
        ones, tops = self._lanes
        counted = sum([lane_of[group] for group in groups if group in lane_of])
        enough = counted + tops - least * ones & tops
        return self._turns_in(enough, _TOP) if enough else ()

    @lazy
    def _lanes(self) -> tuple[int, int]:
        """Return the numbers in which the lowest and in which the highest bit of each turn's lane are set."""
        ones = sum([1 << _LANE * number for number in range(len(self.turns))])
        return ones, ones << _LANE - 1

    @lazy
    def joined(self) -> tuple[Mapping[int, list[str]], ...]:
        """Return the words, and every two and every three in a row, without spaces, each once, by their length."""
        one = self.texts
        two = [a + b for a, b in pairwise(one)]
        three = [a + b for a, b in zip(two, one[2:], strict=False)]
        return tuple(_by_length(set(row)) for row in (one, two, three))


def _by_length(words: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for word in words:
        if "\n" not in word:
            found.setdefault(len(word), []).append(word)
    return found


def _add(found: dict[str, int], keys: Iterable[str], bits: int) -> None:
    """Set bits in the numbers of some keys."""
    get = found.get
    for key in keys:
        found[key] = get(key, 0) | bits


def plausible_seconds(token: Token) -> float:
    """Return how long a token plausibly lasts at most when spoken slowly, in seconds."""
    return max(_WORD_SECONDS * (token.last - token.first + 1), _LETTER_SECONDS * len(token.text))


@lru_cache(maxsize=16384)
def letter_groups(word: str) -> tuple[str, ...]:
    """Return every three neighbouring letters of a word with a space at either end."""
    spaced = f" {word} "
    return tuple(spaced[at : at + 3] for at in range(len(word)))


def groups_between(words: Sequence[str]) -> list[str]:
    """Return the last letter of each word with the first of the next and the space between."""
    return [f"{one[-1]} {other[0]}" for one, other in pairwise(words)]
