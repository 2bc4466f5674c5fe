"""How languages are written in whisper's vocabulary: how many tokens speech takes, and what counts as a word."""

from __future__ import annotations

LONGEST_TEXT = 224
"""Tokens: half of the text context, whisper's own limit for one window."""

USUAL = 7.5
"""Tokens a second, spoken briskly, in English and whatever takes at most twice as many: a full window holds it."""

_BRISK = {
    12.0: "ar az bs cs fi he hr hu hy id is ko lv mk ms mt sk sl sq tl uk ur uz vi",
    18.0: "ba be el fa ja kk ps sd sr tg th tt yi yo",
    27.0: "hi mn mr ne sa ta",
    45.0: "am as bn bo gu ka km kn lo ml my pa si te",
}
"""Languages that take more: whisper's vocabulary knows few of their words, or spells their letters byte by byte.

Counted with its tokenizer on the first article of the Declaration of Human Rights, which takes 11 s to read aloud
in any language; half as much again for people in a hurry, rounded up to four groups.
"""

_PER_SECOND = {language: rate for rate, languages in _BRISK.items() for language in languages.split()}

UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my"})
"""Languages written without spaces, in which whisper takes each character for a word (whisper/tokenizer.py)."""

HURRY = 4 / 3
"""Nobody speaks so much faster than briskly: text that outruns the sound by it is cut off while it is made."""


def longest_window(language: str) -> float:
    """Return how many seconds of brisk speech have room in a window's text."""
    return LONGEST_TEXT / _PER_SECOND.get(language, USUAL)


def most_tokens(seconds: float, language: str) -> int:
    """Return how many tokens a window's text may have: in English ten a second, and some to begin with."""
    return min(LONGEST_TEXT, 16 + round(HURRY * _PER_SECOND.get(language, USUAL) * seconds))
