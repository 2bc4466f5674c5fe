"""Normalise spoken text, so that what was said matches however it was written down.

Recognisers write the same sound in many ways: "can't" or "cannot", "5 to 10 days" or "five to ten days",
"$200" or "two hundred dollars". `normalise` brings all of them to one form and remembers which words each
token came from, because evidence must name words exactly.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from qa_audit.domain.transcript import Segment, Transcript

MASK = "•••"
"""What stands in place of a masked word."""


UNTOLD = 0.75
"""What words count as whose source does not say how probable they are: heard, but nothing rests on them surely."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


def _counted(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


UNITS = _counted("zero one two three four five six seven eight nine")
TEENS = _counted("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", start=10)
TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", start=20, step=10)
_NUMBER_SPELLINGS = {
    "fourty": "forty",
    "ninty": "ninety",
    "niner": "nine",
    "naught": "zero",
    "nought": "zero",
}
_ORDINAL_UNITS = _counted("first second third fourth fifth sixth seventh eighth ninth", start=1)
_ORDINALS = {
    **_ORDINAL_UNITS,
    **_counted(
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth "
        "nineteenth twentieth",
        start=10,
    ),
    "thirtieth": 30,
}
_NUMBER_WORDS = {*UNITS, *TEENS, *TENS, *_ORDINALS, "hundred", "thousand"}
MONTHS = word_set(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sept sep oct nov dec"
)
CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
MONEY_WORDS = word_set("dollar dollars pound pounds euro euros cent cents pence usd gbp eur bucks")

_CONTRACTIONS = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "let us",
    "i'm": "i am",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "dunno": "do not know",
    "ok": "okay",
    "e-mail": "email",
    "e-mails": "emails",
    "a.m": "am",
    "p.m": "pm",
    "mister": "mr",
    "missus": "mrs",
    "y'all": "you all",
    "c'mon": "come on",
    "o'clock": "oclock",
}
_IS_AFTER = word_set(
    """
    it that what here there he she who how where when this everything something name surname money refund
    payment cash flight plane
    """
)
_SUFFIXES = (
    ("n't", " not"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'ll", " will"),
    ("'d", " would"),
    ("'m", " am"),
)
_SPELLINGS = {
    "cancelled": "canceled",
    "cancelling": "canceling",
    "travelled": "traveled",
    "travelling": "traveling",
    "traveller": "traveler",
    "apologise": "apologize",
    "apologised": "apologized",
    "apologises": "apologizes",
    "realise": "realize",
    "realised": "realized",
    "recognise": "recognize",
    "organise": "organize",
    "organised": "organized",
    "authorise": "authorize",
    "authorised": "authorized",
    "favour": "favor",
    "favourite": "favorite",
    "colour": "color",
    "behaviour": "behavior",
    "honour": "honor",
    "neighbour": "neighbor",
    "cheque": "check",
    "cheques": "checks",
    "centre": "center",
    "enquiry": "inquiry",
    "enquire": "inquire",
    "programme": "program",
    "licence": "license",
    "grey": "gray",
    "whilst": "while",
    "thankyou": "thank you",
    "bye-bye": "bye",
}
_ABBREVIATIONS = word_set("mr mrs ms dr st vs etc no")
_DATE = re.compile(
    r"\d{1,4}[/.]\d{1,2}[/.]\d{1,4}|\d{1,2}-\d{1,2}-(?:19|20)\d\d|(?:19|20)\d\d-\d{1,2}-\d{1,2}"
)
_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_RANGE = re.compile(r"(\d{1,3})\s*[-\u2013\u2014]\s*(\d{1,3})")
_MONEY = re.compile(r"([$£€])(\d+(?:\.\d+)?)")
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\d+(?:st|nd|rd|th)")
_PIECE = re.compile(r"\d+(?:st|nd|rd|th)\b|\d+\.\d+|[^\W_]+", re.UNICODE)
_GLUED = re.compile(r"(?:" + "|".join([*UNITS, *TEENS, *TENS]) + r"){2,}")
_GLUED_PART = re.compile("|".join(sorted([*UNITS, *TEENS, *TENS], key=len, reverse=True)))


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


_piece: Callable[[tuple[object, ...]], Piece] = partial(tuple.__new__, Piece)
_token: Callable[[tuple[object, ...]], Token] = partial(tuple.__new__, Token)
"""These make named tuples in half the time of a call of the type itself: a call has a thousand tokens."""


def normalise(words: Sequence[str]) -> list[Piece]:
    """Turn written words into normalised pieces: lower case, no punctuation, numbers unified.

    Numbers become digits ("two hundred and ten" is "210", "third" is "3rd"), while digits said one by one
    stay apart ("four two" is "4", "2"). A word of pure punctuation gives no piece.
    """
    pieces: list[Piece] = []
    may_join = False
    for index, word in enumerate(words):
        parts, stop, joins = _split_word(word)
        for text, own_stop, name in parts:
            pieces.append(_piece((text, index, index, own_stop, name)))
        may_join |= joins
        if not parts and pieces and stop and pieces[-1].stop in ("", ","):
            pieces[-1] = pieces[-1]._replace(stop=stop)
    return _join_numbers(_join_letters(pieces)) if may_join else pieces


def tokens_of(transcript: Transcript) -> list[list[Token]]:
    """Return the normalised tokens of each segment, in the segments' order."""
    return [_segment_tokens(place, segment) for place, segment in enumerate(transcript.segments)]


def _segment_tokens(place: int, segment: Segment) -> list[Token]:
    words = segment.timed_words()
    tokens = []
    for text, first, last, stop, name in normalise([word.text for word in words]):
        begun, ended = words[first], words[last]
        if first == last:
            probability = UNTOLD if begun.probability is None else begun.probability
        else:
            taken = words[first : last + 1]
            chances = [UNTOLD if word.probability is None else word.probability for word in taken]
            probability = sum(chances) / len(chances)
        placed = (text, place, first, last, begun.start, ended.end, probability, stop, name)
        tokens.append(_token(placed))
    return tokens


def normal_text(text: str) -> str:
    """Return the normalised form of a text as one string."""
    return " ".join(piece.text for piece in normalise(text.split()))


@lru_cache(maxsize=65536)
def _split_word(word: str) -> tuple[tuple[tuple[str, str, bool], ...], str, bool]:
    """Return what a written word is made of (text, stop, name), its stop, and whether it may join with others."""
    texts, stop, name = _read_word(word)
    last = len(texts) - 1
    parts = tuple(
        (text, stop if place == last else "", name and (place == 0 or f"-{text.capitalize()}" in word))
        for place, text in enumerate(texts)
    )
    joins = any(text == "e" or text in _NUMBER_WORDS or text.isdigit() for text in texts)
    return parts, stop, joins


def _read_word(word: str) -> tuple[tuple[str, ...], str, bool]:
    if word.strip() == MASK:
        return (MASK,), "", False
    plain = unicodedata.normalize("NFKC", word).replace("\u2019", "'").replace("\u2018", "'").strip()
    plain = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in plain)
    core = plain.strip("\"“”«»()[]{}<>…,.;:!?¿¡*_~`'-\u2013\u2014")
    tail = plain[plain.rfind(core) + len(core) :] if core else plain
    lower = core.lower()
    stop = _stop(tail, lower)
    name = core[:1].isupper()
    return _texts(lower), stop, name


def _stop(tail: str, lower: str) -> str:
    if "?" in tail:
        return "?"
    if "!" in tail or "…" in tail:
        return "."
    if "." in tail:
        return "" if lower in _ABBREVIATIONS or lower in ("a.m", "p.m") else "."
    return "," if any(mark in tail for mark in ",;:-\u2013\u2014") else ""


def _texts(lower: str) -> tuple[str, ...]:
    if lower in _CONTRACTIONS:
        return tuple(_CONTRACTIONS[lower].split())
    if _EMAIL.fullmatch(lower):
        return tuple(_PIECE.findall(lower.replace("@", " at ").replace(".", " dot ")))
    number = _number_texts(_THOUSANDS.sub("", lower))
    if number:
        return number
    for suffix, full in _SUFFIXES:
        if lower.endswith(suffix) and len(lower) > len(suffix):
            lower = lower.removesuffix(suffix) + full
            break
    else:
        if lower.endswith("'s"):
            stem = lower.removesuffix("'s")
            lower = f"{stem} is" if stem in _IS_AFTER else stem
    texts: list[str] = []
    for piece in _PIECE.findall(lower.replace("'", "")):
        piece = _NUMBER_SPELLINGS.get(piece, piece)
        if _GLUED.fullmatch(piece):
            texts.extend(_GLUED_PART.findall(piece))
        else:
            texts.extend(_SPELLINGS.get(piece, piece).split())
    return tuple(texts)


def _number_texts(lower: str) -> tuple[str, ...]:
    """Read a written number of a known shape; an empty answer means that it is none."""
    if not any(character.isdigit() for character in lower):
        return ()
    money = _MONEY.fullmatch(lower)
    if money:
        return (money[2], CURRENCIES[money[1]])
    if _DATE.fullmatch(lower) or _CLOCK.fullmatch(lower):
        return (lower,)
    between = _RANGE.fullmatch(lower)
    if between:
        return (between[1], "to", between[2])
    if _PLAIN.fullmatch(lower):
        return (lower,)
    if _PLAIN.fullmatch(lower.removesuffix("%")):
        return (lower.removesuffix("%"), "percent")
    return ()


def _join_letters(pieces: list[Piece]) -> list[Piece]:
    """Join what is one word written as two: "e mail"."""
    if not any(piece.text == "e" for piece in pieces):
        return pieces
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before and before.text == "e" and piece.text in ("mail", "mails"):
            joined[-1] = Piece("e" + piece.text, before.first, piece.last, piece.stop, before.name)
        else:
            joined.append(piece)
    return joined


def _join_numbers(pieces: list[Piece]) -> list[Piece]:
    if not any(piece.text in _NUMBER_WORDS or piece.text.isdigit() for piece in pieces):
        return pieces
    joined: list[Piece] = []
    at = 0
    while at < len(pieces):
        begun = pieces[at].text
        if begun not in _NUMBER_WORDS and not begun.isdigit():
            joined.append(pieces[at])
            at += 1
            continue
        text, size = _read_number(pieces, at)
        if size:
            last = pieces[at + size - 1]
            joined.append(Piece(text, pieces[at].first, last.last, last.stop, False))
        else:
            joined.append(pieces[at])
        at += size or 1
    return joined


def _read_number(pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    """Read a number or ordinal at `at`: its digits and how many pieces it takes (0: none there)."""
    text = pieces[at].text
    if text in _ORDINALS:
        return ordinal(_ORDINALS[text]), 1
    if text == "hundred" or text == "thousand":
        return _bare_scale(pieces, at)
    value, size = _below_hundred(pieces, at)
    if not size:
        return "", 0
    if value >= 20 and value % 10 == 0 and size == 1 and _continues(pieces, at) and at + 1 < len(pieces):
        unit = _ORDINAL_UNITS.get(pieces[at + 1].text)
        if unit and text in TENS:
            return ordinal(value + unit), 2
    value, size = _scaled(pieces, at, value, size, "hundred", 100)
    value, size = _scaled(pieces, at, value, size, "thousand", 1000)
    return (text, 1) if text.isdigit() and size == 1 else (str(value), size)


def _bare_scale(pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    """Read a hundred or thousand without a number before it: "(a) hundred and ninety nine"."""
    value = 100 if pieces[at].text == "hundred" else 1000
    if _continues(pieces, at) and at + 1 < len(pieces) and pieces[at + 1].text == "and":
        more, size = _below_hundred(pieces, at + 2)
        if more and _continues(pieces, at + 1):
            return str(value + more), size + 2
    return str(value), 1


def _below_hundred(pieces: Sequence[Piece], at: int) -> tuple[int, int]:
    if at >= len(pieces):
        return 0, 0
    text = pieces[at].text
    if text in UNITS:
        return UNITS[text], 1
    if text in TEENS:
        return TEENS[text], 1
    if text.isdigit() and len(text) <= 3:
        return int(text), 1
    if text not in TENS:
        return 0, 0
    if _continues(pieces, at) and at + 1 < len(pieces):
        unit = UNITS.get(pieces[at + 1].text, 0)
        if unit:
            return TENS[text] + unit, 2
    return TENS[text], 1


def _scaled(
    pieces: Sequence[Piece], at: int, value: int, size: int, scale: str, factor: int
) -> tuple[int, int]:
    """Read "hundred and ten" after a number."""
    after = at + size
    if value == 0 or after >= len(pieces) or pieces[after].text != scale or not _continues(pieces, after - 1):
        return value, size
    value, size = value * factor, size + 1
    if not _continues(pieces, after):
        return value, size
    rest = after + 1
    joined = rest < len(pieces) and pieces[rest].text == "and" and _continues(pieces, rest)
    more, more_size = _below_hundred(pieces, rest + joined)
    if scale == "thousand" and more_size:
        more, more_size = _scaled(pieces, rest + joined, more, more_size, "hundred", 100)
    if more_size and more < factor and (joined or more >= 10 or scale == "thousand"):
        return value + more, size + joined + more_size
    return value, size


def _continues(pieces: Sequence[Piece], at: int) -> bool:
    return not pieces[at].stop


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


def is_date_token(text: str) -> bool:
    """Say whether one token is a whole written date ("12/05/1987")."""
    return text[:1].isdigit() and _DATE.fullmatch(text) is not None


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
