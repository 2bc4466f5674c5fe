"""Measure a call from its stretches of speech: silence, overlap, interruptions, talk share, speed.

Everything here works on spans of speech in seconds; where a recording was not measured, the spans are made
from the times of the words. Silence before the first and after the last speech is not part of a call.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qa_audit.domain.call import Call, Span
from qa_audit.domain.text import word_set
from qa_audit.domain.transcript import Speaker, Transcript, Word

DEAD_AIR = 8.0
"""Seconds without speech on both channels from which a silence counts as dead air."""
_WORD_GAP = 0.5
_BLIP = 0.25
_BREATH = 0.4
_HOLD_WORDS = word_set("hold wait waiting moment second minute look check")
_HOLD_WITHIN = 10.0


@dataclass(frozen=True)
class Interruption:
    """One speaker starts while the other speaks; `overlap` is how long both then go on (seconds)."""

    start: float
    end: float
    overlap: float
    spoken_before: float


@dataclass(frozen=True)
class Acoustics:
    """What was measured of a call; seconds, shares between 0 and 1, words per minute of own speech.

    `talk_share` is each speaker's speech by the call's length, so overlap counts twice and shares may pass 1
    together. None means that it cannot be measured: speakers unknown or only one channel.
    """

    speech_seconds: float
    talk_share: Mapping[Speaker, float]
    words_per_minute: Mapping[Speaker, float]
    dead_air: tuple[Span, ...]
    longest_silence: float
    hold_seconds: float
    overtalk_seconds: float | None
    agent_interruptions: int | None


def speech_of(call: Call) -> dict[Speaker, tuple[Span, ...]]:
    """Return each speaker's stretches of speech: the measured ones, else made from the words."""
    if call.facts.speech:
        return {speaker: tuple(merge(spans)) for speaker, spans in call.facts.speech.items()}
    return speech_from_words(call.transcript)


def speech_from_words(transcript: Transcript) -> dict[Speaker, tuple[Span, ...]]:
    """Make stretches of speech from the times of words, joining pauses shorter than half a second."""
    spans: dict[Speaker, list[Span]] = {}
    for segment in transcript.segments:
        own = [(word.start, max(word.start, word.end)) for word in segment.timed_words()]
        spans.setdefault(segment.speaker, []).extend(own)
    return {speaker: tuple(merge(own, _WORD_GAP)) for speaker, own in spans.items()}


def merge(spans: Iterable[Span], gap: float = 0.0) -> list[Span]:
    """Join spans that overlap or lie at most `gap` seconds apart; the answer is in time order."""
    return merge_in_time(sorted(spans), gap)


def merge_in_time(spans: Iterable[Span], gap: float = 0.0) -> list[Span]:
    """Join spans like `merge`; they must be in the order in which they begin."""
    in_time = iter(spans)
    first = next(in_time, None)
    if first is None:
        return []
    merged: list[Span] = []
    begun, until = first
    for start, end in in_time:
        if start - until > gap:
            merged.append((begun, until))
            begun, until = start, end
        elif end > until:
            until = end
    merged.append((begun, until))
    return merged


def overlaps(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Return where both of two merged lists of spans have speech."""
    found: list[Span] = []
    first = second = 0
    while first < len(one) and second < len(other):
        start = max(one[first][0], other[second][0])
        end = min(one[first][1], other[second][1])
        if end > start:
            found.append((start, end))
        if one[first][1] <= other[second][1]:
            first += 1
        else:
            second += 1
    return found


def silences(speech: Mapping[Speaker, Sequence[Span]], minimum: float = DEAD_AIR) -> list[Span]:
    """Return stretches of at least `minimum` seconds in which nobody speaks, between first and last speech.

    A blip of under a quarter second does not end a silence.
    """
    together = [
        span for span in merge(s for spans in speech.values() for s in spans) if span[1] - span[0] >= _BLIP
    ]
    return [
        (before[1], after[0])
        for before, after in itertools.pairwise(together)
        if after[0] - before[1] >= minimum
    ]


def interruptions(
    by: Sequence[Span], of: Sequence[Span], *, spoken: float = 1.0, both: float = 1.5
) -> list[Interruption]:
    """Find where one speaker starts while the other has been speaking.

    Counted when the other had spoken for `spoken` seconds and both then go on for `both` seconds or more.
    Pauses of breath do not end a stretch. What was said is for the caller of this function to judge: a
    back-channel is no interruption.
    """
    found = []
    by, of = merge(by, _BREATH), merge(of, _BREATH)
    starts = [start for start, _ in of]
    for start, end in by:
        place = bisect_right(starts, start) - 1
        if place < 0 or of[place][1] <= start:
            continue
        before = start - of[place][0]
        overlap = min(end, of[place][1]) - start
        if before >= spoken and overlap >= both:
            found.append(Interruption(start, start + overlap, overlap, before))
    return found


def measure(call: Call) -> Acoustics:
    """Measure a call for the facts shown beside its answers; none of these are scored."""
    speech = speech_of(call)
    together = merge(span for spans in speech.values() for span in spans)
    duration = max(call.facts.duration, call.transcript.duration, 0.001)
    gaps = silences(speech, 0.0)
    dead = tuple(gap for gap in gaps if gap[1] - gap[0] >= DEAD_AIR)
    agent, customer = speech.get("agent", ()), speech.get("customer", ())
    apart = call.transcript.layout in ("stereo-agent-left", "stereo-agent-right")
    return Acoustics(
        speech_seconds=_seconds(together),
        talk_share={speaker: _seconds(spans) / duration for speaker, spans in speech.items()},
        words_per_minute=_speeds(call.transcript, speech),
        dead_air=dead,
        longest_silence=max((end - start for start, end in gaps), default=0.0),
        hold_seconds=sum(end - start for start, end in dead if announced(call.transcript, start)),
        overtalk_seconds=_seconds(overlaps(agent, customer)) if apart else None,
        agent_interruptions=len(interruptions(agent, customer)) if apart else None,
    )


def total_speech(speech: Mapping[Speaker, Sequence[Span]]) -> float:
    """Return the seconds in which anybody speaks."""
    return _seconds(merge(span for spans in speech.values() for span in spans))


def _seconds(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


def _speeds(transcript: Transcript, speech: Mapping[Speaker, Sequence[Span]]) -> dict[Speaker, float]:
    words: dict[Speaker, int] = {}
    for segment in transcript.segments:
        words[segment.speaker] = words.get(segment.speaker, 0) + len(segment.timed_words())
    return {
        speaker: count * 60 / seconds
        for speaker, count in words.items()
        if (seconds := _seconds(speech.get(speaker, ()))) >= 1
    }


def announced(transcript: Transcript, start: float) -> bool:
    """Say whether the agent spoke of waiting in the seconds before a silence."""
    return any(
        _plain(word) in _HOLD_WORDS
        for segment in transcript.segments
        if segment.speaker == "agent" and segment.end >= start - _HOLD_WITHIN and segment.start <= start
        for word in segment.timed_words()
        if start - _HOLD_WITHIN <= word.end <= start + 1
    )


def _plain(word: Word) -> str:
    return word.text.strip(".,;:!? ").lower()
