"""Drop what a recogniser made up, and say so: loops, text that outruns the sound, tails nobody said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qa_audit.domain.transcript import Note, Word
from qa_audit.speech.repeats import loops
from qa_audit.speech.writing import UNSPACED

Stretch = tuple[int, int]
"""Words from the first to the one past the last."""


@dataclass(frozen=True)
class Pace:
    """What nobody keeps up with: `count` words in a row at more than `fastest` a second.

    Fewer words that are too fast may have been timed badly.
    """

    fastest: float
    count: int


WORDS = Pace(fastest=12.0, count=4)
"""Twice as fast as the fastest speakers are over a few words."""

CHARACTERS = Pace(fastest=40.0, count=12)
"""The same where each character counts as a word: some ten are spoken in a second."""

UNSURE_TAIL = 0.15
"""A window's last words were made up when they are this improbable on (geometric) average."""

LEAST_TAIL = 3

_REASONS = {
    "repetition": "The recogniser repeated itself here; the repeats were dropped.",
    "too_fast": "The recogniser wrote more words than can be said in this time; they were dropped.",
    "unsure_tail": "The recogniser was guessing at the end of this stretch; the guesses were dropped.",
}


def honest(words: Sequence[Word], language: str) -> tuple[tuple[Word, ...], tuple[Note, ...]]:
    """Return the words of a window that may stand, and a note (what, where, why) for each stretch dropped."""
    kept, notes = list(words), []
    pace = CHARACTERS if language in UNSPACED else WORDS
    tests = {
        "repetition": repeated,
        "too_fast": lambda found: rushed(found, pace),
        "unsure_tail": unsure_tail,
    }
    for kind, find in tests.items():
        for first, last in reversed(find(kept)):
            where = {"start": kept[first].start, "end": kept[last - 1].end}
            notes.append(Note(kind=kind, text=_REASONS[kind], **where))
            del kept[first:last]
    return tuple(kept), tuple(sorted(notes, key=lambda note: note.start or 0.0))


def repeated(words: Sequence[Word]) -> list[Stretch]:
    """Find what only repeats the words before it."""
    return loops([word.text for word in words])


def rushed(words: Sequence[Word], pace: Pace) -> list[Stretch]:
    """Find runs of words that follow each other faster than anybody speaks."""
    found: list[Stretch] = []
    first = 0
    for at in range(1, len(words) + 1):
        if at < len(words) and words[at].start - words[at - 1].start < 1 / pace.fastest:
            continue
        if at - first >= pace.count:
            found.append((first, at))
        first = at
    return found


def unsure_tail(words: Sequence[Word]) -> list[Stretch]:
    """Find the longest improbable stretch at the end."""
    total, first = 0.0, len(words)
    for at in range(len(words) - 1, -1, -1):
        chance = words[at].probability
        total += math.log(max(chance if chance is not None else 1.0, 1e-6))
        if total / (len(words) - at) < math.log(UNSURE_TAIL) and (chance or 0.0) < UNSURE_TAIL:
            first = at
    return [(first, len(words))] if len(words) - first >= LEAST_TAIL else []
