"""Normalise spoken text, so that what was said matches however it was written down.

Recognisers write the same sound in many ways: "can't" or "cannot", "5 to 10 days" or "five to ten days",
"$200" or "two hundred dollars". `normalise` brings all of them to one form and remembers which words each
token came from, because evidence must name words exactly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import pairwise, zip_longest
from typing import NamedTuple

from qa_audit.domain.spellings import MASK as MASK
from qa_audit.domain.spellings import ORDINAL_UNITS, ORDINALS, TEENS, TENS, UNITS, Part, read_word
from qa_audit.domain.spellings import is_date_token as is_date_token
from qa_audit.domain.spellings import word_set as word_set
from qa_audit.domain.transcript import Segment, Transcript

UNTOLD = 0.75
"""What words count as whose source does not say how probable they are: heard, but nothing rests on them surely."""
MONTHS = word_set(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sept sep oct nov dec"
)
MONEY_WORDS = word_set("dollar dollars pound pounds euro euros cent cents pence usd gbp eur bucks")


_SCALES = frozenset({"hundred", "thousand"})


class Piece(NamedTuple):
    """A normalised token and the words (indices, both included) it was made of.

    `stop` is the punctuation after it: ".", "?", "," or nothing; `name` says that it was written with a
    capital.
    """

    text: str
    first: int
    last: int
    stop: str
    name: bool


class Token(NamedTuple):
    """A piece placed in a transcript: `segment` is the segment's position, times are seconds."""

    text: str
    segment: int
    first: int
    last: int
    start: float
    end: float
    probability: float
    stop: str
    name: bool


_token: Callable[[tuple[object, ...]], Token] = partial(tuple.__new__, Token)
"""This makes a token in half the time of a call of the type itself: a call has a thousand of them."""


class _Read(NamedTuple):
    """The parts of some written words, and the first and the last word that each was made of."""

    parts: list[Part]
    firsts: list[int]
    lasts: list[int]

    def join(self, at: int, size: int, part: Part) -> None:
        """Put one part in the place of several."""
        last = self.lasts[at + size - 1]
        self.parts[at : at + size] = [part]
        self.firsts[at : at + size] = [self.firsts[at]]
        self.lasts[at : at + size] = [last]


def normalise(words: Sequence[str]) -> list[Piece]:
    """Turn written words into normalised pieces: lower case, no punctuation, numbers unified.

    Numbers become digits ("two hundred and ten" is "210", "third" is "3rd"), while digits said one by one
    stay apart ("four two" is "4", "2"). A word of pure punctuation gives no piece.
    """
    read = _read(words)
    return [
        Piece(part.text, first, last, part.stop, part.name)
        for part, first, last in zip(read.parts, read.firsts, read.lasts, strict=True)
    ]


def tokens_of(transcript: Transcript) -> list[list[Token]]:
    """Return the normalised tokens of each segment, in the segments' order."""
    return [_segment_tokens(place, segment) for place, segment in enumerate(transcript.segments)]


def _segment_tokens(place: int, segment: Segment) -> list[Token]:
    words = segment.timed_words()
    chances = [UNTOLD if word.probability is None else word.probability for word in words]
    parts, firsts, lasts = _read([word.text for word in words])
    return [
        _token(
            (
                text,
                place,
                first,
                last,
                words[first].start,
                words[last].end,
                chances[first] if first == last else sum(chances[first : last + 1]) / (last + 1 - first),
                stop,
                name,
            )
        )
        for (text, stop, name, _), first, last in zip(parts, firsts, lasts, strict=True)
    ]


def normal_text(text: str) -> str:
    """Return the normalised form of a text as one string."""
    return " ".join(normal_words(text.split()))


def normal_words(words: Iterable[str]) -> list[str]:
    """Return the texts of the pieces that `normalise` makes of written words."""
    return [part.text for part in _read(words).parts]


def _read(words: Iterable[str]) -> _Read:
    """Read words one by one, then join those that are one number or one word together."""
    parts: list[Part] = []
    firsts: list[int] = []
    for index, (own, stop) in enumerate(map(read_word, words)):
        if len(own) == 1:
            parts.append(own[0])
            firsts.append(index)
        elif own:
            parts += own
            firsts += [index] * len(own)
        elif stop and parts and parts[-1].stop in ("", ","):
            parts[-1] = parts[-1]._replace(stop=stop)
    read = _Read(parts, firsts, firsts.copy())
    joining = [at for at, part in enumerate(parts) if part.joins]
    if any(parts[at].text == "e" for at in joining) and _join_letters(read):
        joining = [at for at, part in enumerate(parts) if part.joins]
    _join_numbers(read, joining)
    return read


def _join_letters(read: _Read) -> bool:
    """Join what is one word written as two: "e mail"; say whether there was any."""
    parts = read.parts
    alone = [
        at
        for at, (part, following) in enumerate(pairwise(parts))
        if part.text == "e" and following.text in ("mail", "mails")
    ]
    for at in reversed(alone):
        following = parts[at + 1]
        read.join(at, 2, following._replace(text=f"e{following.text}", name=parts[at].name))
    return bool(alone)


def _join_numbers(read: _Read, joining: Sequence[int]) -> None:
    """Write numbers as digits, each of them in one part; `joining` is where parts of numbers stand."""
    parts = read.parts
    numbers: list[tuple[int, int, str]] = []
    after = 0
    for at, following in zip_longest(joining, joining[1:]):
        if at >= after:
            lone = following != at + 1 and parts[at].text not in _SCALES
            text, size = _read_lone(parts[at]) if lone else _read_number(parts, at)
            after = at + size
            if size:
                numbers.append((at, size, text))
    for at, size, text in reversed(numbers):
        read.join(at, size, Part(text, parts[at + size - 1].stop, False, True))


@lru_cache(maxsize=4096)
def _read_lone(part: Part) -> tuple[str, int]:
    """Read a number that no other follows."""
    return _read_number((part,), 0)


def _read_number(parts: Sequence[Part], at: int) -> tuple[str, int]:
    """Read a number or ordinal at `at`: its digits and how many parts it takes (0: none there)."""
    text = parts[at].text
    if text in ORDINALS:
        return ordinal(ORDINALS[text]), 1
    if text in _SCALES:
        return _bare_scale(parts, at)
    value, size = _below_hundred(parts, at)
    if not size:
        return "", 0
    if value >= 20 and value % 10 == 0 and size == 1 and _continues(parts, at) and at + 1 < len(parts):
        unit = ORDINAL_UNITS.get(parts[at + 1].text)
        if unit and text in TENS:
            return ordinal(value + unit), 2
    value, size = _scaled(parts, at, value, size, "hundred", 100)
    value, size = _scaled(parts, at, value, size, "thousand", 1000)
    return (text, 1) if text.isdigit() and size == 1 else (str(value), size)


def _bare_scale(parts: Sequence[Part], at: int) -> tuple[str, int]:
    """Read a hundred or thousand without a number before it: "(a) hundred and ninety nine"."""
    value = 100 if parts[at].text == "hundred" else 1000
    if _continues(parts, at) and at + 1 < len(parts) and parts[at + 1].text == "and":
        more, size = _below_hundred(parts, at + 2)
        if more and _continues(parts, at + 1):
            return str(value + more), size + 2
    return str(value), 1


def _below_hundred(parts: Sequence[Part], at: int) -> tuple[int, int]:
    if at >= len(parts):
        return 0, 0
    text = parts[at].text
    if text in UNITS:
        return UNITS[text], 1
    if text in TEENS:
        return TEENS[text], 1
    if text.isdigit() and len(text) <= 3:
        return int(text), 1
    if text not in TENS:
        return 0, 0
    if _continues(parts, at) and at + 1 < len(parts):
        unit = UNITS.get(parts[at + 1].text, 0)
        if unit:
            return TENS[text] + unit, 2
    return TENS[text], 1


def _scaled(
    parts: Sequence[Part], at: int, value: int, size: int, scale: str, factor: int
) -> tuple[int, int]:
    """Read "hundred and ten" after a number."""
    after = at + size
    if value == 0 or after >= len(parts) or parts[after].text != scale or not _continues(parts, after - 1):
        return value, size
    value, size = value * factor, size + 1
    if not _continues(parts, after):
        return value, size
    rest = after + 1
    joined = rest < len(parts) and parts[rest].text == "and" and _continues(parts, rest)
    more, more_size = _below_hundred(parts, rest + joined)
    if scale == "thousand" and more_size:
        more, more_size = _scaled(parts, rest + joined, more, more_size, "hundred", 100)
    if more_size and more < factor and (joined or more >= 10 or scale == "thousand"):
        return value + more, size + joined + more_size
    return value, size


def _continues(parts: Sequence[Part], at: int) -> bool:
    return not parts[at].stop


def ordinal(value: int) -> str:
    """Write a number as an ordinal: 1st, 22nd, 13th."""
    if value % 100 in (11, 12, 13):
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th') }"


def is_number(text: str) -> bool:
    """Say whether a normalised token is a plain number ("210", "4271", "12.50")."""
    return text[:1].isdigit() and text.replace(".", "", 1).isdigit()


def is_ordinal(text: str) -> bool:
    """Say whether a normalised token is an ordinal ("3rd")."""
    return text[:1].isdigit() and text[-2:] in ("st", "nd", "rd", "th") and text[:-2].isdigit()


def stem(word: str) -> str:
    """Cut a word to its stem, crudely: "waited", "waiting", "waits" and "wait" become one."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeious":
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 2 else word.removesuffix("e")


def strip_grammar(texts: Iterable[str]) -> list[str]:
    """Take the characters that mean something in phrases out of plain texts such as names."""
    return [re.sub(r"[()\[\]{}<>|]|\.\.\.", " ", text).strip() for text in texts]
