"""Numbers said digit by digit, letters among them as they are or spelled out: "four bravo two", "b for bravo"."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from qa_audit.domain.checks.base import said
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.phrases import HIT_PROBABILITY
from qa_audit.domain.checks.slots import date_end
from qa_audit.domain.digits import Digits, digit_runs, has_digits
from qa_audit.domain.findings import Evidence
from qa_audit.domain.text import MASK, Token, is_number, word_set

_LONGEST_DATE = 8
"""Words of a date: "the 3rd of the 5th, 19 87"."""
_ALPHABET = word_set(
    """
    alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar
    papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu
    """
)


class SpokenNumber(NamedTuple):
    """A number that one speaker said, in one go or in pieces."""

    pieces: tuple[tuple[Turn, Digits], ...]

    @property
    def turn(self) -> Turn:
        """Return the turn in which it begins."""
        return self.pieces[0][0]

    @property
    def text(self) -> str:
        """Return its characters in a row."""
        return "".join([run.text for _, run in self.pieces])

    @property
    def size(self) -> int:
        """Count its characters."""
        return len(self.text)

    @property
    def weakest(self) -> float:
        """Return the lowest probability of its words."""
        return min([run.weakest for _, run in self.pieces])

    @property
    def start(self) -> float:
        """Return when it begins, in seconds."""
        turn, run = self.pieces[0]
        return turn.tokens[run.first].start

    @property
    def end(self) -> float:
        """Return when it ends, in seconds."""
        turn, run = self.pieces[-1]
        return turn.tokens[run.last].end

    @property
    def weak(self) -> bool:
        """Say whether one of its words was not heard surely enough, or is masked."""
        return self.weakest < HIT_PROBABILITY or MASK[0] in self.text


def cite_numbers(heard: Heard, *numbers: SpokenNumber) -> tuple[Evidence, ...]:
    """Cite numbers, in the order given."""
    return tuple(
        item
        for number in numbers
        for turn, run in number.pieces
        for item in said(heard, turn.tokens[run.first : run.last + 1])
    )


def numbers_in(tokens: Sequence[Token]) -> list[Digits]:
    """Return the numbers said digit by digit that do not lie within a date."""
    if not has_digits(" ".join([token.text for token in tokens])):
        return []
    tokens = _spelled_out(tokens)
    return [run for run in digit_runs(tokens) if not _in_date(tokens, run, range(len(tokens)))]


def numbers_of(turn: Turn, heard: Heard) -> list[Digits]:
    """Return the numbers of a turn, worked out once."""
    known = heard.known.get(("runs", turn.index))
    if not isinstance(known, list):
        if _may_spell(turn.texts):
            known = numbers_in(turn.tokens)
        else:
            dates = turn.date_places
            known = [run for run in turn.digit_runs if not _in_date(turn.tokens, run, dates)]
        heard.known["runs", turn.index] = known
    return known


def _in_date(tokens: Sequence[Token], run: Digits, dates: Sequence[int]) -> bool:
    """Say whether a number lies within a date; `dates` is where one may begin."""
    begins = dates[bisect_left(dates, run.first - _LONGEST_DATE) : bisect_right(dates, run.first)]
    return any(run.last < date_end(tokens, at, len(tokens) - 1) for at in begins)


def _may_spell(texts: Sequence[str]) -> bool:
    """Say whether words that spell letters may be among these."""
    if not _ALPHABET.isdisjoint(texts):
        return True
    joined = "for" in texts or "as" in texts
    return joined and any(len(letter) == 1 and word in ("for", "as") for letter, word in pairwise(texts))


def _spelled_out(tokens: Sequence[Token]) -> Sequence[Token]:
    """Write letters for the words that spell them: "bravo four", "b for bravo"; other tokens stay in place."""
    spelled = list(tokens)
    for place, token in enumerate(tokens):
        if token.text in _ALPHABET:
            near = [t.text for t in (*tokens[max(0, place - 1) : place], *tokens[place + 1 : place + 2])]
            if any(is_number(text) or text in _ALPHABET or len(text) == 1 for text in near):
                spelled[place] = token._replace(text=token.text[0])
        if (
            place >= 2
            and tokens[place - 1].text in ("for", "as")
            and tokens[place - 2].text == token.text[:1]
        ):
            spelled[place - 2 : place] = [t._replace(text="um") for t in tokens[place - 2 : place]]
            spelled[place] = token._replace(text=token.text[0])
    return spelled
