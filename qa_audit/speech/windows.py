"""Pack a channel's stretches of speech into the windows that are sent to a recogniser."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from qa_audit.speech.protocol import SAMPLE_RATE, Sound, Span

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

KEPT_PAUSE = 0.4
"""Seconds: a shorter pause stays as it is, because context on both sides helps the recogniser."""

PACKED_PAUSE = 0.1
"""Seconds of stillness that stand for a longer pause, beside the rims that spans of speech have."""

SCRAP = 2.0
"""Seconds: what is said within a breath is not torn apart to fill a window by less than this."""

OPEN = 4
"""How many of the newest windows still take in what is said later, where they have room for it."""

LONGEST = 29.5
"""Seconds: whisper hears 30 s at once, and learned from windows that end in a little stillness."""


@dataclass(frozen=True)
class Packing:
    """How windows are made: at most `longest` seconds each, with far speech moved together or not.

    Pauses shorter than `kept_pause` seconds stay as they are.
    """

    longest: float = LONGEST
    joins_far_speech: bool = True
    kept_pause: float = KEPT_PAUSE


@dataclass(frozen=True)
class Piece:
    """An unbroken stretch of the call within a window.

    `offset` is where it begins in the window, `first` and `last` its bounds in the channel, all in samples;
    `spans` are the stretches of speech in it, in seconds of the call.
    """

    offset: int
    first: int
    last: int
    spans: tuple[Span, ...]

    @property
    def end(self) -> int:
        """Return where it ends in the window, in samples."""
        return self.offset + self.last - self.first


@dataclass(frozen=True)
class Window:
    """What a recogniser hears at once: pieces of one channel, with stillness between them."""

    channel: int
    pieces: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        """Return the length."""
        return self.pieces[-1].end / SAMPLE_RATE

    @property
    def start(self) -> float:
        """Return where in the call its first piece begins, in seconds."""
        return self.pieces[0].first / SAMPLE_RATE

    @property
    def end(self) -> float:
        """Return where in the call its last piece ends, in seconds."""
        return self.pieces[-1].last / SAMPLE_RATE

    def sound(self, samples: Sound) -> NDArray[float32]:
        """Return the samples to send, from those of the channel."""
        import numpy as np

        sound = np.zeros(self.pieces[-1].end, np.float32)
        for piece in self.pieces:
            sound[piece.offset : piece.end] = samples[piece.first : piece.last]
        return sound

    def place(self, start: float, end: float) -> Span:
        """Return the call times of a word of this window.

        The word belongs to the piece in or nearest to which its middle lies, and goes into that piece's speech.
        """
        middle = round((start + end) / 2 * SAMPLE_RATE)
        number = max(bisect_right([piece.offset for piece in self.pieces], middle) - 1, 0)
        piece = self.pieces[number]
        if number + 1 < len(self.pieces) and middle - piece.end > self.pieces[number + 1].offset - middle:
            piece = self.pieces[number + 1]
        moved = (piece.first - piece.offset) / SAMPLE_RATE
        return fit(start + moved, end + moved, piece.spans)


def windows_of(
    channel: int,
    spans: Iterable[Span],
    *,
    packing: Packing = Packing(),
    quietest: Callable[[float, float], float] | None = None,
) -> list[Window]:
    """Pack one channel's spans (seconds) into windows, in time order; `channel` is only its number.

    Windows end at pauses. What does not fit into the newest one goes whole into one of the few before it that has
    room, or else is parted. Unbroken speech that is too long for one is cut at the point that
    `quietest(from, to)` names, or else in the middle.
    """
    windows: list[Window] = []
    for group in _groups(spans, packing, quietest):
        rest = group
        if packing.joins_far_speech:
            rest = _filled_up(windows, group, packing.longest)
        if rest:
            windows.append(Window(channel, (_piece(rest, 0),)))
    return windows


def _filled_up(windows: list[Window], group: tuple[Span, ...], longest: float) -> tuple[Span, ...]:
    """Put as much of a group as possible into the windows that are still open; returns what is left over."""
    seconds = group[-1][1] - group[0][0]
    rooms = {number: longest - windows[number].seconds - PACKED_PAUSE for number in _still_open(windows)}
    whole = next((number for number, room in rooms.items() if seconds <= room), None)
    fitting, rest = (group, ()) if whole is not None else _split(group, rooms.get(len(windows) - 1, 0.0))
    if fitting:
        number = len(windows) - 1 if whole is None else whole
        begin = windows[number].pieces[-1].end + round(PACKED_PAUSE * SAMPLE_RATE)
        windows[number] = Window(windows[number].channel, (*windows[number].pieces, _piece(fitting, begin)))
    return rest


def _still_open(windows: Sequence[Window]) -> range:
    return range(max(len(windows) - OPEN, 0), len(windows))


def _split(group: tuple[Span, ...], room: float) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Part a group at a pause into what fits into `room` seconds and the rest, neither of them a mere scrap."""
    if group[-1][1] - group[0][0] <= room:
        return group, ()
    for count in range(len(group) - 1, 0, -1):
        fitting, rest = group[:count], group[count:]
        if fitting[-1][1] - fitting[0][0] <= room:
            whole = min(fitting[-1][1] - fitting[0][0], rest[-1][1] - rest[0][0]) >= SCRAP
            return (fitting, rest) if whole else ((), group)
    return (), group


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch or overlap; empty ones are dropped."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def fit(start: float, end: float, spans: Sequence[Span], shortest: float = 0.02) -> Span:
    """Move a word into the stretch of speech it overlaps most, or else into the nearest one.

    Recognisers let a word last through the pause that follows it; the stretches of speech know better.
    """
    overlap = [min(end, b) - max(start, a) for a, b in spans]
    low, high = spans[overlap.index(max(overlap))]
    begin = min(max(start, low), max(high - shortest, low))
    return begin, min(max(end, begin + shortest), max(high, begin))


def _groups(
    spans: Iterable[Span], packing: Packing, quietest: Callable[[float, float], float] | None
) -> list[tuple[Span, ...]]:
    """Join spans with short pauses between them into groups that fit into a window."""
    groups: list[list[Span]] = []
    for span in merged(spans):
        if groups and span[0] - groups[-1][-1][1] < packing.kept_pause:
            groups[-1].append(span)
        else:
            groups.append([span])
    return [part for group in groups for part in _cut(group, packing.longest, quietest)]


def _cut(
    group: Sequence[Span], longest: float, quietest: Callable[[float, float], float] | None
) -> list[tuple[Span, ...]]:
    if group[-1][1] - group[0][0] <= longest:
        return [tuple(group)]
    if len(group) == 1:
        at = _cut_point(group[0], longest, quietest)
        left, right = [(group[0][0], at)], [(at, group[0][1])]
    else:
        gaps = [b[0] - a[1] for a, b in pairwise(group)]
        place = gaps.index(max(gaps)) + 1
        left, right = list(group[:place]), list(group[place:])
    return _cut(left, longest, quietest) + _cut(right, longest, quietest)


def _cut_point(span: Span, longest: float, quietest: Callable[[float, float], float] | None) -> float:
    """Choose where to cut unbroken speech: in its middle third, so that no piece becomes tiny."""
    start, end = span
    third = min((end - start) / 3, longest / 2)
    low, high = start + third, min(end - third, start + longest)
    return quietest(low, high) if quietest else (low + high) / 2


def _piece(spans: tuple[Span, ...], offset: int) -> Piece:
    return Piece(offset, round(spans[0][0] * SAMPLE_RATE), round(spans[-1][1] * SAMPLE_RATE), spans)
