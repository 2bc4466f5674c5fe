"""Unexplained silence, for the kind `acoustic`: nobody speaks, and the agent had not said why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from qa_audit.domain.acoustics import silences
from qa_audit.domain.checks.base import Context, decided, searched, span, unsure
from qa_audit.domain.checks.events import CLOSE_CALL
from qa_audit.domain.checks.guards import only_near
from qa_audit.domain.checks.model import Phrases
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.checks.windows import (
    MISS_PROBABILITY,
    Stretch,
    miss_quality,
    said_within,
    unheard_seconds,
)
from qa_audit.domain.findings import Finding

if TYPE_CHECKING:
    from qa_audit.domain.checks.acoustic import AcousticSpec

_UNHEARD_SECONDS = 0.5
_FOUND = 2
_WENT_ON = 6


def dead_air(spec: AcousticSpec, context: Context) -> Finding:
    """Answer no for a long silence that nobody explained."""
    heard = context.heard
    found = silences(heard.speech, spec.seconds - CLOSE_CALL)
    unexplained, doubtful, explained = [], [], []
    for start, end in found:
        length = end - start
        searches = _before(spec.caller_searches, start, spec, context, "customer")
        if any(not _search_over(hit, start, context) for hit in searches):
            continue
        announced = _before(spec.announced, start, spec, context, "agent")
        announced = [hit for hit in announced if hit.heard and not only_near(hit)]
        if announced and length <= spec.longest:
            explained.append((start, end))
        elif announced or length < spec.seconds + CLOSE_CALL or _unclear(spec, context, start):
            doubtful.append((start, end))
        else:
            unexplained.append((start, end))
    if unexplained:
        evidence = tuple(span(start, end, end - start, "s") for start, end in unexplained)
        longest = max(end - start for start, end in unexplained)
        reason = f"{longest:.0f} seconds without a word, and nobody had said why."
        return decided("no", reason, evidence, "sure" if longest >= spec.seconds + 1 else "fairly_sure")
    if doubtful:
        evidence = tuple(span(start, end, end - start, "s") for start, end in doubtful)
        if any(end - start > spec.longest for start, end in doubtful):
            return unsure("A hold was announced, but it was long and without a word.", evidence, "no")
        return unsure("A silence may have been announced; it was not heard clearly.", evidence)
    evidence = tuple(span(start, end, end - start, "s") for start, end in explained)
    if explained:
        return decided("yes", "Every long silence was announced.", evidence, "sure")
    return decided("yes", "There was no long silence.", searched(0.0, heard.facts.duration, None), "sure")


def _before(
    phrases: Phrases,
    start: float,
    spec: AcousticSpec,
    context: Context,
    speaker: Literal["agent", "customer"],
) -> list[Hit]:
    """Find phrases that a speaker ended with in the seconds before a silence begins."""
    since = start - spec.announced_within
    stretches = said_within(context.heard, speaker, since - 5, start + 0.5)
    return [hit for hit in context.phrases(phrases).find_in(stretches) if hit.end >= since]


def _search_over(hit: Hit, start: float, context: Context) -> bool:
    """Say whether the caller had found what he looked for before the silence: he told it, or the talk went on."""
    told = [
        token for token in context.heard.words_between("customer", hit.end, start) if token.text[0].isdigit()
    ]
    return len(told) >= _FOUND or len(context.heard.words_between("agent", hit.end, start)) > _WENT_ON


def _unclear(spec: AcousticSpec, context: Context, start: float) -> bool:
    """Say whether an announcement may have been said but not recognised."""
    if _before(spec.maybe, start, spec, context, "agent") or _before(
        spec.announced, start, spec, context, "agent"
    ):
        return True
    begin = start - spec.announced_within
    stretches = said_within(context.heard, "agent", begin, start + 0.5)
    near = context.phrases(spec.announced).nearest_in(stretches)
    if any(hit.weakest < MISS_PROBABILITY for hit in near):
        return True
    return not (
        miss_quality(context.heard, "agent", stretches).sure
        or _few_but_clear(context, stretches, begin, start)
    )


def _few_but_clear(context: Context, stretches: Sequence[Stretch], begin: float, end: float) -> bool:
    """Say whether the agent said little or nothing within [begin, end] seconds, and all of it was understood."""
    heard = context.heard
    tokens = [token for turn, low, high in stretches for token in turn.tokens[low : high + 1]]
    clear = all(token.probability >= MISS_PROBABILITY for token in tokens)
    whole_words = unheard_seconds(heard, "agent", begin, end) < _UNHEARD_SECONDS
    return clear and whole_words and heard.measured and "clipped" not in heard.facts.warnings
