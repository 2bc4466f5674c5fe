"""Numbers said digit by digit: "four two seven one", "double two", "forty-two seventy-one", "4271"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from qa_audit.domain.text import MASK, MONEY_WORDS, MONTHS, Token, is_number, word_set

_NUMERIC = re.compile(rf"\d|{MASK[0]}")
"""What a run of digits cannot be without: letters, and words that stand for digits, count beside digits only."""
MULTIPLIERS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
ZEROS = frozenset({"oh", "o", "nil"})
_MAY_BEGIN = frozenset({*MULTIPLIERS, *ZEROS})
"""Words of several letters with which a run may begin."""
SOUND_ALIKES = {
    "to": "2",
    "too": "2",
    "for": "4",
    "fore": "4",
    "won": "1",
    "ate": "8",
    "tree": "3",
    "free": "3",
}
"""Words that a recogniser writes for digits; they count only between digits."""
_MAY_STAND = frozenset({*_MAY_BEGIN, *SOUND_ALIKES})
"""Words of several letters that may stand in a run."""
QUANTITIES = MONEY_WORDS | word_set(
    """
    day days business working calendar hour hours minute minutes second seconds week weeks month months
    year years time times moment moments percent oclock am pm people person persons passenger passengers
    bag bags seat seats flight flights ticket tickets booking bookings payment payments piece pieces kilo
    kilos night nights adult adults child children thing things more other of
    """
)
"""Words after which a number is an amount of something, not digits of an identifier."""
FILLERS = word_set("uh um er erm ah hmm dash hyphen slash space")


class Digits(NamedTuple):
    """Digits (and letters) said in one go: token indices, characters, lowest word probability."""

    first: int
    last: int
    text: str
    weakest: float

    @property
    def size(self) -> int:
        """Count the characters."""
        return len(self.text)


def digit_runs(tokens: Sequence[Token]) -> list[Digits]:
    """Find numbers said digit by digit among one speaker's consecutive tokens.

    Amounts ("two hundred dollars"), times ("ten days"), dates and ordinals are not taken; fillers between
    digits are. A masked word counts as an unknown character.
    """
    texts = [token.text for token in tokens]
    if not has_digits(" ".join(texts)):
        return []
    runs: list[Digits] = []
    after = 0
    begins = [at for at, text in enumerate(texts) if text in _MAY_BEGIN or not _is_word(text)]
    for at in begins:
        run = _run_at(tokens, at) if at >= after else None
        if run is not None:
            runs.append(run)
            after = run.last + 1
    return runs


def _is_word(text: str) -> bool:
    return len(text) > 1 and text.isalpha()


def has_digits(text: str) -> bool:
    """Say whether there is a digit, or a masked word that may be one, without which there are no numbers."""
    return _NUMERIC.search(text) is not None


def _run_at(tokens: Sequence[Token], at: int) -> Digits | None:
    text, last, weakest = "", -1, 1.0
    first = at
    while at < len(tokens):
        value, size = _characters(tokens, at, bool(text))
        if value:
            text += value
            last = at + size - 1
            for token in tokens[at : at + size]:
                weakest = min(weakest, token.probability)
            if tokens[at].text in SOUND_ALIKES or tokens[at].text in ZEROS:
                weakest = min(weakest, 0.7)
            at += size
        elif text and tokens[at].text in FILLERS and at + 1 < len(tokens):
            at += 1
        else:
            break
    numeric = text.isdigit() or any(character.isdigit() or character == "•" for character in text)
    return Digits(first, last, text, weakest) if numeric else None


def _characters(tokens: Sequence[Token], at: int, begun: bool) -> tuple[str, int]:
    """Return the characters that stand at token `at`, and how many tokens they take."""
    token = tokens[at]
    text = token.text
    if _is_word(text) and text not in _MAY_STAND:
        return "", 0
    if text == MASK:
        return "•", 1
    if text in MULTIPLIERS and at + 1 < len(tokens):
        value, size = _characters(tokens, at + 1, begun)
        return (value[0] * MULTIPLIERS[text] + value[1:], size + 1) if value else ("", 0)
    if is_number(text):
        return ("", 0) if counts_something(tokens, at) else (text.replace(".", ""), 1)
    if begun and text in ZEROS:
        return "0", 1
    before_digit = at + 1 < len(tokens) and is_number(tokens[at + 1].text)
    if text in ZEROS and before_digit and not token.stop:
        return "0", 1
    if begun and text in SOUND_ALIKES and before_digit and not token.stop and is_number(tokens[at - 1].text):
        return ("", 0) if counts_something(tokens, at + 1) else (SOUND_ALIKES[text], 1)
    if len(text) == 1 and text.isalpha() and (before_digit or begun) and (text not in "ai" or begun):
        return text, 1
    if len(text) >= 4 and text.isalnum() and not text.isalpha() and text[-2:] not in ("st", "nd", "rd", "th"):
        return text, 1
    return "", 0


def counts_something(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a number is an amount or part of a date: "10 days", "5 to 10 days", "3 may"."""
    if tokens[at].stop or at + 1 >= len(tokens):
        return False
    following = tokens[at + 1].text
    if following in QUANTITIES:
        return True
    if following in MONTHS:
        return at + 2 >= len(tokens) or tokens[at + 2].text not in ("i", "we", "you")
    ranged = following in ("to", "or", "and") and at + 3 < len(tokens) and is_number(tokens[at + 2].text)
    return ranged and tokens[at + 3].text in QUANTITIES
