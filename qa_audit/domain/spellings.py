"""Read one written word: what it is in normal form, and the punctuation and capital it was written with.

Recognisers write the same sound in many ways ("can't" or "cannot", "$200", "e-mail", "cheque"); here are the
spellings that are brought to one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

MASK = "•••"
"""What stands in place of a masked word."""
FULL_STOPS = "\u0964\u3002"
"""Of Hindi (।) and of Chinese and Japanese (。), beside the point."""
MARKS = "".join(c for c in map(chr, range(0x300, 0xAC00)) if unicodedata.category(c).startswith("M"))
"""Marks belong to their letters: many vowels of Hindi, Tamil or Thai are nothing but marks."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(words.split())


def _counted(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {word: start + step * place for place, word in enumerate(words.split())}


UNITS = _counted("zero one two three four five six seven eight nine")
TEENS = _counted("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", start=10)
TENS = _counted("twenty thirty forty fifty sixty seventy eighty ninety", start=20, step=10)
ORDINAL_UNITS = _counted("first second third fourth fifth sixth seventh eighth ninth", start=1)
ORDINALS = {
    **ORDINAL_UNITS,
    **_counted(
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth "
        "nineteenth twentieth",
        start=10,
    ),
    "thirtieth": 30,
}
NUMBER_WORDS = frozenset({*UNITS, *TEENS, *TENS, *ORDINALS, "hundred", "thousand"})
"""Words that are numbers, or parts of them."""
CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}

_NUMBER_SPELLINGS = {
    "fourty": "forty",
    "ninty": "ninety",
    "niner": "nine",
    "naught": "zero",
    "nought": "zero",
}
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
_PIECE = re.compile(rf"\d+(?:st|nd|rd|th)\b|\d+\.\d+|[^\W_](?:[^\W_]|[{MARKS}])*")
_GLUED = re.compile(r"(?:" + "|".join([*UNITS, *TEENS, *TENS]) + r"){2,}")
_GLUED_PART = re.compile("|".join(sorted([*UNITS, *TEENS, *TENS], key=len, reverse=True)))


class Part(NamedTuple):
    """A normalised word, alone or one of several that a written word stands for.

    `stop` is the punctuation after it: ".", "?", "," or nothing; `name` says that it was written with a
    capital; `joins` that it may be one with words beside it: "two hundred", "e mail".
    """

    text: str
    stop: str
    name: bool
    joins: bool


@lru_cache(maxsize=65536)
def read_word(word: str) -> tuple[tuple[Part, ...], str]:
    """Return what a written word stands for, and the punctuation that closes it; punctuation alone is no part."""
    texts, stop, name = _read_word(word)
    last = len(texts) - 1
    parts = tuple(
        Part(
            text,
            stop if place == last else "",
            name and (place == 0 or f"-{text.capitalize()}" in word),
            text == "e" or text in NUMBER_WORDS or text.isdigit(),
        )
        for place, text in enumerate(texts)
    )
    return parts, stop


def is_date_token(text: str) -> bool:
    """Say whether one token is a whole written date ("12/05/1987")."""
    return text[:1].isdigit() and not text.isdigit() and _DATE.fullmatch(text) is not None


def _read_word(word: str) -> tuple[tuple[str, ...], str, bool]:
    if word.strip() == MASK:
        return (MASK,), "", False
    plain = unicodedata.normalize("NFKC", word).replace("\u2019", "'").replace("\u2018", "'").strip()
    plain = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in plain)
    core = plain.strip("\"“”«»()[]{}<>…,.;:!?¿¡*_~`'-\u2013\u2014" + FULL_STOPS)
    tail = plain[plain.rfind(core) + len(core) :] if core else plain
    lower = core.lower()
    stop = _stop(tail, lower)
    name = core[:1].isupper()
    return _texts(lower), stop, name


def _stop(tail: str, lower: str) -> str:
    if "?" in tail:
        return "?"
    if any(mark in tail for mark in "!…" + FULL_STOPS):
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
