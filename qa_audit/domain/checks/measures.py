"""What the kind `acoustic` measures as a number, with the spans that show it and how exact it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_audit.domain.acoustics import merge, overlaps, silences
from qa_audit.domain.call import Span
from qa_audit.domain.checks.base import Context, span
from qa_audit.domain.checks.events import CLOSE_CALL, holds_of
from qa_audit.domain.checks.heard import Turn
from qa_audit.domain.checks.talking_over import interruptions_by
from qa_audit.domain.checks.windows import MISS_PROBABILITY, poorly_heard
from qa_audit.domain.findings import Evidence
from qa_audit.domain.transcript import Speaker

if TYPE_CHECKING:
    from qa_audit.domain.checks.acoustic import AcousticSpec

_MOST_SHOWN = 10
_LEAST_SPEECH = 10.0
"""Seconds of a speaker's own speech below which no speed is told."""
_SPEED_ERROR = 0.03
_SHARE_ERROR = 0.5
_SAME_TALK = 4.0
"""A silence of so many seconds ends a monologue."""
_UNHEARD = 0.6


@dataclass(frozen=True)
class Measured:
    """A number with its unit and the bounds it surely lies between, spans that show it, and any doubt."""

    value: float
    low: float
    high: float
    unit: str
    evidence: tuple[Evidence, ...] = ()
    doubt: str = ""

    @property
    def words(self) -> str:
        """The number with its unit, as reasons tell it."""
        if self.unit == "times":
            return "once" if self.value == 1 else f"{self.value:g} times"
        return f"{self.value:.{0 if self.value >= 100 else 1}f} {self.unit}"


_Result = Measured | str
"""A measure, or why there is none."""


def _lengths(spec: AcousticSpec, spans: Sequence[Span]) -> Measured:
    """Take of stretches what is asked for: the longest (seconds), how many, or all together (seconds)."""
    lengths = [end - start for start, end in spans]
    shown = sorted(spans, key=lambda one: one[0] - one[1])[:_MOST_SHOWN]
    evidence = tuple(span(start, end, end - start, "s") for start, end in sorted(shown))
    if spec.take == "count":
        return Measured(len(spans), len(spans), len(spans), "times", evidence)
    value, error = max(lengths, default=0.0), CLOSE_CALL
    if spec.take == "total":
        value, error = sum(lengths), CLOSE_CALL * len(lengths)
    elif spans:
        start, end = max(spans, key=lambda one: one[1] - one[0])
        evidence = (span(start, end, value, "s"),)
    return Measured(value, max(0.0, value - error), value + (error if spans else 0.0), "s", evidence)


def _hold(spec: AcousticSpec, context: Context) -> _Result:
    return _lengths(spec, holds_of(context.heard))


def _silence(spec: AcousticSpec, context: Context) -> _Result:
    return _lengths(spec, silences(context.heard.speech, spec.seconds))


def _interruptions(spec: AcousticSpec, context: Context) -> _Result:
    sure, doubtful = interruptions_by(spec, spec.by, context)
    shown = sorted([*sure, *doubtful], key=lambda one: one.start)[:_MOST_SHOWN]
    evidence = tuple(span(one.start, one.end, one.overlap, "s", spec.by) for one in shown)
    return Measured(len(sure), len(sure), len(sure) + len(doubtful), "times", evidence)


def _overtalk(spec: AcousticSpec, context: Context) -> _Result:
    """Measure where both speak, without turns that are only a sign of listening."""
    heard = context.heard
    sides = {}
    for who in ("agent", "customer"):
        listening = merge(
            (turn.start - 0.1, turn.end + 0.1) for turn in heard.turns_of(who) if turn.back_channel
        )
        sides[who] = [part for part in heard.speech.get(who, ()) if not _inside(part, listening)]
    both = overlaps(merge(sides["agent"]), merge(sides["customer"]))
    seconds = sum(end - start for start, end in both)
    longest = sorted(both, key=lambda one: one[0] - one[1])[:_MOST_SHOWN]
    evidence = tuple(span(start, end, end - start, "s") for start, end in sorted(longest))
    if spec.take == "share":
        duration = max(heard.facts.duration, heard.transcript.duration, 0.001)
        share = 100.0 * seconds / duration
        return Measured(share, max(0.0, share - _SHARE_ERROR), share + _SHARE_ERROR, "%", evidence)
    return Measured(seconds, max(0.0, seconds - CLOSE_CALL), seconds + CLOSE_CALL, "s", evidence)


def _inside(part: Span, spans: Sequence[Span]) -> bool:
    return any(start <= part[0] and part[1] <= end for start, end in spans)


def _talk_share(spec: AcousticSpec, context: Context) -> _Result:
    """Measure a speaker's speech by that of both (percent): silence and hold count on neither side."""
    speech = context.heard.speech
    own, both = _seconds(speech.get(spec.by, ())), sum(_seconds(speech.get(w, ())) for w in _ROLES)
    if both < _LEAST_SPEECH:
        return "There is too little speech to tell who talks how much."
    share = 100.0 * own / both
    evidence = (span(*_reach(speech[spec.by]), share, "%", spec.by),) if own else ()
    return Measured(share, max(0.0, share - _SHARE_ERROR), min(100.0, share + _SHARE_ERROR), "%", evidence)


def _speed(spec: AcousticSpec, context: Context) -> _Result:
    """Measure a speaker's words by the minutes of that speaker's own speech."""
    heard = context.heard
    spans = heard.speech.get(spec.by, ())
    seconds = _seconds(spans)
    if seconds < _LEAST_SPEECH:
        return "There is too little speech of this speaker to tell a speed."
    words = sum(token.last - token.first + 1 for token in heard.tokens.get(spec.by, ()))
    speed = 60.0 * words / seconds
    doubt = "the words of this call were not heard well enough" if poorly_heard(heard) else ""
    error = _SPEED_ERROR * speed
    evidence = (span(*_reach(spans), speed, "words a minute", spec.by),)
    return Measured(speed, speed - error, speed + error, "words a minute", evidence, doubt)


def _monologue(spec: AcousticSpec, context: Context) -> _Result:
    """Measure how long a speaker talks while the other says no more than a sign of listening."""
    heard = context.heard
    runs: list[list[Turn]] = []
    alone = False
    for turn in heard.turns:
        if turn.back_channel and turn.speaker != spec.by:
            continue
        if turn.speaker != spec.by:
            alone = False
        elif alone and turn.start - runs[-1][-1].end < _SAME_TALK:
            runs[-1].append(turn)
        else:
            runs.append([turn])
            alone = True
    if not runs:
        return "No words of this speaker were recognised."
    best = max(runs, key=lambda run: run[-1].end - run[0].start)
    start, end = best[0].start, best[-1].end
    other: Speaker = "customer" if spec.by == "agent" else "agent"
    doubt = "the other speaker may have said something in it" if _unheard(context, other, start, end) else ""
    length = end - start
    evidence = (span(start, end, length, "s", spec.by),)
    return Measured(length, max(0.0, length - CLOSE_CALL), length + CLOSE_CALL, "s", evidence, doubt)


def _unheard(context: Context, other: Speaker, start: float, end: float) -> bool:
    """Say whether the other speaker's speech in a stretch has no words, or only poorly heard ones."""
    heard = context.heard
    spoken = heard.speech_seconds(other, start, end)
    words = heard.words_between(other, start, end)
    lasting = sum(word.end - word.start for word in words if word.probability >= MISS_PROBABILITY)
    return heard.measured and spoken - lasting > max(_UNHEARD, 0.5 * spoken)


_ROLES: tuple[Speaker, ...] = ("agent", "customer")


def _seconds(spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in spans)


def _reach(spans: Sequence[Span]) -> Span:
    return spans[0][0], spans[-1][1]


MEASURES: Mapping[str, Callable[[AcousticSpec, Context], _Result]] = {
    "dead_air": _silence,
    "talk_over": _interruptions,
    "hold": _hold,
    "interruptions": _interruptions,
    "overtalk": _overtalk,
    "talk_share": _talk_share,
    "speed": _speed,
    "monologue": _monologue,
}
"""Each measure by its name."""
