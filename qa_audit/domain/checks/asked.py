"""Kind `asked`: the agent asks for something, and the caller gives a real answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    miss_certainty,
    searched,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import negated
from qa_audit.domain.checks.heard import BACK_CHANNELS, Turn
from qa_audit.domain.checks.model import Model, Patterns, Phrases
from qa_audit.domain.checks.phrases import Hit, make_hit
from qa_audit.domain.checks.slots import date_end, is_name
from qa_audit.domain.checks.windows import Stretch, miss_quality, said_within, unheard_seconds, whole_of
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import is_number, word_set

Answer = Literal["words", "number", "date", "name", "yes_no"]

_YES_NO = word_set("yes yeah yep yup no nope nah sure right correct exactly okay indeed not mhm absolutely")
_AT_ONCE = 0.3
_UNHEARD = 0.4


class AskedSpec(Model):
    """Yes when the agent asks one of the questions and the caller answers it in time."""

    kind: Literal["asked"]
    what: str = Field(default="the question", max_length=80, description="What is asked, as reasons call it.")
    any: Phrases = Field(default=(), description="How the agent asks.")
    patterns: Patterns = Field(default=(), description="How the agent asks, as regular expressions.")
    answer: Answer = Field(
        default="words", description="What a real answer holds; words: more than a sign of listening."
    )
    seconds: float = Field(default=20, gt=0, description="The answer begins within so many seconds.")

    @model_validator(mode="after")
    def _something(self) -> AskedSpec:
        if not (self.any or self.patterns):
            raise ValueError("give 'any' (phrases) or 'patterns'")
        return self


class _Asking(NamedTuple):
    """A question, and the caller's words in the seconds after it."""

    hit: Hit
    after: list[Stretch]


def check(spec: AskedSpec, context: Context) -> Finding:
    """Find a question that was answered."""
    heard = context.heard
    phrases = context.phrases(spec.any, spec.patterns)
    everywhere = whole_of(heard, "agent")
    asked: list[_Asking] = []
    weak: tuple[Hit, ...] = ()
    for hit in phrases.find_in(everywhere):
        if negated(hit):
            continue
        asking = _asking(spec, hit, context)
        asked.append(asking)
        answer = _answer(spec.answer, asking.after)
        if answer is not None and asking.hit.heard and answer.heard:
            sure = certainty_of(asking.hit, answer)
            return decided("yes", f"Asked and answered: {spec.what}.", cite(heard, asking.hit, answer), sure)
        if answer is not None:
            weak = weak or (asking.hit, answer)
    if weak:
        reason = f"Perhaps asked and answered: {spec.what}; it was not heard clearly."
        return unsure(reason, cite(heard, *weak), "yes")
    if asked:
        return _unanswered(spec, context, asked)
    near = phrases.nearest_in(everywhere)
    if near:
        return unsure(f"Perhaps asked: {spec.what}; it was not heard clearly.", cite(heard, near[0]), "yes")
    quality = miss_quality(heard, "agent", everywhere)
    window = searched_stretches(everywhere)
    if quality.sure:
        return decided("no", f"Not asked: {spec.what}.", window, miss_certainty(everywhere))
    return unsure(f"Not heard asked: {spec.what}; but {quality.why}.", window, "no")


def _asking(spec: AskedSpec, hit: Hit, context: Context) -> _Asking:
    """Take a question with the caller's words from it on: the answer belongs to the last question before it."""
    end = hit.end
    return _Asking(hit, said_within(context.heard, "customer", end - _AT_ONCE, end + spec.seconds))


def _unanswered(spec: AskedSpec, context: Context, asked: Sequence[_Asking]) -> Finding:
    """Answer no for a question without a real answer, unsure where one may have gone unheard."""
    heard = context.heard
    for asking in asked:
        start, end = asking.hit.end, asking.hit.end + spec.seconds
        cited = cite(heard, asking.hit)
        if not asking.hit.heard:
            return unsure(f"Perhaps asked: {spec.what}; it was not heard clearly.", cited)
        lost = unheard_seconds(heard, "customer", start, end) >= _UNHEARD
        unclear = any(
            token.probability < 0.6
            for turn, low, high in asking.after
            for token in turn.tokens[low : high + 1]
        )
        if lost or unclear or "clipped" in heard.facts.warnings:
            reason = f"Asked: {spec.what}; the caller's answer was not understood."
            return unsure(reason, cited + searched(start, end, "customer"), "no")
        if _talked_over(context, asking):
            reason = f"Asked: {spec.what}; both spoke at the same time after it."
            return unsure(reason, cited + searched(start, end, "customer"), "no")
    last = asked[-1].hit
    looked = searched(last.end, last.end + spec.seconds, "customer")
    reason = f"Asked, but not answered: {spec.what}."
    return decided("no", reason, cite(heard, last) + looked, "fairly_sure")


def _talked_over(context: Context, asking: _Asking) -> bool:
    """Say whether most of what the caller said after the question lies under the agent's speech."""
    spoken = sum(stretch.end - stretch.start for stretch in asking.after)
    both = sum(context.heard.speech_seconds("agent", stretch.start, stretch.end) for stretch in asking.after)
    return spoken > 0 and both > 0.5 * spoken


def _answer(kind: Answer, stretches: Sequence[Stretch]) -> Hit | None:
    """Return the first words that are a real answer of the kind."""
    for turn, low, high in stretches:
        found = _in_turn(kind, turn, low, high)
        if found is not None:
            return make_hit(turn, *found)
    return None


def _fits(kind: Answer, text: str) -> bool:
    if kind == "number":
        return is_number(text)
    if kind == "name":
        return is_name(text)
    return text in _YES_NO if kind == "yes_no" else text not in BACK_CHANNELS


def _in_turn(kind: Answer, turn: Turn, low: int, high: int) -> tuple[int, int] | None:
    places = range(low, high + 1)
    texts = turn.texts
    if kind == "date":
        written = [
            (run.first, run.last)
            for run in turn.digit_runs
            if run.text.isdigit() and 6 <= run.size <= 8 and low <= run.first and run.last <= high
        ]
        spoken = [(place, end - 1) for place in places if (end := date_end(turn.tokens, place, high))]
        return min([*written, *spoken], default=None)
    first = next((place for place in places if _fits(kind, texts[place])), None)
    if first is None:
        return None
    last = high if kind == "words" else first
    return first, min(last, turn.sentence_range(first)[1])
