"""Kind `avoided`: words that must not be said; the answer is yes when none counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from qa_audit.domain.checks.anchors import stretches_in, without_anchor
from qa_audit.domain.checks.base import (
    Context,
    certainty_of,
    cite,
    decided,
    not_assessed,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.guards import asked, negated, quoted, repeated
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.meant import MEANING_LEAST, Meant, meant
from qa_audit.domain.checks.model import Model, Patterns, Phrases
from qa_audit.domain.checks.naming import name_unclear
from qa_audit.domain.checks.perhaps import objections, perhaps_said
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, PhraseSet
from qa_audit.domain.checks.windows import Stretch, Who, Windows, whole_of
from qa_audit.domain.findings import Finding

Guard = Literal["negated", "asked", "quoted", "repeated"]
_NEAR_WORDS = 5
_MOST_CITED = 3


class AvoidedSpec(Model):
    """No when the words are said often enough, or once in a place where once is enough."""

    kind: Literal["avoided"]
    by: Who = "agent"
    what: str = Field(
        default="a word of the list", max_length=80, description="What it is, as reasons call it."
    )
    within: Windows = ()
    any: Phrases = Field(default=(), description="The words to avoid.")
    patterns: Patterns = Field(default=(), description="Regular expressions that fit the words to avoid.")
    meaning: Phrases = Field(default=(), description="What no sentence may mean.")
    meaning_least: float = Field(
        default=MEANING_LEAST, gt=0, le=1, description="How alike a sentence must be to mean it."
    )
    guards: tuple[Guard, ...] = Field(default=(), description="Hits that do not count.")
    repeated_within: float = Field(
        default=15, gt=0, description="Seconds in which repeating the caller is no fault."
    )
    repeated_is: Literal["no_hit", "unsure"] = "no_hit"
    times: int = Field(default=1, ge=1, description="So many hits make a no; fewer are unsure.")
    once_after: Phrases = Field(default=(), description="Right after these words one hit is enough.")
    probability: float = Field(
        default=HIT_PROBABILITY, ge=0, le=1, description="Below it a hit is only unsure."
    )
    maybe: Phrases = Field(
        default=(), description="Words that only may be it: one makes it unsure, leaning to no."
    )
    objections: Phrases = Field(
        default=(), description="What the caller answers when it was said: unsure, leaning to no."
    )
    not_near: Phrases = Field(default=(), description="A hit near one of these does not count.")
    not_after_caller: Phrases = Field(
        default=(), description="A hit does not count when the caller's turn before it says one of these."
    )
    name_due_after: Phrases = Field(
        default=(), description="A name follows these words; one that is not understood makes it unsure."
    )
    exact: bool = Field(default=False, description="Only these very words, nothing that is merely close.")
    names: bool = Field(
        default=False, description="The words are names: matched exactly, misheard ones noticed."
    )
    right_names: Phrases = Field(default=(), description="The names that are right in the same place.")

    @model_validator(mode="after")
    def _something(self) -> AvoidedSpec:
        if not (self.any or self.patterns or self.meaning):
            raise ValueError("give 'any' (phrases), 'patterns' or 'meaning'")
        return self


def check(spec: AvoidedSpec, context: Context) -> Finding:
    """Look for the words, leave out what is guarded, and count."""
    absent = without_anchor(context, spec.within)
    if absent is not None:
        return absent
    stretches = stretches_in(context, spec.by, spec.within)
    if not stretches:
        return _nothing_there(spec, context)
    by_meaning = meant(spec.meaning, spec.meaning_least, stretches, context)
    finding = _count(spec, context, stretches, by_meaning)
    if not by_meaning.guessed or finding.answer == "no":
        return finding
    reason = f"{finding.reason} {by_meaning.note}"
    return unsure(reason, finding.evidence, "yes")


def _nothing_there(spec: AvoidedSpec, context: Context) -> Finding:
    """Answer for a window without a word: nothing can be said of it unless it lies around an event."""
    if any(window.anchors for window in spec.within) and context.heard.turns_of("agent"):
        return decided("yes", "Nothing was said there.", (), "fairly_sure")
    return not_assessed("No words of the agent were recognised.")


def _count(spec: AvoidedSpec, context: Context, stretches: Sequence[Stretch], by_meaning: Meant) -> Finding:
    heard = context.heard
    phrases = context.phrases(spec.any, spec.patterns)
    fuzzy = not (spec.names or spec.exact)
    hits = phrases.find_in(stretches, fuzzy=fuzzy)
    hits += [hit for hit in by_meaning.hits if not any(_overlap(hit, other) for other in hits)]
    counted: list[Hit] = []
    doubtful: list[Hit] = list(by_meaning.near)
    for hit in hits:
        verdict = _judge(hit, spec, phrases, context)
        if verdict == "counts":
            (counted if hit.probability >= spec.probability else doubtful).append(hit)
        elif verdict == "doubtful":
            doubtful.append(hit)
    enough = [hit for hit in counted if _right_after(hit, context.phrases(spec.once_after))]
    if enough or len(counted) >= spec.times:
        shown = enough or counted
        reason = f"Said: {spec.what}." if len(shown) == 1 else f"Said {len(shown)} times: {spec.what}."
        return decided("no", reason, cite(heard, *shown), certainty_of(*shown))
    if counted or doubtful:
        return unsure(f"Perhaps said: {spec.what}.", cite(heard, *counted, *doubtful), "no")
    perhaps = _perhaps(spec, context, stretches)
    if perhaps is not None:
        return perhaps
    misheard = _misheard(spec, context) if spec.names else []
    if misheard:
        return unsure("A name was said that was not understood.", cite(heard, misheard[0]), "yes")
    window = searched_stretches(stretches, spec.by)
    return decided("yes", f"Not said: {spec.what}.", window, "sure" if not hits else "fairly_sure")


def _perhaps(spec: AvoidedSpec, context: Context, stretches: Sequence[Stretch]) -> Finding | None:
    """Leave it to a person where words that may be it were said, or the caller objected to something."""
    heard = context.heard
    if spec.maybe:
        phrases = context.phrases(spec.maybe)
        hits = perhaps_said(
            spec.maybe, stretches, context, lambda hit: _judge(hit, spec, phrases, context) == "counts"
        )
        if hits:
            return unsure(f"Perhaps said: {spec.what}.", cite(heard, *hits[:_MOST_CITED]), "no")
    if spec.objections:
        hits = objections(spec.objections, stretches, context)
        if hits:
            reason = f"Perhaps said, to judge by the answer to it: {spec.what}."
            return unsure(reason, cite(heard, *hits[:_MOST_CITED]), "no")
    return None


def _judge(
    hit: Hit, spec: AvoidedSpec, phrases: PhraseSet, context: Context
) -> Literal["counts", "doubtful", "guarded"]:
    """Say whether a hit counts."""
    heard = context.heard
    fuzzy = not (spec.names or spec.exact)
    if "repeated" in spec.guards and repeated(hit, phrases, heard, within=spec.repeated_within, fuzzy=fuzzy):
        return "doubtful" if spec.repeated_is == "unsure" else "guarded"
    if "negated" in spec.guards and (negated(hit) or _denied(hit)):
        return "guarded"
    if "asked" in spec.guards and asked(hit):
        return "guarded"
    if "quoted" in spec.guards and quoted(hit):
        return "guarded"
    if spec.not_near and _near(hit, context.phrases(spec.not_near)):
        return "guarded"
    if spec.not_after_caller:
        before = turn_before(heard, hit.turn)
        if before is not None and context.phrases(spec.not_after_caller).find(before):
            return "guarded"
    return "counts"


def turn_before(heard: Heard, turn: Turn) -> Turn | None:
    """Return the caller's last turn of more than a back-channel before a turn of the agent."""
    return next(
        (
            other
            for other in reversed(heard.turns[: turn.index])
            if other.speaker == "customer" and not other.back_channel
        ),
        None,
    )


def _denied(hit: Hit) -> bool:
    """Say whether a denial leads up to the hit: "we are not with Star Air"."""
    first, _ = hit.turn.sentence_range(hit.first)
    return "not" in hit.turn.texts[max(first, hit.first - 6) : hit.first]


def _overlap(one: Hit, other: Hit) -> bool:
    return one.turn.index == other.turn.index and one.first <= other.last and other.first <= one.last


def _near(hit: Hit, phrases: PhraseSet) -> bool:
    low, high = max(0, hit.first - _NEAR_WORDS), hit.last + _NEAR_WORDS
    return bool(phrases.find(hit.turn, low, high, fuzzy=False))


def _right_after(hit: Hit, phrases: PhraseSet) -> bool:
    return any(
        before.last == hit.first - 1 for before in phrases.find(hit.turn, 0, hit.first - 1, fuzzy=False)
    )


def _misheard(spec: AvoidedSpec, context: Context) -> list[Hit]:
    """Find places where a name is due and neither a right name nor plain words follow."""
    heard = context.heard
    due, right = context.phrases(spec.name_due_after), context.phrases(spec.right_names)
    wrong = context.phrases(spec.any)
    found = []
    for hit in due.find_in(whole_of(heard, spec.by), fuzzy=False):
        turn, after = hit.turn, hit.last + 1
        if any(good.first == after for good in right.find(turn, after, fuzzy=False)):
            continue
        near = right.nearest(turn, after, after + 1, names=True)
        bad = wrong.nearest(turn, after, after + 1, names=True)
        if near is not None and (bad is None or near.ratio > bad.ratio):
            continue
        if bad is not None or name_unclear(hit, heard, always=False):
            found.append(hit)
    return found
