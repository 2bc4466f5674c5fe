"""Kind `said`: one or several things must be said, somewhere or in a window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from qa_audit.domain.checks.anchors import just_outside, stretches_in, without_anchor
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
from qa_audit.domain.checks.guards import asked, conditional, negated, only_near, unlikely
from qa_audit.domain.checks.lost_words import lost_beside, may_have_answered, unclear_ends
from qa_audit.domain.checks.meant import MEANING_LEAST, meant
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.model import Model, Patterns, Phrases
from qa_audit.domain.checks.naming import name_unclear
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, PhraseSet
from qa_audit.domain.checks.windows import (
    Stretch,
    Who,
    Windows,
    between,
    said_within,
    whole_of,
)
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import is_number

_NEAR_WINDOW = 10.0
_MOST_CITED = 3
_UNCLEAR = 0.75
"""A word below it may be another one."""
_TELLING = 2
"""So many parts that were said show that there was something to be said, however it began."""


class Part(Model):
    """One of the things to be said."""

    name: str = Field(description="What it is, as reasons call it: 'the time', 'the brand'.")
    any: Phrases = Field(default=(), description="Said when one of these is.")
    patterns: Patterns = Field(default=(), description="Said when one of these regular expressions fits.")
    meaning: Phrases = Field(default=(), description="Said when a sentence means one of these.")
    maybe: Phrases = Field(default=(), description="Heard instead: perhaps said, so unsure rather than no.")
    wrong: Phrases = Field(default=(), description="Said instead: surely wrong.")
    leave_to: str | None = Field(
        default=None, description="Skip this part when the criterion with this id is answered no."
    )

    @model_validator(mode="after")
    def _something(self) -> Part:
        if not (self.any or self.patterns or self.meaning):
            raise ValueError("give 'any' (phrases), 'patterns' or 'meaning'")
        return self


class Names(Model):
    """The thing to be said is a name: words before it show where it was said but not understood."""

    after: Phrases = Field(default=(), description="Words that a name always follows: 'choosing'.")
    may_follow: Phrases = Field(default=(), description="Words that a name often follows: 'for calling'.")
    others: Phrases = Field(default=(), description="Other names: hearing one is no doubt about ours.")
    probability: float = Field(
        default=HIT_PROBABILITY, ge=0, le=1, description="Below it the name is in doubt."
    )


class Reply(Model):
    """The other speaker must get the word afterwards."""

    before: Phrases = Field(default=(), description="Words of closing that must not come before the reply.")


class SaidSpec(Model):
    """Yes when everything asked for is said in the window; no when something is surely missing."""

    kind: Literal["said"]
    by: Who = "agent"
    within: Windows = Field(default=(), description="Where: any of these windows; default everywhere.")
    at_least: int = Field(default=1, ge=1, le=100, description="How often.")
    what: str = Field(
        default="what was asked for", max_length=80, description="What it is, as reasons call it."
    )
    any: Phrases = Field(default=(), description="Said when one of these is.")
    patterns: Patterns = Field(default=(), description="Said when one of these regular expressions fits.")
    meaning: Phrases = Field(default=(), description="Said when a sentence means one of these.")
    meaning_least: float = Field(
        default=MEANING_LEAST, gt=0, le=1, description="How alike a sentence must be to mean it."
    )
    all: tuple[Part, ...] = Field(default=(), description="All of these parts must be said.")
    maybe: Phrases = ()
    same_turn: bool = Field(default=False, description="All parts in one turn.")
    names: Names | None = None
    reply: Reply | None = None
    once: Phrases = Field(default=(), description="Applies only once the agent said one of these.")
    unless: Phrases = Field(
        default=(), description="Does not apply when the agent said one of these instead."
    )

    @model_validator(mode="after")
    def _something(self) -> SaidSpec:
        if bool(self.any or self.patterns or self.meaning) == bool(self.all):
            raise ValueError(
                "give either 'any' (phrases) or 'all' (parts); 'patterns' and 'meaning' go with 'any'"
            )
        return self

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What is to be said as parts, also when it is only one."""
        if self.all:
            return self.all
        part = Part.model_construct(
            name=self.what, any=self.any, patterns=self.patterns, meaning=self.meaning, maybe=self.maybe
        )
        return (part,)


class Outcome(NamedTuple):
    """What came of looking for a part: said, few (not often enough), weak (unclear), near (perhaps), …

    A note says how it was looked for where that was not as the rubric wants it.
    """

    part: Part
    state: Literal["said", "few", "weak", "near", "wrong", "missed", "left"]
    hits: tuple[Hit, ...] = ()
    note: str = ""


def check(spec: SaidSpec, context: Context) -> Finding:
    """Look for every part in the window."""
    absent = without_anchor(context, spec.within)
    if absent is not None:
        return absent
    stretches = stretches_in(context, spec.by, spec.within)
    outcomes = [_look(spec, part, stretches, context) for part in spec.parts]
    apart = _applies(spec, context, outcomes)
    finding = apart or _answer(spec, context, stretches, [o for o in outcomes if o.state != "left"])
    notes = dict.fromkeys(outcome.note for outcome in outcomes if outcome.note)
    return finding.model_copy(update={"reason": " ".join([finding.reason, *notes])}) if notes else finding


def _answer(
    spec: SaidSpec, context: Context, stretches: Sequence[Stretch], kept: Sequence[Outcome]
) -> Finding:
    heard = context.heard
    if any(outcome.state != "said" for outcome in kept):
        return _not_all(spec, context, stretches, kept)
    together = _one_turn(kept) if spec.same_turn else _first_hits(spec, kept)
    if not together and kept:
        return unsure(
            "All of it was said, but not in one turn.", cite(heard, *(o.hits[0] for o in kept)), "yes"
        )
    if spec.reply:
        return _with_reply(spec.reply, kept[0].hits, stretches, context)
    return decided("yes", _found_reason(kept), cite(heard, *together), certainty_of(*together))


def _first_hits(spec: SaidSpec, outcomes: Sequence[Outcome]) -> list[Hit]:
    return [hit for outcome in outcomes for hit in outcome.hits[: spec.at_least]]


def _look(spec: SaidSpec, part: Part, stretches: Sequence[Stretch], context: Context) -> Outcome:
    if part.leave_to:
        other = context.findings.get(part.leave_to)
        if other is not None and other.answer == "no" and other.status in ("decided", "unsure"):
            return Outcome(part, "left")
    names = spec.names is not None
    right = context.phrases(part.any, part.patterns)
    by_meaning = meant(part.meaning, spec.meaning_least, stretches, context)
    hits = [hit for hit in right.find_in(stretches, fuzzy=not names) if not negated(hit)]
    hits += [hit for hit in by_meaning.hits if not any(_overlap(hit, other) for other in hits)]
    least = spec.names.probability if spec.names else HIT_PROBABILITY
    clear = tuple(hit for hit in hits if hit.probability >= least)
    if len(clear) >= spec.at_least:
        return Outcome(part, "said", clear)
    if len(hits) >= spec.at_least:
        return Outcome(part, "weak", tuple(hits), by_meaning.note)
    wrong = [
        hit for hit in context.phrases(part.wrong).find_in(stretches) if not negated(hit) and not asked(hit)
    ]
    near = [*_nearest(right, stretches, spec, context), *by_meaning.near]
    near = [hit for hit in near if not any(_overlap(hit, other) for other in clear)]
    sure_wrong = [h for h in wrong if h.weakest >= HIT_PROBABILITY and not _shares_number(h, right)]
    if sure_wrong and not any(_overlap(hit, other) for hit in sure_wrong for other in near):
        return Outcome(part, "wrong", tuple(sure_wrong))
    near = [*context.phrases(part.maybe).find_in(stretches), *near, *wrong]
    if near and len(hits) + len(near) >= spec.at_least:
        return Outcome(part, "near", tuple(near), by_meaning.note)
    return Outcome(part, "few" if hits else "missed", tuple(hits), by_meaning.note)


def _nearest(phrases: PhraseSet, stretches: Sequence[Stretch], spec: SaidSpec, context: Context) -> list[Hit]:
    """Find what may be the phrase misheard, just outside the window, or a name not understood."""
    names = spec.names is not None
    found = [hit for hit in phrases.nearest_in(stretches, names=names) if names or not unlikely(hit)]
    if spec.names:
        others = context.phrases(spec.names.others).find_in(stretches)
        found = [hit for hit in found if not any(_overlap(hit, other) for other in others)]
        found.extend(_unnamed(spec.names, stretches, context))
    if spec.within and stretches:
        start, end = stretches[0].start - _NEAR_WINDOW, stretches[-1].end + _NEAR_WINDOW
        around = between(whole_of(context.heard, spec.by), start, end)
        if any(window.anchors for window in spec.within):
            around = just_outside(context, spec.by, spec.within)
        found.extend(hit for hit in phrases.find_in(around, fuzzy=not names) if not negated(hit))
    return found


def _unnamed(names: Names, stretches: Sequence[Stretch], context: Context) -> list[Hit]:
    """Find places where a name was due and something else, or nothing, was recognised."""
    others = context.phrases(names.others)
    found = []
    for phrases, always in ((names.after, True), (names.may_follow, False)):
        for hit in context.phrases(phrases).find_in(stretches, fuzzy=False):
            turn, after = hit.turn, hit.last + 1
            if any(other.first == after for other in others.find(turn, after, fuzzy=False)):
                continue
            if name_unclear(hit, context.heard, always=always):
                found.append(hit)
    return found


def _overlap(one: Hit, other: Hit) -> bool:
    return one.turn.index == other.turn.index and one.first <= other.last and other.first <= one.last


def _shares_number(hit: Hit, right: PhraseSet) -> bool:
    """Say whether a wrong hit holds a number of the right phrases: then one misheard word made it wrong."""
    numbers = {text for text in hit.turn.texts[hit.first : hit.last + 1] if is_number(text)}
    return bool(numbers & right.numbers)


def _applies(spec: SaidSpec, context: Context, outcomes: Sequence[Outcome]) -> Finding | None:
    """Test first whether there is anything to be said: None when there is."""
    if not spec.once:
        return None
    heard = context.heard
    everywhere = whole_of(heard, "agent")
    begun = [
        hit for hit in context.phrases(spec.once).find_in(everywhere) if not negated(hit) and not asked(hit)
    ]
    if any(hit.heard and hit.ratio == 100 and not conditional(hit) for hit in begun):
        return None
    refused = [
        hit
        for hit in context.phrases(spec.unless).find_in(everywhere, fuzzy=False)
        if hit.heard and not asked(hit)
    ]
    if refused:
        return not_applicable("It was refused or not decided on this call.", cite(heard, refused[0]))
    told = sum(outcome.state in ("said", "left") for outcome in outcomes) >= min(_TELLING, len(outcomes))
    if told and not any(conditional(hit) for hit in begun):
        return None
    near = [hit for outcome in outcomes for hit in _perhaps_told(outcome)]
    near = near or [hit for hit in begun if not only_near(hit)]
    hinted = [outcome.hits[0] for outcome in outcomes if outcome.state == "near"]
    near = near or (hinted if len(hinted) >= _TELLING else [])
    if near:
        return unsure("Whether it was agreed on this call was not heard clearly.", cite(heard, near[0]))
    return not_applicable("There was nothing of the kind on this call.")


def _perhaps_told(outcome: Outcome) -> tuple[Hit, ...]:
    """Return the words that make it likely that there was something to be said: told, or told unclearly."""
    unclear = tuple(hit for hit in outcome.hits if hit.weakest < _UNCLEAR)
    return outcome.hits if outcome.state in ("said", "wrong") else unclear


def _one_turn(outcomes: Sequence[Outcome]) -> list[Hit]:
    """Return one hit of each part, all in the same turn and close together, or nothing."""
    for hit in reversed(outcomes[0].hits):
        together = [hit]
        for outcome in outcomes[1:]:
            near = [other for other in outcome.hits if other.turn.index == hit.turn.index]
            if not near:
                break
            together.append(min(near, key=lambda other: abs(other.first - hit.first)))
        if len(together) == len(outcomes):
            return together
    return []


def _with_reply(reply: Reply, hits: Sequence[Hit], stretches: Sequence[Stretch], context: Context) -> Finding:
    """Demand that the other speaker got the word after one of the hits."""
    heard = context.heard
    closing = context.phrases(reply.before)
    for hit in hits:
        answers = heard.words_between("customer", hit.end - 0.5, float("inf"))
        if not answers:
            continue
        after = said_within(heard, "agent", hit.end, answers[0].start)
        if not closing.find_in(after):
            evidence = cite(heard, hit)
            return decided("yes", "It was said, and the caller could answer.", evidence, certainty_of(hit))
    last = hits[-1]
    if may_have_answered(heard, last):
        return unsure(
            "It was said; whether the caller answered was not understood.", cite(heard, last), "yes"
        )
    quality = miss_quality_beside_overlaps(heard, "agent", stretches)
    if not quality.sure:
        return unsure(f"It was said; no answer was heard, but {quality.why}.", cite(heard, last), "no")
    return decided(
        "no", "It was said, but the caller had no time to answer.", cite(heard, last), "fairly_sure"
    )


def _not_all(
    spec: SaidSpec, context: Context, stretches: Sequence[Stretch], outcomes: Sequence[Outcome]
) -> Finding:
    """Answer no when a part is surely missing or wrong, unsure when it may have been misheard."""
    heard = context.heard
    wrong = [outcome for outcome in outcomes if outcome.state == "wrong"]
    missed = [outcome for outcome in outcomes if outcome.state in ("missed", "few")]
    if missed and spec.reply and unclear_ends(heard, stretches):
        reason = "Not heard, but what the agent said before the caller's last words was not clear."
        return unsure(reason, searched_stretches(stretches, spec.by), "no")
    said = [outcome for outcome in outcomes if outcome.state == "said"]
    if missed and any(lost_beside(heard, hit) for outcome in said for hit in outcome.hits):
        cited = cite(heard, *(outcome.hits[0] for outcome in said))
        return unsure(
            f"Not heard: {missed[0].part.name}; but words beside the others were lost.", cited, "yes"
        )
    found = tuple(
        cite(heard, *(hit for o in outcomes if o.state in ("said", "few") for hit in o.hits[:_MOST_CITED]))
    )
    if wrong:
        evidence = cite(heard, wrong[0].hits[0])
        return decided("no", f"Something else was said for {wrong[0].part.name}.", evidence, "fairly_sure")
    quality = miss_quality_beside_overlaps(heard, spec.by, stretches)
    window = searched_stretches(stretches, spec.by)
    if any(outcome.note for outcome in missed):
        return unsure(f"Not found: {missed[0].part.name}.", window + found, "no")
    if missed and quality.sure:
        return decided("no", _missed_reason(spec, missed), window + found, miss_certainty(stretches))
    doubtful = [outcome for outcome in outcomes if outcome.state in ("weak", "near")]
    if doubtful:
        hit = doubtful[0].hits[0]
        name = doubtful[0].part.name
        return unsure(f"Perhaps said, but {name} was not heard clearly.", cite(heard, hit), "yes")
    return unsure(f"Not found, but {quality.why}.", window, "no")


def _missed_reason(spec: SaidSpec, missed: Sequence[Outcome]) -> str:
    names = _listed([outcome.part.name for outcome in missed])
    if all(outcome.state == "missed" for outcome in missed):
        return f"Not said: {names}."
    times = min(len(outcome.hits) for outcome in missed)
    return f"Said {times} times, not {spec.at_least}: {names}."


def _found_reason(outcomes: Sequence[Outcome]) -> str:
    return f"Said: {_listed([outcome.part.name for outcome in outcomes])}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
