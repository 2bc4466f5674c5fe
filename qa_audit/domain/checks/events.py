"""What happens on a call: holds, silences, a late start, an early end."""

from __future__ import annotations

from typing import Literal, NamedTuple

from qa_audit.domain.acoustics import DEAD_AIR, announced, merge, silences
from qa_audit.domain.call import Span
from qa_audit.domain.checks.heard import Heard, Turn
from qa_audit.domain.findings import Evidence
from qa_audit.domain.text import word_set

Event = Literal[
    "started_late",
    "transferred_in",
    "outbound",
    "caller_first",
    "ended_early",
    "transferred",
    "hold",
    "dead_air",
]

CLOSE_CALL = 0.25
"""A measured length within this many seconds of its limit is unsure."""
_SAME_HOLD = 3.0
_GREETINGS = word_set("hello hi hey yes is anyone anybody there good morning afternoon evening speaking")
_FAREWELLS = word_set(
    """
    bye goodbye thank thanks you so much very okay great good perfect have a nice day too and no that is
    all right yes lovely cheers alright all the best evening same to likewise er um dear ta love now then
    """
)
_PARTING = ("bye", "goodbye", "take care", "have a", "all the best", "thank you for", "thanks for")
_PARTING_WORDS = 20
_OPENING_WORDS = 4
_OPENINGS = word_set("hello hi hey morning afternoon evening")
_SUBSTANCE = 4
_AT_ONCE = 1.0


class Holding(NamedTuple):
    """Whether a condition holds (None: perhaps), why in words, and what shows it."""

    holds: bool | None
    why: str = ""
    evidence: tuple[Evidence, ...] = ()


def holds_of(heard: Heard) -> list[Span]:
    """Return the holds: music on hold, and long silences that the agent announced."""
    music = [(event.start, event.end) for event in heard.transcript.events if event.kind == "hold_music"]
    waits = [gap for gap in silences_of(heard) if announced(heard.transcript, gap[0])]
    return merge([*music, *waits], _SAME_HOLD)


def silences_of(heard: Heard) -> list[Span]:
    """Return the stretches of eight seconds and more in which nobody speaks."""
    return silences(heard.speech, DEAD_AIR)


def moments(event: Event, heard: Heard) -> tuple[list[Span], bool]:
    """Return when an event happened (seconds), and whether that is in doubt."""
    found = happened(event, heard)
    if found.holds is False:
        return [], False
    if event in ("hold", "dead_air"):
        return [(item.start, item.end) for item in found.evidence], False
    if event in ("ended_early", "transferred"):
        end = max((turn.end for turn in heard.turns), default=0.0)
        return [(end, end)], found.holds is None
    if event == "caller_first":
        turn = next((turn for turn in heard.turns_of("customer") if _substance(turn)), None)
        return ([(turn.start, turn.end)] if turn else []), found.holds is None
    return [(0.0, 0.0)], found.holds is None


def same(value: object, wanted: object) -> bool:
    """Compare a fact with what is wanted; facts may arrive as text ("true", "yes", "1")."""
    if isinstance(wanted, bool):
        truth = str(value).strip().lower() in ("true", "yes", "1") if value is not None else False
        return value is not None and truth == wanted
    return value is not None and str(value).strip().lower() == str(wanted).strip().lower()


def happened(event: Event, heard: Heard) -> Holding:
    """Say whether something happened on a call."""
    if event in ("hold", "dead_air"):
        spans = holds_of(heard) if event == "hold" else silences_of(heard)
        shown = tuple(
            Evidence(kind="span", start=round(a, 3), end=round(b, 3), value=round(b - a, 2), unit="s")
            for a, b in spans
        )
        return Holding(bool(spans), "There was a hold." if event == "hold" else "There was a silence.", shown)
    if event == "outbound":
        return Holding(heard.facts.direction == "outbound", "The agent placed this call.")
    if event in ("transferred", "transferred_in"):
        moved = same(heard.facts.facts.get(event), True)
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
    if same(heard.facts.facts.get("transferred_in"), True):
        return Holding(True, "The call was transferred in.")
    agent = heard.turns_of("agent")
    caller = next((turn for turn in heard.turns_of("customer") if _substance(turn)), None)
    if not agent:
        return Holding(False)
    first_words = heard.turns[0].texts[:_OPENING_WORDS] if heard.turns else ()
    if _OPENINGS & set(first_words):
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
    if same(heard.facts.facts.get("transferred"), True):
        return Holding(True, "The call was transferred.")
    if "truncated" in heard.facts.warnings:
        return Holding(True, "The recording is cut.")
    caller = heard.tokens.get("customer", ())
    agent = heard.tokens.get("agent", ())
    if not caller or (agent and agent[-1].end >= caller[-1].start):
        return Holding(False)
    last = heard.turns_of("customer")[-1]
    if all(text in _FAREWELLS for text in last.texts) or _said_goodbye(heard):
        return Holding(False)
    if heard.speech_seconds("agent", caller[-1].end + 0.3, float("inf")) >= 0.4:
        return Holding(None, "The agent's last words were not understood.")
    return Holding(True, "The call ended with the caller speaking.")


def _said_goodbye(heard: Heard) -> bool:
    """Say whether the agent took leave in the last turn of more than a back-channel."""
    turns = [turn for turn in heard.turns_of("agent") if not turn.back_channel]
    words = f" {' '.join(turns[-1].texts[-_PARTING_WORDS:])} " if len(turns) > 1 else ""
    return any(f" {parting} " in words for parting in _PARTING)
