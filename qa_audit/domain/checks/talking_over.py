"""Talking over the other speaker, for the kind `acoustic`: interruptions that are no sign of listening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from qa_audit.domain.acoustics import Interruption, interruptions
from qa_audit.domain.checks.base import Context, cite, decided, searched, span, unsure
from qa_audit.domain.checks.events import CLOSE_CALL
from qa_audit.domain.checks.heard import BACK_CHANNELS, Heard
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.checks.windows import said_within
from qa_audit.domain.findings import Evidence, Finding
from qa_audit.domain.text import Token, word_set
from qa_audit.domain.transcript import Speaker

if TYPE_CHECKING:
    from qa_audit.domain.checks.acoustic import AcousticSpec

_ECHO_SECONDS = 0.3
_SUBJECTS = word_set("i we you they he she it people who nobody")


def talk_over(spec: AcousticSpec, context: Context) -> Finding:
    """Answer no where the agent talks over the caller more often than is allowed."""
    heard = context.heard
    sure, doubtful = interruptions_by(spec, "agent", context)
    evidence = tuple(span(i.start, i.end, i.overlap, "s", "agent") for i in (*sure, *doubtful))
    if len(sure) > spec.allowed:
        words_said = tuple(item for i in sure for item in _cite_words(heard, i))
        reason = f"The agent talked over the caller {len(sure)} times."
        return decided("no", reason, evidence[: len(sure)] + words_said, "sure")
    if len(sure) + len(doubtful) > spec.allowed:
        return unsure("The agent may have talked over the caller; it is close to the limit.", evidence)
    looked = evidence or searched(0.0, heard.facts.duration)
    count = "never" if not sure else "once" if len(sure) == 1 else f"{len(sure)} times"
    return decided("yes", f"The agent talked over the caller {count}.", looked, "sure")


def interruptions_by(
    spec: AcousticSpec, who: Literal["agent", "customer"], context: Context
) -> tuple[list[Interruption], list[Interruption]]:
    """Return a speaker's interruptions of the other, and those close to the limits.

    Signs of listening are none, nor is interrupting for a good reason, nor what one channel picks up of the
    other.
    """
    heard = context.heard
    other: Speaker = "customer" if who == "agent" else "agent"
    candidates = interruptions(
        heard.speech.get(who, ()),
        heard.speech.get(other, ()),
        spoken=spec.spoken - CLOSE_CALL,
        both=spec.both - CLOSE_CALL,
    )
    sure: list[Interruption] = []
    doubtful: list[Interruption] = []
    for found in candidates:
        words = _spoken(heard, found, who)
        if _listening(words) or _rightly(spec, context, found, who) or _echo(heard, words, other):
            continue
        clear = found.overlap >= spec.both and found.spoken_before >= spec.spoken and len(words) >= spec.words
        (sure if clear else doubtful).append(found)
    return sure, doubtful


def _spoken(heard: Heard, found: Interruption, who: Speaker = "agent") -> tuple[Token, ...]:
    """Return a speaker's words from the moment of interruption to the end of that stretch of speech."""
    end = next((e for s, e in heard.speech.get(who, ()) if s <= found.start + 0.01 < e), found.end)
    return heard.words_between(who, found.start - 0.3, end)


def _listening(words: Sequence[Token]) -> bool:
    return bool(words) and all(token.text in BACK_CHANNELS for token in words)


def _rightly(spec: AcousticSpec, context: Context, found: Interruption, who: Speaker) -> bool:
    """Say whether a speaker interrupted for a good reason, such as stopping a card number."""
    stretches = said_within(context.heard, who, found.start - 0.5, found.end + 5)
    reasons = context.phrases(spec.rightly).find_in(stretches)
    return any(not _of_others(hit) for hit in reasons)


def _of_others(hit: Hit) -> bool:
    """Say whether "never tell …" and the like have a subject, so that they tell something and ask for nothing."""
    before = hit.turn.tokens[hit.first - 1] if hit.first else None
    return before is not None and not before.stop and before.text in _SUBJECTS


def _echo(heard: Heard, words: Sequence[Token], other: Speaker) -> bool:
    """Say whether the words are the other speaker's, picked up on the other channel."""
    if not words:
        return False
    theirs = heard.words_between(other, words[0].start - 1, words[-1].end + 1)
    same = sum(
        any(t.text == token.text and abs(t.start - token.start) <= _ECHO_SECONDS for t in theirs)
        for token in words
    )
    return same >= 0.7 * len(words)


def _cite_words(heard: Heard, found: Interruption) -> tuple[Evidence, ...]:
    words = _spoken(heard, found)
    turns = {t.index: t for t in heard.turns_of("agent") if words and t.start <= words[0].start <= t.end}
    for turn in turns.values():
        places = [p for p, token in enumerate(turn.tokens) if found.start - 0.3 <= token.start <= found.end]
        if places:
            return cite(heard, Hit(turn, places[0], places[-1], 100.0, 1.0, 1.0))
    return ()
