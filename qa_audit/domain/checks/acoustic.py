"""Kind `acoustic`: what was measured rather than said: unexplained silence, talking over the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from qa_audit.domain.acoustics import DEAD_AIR, Interruption, interruptions, silences
from qa_audit.domain.checks.base import Context, cite, decided, not_assessed, searched, span, unsure
from qa_audit.domain.checks.heard import BACK_CHANNELS, Heard
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.checks.windows import between, miss_quality, whole
from qa_audit.domain.findings import Evidence, Finding
from qa_audit.domain.text import Token

_CLOSE_CALL = 0.25
"""A measured length within this many seconds of its limit is unsure."""
_ECHO_SECONDS = 0.3


class AcousticSpec(Model):
    """Yes when the measure stays within its limits."""

    kind: Literal["acoustic"]
    measure: Literal["dead_air", "talk_over"]
    seconds: float = Field(
        default=DEAD_AIR, gt=0, description="dead_air: so long without speech is dead air."
    )
    announced: Phrases = Field(default=(), description="dead_air: words of the agent that explain a silence.")
    announced_within: float = Field(
        default=10, gt=0, description="dead_air: so many seconds before it begins."
    )
    maybe: Phrases = Field(default=(), description="dead_air: words that may be a misheard announcement.")
    caller_searches: Phrases = Field(default=(), description="dead_air: the caller is looking for something.")
    longest: float = Field(default=60, gt=0, description="dead_air: no announced silence may be longer.")
    allowed: int = Field(default=1, ge=0, description="talk_over: so many interruptions are no fault.")
    spoken: float = Field(default=1.0, gt=0, description="talk_over: the caller had been speaking so long.")
    both: float = Field(default=1.5, gt=0, description="talk_over: both then go on so long.")
    words: int = Field(default=3, ge=1, description="talk_over: the agent says so many words.")
    rightly: Phrases = Field(default=(), description="talk_over: interrupting with these words is right.")


def check(spec: AcousticSpec, context: Context) -> Finding:
    """Measure, and compare with the limits."""
    heard = context.heard
    if not heard.two_channels:
        return not_assessed("The speakers were not recorded on two channels, so this cannot be measured.")
    if not heard.speech:
        return not_assessed("Nothing was measured of this recording.")
    finding = _dead_air(spec, context) if spec.measure == "dead_air" else _talk_over(spec, context)
    if not heard.measured and finding.certainty == "sure":
        return finding.model_copy(update={"certainty": "fairly_sure"})
    return finding


def _dead_air(spec: AcousticSpec, context: Context) -> Finding:
    heard = context.heard
    found = silences(heard.speech, spec.seconds - _CLOSE_CALL)
    unexplained, doubtful, explained = [], [], []
    for start, end in found:
        length = end - start
        if _before(spec.caller_searches, start, spec, context, "customer"):
            continue
        announced = _before(spec.announced, start, spec, context, "agent")
        announced = [hit for hit in announced if hit.heard]
        if announced and length <= spec.longest:
            explained.append((start, end))
        elif announced or length < spec.seconds + _CLOSE_CALL or _unclear(spec, context, start):
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
    stretches = between(
        whole(context.heard.turns_of(speaker)), start - spec.announced_within - 5, start + 0.5
    )
    return [
        hit
        for turn, low, high in stretches
        for hit in context.phrases(phrases).find(turn, low, high)
        if hit.end >= start - spec.announced_within
    ]


def _unclear(spec: AcousticSpec, context: Context, start: float) -> bool:
    """Say whether an announcement may have been said but not recognised."""
    if _before(spec.maybe, start, spec, context, "agent") or _before(
        spec.announced, start, spec, context, "agent"
    ):
        return True
    begin = start - spec.announced_within
    stretches = between(whole(context.heard.turns_of("agent")), begin, start + 0.5)
    near = [context.phrases(spec.announced).nearest(turn, low, high) for turn, low, high in stretches]
    return any(near) or not miss_quality(context.heard, "agent", stretches).sure


def _talk_over(spec: AcousticSpec, context: Context) -> Finding:
    heard = context.heard
    agent, customer = heard.speech.get("agent", ()), heard.speech.get("customer", ())
    candidates = interruptions(
        agent, customer, spoken=spec.spoken - _CLOSE_CALL, both=spec.both - _CLOSE_CALL
    )
    sure: list[Interruption] = []
    doubtful: list[Interruption] = []
    for found in candidates:
        words = _spoken(heard, found)
        if _listening(words) or _rightly(spec, context, found) or _echo(heard, words):
            continue
        clear = found.overlap >= spec.both and found.spoken_before >= spec.spoken and len(words) >= spec.words
        (sure if clear else doubtful).append(found)
    evidence = tuple(span(i.start, i.end, i.overlap, "s", "agent") for i in (*sure, *doubtful))
    if len(sure) > spec.allowed:
        words_said = tuple(item for i in sure for item in _cite_words(heard, i))
        reason = f"The agent talked over the caller {len(sure)} times."
        return decided("no", reason, evidence[: len(sure)] + words_said, "sure")
    if len(sure) + len(doubtful) > spec.allowed:
        return unsure("The agent may have talked over the caller; it is close to the limit.", evidence)
    looked = evidence or searched(0.0, heard.facts.duration)
    count = "never" if not sure else "once" if len(sure) == 1 else f"{len(sure)} times"
    return decided("yes", f"The agent talked over the caller {count}.", looked, "sure")


def _spoken(heard: Heard, found: Interruption) -> tuple[Token, ...]:
    """Return the agent's words from the moment of interruption to the end of that stretch of speech."""
    end = next((e for s, e in heard.speech.get("agent", ()) if s <= found.start + 0.01 < e), found.end)
    return heard.words_between("agent", found.start - 0.3, end)


def _listening(words: Sequence[Token]) -> bool:
    return bool(words) and all(token.text in BACK_CHANNELS for token in words)


def _rightly(spec: AcousticSpec, context: Context, found: Interruption) -> bool:
    """Say whether the agent interrupted for a good reason, such as stopping a card number."""
    stretches = between(whole(context.heard.turns_of("agent")), found.start - 0.5, found.end + 5)
    return any(context.phrases(spec.rightly).find(turn, low, high) for turn, low, high in stretches)


def _echo(heard: Heard, words: Sequence[Token]) -> bool:
    """Say whether the agent's words are the caller's, picked up on the other channel."""
    if not words:
        return False
    theirs = heard.words_between("customer", words[0].start - 1, words[-1].end + 1)
    same = sum(
        any(t.text == token.text and abs(t.start - token.start) <= _ECHO_SECONDS for t in theirs)
        for token in words
    )
    return same >= 0.7 * len(words)


def _cite_words(heard: Heard, found: Interruption) -> tuple[Evidence, ...]:
    words = _spoken(heard, found)
    turns = {t.index: t for t in heard.turns_of("agent") if words and t.start <= words[0].start <= t.end}
    for turn in turns.values():
        places = [p for p, token in enumerate(turn.tokens) if found.start - 0.3 <= token.start <= found.end]
        if places:
            return cite(heard, Hit(turn, places[0], places[-1], 100.0, 1.0, 1.0))
    return ()
