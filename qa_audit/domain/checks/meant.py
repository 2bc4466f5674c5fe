"""Find what was meant rather than said: sentences of a speaker compared with phrases by a model of meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from qa_audit.domain.checks.base import Context
from qa_audit.domain.checks.phrases import NEGATORS, Hit, make_hit
from qa_audit.domain.checks.windows import Stretch

MEANING_LEAST = 0.6
"""The likeness (cosine) from which a sentence means the same as a phrase, unless the rubric says another."""
BY_WORDING = "Compared by wording only, because no model for meaning is set up."
_NEAR = 0.1
_FEWEST_WORDS = 3
_MOST_WORDS = 24
_SAME_WORDS = 90.0


class Meant(NamedTuple):
    """Sentences that mean one of the phrases, those that perhaps do, and a note on how they were found."""

    hits: tuple[Hit, ...] = ()
    near: tuple[Hit, ...] = ()
    note: str = ""

    @property
    def guessed(self) -> bool:
        """Say whether only the wording could be compared, so that a miss shows nothing."""
        return bool(self.note)


def meant(phrases: Sequence[str], least: float, stretches: Sequence[Stretch], context: Context) -> Meant:
    """Compare phrases with the sentences in stretches of one speaker's words.

    A sentence that is negated where the phrase is not (or the reverse) is only near: models of meaning
    hardly tell the two apart.
    """
    if not phrases:
        return Meant()
    compiled = context.phrases(phrases)
    texts = [" ".join(variant) for variant in compiled.plain]
    sentences = list(_sentences(stretches))
    if context.tools.meaning is None:
        said = compiled.find_in(stretches)
        alike = [hit for hit in sentences if _worded_alike(hit, texts)]
        return Meant(tuple(said), tuple(alike), BY_WORDING)
    if not texts or not sentences:
        return Meant()
    table = context.tools.meaning.alike(texts, [_text(hit) for hit in sentences])
    hits, near = [], []
    for sentence, row in zip(sentences, table, strict=True):
        best, likeness = max(enumerate(row), key=lambda one: one[1])
        found = sentence._replace(ratio=100.0 * likeness)
        same_sense = _negated(_text(sentence)) == _negated(texts[best])
        if likeness >= least and same_sense:
            hits.append(found)
        elif likeness >= least - _NEAR:
            near.append(found)
    return Meant(tuple(hits), tuple(near))


def _sentences(stretches: Sequence[Stretch]) -> Iterator[Hit]:
    """Yield each sentence of three words and more as a hit; long ones in parts."""
    for turn, low, high in stretches:
        at = low
        while at <= high:
            last = min(turn.sentence_range(at)[1], high)
            for first in range(at, last + 1, _MOST_WORDS):
                end = min(first + _MOST_WORDS - 1, last)
                if end - first + 1 >= _FEWEST_WORDS:
                    yield make_hit(turn, first, end)
            at = last + 1


def _text(hit: Hit) -> str:
    return " ".join(hit.turn.texts[hit.first : hit.last + 1])


def _worded_alike(sentence: Hit, texts: Sequence[str]) -> bool:
    said = _text(sentence)
    return any(
        len(text.split()) >= _FEWEST_WORDS and fuzz.token_set_ratio(text, said) >= _SAME_WORDS
        for text in texts
    )


def _negated(text: str) -> bool:
    return any(word in NEGATORS for word in text.split())
