"""The clip of a moment: what to play of a recording so that one hears what was answered, with its words."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from qa_audit.domain.transcript import Segment, Speaker

MOST_BEFORE = 20.0
"""Seconds before a moment at which its clip begins at most, unless the one segment before is longer."""

_NEAR = 0.05
"""Seconds by which a pinned moment and the words in it may differ."""


class ClipWords(BaseModel, frozen=True, extra="forbid"):
    """Words of a clip in a row, with long numbers masked; `is_moment` marks those the line is about."""

    speaker: Speaker
    text: str
    is_moment: bool


class Clip(BaseModel, frozen=True, extra="forbid"):
    """What to play of the recording, in seconds: from the turn before a moment to the end of the moment."""

    start: float
    end: float
    words: tuple[ClipWords, ...] = ()


def clip_of(segments: Sequence[Segment], start: float, end: float) -> Clip:
    """Cut the clip of a moment: it begins a turn earlier, so that one hears what was answered."""
    at = next((i for i, segment in enumerate(segments) if segment.end > start + _NEAR), None)
    if at is None or segments[at].start >= end:
        return Clip(start=start, end=end)
    first = _turn_before(segments, at, start)
    shown = [segment for segment in segments[first:] if segment.start < end]
    words = tuple(piece for segment in shown for piece in _pieces(segment, start, end))
    return Clip(start=min(shown[0].start, start), end=end, words=words)


def _turn_before(segments: Sequence[Segment], at: int, start: float) -> int:
    """Return the first segment of the turn before the one that speaks at `at`."""
    first, other = at, None
    for index in range(at - 1, -1, -1):
        segment = segments[index]
        if index < at - 1 and start - segment.start > MOST_BEFORE:
            break
        if other is not None and segment.speaker != other:
            break
        if segment.speaker != segments[at].speaker:
            other = segment.speaker
        first = index
    return first


def _pieces(segment: Segment, start: float, end: float) -> list[ClipWords]:
    """Return a segment's words up to the end of the moment, those of the moment apart."""
    pieces: list[ClipWords] = []
    for word in segment.timed_words():
        middle = (word.start + word.end) / 2
        if middle > end + _NEAR:
            break
        is_moment, text = middle >= start - _NEAR, word.text.strip()
        if pieces and pieces[-1].is_moment == is_moment:
            text = f"{pieces.pop().text} {text}"
        pieces.append(ClipWords(speaker=segment.speaker, text=text, is_moment=is_moment))
    return pieces
