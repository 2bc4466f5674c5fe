"""Kind `judge`: a language model answers a question, and must prove it with words that were really said.

What callers say reaches the model as data, and nothing that it answers is believed on its word: the answer
must be one of those allowed, and each quote must stand verbatim in the turn that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import Context, decided, not_assessed, unsure
from qa_audit.domain.checks.model import Model
from qa_audit.domain.checks.tools import Line, Question, Quote
from qa_audit.domain.checks.windows import Who
from qa_audit.domain.findings import Evidence, Finding
from qa_audit.domain.transcript import Segment, Transcript

_FEWEST_WORDS = 2
_MOST_QUOTES = 8


class JudgeSpec(Model):
    """A question to a language model, answered yes only with words of the right speaker as proof."""

    kind: Literal["judge"]
    question: str = Field(min_length=5, max_length=500)
    guidance: str = Field(default="", max_length=2000, description="When to give which answer.")
    by: Who = Field(default="agent", description="Whose words must prove an answer that passes.")


def check(spec: JudgeSpec, context: Context) -> Finding:
    """Ask for a yes or a no."""
    return ask(spec, ("yes", "no"), lambda answer: answer == "no", context)


def ask(spec: JudgeSpec, answers: Sequence[str], fails: Callable[[str], bool], context: Context) -> Finding:
    """Ask for one of the answers; those that do not fail need a quote of the right speaker."""
    if context.tools.judge is None:
        return not_assessed("No language model is set up to answer this.")
    if context.masked is None:
        return not_assessed("There is no transcript without personal data to show to a language model.")
    segments = {segment.id: segment for segment in context.masked.segments if segment.text.strip()}
    if not segments:
        return not_assessed("No words were recognised.")
    question = Question(spec.question, tuple(answers), spec.guidance, _lines(context.masked))
    verdict = context.tools.judge.ask(question)
    if verdict.answer is None:
        return unsure(verdict.why or "The language model gave no answer.")
    if verdict.answer not in answers:
        return unsure("The language model gave an answer that is not allowed.")
    proof = [_proof(quote, segments.get(quote.turn)) for quote in verdict.quotes[:_MOST_QUOTES]]
    evidence = tuple(item for item in proof if item is not None)
    if len(evidence) < len(proof):
        return unsure("The language model quoted words that were not said so.", evidence, verdict.answer)
    if not fails(verdict.answer) and not any(_is_by(spec.by, item) for item in evidence):
        return unsure("The language model gave no words as proof.", evidence, verdict.answer)
    return decided(verdict.answer, "A language model answered this.", evidence, "fairly_sure")


def _lines(masked: Transcript) -> tuple[Line, ...]:
    return tuple(
        Line(segment.id, segment.speaker, segment.text.strip())
        for segment in masked.segments
        if segment.text.strip()
    )


def _proof(quote: Quote, segment: Segment | None) -> Evidence | None:
    """Return the words of a segment that a quote stands for, or None where they are not there verbatim."""
    wanted = quote.words.strip()
    if segment is None or not wanted:
        return None
    at = segment.text.find(wanted)
    while at >= 0 and not _whole_words(segment.text, at, at + len(wanted)):
        at = segment.text.find(wanted, at + 1)
    if at < 0 or (len(wanted.split()) < _FEWEST_WORDS and wanted != segment.text.strip()):
        return None
    return _placed(segment, at, at + len(wanted))


def _whole_words(text: str, start: int, end: int) -> bool:
    """Say whether [start, end) begins and ends where a word does."""
    cut_before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    cut_after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not (cut_before or cut_after)


def _placed(segment: Segment, start: int, end: int) -> Evidence:
    """Cite the words that lie in [start, end) of a segment's text."""
    words, at, inside = segment.timed_words(), 0, []
    for index, word in enumerate(words):
        text = word.text.strip()
        found = segment.text.find(text, at)
        if found < 0:
            continue
        at = found + len(text)
        if found < end and at > start:
            inside.append(index)
    first, last = (inside[0], inside[-1]) if inside else (0, max(0, len(words) - 1))
    return Evidence(
        kind="words",
        start=round(words[first].start, 3),
        end=round(words[last].end, 3),
        segment=segment.id,
        speaker=segment.speaker,
        first_word=first,
        last_word=last,
    )


def _is_by(who: Who, item: Evidence) -> bool:
    return who == "either" or item.speaker == who
