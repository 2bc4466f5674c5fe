"""Kind `own_name`: the agent says who is speaking, and it is who the file says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from rapidfuzz import fuzz

from qa_audit.domain.checks.anchors import stretches_in, without_anchor
from qa_audit.domain.checks.base import (
    SURE_PROBABILITY,
    Context,
    cite,
    decided,
    miss_certainty,
    searched_stretches,
    unsure,
)
from qa_audit.domain.checks.base import certainty_of as certainty
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, make_hit
from qa_audit.domain.checks.slots import is_name
from qa_audit.domain.checks.windows import Stretch, Windows, miss_quality
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import normalise

_ALIKE = 70.0


class OwnNameSpec(Model):
    """Yes when a pattern holds the name on file; another name is unsure, because the file may be wrong."""

    kind: Literal["own_name"]
    within: Windows = ()
    patterns: Phrases = Field(min_length=1, description="How a name is given; <word> stands for the name.")
    not_names: Phrases = Field(default=(), description="What may stand in its place without being a name.")


def check(spec: OwnNameSpec, context: Context) -> Finding:
    """Look for the patterns and compare the name in them."""
    heard = context.heard
    absent = without_anchor(context, spec.within)
    if absent is not None:
        return absent
    stretches = stretches_in(context, "agent", spec.within)
    known = _known(context)
    given = context.phrases(spec.patterns).find_in(stretches)
    not_names = context.phrases(spec.not_names)
    given = [hit for hit in given if not _surely(not_names.find(hit.turn, hit.first, hit.last))]
    same = [hit for hit in given if known & _said_around(hit)]
    clear = [hit for hit in same if hit.heard and hit.weakest >= 0.4]
    if clear:
        return decided("yes", "The agent gave the name on file.", cite(heard, clear[0]), certainty(clear[0]))
    if same:
        return unsure("A name was given, but not heard clearly.", cite(heard, same[0]), "yes")
    alone = _alone(context, stretches, known)
    if alone is not None:
        reason = "The agent gave the name on file, by itself."
        return decided("yes", reason, cite(heard, alone), "fairly_sure")
    named = [hit for hit in given if _names_somebody(hit)]
    if named:
        return _another(context, named, known)
    loose = _loose(stretches, known)
    if loose is not None:
        return unsure("Perhaps the agent gave the name; it was not heard clearly.", cite(heard, loose), "yes")
    if given:
        return unsure("Perhaps a name was given, but not heard clearly.", cite(heard, given[0]))
    quality = miss_quality(heard, "agent", stretches)
    window = searched_stretches(stretches)
    if quality.sure:
        return decided(
            "no", "The agent gave no name in the window searched.", window, miss_certainty(stretches)
        )
    return unsure(f"No name was found, but {quality.why}.", window, "no")


def _another(context: Context, named: list[Hit], known: frozenset[str]) -> Finding:
    """Answer for a name that is not the one on file, or that nothing is on file to compare with."""
    shown = cite(context.heard, named[0])
    if not known:
        reason = "The agent gave a name; none is on file to compare it with."
        return decided("yes", reason, shown, "fairly_sure")
    reason = "The agent gave a name that is not the one on file."
    return unsure(reason, shown, "yes", _flags(named, known))


def _known(context: Context) -> frozenset[str]:
    """Return the agent's first name and aliases on file, normalised."""
    facts = context.heard.facts
    names = [*((facts.agent_name,) if facts.agent_name else ()), *facts.agent_aliases]
    firsts = [piece[0].text for name in names if (piece := normalise(name.split()))]
    return frozenset(firsts)


def _alone(context: Context, stretches: list[Stretch], known: frozenset[str]) -> Hit | None:
    """Find the name on file between stops, or after "it is", in the agent's first turn: "Northwind, Dana, hello".

    A name that the caller has said before may be the caller's own or another agent's.
    """
    heard = context.heard
    for turn, low, high in stretches[:1]:
        before = {token.text for token in heard.words_between("customer", 0.0, turn.start)}
        for place in range(low, high + 1):
            token = turn.tokens[place]
            opens = place == 0 or bool(turn.tokens[place - 1].stop)
            introduced = turn.texts[max(0, place - 2) : place] == ("it", "is")
            closes = bool(token.stop) or place == len(turn.tokens) - 1
            new = token.text in known and token.text not in before
            if new and closes and (opens or introduced) and token.probability >= HIT_PROBABILITY:
                return make_hit(turn, place, place)
    return None


def _said_around(hit: Hit) -> set[str]:
    """Return the hit's words and the one right before it: "Priya Shah here" gives the first name too."""
    turn = hit.turn
    before = hit.first > 0 and not turn.tokens[hit.first - 1].stop
    return set(turn.texts[hit.first - before : hit.last + 1])


def _surely(hits: list[Hit]) -> bool:
    return any(hit.weakest >= SURE_PROBABILITY for hit in hits)


def _names_somebody(hit: Hit) -> bool:
    return any(is_name(text) for text in hit.turn.texts[hit.first : hit.last + 1])


def _flags(hits: list[Hit], known: frozenset[str]) -> tuple[str, ...]:
    """Flag a clearly heard other name: perhaps the recording belongs to another agent."""
    texts = [t.text for h in hits for t in h.turn.tokens[h.first : h.last + 1] if t.probability >= 0.8]
    names = [text for text in texts if is_name(text)]
    alike = any(fuzz.ratio(text, name) >= _ALIKE for text in names for name in known)
    return ("maybe_wrong_agent",) if names and not alike else ()


def _loose(stretches: list[Stretch], known: frozenset[str]) -> Hit | None:
    """Find the name on file, or something very like it, outside any pattern."""
    for turn, low, high in stretches:
        for place in range(low, high + 1):
            text = turn.texts[place]
            if text in known or any(len(n) > 3 and fuzz.ratio(text, n) >= _ALIKE for n in known):
                return make_hit(turn, place, place)
    return None
