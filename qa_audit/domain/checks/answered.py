"""Kind `answered`: when the caller says one thing, the agent must answer with another soon after."""

from __future__ import annotations

from itertools import islice
from typing import Literal

from pydantic import Field, model_validator

from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    miss_certainty,
    not_applicable,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import negated, only_near, unlikely
from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.meant import MEANING_LEAST, Meant, meant
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, PhraseSet
from qa_audit.domain.checks.windows import Stretch, Who, said_within, whole_of
from qa_audit.domain.findings import Finding


class AnsweredSpec(Model):
    """Yes when a trigger of the caller is answered in time; no trigger: nothing to judge."""

    kind: Literal["answered"]
    trigger: Phrases = Field(min_length=1, description="What the caller says.")
    no_trigger: Phrases = Field(default=(), description="Sounds like a trigger, but is none.")
    reply: Phrases = Field(default=(), description="What the agent must answer.")
    meaning: Phrases = Field(default=(), description="What the agent must answer, by meaning.")
    meaning_least: float = Field(
        default=MEANING_LEAST, gt=0, le=1, description="How alike a sentence must be to mean it."
    )
    no_reply: Phrases = Field(default=(), description="Sounds like a reply, but is none.")
    turns: int = Field(default=2, ge=1, description="In so many next turns of the agent, or …")
    seconds: float = Field(
        default=20, gt=0, description="… within so many seconds, whichever reaches further."
    )

    @model_validator(mode="after")
    def _some_reply(self) -> AnsweredSpec:
        if not (self.reply or self.meaning):
            raise ValueError("give 'reply' (phrases) or 'meaning'")
        return self


def check(spec: AnsweredSpec, context: Context) -> Finding:
    """Find the trigger, then the reply."""
    heard = context.heard
    triggers = _triggers(spec, context)
    replies = _replies(spec, context)
    if not triggers:
        early = [hit for hit in replies if hit.heard and not only_near(hit) and _follows_caller(heard, hit)]
        if early:
            reason = "The agent showed understanding, but what it answers was not heard."
            return unsure(reason, cite(heard, early[0]), "yes")
        return not_applicable("The caller named no trouble that asks for it.")
    windows = [_window(heard, hit, spec) for hit in triggers]
    by_meaning = [meant(spec.meaning, spec.meaning_least, window, context) for window in windows]
    for trigger, window, found in zip(triggers, windows, by_meaning, strict=True):
        clear = [
            reply for reply in replies if reply.heard and not only_near(reply) and _inside(reply, window)
        ]
        clear += [hit for hit in found.hits if hit.heard]
        if clear:
            reason = "The agent answered what the caller said."
            return decided("yes", reason, cite(heard, trigger, clear[0]), certainty_of(clear[0]))
    together = zip(triggers, windows, by_meaning, strict=True)
    trouble = next((parts for parts in together if parts[0].heard), None)
    if trouble is None:
        return unsure(
            "Perhaps the caller named a trouble; it was not heard clearly.", cite(heard, triggers[0])
        )
    inside = [reply for reply in replies if _inside(reply, trouble[1])]
    return _unanswered(spec, context, *trouble, inside)


def _unanswered(
    spec: AnsweredSpec,
    context: Context,
    trigger: Hit,
    window: list[Stretch],
    by_meaning: Meant,
    replies: list[Hit],
) -> Finding:
    """Answer no, or unsure where the reply may have been misheard; `replies` are those in the window."""
    heard = context.heard
    weak = [*replies, *by_meaning.hits, *by_meaning.near]
    harmless = context.phrases(spec.no_reply)
    near = [
        hit
        for hit in context.phrases(spec.reply).nearest_in(window)
        if not unlikely(hit) and not harmless.find(hit.turn, max(0, hit.first - 3), hit.last + 4, fuzzy=False)
    ]
    if weak or near:
        return unsure(
            "Perhaps the agent answered it; it was not heard clearly.", cite(heard, (weak or near)[0]), "yes"
        )
    quality = miss_quality_beside_overlaps(heard, "agent", window)
    evidence = cite(heard, trigger) + searched_stretches(window)
    if by_meaning.guessed:
        return unsure(f"No answer to it was found. {by_meaning.note}", evidence, "no")
    if quality.sure:
        reason = "The caller named a trouble, and the agent did not answer it."
        return decided("no", reason, evidence, miss_certainty(window))
    return unsure(f"No answer to it was found, but {quality.why}.", evidence, "no")


def _triggers(spec: AnsweredSpec, context: Context) -> list[Hit]:
    return _counting(spec.trigger, spec.no_trigger, "customer", context)


def _replies(spec: AnsweredSpec, context: Context) -> list[Hit]:
    replies = _counting(spec.reply, spec.no_reply, "agent", context)
    return [reply for reply in replies if not _says_again(reply)]


def _counting(phrases: Phrases, harmless: Phrases, who: Who, context: Context) -> list[Hit]:
    """Return where a speaker says one of the phrases, not negated and not as a part of something harmless."""
    excused = context.phrases(harmless)
    return [
        hit
        for hit in context.phrases(phrases).find_in(whole_of(context.heard, who))
        if not negated(hit) and not _excused(hit, excused)
    ]


def _excused(hit: Hit, harmless: PhraseSet) -> bool:
    return any(
        other.in_one_sentence and _overlap(hit, other) for other in harmless.find(hit.turn, fuzzy=False)
    )


def _says_again(hit: Hit) -> bool:
    """Say whether a lone "sorry?" asks to repeat rather than shows understanding."""
    turn = hit.turn
    first, last = turn.sentence_range(hit.first)
    return turn.tokens[last].stop == "?" and last - first < 4


def _overlap(one: Hit, other: Hit) -> bool:
    return one.first <= other.last and other.first <= one.last


def _window(heard: Heard, trigger: Hit, spec: AnsweredSpec) -> list[Stretch]:
    """Return the agent's words in which the reply must come."""
    end = trigger.end
    after = (turn for turn in heard.turns_during("agent", end, float("inf")) if turn.end > end)
    speaking = (turn for turn in after if not turn.back_channel)
    near = said_within(heard, "agent", end, end + spec.seconds)
    stretches = {stretch.turn.index: stretch for stretch in near if stretch.turn.end > end}
    for turn in islice(speaking, spec.turns):
        if turn.start - end <= 2 * spec.seconds:
            stretches[turn.index] = Stretch(turn, 0, len(turn.tokens) - 1)
    return [stretches[index] for index in sorted(stretches)]


def _inside(hit: Hit, window: list[Stretch]) -> bool:
    return any(hit.turn.index == turn.index and low <= hit.first <= high for turn, low, high in window)


def _follows_caller(heard: Heard, hit: Hit) -> bool:
    """Say whether a reply stands in the agent's first turns after the caller began to speak."""
    caller = [turn for turn in heard.turns_of("customer") if not turn.back_channel]
    if not caller:
        return False
    agent = [
        turn for turn in heard.turns_of("agent") if turn.start > caller[0].start and not turn.back_channel
    ]
    return hit.turn.index in {turn.index for turn in agent[:2]}
