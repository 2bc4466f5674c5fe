"""Kind `caller_name`: the agent uses the name that the caller gave."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field
from rapidfuzz import fuzz

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
from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, make_hit
from qa_audit.domain.checks.slots import TITLES, is_name
from qa_audit.domain.checks.windows import between, miss_quality, whole
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import normalise

_ALIKE = 75.0


class CallerNameSpec(Model):
    """Yes when the agent says the caller's name after it was given; no name given: nothing to judge."""

    kind: Literal["caller_name"]
    patterns: Phrases = Field(
        min_length=1, description="How a caller gives a name; the name is its last word."
    )
    not_names: Phrases = Field(default=(), description="What may stand in its place without being a name.")
    within_turns: int = Field(
        default=4, ge=1, description="Names are looked for in the caller's first turns."
    )


class _Given(NamedTuple):
    names: tuple[str, ...]
    since: float
    hit: Hit | None
    clear: bool


def check(spec: CallerNameSpec, context: Context) -> Finding:
    """Find the name the caller gave, then the agent's use of it."""
    heard = context.heard
    given = _given(spec, context)
    if given is None:
        titled = _titled(heard, 0.0)
        if titled is not None:
            return unsure(
                "The agent used a name; the caller giving one was not heard.", cite(heard, titled), "yes"
            )
        return not_applicable("The caller gave no name.")
    after = between(whole(heard.turns_of("agent")), given.since, float("inf"))
    used = [
        make_hit(turn, place, place)
        for turn, low, high in after
        for place in range(low, high + 1)
        if turn.texts[place] in given.names
    ]
    clear = [hit for hit in used if hit.probability >= HIT_PROBABILITY]
    own = (given.hit,) if given.hit else ()
    if clear and given.clear:
        reason = "The agent used the caller's name after it was given."
        return decided("yes", reason, cite(heard, *own, clear[0]), certainty_of(*own, clear[0]))
    perhaps = [*used, *_alike(heard, given)]
    titled = _titled(heard, given.since)
    if titled is not None:
        perhaps.append(titled)
    if perhaps:
        return unsure(
            "Perhaps the agent used the name; it was not heard clearly.", cite(heard, perhaps[0]), "yes"
        )
    quality = miss_quality(heard, "agent", after)
    window = searched_stretches(after)
    if quality.sure and given.clear:
        reason = "The caller gave a name, and the agent never said it."
        return decided("no", reason, cite(heard, *own) + window, miss_certainty(after))
    why = quality.why or "the name was not heard clearly"
    return unsure(f"The agent's use of the caller's name was not found, but {why}.", window, "no")


def _given(spec: CallerNameSpec, context: Context) -> _Given | None:
    """Return the name from the caller's words, else the one on file."""
    heard = context.heard
    phrases = context.phrases(spec.patterns)
    for turn in [t for t in heard.turns_of("customer") if not t.back_channel][: spec.within_turns]:
        hits = [
            hit
            for hit in phrases.find(turn, fuzzy=False)
            if _gives_name(hit) and not _other(hit, spec, context)
        ]
        if hits:
            hit = hits[0]
            last = turn.tokens[hit.last]
            clear = last.probability >= HIT_PROBABILITY and is_name(last.text)
            return _Given(_names_at(hit), hit.end, hit, clear)
    on_file = heard.facts.facts.get("customer_name")
    if isinstance(on_file, str) and (pieces := normalise(on_file.split())):
        names = tuple(p.text for p in pieces if p.text not in TITLES)
        return _Given(names, heard.zero, None, bool(names))
    return None


def _gives_name(hit: Hit) -> bool:
    """Say whether the hit's last word can be a name: after a title anything can."""
    last = hit.turn.tokens[hit.last]
    if hit.last > 0 and hit.turn.texts[hit.last - 1] in TITLES:
        return True
    if not is_name(last.text):
        return False
    if "name" in hit.turn.texts[hit.first : hit.last]:
        return True
    ends = hit.last + 1 >= len(hit.turn.tokens) or bool(last.stop)
    speaks = not ends and hit.turn.texts[hit.last + 1] in ("here", "speaking", "calling")
    return last.name and (ends or speaks)


def _other(hit: Hit, spec: CallerNameSpec, context: Context) -> bool:
    return bool(context.phrases(spec.not_names).find(hit.turn, hit.last, hit.last + 1, fuzzy=False))


def _names_at(hit: Hit) -> tuple[str, ...]:
    """Return the name's words: the hit's last, and a capitalised one right after it."""
    tokens = hit.turn.tokens
    last, after = tokens[hit.last], tokens[hit.last + 1 : hit.last + 2]
    more = after and not last.stop and after[0].name and is_name(after[0].text)
    return (last.text, after[0].text) if more else (last.text,)


def _titled(heard: Heard, since: float) -> Hit | None:
    """Find the agent addressing somebody with a title and a word after it."""
    for turn in heard.turns_of("agent"):
        for place, token in enumerate(turn.tokens[:-1]):
            titled = token.text in ("mr", "mrs", "ms", "miss") and token.start >= since
            if titled and not token.stop and turn.texts[place + 1] != "a":
                return make_hit(turn, place, place + 1)
    return None


def _alike(heard: Heard, given: _Given) -> list[Hit]:
    return [
        make_hit(turn, place, place)
        for turn in heard.turns_of("agent")
        if turn.end >= given.since
        for place, text in enumerate(turn.texts)
        if len(text) > 2 and any(len(n) > 2 and fuzz.ratio(text, n) >= _ALIKE for n in given.names)
    ]
