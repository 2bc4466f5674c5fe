"""Kind `terms`: the house's own words for things instead of others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qa_audit.domain.checks.base import Context, certainty_of, cite, decided, not_applicable, unsure
from qa_audit.domain.checks.guards import asked, negated, quoted, repeated
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import Hit, PhraseSet
from qa_audit.domain.checks.windows import whole_of
from qa_audit.domain.findings import Finding


class Term(Model):
    """One thing: what we call it, and what we do not."""

    right: Phrases = Field(min_length=1)
    wrong: Phrases = Field(min_length=1)


class TermsSpec(Model):
    """No when a wrong word is used; yes when right ones are used only; else there is nothing to judge."""

    kind: Literal["terms"]
    by: Literal["agent", "customer"] = "agent"
    terms: tuple[Term, ...] = Field(min_length=1)
    repeated_within: float = Field(
        default=10,
        gt=0,
        description="A wrong word the caller used so many seconds before may be repeated when the right follows.",
    )


def check(spec: TermsSpec, context: Context) -> Finding:
    """Look for right and wrong words of every term."""
    heard = context.heard
    right: list[Hit] = []
    wrong: list[Hit] = []
    doubtful: list[Hit] = []
    denied: list[Hit] = []
    for term in spec.terms:
        good, bad = context.phrases(term.right), context.phrases(term.wrong)
        own_right = _all(good, spec, context)
        right.extend(own_right)
        for hit in _all(bad, spec, context):
            if any(_inside(hit, other) for other in own_right) or quoted(hit):
                continue
            if negated(hit):
                denied.append(hit)
                continue
            echoed = repeated(hit, bad, heard, within=spec.repeated_within)
            if echoed and any(other.start > hit.start for other in own_right):
                continue
            if hit.heard and not (echoed and asked(hit)):
                wrong.append(hit)
            else:
                doubtful.append(hit)
    if wrong:
        return decided(
            "no", "Another word was used than the brand's own.", cite(heard, *wrong), certainty_of(*wrong)
        )
    if doubtful:
        return unsure("Perhaps another word was used than the brand's own.", cite(heard, *doubtful), "no")
    clear = [hit for hit in right if hit.heard]
    if clear:
        return decided("yes", "The brand's own word was used.", cite(heard, clear[0]), certainty_of(clear[0]))
    if denied:
        return unsure("Another word was used, only to deny it.", cite(heard, denied[0]))
    near = _nearest(spec, context) if not right else right[0]
    if near is not None:
        return unsure("A word of this kind was not heard clearly.", cite(heard, near))
    return not_applicable("None of these things came up in the agent's words.")


def _all(phrases: PhraseSet, spec: TermsSpec, context: Context) -> list[Hit]:
    return phrases.find_in(whole_of(context.heard, spec.by), fuzzy=False)


def _inside(hit: Hit, other: Hit) -> bool:
    return hit.turn.index == other.turn.index and other.first <= hit.first <= other.last


def _nearest(spec: TermsSpec, context: Context) -> Hit | None:
    """Find a word close in sound to a term, long enough that this is no accident."""
    phrases = context.phrases([phrase for term in spec.terms for phrase in (*term.right, *term.wrong)])
    found = phrases.nearest_in(whole_of(context.heard, spec.by))
    return max(found, key=lambda hit: hit.ratio, default=None)
