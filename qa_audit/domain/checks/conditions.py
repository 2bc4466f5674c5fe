"""When a criterion does not apply: events of the call, facts on file, too few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue

from qa_audit.domain.acoustics import total_speech
from qa_audit.domain.call import Span
from qa_audit.domain.checks.base import SURE_PROBABILITY, Context, cite, span
from qa_audit.domain.checks.events import CLOSE_CALL, Event, Holding, happened, holds_of, same, silences_of
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.windows import whole_of


class Condition(Model):
    """One thing that can hold for a call; give exactly one of the fields (`is` goes with `fact` and `criterion`)."""

    event: Event | None = Field(default=None, description="Something that happened on the call.")
    fact: str | None = Field(default=None, description="A fact on file of this name …")
    criterion: str | None = Field(default=None, description="The criterion with this id …")
    is_: str | bool | int = Field(default=True, alias="is", description="… has this value, or this answer.")
    agent_words_under: int | None = Field(default=None, ge=1)
    said: Phrases | None = Field(default=None, description="The agent said one of these.")
    dead_air_over: float | None = Field(default=None, gt=0, description="Nobody spoke for longer (seconds).")
    hold_over: float | None = Field(default=None, gt=0, description="A hold was longer than so many seconds.")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "enum": list(get_args(Event))}, handler(core_schema)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"event": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        kinds = ("event", "fact", "criterion", "agent_words_under", "said", "dead_air_over", "hold_over")
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise ValueError(f"give exactly one of {', '.join(map(repr, kinds))}")
        return self

    @property
    def answer(self) -> str:
        """Return the answer that a criterion must have; YAML reads a bare yes or no as true or false."""
        return {True: "yes", False: "no"}[self.is_] if isinstance(self.is_, bool) else str(self.is_)


class NotForSaid(Model):
    """Words that show what kind of call this is."""

    name: str
    any: Phrases = Field(min_length=1)
    speech_under: float = Field(
        default=60, gt=0, description="Only when the whole call has less speech (seconds)."
    )


class NotFor(Model):
    """Calls that the rubric has nothing to say about."""

    speech_under: float = Field(
        default=20, ge=0, description="Seconds of speech below which nothing is judged."
    )
    said: tuple[NotForSaid, ...] = ()
    facts: tuple[str, ...] = Field(default=(), description="Facts on file that say so: 'wrong_number'.")


def holds(condition: Condition, context: Context) -> Holding:
    """Say whether a condition holds for a call."""
    heard = context.heard
    if condition.fact is not None:
        value = heard.facts.facts.get(condition.fact)
        alike = same(value, condition.is_)
        return Holding(
            alike, f"The call's file says so: {condition.fact.replace('_', ' ')}." if alike else ""
        )
    if condition.criterion is not None:
        return _answered(condition, context)
    if condition.agent_words_under is not None:
        count = sum(token.last - token.first + 1 for token in heard.tokens.get("agent", ()))
        under = count < condition.agent_words_under
        return Holding(under, f"The agent said fewer than {condition.agent_words_under} words.")
    if condition.said is not None:
        compiled = context.phrases(condition.said)
        hits = [hit for hit in compiled.find_in(whole_of(heard, "agent")) if hit.heard]
        return Holding(bool(hits), "The agent's words show it.", cite(heard, *hits[:1]))
    if condition.dead_air_over is not None:
        return _longer(silences_of(heard), condition.dead_air_over, "Nobody spoke for a while.")
    if condition.hold_over is not None:
        return _longer(holds_of(heard), condition.hold_over, "The caller was put on hold for a while.")
    return happened(condition.event, heard) if condition.event else Holding(False)


def _longer(spans: Sequence[Span], seconds: float, why: str) -> Holding:
    """Say whether one of these stretches is longer than so many seconds; within a quarter second: perhaps."""
    longest = max(spans, key=lambda one: one[1] - one[0], default=(0.0, 0.0))
    length = longest[1] - longest[0]
    if length <= seconds - CLOSE_CALL:
        return Holding(False)
    shown = (span(*longest, length, "s"),)
    return Holding(True if length > seconds + CLOSE_CALL else None, why, shown)


def _answered(condition: Condition, context: Context) -> Holding:
    """Compare another criterion's finding with the answer that is wanted."""
    finding = context.findings.get(condition.criterion or "")
    if finding is None or finding.status in ("unsure", "manual", "not_assessed"):
        return Holding(None, f"It depends on the line '{condition.criterion}', which is still open.")
    same = finding.status == "decided" and finding.answer == condition.answer
    return Holding(same, f"It depends on the line '{condition.criterion}'.")


def not_for(rule: NotFor, context: Context) -> Holding:
    """Say whether a rubric has nothing to say about a call: too little speech, wrong number."""
    heard = context.heard
    for fact in rule.facts:
        if same(heard.facts.facts.get(fact), True):
            return Holding(True, f"The call's file says so: {fact.replace('_', ' ')}.")
    seconds = total_speech(heard.speech)
    if seconds < rule.speech_under:
        return Holding(True, f"The call has only {seconds:.0f} seconds of speech.")
    for kind in rule.said:
        if seconds >= kind.speech_under:
            continue
        compiled = context.phrases(kind.any)
        hits = [
            hit
            for hit in compiled.find_in(whole_of(heard, "either"), fuzzy=False)
            if hit.weakest >= SURE_PROBABILITY
        ]
        if hits:
            return Holding(True, f"This is {kind.name}.", cite(heard, hits[0]))
    return Holding(False)
