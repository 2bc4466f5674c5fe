"""When a criterion does not apply: events of the call, facts on file, too few words."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue

from qa_audit.domain.acoustics import total_speech
from qa_audit.domain.checks.base import SURE_PROBABILITY, Context, cite
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.findings import Evidence
from qa_audit.domain.text import word_set

Event = Literal["started_late", "transferred_in", "outbound", "caller_first", "ended_early", "transferred"]

_GREETINGS = word_set("hello hi hey yes is anyone anybody there good morning afternoon evening speaking")
_FAREWELLS = word_set(
    """
    bye goodbye thank thanks you so much very okay great good perfect have a nice day too and no that is
    all right yes lovely cheers alright all the best evening same to likewise
    """
)
_SUBSTANCE = 4
_AT_ONCE = 1.0


class Condition(Model):
    """One thing that can hold for a call; give exactly one of the fields (`is` goes with `fact` and `criterion`)."""

    event: Event | None = Field(default=None, description="Something that happened on the call.")
    fact: str | None = Field(default=None, description="A fact on file of this name …")
    criterion: str | None = Field(default=None, description="The criterion with this id …")
    is_: str | bool | int = Field(default=True, alias="is", description="… has this value, or this answer.")
    agent_words_under: int | None = Field(default=None, ge=1)
    said: Phrases | None = Field(default=None, description="The agent said one of these.")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "enum": list(get_args(Event))}, handler(core_schema)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"event": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        given = [self.event, self.fact, self.criterion, self.agent_words_under, self.said]
        if sum(part is not None for part in given) != 1:
            raise ValueError("give exactly one of 'event', 'fact', 'criterion', 'agent_words_under', 'said'")
        return self

    @property
    def answer(self) -> str:
        """Return the answer that a criterion must have; YAML reads a bare yes or no as true or false."""
        return {True: "yes", False: "no"}[self.is_] if isinstance(self.is_, bool) else str(self.is_)


class Holding(NamedTuple):
    """Whether a condition holds (None: perhaps), why in words, and what shows it."""

    holds: bool | None
    why: str = ""
    evidence: tuple[Evidence, ...] = ()


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
        same = _same(value, condition.is_)
        return Holding(same, f"The call's file says so: {condition.fact.replace('_', ' ')}." if same else "")
    if condition.criterion is not None:
        return _answered(condition, context)
    if condition.agent_words_under is not None:
        count = sum(token.last - token.first + 1 for token in heard.tokens.get("agent", ()))
        under = count < condition.agent_words_under
        return Holding(under, f"The agent said fewer than {condition.agent_words_under} words.")
    if condition.said is not None:
        compiled = context.phrases(condition.said)
        hits = [hit for turn in heard.turns_of("agent") for hit in compiled.find(turn) if hit.heard]
        return Holding(bool(hits), "The agent's words show it.", cite(heard, *hits[:1]))
    return _event(condition.event or "", heard)


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
        if _same(heard.facts.facts.get(fact), True):
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
            for turn in heard.turns
            for hit in compiled.find(turn, fuzzy=False)
            if hit.weakest >= SURE_PROBABILITY
        ]
        if hits:
            return Holding(True, f"This is {kind.name}.", cite(heard, hits[0]))
    return Holding(False)


def _same(value: object, wanted: object) -> bool:
    """Compare a fact with what is wanted; facts may arrive as text ("true", "yes", "1")."""
    if isinstance(wanted, bool):
        truth = str(value).strip().lower() in ("true", "yes", "1") if value is not None else False
        return value is not None and truth == wanted
    return value is not None and str(value).strip().lower() == str(wanted).strip().lower()


def _event(event: str, heard: Heard) -> Holding:
    if event == "outbound":
        return Holding(heard.facts.direction == "outbound", "The agent placed this call.")
    if event in ("transferred", "transferred_in"):
        moved = _same(heard.facts.facts.get(event), True)
        return Holding(
            moved, "The call was transferred." if event == "transferred" else "It was transferred in."
        )
    if event == "caller_first":
        return _caller_first(heard)
    return _ended_early(heard) if event == "ended_early" else _started_late(heard)


def _substance(turn: Turn) -> bool:
    """Say whether a turn says more than a greeting."""
    return len([text for text in turn.texts if text not in _GREETINGS]) >= _SUBSTANCE


def _started_late(heard: Heard) -> Holding:
    """The recording begins when the talk is already under way, or the call was transferred in."""
    if _same(heard.facts.facts.get("transferred_in"), True):
        return Holding(True, "The call was transferred in.")
    agent = heard.turns_of("agent")
    caller = next((turn for turn in heard.turns_of("customer") if _substance(turn)), None)
    if not agent:
        return Holding(False)
    if caller is not None and caller.end <= agent[0].start and heard.facts.direction != "outbound":
        late = caller.start <= _AT_ONCE
        return Holding(True if late else None, "The recording begins in the middle of the talk.")
    first = agent[0].tokens[0]
    raw = heard.transcript.segments[first.segment].timed_words()[first.first].text.strip()
    begins = heard.turns[0].start <= 0.3 and heard.turns[0].index == agent[0].index
    cut = raw[:3] in ("...", "…") or raw[:1] == "…"
    lower = raw[:1].islower() and _uses_capitals(heard)
    return Holding(begins and (cut or lower), "The recording begins in the middle of the talk.")


def _uses_capitals(heard: Heard) -> bool:
    """Say whether most turns of the transcript begin with a capital."""
    turns = [turn for turn in heard.turns if turn.tokens[0].text[:1].isalpha()]
    return len(turns) >= 3 and sum(turn.tokens[0].name for turn in turns) >= 0.6 * len(turns)


def _caller_first(heard: Heard) -> Holding:
    """The caller tells the reason before the agent's first turn ends."""
    agent = next((turn for turn in heard.turns_of("agent") if not turn.back_channel), None)
    early = agent is not None and any(
        turn.start < agent.end - 0.2 and _substance(turn) for turn in heard.turns_of("customer")
    )
    return Holding(early, "The caller told the reason before the agent's first turn ended.")


def _ended_early(heard: Heard) -> Holding:
    """The call ends with the caller speaking, is cut, or goes on elsewhere."""
    if _same(heard.facts.facts.get("transferred"), True):
        return Holding(True, "The call was transferred.")
    if "truncated" in heard.facts.warnings:
        return Holding(True, "The recording is cut.")
    caller = heard.tokens.get("customer", ())
    agent = heard.tokens.get("agent", ())
    if not caller or (agent and agent[-1].end >= caller[-1].start):
        return Holding(False)
    last = heard.turns_of("customer")[-1]
    if all(text in _FAREWELLS for text in last.texts):
        return Holding(False)
    if heard.speech_seconds("agent", caller[-1].end + 0.3, float("inf")) >= 0.4:
        return Holding(None, "The agent's last words were not understood.")
    return Holding(True, "The call ended with the caller speaking.")
