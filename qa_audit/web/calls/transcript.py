"""A transcript as turns to read, with the words marked that a pre-score cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from qa_audit.domain.findings import CriterionResult, PreScore
from qa_audit.domain.text import MASK
from qa_audit.domain.transcript import Event, EventKind, Layout, Segment, Speaker, Transcript
from qa_audit.web.calls.pages import Piece, Run, SoundLine, Turn
from qa_audit.web.pages import Tone
from qa_audit.web.templating import clock

LABELS: dict[Speaker, str] = {"agent": "Agent", "customer": "Customer", "unknown": "Speaker unknown"}
SOUNDS: dict[EventKind, tuple[str, str]] = {
    "hold_music": ("Music", "Hold music"),
    "ringing": ("Ringing", "Ringing tone"),
    "dtmf": ("Keys", "Telephone keys pressed"),
    "tone": ("Tone", "Signal tone"),
}
"""What is no speech: a label, and the words that its time is put behind."""

WHOSE: dict[Layout, tuple[str, str]] = {
    "stereo-agent-left": (" on the agent's side", " on the customer's side"),
    "stereo-agent-right": (" on the customer's side", " on the agent's side"),
    "stereo-unknown": (" on the left channel", " on the right channel"),
}
MASKED = "number masked"
_NEAR = 0.011
"""Seconds by which stored times may differ from rounding."""
_WEIGHT: dict[Tone, int] = {"bad": 3, "person": 2, "good": 1}


@dataclass(frozen=True)
class Mark:
    """Words that a criterion cites: segment, from and to in seconds, and what they mean for it."""

    segment: int
    start: float
    end: float
    tone: Tone


def marks_of(prescores: Iterable[PreScore]) -> tuple[Mark, ...]:
    """Return the words that pre-scores cite; a line that does not apply marks nothing."""
    return tuple(
        Mark(item.segment, item.start, item.end, tone)
        for prescore in prescores
        for line in prescore.criteria
        if (tone := tone_of(line)) != "plain"
        for item in line.evidence
        if item.kind == "words" and item.segment is not None
    )


def tone_of(line: CriterionResult) -> Tone:
    """Return what a line means: kept its points, lost some, needs a person, or nothing."""
    if line.status == "not_applicable":
        return "plain"
    if line.status != "decided":
        return "person"
    return "good" if line.points == line.possible else "bad"


def turns_of(transcript: Transcript, marks: Sequence[Mark], address: str) -> tuple[Turn, ...]:
    """Return one turn per segment; `address` is the call's page, to link to a moment of it."""
    by_segment: dict[int, list[Mark]] = {}
    for mark in marks:
        by_segment.setdefault(mark.segment, []).append(mark)
    return tuple(
        Turn(
            id=segment.id,
            speaker=segment.speaker,
            label=LABELS[segment.speaker],
            start=segment.start,
            end=segment.end,
            address=f"{address}?t={segment.start:g}#turn-{segment.id}",
            runs=_runs(segment, by_segment.get(segment.id, ())),
        )
        for segment in transcript.segments
    )


def lines_of(transcript: Transcript, marks: Sequence[Mark], address: str) -> tuple[Turn | SoundLine, ...]:
    """Return the turns, and between them what is heard besides speech, in time order."""
    sounds = (_sound_line(event, transcript.layout, address) for event in transcript.events)
    lines: list[Turn | SoundLine] = [*turns_of(transcript, marks, address), *sounds]
    return tuple(sorted(lines, key=lambda line: line.start))


def _sound_line(event: Event, layout: Layout, address: str) -> SoundLine:
    if event.kind == "dead_air":
        label, words = "Silence", f"Nobody speaks for {round(event.end - event.start)} s"
    else:
        label, words = SOUNDS[event.kind]
        whose = "" if event.channel is None else WHOSE.get(layout, ("", ""))[event.channel]
        words = f"{words}{whose}, {clock(event.start)} to {clock(event.end)}"
    return SoundLine(label, words, event.start, event.end, f"{address}?t={event.start:g}")


def without_masks(quote: str) -> str:
    """Return a quote with each stretch of masked words named once."""
    return re.sub(rf"{re.escape(MASK)}(\W*{re.escape(MASK)})*", f"[{MASKED}]", quote)


def _runs(segment: Segment, marks: Sequence[Mark]) -> tuple[Run, ...]:
    """Group a segment's words by their mark, and masked neighbours to one chip."""
    toned = [
        (_tone(word.start, word.end, marks), Piece(word.text.strip(), word.start, word.text.strip() == MASK))
        for word in segment.timed_words()
        if word.text.strip()
    ]
    return tuple(
        Run(tone, tuple(_masks_joined(piece for _, piece in group)))
        for tone, group in groupby(toned, key=lambda pair: pair[0])
    )


def _masks_joined(pieces: Iterable[Piece]) -> Iterable[Piece]:
    for is_mask, group in groupby(pieces, key=lambda piece: piece.is_mask):
        if is_mask:
            yield Piece(MASKED, next(iter(group)).start, is_mask=True)
        else:
            yield from group


def _tone(start: float, end: float, marks: Sequence[Mark]) -> Tone | None:
    tones = [mark.tone for mark in marks if start >= mark.start - _NEAR and end <= mark.end + _NEAR]
    return max(tones, key=lambda tone: _WEIGHT[tone], default=None)
