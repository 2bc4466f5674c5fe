"""Kind `caller_name`: the agent uses the name that the caller gave."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
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
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.checks.misses import miss_quality_beside_overlaps
from qa_audit.domain.checks.model import Model, Phrases
from qa_audit.domain.checks.phrases import HIT_PROBABILITY, Hit, PhraseSet, make_hit
from qa_audit.domain.checks.slots import TITLES, is_name
from qa_audit.domain.checks.windows import Stretch, said_within, whole_of
from qa_audit.domain.findings import Finding
from qa_audit.domain.text import normalise, word_set

_ALIKE = 75.0
_MOST_WORDS = 3
_ADDRESSES = word_set("mr mrs ms miss")
_SET_OFF_SENTENCES = 4
_AFTER_NAME = word_set("here speaking calling ringing phoning again")
_BEFORE_NAME = word_set(
    "yes yeah yep sure it is of course hi hello hey good morning afternoon evening there thanks thank you "
    "okay um uh er well oh my name this i am and"
)
_NO_NAMES = word_set(
    """
    oh god gosh lord morning afternoon evening excellent brilliant lovely cheers sorry really exactly
    absolutely unbelievable ridiculous cancel cancelled wow jesus christ hey bloody hell dear
    """
)
"""Words that may begin a sentence with a capital and are no name either."""


class CallerNameSpec(Model):
    """Yes when the agent says the caller's name after it was given; no name given: nothing to judge."""

    kind: Literal["caller_name"]
    patterns: Phrases = Field(
        min_length=1,
        description="How a caller gives a name; the name is the last word, or stands right before 'here'.",
    )
    asked: Phrases = Field(
        default=(), description="How the agent asks for it; the caller may then answer with the name alone."
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
    after = said_within(heard, "agent", given.since, float("inf"))
    used = _said(frozenset(given.names), after)
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
    quality = miss_quality_beside_overlaps(heard, "agent", after)
    window = searched_stretches(after)
    if quality.sure and given.clear:
        reason = "The caller gave a name, and the agent never said it."
        return decided("no", reason, cite(heard, *own) + window, miss_certainty(after))
    why = quality.why or "the name was not heard clearly"
    return unsure(f"The agent's use of the caller's name was not found, but {why}.", window, "no")


def _said(words: AbstractSet[str], stretches: Iterable[Stretch]) -> list[Hit]:
    """Return each place where one of these words is said."""
    return [
        make_hit(turn, place, place)
        for turn, low, high in stretches
        if not words.isdisjoint(turn.texts)
        for place in range(low, high + 1)
        if turn.texts[place] in words
    ]


def _given(spec: CallerNameSpec, context: Context) -> _Given | None:
    """Return the name from the caller's words, else the one on file."""
    heard = context.heard
    found: list[Hit] = []
    speaking = [turn for turn in heard.turns_of("customer") if not turn.back_channel]
    for number, turn in enumerate(speaking[: spec.within_turns]):
        found.extend(_by_pattern(turn, spec, context, first=number == 0))
        found.extend(_answered(turn, spec, context))
        if number == 0:
            found.extend(_set_off(turn, spec, context))
    if found:
        first = min(found, key=lambda hit: hit.start)
        names = tuple(dict.fromkeys(text for hit in found for text in _texts(hit)))
        clear = any(hit.weakest >= HIT_PROBABILITY for hit in found)
        return _Given(names, first.end, first, clear)
    on_file = heard.facts.facts.get("customer_name")
    if isinstance(on_file, str) and (pieces := normalise(on_file.split())):
        names = tuple(p.text for p in pieces if p.text not in TITLES)
        return _Given(names, heard.zero, None, bool(names))
    return None


def _texts(hit: Hit) -> tuple[str, ...]:
    return hit.turn.texts[hit.first : hit.last + 1]


def _by_pattern(turn: Turn, spec: CallerNameSpec, context: Context, *, first: bool) -> list[Hit]:
    """Return the names that the patterns lead to."""
    found = []
    not_names = context.phrases(spec.not_names)
    for hit in context.phrases(spec.patterns).find(turn, fuzzy=False):
        place = hit.last
        while place > hit.first and turn.texts[place] in _AFTER_NAME:
            place -= 1
        if _gives_name(hit, place, first=first) and not _other(not_names, turn, place):
            found.append(_whole_name(turn, place))
    return found


def _gives_name(hit: Hit, place: int, *, first: bool) -> bool:
    """Say whether the word at `place` can be a name: after a title or 'name is' nearly anything can.

    Elsewhere it must be written like a name, and two words must be, or the name must stand alone.
    """
    turn = hit.turn
    token = turn.tokens[place]
    if place > 0 and turn.texts[place - 1] in TITLES:
        return True
    if not is_name(token.text):
        return False
    if "name" in turn.texts[hit.first : place]:
        return True
    if not token.name:
        return False
    if _whole_name(turn, place).last > place:
        return True
    ends = place + 1 >= len(turn.tokens) or bool(token.stop)
    speaks = not ends and turn.texts[place + 1] in _AFTER_NAME
    vague = turn.texts[hit.first : place] in (("it", "is"), ("i", "am"))
    opens = first and all(text in _BEFORE_NAME for text in turn.texts[: hit.first])
    return speaks or (ends and (opens or not vague))


def _whole_name(turn: Turn, place: int) -> Hit:
    """Return the name that begins at `place`: its word, and capitalised ones right after it."""
    last = place
    while (
        last + 1 < len(turn.tokens)
        and last - place + 1 < _MOST_WORDS
        and not turn.tokens[last].stop
        and turn.tokens[last + 1].name
        and is_name(turn.texts[last + 1])
    ):
        last += 1
    return make_hit(turn, place, last)


def _answered(turn: Turn, spec: CallerNameSpec, context: Context) -> list[Hit]:
    """Return the name with which the caller answers a request for it."""
    heard = context.heard
    asked = context.phrases(spec.asked)
    if not any(asked.find(before, fuzzy=False) for before in heard.last_before(turn, "agent")):
        return []
    not_names = context.phrases(spec.not_names)
    place = 0
    while place < len(turn.tokens) and turn.texts[place] in (_BEFORE_NAME | TITLES):
        place += 1
    if place >= len(turn.tokens) or not _can_be_name(turn, place) or _other(not_names, turn, place):
        return []
    hit = _whole_name(turn, place)
    ends = hit.last + 1 >= len(turn.tokens) or bool(turn.tokens[hit.last].stop)
    return [hit] if ends or hit.last > place else []


def _set_off(turn: Turn, spec: CallerNameSpec, context: Context) -> list[Hit]:
    """Return a name that is a sentence of its own near the beginning of a turn: "Morning. Anna Kowal." """
    not_names = context.phrases(spec.not_names)
    place = 0
    for _ in range(_SET_OFF_SENTENCES):
        if place >= len(turn.tokens):
            break
        _, last = turn.sentence_range(place)
        end = next((at for at in range(place, last) if turn.tokens[at].stop), last)
        named = all(turn.tokens[at].name and _can_be_name(turn, at) for at in range(place, end + 1))
        closed = turn.tokens[end].stop in (".", ",") or end == len(turn.tokens) - 1
        whole_name = named and closed and 1 < end - place + 1 <= _MOST_WORDS
        if whole_name and not any(_other(not_names, turn, at) for at in range(place, end + 1)):
            return [make_hit(turn, place, end)]
        place = last + 1
    return []


def _can_be_name(turn: Turn, place: int) -> bool:
    return is_name(turn.texts[place]) and turn.texts[place] not in _NO_NAMES


def _other(not_names: PhraseSet, turn: Turn, place: int) -> bool:
    return any(hit.first == place for hit in not_names.find(turn, place, place + 1, fuzzy=False))


def _titled(heard: Heard, since: float) -> Hit | None:
    """Find the agent addressing somebody with a title and a word after it."""
    for hit in _said(_ADDRESSES, whole_of(heard, "agent")):
        turn, place = hit.turn, hit.first
        token, last = turn.tokens[place], len(turn.tokens) - 1
        if place < last and token.start >= since and not token.stop and turn.texts[place + 1] != "a":
            return make_hit(turn, place, place + 1)
    return None


def _alike(heard: Heard, given: _Given) -> list[Hit]:
    """Return each place from the caller's name on where the agent said something like it."""
    agent = heard.said.get("agent")
    names = [name for name in given.names if len(name) > 2]
    close = {
        text
        for text in (agent.places if agent and agent.turns else ())
        if len(text) > 2 and any(fuzz.ratio(text, name) >= _ALIKE for name in names)
    }
    later = [stretch for stretch in whole_of(heard, "agent") if stretch.turn.end >= given.since]
    return _said(close, later)
