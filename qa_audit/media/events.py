"""Name what sounds without being speech: music on hold, ringing, keys pressed, signal tones; and dead air."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qa_audit.domain.acoustics import DEAD_AIR, merge, silences
from qa_audit.domain.transcript import Event, EventKind
from qa_audit.media.protocol import Span
from qa_audit.media.tones import FRAMES_PER_SECOND, PURE, Tones
from qa_audit.media.vad import Listened

Marks = NDArray[np.bool_]

FAINT_DB = -60.0
"""Tones below this level (dBFS) are hum and crosstalk, nothing that a caller listens to."""

STEADY = 0.5
"""A frame is tonal when this share of its power stays on its frequencies."""

MUSIC_SECONDS = 5.0
MUSIC_GAP = 2.0
"""Seconds: pauses and drum beats in music are shorter."""

MUSIC_SHARE = 0.5
"""This share of the frames of a piece of music is tonal."""

NOTES = 3
NOTE_SHARE = 0.06
"""Music has at least so many different notes, each with this share of the strongest partials; a signal none."""

RINGING_HERTZ = (370.0, 510.0)
RINGING_BURST = (0.25, 2.6)
RINGING_GAP = 5.0
"""Ringing tones of the world: one or two frequencies in this range (Hz), on and off for so long (seconds)."""

RINGING_PAUSE = 1.0
"""Seconds: somewhere in ringing there is a pause of this length; the busy tone has none."""

RINGING_SECONDS = 3.0

TONE_SECONDS = 2.0
TONE_DB = -45.0

KEY_GAP = 3.0
KEY_FRAMES = 2

SAME_SHARE = 0.8
"""Events of one kind on two channels that share this much of their time are one event."""


def events_of(channels: Sequence[Listened | None], seconds: float) -> tuple[Event, ...]:
    """Return the events of a recording in time order; a silent channel is None."""
    found = [
        _event(kind, span, seconds, number)
        for number, channel in enumerate(channels)
        if channel is not None
        for kind, span in sounds(channel.tones, channel.speech)
    ]
    heard = [channel for channel in channels if channel is not None]
    speech = {"unknown": [span for channel in heard for span in channel.speech]}
    sounding = merge((event.start, event.end) for event in found)
    quiet = [
        part
        for silence in silences(speech)  # type: ignore[arg-type]
        for part in _without(silence, sounding)
        if part[1] - part[0] >= DEAD_AIR
    ]
    events = [*_joined(found, len(channels)), *(_event("dead_air", span, seconds, None) for span in quiet)]
    return tuple(sorted(events, key=lambda event: (event.start, event.end, event.kind)))


def sounds(tones: Tones, speech: Sequence[Span]) -> Iterator[tuple[EventKind, Span]]:
    """Yield each sound of a channel with its kind, in no order; nothing within its speech."""
    loud = tones.power >= 10 ** (FAINT_DB / 10)
    free = loud & ~_marked(speech, len(loud))
    keys = free & tones.keys()
    pressed = merge((span for span in _spans(keys) if _frames(span) >= KEY_FRAMES), KEY_GAP)
    yield from (("dtmf", span) for span in pressed)
    tonal = free & (tones.steady >= STEADY) & ~_marked(pressed, len(loud))
    pure = tonal & (tones.pair >= PURE)
    ringing = list(_ringing(pure & _rings(tones)))
    yield from (("ringing", span) for span in ringing)
    rest = tonal & ~_marked(ringing, len(loud))
    for start, end in merge(_spans(rest), MUSIC_GAP):
        for part in _without((start, end), merge(speech)):
            kind = _music_or_tone(tones, rest, pure, part)
            if kind:
                yield kind, part


def _music_or_tone(tones: Tones, tonal: Marks, pure: Marks, span: Span) -> EventKind | None:
    frames = slice(_frame(span[0]), _frame(span[1]))
    count = int(tonal[frames].sum())
    if not count:
        return None
    notes = _notes(tones, tonal, frames)
    if span[1] - span[0] >= MUSIC_SECONDS and tonal[frames].mean() >= MUSIC_SHARE and notes >= NOTES:
        return "hold_music"
    loud = float(tones.power[frames][tonal[frames]].mean()) >= 10 ** (TONE_DB / 10)
    if loud and notes < NOTES and pure[frames].sum() >= PURE * count and count >= _frame(TONE_SECONDS):
        return "tone"
    return None


def _notes(tones: Tones, tonal: Marks, frames: slice) -> int:
    """Count the different notes among the strongest partials, to the semitone."""
    chosen = tonal[frames]
    hertz = np.concatenate([tones.first[frames][chosen], tones.second[frames][chosen]])
    semitones = np.round(12 * np.log2(hertz[hertz > 0] / 440)).astype(int)
    if not len(semitones):
        return 0
    _, counts = np.unique(semitones, return_counts=True)
    return int((counts >= NOTE_SHARE * len(semitones)).sum())


def _rings(tones: Tones) -> Marks:
    low, high = RINGING_HERTZ
    first = (tones.first >= low) & (tones.first <= high)
    second = (tones.second == 0) | ((tones.second >= low) & (tones.second <= high))
    found: Marks = first & (second | (tones.second > 2 * high)) & (tones.pair >= PURE)
    return found


def _ringing(marks: Marks) -> Iterator[Span]:
    """Yield the rows of at least two bursts with pauses between them."""
    bursts = [
        span for span in merge(_spans(marks), 0.1) if RINGING_BURST[0] <= _length(span) <= RINGING_BURST[1]
    ]
    row: list[Span] = []
    for burst in [*bursts, (np.inf, np.inf)]:
        if row and burst[0] - row[-1][1] > RINGING_GAP:
            pauses = [after[0] - before[1] for before, after in pairwise(row)]
            if row[-1][1] - row[0][0] >= RINGING_SECONDS and max(pauses, default=0.0) >= RINGING_PAUSE:
                yield row[0][0], row[-1][1]
            row = []
        row.append(burst)


def _joined(events: Iterable[Event], channels: int) -> Iterator[Event]:
    """Yield the events, those that sound on both channels at once as one without a channel."""
    rest = list(events)
    while rest:
        event = rest.pop(0)
        twin = next((other for other in rest if _is_same(event, other)), None)
        if twin is not None:
            rest.remove(twin)
            both = {"start": min(event.start, twin.start), "end": max(event.end, twin.end), "channel": None}
            event = event.model_copy(update=both)
        elif channels == 1:
            event = event.model_copy(update={"channel": None})
        yield event


def _is_same(one: Event, other: Event) -> bool:
    if one.kind != other.kind or one.channel == other.channel:
        return False
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared >= SAME_SHARE * max(one.end - one.start, other.end - other.start)


def _event(kind: EventKind, span: Span, seconds: float, channel: int | None) -> Event:
    start, end = (round(min(max(0.0, float(at)), seconds), 2) for at in span)
    return Event(kind=kind, start=start, end=end, channel=channel)


def _without(span: Span, others: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a span that lie in none of the others, which are merged."""
    start, end = span
    for a, b in others:
        if b <= start or a >= end:
            continue
        if a > start:
            yield start, a
        start = max(start, b)
    if start < end:
        yield start, end


def _spans(marks: Marks) -> list[Span]:
    """Return the stretches of marked frames, in seconds."""
    edges = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0)) / FRAMES_PER_SECOND
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _marked(spans: Iterable[Span], frames: int) -> Marks:
    marks = np.zeros(frames, bool)
    for start, end in spans:
        marks[_frame(start) : _frame(end)] = True
    return marks


def _frame(seconds: float) -> int:
    return round(seconds * FRAMES_PER_SECOND)


def _frames(span: Span) -> int:
    return _frame(span[1]) - _frame(span[0])


def _length(span: Span) -> float:
    return span[1] - span[0]
